"""Why there is no connection to a broker: a code, one sentence and what to do, from what the libraries raised."""

import contextlib
import socket
import ssl
from datetime import UTC, datetime
from typing import Any

from paho.mqtt.reasoncodes import ReasonCode

from core.errors import ConfigError
from core.ports.link_events import LinkFault
from core.ports.tls import tls_context
from core.settings import BrokerSettings, TlsSettings

_LOOK_S = 5.0
_NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME, which the ssl module has no name for
_NOT_YET_VALID, _EXPIRED = 9, 10  # Source: OpenSSL, X509_STORE_CTX_get_error(3)
_UNKNOWN_AUTHORITY = frozenset({2, 18, 19, 20, 21})
_OTHER_NAME = frozenset({62, 64})
_UNAVAILABLE = 136  # CONNACK: the broker itself is not ready


def explain(error: Exception, broker: BrokerSettings) -> LinkFault:
    """What an attempt to connect ended with.

    A connection refused or timed out passes by itself; settings and certificates need a person.
    """
    where = f"{broker.host}:{broker.port}"
    match error:
        case ConfigError():
            return LinkFault(error.code, error.message, error.hint, lasting=True)
        case ssl.SSLCertVerificationError():
            return _of_certificate(error, broker)
        case ssl.SSLEOFError() | ssl.SSLZeroReturnError():
            return LinkFault("link.unreachable", f"{where} hung up during the TLS handshake")
        case ssl.SSLError():
            said = f"no TLS with {where}: {error}"
            return LinkFault("tls.failed", said, "is this the broker's TLS port?", lasting=True)
        case socket.gaierror():
            return LinkFault("link.unreachable", f"the name {broker.host} cannot be resolved: {error.strerror}")
        case OSError():
            return LinkFault("link.unreachable", f"{where} cannot be reached: {error.strerror or error}")
        case _:
            return LinkFault("link.unreachable", f"{where} cannot be reached: {error}")


def refused(what: str, code: ReasonCode) -> LinkFault:
    """The broker's own no, to `what`: the connection, or a subscription."""
    return LinkFault(
        "link.refused",
        f"the broker refuses {what}: {code}",
        "" if code.value == _UNAVAILABLE else "check user and password, and the broker's users and ACL",
        lasting=code.value != _UNAVAILABLE,
    )


def _of_certificate(error: ssl.SSLCertVerificationError, broker: BrokerSettings) -> LinkFault:
    assert broker.tls is not None
    where, code = f"{broker.host}:{broker.port}", error.verify_code
    if code in (_EXPIRED, _NOT_YET_VALID):
        return _of_time(broker, broker.tls, expired=code == _EXPIRED)
    if code in _OTHER_NAME:
        names = ", ".join(name for _, name in _look(broker, broker.tls).get("subjectAltName", ()))
        said = f"the certificate of {where} is for {names or 'other names'}, not for {broker.host}"
        return LinkFault("tls.name", said, "`host` must be a name of the certificate", lasting=True)
    if code in _UNKNOWN_AUTHORITY:
        known = str(broker.tls.ca) if broker.tls.ca else "this system"
        said = f"the certificate of {where} comes from an authority that {known} does not know"
        return LinkFault("tls.authority", said, "put the authority's certificate into the file `tls.ca`", lasting=True)
    return LinkFault("tls.failed", f"the certificate of {where}: {error.verify_message}", lasting=True)


def _of_time(broker: BrokerSettings, tls: TlsSettings, *, expired: bool) -> LinkFault:
    """Which certificate is out of its time: the broker's own, or an authority's."""
    key, verb = ("notAfter", "expired on") if expired else ("notBefore", "is not valid before")
    certificate, which = _look(broker, tls), f"the certificate of {broker.host}:{broker.port}"
    if not certificate or _is_in_time(certificate):
        late = [authority for authority in _authorities(tls) if not _is_in_time(authority)]
        certificate, which = (late[0], f"the authority in {tls.ca}") if late else ({}, f"an authority of {which}")
    name = _common_name(certificate)
    at = _time(certificate[key]) if key in certificate else None
    said = f"{which}{f' ({name})' if name else ''} {verb} {f'{at:%Y-%m-%d %H:%M} UTC' if at else 'an unknown date'}"
    if expired:
        hint = "renew it (deploy/README.md); the connection comes back by itself, nothing is lost meanwhile"
        return LinkFault("tls.expired", said, hint, lasting=True)
    return LinkFault("tls.not_yet_valid", said, f"this host's clock says {_now():%Y-%m-%d %H:%M} UTC", lasting=True)


def _look(broker: BrokerSettings, tls: TlsSettings) -> dict[str, Any]:
    """The broker's certificate, from a handshake that asks for authority alone, not for time or name.

    Nothing is sent over it. Empty when it cannot be had.
    """
    with contextlib.suppress(OSError, ConfigError):
        context = tls_context(tls)
        context.check_hostname = False
        context.verify_flags |= _NO_CHECK_TIME
        with (
            socket.create_connection((broker.host, broker.port), _LOOK_S) as plain,
            context.wrap_socket(plain, server_hostname=broker.host) as stream,
        ):
            return dict(stream.getpeercert() or {})
    return {}


def _authorities(tls: TlsSettings) -> list[dict[str, Any]]:
    """What the file `tls.ca` holds; nothing for the system's own."""
    with contextlib.suppress(ConfigError):
        return [dict(authority) for authority in tls_context(tls).get_ca_certs()] if tls.ca else []
    return []


def _is_in_time(certificate: dict[str, Any]) -> bool:
    return _time(certificate["notBefore"]) <= _now() <= _time(certificate["notAfter"])


def _common_name(certificate: dict[str, Any]) -> str:
    pairs = [pair for names in certificate.get("subject", ()) for pair in names]
    return next((str(value) for key, value in pairs if key == "commonName"), "")


def _time(text: str) -> datetime:
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(text), UTC)


def _now() -> datetime:
    return datetime.now(UTC)
