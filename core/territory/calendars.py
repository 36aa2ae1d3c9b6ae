"""When the lamps of a circuit shall burn, and how bright: programmes by night, exceptions by municipal arrêté.

Hours are local (Europe/Paris). A night runs from noon to noon and has the date of the day on which it begins, so
that 23:00–05:00 is one night's, and so is the night of a change to or from summer time.
Source: TALQ 2.7.1, calendars with `dayOffset` 12 (noon to noon), rules by order in the list.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from enum import IntEnum
from zoneinfo import ZoneInfo

import msgspec

PARIS = ZoneInfo("Europe/Paris")
_NOON = time(12)


class Weekday(IntEnum):
    """As `date.weekday`; a night has the weekday of the evening on which it begins."""

    MON = 0
    TUE = 1
    WED = 2
    THU = 3
    FRI = 4
    SAT = 5
    SUN = 6


class Period(msgspec.Struct, frozen=True):
    """From `start` to just before `end`, local, the lamps burn at `level_pct`; 0 is extinction."""

    start: time
    end: time
    level_pct: float = 0.0


class Programme(msgspec.Struct, frozen=True):
    """One night: `level_pct` from sunset to sunrise (each moved by an offset, minutes), but for its periods."""

    id: str
    name: str = ""
    level_pct: float = 100.0
    sunset_offset_min: float = 0.0
    sunrise_offset_min: float = 0.0
    periods: tuple[Period, ...] = ()


class CalendarException(msgspec.Struct, frozen=True):
    """Nights `first` to `last` (of these weekdays, when given) follow another programme, by this arrêté."""

    name: str
    arrete: str
    first: date
    last: date
    programme: str
    weekdays: frozenset[Weekday] = frozenset()

    def holds(self, night: date) -> bool:
        return self.first <= night <= self.last and (not self.weekdays or night.weekday() in self.weekdays)


class Calendar(msgspec.Struct, frozen=True):
    """Every night `programme`, but for the exceptions; the first that holds wins."""

    id: str
    programme: str
    name: str = ""
    exceptions: tuple[CalendarException, ...] = ()

    def programme_of(self, night: date) -> str:
        return next((e.programme for e in self.exceptions if e.holds(night)), self.programme)


class Step(msgspec.Struct, frozen=True):
    """From `start_ms` until the next step the lamps burn at `level_pct`."""

    start_ms: int
    level_pct: float


def night_of(at_ms: int) -> date:
    """The night (its date) to which an instant belongs: at noon, local, the next one begins."""
    local = datetime.fromtimestamp(at_ms / 1000, PARIS)
    return local.date() if local.time() >= _NOON else local.date() - timedelta(days=1)


def night_bounds_ms(night: date) -> tuple[int, int]:
    """Start and end (ms UTC) of a night: 24 h, but 23 or 25 where summer time begins or ends."""
    return _local_ms(night, _NOON), _local_ms(night + timedelta(days=1), _NOON)


def steps(programme: Programme, night: date, *, sunset_ms: int, sunrise_ms: int) -> tuple[Step, ...]:
    """The levels of one night, from noon to noon; the first step starts at noon, neighbours differ.

    Args:
        sunset_ms: of the evening of `night`.
        sunrise_ms: of the morning after it.
    An hour that the clock shows twice counts the first time; one that it skips counts as if it had not.
    """
    noon_ms, end_ms = night_bounds_ms(night)
    on_ms = sunset_ms + round(programme.sunset_offset_min * 60_000)
    off_ms = sunrise_ms + round(programme.sunrise_offset_min * 60_000)
    spans = [(_hour_ms(night, p.start), _hour_ms(night, p.end), p.level_pct) for p in programme.periods]
    edges = {noon_ms, on_ms, off_ms, *(start for start, _, _ in spans), *(end for _, end, _ in spans)}
    found: list[Step] = []
    for at_ms in sorted(edge for edge in edges if noon_ms <= edge < end_ms):
        level = 0.0
        if on_ms <= at_ms < off_ms:
            level = next((pct for start, end, pct in spans if start <= at_ms < end), programme.level_pct)
        if not found or found[-1].level_pct != level:
            found.append(Step(at_ms, level))
    return tuple(found)


def level_at(night_steps: Sequence[Step], at_ms: int) -> float:
    """The level (%) of a night's steps at an instant of that night."""
    started = [step for step in night_steps if step.start_ms <= at_ms]
    return started[-1].level_pct if started else 0.0


def expected_level_pct(
    calendar: Calendar, programmes: Mapping[str, Programme], at_ms: int, *, sunset_ms: int, sunrise_ms: int
) -> float:
    """How bright (0 to 100 %) the lamps of a circuit with this calendar shall burn at an instant.

    Args:
        sunset_ms: of the evening of `night_of(at_ms)`.
        sunrise_ms: of the morning after it.
    """
    night = night_of(at_ms)
    programme = programmes[calendar.programme_of(night)]
    return level_at(steps(programme, night, sunset_ms=sunset_ms, sunrise_ms=sunrise_ms), at_ms)


def _hour_ms(night: date, hour: time) -> int:
    """An hour of the night: of its evening, or of the morning after it."""
    return _local_ms(night if hour >= _NOON else night + timedelta(days=1), hour)


def _local_ms(day: date, hour: time) -> int:
    return round(datetime.combine(day, hour, PARIS).astimezone(UTC).timestamp() * 1000)
