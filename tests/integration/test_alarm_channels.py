"""Alarms arrive: by real SMTP and real HTTP, in this process; and when they cannot, they are tried again."""

import hashlib
import hmac
import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from cloud.check import _notify
from cloud.settings import CloudSettings
from cloud.watch.alarms.alarm import ChannelName, Recipient
from cloud.watch.alarms.channels.email import EmailChannel
from cloud.watch.alarms.channels.opening import open_channels
from cloud.watch.alarms.channels.webhook import WebhookChannel
from cloud.watch.alarms.desk import AlarmDesk
from cloud.watch.alarms.messages import Lane, Message, Text
from cloud.watch.alarms.settings import NotifySettings, SmtpSettings
from cloud.watch.model import Severity
from core.errors import BeffroiError, ExitCode, NotConnected, RejectedError, Throttled
from core.territory import Contact
from tests.conftest import require
from tests.servers.hooks import HookServer
from tests.servers.mail import PASSWORD, USER, MailServer
from tests.support import certificates
from tests.support.alarm_scene import ALL, HOUR_MS, MINUTE_MS, NOON_MS, by_key, finding, scene
from tests.support.certificates import Authority


def message(
    address: str = "mairie@ccpvm.example", *, channel: ChannelName = ChannelName.EMAIL, attempts: int = 1
) -> Message:
    lane = Lane(Recipient("ccpvm", "Mairie"), channel, urgent=False)
    text = Text(
        "[beffroi] À traiter : 1 bac plein – Éloyes", "Ligne 1\n.\nDernière ligne, à 80 %\n", {"tenant": "ccpvm"}
    )
    return Message(1, lane, address, "abc123-1", text, NOON_MS, NOON_MS, attempts=attempts)


def smtp(port: int, **changed: Any) -> EmailChannel:
    known = {"host": "localhost", "port": port, "security": "none", "sender": "Beffroi <beffroi@operator.example>"}
    return EmailChannel(SmtpSettings.model_validate(known | changed))


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


@pytest.fixture
def hooks() -> Iterator[HookServer]:
    with HookServer() as server:
        yield server


def test_a_letter_is_what_people_can_read(mail: MailServer) -> None:
    """Its text whole, accents and lone dots too; its identity the same at every attempt."""
    smtp(mail.port).send(message(), NOON_MS)
    smtp(mail.port).send(message(attempts=2), NOON_MS + MINUTE_MS)
    first, second = mail.letters
    assert mail.envelopes[0].mail_from == "beffroi@operator.example"
    assert mail.envelopes[0].rcpt_tos == ["mairie@ccpvm.example"]
    assert first["Subject"] == "[beffroi] À traiter : 1 bac plein – Éloyes"
    assert (first["To"], first["From"]) == ("mairie@ccpvm.example", "Beffroi <beffroi@operator.example>")
    assert first.get_content().replace("\r\n", "\n") == "Ligne 1\n.\nDernière ligne, à 80 %\n"
    assert first["Date"] == "Tue, 25 Nov 2025 12:00:00 +0000"
    assert first["Message-ID"] == second["Message-ID"] == "<abc123-1@operator.example>"
    assert (first["Auto-Submitted"], first["Beffroi-Attempt"]) == ("auto-generated", None)
    assert second["Beffroi-Attempt"] == "2; Tue, 25 Nov 2025 12:01:00 +0000"


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_the_server_is_checked_and_logged_in_to(tmp_path: Path, security: str) -> None:
    """Nothing is said to a server whose certificate does not hold: no password, no letter."""
    require(certificates.find(), certificates.INSTALL_HINT)
    authority, other = Authority(tmp_path / "ca"), Authority(tmp_path / "other", "another")
    secure = {"security": security, "username": USER, "password": PASSWORD}
    with MailServer(pair=authority.sign("mail"), implicit=security == "tls", login=True) as server:
        smtp(server.port, ca=authority.ca, **secure).send(message(), NOON_MS)
        assert len(server.letters) == 1
        assert smtp(server.port, ca=authority.ca, **secure).probe() == f"localhost:{server.port} lets us in"
        with pytest.raises(NotConnected) as wrong:
            smtp(server.port, ca=authority.ca, **secure | {"password": "wrong"}).send(message(), NOON_MS)
        assert wrong.value.code == "smtp.login"
        assert PASSWORD not in str(wrong.value)
        for distrusted in (smtp(server.port, ca=other.ca, **secure), smtp(server.port, **secure)):
            with pytest.raises(NotConnected) as stranger:
                distrusted.send(message(), NOON_MS)
            assert stranger.value.code == "smtp.certificate"
        with pytest.raises(NotConnected) as named:
            smtp(server.port, host="127.0.0.1", ca=authority.ca, **secure).send(message(), NOON_MS)
        assert named.value.code == "smtp.certificate", "the certificate is localhost's"
        assert len(server.letters) == 1


