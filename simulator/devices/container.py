"""The bin itself: how it fills bag by bag, is emptied, burns; and what a sensor under its lid gets back as an echo."""

from bisect import bisect_left
from dataclasses import dataclass
from math import acos, exp, pi, sqrt
from random import Random

from core.territory.model import Geometry, Shape
from simulator.almanac import Hour, local_hour
from simulator.chance import poisson
from simulator.sky import ambient_c

_BURST = 1.35  # bags beside it and on top of it: nobody adds to that
_SLICES = 200
_DAY_S = 86_400.0


def _against_mean(*weights: float) -> tuple[float, ...]:
    mean = sum(weights) / len(weights)
    return tuple(weight / mean for weight in weights)


# what is thrown away in each local hour of a day, against the mean
_WEEKDAY = _against_mean(1, 0, 0, 0, 0, 1, 3, 6, 6, 5, 5, 6, 7, 6, 4, 4, 5, 7, 9, 9, 7, 5, 3, 1)
_WEEKEND = _against_mean(1, 1, 0, 0, 0, 0, 1, 2, 5, 8, 9, 9, 8, 6, 6, 6, 6, 6, 6, 6, 5, 4, 3, 2)
_BY_WEEKDAY = (0.95, 0.9, 0.95, 0.9, 1.05, 1.25, 1.1)
_BY_MONTH = (0.92, 0.9, 0.95, 1.0, 1.03, 1.05, 1.08, 1.1, 1.03, 1.0, 0.94, 1.05)
_HOLIDAYS, _HOLIDAYS_OF_TOURISTS = 0.95, 1.35
_MARKET, _MARKET_HOURS = 3.0, range(8, 15)


@dataclass(frozen=True, slots=True)
class Habits:
    """Who uses a bin. `bag`: the mean share of the bin that one bag takes, 0 to 1.

    `market`: weekday (0 is Monday) of the market beside it; `tourists`: holidays fill it rather than empty the town.
    """

    bags_a_day: float
    bag: float
    market: int | None = None
    tourists: bool = False

    def bags_a_second(self, hour: Hour) -> float:
        """How many bags come, on average, in a second of this hour."""
        day, clock = hour
        by_hour = _WEEKEND if day.sunday or day.weekday >= 5 else _WEEKDAY
        rate = self.bags_a_day / _DAY_S * by_hour[clock]
        rate *= _BY_WEEKDAY[6 if day.sunday else day.weekday] * _BY_MONTH[day.date.month - 1]
        if day.school_holiday:
            rate *= _HOLIDAYS_OF_TOURISTS if self.tourists else _HOLIDAYS
        if day.weekday == self.market and clock in _MARKET_HOURS:
            rate *= _MARKET
        return rate


