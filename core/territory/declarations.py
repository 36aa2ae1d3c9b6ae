"""The four TOML files of a territory → tenants, sites, profiles, programmes and calendars."""

from dataclasses import dataclass, field
from datetime import time
from enum import StrEnum

from core.territory import geography, values
from core.territory.calendars import Calendar, CalendarException, Period, Programme, Weekday
from core.territory.document import Table
from core.territory.faults import close_to
from core.territory.model import (
    Commune,
    Contact,
    DeviceClass,
    Gateway,
    MacVersion,
    NetworkServer,
    Operator,
    Profile,
    Region,
    Retention,
    Site,
    Tariffs,
    Tenant,
    Thresholds,
)
from core.territory.placements import OPERATOR
from core.territory.tomlplace import KeyPath


class _Day(StrEnum):
    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


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
    found.seen.setdefault("tenant", {})
    found.seen.setdefault("commune", {})
    operator = top.table("operator")
    if operator is None:
        top.fault(
            (), "territory.missing_key", "there is no table [operator]", '[operator] id = "grand-est", name = "…"'
        )
    else:
        ident, name = operator.text("id", values.slug), operator.text("name", values.text)
        if operator.close() and ident and name:
            found.operator = Operator(ident, name)
    defaults = _read_rules(top, (Retention(), Tariffs(), Thresholds()))
    for table in top.tables("tenants", required=True):
        _read_tenant(table, found, defaults)
    top.close()


_Rules = tuple[Retention, Tariffs, Thresholds]


def _read_tenant(table: Table, found: Declared, defaults: _Rules) -> None:
    ident, name = table.text("id", values.slug), table.text("name", values.text)
    found.register("tenant", ident, table, "id")
    if ident == OPERATOR:
        table.fault(("id",), "territory.reserved", f"{OPERATOR} is the operator's own database", "choose another id")
    codes = table.texts("communes", values.insee)
    for below, insee in codes:
        _read_commune(table, found, ident or "", insee, below)
    contacts: list[Contact] = []
    for contact in table.tables("contacts"):
        who, email = contact.text("name", values.text), contact.text("email", values.email)
        if contact.close() and who and email:
            contacts.append(Contact(who, email))
    retention, tariffs, thresholds = _read_rules(table, defaults)
    communes = tuple(insee for _, insee in codes)
    if table.close() and ident and name:
        found.tenants[ident] = Tenant(ident, name, communes, retention, tariffs, thresholds, tuple(contacts))


def _read_commune(table: Table, found: Declared, tenant: str, insee: str, below: KeyPath) -> None:
    official = geography.official().get(insee)
    if official is None:
        table.fault(
            below,
            "territory.unknown_commune",
            f"no commune of the Grand Est has the INSEE code {insee}",
            geography.suggest(insee),
        )
        return
    seen = found.seen["commune"]
    if insee in seen:
        table.fault(
            below,
            "territory.duplicate",
            f"commune {insee} is declared twice, first on line {seen[insee]}",
            "a commune belongs to one tenant",
        )
        return
    seen[insee] = table.place(below).line
    found.communes[insee] = Commune(insee, official.name, tenant, official.lat, official.lon, official.population)


def _read_rules(table: Table, defaults: _Rules) -> _Rules:
    """Retention, tariffs and thresholds of the territory or of one tenant; what is not said is as above it."""
    retention, tariffs, thresholds = defaults
    if below := table.table("retention"):
        raw, long = (
            below.whole("raw_days", 1, 36500, required=False),
            below.whole("long_days", 1, 36500, required=False),
        )
        retention = Retention(raw or retention.raw_days, long or retention.long_days)
        below.close()
    if below := table.table("tariffs"):
        price = below.number("electricity_eur_kwh", 0.01, 10, "€/kWh", required=False)
        tariffs = Tariffs(price or tariffs.electricity_eur_kwh)
        below.close()
    if below := table.table("thresholds"):
        silence = below.number("silence_intervals", 1, 1000, required=False)
        fill = below.number("bin_full_pct", 1, 100, "%", required=False)
        thresholds = Thresholds(silence or thresholds.silence_intervals, fill or thresholds.bin_full_pct)
        below.close()
    return retention, tariffs, thresholds


def read_sites(top: Table, found: Declared) -> None:
    """sites.toml; the communes are known already."""
    applications: dict[str, str] = {}
    gateways: dict[str, str] = {}
    for table in top.tables("sites", required=True):
        ident, name = table.text("id", values.slug), table.text("name", values.text)
        found.register("site", ident, table, "id")
        commune = table.text("commune", values.insee)
        if commune is not None and "tenant" in found.seen and commune not in found.seen["commune"]:
            table.fault(
                ("commune",),
                "territory.commune_of_no_tenant",
                f"no tenant has the commune {commune}",
                "add it to the communes of a tenant in territory.toml",
            )
        lat, lon = table.number("lat", -90, 90, "°"), table.number("lon", -180, 180, "°")
        server = table.text("network_server", values.one_of(NetworkServer))
        ours = table.texts("applications", values.uuid)
        for below, application in ours:
            _claim(applications, application, ident, table, below, "the application")
        radios = [radio for entry in table.tables("gateways") if (radio := _read_gateway(entry, gateways, ident))]
        if not table.close() or ident is None or name is None or commune is None or lat is None or lon is None:
            continue
        tenant = found.communes[commune].tenant if commune in found.communes else ""
        if server is not None:
            found.sites[ident] = Site(
                ident,
                name,
                commune,
                tenant,
                lat,
                lon,
                server,
                tuple(application for _, application in ours),
                tuple(radios),
            )
    top.close()


