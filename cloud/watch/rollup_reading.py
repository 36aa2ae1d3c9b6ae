"""What the rollup job reads of a store: an hour's points, what was rolled, an asset's hour before and after another.
Bounded: an hour at a time, or a few assets for some days."""

from collections.abc import Collection, Generator, Iterable, Iterator
from typing import Final, NamedTuple

from cloud.dirty import HOUR_MS
from cloud.stores.base import Point, Store
from cloud.watch.model import Rollup
from cloud.watch.rollup_fields import Fields, Owner, numbers, owner_of

HOUR: Final = "hour"
DAY: Final = "day"
BEFORE_H: Final = 48  # how far back an hour is "the one before"
_FEW: Final = 20  # assets, or communes: each is asked for; above, all are read
_DAY_MS: Final = 24 * HOUR_MS
_STRIDES_MS: Final = (10_000 * _DAY_MS, 400 * _DAY_MS, 20 * _DAY_MS, _DAY_MS, HOUR_MS)


class Scope(NamedTuple):
    """Of an hour: all, or these communes, or these assets of one commune, or the gateways."""

    communes: frozenset[str] | None = None
    assets: frozenset[str] | None = None
    gateways: bool = False

    @property
    def is_whole(self) -> bool:
        return self == Scope()

    def wheres(self) -> list[dict[str, str]]:
        """The tags to ask for, a question each; where there would be many, all is asked for."""
        if self.gateways:
            return [{"commune": ""}]
        if self.assets is not None and len(self.assets) <= _FEW:
            return [{"asset": asset} for asset in sorted(self.assets)]
        if self.communes is not None and len(self.communes) <= 2:
            return [{"commune": commune} for commune in sorted(self.communes)]
        return [{}]

    def holds(self, owner: Owner) -> bool:
        if self.gateways:
            return bool(owner.gateway)
        return (self.communes is None or owner.commune in self.communes) and (
            self.assets is None or owner.asset in self.assets
        )


class Reading:
    """Of one database."""

    def __init__(self, store: Store, database: str) -> None:
        self._store = store
        self._database = database

    def points(self, measurement: str, start_ms: int, scope: Scope) -> Iterator[list[Point]]:
        """The points of assets in the hour, a question at a time; those of one asset are together, by time."""
        for where in scope.wheres():
            found = self._series(measurement, start_ms, start_ms + HOUR_MS, where)
            yield [point for point in found if scope.holds(owner_of(point))]

    def rolled(self, measurement: str, start_ms: int, scope: Scope) -> dict[Owner, Fields]:
        """The fields of the points of `hour` or `day` at this instant; also of the communes themselves."""
        found: dict[Owner, Fields] = {}
        for where in scope.wheres():
            for point in self._series(measurement, start_ms, start_ms + 1, where):
                if scope.holds(owner := owner_of(point)):
                    found[owner] = numbers(point.fields)
        return found

    def before(
        self, rollup: Rollup, assets: Collection[str], start_ms: int, scope: Scope
    ) -> Iterator[dict[str, Fields]]:
        """The fields of the rollup in each asset's newest hour before this one that has any; in parts."""
        starts = [start_ms - hours * HOUR_MS for hours in range(1, BEFORE_H + 1)]
        for found in self._search(rollup, assets, starts, scope):
            yield {asset: fields for asset, (_, fields) in found.items()}

    def after(self, rollup: Rollup, assets: Collection[str], start_ms: int, scope: Scope) -> Iterator[dict[str, int]]:
        """The start of each asset's first hour after this one that has any field of the rollup; in parts."""
        starts = [start_ms + hours * HOUR_MS for hours in range(1, BEFORE_H + 1)]
        for found in self._search(rollup, assets, starts, scope):
            yield {asset: found_ms for asset, (found_ms, _) in found.items()}

    def _search(
        self, rollup: Rollup, assets: Collection[str], starts: list[int], scope: Scope
    ) -> Iterator[dict[str, tuple[int, Fields]]]:
        """For each asset the first of these hours in which it has a field of the rollup: hour by hour while many are
        sought, each on its own when few are left."""
        wanted = set(assets)
        communes = Scope(scope.communes)
        at = 0
        while at < len(starts) and len(wanted) > _FEW:
            found: dict[str, tuple[int, Fields]] = {}
            for where in communes.wheres():
                for point in self._series(HOUR, starts[at], starts[at] + 1, where):
                    if (asset := point.tags.get("asset", "")) in wanted and (own := _own(rollup, point)):
                        found[asset] = (starts[at], own)
            wanted -= found.keys()
            at += 1
            yield found
        if at == len(starts):
            return
        first_ms, last_ms = min(starts[at:]), max(starts[at:])
        for asset in sorted(wanted):
            points = self._series(HOUR, first_ms, last_ms + 1, {"asset": asset})
            for point in points if starts[0] < starts[-1] else reversed(points):
                if own := _own(rollup, point):
                    yield {asset: (point.time_us // 1000, own)}
                    break

    def first_ms(self, measurements: Iterable[str], start_ms: int, end_ms: int) -> Generator[None, None, int | None]:
        """The start of the first hour from `start_ms` on, before `end_ms`, that has a reading; None: there is none.

        A server pays for every series and shard that a question could touch: so it is asked for shorter and shorter
        stretches of time, from the oldest on. Yields after each question.
        """
        first_ms: int | None = None
        for measurement in measurements:
            at_ms, until_ms = start_ms, end_ms if first_ms is None else first_ms
            for stride_ms in _STRIDES_MS:
                while at_ms < until_ms and not self._has(measurement, at_ms, min(at_ms + stride_ms, until_ms)):
                    at_ms += stride_ms
                    yield
                until_ms = min(at_ms + stride_ms, until_ms)
            if at_ms < until_ms:
                first_ms = at_ms
        return first_ms

    def _has(self, measurement: str, start_ms: int, end_ms: int) -> bool:
        return self._store.count(self._database, measurement, start_us=start_ms * 1000, end_us=end_ms * 1000) > 0

    def _series(self, measurement: str, start_ms: int, end_ms: int, where: dict[str, str]) -> list[Point]:
        return self._store.series(
            self._database, measurement, start_us=start_ms * 1000, end_us=end_ms * 1000, where=where
        )


def _own(rollup: Rollup, point: Point) -> Fields:
    return {name: field for name, field in numbers(point.fields).items() if name in rollup.fields}
