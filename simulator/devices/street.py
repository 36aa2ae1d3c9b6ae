"""The street before a traffic counter: who drives by, when, in which direction and how fast."""

from dataclasses import dataclass
from random import Random

from simulator.almanac import HOUR_MS, Day, local_hour
from simulator.chance import normals, poisson

_HOURS = 24


def _shares(*weights: float) -> tuple[float, ...]:
    """Shares of a day's traffic in each local hour; the first hour follows the last."""
    total = sum(weights)
    return (*(weight / total for weight in weights), weights[0] / total)


# towards the town in the morning, out of it in the evening
_INBOUND = _shares(
    *(0.3, 0.15, 0.1, 0.1, 0.4, 1.5, 4.5, 9.5, 9.0, 5.5, 4.8, 5.0),
    *(5.3, 5.2, 5.0, 5.2, 6.2, 7.0, 6.0, 4.2, 2.6, 1.8, 1.2, 0.7),
)
_OUTBOUND = _shares(
    *(0.5, 0.25, 0.1, 0.1, 0.2, 0.6, 2.0, 4.5, 5.0, 4.5, 4.6, 5.2),
    *(5.6, 5.4, 5.4, 6.2, 8.6, 10.5, 8.8, 5.6, 3.4, 2.4, 1.7, 1.0),
)
_SATURDAY = _shares(
    *(1.0, 0.6, 0.4, 0.3, 0.3, 0.7, 1.4, 2.5, 4.3, 6.2, 7.4, 7.8),
    *(6.4, 6.0, 6.8, 7.2, 7.2, 6.8, 6.0, 4.8, 3.3, 2.4, 2.0, 1.6),
)
_SUNDAY = _shares(
    *(1.2, 0.8, 0.5, 0.4, 0.3, 0.5, 0.9, 1.7, 3.0, 4.6, 6.0, 6.5),
    *(6.0, 5.6, 6.2, 6.6, 6.6, 6.4, 5.8, 4.8, 3.5, 2.4, 1.6, 1.0),
)
_BY_WEEKDAY = (0.98, 1.0, 1.0, 1.03, 1.12, 0.88, 0.65)  # against the mean of the working days
_SCHOOL_HOLIDAY = 0.86
_SPREAD = 0.13  # standard deviation of the speeds, against the limit
_JAM = 0.1  # how much slower the busiest hour is
_NIGHT_HASTE = 0.05


@dataclass(frozen=True, slots=True)
class Street:
    """`vehicles_a_day`: both directions of a working day. `pace`: the mean speed against the limit, about 0.95."""

    vehicles_a_day: float
    speed_limit_kmh: int
    pace: float = 0.95

    def expected(self, start_ms: int, end_ms: int) -> tuple[float, float]:
        """How many drive towards the town and out of it in an interval of at most a few hours, on average."""
        middle_ms = (start_ms + end_ms) // 2
        day, hour = local_hour(middle_ms)
        within = middle_ms % HOUR_MS / HOUR_MS
        one_way = self.vehicles_a_day / 2 * _day_factor(day) * (end_ms - start_ms) / HOUR_MS
        inbound, outbound = _profiles(day)
        return one_way * _between(inbound, hour, within), one_way * _between(outbound, hour, within)

    def passes(self, rng: Random, start_ms: int, end_ms: int) -> tuple[list[float], list[float]]:
        """The speeds (km/h) of all that drive towards the town, and out of it, in an interval."""
        mood = max(0.5, rng.gauss(1.0, 0.08))  # a lorry ahead, rain, a feast somewhere
        hour = local_hour((start_ms + end_ms) // 2).hour
        haste = _NIGHT_HASTE if hour >= 22 or hour < 6 else 0.0
        found = []
        for expected in self.expected(start_ms, end_ms):
            jam = _JAM * min(1.0, expected / (end_ms - start_ms) * HOUR_MS / 700.0)
            mean_kmh = self.speed_limit_kmh * (self.pace + haste - jam)
            found.append(normals(rng, poisson(rng, expected * mood), mean_kmh, self.speed_limit_kmh * _SPREAD))
        return found[0], found[1]


def _day_factor(day: Day) -> float:
    if day.sunday:
        return _BY_WEEKDAY[6]
    return _BY_WEEKDAY[day.weekday] * (_SCHOOL_HOLIDAY if day.school_holiday and day.weekday < 5 else 1.0)


def _profiles(day: Day) -> tuple[tuple[float, ...], tuple[float, ...]]:
    if day.sunday:
        return _SUNDAY, _SUNDAY
    if day.weekday == 5:
        return _SATURDAY, _SATURDAY
    return _INBOUND, _OUTBOUND


def _between(shares: tuple[float, ...], hour: int, within: float) -> float:
    """A share that changes gradually: each hour's own at its middle."""
    if within < 0.5:
        return shares[hour] + (shares[hour - 1 if hour else _HOURS - 1] - shares[hour]) * (0.5 - within)
    return shares[hour] + (shares[hour + 1] - shares[hour]) * (within - 0.5)
