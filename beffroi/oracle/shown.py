"""What the store shows, and what the quarantine keeps beside it, indexed for the scales.

Of a point only its place and a digest of its fields are held: the store has them, and few are asked for again.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import msgspec

from cloud import schema
from cloud.quarantine import Kind, Quarantine
from cloud.stores.base import KEY, Field, Point, Store
from cloud.stores.checks import TAGS
from core.model import RowClass

Identity = tuple[str, RowClass, int]  # spool_id, class, seq
_ROWS = (schema.UPLINK, schema.EVENT)
_PAGE = 1_000
_SLICE = 10_000  # points read at a time
_END_US = 2**62
_Tags = tuple[tuple[str, str], ...]
_times = msgspec.json.Decoder(list[int]).decode
_encode = msgspec.json.Encoder(order="sorted").encode


class Place(NamedTuple):
    """Where a point is: no two points of a store have the same. `key`: of `uplink` and `event`, two of which may have
    one time."""

    database: str
    measurement: str
    tags: _Tags
    time_us: int
    key: str = ""

    @property
    def device(self) -> str:
        return dict(self.tags).get("device", "")

    @property
    def source(self) -> tuple[object, ...]:
        """What made it, wherever it is shown."""
        own = tuple(tag for tag in self.tags if tag[0] not in ("asset", "commune"))
        return self.measurement, own, self.time_us, self.key


def place_of(database: str, point: Point) -> Place:
    key = str(point.fields.get(KEY, "")) if point.measurement in _ROWS else ""
    return Place(database, point.measurement, tuple(sorted(point.tags.items())), point.time_us, key)


def identity_of(point: Point) -> Identity | None:
    """Whose own point it is; None for one that beffroi did not write."""
    origin = schema.origin_of(point)
    return None if origin is None else (origin.spool_id, origin.row_class, origin.seq)


def digest_of(fields: Mapping[str, Field]) -> int:
    """The same for the same values of the same types, in any order; this process alone can compare it."""
    return hash(_encode(fields))


def each_point(store: Store, database: str, measurement: str) -> Iterator[Point]:
    """All points of a measurement, by time, read in slices."""
    start_us = 0
    while True:
        found = store.series(database, measurement, start_us=start_us, end_us=_END_US, limit=_SLICE)
        if len(found) < _SLICE:
            yield from found
            return
        last_us = found[-1].time_us  # of this instant there may be more
        if last_us == start_us:
            yield from store.series(database, measurement, start_us=last_us, end_us=last_us + 1)
            start_us = last_us + 1
        else:
            yield from (point for point in found if point.time_us < last_us)
            start_us = last_us


class Shown:
    """All points of rows in a store, as digests of their fields by place. `rows`: the own points of a row by its event
    key; `identities`: and by its id."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.points: dict[Place, int] = {}
        self.rows: dict[str, list[Place]] = defaultdict(list)
        self.identities: dict[Identity, Place] = {}
        self._own_times: dict[Place, list[int]] = {}
        self._near: dict[tuple[str, str, int], list[Place]] = defaultdict(list)
        known: dict[_Tags, _Tags] = {}  # one object a series: points are many
        for database in store.databases():
            for measurement in schema.OF_DEVICES:
                for point in each_point(store, database, measurement):
                    place = place_of(database, point)
                    place = place._replace(tags=known.setdefault(place.tags, place.tags))
                    self.points[place] = digest_of(point.fields)
                    self._near[database, point.tags.get("device", ""), point.time_us].append(place)
                    if measurement in _ROWS:
                        self._note_row(place, point)

    def _note_row(self, place: Place, point: Point) -> None:
        self.rows[place.key].append(place)
        if (identity := identity_of(point)) is not None:
            self.identities[identity] = place
        if listed := point.fields.get(schema.OWN_TIMES):
            self._own_times[place] = _times(str(listed))

    def point(self, place: Place) -> Point:
        """The point itself, read again.

        Raises:
            LookupError: it is gone: the store is not at rest.
        """
        tags = dict(place.tags)
        where = {tag: tags.get(tag, "") for tag in TAGS}
        found = self._store.series(
            place.database, place.measurement, start_us=place.time_us, end_us=place.time_us + 1, where=where
        )
        for point in found:
            if place_of(place.database, point) == place:
                return point
        raise LookupError(f"{place} was shown a moment ago")

    def beside(self, own: Place) -> Iterator[Place]:
        """The points that a row can have made together with its own: same database, device, asset and times."""
        mine = dict(own.tags)
        for time_us in {own.time_us, *self._own_times.get(own, ())}:
            for place in self._near[own.database, own.device, time_us]:
                tags = dict(place.tags)
                if place.key in ("", own.key) and all(tags.get(tag) == mine.get(tag) for tag in ("asset", "commune")):
                    yield place


class _Refused(msgspec.Struct):
    """Where a point would be that the quarantine keeps; its fields may be what no store takes."""

    measurement: str
    tags: dict[str, str]
    time_us: int
    fields: dict[str, object] = {}


class Kept:
    """The quarantine. `rows` are held there; `places`: points that the store refused, beside their stored row."""

    def __init__(self, quarantine: Quarantine | None) -> None:
        self.rows: set[Identity] = set()
        self.places: set[Place] = set()
        if quarantine is None:
            return
        self.rows |= quarantine.identities()
        after = 0
        while listed := quarantine.entries(limit=_PAGE, kind=Kind.POINT, after=after):
            after = listed[-1].id
            for entry in listed:
                refused = msgspec.json.decode(quarantine.show(entry.id).body, type=_Refused)
                fields: dict[str, Field] = {KEY: str(refused.fields[KEY])} if KEY in refused.fields else {}
                self.places.add(
                    place_of(entry.database, Point(refused.measurement, refused.tags, refused.time_us, fields))
                )
