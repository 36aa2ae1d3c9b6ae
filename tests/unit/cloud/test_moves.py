"""How moves are journaled, refused and remembered. Where points land: tests/contract/test_moves_on_stores.py."""

import zlib
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import msgspec
import pytest

from cloud.dirty import DIRTY, HOUR_MS, read_marks
from cloud.moves import Journal, Moves, keep_refused
from cloud.quarantine import Origin, Quarantine
from cloud.schema import origin_of, row_points
from cloud.stores.base import TOO_OLD, Point, Rejected
from cloud.stores.sqlite import SqliteStore
from core.errors import RejectedError, StorageError
from core.model import Row, RowClass, RowId, decode_row
from core.territory import Territory
from tests.support.memory import memory_folder
from tests.support.moving import (
    DEVICES,
    MINUTE_MS,
    T0_MS,
    content,
    content_of,
    event,
    expected,
    finish,
    never,
    now_ms,
    points,
    territory,
    uplink,
)
from tests.unit.cloud.cloud_road import Clock

A1, A2 = DEVICES
HEARD = "remiremont"


class Bench:
    """A store, its journal and its moves in a folder; `reopen` is a restart of the worker."""

    def __init__(self, folder: Path, rows: int = 500) -> None:
        self.folder, self.rows = folder, rows
        self.store = SqliteStore.open(folder / "store")
        self.journal = Journal.open(folder)
        self.moves = Moves(self.store, self.journal, keep=never, now_ms=now_ms, rows=rows)

    def ingest(self, rows: Sequence[Row], where: Territory, edge: str = HEARD) -> None:
        for number, row in enumerate(rows):
            made = points(row, number, where, edge)
            if made is not None:
                assert self.store.write(*made) == []

    def reopen(self) -> "Bench":
        self.close()
        return Bench(self.folder, self.rows)

    def close(self) -> None:
        self.store.close()
        self.journal.close()


@pytest.fixture
def room() -> Iterator[Path]:
    with memory_folder() as folder:
        yield Path(folder)


@pytest.fixture
def bench(room: Path) -> Iterator[Bench]:
    opened = Bench(room)
    yield opened
    opened.close()


def as_new(rows: Sequence[Row], where: Territory, edge: str = HEARD) -> object:
    return content_of(expected(row, number, where, edge) for number, row in enumerate(rows))


ROWS = [row for minute in range(0, 60, 5) for row in (uplink(A1, minute), uplink(A2, minute), event(A1, minute))]
OLD = territory([(A1, "lamp-1", 0, None)])


def test_the_same_territory_moves_nothing(bench: Bench) -> None:
    """Neither twice in a process nor after a restart."""
    assert bench.moves.follow(OLD) == 1, "the first time, every database is looked through, once for all edges"
    finish(bench.moves, OLD)
    assert bench.moves.follow(OLD) == 0
    again = bench.reopen()
    assert again.moves.follow(territory([(A1, "lamp-1", 0, None)])) == 0
    again.close()


@pytest.mark.parametrize("row", [uplink(A1, 10), event(A1, 10)])
@pytest.mark.parametrize("was_replayed", [False, True])
def test_a_row_whose_new_place_is_taken_is_kept_with_its_identity(bench: Bench, row: Row, was_replayed: bool) -> None:
    """It has left the store and is in the quarantine's balance, also when it came from there; replayed, it is whole."""
    new = territory([(A1, "lamp-2", 0, None)])
    clock = Clock()
    quarantine = Quarantine.open(bench.folder, limit_bytes=1_000_000, version="0")
    identity = RowId("5b00c", RowClass.MEASUREMENT, 7)
    if was_replayed:
        foreign = RejectedError("identity.foreign_device", "it was")
        quarantine.add_row(Origin(edge=HEARD, row_id=identity), b"{}", foreign, now_ms=1)
        quarantine.mark_replayed([quarantine.entries()[0].id], now_ms=2)
    moves = Moves(bench.store, bench.journal, keep=partial(keep_refused, quarantine, clock), now_ms=now_ms)
    moves.follow(OLD)
    stored = points(row, 7, OLD, HEARD)
    taken = points(msgspec.structs.replace(row, key=tied(row)), 8, new, HEARD)
    assert stored is not None
    assert taken is not None
    assert [*bench.store.write(*stored), *bench.store.write(*taken)] == []
    moves.follow(new)
    finish(moves, new)
    own = stored[1][0]
    (left,) = bench.store.series("ccpvm", own.measurement, start_us=0, end_us=2**62)
    assert (origin := origin_of(left)) is not None
    assert origin.seq == 8
    (entry,) = quarantine.entries()
    assert entry.reason == "identity.collision"
    assert quarantine.identities() == {("5b00c", RowClass.MEASUREMENT, 7)}
    again = decode_row(quarantine.show(entry.id).body)
    home = new.place(A1, row.received_ms, site=HEARD)
    site = new.sites[entry.edge]
    made = row_points(
        again, identity, edge=entry.edge, boot=entry.boot, offset_ms=entry.offset_ms, placement=home, site=site
    )
    (back, *_) = made.points
    assert back.time_us == own.time_us
    lost = {"row", "own_times_us", "error"}  # until its readings are read again from the payload
    assert {name: field for name, field in back.fields.items() if name not in lost} == {
        name: field for name, field in own.fields.items() if name not in lost
    }
    quarantine.close()


