"""The newest value of every field of each series, out of a store that keeps no such list.

What is new since an instant is asked in two steps where few series changed: first the one field that every point has
(`key` or `_p`), then all fields of those series. Everything is asked as the newest point of each series, and then,
field by field, what those points lack; the newest values of a field that few points have are found by its own points,
others by the selector `last`. How many cursors the server must open for each way: `queries`.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final

from cloud.stores.base import Field, Point
from cloud.stores.influxdb import queries
from cloud.stores.influxdb.answers import Series
from cloud.stores.influxdb.lines import MARK
from cloud.stores.influxdb.rows import points_of_series, points_of_table

Ask = Callable[[Sequence[str]], list[list[Series]]]  # statements → their series

_MAX_ROWS: Final = 20_000  # points that are read one by one rather than selected by the server
_FEW: Final = 1_000  # series that a condition can name
_TagKey = tuple[tuple[str, str], ...]


class _Newest:
    """Of one series, from points that come in any order."""

    __slots__ = ("fields", "tags", "time_us", "times")

    def __init__(self, tags: dict[str, str]) -> None:
        self.tags = tags
        self.time_us = -1
        self.fields: dict[str, Field] = {}
        self.times: dict[str, int] = {}

    def add(self, point: Point) -> None:
        self.time_us = max(self.time_us, point.time_us)
        for name, field in point.fields.items():
            if self.times.get(name, -1) < point.time_us:
                self.times[name] = point.time_us
                self.fields[name] = field


class Latest:
    """Collected from the answers to one question."""

    def __init__(self, measurement: str) -> None:
        self._measurement = measurement
        self._series: dict[_TagKey, _Newest] = {}

    def add(self, points: Iterable[Point], *, only_known: bool = False) -> None:
        for point in points:
            key = _key(point.tags)
            known = self._series.get(key)
            if known is None:
                if only_known:
                    continue
                known = self._series[key] = _Newest(point.tags)
            known.add(point)

    def lacking(self, fields: Iterable[str]) -> dict[str, list[dict[str, str]]]:
        """The series that have no value yet, by field."""
        found = {name: [one.tags for one in self._series.values() if name not in one.times] for name in fields}
        return {name: series for name, series in found.items() if series}

    def points(self) -> list[Point]:
        return [Point(self._measurement, one.tags, one.time_us, one.fields) for one in self._series.values()]


def newest(ask: Ask, measurement: str, where: Mapping[str, str], since_us: int | None) -> list[Point]:
    """What `Store.latest` gives.

    Raises:
        LinkError, StorageError: as `ask` does.
    """
    found = Latest(measurement)
    condition = queries.condition(start_us=since_us, where=where)
    if since_us is not None:
        (tables,) = ask([queries.places(measurement, condition, limit=_MAX_ROWS)])
        places = [point for table in tables for point in points_of_table(measurement, table)]
        if not places:
            return []
        if len(places) < _MAX_ROWS:
            changed = {_key(point.tags): point.tags for point in places}
            if len(changed) <= _FEW:
                condition = queries.condition(start_us=since_us, where=where, any_of=_narrow(changed.values()))
            (tables,) = ask([queries.points(measurement, condition)])
            for table in tables:
                found.add(reversed(points_of_table(measurement, table)))
            return found.points()
    (series,) = ask([queries.newest_points(measurement, condition)])
    found.add(points_of_series(measurement, series))
    fields = [name for name in (series[0].columns[1:] if series else ()) if name != MARK]
    for field, lacking in found.lacking(fields).items():
        _fill(ask, found, measurement, field, lacking, where, since_us)
    return found.points()


def _fill(
    ask: Ask,
    found: Latest,
    measurement: str,
    field: str,
    lacking: Sequence[Mapping[str, str]],
    where: Mapping[str, str],
    since_us: int | None,
) -> None:
    """The newest values of one field, for the series that have none yet."""
    some = _narrow(lacking) if len(lacking) <= _FEW else ()
    condition = queries.condition(start_us=since_us, where=where, any_of=some)
    (tables,) = ask([queries.one_field(measurement, field, condition, limit=_MAX_ROWS)])
    points = [point for table in tables for point in points_of_table(measurement, table)]
    found.add(points, only_known=True)
    if len(points) >= _MAX_ROWS:
        (series,) = ask([queries.newest_of(measurement, field, condition)])
        found.add(points_of_series(measurement, series), only_known=True)


def _narrow(series: Collection[Mapping[str, str]]) -> list[Mapping[str, str]]:
    """Tags that no other series has many of: of each the device, or all its tags where it has none."""
    return [{"device": tags["device"]} if "device" in tags else tags for tags in series]


def _key(tags: Mapping[str, str]) -> _TagKey:
    return tuple(sorted(tags.items()))
