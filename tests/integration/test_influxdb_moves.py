"""Moves on an InfluxDB that keeps points for a time, lacks a policy, dies, or goes on deleting for a dead worker."""

import multiprocessing
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cloud.moves import Journal, Moves
from cloud.stores.influxdb import InfluxStore
from core.errors import LinkError
from core.territory import Territory
from tests.servers.influxdb import InfluxDb
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
from tests.support.waiting import wait_for

A1, A2 = DEVICES
HEARD = "remiremont"
OLD = territory([(A1, "lamp-1", 0, None)])
NEW = territory([(A1, "lamp-2", 0, 25), (A1, "lamp-1", 25, 35), (A2, "lamp-1", 35, None)])
ROWS = [row for minute in range(0, 60, 5) for row in (uplink(A1, minute), uplink(A2, minute), event(A1, minute))]


class Bench:
    """A store on a server, and the moves of a worker. `reopen` is its restart."""

    def __init__(self, server: InfluxDb, folder: Path, *, rows: int = 10) -> None:
        self.server, self.folder, self.rows = server, folder, rows
        self.store: Any = InfluxStore.open(server.url, secrets=None, timeout_s=30)
        self.journal = Journal.open(folder)
        self.moves = Moves(self.store, self.journal, keep=never, now_ms=now_ms, rows=rows)

    def fill(self, where: Territory = OLD) -> None:
        self.moves.follow(where)
        finish(self.moves, where)
        for number, row in enumerate(ROWS):
            made = points(row, number, where, HEARD)
            assert made is not None
            assert self.store.write(*made) == []

    def finish(self, where: Territory) -> None:
        """As the worker does: try again until all is home."""
        while True:
            try:
                step = self.moves.step(where, mono_ms=time.monotonic_ns() // 1_000_000)
            except LinkError:
                continue
            if not step.unfinished:
                return

    def reopen(self) -> "Bench":
        self.close()
        return Bench(self.server, self.folder, rows=self.rows)

    def close(self) -> None:
        self.store.close()
        self.journal.close()


def wanted(where: Territory) -> object:
    return content_of(expected(row, number, where, HEARD) for number, row in enumerate(ROWS))


@pytest.fixture
def bench(influxdb: InfluxDb, tmp_path: Path) -> Iterator[Bench]:
    influxdb.create("ccpvm", "esternay", "operator")
    opened = Bench(influxdb, tmp_path)
    yield opened
    opened.close()


def test_what_a_tenants_retention_has_ended_does_not_come_back(bench: Bench) -> None:
    """A database that keeps points for a shorter time than the one they come from gets those that it keeps."""
    bench.fill()
    cut_ms = T0_MS + 32 * MINUTE_MS
    keeps_s = int(time.time() - cut_ms / 1000)
    bench.server.query(f'ALTER RETENTION POLICY "raw" ON "operator" DURATION {keeps_s}s SHARD DURATION 1h')
    nobody = territory([])
    bench.moves.follow(nobody)
    bench.finish(nobody)
    assert bench.journal.batches() == []
    held = content(bench.store)
    assert [one for one in held if one[3] >= cut_ms * 1000] == [
        one for one in wanted(nobody) if one[3] >= cut_ms * 1000
    ]
    assert {one[0] for one in held} == {"operator"}


def test_a_new_place_without_its_policy_is_found_out_before_anything_leaves(bench: Bench) -> None:
    """Every point stays where it is; when provisioning has mended it, all goes on."""
    bench.fill(territory([(A1, "lamp-1", 0, None), (A2, "lamp-2", 0, None)]))
    bench.server.query('CREATE RETENTION POLICY "other" ON "operator" DURATION INF REPLICATION 1 DEFAULT')
    bench.server.query('DROP RETENTION POLICY "raw" ON "operator"')
    nobody = territory([])
    bench.moves.follow(nobody)
    step = bench.moves.step(nobody, mono_ms=0)
    assert step.unfinished
    assert list(step.refusing) == ["operator"]
    assert bench.journal.batches() == []
    bench.server.query('CREATE RETENTION POLICY "raw" ON "operator" DURATION INF REPLICATION 1 DEFAULT')
    finish(bench.moves, nobody, mono_ms=60_000)
    assert content(bench.store) == wanted(nobody)


class Dying:
    """The store; its server is killed around, or in the middle of, the n-th thing that is written or deleted."""

    def __init__(self, store: InfluxStore, kill: Callable[[], None], fatal: float) -> None:
        self._store = store
        self._kill = kill
        self._fatal = fatal
        self.calls = 0

    def __getattr__(self, name: str) -> Any:
        passed = getattr(self._store, name)
        if name not in ("write", "delete_range"):
            return passed

        def call(*arguments: Any, **named: Any) -> Any:
            self.calls += 1
            when = self._fatal - self.calls  # before it, soon after it was sent, or after its answer
            if when == 0:
                self._kill()
            killer = threading.Timer(0.002, self._kill)
            if when == 0.25:
                killer.start()
            try:
                answer = passed(*arguments, **named)
            finally:
                if when == 0.25:
                    killer.join()
            if when == 0.5:
                self._kill()
            return answer

        return call


def test_a_server_that_dies_in_the_middle_of_a_move_loses_and_doubles_nothing(bench: Bench) -> None:
    """kill -9 of influxd before, in and after a deletion and a write; started again, the moves go on by themselves."""
    bench.rows = 100
    current = OLD
    bench.fill()
    for number, fatal in enumerate((2.25, 2.5, 3.25, 3.5, 4.25)):  # 1: the probe; then deletions; then writes
        bench = bench.reopen()
        store = Dying(bench.store, bench.server.kill, fatal)
        bench.moves = Moves(store, bench.journal, keep=never, now_ms=now_ms, rows=100)  # type: ignore[arg-type]
        current = NEW if number % 2 == 0 else OLD
        bench.moves.follow(current)
        with pytest.raises(LinkError):
            finish(bench.moves, current)
        bench.server.kill()
        bench.server.start_again()
        bench.finish(current)
        assert content(bench.store) == wanted(current), fatal
        assert bench.journal.batches() == []
    bench.close()


def _move(url: str, folder: Path) -> None:
    store, journal = InfluxStore.open(url, secrets=None), Journal.open(folder)
    moves = Moves(store, journal, keep=never, now_ms=now_ms, rows=2000)
    moves.follow(NEW)
    finish(moves, NEW)


def test_a_worker_killed_in_a_deletion_finds_the_server_still_deleting(influxdb: InfluxDb, tmp_path: Path) -> None:
    """InfluxDB goes on for it. The next worker, started at once, waits; what it writes back stays."""
    for name in ("ccpvm", "operator"):
        influxdb.query(f'CREATE DATABASE "{name}" WITH DURATION INF REPLICATION 1 SHARD DURATION 1h NAME "raw"')
    bench = Bench(influxdb, tmp_path, rows=2000)
    rows = [uplink(A1, 60 * hour) for hour in range(25)]
    old, new = territory([(A1, "lamp-2", 0, None)]), NEW
    bench.moves.follow(old)
    finish(bench.moves, old)
    for number, row in enumerate(rows):
        made = points(row, number, old, HEARD)
        assert made is not None
        bench.store.write(*made)
    bench.close()
    worker = multiprocessing.get_context("spawn").Process(target=_move, args=(influxdb.url, tmp_path))
    worker.start()

    def is_deleting() -> bool:
        (running,) = influxdb.query("SHOW QUERIES", database="ccpvm")
        return any("DELETE" in row[1] for series in running["series"] for row in series["values"])

    wait_for("the deletion", is_deleting, every_s=0.001)
    worker.kill()
    worker.join()
    again = bench.reopen()
    (batch,) = again.journal.batches()
    assert not batch.deleted
    again.moves.follow(new)
    again.finish(new)
    assert content(again.store) == content_of(expected(row, n, new, HEARD) for n, row in enumerate(rows))
    again.close()
