"""The traffic radars: what each model says of what passed, as its payloads."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from simulator.almanac import local_hour
from simulator.devices import parametric_tcr as parametric
from simulator.devices import pmx_tcr as pmx

Message = tuple[int, bytes]  # port, payload


class Passed(msgspec.Struct, frozen=True):
    """What passed before a radar until `end_ms`: speeds (km/h) of each direction; its supply, its temperature (°C)."""

    end_ms: int
    left: Sequence[float]  # from the left to the right
    right: Sequence[float]
    supply_v: float
    solar_mw: int
    temperature_c: float


class Radar(Protocol):
    """One model."""

    def announce(self) -> Sequence[Message]:
        """What it sends first after a join."""
        ...

    def report(self, passed: Passed) -> Sequence[Message]:
        """What it sends at the end of an interval, zeros too."""
        ...


class Pmx:
    """PMX TCR: all that passed, and by its first filter what was faster than the limit."""

    def __init__(self, *, speed_limit_kmh: int, solar: bool) -> None:
        self._limit_kmh = speed_limit_kmh
        model, charger = (pmx.Model.SOLAR, (4, 2, 0)) if solar else (pmx.Model.DC, (0, 0, 0))
        self._announced = pmx.encode_device(model, charger=charger)

    def announce(self) -> Sequence[Message]:
        return ((pmx.DEVICE_PORT, self._announced),)

    def report(self, passed: Passed) -> Sequence[Message]:
        limit = self._limit_kmh
        fast = [speed for speed in passed.left if speed > limit], [speed for speed in passed.right if speed > limit]
        return (
            (pmx.ALL_PORT, self._counts(passed, passed.left, passed.right)),
            (pmx.CATEGORY_PORTS[0], self._counts(passed, *fast)),
        )

    @staticmethod
    def _counts(passed: Passed, left: Sequence[float], right: Sequence[float]) -> bytes:
        return pmx.encode_counts(
            pmx.Counts(
                hour=local_hour(passed.end_ms).hour,
                minute=passed.end_ms // 60_000 % 60,
                left_to_right=len(left),
                left_to_right_kmh=_mean(left),
                right_to_left=len(right),
                right_to_left_kmh=_mean(right),
                supply_v=passed.supply_v,
            )
        )


class Parametric:
    """Parametric TCR for high speeds: four classes around the limit."""

    def __init__(self, *, speed_limit_kmh: int, solar: bool, interval_min: int) -> None:
        limit = speed_limit_kmh
        self._limits = ((1, limit // 2), (limit // 2, limit), (limit, limit + 20), (limit + 20, 255))
        self._model = parametric.Model.HIGH_SPEED_SOLAR if solar else parametric.Model.HIGH_SPEED
        self._solar = solar
        self._interval_min = interval_min

    def announce(self) -> Sequence[Message]:
        settings = parametric.Settings(self._model, interval_min=self._interval_min, limits_kmh=self._limits)
        return ((parametric.SETTINGS_PORT, parametric.encode_settings(settings)),)

    def report(self, passed: Passed) -> Sequence[Message]:
        classes = []
        for least, most in self._limits:
            left = [speed for speed in passed.left if least < speed <= most]
            right = [speed for speed in passed.right if least < speed <= most]
            classes.append(parametric.SpeedClass(len(left), _mean(left), len(right), _mean(right)))
        counts = parametric.Counts(
            tuple(classes),
            temperature_c=passed.temperature_c,
            solar_mw=passed.solar_mw if self._solar else 0,
            battery_mv=round(passed.supply_v * 1000) if self._solar else 0,  # the charger measures it
        )
        return ((parametric.COUNT_PORT, parametric.encode_counts(counts)),)


def _mean(speeds: Sequence[float]) -> int:
    return round(sum(speeds) / len(speeds)) if speeds else 0
