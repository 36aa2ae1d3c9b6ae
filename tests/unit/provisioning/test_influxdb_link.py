"""Where an administrator's password may travel, and where it may come from."""

import json
from pathlib import Path

import pytest

from core.errors import ConfigError, ExitCode, OperatorError, RejectedError
from provisioning.influxdb.link import Answer, Credentials, Link, basic
from provisioning.influxdb.run import read_credentials, refuse_inside
from provisioning.influxdb.server_v1 import Influx1


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8086", "http://localhost", "http://[::1]:8086/", "https://db.example:1/x"]
)
def test_urls(url: str) -> None:
    """Plain on this machine, https anywhere."""
    assert Link(url).url == url.rstrip("/")


@pytest.mark.parametrize("url", ["http://10.0.0.7:8086", "http://influxdb:8086", "http://example.org"])
def test_no_password_in_clear_off_this_machine(url: str) -> None:
    """The hint has the tunnel."""
    with pytest.raises(ConfigError) as caught:
        Link(url)
    assert (caught.value.code, "ssh -L" in caught.value.hint) == ("influxdb.plain", True)


@pytest.mark.parametrize(
    "url", ["", "127.0.0.1:8086", "ftp://127.0.0.1", "http://", "http://127.0.0.1:99999", "http://127.0.0.1/?q=x"]
)
def test_no_url(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Link(url)
    assert caught.value.code == "influxdb.url"
    assert caught.value.exit_code == ExitCode.SETTINGS


@pytest.mark.parametrize("url", ["http://admin:s3cr3t@127.0.0.1:8086", "http://admin:s3cr3t@127.0.0.1:x"])
def test_a_password_in_the_url_is_refused_and_not_repeated(url: str) -> None:
    """It would be in the shell's history and in `ps`."""
    with pytest.raises(ConfigError) as caught:
        Link(url)
    assert "s3cr3t" not in f"{caught.value!r} {caught.value} {caught.value.hint}"


def test_credentials_come_from_a_private_file_or_the_environment(tmp_path: Path) -> None:
    """The file, of mode 0600, wins; its last line end is not part of it."""
    environment = {"BEFFROI_INFLUXDB_ADMIN_PASSWORD": "p", "BEFFROI_INFLUXDB_ADMIN_TOKEN": "t"}
    assert read_credentials("admin", None, environment) == Credentials("admin", "p", "t")
    assert read_credentials("admin", None, {}) == Credentials("admin", "", "")
    file = tmp_path / "admin"
    file.write_text(" from file \n")
    file.chmod(0o600)
    assert read_credentials("admin", file, environment).password == " from file "
    file.chmod(0o640)
    with pytest.raises(ConfigError) as caught:
        read_credentials("admin", file, environment)
    assert caught.value.code == "secrets.mode"
    assert "p" not in repr(Credentials("x", "p", "p")).replace("Credentials", "")


@pytest.mark.parametrize("user", ["", "a:b"])
def test_a_user_that_cannot_be_one(user: str) -> None:
    with pytest.raises(ConfigError):
        read_credentials(user, None, {})


def test_secrets_stay_out_of_the_territory(tmp_path: Path) -> None:
    """Also by a link or a detour."""
    territory = tmp_path / "territory"
    territory.mkdir()
    (tmp_path / "link").symlink_to(territory)
    for inside in (territory / "s.toml", tmp_path / "link" / "s.toml", territory / "x" / ".." / "s.toml"):
        with pytest.raises(ConfigError) as caught:
            refuse_inside(territory, inside)
        assert caught.value.code == "secrets.in_territory"
    refuse_inside(territory, tmp_path / "s.toml")


def test_answers() -> None:
    """What a server says of a refusal is one short line, whatever it sends."""
    assert Answer(401, {}, b'{"error":"authorization failed"}').told() == "401 authorization failed"
    assert Answer(422, {}, b'{"code":"x","message":"why"}').told() == "422 why"
    assert Answer(500, {}, b"<html>").told() == "status 500"
    assert Answer(500, {}, b"[]").told() == "status 500"
    assert len(Answer(500, {}, json.dumps({"error": "x" * 10_000}).encode()).told()) < 400
    with pytest.raises(RejectedError):
        Answer(200, {}, b"<html>").json()
    assert basic("é", "ü") == {"Authorization": "Basic w6k6w7w="}


class OpenServer(Link):
    """Answers everyone: authentication is off."""

    def request(self, *asked: object, **more: object) -> Answer:
        return Answer(200, {}, b'{"results":[{"statement_id":0}]}')


def test_a_server_that_asks_nobody_is_refused_off_this_machine() -> None:
    """On it: a warning; elsewhere its data are everyone's, and no account made there would protect anything."""
    assert (
        "AUTHENTICATION IS OFF"
        in Influx1(OpenServer("http://127.0.0.1"), "1.8.10", Credentials(), generate=str).warnings[0]
    )
    with pytest.raises(OperatorError) as caught:
        Influx1(OpenServer("https://db.example"), "1.8.10", Credentials(), generate=str)
    assert (caught.value.code, "auth-enabled" in caught.value.hint) == ("influxdb.unprotected", True)
