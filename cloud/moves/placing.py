"""Which stored points are not where the territory says, and where they belong. Pure.

The unit is the row: an uplink's readings and receptions belong where the uplink belongs at *its* time, also a reading
with a time of its own (the uplink lists those times in `own_times_us`).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from cloud.schema import OWN_TIMES, SITE, add_fill
from cloud.stores.base import Field, Point
from cloud.stores.checks import TAGS
from core.model import Domain
from core.territory import OPERATOR, Geometry, Territory

Series = tuple[str, tuple[tuple[str, str], ...]]  # measurement and tags
_OWN_TAGS: Final = frozenset({"channel", "gateway", "type"})  # in which the points of one row differ
_SHARED: Final = tuple(tag for tag in TAGS if tag not in _OWN_TAGS)
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
    def leaves(self) -> bool:
        """Whether it must go where it is before it is written: it belongs elsewhere, or a field has to vanish. Values
        alone are written over."""
        point = self.located.point
        is_here = (self.database, self.tags) == (self.located.database, point.tags)
        return not is_here or not point.fields.keys() <= self.fields.keys()

    @property
    def point(self) -> Point:
        """As it belongs."""
        return msgspec.structs.replace(self.located.point, tags=self.tags, fields=self.fields)


class Deletion(msgspec.Struct, frozen=True):
    """All points of a measurement with start ≤ time < end whose tags match; an empty text: without this tag."""

    database: str
    measurement: str
    where: dict[str, str]
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


def plan(
    located: Iterable[Located], unclaimed: Iterable[Located], territory: Territory
) -> tuple[list[Move], list[Deletion]]:
    """Of one stretch (`slices.Stretch`): what is to be written where it belongs, and what to be deleted before."""
    moves = [move_of(one, territory) for one in located]
    leaving = [move for move in moves if move.leaves]
    changing = [move for move in moves if not (move.leaves or move.is_home)]
    if not leaving:
        return changing, []
    staying = [*(move for move in moves if not move.leaves), *map(_stay, unclaimed)]
    # A deletion cannot tell these from `leaving`: another row's points of the same series and µs, which a store may
    # keep beside them. They are deleted too, and written again.
    places = {_place(move.located) for move in leaving}
    twins = [move for move in staying if _place(move.located) in places]
    going = [*leaving, *twins]
    cuts = deletions(going, [move for move in staying if move not in twins])
    return [*going, *(move for move in changing if move not in twins)], cuts


def _stay(located: Located) -> Move:
    return Move(located, located.database, located.point.tags, located.point.fields)


def deletions(leaving: Iterable[Move], staying: Iterable[Move]) -> list[Deletion]:
    """The fewest ranges that delete `leaving` and nothing of `staying`.

    A store may take as long for a range as for a point, and as long for all channels as for one: a range holds all
    series of a measurement that differ in the row's own tags alone, wherever none of them has a point that stays.

    Args:
        leaving: with `staying`, all points of one stretch.
    """
    marks: dict[tuple[str, Series], dict[int, list[Move | None]]] = {}
    for move in leaving:
        marks.setdefault(_ground(move.located), {}).setdefault(move.located.point.time_us, []).append(move)
    for move in staying:
        found = marks.get(_ground(move.located))
        if found is not None:
            found.setdefault(move.located.point.time_us, []).append(None)
    return [found for ground, times in marks.items() for found in _ranges(ground, times)]


def _ranges(ground: tuple[str, Series], times: Mapping[int, Sequence[Move | None]]) -> Iterable[Deletion]:
    """Unbroken runs of times at which all leave; where some stay, the others one by one."""
    run: list[int] = []
    for time_us in sorted(times):
        marked = times[time_us]
        if None not in marked:
            run.append(time_us)
            continue
        if run:
            yield _deletion(ground, _SHARED, run[0], run[-1])
            run = []
        for series in dict.fromkeys(series_of(move.located.point) for move in marked if move is not None):
            yield _deletion((ground[0], series), TAGS, time_us, time_us)
    if run:
        yield _deletion(ground, _SHARED, run[0], run[-1])


def _deletion(ground: tuple[str, Series], named: Iterable[str], first_us: int, last_us: int) -> Deletion:
    database, (measurement, tags) = ground
    present = dict(tags)
    return Deletion(database, measurement, {tag: present.get(tag, "") for tag in named}, first_us, last_us + 1)


def series_of(point: Point) -> Series:
    return point.measurement, tuple(sorted(point.tags.items()))


def _ground(located: Located) -> tuple[str, Series]:
    """Database, measurement, and the tags that a device's (or site's) points share."""
    point = located.point
    tags = tuple(sorted((tag, text) for tag, text in point.tags.items() if tag not in _OWN_TAGS))
    return located.database, (point.measurement, tags)


def _place(located: Located) -> tuple[str, Series, int]:
    return located.database, series_of(located.point), located.point.time_us


def by_database(points: Iterable[tuple[str, Point]]) -> Mapping[str, list[Point]]:
    """What to write, a write a database."""
    writes: dict[str, list[Point]] = {}
    for database, point in points:
        writes.setdefault(database, []).append(point)
    return writes
