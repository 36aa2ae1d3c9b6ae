"""What the lamps of a circuit shall do, and when a switched circuit has power: its calendar under the sun of a commune.

Exceptions by arrêté are the calendar's. Nights are reckoned once, in absolute time, whatever the clock on the wall
does, and kept by the day (UTC): thousands of lamps share a few dozen plans, and a look at one is a bisection.
"""

import weakref
from bisect import bisect_right
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple

from core.sun import night_sun_ms
from core.territory import Asset, Supply, Territory
from core.territory.calendars import Calendar, Programme, Step, steps

MINUTE_MS: Final = 60_000
DAY_MS: Final = 86_400_000
_REACH_DAYS: Final = 31  # how far a change is looked for: a circuit may be dark for a season
_KEPT_DAYS: Final = 1000
_FAR_MS: Final = 2**53
_STEPS_BACK: Final = 16  # more than a night has


class Span(NamedTuple):
    """From `start_ms` until just before `end_ms` the lamps shall burn at `level_pct`; its neighbours differ.

    `starts_by_sun`, `ends_by_sun`: it is the sun that switches, not the clock.
    """

    start_ms: int
    end_ms: int
    level_pct: float
    starts_by_sun: bool = False
    ends_by_sun: bool = False


class _Day(NamedTuple):
    """The spans that touch a day, whole, and the two nights it has a part in: sunset, sunrise, sunset, sunrise."""

    starts_ms: tuple[int, ...]
    spans: tuple[Span, ...]
    sun_ms: tuple[int, int, int, int]


class Nights:
    """The nights of one calendar in one commune, as far as they were asked for."""

    def __init__(self, calendar: Calendar, programmes: Mapping[str, Programme], *, lat: float, lon: float) -> None:
        self._calendar = calendar
        self._programmes = programmes
        self._lat, self._lon = lat, lon
        self._steps: dict[date, tuple[Step, ...]] = {}
        self._by_sun_ms: set[int] = set()  # when the sun switches, in the nights of `_steps`
        self._days: dict[int, _Day] = {}

    def day(self, number: int) -> _Day:
        """The day that begins `number` × 24 h after the epoch."""
        found = self._days.get(number)
        if found is None:
            if len(self._days) >= _KEPT_DAYS:
                self._days, self._steps, self._by_sun_ms = {}, {}, set()
            found = self._days[number] = self._reckon(number)
        return found

    def _reckon(self, number: int) -> _Day:
        start_ms, end_ms = number * DAY_MS, (number + 1) * DAY_MS
        today = datetime.fromtimestamp(start_ms / 1000, UTC).date()
        eve = today - timedelta(days=1)
        changes = _changes([*self._night(eve), *self._night(today)])
        night = eve
        for _ in range(_REACH_DAYS):  # the change before this day
            if len(changes) > 1 and changes[1].start_ms <= start_ms:
                break
            night -= timedelta(days=1)
            changes = _changes([*self._night(night), *changes])
        night = today
        for _ in range(_REACH_DAYS):  # and the one after it
            if changes[-1].start_ms >= end_ms:
                break
            night += timedelta(days=1)
            changes = _changes([*changes, *self._night(night)])
        ends_ms = [*(step.start_ms for step in changes[1:]), _FAR_MS]
        spans = tuple(
            Span(step.start_ms, until_ms, step.level_pct, step.start_ms in self._by_sun_ms, until_ms in self._by_sun_ms)
            for step, until_ms in zip(changes, ends_ms, strict=True)
            if step.start_ms < end_ms and until_ms > start_ms
        )
        sun_ms = (*night_sun_ms(self._lat, self._lon, eve), *night_sun_ms(self._lat, self._lon, today))
        return _Day(tuple(span.start_ms for span in spans), spans, sun_ms)

    def _night(self, night: date) -> tuple[Step, ...]:
        found = self._steps.get(night)
        if found is None:
            programme = self._programmes[self._calendar.programme_of(night)]
            sunset_ms, sunrise_ms = night_sun_ms(self._lat, self._lon, night)
            found = self._steps[night] = steps(programme, night, sunset_ms=sunset_ms, sunrise_ms=sunrise_ms)
            self._by_sun_ms.add(sunset_ms + round(programme.sunset_offset_min * MINUTE_MS))
            self._by_sun_ms.add(sunrise_ms + round(programme.sunrise_offset_min * MINUTE_MS))
        return found


def _changes(found: list[Step]) -> list[Step]:
    """Without the steps that change nothing."""
    return [step for at, step in enumerate(found) if at == 0 or step.level_pct != found[at - 1].level_pct]