def tied(row: Row) -> str:
    """Another key that gives an event the same time."""
    tie = zlib.crc32(row.key.encode()) % 1000
    return next(key for n in range(100_000) if zlib.crc32((key := f"twin/{n}").encode()) % 1000 == tie)


def test_the_hours_that_a_move_alters_are_marked_at_both_places(bench: Bench) -> None:
    """For the watch to compute anew: the commune that loses the points, and the one that gets them."""
    bench.moves.follow(OLD)
    bench.ingest([uplink(A1, 10), uplink(A1, 20), uplink(A1, 100)], OLD, edge="remiremont")
    new = territory([])
    bench.moves.follow(new)
    finish(bench.moves, new)
    hours = {(T0_MS + minutes * MINUTE_MS) // HOUR_MS * HOUR_MS for minutes in (10, 100)}
    assert len(hours) == 2
    for database, commune in (("ccpvm", "88383"), ("operator", "88383")):
        found = read_marks(bench.store.series(database, DIRTY, start_us=0, end_us=2**62))
        assert {(mark.commune, mark.start_ms, mark.asset) for mark in found} == {
            (commune, start_ms, "") for start_ms in hours
        }
        assert {mark.made_us // 1000 for mark in found} == {now_ms()}


class Refusing:
    """The store with one database that refuses to be written or cut."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self.refuses = ""
        self.calls = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def _check(self, database: str) -> None:
        self.calls += 1
        if database == self.refuses:
            raise StorageError("store.read_only", f"{database} refuses")

    def write(self, database: str, made: Sequence[Point]) -> list[Rejected]:
        self._check(database)
        return self._store.write(database, made)

    def delete_range(self, database: str, measurement: str, **cut: object) -> int:
        self._check(database)
        return self._store.delete_range(database, measurement, **cut)  # type: ignore[arg-type]


@pytest.mark.parametrize("refuses", ["operator", "ccpvm"])
def test_a_database_that_refuses_delays_its_own_points_only(bench: Bench, refuses: str) -> None:
    """The others move on; nothing leaves its place for a place that refuses; later it goes on by itself."""
    old = territory([(A1, "lamp-1", 0, None), (A2, "lamp-3", 0, None)])
    new = territory([(A2, "lamp-4", 0, None)])  # A1: ccpvm → operator, A2: inside esternay
    store = Refusing(bench.store)
    moves = Moves(store, bench.journal, keep=never, now_ms=now_ms)  # type: ignore[arg-type]
    moves.follow(old)
    first, second = [uplink(A1, n) for n in range(20)], [uplink(A2, n) for n in range(20)]
    bench.ingest(first, old, edge="remiremont")
    bench.ingest(second, old, edge="esternay")
    moves.follow(new)
    store.refuses = refuses
    before = content_of(expected(row, number, old, "remiremont") for number, row in enumerate(first))
    after = as_new(second, new, edge="esternay")
    for _ in range(5):
        step = moves.step(new, mono_ms=1000)
    assert step.unfinished
    assert list(step.refusing) == [refuses]
    held = [move.located.point for batch in bench.journal.batches() for move in bench.journal.held(batch)]
    assert bool(held) == (refuses == "ccpvm"), "a refusing new place is found out before anything is held"
    assert content(bench.store) == sorted([*before, *after])
    calls = store.calls
    moves.step(new, mono_ms=1500)
    assert store.calls == calls, "it is left alone for a while"
    store.refuses = ""
    finish(moves, new, mono_ms=60_000)
    assert content(bench.store) == sorted([*as_new(first, new), *after])


class Keeping(Refusing):
    """The store whose databases keep points from some instant on."""

    since_us = 0

    def write(self, database: str, made: Sequence[Point]) -> list[Rejected]:
        too_old = [index for index, point in enumerate(made) if point.time_us < self.since_us]
        assert super().write(database, [point for point in made if point.time_us >= self.since_us]) == []
        return [Rejected(index, TOO_OLD, "it is older than the database keeps points") for index in too_old]


def test_what_the_new_place_no_longer_keeps_is_not_kept_elsewhere(bench: Bench) -> None:
    """Had it always been there, it would be gone: no flood of evidence, and all else moves."""
    store = Keeping(bench.store)
    moves = Moves(store, bench.journal, keep=never, now_ms=now_ms)  # type: ignore[arg-type]
    moves.follow(OLD)
    bench.ingest(ROWS, OLD)
    new = territory([(A1, "lamp-2", 0, None)])
    moves.follow(new)
    store.since_us = (T0_MS + 20 * MINUTE_MS) * 1000
    finish(moves, new)
    kept = [found for found in as_new(ROWS, new) if found[3] >= store.since_us]  # type: ignore[attr-defined]
    stayed = [found for found in content(bench.store) if found[3] < store.since_us]
    assert [found for found in content(bench.store) if found[3] >= store.since_us] == kept
    assert {dict(tags)["device"] for _, _, tags, _, _ in stayed} == {A2}, "it never moved"
    assert bench.journal.batches() == []


def test_a_large_territory_is_remembered(bench: Bench) -> None:
    """The snapshot is written whole once, then only what changed."""
    devices = [f"{n:016x}" for n in range(10_000)]
    bench.moves.follow(territory([(device, "lamp-1", 0, None) for device in devices]))
    again = bench.reopen()
    new = territory([*[(device, "lamp-1", 0, None) for device in devices[1:]], (devices[0], "lamp-2", 0, None)])
    assert again.moves.follow(new) == 1
    assert again.journal.timelines() == new.timelines
    again.close()
