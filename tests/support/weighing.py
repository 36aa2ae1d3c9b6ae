"""A spool, a store and a quarantine to weigh, without a service."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from beffroi.oracle import Balance, weigh
from beffroi.oracle.shown import Identity, Shown
from cloud.quarantine import Quarantine
from cloud.schema import row_ms, row_points
from cloud.stores.base import Point, Store
from core.model import Event, RowClass, RowId, Uplink, encode_row
from core.territory import Territory
from edge.spool import NewRow, Run, Spool
from tests.support.moving import DEVICES, territory, uplink
from tests.support.spools import limits, open_spool, receipt

SITE = "remiremont"
URGENT, MEASUREMENT, DIAGNOSTIC = RowClass
DECLARED = territory([(DEVICES[0], "lamp-1", 0, None), (DEVICES[1], "lamp-2", 0, None)])


class Road:
    """A spool, a store and a quarantine, without a service: rows are accepted, stored and settled one by one."""

    def __init__(self, folder: Path, store: Store, *, keep_settled: bool = True) -> None:
        self.folder = folder
        self.keep_settled = keep_settled
        self.store = store
        self.quarantine = Quarantine.open(folder / "cloud", limit_bytes=1 << 20, version="1")
        self.spool = self.opened()
        self.is_open = True

    @property
    def spools(self) -> Path:
        return self.folder / SITE / "spool"

    def opened(self) -> Spool:
        return open_spool(self.spools, keeping=limits(keep_settled=self.keep_settled, min_free_bytes=0))

    def stop(self) -> None:
        """The edge is at rest."""
        if self.is_open:
            self.spool.close()
        self.is_open = False

    def accept(self, *rows: Uplink | Event, row_class: RowClass = MEASUREMENT) -> Run:
        for row in rows:
            self.spool.append(NewRow(row_class, row.key, encode_row(row), row.received_ms, row.clock))
        (run,) = self.spool.commit()
        return run

    def show(
        self, run: Run, rows: Sequence[Uplink | Event], declared: Territory = DECLARED, *, mended: bool = False
    ) -> None:
        """Store these rows as the worker does."""
        for seq, row in enumerate(rows, run.first):
            made = row_points(
                row,
                RowId(run.spool_id, run.row_class, seq),
                edge=SITE,
                boot=run.boot,
                offset_ms=None,
                placement=declared.place(row.dev_eui, row_ms(row, None), site=SITE) if row.dev_eui else None,
                site=declared.sites[SITE],
                mended=mended,
            )
            assert not self.store.write(made.database, made.points)

    def deliver(self, *rows: Uplink | Event, row_class: RowClass = MEASUREMENT) -> Run:
        """Accept, store and settle."""
        run = self.accept(*rows, row_class=row_class)
        self.show(run, rows)
        assert self.spool.settle(receipt(self.spool, run))
        return run

    def rotate(self) -> None:
        """End every segment; what is settled goes where it goes."""
        self.stop()
        self.go_on()
        self.spool.maintain()

    def go_on(self) -> None:
        self.spool, self.is_open = self.opened(), True

    def points(self, database: str, measurement: str) -> list[Point]:
        return self.store.series(database, measurement, start_us=0, end_us=2**62)

    def change(self, database: str, point: Point, into: str = "", **changed: object) -> None:
        """Write a point again, altered; at another place it is a second one."""
        assert not self.store.write(into or database, [msgspec.structs.replace(point, **changed)])

    def remove(self, database: str, point: Point) -> None:
        where = dict(point.tags)
        assert self.store.delete_range(
            database, point.measurement, start_us=point.time_us, end_us=point.time_us + 1, where=where
        )

    def forget(self, run: Run) -> None:
        """The store loses rows, with all their points."""
        shown = Shown(self.store)
        for seq in range(run.first, run.last + 1):
            for place in shown.beside(shown.identities[run.spool_id, run.row_class, seq]):
                self.remove(place.database, shown.point(place))

    def settled_file(self, row_class: RowClass = MEASUREMENT) -> Path:
        (path,) = self.spools.glob(f"*/settled/{row_class}-*.sqlite")
        return path

    def weigh(
        self, *, declared: Territory = DECLARED, moving: Iterable[Identity] = (), complete: bool | None = None
    ) -> Balance:
        self.stop()
        return weigh(
            [self.spools],
            store=self.store,
            quarantine=self.quarantine,
            declared=declared,
            moving=frozenset(moving),
            complete=self.keep_settled if complete is None else complete,
        )

    def close(self) -> None:
        self.stop()
        self.store.close()
        self.quarantine.close()


def uplinks(first: int, last: int) -> list[Uplink]:
    return [uplink(DEVICES[minute % 2], minute, own_minute=minute - 1) for minute in range(first, last + 1)]


def figures(balance: Balance) -> tuple[int, int, int, int, int]:
    return balance.accepted, balance.stored, balance.quarantined, balance.spooled, balance.evicted


def breaks(balance: Balance) -> tuple[int, int, int, int]:
    return balance.lost, balance.duplicates, balance.phantom, balance.wrong
