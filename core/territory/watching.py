"""territory.toml, below `[[tenants]]` and `[operator]`: `contacts`, `severities`, `maintenance`."""

import re
from typing import NamedTuple
from urllib.parse import urlsplit

from core.territory import values
from core.territory.alerting import KINDS, ROAD, Contact, Maintenance, Quiet, Severity
from core.territory.document import Table
from core.territory.faults import close_to, show
from core.territory.tomlplace import KeyPath
from core.territory.values import BadValueError

_SPAN = re.compile(r"([0-9]{2}:[0-9]{2})\s*[-–]\s*([0-9]{2}:[0-9]{2})")
_CODE = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)+")
_MOST_MIN = 7 * 24 * 60
_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


class Reference(NamedTuple):
    """An id that a maintenance names, to be looked up once all files are read."""

    table: Table
    below: KeyPath
    what: str  # commune, circuit or asset
    ident: str
    tenant: str  # whose it must be; empty: anybody's


class Alerting(NamedTuple):
    """What one tenant, or the operator, declares."""

    contacts: tuple[Contact, ...]
    severities: dict[str, Severity]
    maintenance: tuple[Maintenance, ...]
    references: list[Reference]


def read_alerting(table: Table, *, tenant: str) -> Alerting:
    """Of `[[tenants]]`, or of `[operator]` (`tenant` is empty)."""
    references: list[Reference] = []
    return Alerting(
        _read_contacts(table),
        _read_severities(table),
        tuple(one for below in table.tables("maintenance") if (one := _read_maintenance(below, tenant, references))),
        references,
    )


def _read_contacts(table: Table) -> tuple[Contact, ...]:
    contacts: dict[str, Contact] = {}
    for below in table.tables("contacts"):
        name = below.text("name", values.text)
        email = below.text("email", values.email, required=False)
        webhook = below.text("webhook", _url, required=False)
        severities = below.texts("severities", values.one_of(Severity), required=False)
        quiet = below.text("quiet", _span, required=False)
        escalate = below.whole("escalate_after_min", 1, _MOST_MIN, "min", required=False)
        if name in contacts:
            below.fault(("name",), "territory.duplicate", f"there are two contacts named {name}", "name them apart")
        if below.close() and name and not (email or webhook):
            below.fault((), "territory.missing_key", "a contact has an email, a webhook or both")
        elif below.fault_count == 0 and name:
            wanted = frozenset(one for _, one in severities) or Contact(name).severities
            contacts[name] = Contact(name, email or "", webhook or "", wanted, quiet, escalate)
    return tuple(contacts.values())


def _read_severities(table: Table) -> dict[str, Severity]:
    found: dict[str, Severity] = {}
    for below in table.tables("severities"):
        kind, severity = below.text("kind", _kind), below.text("severity", values.one_of(Severity))
        if kind in found:
            below.fault(("kind",), "territory.duplicate", f"the severity of {kind} is said twice")
        if below.close() and kind and severity:
            found[kind] = severity
    return found


def _read_maintenance(table: Table, tenant: str, references: list[Reference]) -> Maintenance | None:
    start_ms, end_ms = table.instant_ms("from"), table.instant_ms("to")
    reason = table.text("reason", values.text)
    named: dict[str, frozenset[str]] = {}
    for key, what, read in (
        ("communes", "commune", values.insee),
        ("circuits", "circuit", values.ident),
        ("assets", "asset", values.ident),
    ):
        found = table.texts(key, read, required=False)
        references += [Reference(table, below, what, ident, tenant) for below, ident in found]
        named[key] = frozenset(ident for _, ident in found)
    if start_ms is not None and end_ms is not None and end_ms <= start_ms:
        table.fault(("to",), "territory.interval", "the maintenance ends before it starts, or at once")
    if not table.close() or start_ms is None or end_ms is None or reason is None:
        return None
    return Maintenance(start_ms, end_ms, reason, named["communes"], named["circuits"], named["assets"])


def _span(value: str) -> Quiet:
    """Local hours, as 22:00-07:00."""
    parts = _SPAN.fullmatch(value)
    if parts is None:
        raise BadValueError("hours", f"{show(value)} is not a span of hours", "from-to, local: 22:00-07:00")
    start, end = values.hour(parts[1]), values.hour(parts[2])
    if start == end:
        raise BadValueError("hours", f"{show(value)} begins as it ends", "from-to, local: 22:00-07:00")
    return Quiet(start, end)


def _url(value: str) -> str:
    """Where a webhook is: https, or http on this machine; whatever opens it is no part of it."""
    hint = "an https URL, such as https://hooks.example.org/beffroi"
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError as error:
        raise BadValueError("url", f"{show(value)} is not a URL", hint) from error
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise BadValueError("url", "a webhook's URL holds neither credentials nor a question", "secrets live apart")
    if parts.scheme not in ("http", "https") or not parts.hostname or not value.isascii() or re.search(r"\s", value):
        raise BadValueError("url", f"{show(value)} is not the URL of a webhook", hint)
    if parts.scheme == "http" and parts.hostname not in _THIS_MACHINE:
        raise BadValueError("url", f"{show(parts.hostname)} is not this machine: what is said would be open", hint)
    return value


def _kind(value: str) -> str:
    """Of an alarm; a condition of beffroi itself is `road.` and its code."""
    if value in KINDS or (value.startswith(ROAD) and _CODE.fullmatch(value)):
        return value
    raise BadValueError("kind", f"{show(value)} is not a kind of alarm", close_to(value, KINDS))
