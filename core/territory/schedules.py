"""calendars.toml: programmes (one night) and calendars (which programme in which night)."""

from datetime import time
from enum import StrEnum

from core.territory import values
from core.territory.calendars import Calendar, CalendarException, Period, Programme, Weekday
from core.territory.declarations import Declared
from core.territory.document import Table


class _Day(StrEnum):
    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


def read_calendars(top: Table, found: Declared) -> None:
    """calendars.toml: programmes (one night), calendars (which programme which night)."""
    found.seen.setdefault("programme", {})
    found.seen.setdefault("calendar", {})
    for table in top.tables("programmes"):
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
    for table in top.tables("calendars"):
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
        message = f"the period starts at {start:%H:%M} and ends at {end:%H:%M}"
        table.fault(("to",), "territory.interval", message, "a night runs from noon to noon: 23:00 to 05:00")
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
