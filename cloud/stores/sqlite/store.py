"""`cloud.stores.base.Store` over a folder of SQLite files: `<folder>/<database>.sqlite`.

One process opens it to write (`cloud run`, which holds its folder's lock); every other opens it read-only, and then
each call opens the file, reads one snapshot and closes it: files may appear and grow meanwhile.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Self, TypeVar

from cloud.sqlitefile import open_reader, probe_folder, snapshot
from cloud.stores.base import Point, Rejected
from cloud.stores.sqlite import reading
from cloud.stores.sqlite.layout import LAYOUT
from cloud.stores.sqlite.writing import DatabaseWriter
from core.errors import NotConnected, StorageError
from core.topics import SLUG

_SUFFIX = ".sqlite"
_T = TypeVar("_T")


class SqliteStore:
    """Thread-safe: a call holds the database it works on, the others go on."""

    def __init__(self, folder: Path, *, read_only: bool) -> None:
        self._folder = folder
        self._read_only = read_only
        self._writers: dict[str, DatabaseWriter] = {}
        self._locks: dict[str, threading.RLock] = {}
        self._lock = threading.Lock()

    @classmethod
    def open(cls, folder: Path, *, read_only: bool = False) -> Self:
        """The store of a folder; a writer makes the folder, a reader may come before it exists.

        Raises:
            LinkError: `store.folder`: the folder cannot be made.
        """
        if not read_only:
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise NotConnected("store.folder", f"cannot make {folder}: {error.strerror}") from error
        return cls(folder, read_only=read_only)

    def databases(self) -> list[str]:
        """Names of the databases that exist."""
        try:
            return sorted(path.stem for path in self._folder.glob(f"*{_SUFFIX}") if SLUG.fullmatch(path.stem))
        except OSError as error:
            raise NotConnected("store.folder", f"cannot read {self._folder}: {error.strerror}") from error

    def write(self, database: str, points: Sequence[Point]) -> list[Rejected]:
        """Make the points durable (one transaction); those refused for good come back.

        Raises:
            StorageError: this database refuses; nothing of this call was stored.
        """
        return self._with_writer(database, lambda writer: writer.write(points))

    def delete_range(
        self, database: str, measurement: str | Sequence[str], *, start_us: int, end_us: int, where: Mapping[str, str]
    ) -> int:
        """Delete the points with start ≤ time < end whose tags match (`""`: without this tag); how many."""
        if not self._path(database).exists():
            return 0
        names = [measurement] if isinstance(measurement, str) else measurement
        return self._with_writer(
            database, lambda writer: sum(writer.delete_range(name, start_us, end_us, where) for name in names)
        )

    def latest(
        self, database: str, measurement: str, where: Mapping[str, str] | None = None, *, since_us: int | None = None
    ) -> list[Point]:
        """The newest value of every field of each series whose tags match, at the time of its newest point."""
        with self._connection(database) as connection:
            return [] if connection is None else reading.latest(connection, measurement, where or {}, since_us)

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
        with self._connection(database) as connection:
            if connection is None:
                return []
            found = reading.points(connection, measurement, start_us, end_us, where or {})
            return list(islice(found, limit))

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
        with self._connection(database) as connection:
            if connection is None:
                return []
            return reading.sums(connection, measurement, field, start_us, end_us, where or {})

    def raw(self, database: str, *, device: str, start_us: int, end_us: int) -> list[Point]:
        """The `uplink` points of one device, by time."""
        return self.series(database, "uplink", start_us=start_us, end_us=end_us, where={"device": device})

    def count(self, database: str, measurement: str, *, start_us: int | None = None, end_us: int | None = None) -> int:
        """How many points a measurement has."""
        with self._connection(database) as connection:
            if connection is None:
                return 0
            return reading.count(connection, measurement, start_us or 0, 2**62 if end_us is None else end_us)

    def probe(self) -> None:
        """See whether the folder can be written to at all.

        Raises:
            LinkError: `store.folder`: gone, read-only, or its disk is full.
        """
        probe_folder(self._folder)

    def close(self) -> None:
        with self._lock:
            writers, self._writers = self._writers, {}
        for database, writer in writers.items():
            with self._locks[database]:
                writer.close()

    def _path(self, database: str) -> Path:
        if not SLUG.fullmatch(database):
            raise StorageError("store.name", f"{database!r} is not the name of a database")
        return self._folder / f"{database}{_SUFFIX}"

    def _with_writer(self, database: str, use: Callable[[DatabaseWriter], _T]) -> _T:
        path = self._path(database)
        if self._read_only:
            raise StorageError("store.read_only", f"{path.name} is open for reading only")
        with self._lock_of(database):
            writer = self._writers.get(database)
            if writer is None:
                writer = self._writers[database] = DatabaseWriter(path)
            try:
                return use(writer)
            except BaseException:
                # what it remembers of the file may be wrong now; a file that was mended is found by opening anew
                del self._writers[database]
                writer.close()
                raise

    def _lock_of(self, database: str) -> threading.RLock:
        with self._lock:
            return self._locks.setdefault(database, threading.RLock())

    @contextmanager
    def _connection(self, database: str) -> Iterator[sqlite3.Connection | None]:
        """A snapshot to read from: through the writer where it is open, else through a short connection of its own."""
        path = self._path(database)
        with self._lock_of(database):
            writer = self._writers.get(database)
            connection = open_reader(path, LAYOUT) if writer is None else writer.connection
            if connection is None:
                yield None
                return
            try:
                with snapshot(connection, path, LAYOUT):
                    yield connection
            finally:
                if writer is None:
                    connection.close()