class Container:
    """A bin and its content. `share` of its volume, 0 to 1 and above when bags lie on top.

    Args:
        lat: degrees north, for the air around it.
        rng: its own.
    """

    def __init__(
        self, geometry: Geometry, habits: Habits, *, at_ms: int, lat: float, share: float, rng: Random
    ) -> None:
        self._geometry = geometry
        self._habits = habits
        self._at_ms = at_ms
        self._lat = lat
        self._rng = rng
        self._bumps_mm = rng.gauss(0.0, 15.0)
        self.share = share
        self.burning_since_ms: int | None = None
        self._burnt_out_ms: int | None = None
        self.lying = False

    @property
    def fill_pct(self) -> float:
        """Of its volume, 0 to 100."""
        return 100.0 * min(1.0, self.share)

    def advance(self, at_ms: int) -> None:
        """Let the time pass up to `at_ms`: bags come; an hour at most is taken at one rate."""
        while (elapsed_ms := at_ms - self._at_ms) > 0:
            step_ms = min(elapsed_ms, 3_600_000)
            self._at_ms += step_ms
            if self.lying or self.burning_since_ms is not None:
                continue
            rate = self._habits.bags_a_second(local_hour(self._at_ms - step_ms // 2))
            if self.share >= 1.0:
                rate *= 0.4  # most people look for another bin
            for _ in range(poisson(self._rng, rate * step_ms / 1000.0)):
                self._throw_in()

    def _throw_in(self) -> None:
        rng = self._rng
        size = self._habits.bag * (0.4 + 1.2 * rng.random())
        if rng.random() < 0.02:
            size *= 5.0  # somebody's cardboard
        self.share = min(_BURST, self.share + size)
        self._bumps_mm = rng.gauss(0.0, 15.0)

    def empty(self) -> None:
        """The truck takes what is in it, but for what sticks."""
        self.share = 0.04 * self._rng.random()
        self._bumps_mm = self._rng.gauss(0.0, 5.0)

    def spill(self) -> None:
        """It falls over: most of what is in it lies beside it."""
        self.lying = True
        self.share *= 0.1 + 0.3 * self._rng.random()

    def right(self) -> None:
        """Somebody puts it on its feet again."""
        self.lying = False

    def catch_fire(self) -> None:
        self.burning_since_ms = self._at_ms

    def burn_out(self) -> None:
        """The fire is out; ash is left."""
        self.share *= 0.1 + 0.15 * self._rng.random()
        self.burning_since_ms, self._burnt_out_ms = None, self._at_ms

    def temperature_c(self) -> float:
        """Under its lid, °C: a little above the air by day; far above it while it burns."""
        celsius = ambient_c(self._lat, self._at_ms)
        if 9 <= local_hour(self._at_ms).hour < 19 and celsius > 8.0:
            celsius += min(8.0, (celsius - 8.0) / 3.0)  # the sun on its lid
        if self.burning_since_ms is not None:
            celsius += 110.0 * (1.0 - exp(-(self._at_ms - self.burning_since_ms) / 150_000.0))
        elif self._burnt_out_ms is not None:
            celsius += 90.0 * exp(-(self._at_ms - self._burnt_out_ms) / 600_000.0)
        return celsius

    def distance_mm(self) -> float:
        """From the sensor to the content: the end of the blind zone when it is full, the bottom when it is empty."""
        return distance_mm(self._geometry, min(1.0, self.share))

    def echo_mm(self, *, odd: float, reach_mm: int) -> int:
        """What an ultrasonic sensor takes for the distance.

        Bags are uneven and sound is noisy; nearer than the blind zone it cannot tell; and now and then (`odd`, a share
        of the measurements) the echo came from a wall, or went twice.
        """
        rng, geometry = self._rng, self._geometry
        if self.lying:
            return min(reach_mm, round(geometry.blind_mm + rng.random() * geometry.height_mm))
        found = self.distance_mm()
        if 0.02 < self.share < 1.0:
            found += self._bumps_mm
        if rng.random() < odd:
            found = found * 2.0 if rng.random() < 0.5 else geometry.blind_mm + rng.random() * found
        found += rng.gauss(0.0, 2.0 + 0.002 * found)
        nearest = geometry.blind_mm + rng.randrange(4)
        return min(reach_mm, max(nearest, round(found)))


def distance_mm(geometry: Geometry, share: float) -> float:
    """The distance at which a sensor sees the content of a bin that is full to this share of its volume (0 to 1)."""
    depth_mm = geometry.height_mm - geometry.blind_mm
    level = _level_of_lying(share) if geometry.shape is Shape.LYING else share
    return geometry.height_mm - level * depth_mm


def _segment(level: float) -> float:
    """The share of a circle's area under a level, both 0 to 1."""
    above = 2.0 * level - 1.0
    return (acos(-above) + above * sqrt(max(0.0, 1.0 - above * above))) / pi


_SEGMENTS = [_segment(index / _SLICES) for index in range(_SLICES + 1)]


def _level_of_lying(share: float) -> float:
    """How high a lying cylinder is filled, both 0 to 1: the segment, the other way round."""
    if share <= 0.0:
        return 0.0
    above = bisect_left(_SEGMENTS, share)
    if above > _SLICES:
        return 1.0
    low, high = _SEGMENTS[above - 1], _SEGMENTS[above]
    return (above - 1 + (share - low) / (high - low)) / _SLICES
