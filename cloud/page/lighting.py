"""Which lamps should be lit now: their circuit's calendar under the sun of their commune. Pure."""

from collections.abc import Mapping

from core.sun import night_sun_ms
from core.territory.calendars import Calendar, Programme, Step, level_at, night_bounds_ms, night_of, steps

_NONE = Programme("all-night")  # a lamp without a circuit: from sunset to sunrise


class Schedule:
    """What the lamps of one calendar in one commune shall do. It remembers the night it was last asked about.

    Args:
        calendar: None: every night from sunset to sunrise.
    """

    def __init__(
        self, calendar: Calendar | None, programmes: Mapping[str, Programme], *, lat: float, lon: float
    ) -> None:
        self._calendar = calendar
        self._programmes = programmes
        self._lat, self._lon = lat, lon
        self._bounds_ms = (0, 0)
        self._steps: tuple[Step, ...] = ()
        self._sun_ms = (0, 0)

    def is_lit(self, now_ms: int) -> bool:
        """True when the lamps shall burn, at whatever level."""
        self._remember(now_ms)
        return level_at(self._steps, now_ms) > 0

    def is_day(self, now_ms: int) -> bool:
        """True from sunrise to sunset."""
        self._remember(now_ms)
        sunset_ms, sunrise_ms = self._sun_ms
        return not sunset_ms <= now_ms < sunrise_ms

    def _remember(self, now_ms: int) -> None:
        start_ms, end_ms = self._bounds_ms
        if start_ms <= now_ms < end_ms:
            return
        night = night_of(now_ms)
        programme = _NONE if self._calendar is None else self._programmes[self._calendar.programme_of(night)]
        self._sun_ms = sunset_ms, sunrise_ms = night_sun_ms(self._lat, self._lon, night)
        self._steps = steps(programme, night, sunset_ms=sunset_ms, sunrise_ms=sunrise_ms)
        self._bounds_ms = night_bounds_ms(night)