class Plan:
    """What the lamps of a circuit shall do. Instants are ms UTC.

    `switched`: without power while the level is 0.
    """

    __slots__ = ("_nights", "switched")

    def __init__(self, nights: Nights, *, switched: bool) -> None:
        self._nights = nights
        self.switched = switched

    def span(self, at_ms: int) -> Span:
        """The level at an instant, since when and until when (a month away at least, where no change is near)."""
        day = self._nights.day(at_ms // DAY_MS)
        return day.spans[bisect_right(day.starts_ms, at_ms) - 1]

    def level_pct(self, at_ms: int) -> float:
        """How bright they shall burn, 0 to 100 %."""
        day = self._nights.day(at_ms // DAY_MS)
        return day.spans[bisect_right(day.starts_ms, at_ms) - 1].level_pct

    def next_change_ms(self, at_ms: int) -> int | None:
        """When the level will be another; None: not within a month."""
        end_ms = self.span(at_ms).end_ms
        return None if end_ms == _FAR_MS else end_ms

    def is_day(self, at_ms: int) -> bool:
        """Whether the sun is up."""
        before, up, down, after = self._nights.day(at_ms // DAY_MS).sun_ms
        return not (before <= at_ms < up or down <= at_ms < after)

    def is_powered(self, at_ms: int) -> bool:
        """Whether there is power at the lamp."""
        return not self.switched or self.level_pct(at_ms) > 0

    def last_off(self, at_ms: int) -> Span | None:
        """The newest span without light that has begun; None: none for a while."""
        span = self.span(at_ms)
        for _ in range(_STEPS_BACK):
            if span.level_pct == 0:
                return span
            span = self.span(span.start_ms - 1)
        return None

    def powered_spans(self, start_ms: int, end_ms: int) -> list[tuple[int, int]]:
        """When there is power at the lamp, within a period: (from, until just before)."""
        if not self.switched:
            return [(start_ms, end_ms)] if start_ms < end_ms else []
        found: list[tuple[int, int]] = []
        at_ms = start_ms
        while at_ms < end_ms:
            span = self.span(at_ms)
            until_ms = min(span.end_ms, end_ms)
            if span.end_ms == _FAR_MS:  # that is how far it was looked for
                until_ms = min(end_ms, at_ms + DAY_MS)
            if span.level_pct > 0:
                if found and found[-1][1] == at_ms:  # dimmed, but never without power
                    found[-1] = (found[-1][0], until_ms)
                else:
                    found.append((at_ms, until_ms))
            at_ms = until_ms
        return found


class _Plans:
    """The plans of one territory."""

    def __init__(self, territory: Territory) -> None:
        self.territory = weakref.ref(territory)
        self.by_place: dict[tuple[str, str], Plan] = {}  # (circuit, commune)
        self.nights: dict[tuple[str, str], Nights] = {}  # (calendar, commune)

    def make(self, territory: Territory, circuit: str, commune: str) -> Plan:
        if circuit == _NO_CIRCUIT:
            return Plan(
                self._nights(territory, _SUN, {_SUN.programme: Programme(_SUN.programme)}, commune), switched=False
            )
        declared = territory.circuits[circuit]
        nights = self._nights(territory, territory.calendars[declared.calendar], territory.programmes, commune)
        return Plan(nights, switched=declared.supply is Supply.SWITCHED)

    def _nights(
        self, territory: Territory, calendar: Calendar, programmes: Mapping[str, Programme], commune: str
    ) -> Nights:
        nights = self.nights.get((calendar.id, commune))
        if nights is None:
            place = territory.communes[commune]
            nights = self.nights[calendar.id, commune] = Nights(calendar, programmes, lat=place.lat, lon=place.lon)
        return nights


_NO_CIRCUIT: Final = ""
_SUN: Final = Calendar("", "from sunset to sunrise")
_known: dict[int, _Plans] = {}  # by the identity of a territory, as long as it lives


def plan_of(territory: Territory, asset: Asset) -> Plan | None:
    """What a lamp shall do; None: it is on no circuit."""
    return None if asset.circuit is None else _plan(territory, asset.circuit, asset.commune)


def sun_of(territory: Territory, asset: Asset) -> Plan:
    """From sunset to sunrise over the asset's commune: when a lamp may burn of which nothing else is known."""
    return _plan(territory, _NO_CIRCUIT, asset.commune)


def _plan(territory: Territory, circuit: str, commune: str) -> Plan:
    plans = _known.get(id(territory))
    if plans is None or plans.territory() is not territory:
        ident = id(territory)
        plans = _known[ident] = _Plans(territory)
        weakref.finalize(territory, _known.pop, ident, None)
    place = (circuit, commune)
    plan = plans.by_place.get(place)
    if plan is None:
        plan = plans.by_place[place] = plans.make(territory, circuit, commune)
    return plan
