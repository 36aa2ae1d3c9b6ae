"""Reads a bounded piece of what may be misplaced: whole rows, with all their points."""

from collections.abc import Sequence

import msgspec

from cloud.moves.journal import Kind, Pending
from cloud.moves.placing import Located, own_times
from cloud.schema import DOMAINS, EVENT, GATEWAY, SITE, SUSPECT, UPLINK, origin_of
from cloud.stores.base import Point, Store

_OF_UPLINKS = (GATEWAY, SUSPECT, *DOMAINS)
_WITH_OWN_TIMES = (SUSPECT, *DOMAINS)


class Slice(msgspec.Struct, frozen=True):
    """Points of one subject in one database.

    `located` and `unclaimed` are all its points with start ≤ time < `next_us`; `unclaimed` belong to rows elsewhere.
    `apart` are points of the located rows with times outside. `next_us`: where the next slice starts.
    """

    located: list[Located]
    unclaimed: list[Point]
    apart: list[Located]
    next_us: int


def read_slice(store: Store, database: str, pending: Pending, start_us: int, *, rows: int) -> Slice:
    """The next rows, about `rows` of each kind.

    Raises:
        StorageError: this database cannot be read now.
    """
    match pending.kind:
        case Kind.DEVICE:
            return _Reader(store, database, {"device": pending.subject}, rows).read_device(start_us, pending.end_us)
        case Kind.SITE:
            return _Reader(store, database, {}, rows).read_site(pending, start_us)


class _Reader:
    def __init__(self, store: Store, database: str, where: dict[str, str], rows: int) -> None:
        self._store = store
        self._database = database
        self._where = where
        self._rows = rows

    def read_device(self, start_us: int, end_us: int) -> Slice:
        end_us, (uplinks, events) = self._next_rows({UPLINK: self._where, EVENT: self._where}, start_us, end_us)
        located = [Located(self._database, point, point.time_us, _edge(point)) for point in (*uplinks, *events)]
        rows = {time_us: (uplink.time_us, _edge(uplink)) for uplink in uplinks for time_us in own_times(uplink)}
        rows |= {uplink.time_us: (uplink.time_us, _edge(uplink)) for uplink in uplinks}
        unclaimed: list[Point] = []
        for measurement in _OF_UPLINKS if rows else ():
            for point in self._series(measurement, start_us, end_us):
                row = rows.get(point.time_us)
                if row is None:
                    unclaimed.append(point)
                else:
                    located.append(Located(self._database, point, *row))
        outside = [time_us for time_us in rows if not start_us <= time_us < end_us]
        apart = [
            Located(self._database, point, *rows[time_us])
            for time_us in outside
            for measurement in _WITH_OWN_TIMES
            for point in self._series(measurement, time_us, time_us + 1)
        ]
        return Slice(located, unclaimed, apart, end_us)

    def read_site(self, pending: Pending, start_us: int) -> Slice:
        site = pending.subject
        without_device = {"device": "", "commune": pending.commune} if pending.commune else {"device": ""}
        wanted = {EVENT: without_device, SITE: {"site": site}}
        end_us, (events, health) = self._next_rows(wanted, start_us, pending.end_us)
        mine = [point for point in events if _edge(point) == site]
        return Slice(
            [Located(self._database, point, point.time_us, site) for point in (*mine, *health)],
            [point for point in events if _edge(point) != site],
            [],
            end_us,
        )

    def _next_rows(
        self, wanted: dict[str, dict[str, str]], start_us: int, end_us: int
    ) -> tuple[int, list[Sequence[Point]]]:
        """The next points of these measurements, and the time before which these are all."""
        found = {
            measurement: self._store.series(
                self._database, measurement, start_us=start_us, end_us=end_us, where=where, limit=self._rows + 1
            )
            for measurement, where in wanted.items()
        }
        for points in found.values():
            if len(points) > self._rows:
                end_us = min(end_us, points[self._rows].time_us)
        if end_us == start_us:  # more points of one instant than a slice has room for
            end_us = start_us + 1
            found = {
                measurement: self._store.series(
                    self._database, measurement, start_us=start_us, end_us=end_us, where=where
                )
                for measurement, where in wanted.items()
            }
        return end_us, [[point for point in points if point.time_us < end_us] for points in found.values()]

    def _series(self, measurement: str, start_us: int, end_us: int) -> list[Point]:
        return self._store.series(self._database, measurement, start_us=start_us, end_us=end_us, where=self._where)


def _edge(point: Point) -> str:
    origin = origin_of(point)
    return "" if origin is None else origin.edge
