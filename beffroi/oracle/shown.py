"""What the store shows, and what the quarantine keeps beside it, indexed for the scales."""

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from cloud import schema
from cloud.quarantine import Kind, Quarantine
from cloud.stores.base import Point, Store
from core.model import RowClass

Identity = tuple[str, RowClass, int]  # spool_id, class, seq
_ROWS = (schema.UPLINK, schema.EVENT)
_PAGE = 1_000


class Place(NamedTuple):
    """Where a point is: no two points of a store have the same."""

    database: str
    measurement: str
    tags: tuple[tuple[str, str], ...]
    time_us: int

    @property
    def device(self) -> str:
        return dict(self.tags).get("device", "")

    @property
    def source(self) -> tuple[object, ...]:
        """What made it, wherever it is shown."""
        own = tuple(tag for tag in self.tags if tag[0] not in ("asset", "commune"))
        return self.measurement, own, self.time_us


def place_of(database: str, point: Point) -> Place:
    return Place(database, point.measurement, tuple(sorted(point.tags.items())), point.time_us)


def identity_of(point: Point) -> Identity | None:
    """Whose own point it is; None for one that beffroi did not write."""
    origin = schema.origin_of(point)
    return None if origin is None else (origin.spool_id, origin.row_class, origin.seq)


class Shown:
    """All points of rows in a store. `rows`: the own points of a row by its event key; `identities`: and by its id."""

    def __init__(self, store: Store) -> None:
        self.points: dict[Place, Point] = {}
        self.rows: dict[str, list[Place]] = defaultdict(list)
        self.identities: dict[Identity, Place] = {}
        self._near: dict[tuple[str, str, int], list[Place]] = defaultdict(list)
        for database in store.databases():
            for measurement in schema.OF_DEVICES:
                for point in store.series(database, measurement, start_us=0, end_us=2**62):
                    place = place_of(database, point)
                    self.points[place] = point
                    if measurement in _ROWS:
                        self.rows[str(point.fields.get("key"))].append(place)
                        if (identity := identity_of(point)) is not None:
                            self.identities[identity] = place
                    self._near[database, point.tags.get("device", ""), point.time_us].append(place)

    def beside(self, own: Place) -> Iterator[Place]:
        """The points that a row can have made together with its own: same database, device, asset and times."""
        point = self.points[own]
        listed = point.fields.get(schema.OWN_TIMES)
        times = msgspec.json.decode(str(listed), type=list[int]) if listed else []
        for time_us in {point.time_us, *times}:
            for place in self._near[own.database, own.device, time_us]:
                tags = dict(place.tags)
                if all(tags.get(name) == point.tags.get(name) for name in ("asset", "commune")):
                    yield place


class _Refused(msgspec.Struct):
    """Where a point would be that the quarantine keeps; its fields may be what no store takes."""

    measurement: str
    tags: dict[str, str]
    time_us: int


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
                point = Point(refused.measurement, refused.tags, refused.time_us, {})
                self.places.add(place_of(entry.database, point))