def test_a_server_without_encryption_gets_no_password(mail: MailServer) -> None:
    """Where the settings ask for STARTTLS."""
    with pytest.raises(NotConnected) as refused:
        smtp(mail.port, security="starttls", username=USER, password=PASSWORD).send(message(), NOON_MS)
    assert refused.value.code == "smtp.security"


def test_check_tries_the_mail_server_and_sends_nothing(mail: MailServer, tmp_path: Path) -> None:
    """And says for whom webhooks are signed; out of reach is exit code 5, a secrets file that is open 78."""
    secrets = tmp_path / "secrets.toml"
    secrets.write_text('[webhook.sign]\nccpvm = "hush"\n')
    secrets.chmod(0o600)
    server = {"host": "localhost", "port": mail.port, "security": "none", "sender": "beffroi@operator.example"}
    known = CloudSettings(
        folder=tmp_path,
        territory=tmp_path,
        notify=NotifySettings.model_validate({"smtp": server, "webhook": {"secrets": secrets}}),
    )
    assert [(one.name, one.ok, one.text) for one in _notify(known)] == [
        ("notify.webhook", True, "webhooks are signed for: ccpvm"),
        ("notify.smtp", True, f"localhost:{mail.port} lets us in"),
    ]
    assert mail.letters == []
    secrets.chmod(0o644)
    closed = server | {"port": 1, "timeout_s": 0.5}
    gone = known.model_copy(
        update={"notify": NotifySettings.model_validate({"smtp": closed, "webhook": {"secrets": secrets}})}
    )
    assert [one.exit_code for one in _notify(gone)] == [ExitCode.SETTINGS, ExitCode.UNREACHABLE]


@pytest.mark.parametrize(
    ("reply", "kind"), [("550 5.1.1 no such user", RejectedError), ("450 4.2.1 mailbox busy", Throttled)]
)
def test_later_and_never_are_told_apart(mail: MailServer, reply: str, kind: type[BeffroiError]) -> None:
    """By the server's reply, to the recipient or to the text."""
    mail.refusals["mairie@ccpvm.example"] = reply
    with pytest.raises(kind, match=reply):
        smtp(mail.port).send(message(), NOON_MS)
    smtp(mail.port).send(message("autre@ccpvm.example"), NOON_MS)
    mail.reply = reply
    with pytest.raises(kind, match=reply):
        smtp(mail.port).send(message("autre@ccpvm.example"), NOON_MS)
    assert len(mail.letters) == 1


@pytest.mark.parametrize("address", ["maire\n@ccpvm.example", "mairé@ccpvm.example"])
def test_an_address_that_no_letter_can_have_is_given_up(mail: MailServer, address: str) -> None:
    """It would fail for ever, and hide what is wrong."""
    with pytest.raises(RejectedError):
        smtp(mail.port).send(message(address), NOON_MS)


