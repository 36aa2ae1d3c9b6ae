"""Reads a bounded piece of what may be misplaced: whole rows, with all their points."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from cloud.moves.journal import Kind, Pending
from cloud.moves.placing import Located, own_times
from cloud.schema import DOMAINS, EVENT, SITE, SUSPECT, UPLINK, origin_of
from cloud.stores.base import Point, Store

_OF_UPLINKS = (SUSPECT, *DOMAINS)
_NEAR_US: Final = 6 * 3600 * 1_000_000  # a device with a memory notes something every few minutes or hours


class Stretch(msgspec.Struct, frozen=True):
    """All points of one subject in one database between two instants; `unclaimed` belong to rows elsewhere."""

    located: list[Located]
    unclaimed: list[Located]


class Slice(msgspec.Struct, frozen=True):
    """A piece of what may be misplaced.

    The first stretch is all from where the slice starts to `next_us`, where the next one does. The others are around
    the times outside of it at which its rows have readings.
    """

    stretches: list[Stretch]
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
        own = [self._locate(point, point.time_us, _edge(point)) for point in (*uplinks, *events)]
        rows = {time_us: (uplink.time_us, _edge(uplink)) for uplink in uplinks for time_us in own_times(uplink)}
        rows |= {uplink.time_us: (uplink.time_us, _edge(uplink)) for uplink in uplinks}
        inside = self._stretch(_OF_UPLINKS, start_us, end_us, rows) if rows else Stretch([], [])
        before = sorted(time_us for time_us in rows if time_us < start_us)
        after = sorted(time_us for time_us in rows if time_us >= end_us)
        groups = [*_near_ones(before), *_near_ones(after)]
        around = [self._stretch(_OF_UPLINKS, first, last + 1, rows) for first, last in groups]
        return Slice([Stretch([*own, *inside.located], inside.unclaimed), *around], end_us)

    def read_site(self, pending: Pending, start_us: int) -> Slice:
        site = pending.subject
        without_device = {"device": "", "commune": pending.commune} if pending.commune else {"device": ""}
        wanted = {EVENT: without_device, SITE: {"site": site} if site else {}}
        end_us, (events, health) = self._next_rows(wanted, start_us, pending.end_us)
        heard = [self._locate(point, point.time_us, _edge(point)) for point in events]
        mine = [one for one in heard if site in ("", one.edge)]
        mine += [self._locate(point, point.time_us, point.tags.get("site", "")) for point in health]
        return Slice([Stretch(mine, [one for one in heard if site not in ("", one.edge)])], end_us)

    def _stretch(
        self, measurements: Iterable[str], start_us: int, end_us: int, rows: Mapping[int, tuple[int, str]]
    ) -> Stretch:
        """`rows`: by the time of a point, the instant and the edge of its row."""
        found = Stretch([], [])
        for measurement in measurements:
            for point in self._series(measurement, start_us, end_us):
                row = rows.get(point.time_us)
                if row is None:
                    found.unclaimed.append(self._locate(point, point.time_us, ""))
                else:
                    found.located.append(self._locate(point, *row))
        return found

    def _locate(self, point: Point, row_us: int, edge: str) -> Located:
        return Located(self._database, point, row_us, edge)

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


def _near_ones(times: Sequence[int]) -> Iterable[tuple[int, int]]:
    """First and last of each group of times that are near one another: one question, one deletion a group.

    Args:
        times: sorted.
    """
    first: int | None = None
    last = 0
    for time_us in times:
        if first is None:
            first = time_us
        elif time_us - last > _NEAR_US:
            yield first, last
            first = time_us
        last = time_us
    if first is not None:
        yield first, last
