"""The secrets file is read again, whoever notices first that it changed."""

from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from cloud.stores.influxdb import credentials as module
from cloud.stores.influxdb.client import Answer, authorization
from cloud.stores.influxdb.credentials import Credentials
from cloud.stores.influxdb.sending import Sender
from core.errors import StorageError
from core.secrets import Secrets, load_secrets


def write(path: Path, password: str) -> None:
    fresh = path.with_name("fresh")
    fresh.write_text(f'[influxdb.write]\nccpvm = "w:{password}"\nesternay = "w:{password}"\n')
    fresh.chmod(0o600)
    fresh.replace(path)


def test_a_file_replaced_while_it_is_read_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was read is then the old one: it must not pass for the new one."""
    path = tmp_path / "secrets.toml"
    write(path, "old")

    def load_and_replace(path: Path) -> Secrets:
        loaded = load_secrets(path)
        write(path, "new")
        return loaded

    with monkeypatch.context() as patch:
        patch.setattr(module, "load_secrets", load_and_replace)
        credentials = Credentials(path, read_only=False)
    assert credentials.renew()
    assert credentials.of("ccpvm") == "w:new"


class Server:
    """Knows the new password alone; while it answers the first write, another thread reads the new file."""

    def __init__(self, meanwhile: object) -> None:
        self.meanwhile = meanwhile

    def write(self, _bucket: str, _organisation: str, _lines: bytes, *, secret: str | None) -> Answer:
        if secret == "w:new":
            return Answer(204, b"", "", None)
        self.meanwhile()  # type: ignore[operator]
        return Answer(401, b"", "", None)


def test_a_password_that_another_thread_renewed_is_used(tmp_path: Path) -> None:
    """Two tenants are written to at once when their passwords change: neither is refused."""
    path = tmp_path / "secrets.toml"
    write(path, "old")
    credentials = Credentials(path, read_only=False)
    write(path, "new")
    server: Any = Server(credentials.renew)
    with closing(Sender(server, credentials, organisation="-", on_refusal=lambda _database: None)) as sender:
        assert sender.post("esternay", []) is None


@pytest.mark.parametrize("secret", ['"""w:hidden\n"""', '"w:hidden\\u0000"'])
def test_a_secret_that_no_request_can_carry_refuses_its_own_tenant(tmp_path: Path, secret: str) -> None:
    """A line end that came along with a pasted token: the others go on, and the secret is not quoted."""
    path = tmp_path / "secrets.toml"
    path.write_text(f'[influxdb.write]\nccpvm = {secret}\nesternay = "w:fine"\n')
    path.chmod(0o600)
    credentials = Credentials(path, read_only=False)
    with pytest.raises(StorageError) as caught:
        credentials.of("ccpvm")
    assert "ccpvm" in caught.value.message
    assert "hidden" not in f"{caught.value.message} {caught.value.hint}"
    assert credentials.of("esternay") == "w:fine"


def test_a_password_of_any_alphabet_is_sent() -> None:
    """InfluxDB takes it as UTF-8; a header given as text could not carry it."""
    connection = HTTPConnection("127.0.0.1")
    connection.putrequest("POST", "/")
    for name, value in authorization("w:né€").items():
        connection.putheader(name, value)
    assert connection._buffer[-1] == "Authorization: Token w:né€".encode()  # type: ignore[attr-defined]
