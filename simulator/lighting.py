"""What the lamps of a circuit are told, night after night."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta

from core.sun import night_sun_ms
from core.territory.calendars import Calendar, Programme, Step, night_bounds_ms, night_of, steps


class Lighting:
    """The levels of a circuit, for ever: its calendar under the sun of its commune.

    Args:
        calendar: None: every night from sunset to sunrise at 100 %.
    """

    def __init__(
        self, calendar: Calendar | None, programmes: Mapping[str, Programme], *, lat: float, lon: float
    ) -> None:
        self._calendar = calendar
        self._programmes = programmes
        self._lat, self._lon = lat, lon
        self._nights: dict[date, tuple[Step, ...]] = {}  # shared by all lamps of the circuit
        self._sun = (0, 0, 0, 0)  # start and end of the last night asked for, its sunset and sunrise (ms)

    def _night(self, night: date) -> tuple[Step, ...]:
        found = self._nights.get(night)
        if found is None:
            programme = (
                Programme("all-night")
                if self._calendar is None
                else self._programmes[self._calendar.programme_of(night)]
            )
            sunset_ms, sunrise_ms = night_sun_ms(self._lat, self._lon, night)
            found = self._nights[night] = steps(programme, night, sunset_ms=sunset_ms, sunrise_ms=sunrise_ms)
        return found

    def steps_from(self, at_ms: int) -> Iterator[Step]:
        """The step in force at `at_ms` first, then each change of level, without end."""
        night = night_of(at_ms)
        current: Step | None = None
        while True:
            for step in self._night(night):
                if current is not None and step.level_pct == current.level_pct:
                    continue
                if current is not None and step.start_ms > at_ms:
                    yield current
                current = step
            night += timedelta(days=1)

    def is_night(self, at_ms: int) -> bool:
        """True from sunset to sunrise."""
        start_ms, end_ms, sunset_ms, sunrise_ms = self._sun
        if not start_ms <= at_ms < end_ms:
            night = night_of(at_ms)
            sunset_ms, sunrise_ms = night_sun_ms(self._lat, self._lon, night)
            self._sun = (*night_bounds_ms(night), sunset_ms, sunrise_ms)
        return sunset_ms <= at_ms < sunrise_ms
