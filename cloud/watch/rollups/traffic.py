"""What an hour of a counter comes to: how many passed, in how much counted time, how fast, and over the limit. Pure.

Nobody passed is `vehicles_count` 0 in some `measured_s`; no measurement has neither: a silent counter has no point,
and what a switched-off radar sends is not counted. A lost uplink loses its vehicles and its time: the intensity is that
of the time that was counted.

Over the limit are those of the classes that hold only what is faster than the limit. Which these are, the device says
after a join (Parametric), or the territory (`traffic_fast_category`, for filters like PMX's); where classes part all
vehicles and nothing was said, those whose mean is over the limit: exact when one begins at the limit, as one sets them.
"""

from collections.abc import Mapping, Sequence
from math import log
from types import MappingProxyType
from typing import Final, NamedTuple

from cloud.stores.base import Point
from cloud.watch.model import Combine, Watched
from core.model import Domain
from core.quantities.states import Switch
from core.territory.model import Kind

_LEFT_TO_RIGHT: Final = frozenset({"left", "ltr"})
_LONGER: Final = 1.5  # expected intervals between two counts: nothing was lost
_PAIRED: Final = 0.5  # of an interval: a filter's frame belongs to the count that is nearer
_NO_CLASS: Final = 9.0  # beyond those that there are: all are slower than the limit
_CELL_V: Final = 5.0  # a supply below it is one lithium cell, above it the mains
V85_VEHICLES: Final = 100
"""Of fewer the 85th percentile is not given: its standard error is 1.5 / √n of the spread, a sixth of it at 100."""
V85_PCT: Final = (15.0, 80.0)
"""The shares over the limit between which two means tell the 85th percentile (`v85_kmh`)."""


class TrafficRollup:
    """`speed_sum_kmh` over `speed_count` vehicles; `fast_count` of `classed_count` were over `speed_limit_kmh`, and
    `fast_sum_kmh` is the sum of their speeds. The rest is where its counters stand.
    """

    measurement: str = Domain.TRAFFIC
    fields: Mapping[str, Combine] = MappingProxyType(
        {
            "vehicles_count": Combine.SUM,
            "vehicles_ltr_count": Combine.SUM,
            "vehicles_rtl_count": Combine.SUM,
            "measured_s": Combine.SUM,
            "speed_count": Combine.SUM,
            "speed_sum_kmh": Combine.SUM,
            "classed_count": Combine.SUM,
            "fast_count": Combine.SUM,
            "fast_sum_kmh": Combine.SUM,
            "speed_limit_kmh": Combine.LAST,
            "battery_min_v": Combine.MIN,
            "counted_ms": Combine.LAST,
            "count_interval_s": Combine.LAST,
            "radar_off": Combine.LAST,
            "fast_class": Combine.LAST,
        }
    )

    def concerns(self, watched: Watched) -> bool:
        return watched.asset.kind is Kind.COUNTER

    def hour(
        self,
        points: Sequence[Point],
        before: Mapping[str, float],
        watched: Watched,
        start_ms: int,  # noqa: ARG002 - a count belongs to the hour in which it is told
    ) -> dict[str, float]:
        return _Hour(points, before, watched).fields()

    def derive(self, fields: Mapping[str, float]) -> dict[str, float]:
        """`vehicles_per_h`, `speed_mean_kmh`, `over_limit_pct`, `v85_kmh`: each where its figures are there."""
        made: dict[str, float] = {}
        measured_s, measured = fields.get("measured_s", 0.0), fields.get("speed_count", 0.0)
        if measured_s:
            made["vehicles_per_h"] = fields["vehicles_count"] * 3600.0 / measured_s
        if measured:
            made["speed_mean_kmh"] = fields["speed_sum_kmh"] / measured
        classed, fast = fields.get("classed_count", 0.0), fields.get("fast_count", 0.0)
        if classed:
            made["over_limit_pct"] = 100.0 * fast / classed
        limit_kmh = fields.get("speed_limit_kmh")
        if limit_kmh is not None and fast and classed >= V85_VEHICLES:
            speed_kmh = v85_kmh(limit_kmh, made["over_limit_pct"], fields["fast_sum_kmh"] / fast)
            if speed_kmh is not None:
                made["v85_kmh"] = speed_kmh
        return made


