"""How Grafana is asked: which organisation, what is tried again, and what its refusals become."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from core.errors import BeffroiError, ConfigError, ExitCode, NotConnected, OperatorError, RejectedError, Throttled
from grafana.api import Grafana
from grafana.client import (
    Client,
    ConflictError,
    Credentials,
    MissingError,
    NotReadyError,
    organisation_header,
    read_credentials,
)
from tests.support.grafana_scene import Hands, Scene

Answers = Callable[[httpx.Request], httpx.Response]
URL = "http://127.0.0.1:3000"


@pytest.fixture
def asked() -> list[httpx.Request]:
    return []


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def client(asked: list[httpx.Request], hands: Hands) -> Iterator[Callable[..., Client]]:
    """A client of answers in turn; the last one stays."""
    made: list[Client] = []

    def make(*answers: tuple[int, object] | Exception) -> Client:
        left = list(answers)

        def respond(request: httpx.Request) -> httpx.Response:
            asked.append(request)
            answer = left.pop(0) if len(left) > 1 else left[0]
            if isinstance(answer, Exception):
                raise answer
            status, body = answer
            return httpx.Response(status, text=body) if isinstance(body, str) else httpx.Response(status, json=body)

        transport = httpx.MockTransport(respond)
        made.append(Client(URL, Credentials("admin", "geheim"), pause=hands.pause, transport=transport))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_the_header_chooses_the_organisation(client: Callable[..., Client], asked: list[httpx.Request]) -> None:
    """For this call alone; never in the address, which would move the user for good."""
    one = client((200, []))
    one.call("GET", "/api/folders", org=7)
    one.call("GET", "/api/orgs")
    assert [request.headers.get("x-grafana-org-id") for request in asked] == ["7", None]
    assert all("orgId" not in str(request.url) for request in asked)
    assert (one.requests[7], one.requests[0]) == (1, 1)


@pytest.mark.parametrize("org", [0, -1, True, 1.0, "7", None, "abc"])
def test_what_is_no_organisation_never_becomes_a_header(org: object) -> None:
    """Grafana would act on another one."""
    with pytest.raises(ValueError, match="no organisation"):
        organisation_header(org)  # type: ignore[arg-type]


def test_no_method_of_the_api_reaches_another_organisation(client: Callable[..., Client]) -> None:
    """What the server calls an organisation is checked when it is read, too."""
    for wrong in (0, "2", None, True):
        with pytest.raises(RejectedError) as caught:
            Grafana(client((200, {"orgId": wrong}))).create_organisation("X")
        assert caught.value.code == "grafana.not_understood"


def test_a_locked_sqlite_is_asked_again(client: Callable[..., Client], hands: Hands) -> None:
    """A 500, a few times, with growing pauses; each try is counted."""
    one = client((500, {"message": "Internal Server Error"}), (500, {}), (200, {"ok": 1}))
    assert one.call("PUT", "/api/folders/x", org=3, body={}) == {"ok": 1}
    assert (hands.pauses, one.requests[3]) == ([0.25, 0.5], 3)


def test_a_500_that_stays_is_told(client: Callable[..., Client], hands: Hands) -> None:
    """After four tries."""
    with pytest.raises(RejectedError) as caught:
        client((500, {"message": "Folder API error"})).call("POST", "/api/folders", org=3, body={})
    assert (caught.value.code, "Folder API error" in caught.value.message) == ("grafana.failed", True)
    assert hands.pauses == [0.25, 0.5, 1.0]


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (400, {"message": "bad request data"}, RejectedError, "grafana.rejected"),
        (401, {"message": "Invalid username or password"}, OperatorError, "grafana.refused"),
        (403, {"message": "You'll need additional permissions"}, OperatorError, "grafana.forbidden"),
        (404, "", MissingError, "grafana.missing"),
        (409, {"message": "Organization name taken"}, ConflictError, "grafana.conflict"),
        (412, {"message": "changed by someone else"}, ConflictError, "grafana.conflict"),
        (429, "", Throttled, "grafana.throttled"),
        (302, "<a>Found</a>", RejectedError, "grafana.redirected"),
        (502, "<html>", NotConnected, "grafana.not_ready"),
        (503, "", NotConnected, "grafana.not_ready"),
        (500, {"messageId": "alerting.notification.configMissing"}, NotReadyError, "grafana.no_alertmanager"),
        (200, "<html>", RejectedError, "grafana.not_understood"),
    ],
)
def test_every_refusal_is_one_of_ours(
    status: int,
    body: object,
    kind: type[BeffroiError],
    code: str,
    client: Callable[..., Client],
    asked: list[httpx.Request],
    hands: Hands,
) -> None:
    """With what to do next; none of these is tried again, a 401 least of all."""
    with pytest.raises(kind) as caught:
        client((status, body)).call("GET", "/api/x", org=2)
    assert caught.value.code == code
    assert caught.value.hint
    assert "geheim" not in f"{caught.value} {caught.value.hint}"
    assert (len(asked), hands.pauses) == (1, [])


@pytest.mark.parametrize(
    "error", [httpx.ConnectError("Connection refused"), httpx.ReadTimeout("timed out"), httpx.ReadError("reset")]
)
def test_no_answer(error: httpx.HTTPError, client: Callable[..., Client], asked: list[httpx.Request]) -> None:
    """Unreachable, exit code 5; what was sent may have been done, so it is not sent again."""
    with pytest.raises(NotConnected) as caught:
        client(error).call("POST", "/api/orgs", body={})
    assert (caught.value.code, caught.value.exit_code) == ("grafana.unreachable", ExitCode.UNREACHABLE)
    assert len(asked) == 1


def test_after_five_wrong_passwords_the_right_one_is_refused() -> None:
    """As recorded; so one wrong password costs one try, and the hint says how long to wait."""
    scene = Scene()
    with Client(URL, Credentials("admin", "wrong"), transport=scene.double.transport()) as wrong:
        for _ in range(5):
            with pytest.raises(OperatorError) as caught:
                wrong.call("GET", "/api/orgs")
    assert len(scene.double.asked) == 5
    assert "5 minutes" in caught.value.hint
    with scene.grafana() as grafana, pytest.raises(OperatorError):
        grafana.organisations()


@pytest.mark.parametrize("url", ["http://127.0.0.1:3000", "http://[::1]/", "https://tower.example/grafana/"])
def test_urls(url: str) -> None:
    """Plain on this machine, https anywhere, also under a path."""
    with Client(url, Credentials("admin", "x")) as client:
        assert client.url == url.rstrip("/")


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://10.0.0.7:3000", "grafana.plain"),
        ("http://tower.example", "grafana.plain"),
        ("ftp://127.0.0.1", "grafana.url"),
        ("127.0.0.1:3000", "grafana.url"),
        ("http://127.0.0.1:99999", "grafana.url"),
        ("http://127.0.0.1/?orgId=2", "grafana.url"),
        ("https://admin:s3cr3t@tower.example", "grafana.url"),
        ("https://admin:s3cr3t@tower.example:x", "grafana.url"),
    ],
)
def test_urls_that_are_refused(url: str, code: str) -> None:
    """A password never travels in clear, and one in the address is not repeated."""
    with pytest.raises(ConfigError) as caught:
        Client(url, Credentials("admin", "x"))
    assert caught.value.code == code
    assert "s3cr3t" not in f"{caught.value!r} {caught.value} {caught.value.hint}"


def test_credentials(tmp_path: Path) -> None:
    """From a private file, else from the environment; never shown."""
    environment = {"BEFFROI_GRAFANA_ADMIN_PASSWORD": "p4ss"}
    assert read_credentials("admin", None, environment) == Credentials("admin", "p4ss")
    assert "p4ss" not in repr(Credentials("admin", "p4ss"))
    file = tmp_path / "admin"
    file.write_text("from file\n")
    file.chmod(0o600)
    assert read_credentials("admin", file, environment).password == "from file"
    file.chmod(0o644)
    for user, path, known in (("admin", file, environment), ("admin", None, {}), ("a:b", None, environment)):
        with pytest.raises(ConfigError):
            read_credentials(user, path, known)


def test_pages_are_read_to_the_end(client: Callable[..., Client], asked: list[httpx.Request]) -> None:
    """More organisations than one answer holds."""
    first = [{"id": number, "name": f"o{number}"} for number in range(1, 1001)]
    found = Grafana(client((200, first), (200, [{"id": 1001, "name": "o1001"}]))).organisations()
    assert (len(found), found[-1]) == (1001, (1001, "o1001"))
    assert [request.url.params["page"] for request in asked] == ["0", "1"]


def test_names_are_quoted_in_addresses(client: Callable[..., Client], asked: list[httpx.Request]) -> None:
    """A slash or a blank in a group's title is part of it."""
    Grafana(client((200, {}))).put_rule_group(2, "f", "a/b c?", {"rules": []})
    assert asked[0].url.raw_path == b"/api/v1/provisioning/folder/f/rule-groups/a%2Fb%20c%3F"
    assert json.loads(asked[0].content) == {"rules": []}