def _read_gateway(table: Table, owners: dict[str, str], site: str | None) -> Gateway | None:
    eui = table.text("eui", values.eui)
    lat, lon = table.number("lat", -90, 90, "°"), table.number("lon", -180, 180, "°")
    name = table.text("name", values.text, required=False)
    if eui is not None:
        _claim(owners, eui, site, table, ("eui",), "the gateway")
    if not table.close() or eui is None or lat is None or lon is None:
        return None
    return Gateway(eui, lat, lon, name or "")


def _claim(owners: dict[str, str], what: str, site: str | None, table: Table, below: KeyPath, words: str) -> None:
    """One application, one gateway: one site."""
    owner = owners.setdefault(what, site or "")
    if owner != (site or ""):
        table.fault(
            below,
            "territory.two_sites",
            f"{words} {what} belongs to the site {owner} already",
            "an edge subscribes to its own applications alone",
        )


def read_profiles(top: Table, found: Declared) -> None:
    """profiles.toml."""
    for table in top.tables("profiles", required=True):
        ident, name = table.text("id", values.slug), table.text("name", values.text, required=False)
        found.register("profile", ident, table, "id")
        codec = table.text("codec", values.codec)
        region = table.text("region", values.one_of(Region))
        mac = table.text("mac", values.one_of(MacVersion))
        device_class = table.text("class", values.one_of(DeviceClass))
        interval_s = table.whole("expected_interval_s", 10, 31 * 86400, "s")
        if not table.close() or ident is None or codec is None or region is None or mac is None:
            continue
        if device_class is not None and interval_s is not None:
            found.profiles[ident] = Profile(ident, codec, region, mac, device_class, interval_s, name or "")
    top.close()


def read_calendars(top: Table, found: Declared) -> None:
    """calendars.toml: programmes (one night), calendars (which programme which night)."""
    found.seen.setdefault("programme", {})
    found.seen.setdefault("calendar", {})
    for table in top.tables("programmes", required=True):
        ident, name = table.text("id", values.slug), table.text("name", values.text, required=False)
        found.register("programme", ident, table, "id")
        level = table.number("level_pct", 0, 100, "%", required=False)
        sunset = table.number("sunset_offset_min", -180, 180, "min", required=False)
        sunrise = table.number("sunrise_offset_min", -180, 180, "min", required=False)
        periods: list[Period] = []
        for below in table.tables("periods"):
            if period := _read_period(below):
                if any(_overlap(period, other) for other in periods):
                    below.fault((), "territory.overlap", "two periods of one programme overlap")
                periods.append(period)
        if table.close() and ident is not None:
            found.programmes[ident] = Programme(
                ident, name or "", 100.0 if level is None else level, sunset or 0.0, sunrise or 0.0, tuple(periods)
            )
    for table in top.tables("calendars", required=True):
        ident, name = table.text("id", values.slug), table.text("name", values.text, required=False)
        found.register("calendar", ident, table, "id")
        programme = table.text("programme", values.slug)
        found.require("programme", programme, table, ("programme",))
        exceptions = [e for entry in table.tables("exceptions") if (e := _read_exception(entry, found))]
        if table.close() and ident is not None and programme is not None:
            found.calendars[ident] = Calendar(ident, programme, name or "", tuple(exceptions))
    top.close()


def _read_period(table: Table) -> Period | None:
    start, end = table.text("from", values.hour), table.text("to", values.hour)
    level = table.number("level_pct", 0, 100, "%")
    if start is not None and end is not None and _after_noon(start) >= _after_noon(end):
        table.fault(
            ("to",),
            "territory.interval",
            f"the period starts at {start:%H:%M} and ends at {end:%H:%M}",
            "a night runs from noon to noon: 23:00 to 05:00",
        )
    if not table.close() or start is None or end is None or level is None:
        return None
    return Period(start, end, level)


def _after_noon(hour: time) -> int:
    """Minutes since the noon at which the night began."""
    return (hour.hour * 60 + hour.minute - 720) % 1440


def _overlap(a: Period, b: Period) -> bool:
    return _after_noon(a.start) < _after_noon(b.end) and _after_noon(b.start) < _after_noon(a.end)


def _read_exception(table: Table, found: Declared) -> CalendarException | None:
    name, arrete = table.text("name", values.text), table.text("arrete", values.text)
    first, last = table.day("first"), table.day("last")
    programme = table.text("programme", values.slug)
    found.require("programme", programme, table, ("programme",))
    days = table.texts("weekdays", values.one_of(_Day), required=False)
    if first is not None and last is not None and last < first:
        table.fault(("last",), "territory.interval", f"the exception ends on {last}, before it starts on {first}")
    if not table.close() or name is None or arrete is None or first is None or last is None or programme is None:
        return None
    weekdays = frozenset(Weekday[day.name] for _, day in days)
    return CalendarException(name, arrete, first, last, programme, weekdays)
