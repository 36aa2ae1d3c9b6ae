"""Which stored points are not where the territory says, and where they belong. Pure.

The unit is the row: an uplink's readings belong where the uplink belongs at *its* time, also a reading
with a time of its own (the uplink lists those times in `own_times_us`).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from cloud.dirty import HOUR_MS
from cloud.schema import OWN_TIMES, SITE, add_fill
from cloud.stores.base import Field, Point
from cloud.stores.checks import TAGS
from core.model import Domain
from core.territory import OPERATOR, Geometry, Territory

_Ground = tuple[str, tuple[tuple[str, str], ...]]  # database and tags
_OWN_TAGS: Final = frozenset({"channel", "type"})  # in which the points of one row differ
_times = msgspec.json.Decoder(list[int])


class Located(msgspec.Struct, frozen=True):
    """A stored point: its database, the instant (µs) and the edge of the row it belongs to."""

    database: str
    point: Point
    row_us: int
    edge: str


class Move(msgspec.Struct, frozen=True):
    """A stored point, the database and tags under which it belongs, and the fields it has there.

    `altered`: these fields; empty: those it has (also in a journal of before there were any others).
    """

    located: Located
    database: str
    tags: dict[str, str]
    altered: dict[str, Field] = {}

    @property
    def fields(self) -> dict[str, Field]:
        return self.altered or self.located.point.fields

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
    """All points of these measurements with start ≤ time < end whose tags match; an empty text: without this tag."""

    database: str
    measurements: tuple[str, ...]
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
    """Few ranges that delete `leaving` and nothing of `staying`.

    A store may take as long for a range as for a point, and as long for all series as for one. So a range holds all
    measurements and channels of a row, wherever none of them has a point that stays.

    Args:
        leaving: with `staying`, all points of one stretch.
    """
    times: dict[_Ground, dict[str, dict[int, list[Move | None]]]] = {}
    for move in leaving:
        point = move.located.point
        times.setdefault(_ground(move.located), {}).setdefault(point.measurement, {}).setdefault(
            point.time_us, []
        ).append(move)
    for move in staying:
        point = move.located.point
        found = times.get(_ground(move.located), {}).get(point.measurement)
        if found is not None:
            found.setdefault(point.time_us, []).append(None)
    return [cut for ground, marks in times.items() for cut in _cuts(ground, marks)]


def _cuts(ground: _Ground, marks: Mapping[str, Mapping[int, Sequence[Move | None]]]) -> Iterable[Deletion]:
    """Of the points of a database that share these tags, by measurement and time; None for each that stays."""
    database, tags = ground
    shared = {tag: dict(tags).get(tag, "") for tag in TAGS if tag not in _OWN_TAGS}
    kept = {name: sorted(at for at, found in times.items() if None in found) for name, times in marks.items()}
    ranges: list[_Range] = []
    for name, times in marks.items():
        for first_us, last_us in _runs(sorted(times), kept[name]):
            _join(ranges, _Range({name}, first_us, last_us), kept)
        for time_us in kept[name]:  # channels of one instant of which some leave and some stay
            going = [move.located.point.tags for move in times[time_us] if move is not None]
            for own in {tuple(sorted(point_tags.items())): point_tags for point_tags in going}.values():
                yield Deletion(database, (name,), {tag: own.get(tag, "") for tag in TAGS}, time_us, time_us + 1)
    for found in ranges:
        yield Deletion(database, tuple(sorted(found.names)), shared, found.first_us, found.last_us + 1)


class _Range:
    def __init__(self, names: set[str], first_us: int, last_us: int) -> None:
        self.names = names
        self.first_us = first_us
        self.last_us = last_us


def _runs(times: Iterable[int], kept: Sequence[int]) -> Iterable[tuple[int, int]]:
    """First and last of each unbroken run of times without those at which something is kept."""
    run: list[int] = []
    stops = set(kept)
    for time_us in times:
        if time_us not in stops:
            run.append(time_us)
        elif run:
            yield run[0], run[-1]
            run = []
    if run:
        yield run[0], run[-1]


def _join(ranges: list[_Range], fresh: _Range, kept: Mapping[str, Sequence[int]]) -> None:
    """Make one of two ranges where none of their measurements has a point between that stays."""
    for found in ranges:
        first_us, last_us = min(found.first_us, fresh.first_us), max(found.last_us, fresh.last_us)
        names = found.names | fresh.names
        if all(bisect_left(kept[name], first_us) == bisect_right(kept[name], last_us) for name in names):
            found.names, found.first_us, found.last_us = names, first_us, last_us
            return
    ranges.append(fresh)


def _ground(located: Located) -> _Ground:
    """The tags that all points of a row share, by which a range can be cut."""
    tags = located.point.tags
    return located.database, tuple(sorted((tag, text) for tag, text in tags.items() if tag not in _OWN_TAGS))


def _place(located: Located) -> tuple[str, str, tuple[tuple[str, str], ...], int]:
    point = located.point
    return located.database, point.measurement, tuple(sorted(point.tags.items())), point.time_us


def by_database(points: Iterable[tuple[str, Point]]) -> Mapping[str, list[Point]]:
    """What to write, a write a database."""
    writes: dict[str, list[Point]] = {}
    for database, point in points:
        writes.setdefault(database, []).append(point)
    return writes


def altered(moves: Iterable[Move]) -> dict[str, set[tuple[str, int, str]]]:
    """The hours that change for whoever computes from points, by database: at the old places and at the new ones."""
    hours: dict[str, set[tuple[str, int, str]]] = {}
    for move in moves:
        point = move.located.point
        start_ms = point.time_us // 1000 // HOUR_MS * HOUR_MS
        for database, tags in ((move.located.database, point.tags), (move.database, move.tags)):
            if commune := tags.get("commune"):
                hours.setdefault(database, set()).add((commune, start_ms, ""))
    return hours
