"""What the TOML files declare, and the first of them: territory.toml (operator, tenants, their communes)."""

from dataclasses import dataclass, field

import msgspec

from core.territory import geography, values
from core.territory.calendars import Calendar, Programme
from core.territory.document import Table
from core.territory.faults import close_to
from core.territory.model import (
    Commune,
    Operator,
    Profile,
    Retention,
    Site,
    Tariffs,
    Tenant,
    Thresholds,
    threshold_bounds,
)
from core.territory.placements import OPERATOR
from core.territory.tomlplace import KeyPath
from core.territory.watching import Reference, read_alerting

_Rules = tuple[Retention, Tariffs, Thresholds]
_BOUNDS = threshold_bounds()


@dataclass
class Declared:
    """What the TOML files declare. Ids of faulty tables are kept too (`seen`): references to them are no faults."""

    operator: Operator | None = None
    tenants: dict[str, Tenant] = field(default_factory=dict)
    communes: dict[str, Commune] = field(default_factory=dict)
    sites: dict[str, Site] = field(default_factory=dict)
    profiles: dict[str, Profile] = field(default_factory=dict)
    programmes: dict[str, Programme] = field(default_factory=dict)
    calendars: dict[str, Calendar] = field(default_factory=dict)
    seen: dict[str, dict[str, int]] = field(default_factory=dict)  # what → id → line
    references: list[Reference] = field(default_factory=list)
    communes_whole: bool = False  # all lists of communes could be read: a commune that is in none has no tenant

    def register(self, what: str, ident: str | None, table: Table, key: str) -> None:
        """Note an id, and report it when it is not the first."""
        if ident is None:
            return
        known = self.seen.setdefault(what, {})
        if ident in known:
            table.fault(
                (key,), "territory.duplicate", f"{what} {ident} is declared twice, first on line {known[ident]}"
            )
        else:
            known[ident] = table.place((key,)).line

    def require(self, what: str, ident: str | None, table: Table, below: KeyPath) -> None:
        """Report a reference to nothing."""
        known = self.seen.get(what)
        if ident is not None and known is not None and ident not in known:
            table.fault(below, f"territory.unknown_{what}", f"there is no {what} {ident}", close_to(ident, known))


def read_territory(top: Table, found: Declared) -> None:
    """territory.toml: operator, tenants, their communes."""
    found.seen.setdefault("commune", {})
    found.communes_whole = True
    defaults = _read_rules(top, (Retention(), Tariffs(), Thresholds()))
    if operator := top.table("operator", required=True):
        ident, name = operator.text("id", values.slug), operator.text("name", values.text)
        contacts, severities, maintenance, references = read_alerting(operator, tenant="")
        found.references += references
        if operator.close() and ident and name:
            found.operator = Operator(ident, name, defaults[2], contacts, severities, maintenance)
    before = top.fault_count
    for table in top.tables("tenants", required=True):
        _read_tenant(table, found, defaults)
    found.communes_whole &= top.fault_count == before
    top.close()


def _read_tenant(table: Table, found: Declared, defaults: _Rules) -> None:
    ident, name = table.text("id", values.slug), table.text("name", values.text)
    found.register("tenant", ident, table, "id")
    if ident == OPERATOR:
        table.fault(("id",), "territory.reserved", f"{OPERATOR} is the operator's own database", "choose another id")
    before = table.fault_count
    codes = table.texts("communes", values.insee)
    found.communes_whole &= table.fault_count == before
    for below, insee in codes:
        _read_commune(table, found, ident or "", insee, below)
    contacts, severities, maintenance, references = read_alerting(table, tenant=ident or "")
    found.references += references
    retention, tariffs, thresholds = _read_rules(table, defaults)
    communes = tuple(insee for _, insee in codes)
    if table.close() and ident and name:
        found.tenants[ident] = Tenant(
            ident, name, communes, retention, tariffs, thresholds, contacts, severities, maintenance
        )


def _read_commune(table: Table, found: Declared, tenant: str, insee: str, below: KeyPath) -> None:
    seen = found.seen["commune"]
    if insee in seen:
        message = f"commune {insee} is declared twice, first on line {seen[insee]}"
        table.fault(below, "territory.duplicate", message, "a commune belongs to one tenant")
        return
    seen[insee] = table.place(below).line
    official = geography.official().get(insee)
    if official is None:
        message = f"no commune of the Grand Est has the INSEE code {insee}"
        table.fault(below, "territory.unknown_commune", message, geography.suggest(insee))
        return
    found.communes[insee] = Commune(insee, official.name, tenant, official.lat, official.lon, official.population)


def _read_rules(table: Table, defaults: _Rules) -> _Rules:
    """Retention, tariffs and thresholds of the territory or of one tenant; what is not said is as above it."""
    retention, tariffs, thresholds = defaults
    if below := table.table("retention"):
        raw = below.whole("raw_days", 1, 36500, required=False)
        long = below.whole("long_days", 1, 36500, required=False)
        retention = Retention(raw or retention.raw_days, long or retention.long_days)
        below.close()
    if below := table.table("tariffs"):
        price = below.number("electricity_eur_kwh", 0.01, 10, "€/kWh", required=False)
        tariffs = Tariffs(price or tariffs.electricity_eur_kwh)
        below.close()
    if below := table.table("thresholds"):
        declared = {name: below.number(name, *bounds, required=False) for name, bounds in _BOUNDS.items()}
        below.close()
        known = {name: value for name, value in declared.items() if value is not None}
        thresholds = msgspec.structs.replace(thresholds, **known)
    return retention, tariffs, thresholds
