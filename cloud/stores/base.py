"""The store's contract: what ingest writes and what boards, page and watch read. Two stores, one suite.

A *database* is one tenant's, or the operator's; they never see each other. A *point* is one line of a measurement:
tags name its series, fields are quantities, time is µs since the Unix epoch. The same series and time is the same
point: its fields merge and the newest value wins, so that writing an uplink twice changes nothing.
A point with a field `key` is somebody's own: it never replaces one with another `key` at the same series and time.
Either both are kept, as two points of one time, or what is stored stays and the other comes back as `Rejected` with
the code `identity.collision`. The points of a measurement have a key all or none.
A database may end the life of points by their age; that of `ROLLUPS` is another, longer one.
In `where` an empty text means that the series lacks the tag. What no store takes: `cloud.stores.checks`.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import msgspec

Field = float | int | str | bool


class Point(msgspec.Struct, frozen=True, gc=False):
    measurement: str
    tags: dict[str, str]  # without empty values
    time_us: int
    fields: dict[str, Field]


COLLISION: Final = "identity.collision"
TOO_OLD: Final = "store.too_old"  # older than the database keeps points
KEY: Final = "key"  # the field that says whose a point is
ROLLUPS: Final = frozenset({"hour", "day", "night"})  # measurements that outlive the points they were computed from


class Rejected(msgspec.Struct, frozen=True):
    """A point the store refuses for good; the others of the same write are stored."""

    index: int  # in the points given to `write`
    code: str
    message: str


class Store(Protocol):
    """Every method raises `LinkError` (try again) or `StorageError` (this database refuses; the others go on)."""

    def databases(self) -> list[str]:
        """Names of the databases that exist, sorted; those that this process has no credentials for may be absent."""
        ...

    def write(self, database: str, points: Sequence[Point]) -> list[Rejected]:
        """Make the points durable: when it returns they survive a kill -9 and are visible to other processes.

        Whether it makes a database that does not exist, or refuses it, is the store's own.
        """
        ...

    def latest(
        self, database: str, measurement: str, where: Mapping[str, str] | None = None, *, since_us: int | None = None
    ) -> list[Point]:
        """The newest point of each series whose tags match `where`; fields it lacks are taken from older points.

        Args:
            since_us: only series with a point at or after it, and only fields whose newest value is at or after it.
        """
        ...

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
        """The points with start ≤ time < end, by time; at most the first `limit`."""
        ...

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
        """Tags and sum of one numeric field for each series that has it in start ≤ time < end."""
        ...

    def raw(self, database: str, *, device: str, start_us: int, end_us: int) -> list[Point]:
        """The `uplink` points of one device, by time: payload, codec, identity."""
        ...

    def count(self, database: str, measurement: str, *, start_us: int | None = None, end_us: int | None = None) -> int:
        """How many points a measurement has."""
        ...

    def delete_range(
        self, database: str, measurement: str | Sequence[str], *, start_us: int, end_us: int, where: Mapping[str, str]
    ) -> int:
        """Delete the points of a measurement, or of some, with start ≤ time < end whose tags match; how many.

        Its cost may be that of asking, not that of the points: one deletion is better than several.
        """
        ...

    def probe(self) -> None:
        """See whether the store can be written to at all; asked when a database refuses.

        Raises:
            LinkError: the store is down as a whole.
        """
        ...

    def close(self) -> None: ...