def v85_kmh(limit_kmh: float, over_pct: float, mean_over_kmh: float) -> float | None:
    """The speed that 85 % do not pass, from how many pass the limit and by how much on average.

    A mean alone fits an exponential distribution best (the one of greatest entropy): above the limit the vehicles grow
    fewer with the scale of their mean excess. Against normal speeds that is right to a tenth of their standard
    deviation, as long as 15 to 80 % are over the limit: below, the V85 is under the limit and no class says where; far
    above, the limit says too little of where they are. None then.
    """
    low_pct, high_pct = V85_PCT
    excess_kmh = mean_over_kmh - limit_kmh
    if not low_pct <= over_pct <= high_pct or excess_kmh <= 0:
        return None
    return limit_kmh + excess_kmh * log(over_pct / low_pct)


class _Class(NamedTuple):
    vehicles: float
    kmh: float  # their mean; 0 where none passed


class _Hour:
    """Goes through the points of an hour by time."""

    def __init__(self, points: Sequence[Point], before: Mapping[str, float], watched: Watched) -> None:
        thresholds = watched.territory.tenants[watched.database].thresholds
        self._points = points
        self._watched = watched
        self._limit_kmh = watched.asset.speed_limit_kmh
        self._filter = int(thresholds.traffic_fast_category)
        self._counted_ms = before.get("counted_ms")
        self._told_interval_s = before.get("count_interval_s")
        self._radar_off = "radar_off" in before
        self._fast_class = before.get("fast_class")
        self._sums: dict[str, float] = {}

    def fields(self) -> dict[str, float]:
        uplinks: dict[int, list[Point]] = {}
        for point in self._points:
            uplinks.setdefault(point.time_us // 1000, []).append(point)
        filters = self._filters(uplinks)
        for at_ms, points in uplinks.items():
            self._heed_settings(points)
            counts = [point for point in points if isinstance(point.fields.get("vehicles_count"), float)]
            if counts and self._count(at_ms, counts) and self._limit_kmh is not None:
                self._sums["speed_limit_kmh"] = float(self._limit_kmh)
                classes = _classes(points) or filters.get(at_ms, {})
                for point in counts:
                    self._classify(point, classes.get(point.tags.get("channel", ""), {}), parting=at_ms not in filters)
        carried = {
            "counted_ms": self._counted_ms,
            "count_interval_s": self._told_interval_s,
            "radar_off": 1.0 if self._radar_off else None,
            "fast_class": self._fast_class,
            "battery_min_v": min(self._volts(), default=None),
        }
        return self._sums | {name: number for name, number in carried.items() if number is not None}

    def _interval_s(self) -> float:
        profile = self._watched.profile
        return self._told_interval_s or (3600.0 if profile is None else float(profile.expected_interval_s))

    def _heed_settings(self, points: Sequence[Point]) -> None:
        bounds: list[tuple[str, float, float]] = []
        for point in points:
            told = point.fields
            if "radar_state" in told:
                self._radar_off = told["radar_state"] == Switch.OFF
            if interval_s := _number(point, "report_interval_s"):
                self._told_interval_s = interval_s
            least, most = _number(point, "class_min_speed_kmh"), _number(point, "class_max_speed_kmh")
            if most > least:
                bounds.append((point.tags.get("channel", ""), least, most))
        if bounds and self._limit_kmh is not None:
            self._fast_class = _first_fast(bounds, self._limit_kmh)

    def _count(self, at_ms: int, counts: Sequence[Point]) -> bool:
        """Whether it counted: what a radar that is off sends is no measurement."""
        if self._radar_off and not any(point.fields["vehicles_count"] for point in counts):
            return False
        self._radar_off = False
        interval_s = self._interval_s()
        gap_s = interval_s if self._counted_ms is None else (at_ms - self._counted_ms) / 1000
        self._counted_ms = float(at_ms)
        self._add("measured_s", gap_s if gap_s <= _LONGER * interval_s else interval_s)
        for name in ("vehicles_count", "vehicles_ltr_count", "vehicles_rtl_count"):
            self._add(name, 0.0)
        for point in counts:
            vehicles, speed_kmh = _number(point, "vehicles_count"), _number(point, "speed_kmh")
            ltr = point.tags.get("channel", "") in _LEFT_TO_RIGHT
            self._add("vehicles_count", vehicles)
            self._add("vehicles_ltr_count" if ltr else "vehicles_rtl_count", vehicles)
            if vehicles and speed_kmh:
                self._add("speed_count", vehicles)
                self._add("speed_sum_kmh", vehicles * speed_kmh)
        return True

    def _classify(self, count: Point, classes: Mapping[int, _Class], *, parting: bool) -> None:
        """How many of one direction's vehicles are over the limit, where its classes say so.

        Args:
            parting: each vehicle is in one of the classes; else they are filters, and only the declared one tells.
        """
        vehicles, limit_kmh = _number(count, "vehicles_count"), float(self._limit_kmh or 0)
        if not classes or any(one.vehicles and not one.kmh for one in classes.values()):
            return
        if parting:
            if self._fast_class == 0 or sum(one.vehicles for one in classes.values()) != vehicles:
                return
            first = self._fast_class
            fast = [
                one for number, one in classes.items() if (one.kmh > limit_kmh if first is None else number >= first)
            ]
        else:
            fast = list(classes.values())
            if sum(one.vehicles for one in fast) > vehicles:
                return
        self._add("classed_count", vehicles)
        self._add("fast_count", sum(one.vehicles for one in fast))
        self._add("fast_sum_kmh", sum(one.vehicles * one.kmh for one in fast))

    def _filters(self, uplinks: Mapping[int, Sequence[Point]]) -> dict[int, dict[str, dict[int, _Class]]]:
        """Of each count the classes of the filter's uplink beside it, where the territory declares a filter."""
        if not self._filter:
            return {}
        counted = [at_ms for at_ms, points in uplinks.items() if any("vehicles_count" in one.fields for one in points)]
        found: dict[int, dict[str, dict[int, _Class]]] = {}
        near_ms = _PAIRED * 1000 * self._interval_s()
        for at_ms, points in uplinks.items():
            classes = {} if at_ms in counted else _classes(points, only=self._filter)
            nearest_ms = min(counted, key=lambda one_ms: abs(one_ms - at_ms), default=None)
            if classes and nearest_ms is not None and abs(nearest_ms - at_ms) < near_ms:
                found[nearest_ms] = classes
        return found

    def _volts(self) -> list[float]:
        told = [_number(point, name) for point in self._points for name in ("battery_v", "supply_v")]
        return [volts for volts in told if 0 < volts < _CELL_V]

    def _add(self, name: str, amount: float) -> None:
        self._sums[name] = self._sums.get(name, 0.0) + amount


def _number(point: Point, name: str) -> float:
    """A number of the point; 0 where it has none."""
    told = point.fields.get(name)
    return told if isinstance(told, float) else 0.0


def _classes(points: Sequence[Point], *, only: int = 0) -> dict[str, dict[int, _Class]]:
    """The classes of an uplink, by direction and number."""
    found: dict[str, dict[int, _Class]] = {}
    for point in points:
        direction, _, number = point.tags.get("channel", "").rpartition("_")
        if direction and number.isdecimal() and "class_vehicles_count" in point.fields and only in (0, int(number)):
            told = _Class(_number(point, "class_vehicles_count"), _number(point, "class_speed_kmh"))
            found.setdefault(direction, {})[int(number)] = told
    return found


def _first_fast(bounds: Sequence[tuple[str, float, float]], limit_kmh: float) -> float:
    """The number of the first class that holds only what is faster than the limit; 0: one holds both."""
    fast = [channel.rpartition("_")[2] for channel, least, _ in bounds if least >= limit_kmh]
    if any(least < limit_kmh < most for _, least, most in bounds):
        return 0.0
    return min((float(number) for number in fast if number.isdecimal()), default=_NO_CLASS)
