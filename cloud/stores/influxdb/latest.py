"""The newest value of every field of each series, out of a store that keeps no such list.

What is new since an instant is asked in two steps where few series changed: first the one field that every point has
(`key` or `_p`), then all fields of those series. Everything is asked as the newest point of each series, and then for
what those points lack: fields that the same series lack are asked for together, as the newest point that has one of
them, until every value is found or known to be absent. Messages of a device come in few kinds, so that there are few
such questions. A pack of texts (`packs`) is one field until all is found.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final

from cloud.stores.base import Field, Point
from cloud.stores.influxdb import packs, queries
from cloud.stores.influxdb.answers import Series
from cloud.stores.influxdb.lines import MARK
from cloud.stores.influxdb.rows import points_of_series, points_of_table

Ask = Callable[[str], list[Series]]

_MAX_ROWS: Final = 20_000  # points that are read one by one rather than selected by the server
_FEW: Final = 500  # series that a condition can name
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
    """Collected from the answers to one question. `absent`: fields that a series is known not to have."""

    def __init__(self, measurement: str) -> None:
        self._measurement = measurement
        self._series: dict[_TagKey, _Newest] = {}
        self._absent: dict[_TagKey, set[str]] = {}

    def add(self, points: Iterable[Point], *, only_known: bool = False) -> set[_TagKey]:
        """Take in points; their series."""
        seen = set()
        for point in points:
            key = _key(point.tags)
            known = self._series.get(key)
            if known is None:
                if only_known:
                    continue
                known = self._series[key] = _Newest(point.tags)
            known.add(point)
            seen.add(key)
        return seen

    def lacking(self, fields: Iterable[str]) -> dict[frozenset[_TagKey], list[str]]:
        """Fields whose values are neither found nor known to be absent, by the series that lack them."""
        classes: dict[frozenset[_TagKey], list[str]] = {}
        for name in fields:
            series = frozenset(
                key
                for key, one in self._series.items()
                if name not in one.times and name not in self._absent.get(key, ())
            )
            if series:
                classes.setdefault(series, []).append(name)
        return classes

    def note_absent(self, series: Iterable[_TagKey], fields: Iterable[str]) -> None:
        for key in series:
            self._absent.setdefault(key, set()).update(fields)

    def points(self) -> list[Point]:
        return [
            Point(self._measurement, one.tags, one.time_us, packs.newest(one.fields, one.times))
            for one in self._series.values()
        ]


def newest(ask: Ask, measurement: str, where: Mapping[str, str]) -> list[Point]:
    """What `Store.latest` gives without an instant.

    Raises:
        LinkError, StorageError: as `ask` does.
    """
    return _select(ask, measurement, where, None)


def newest_since(
    ask: Ask, measurement: str, where: Mapping[str, str], since_us: int, *, marks: Sequence[str]
) -> list[Point]:
    """What `Store.latest` gives with an instant.

    Args:
        marks: the fields of which every point of the measurement has one.

    Raises:
        LinkError, StorageError: as `ask` does.
    """
    condition = queries.condition(start_us=since_us, where=where)
    tables = ask(queries.places(measurement, condition, marks=marks, limit=_MAX_ROWS))
    places = [point for table in tables for point in points_of_table(measurement, table)]
    if len(places) >= _MAX_ROWS:
        return _select(ask, measurement, where, since_us)
    found = Latest(measurement)
    if places:
        changed = {_key(point.tags): point.tags for point in places}
        if len(changed) <= _FEW:
            condition = queries.condition(start_us=since_us, where=where, any_of=_narrow(changed.values()))
        for table in ask(queries.points(measurement, condition)):
            found.add(reversed(points_of_table(measurement, table)))
    return found.points()


def _select(ask: Ask, measurement: str, where: Mapping[str, str], since_us: int | None) -> list[Point]:
    found = Latest(measurement)
    condition = queries.condition(start_us=since_us, where=where)
    series = ask(queries.newest_points(measurement, condition))
    found.add(points_of_series(measurement, series))
    fields = [name for name in (series[0].columns[1:] if series else ()) if name != MARK]
    while classes := found.lacking(fields):
        for lacking, names in classes.items():
            some = _narrow([dict(key) for key in lacking]) if len(lacking) <= _FEW else ()
            condition = queries.condition(start_us=since_us, where=where, any_of=some)
            points = points_of_series(measurement, ask(queries.newest_points(measurement, condition, names)))
            found.note_absent(lacking - found.add(points, only_known=True), names)
    return found.points()


def _narrow(series: Collection[Mapping[str, str]]) -> list[Mapping[str, str]]:
    """Tags that no other series has many of: of each the device, or all its tags where it has none."""
    return [{"device": tags["device"]} if "device" in tags else tags for tags in series]


def _key(tags: Mapping[str, str]) -> _TagKey:
    return tuple(sorted(tags.items()))
