"""Runs the moves of a prepared room again and again, each time killed (SIGKILL) one instant later.

    python -m tests.support.killed_moves FOLDER STEP [URL]      prints how many instants there are

An instant is before or after anything that the store or the journal writes; of STEP one is tried. A room is a store
and a journal under a name: `prepared` is copied to `k<n>`, which is then what instant n left behind.
"""

import os
import shutil
import signal
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from cloud.moves import Journal, Moves
from cloud.stores.base import Store
from cloud.stores.influxdb import InfluxStore
from cloud.stores.sqlite import SqliteStore
from tests.support.moving import DEVICES, MEASUREMENTS, Span, never, now_ms, territory
from tests.support.stores import DATABASES, Renamed

A1, A2 = DEVICES
ROWS_A_STEP = 2
OLD: list[Span] = [(A1, "lamp-1", 0, None)]
NEW: list[Span] = [(A1, "lamp-1", 0, 10), (A1, "lamp-2", 10, 30), (A2, "lamp-1", 10, None)]
PREPARED = "prepared"
_WRITES = frozenset({"write", "delete_range", "apply", "hold", "mark_deleted", "release", "finish_pending"})


class Rooms:
    """Rooms under a folder; their stores are SQLite there, or databases of their own on an InfluxDB that asks for no
    password."""

    def __init__(self, folder: Path, url: str = "") -> None:
        self.folder = folder
        self.url = url

    def create(self, name: str) -> None:
        """An empty room."""
        (self.folder / name).mkdir()
        if self.url:
            made = [f'CREATE DATABASE "{name}-{one}" WITH DURATION INF REPLICATION 1 NAME "raw"' for one in DATABASES]
            question = urllib.parse.urlencode({"q": "; ".join(made)})
            with urllib.request.urlopen(f"{self.url}/query", question.encode(), timeout=30) as answer:
                assert b"error" not in answer.read()

    @contextmanager
    def store(self, name: str) -> Iterator[Store]:
        folder = self.folder / name / "store"
        store = Renamed(InfluxStore.open(self.url, secrets=None), f"{name}-") if self.url else SqliteStore.open(folder)
        with closing(store):
            yield store

    @contextmanager
    def opened(self, name: str) -> Iterator[tuple[Store, Journal]]:
        with self.store(name) as store, closing(Journal.open(self.folder / name)) as journal:
            yield store, journal

    def copy(self, name: str, to: str) -> None:
        """Another room with the same in it."""
        if not self.url:
            shutil.copytree(self.folder / name, self.folder / to)
            return
        self.create(to)
        shutil.copytree(self.folder / name, self.folder / to, dirs_exist_ok=True)
        with self.store(name) as found, self.store(to) as copy:
            for database in found.databases():
                points = [
                    point
                    for measurement in MEASUREMENTS
                    for point in found.series(database, measurement, start_us=0, end_us=2**62)
                ]
                assert copy.write(database, points) == []


class Watched:
    """Passes everything on; the process dies at the chosen instant."""

    def __init__(self, watched: object, instants: "count[int]", fatal: int) -> None:
        self._watched = watched
        self._instants = instants
        self._fatal = fatal

    def __getattr__(self, name: str) -> Any:
        passed = getattr(self._watched, name)
        if name not in _WRITES:
            return passed

        def call(*arguments: Any, **named: Any) -> Any:
            self._maybe_die()
            answer = passed(*arguments, **named)
            self._maybe_die()
            return answer

        return call

    def _maybe_die(self) -> None:
        if next(self._instants) == self._fatal:
            os.kill(os.getpid(), signal.SIGKILL)


def run(rooms: Rooms, name: str, fatal: int) -> None:
    """All the moves from OLD to NEW, or to the fatal instant."""
    instants = count()
    with rooms.opened(name) as (opened, kept):
        store: Any = Watched(opened, instants, fatal)
        journal: Any = Watched(kept, instants, fatal)
        moves = Moves(store, journal, keep=never, now_ms=now_ms, rows=ROWS_A_STEP)
        new = territory(NEW)
        moves.follow(new)
        while moves.step(new, mono_ms=0).unfinished:
            pass


def main(rooms: Rooms, step: int) -> None:
    for fatal in count(0, step):
        name = f"k{fatal}"
        rooms.copy(PREPARED, name)
        child = os.fork()
        if child == 0:
            run(rooms, name, fatal)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            sys.stdout.write(f"{fatal if os.waitstatus_to_exitcode(status) == 0 else -1}\n")
            return


if __name__ == "__main__":
    main(Rooms(Path(sys.argv[1]), *sys.argv[3:]), int(sys.argv[2]))