def test_a_server_that_is_not_there_or_says_nothing_is_tried_later() -> None:
    """Refused at once; silent for as long as the settings say."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(NotConnected) as waiting:
            smtp(port, timeout_s=0.2).send(message(), NOON_MS)
        hook = WebhookChannel(secrets=dict, timeout_s=0.2)
        with pytest.raises(NotConnected):
            hook.send(message(f"http://127.0.0.1:{port}/", channel=ChannelName.WEBHOOK), NOON_MS)
    with pytest.raises(NotConnected) as closed:
        smtp(port).send(message(), NOON_MS)
    with pytest.raises(NotConnected):
        hook.send(message(f"http://127.0.0.1:{port}/", channel=ChannelName.WEBHOOK), NOON_MS)
    assert waiting.value.code == closed.value.code == "smtp.unreachable"


def test_a_webhook_is_json_that_can_be_checked(hooks: HookServer, tmp_path: Path) -> None:
    """Signed with the tenant's secret over time and body; another tenant's has none."""
    secrets = tmp_path / "secrets.toml"
    secrets.write_text('[webhook.sign]\nccpvm = "hush"\n')
    secrets.chmod(0o600)
    channel = open_channels(NotifySettings.model_validate({"webhook": {"secrets": secrets}}))[ChannelName.WEBHOOK]
    channel.send(message(hooks.url, channel=ChannelName.WEBHOOK), NOON_MS)
    (post,) = hooks.posts
    assert json.loads(post.body) == {"version": 1, "id": "abc123-1", "attempt": 1, "tenant": "ccpvm"}
    assert (post.path, post.headers["Content-Type"]) == ("/beffroi", "application/json")
    expected = hmac.new(b"hush", f"{NOON_MS}.".encode() + post.body, hashlib.sha256).hexdigest()
    assert post.headers["Beffroi-Signature"] == f"t={NOON_MS},v1={expected}"
    secrets.write_text('[webhook.sign]\nesternay = "other"\n')
    channel.send(message(hooks.url, channel=ChannelName.WEBHOOK), NOON_MS)
    assert "Beffroi-Signature" not in hooks.posts[1].headers
    secrets.unlink()
    with pytest.raises(NotConnected, match="there is no file"):
        channel.send(message(hooks.url, channel=ChannelName.WEBHOOK), NOON_MS)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (201, None),
        (302, RejectedError),
        (400, RejectedError),
        (404, RejectedError),
        (429, Throttled),
        (500, Throttled),
        (503, Throttled),
        (0, NotConnected),
    ],
)
def test_a_webhooks_answer_says_whether_to_try_again(
    hooks: HookServer, status: int, kind: type[BeffroiError] | None
) -> None:
    """2xx is taken; redirections are not followed."""
    hooks.status, hooks.location = status, "http://127.0.0.1:1/elsewhere" if status == 302 else ""
    channel = WebhookChannel(secrets=dict, timeout_s=5)
    if kind is None:
        channel.send(message(hooks.url, channel=ChannelName.WEBHOOK), NOON_MS)
    else:
        with pytest.raises(kind):
            channel.send(message(hooks.url, channel=ChannelName.WEBHOOK), NOON_MS)
    assert len(hooks.posts) == 1


def test_alarms_arrive_by_both_ways(tmp_path: Path, mail: MailServer, hooks: HookServer) -> None:
    """Ten thousand devices fall silent: two letters and one hook for two contacts; a server that is away for a while
    loses and doubles nothing; one that hangs up after it took the text gets it twice, with one identity."""
    known = NotifySettings.model_validate(
        {
            "smtp": {"host": "localhost", "port": mail.port, "security": "none", "sender": "beffroi@operator.example"},
            "webhook": {},
        }
    )
    contacts = (
        Contact("Mairie", "mairie@ccpvm.example", severities=ALL),
        Contact("Voirie", "voirie@ccpvm.example", hooks.url, ALL),
    )
    here = scene(*contacts, lamps=10_000)
    silent = by_key(finding(f"lamp-{n}", "silence.device", Severity.NOTICE, commune="88383") for n in range(10_000))
    with ExitStack() as opened:
        desk = AlarmDesk.open(tmp_path, channels=open_channels(known), linger_s=known.linger_s)
        opened.callback(desk.close)
        desk.look(silent, here, NOON_MS)
        mail.reply = "451 try again"
        assert desk.deliver(NOON_MS + MINUTE_MS) == 1, "the hook"
        mail.reply, mail.hangs_up = "", True
        assert desk.deliver(NOON_MS + 2 * MINUTE_MS) == 0
        mail.hangs_up = False
        assert desk.deliver(NOON_MS + 10 * MINUTE_MS) == 2
        assert desk.deliver(NOON_MS + HOUR_MS) == 0
    to = [envelope.rcpt_tos[0] for envelope in mail.envelopes]
    twice = to[0]  # when the first hung up, the other was left for later
    assert sorted(to) == sorted(["mairie@ccpvm.example", "voirie@ccpvm.example", twice])
    assert mail.letters[0]["Message-ID"] in {letter["Message-ID"] for letter in mail.letters[1:]}
    assert len({letter["Message-ID"] for letter in mail.letters}) == 2
    assert "10\u202f000 capteurs ne donnent plus de nouvelles" in mail.letters[0].get_content()
    (post,) = hooks.posts
    said = json.loads(post.body)
    assert (said["version"], said["tenant"], said["contact"], said["count"]) == (1, "ccpvm", "Voirie", 10_000)
    assert len(said["alarms"]) == 500
