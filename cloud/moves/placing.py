"""Which stored points are not where the territory says, and where they belong. Pure.

The unit is the row: an uplink's readings and receptions belong where the uplink belongs at *its* time, also a reading
with a time of its own (the uplink lists those times in `own_times_us`).
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from cloud.schema import OWN_TIMES, SITE, add_fill
from cloud.stores.base import Field, Point
from core.model import Domain
from core.territory import OPERATOR, Geometry, Territory

Series = tuple[str, tuple[tuple[str, str], ...]]  # measurement and tags
_times = msgspec.json.Decoder(list[int])


class Located(msgspec.Struct, frozen=True):
    """A stored point: its database, the instant (µs) and the edge of the row it belongs to."""

    database: str
    point: Point
    row_us: int
    edge: str


class Move(msgspec.Struct, frozen=True):
    """A stored point, the database and tags under which it belongs, and the fields it has there."""

    located: Located
    database: str
    tags: dict[str, str]
    fields: dict[str, Field]

    @property
    def is_home(self) -> bool:
        point = self.located.point
        return (self.database, self.tags, self.fields) == (self.located.database, point.tags, point.fields)

    @property
    def point(self) -> Point:
        """As it belongs."""
        return msgspec.structs.replace(self.located.point, tags=self.tags, fields=self.fields)


class Deletion(msgspec.Struct, frozen=True):
    """All points of one series with start ≤ time < end."""

    database: str
    measurement: str
    tags: dict[str, str]
    start_us: int
    end_us: int


def own_times(uplink: Point) -> list[int]:
    """The times (µs) of the uplink's readings that have one of their own."""
    listed = uplink.fields.get(OWN_TIMES)
    return _times.decode(listed) if isinstance(listed, str) and listed else []


def move_of(located: Located, territory: Territory) -> Move:
    """Where the territory puts a point now.

    A device that has become another tenant's than the site that heard it goes to the operator, unassigned: what one
    tenant's edge said is never shown to another. A device or edge event whose site is no longer declared stays in the
    commune it has.
    """
    point = located.point
    device = point.tags.get("device", "")
    site = territory.sites.get(located.edge)
    database, tags = located.database, dict(point.tags)
    geometry: Geometry | None = None
    if device:
        timeline = territory.timelines.get(device)
        spot = None if timeline is None else timeline.at(located.row_us // 1000)
        if spot is None or (site is not None and site.tenant != spot.tenant):
            database = OPERATOR
            tags.pop("asset", None)
            if site is not None:
                tags["commune"] = site.commune
        else:
            database = spot.tenant
            tags |= {"commune": spot.commune, "asset": spot.asset}
            asset = territory.assets.get(spot.asset)
            geometry = None if asset is None else asset.geometry
    elif site is not None:
        tags["commune"] = site.commune
        if point.measurement != SITE or database != OPERATOR:  # the operator keeps its copy of every edge's health
            database = site.tenant
    fields = point.fields
    if point.measurement == Domain.BIN:  # the fill is what this bin makes of the distance
        add_fill(fields := dict(fields), geometry)
    return Move(located, database, tags, fields)


def deletions(moving: Iterable[Move], staying: Iterable[Point], apart: Iterable[Move]) -> list[Deletion]:
    """The least ranges that delete `moving` and `apart` and nothing of `staying`.

    Args:
        moving: with `staying`, all points of their series between the first and the last of them.
        apart: points about whose neighbours nothing is known.
    """
    times: dict[tuple[str, Series], list[tuple[int, bool]]] = {}
    for one in moving:
        point = one.located.point
        times.setdefault((one.located.database, series_of(point)), []).append((point.time_us, True))
    stay: dict[Series, list[int]] = {}
    for point in staying:
        stay.setdefault(series_of(point), []).append(point.time_us)
    found = [
        _deletion(alone.database, series_of(alone.point), alone.point.time_us, alone.point.time_us)
        for alone in (one.located for one in apart)
    ]
    for (database, series), marks in times.items():
        marks += [(time_us, False) for time_us in stay.get(series, [])]
        found += [_deletion(database, series, first, last) for first, last in _runs(sorted(marks))]
    return found


def _runs(marks: Sequence[tuple[int, bool]]) -> Iterable[tuple[int, int]]:
    """First and last time of each unbroken run of marked times."""
    run: list[int] = []
    for time_us, marked in marks:
        if marked:
            run.append(time_us)
        elif run:
            yield run[0], run[-1]
            run = []
    if run:
        yield run[0], run[-1]


def _deletion(database: str, series: Series, first_us: int, last_us: int) -> Deletion:
    return Deletion(database, series[0], dict(series[1]), first_us, last_us + 1)


def series_of(point: Point) -> Series:
    return point.measurement, tuple(sorted(point.tags.items()))


def by_database(points: Iterable[tuple[str, Point]]) -> Mapping[str, list[Point]]:
    """What to write, a write a database."""
    writes: dict[str, list[Point]] = {}
    for database, point in points:
        writes.setdefault(database, []).append(point)
    return writes
