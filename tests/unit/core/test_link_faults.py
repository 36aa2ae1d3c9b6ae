"""What an attempt to connect ended with, in words."""

import socket
import ssl
from pathlib import Path

import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from core.errors import ConfigError
from core.ports.link_faults import explain, refused
from core.ports.tls import password, tls_context
from core.settings import BrokerSettings, TlsSettings

BROKER = BrokerSettings(host="127.0.0.1", port=8883)


@pytest.mark.parametrize(
    ("error", "code", "lasting", "words"),
    [
        (ConnectionRefusedError(111, "Connection refused"), "link.unreachable", False, "127.0.0.1:8883"),
        (TimeoutError("timed out"), "link.unreachable", False, "timed out"),
        (socket.gaierror(-2, "Name or service not known"), "link.unreachable", False, "cannot be resolved"),
        (ValueError("Invalid host."), "link.unreachable", False, "Invalid host."),
        (ssl.SSLEOFError(8, "EOF occurred"), "link.unreachable", False, "hung up"),
        (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number"), "tls.failed", True, "wrong version"),
        (
            ConfigError("tls.files", "cannot load the TLS files", hint="see [broker.tls]"),
            "tls.files",
            True,
            "TLS files",
        ),
    ],
)
def test_what_passes_by_itself_and_what_needs_a_person(error: Exception, code: str, lasting: bool, words: str) -> None:
    """An address that does not answer may answer later; files and handshakes do not mend themselves."""
    fault = explain(error, BROKER)
    assert (fault.code, fault.lasting) == (code, lasting)
    assert words in fault.message


def test_the_brokers_own_no() -> None:
    """Whom it does not let in must be told to it; a broker that is not ready will be."""
    no = refused("the connection", ReasonCode(PacketTypes.CONNACK, "Not authorized"))
    later = refused("the connection", ReasonCode(PacketTypes.CONNACK, "Server unavailable"))
    assert (no.code, no.lasting, later.lasting) == ("link.refused", True, False)
    assert "Not authorized" in no.message
    assert "password" in no.hint


def test_a_password_comes_from_its_file_as_it_is_now(tmp_path: Path) -> None:
    """The first line, without the newline an editor leaves; an absent file is a sentence, never a traceback."""
    path = tmp_path / "password"
    broker = BrokerSettings(username="a", password_file=path)
    with pytest.raises(ConfigError, match="cannot read the password"):
        password(broker)
    path.write_text("first\nsecond\n")
    assert password(broker) == "first"
    path.write_text("changed")
    assert password(broker) == "changed"
    assert password(BrokerSettings(username="a", password="inline")) == "inline"  # type: ignore[arg-type]


def test_one_password_not_two(tmp_path: Path) -> None:
    """Two sources of one secret are a fault of the settings."""
    with pytest.raises(ValueError, match="not both"):
        BrokerSettings.model_validate({"password": "x", "password_file": tmp_path / "password"})


def test_a_file_that_is_no_certificate(tmp_path: Path) -> None:
    """It is said before anything is sent."""
    path = tmp_path / "ca.pem"
    path.write_text("not a certificate")
    with pytest.raises(ConfigError, match="cannot load the TLS files"):
        tls_context(TlsSettings(ca=path))
