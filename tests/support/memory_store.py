"""A store in memory that keeps the contract, quick enough for thousands of cases; it can fail at any call."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from cloud.stores.base import COLLISION, KEY, Point, Rejected
from cloud.stores.checks import fault

_Series = tuple[str, tuple[tuple[str, str], ...]]


class MemoryStore:
    """`before`, `after`: called with the name and database of each call as it begins, and when it is done; what they
    raise, the caller sees."""

    def __init__(self) -> None:
        self.held: dict[str, dict[_Series, dict[int, Point]]] = {}
        self.before: Callable[[str, str], None] = lambda _call, _database: None
        self.after: Callable[[str, str], None] = lambda _call, _database: None

    def databases(self) -> list[str]:
        self.before("databases", "")
        return sorted(self.held)

    def write(self, database: str, points: Sequence[Point]) -> list[Rejected]:
        self.before("write", database)
        rejected = []
        for index, point in enumerate(points):
            if (wrong := fault(point)) is not None:
                rejected.append(Rejected(index, *wrong))
                continue
            series = (point.measurement, tuple(sorted(point.tags.items())))
            times = self.held.setdefault(database, {}).setdefault(series, {})
            known = times.get(point.time_us)
            if known is not None and known.fields.get(KEY) != point.fields.get(KEY):
                rejected.append(Rejected(index, COLLISION, "the place is another's"))
                continue
            fields = {**(known.fields if known else {}), **point.fields}
            times[point.time_us] = Point(point.measurement, point.tags, point.time_us, fields)
        self.after("write", database)
        return rejected

    def latest(
        self, database: str, measurement: str, where: Mapping[str, str] | None = None, *, since_us: int | None = None
    ) -> list[Point]:
        self.before("latest", database)
        found = []
        for times in self._matching(database, measurement, where or {}):
            newest = [times[at] for at in sorted(times) if since_us is None or at >= since_us]
            if newest:
                fields = {name: field for point in newest for name, field in point.fields.items()}
                found.append(Point(measurement, newest[-1].tags, newest[-1].time_us, fields))
        return found

    def series(
        self,
        database: str,
        measurement: str,
        *,
        start_us: int,
        end_us: int,
        where: Mapping[str, str] | None = None,
        limit: int | None = None,
    ) -> list[Point]:
        self.before("series", database)
        found = [
            point
            for times in self._matching(database, measurement, where or {})
            for at, point in times.items()
            if start_us <= at < end_us
        ]
        return sorted(found, key=lambda point: (point.time_us, sorted(point.tags.items())))[:limit]

    def sums(
        self,
        database: str,
        measurement: str,
        field: str,
        *,
        start_us: int,
        end_us: int,
        where: Mapping[str, str] | None = None,
    ) -> list[tuple[dict[str, str], float]]:
        self.before("sums", database)
        sums: dict[tuple[tuple[str, str], ...], float] = {}
        for point in self.series(database, measurement, start_us=start_us, end_us=end_us, where=where):
            if isinstance(value := point.fields.get(field), float):
                series = tuple(sorted(point.tags.items()))
                sums[series] = sums.get(series, 0.0) + value
        return [(dict(tags), total) for tags, total in sums.items()]

    def raw(self, database: str, *, device: str, start_us: int, end_us: int) -> list[Point]:
        return self.series(database, "uplink", start_us=start_us, end_us=end_us, where={"device": device})

    def count(self, database: str, measurement: str, *, start_us: int | None = None, end_us: int | None = None) -> int:
        end_us = 2**62 if end_us is None else end_us
        return len(self.series(database, measurement, start_us=start_us or 0, end_us=end_us))

    def delete_range(
        self, database: str, measurement: str | Sequence[str], *, start_us: int, end_us: int, where: Mapping[str, str]
    ) -> int:
        self.before("delete", database)
        deleted = 0
        for name in [measurement] if isinstance(measurement, str) else measurement:
            for times in self._matching(database, name, where):
                for at in [at for at in times if start_us <= at < end_us]:
                    del times[at]
                    deleted += 1
        self.after("delete", database)
        return deleted

    def probe(self) -> None:
        self.before("probe", "")

    def close(self) -> None: ...

    def _matching(self, database: str, measurement: str, where: Mapping[str, str]) -> Iterator[dict[int, Point]]:
        for (name, tags), times in self.held.get(database, {}).items():
            if name == measurement and all(dict(tags).get(tag, "") == text for tag, text in where.items()):
                yield times
