"""`meta.sqlite` of one spool: what must outlive its segments.

It holds the identity, the seq that may have been used (reserved in blocks before any is), each segment's class and
range, what is left of segments that are gone (their counters, merged with their neighbours'), the eviction log, the
boots with their frozen offsets, and the event keys of gone segments that are still remembered.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from core import log
from core.errors import SpoolCorrupt, SpoolFull, StorageError
from core.model import RowClass
from edge.spool import database, wal
from edge.spool.rows import Eviction, EvictionReason, Offset

NAME = "meta.sqlite"
_VERSION = 1
_CHECKPOINT_PAGES = 32
_CLASS = f"TEXT NOT NULL CHECK (row_class IN ({', '.join(repr(c.value) for c in RowClass)}))"
_REASON = f"TEXT NOT NULL CHECK (reason IN ({', '.join(repr(r.value) for r in EvictionReason)}))"
_SCHEMA = (
    "CREATE TABLE spool (version INTEGER NOT NULL, spool_id TEXT NOT NULL, machine TEXT NOT NULL,"
    " generation INTEGER NOT NULL, created_ms INTEGER NOT NULL, in_use INTEGER NOT NULL) STRICT",
    f"CREATE TABLE reserved (row_class {_CLASS} PRIMARY KEY, next INTEGER NOT NULL) STRICT",
    f"CREATE TABLE segment (row_class {_CLASS}, first INTEGER NOT NULL, last INTEGER, boot TEXT NOT NULL,"
    " PRIMARY KEY (row_class, first)) STRICT",
    f"CREATE TABLE gone (row_class {_CLASS}, first INTEGER NOT NULL, last INTEGER NOT NULL,"
    " accepted INTEGER NOT NULL, stored INTEGER NOT NULL, quarantined INTEGER NOT NULL,"
    " PRIMARY KEY (row_class, first)) STRICT",
    f"CREATE TABLE eviction (id INTEGER PRIMARY KEY, row_class {_CLASS}, first INTEGER NOT NULL,"
    f" last INTEGER NOT NULL, rows INTEGER NOT NULL, reason {_REASON}, at_ms INTEGER NOT NULL) STRICT",
    "CREATE TABLE boot (boot TEXT PRIMARY KEY NOT NULL, offset_ms INTEGER, estimated INTEGER NOT NULL) STRICT",
    "CREATE TABLE key (ordinal INTEGER PRIMARY KEY, key TEXT NOT NULL) STRICT",
)


_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class SegmentEntry:
    """A segment that should be on the disk. `last` is None until it is closed."""

    row_class: RowClass
    first: int
    last: int | None
    boot: str


@dataclass(frozen=True, slots=True)
class Gone:
    """Counters of rows whose segments are gone."""

    accepted: int = 0
    stored: int = 0
    quarantined: int = 0


class Meta:
    """The open `meta.sqlite`. Methods that write must be called inside `writing()`."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection
        with database.translated(path):
            row = connection.execute("SELECT version, spool_id, machine, generation FROM spool").fetchone()
            if row is None:
                raise SpoolCorrupt("spool.corrupt", f"{path} does not say whose it is")
            if row[0] > _VERSION:
                raise StorageError("spool.newer_version", f"{path} is of version {row[0]}", hint="upgrade the edge")
        try:
            with database.translated(path):
                connection.execute("UPDATE spool SET in_use = 1 WHERE NOT in_use")
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)")  # known even to who loses the journal
        except SpoolFull:
            _log.warning("spool.disk_full", file=str(path))  # it can be emptied all the same
        self.spool_id: str = row[1]
        self.machine: str = row[2]
        self.generation: int = row[3]

    @classmethod
    def create(cls, folder: Path, *, spool_id: str, machine: str, generation: int, created_ms: int) -> "Meta":
        """A new spool's meta, on the disk with its name."""
        path = folder / NAME
        connection = database.connect(path, create=True, checkpoint_pages=_CHECKPOINT_PAGES)
        try:
            with database.translated(path):
                with database.transaction(connection):
                    for statement in _SCHEMA:
                        connection.execute(statement)
                    connection.execute(
                        "INSERT INTO spool VALUES (?, ?, ?, ?, ?, 0)",
                        (_VERSION, spool_id, machine, generation, created_ms),
                    )
                database.sync_folder(folder)
            return cls(path, connection)
        except BaseException:
            connection.close()
            raise

    @classmethod
    def open(cls, folder: Path) -> "Meta":
        """Raises:
        SpoolCorrupt: it is missing, or cannot be read as a whole.
        """
        path = folder / NAME
        if not path.exists():
            raise SpoolCorrupt("spool.corrupt", f"{path} is missing")
        journal = database.parts(path)[1]
        database.sync_file(journal)  # what a killed process wrote is about to be relied upon
        doubt = wal.fault(journal) if journal.exists() else ""
        connection = database.connect(path, checkpoint_pages=_CHECKPOINT_PAGES)
        try:
            _check(path, connection, doubt)
            return cls(path, connection)
        except BaseException:
            connection.close()
            raise

    @contextmanager
    def writing(self) -> Iterator[None]:
        """One durable transaction.

        Raises:
            SpoolFull, StorageError: and nothing of it was written.
        """
        with database.translated(self.path), database.transaction(self._connection):
            yield

    def _rows(self, sql: str, *values: object) -> list[tuple[object, ...]]:
        with database.translated(self.path):
            return self._connection.execute(sql, values).fetchall()

    # --- seq and segments

    def next_seq(self, row_class: RowClass) -> int:
        """The first seq that was never reserved."""
        for (upto,) in self._rows("SELECT next FROM reserved WHERE row_class = ?", row_class):
            return int(str(upto))
        return 1

    def leave(self) -> None:
        """The process ends: from now on the journal may be missing."""
        self._connection.execute("UPDATE spool SET in_use = 0")

    def reserve(self, row_class: RowClass, upto: int) -> None:
        """From now on every seq below `upto` may have been used."""
        self._connection.execute("INSERT OR REPLACE INTO reserved VALUES (?, ?)", (row_class, upto))

    def segments(self) -> list[SegmentEntry]:
        """The segments that should be on the disk, in order of seq."""
        rows = self._rows("SELECT row_class, first, last, boot FROM segment ORDER BY row_class, first")
        return [SegmentEntry(RowClass(str(c)), _int(f), None if n is None else _int(n), str(b)) for c, f, n, b in rows]

    def put_segment(self, entry: SegmentEntry) -> None:
        """Register a segment, or its end."""
        self._connection.execute(
            "INSERT OR REPLACE INTO segment VALUES (?, ?, ?, ?)",
            (entry.row_class, entry.first, entry.last, entry.boot),
        )

    def retire(self, row_class: RowClass, first: int, last: int, gone: Gone) -> None:
        """A segment's file may go from now on: only its counters stay. Neighbours that are gone become one entry."""
        execute = self._connection.execute
        execute("DELETE FROM segment WHERE row_class = ? AND first = ?", (row_class, first))
        counts = [gone.accepted, gone.stored, gone.quarantined]
        lower, upper = first, last
        for side in ("first < ? ORDER BY first DESC", "first > ? ORDER BY first"):
            found = execute(
                f"SELECT * FROM gone WHERE row_class = ? AND {side} LIMIT 1",  # noqa: S608 - two fixed texts
                (row_class, first),
            ).fetchone()
            if found is None:
                continue
            between = execute(
                "SELECT 1 FROM segment WHERE row_class = ? AND first BETWEEN ? AND ?",
                (row_class, min(first, found[1]), max(first, found[1])),
            ).fetchone()
            if between is None:
                execute("DELETE FROM gone WHERE row_class = ? AND first = ?", (row_class, found[1]))
                lower, upper = min(lower, found[1]), max(upper, found[2])
                counts = [a + b for a, b in zip(counts, found[3:], strict=True)]
        execute("INSERT OR REPLACE INTO gone VALUES (?, ?, ?, ?, ?, ?)", (row_class, lower, upper, *counts))

    def is_gone(self, row_class: RowClass, first: int, last: int) -> bool:
        """True when all of this range was settled or evicted and its segments are gone."""
        return bool(
            self._rows("SELECT 1 FROM gone WHERE row_class = ? AND first <= ? AND last >= ?", row_class, first, last)
        )

    def gone(self) -> dict[RowClass, Gone]:
        """Counters of all gone segments."""
        rows = self._rows("SELECT row_class, SUM(accepted), SUM(stored), SUM(quarantined) FROM gone GROUP BY row_class")
        return {RowClass(str(c)): Gone(_int(a), _int(s), _int(q)) for c, a, s, q in rows}

    # --- the eviction log

    def log_eviction(self, entry: Eviction) -> None:
        self._connection.execute(
            "INSERT INTO eviction (row_class, first, last, rows, reason, at_ms) VALUES (?, ?, ?, ?, ?, ?)",
            (entry.row_class, entry.first, entry.last, entry.rows, entry.reason, entry.at_ms),
        )

    def evictions(self) -> list[Eviction]:
        """The eviction log, oldest first."""
        rows = self._rows("SELECT row_class, first, last, rows, reason, at_ms FROM eviction ORDER BY id")
        return [
            Eviction(self.spool_id, RowClass(str(c)), _int(f), _int(n), _int(k), EvictionReason(str(r)), _int(t))
            for c, f, n, k, r, t in rows
        ]

    # --- boots and keys

    def offsets(self) -> dict[str, Offset]:
        """The frozen offset of every boot that has one."""
        rows = self._rows("SELECT boot, offset_ms, estimated FROM boot")
        return {str(b): Offset(None if o is None else _int(o), bool(e)) for b, o, e in rows}

    def freeze(self, boot: str, offset: Offset) -> None:
        self._connection.execute(
            "INSERT OR IGNORE INTO boot VALUES (?, ?, ?)", (boot, offset.offset_ms, offset.estimated)
        )

    def gone_keys(self) -> list[tuple[int, str]]:
        """Ordinal and key of remembered keys whose segments are gone."""
        return [(_int(o), str(k)) for o, k in self._rows("SELECT ordinal, key FROM key ORDER BY ordinal")]

    def put_keys(self, keys: Iterable[tuple[int, str]], *, forget_below: int) -> None:
        self._connection.execute("DELETE FROM key WHERE ordinal < ?", (forget_below,))
        self._connection.executemany("INSERT OR REPLACE INTO key VALUES (?, ?)", keys)

    # --- mending

    def rescue(self, damaged: Path) -> dict[str, int]:
        """Take over what can be read of a damaged meta file; how many lines of each table."""
        saved = dict.fromkeys(("reserved", "segment", "gone", "eviction", "boot", "key"), 0)
        for table in saved:
            with self.writing():
                for line in _readable(damaged, table):
                    marks = ", ".join("?" * len(line))
                    try:
                        self._connection.execute(f"INSERT OR REPLACE INTO {table} VALUES ({marks})", line)  # noqa: S608
                    except sqlite3.IntegrityError:
                        continue  # a damaged line
                    saved[table] += 1
        return saved

    def close(self) -> None:
        self._connection.close()


def _check(path: Path, connection: sqlite3.Connection, doubt: str) -> None:
    """Raises:
    SpoolCorrupt: it cannot be read, or lost what was committed: seq that were used may look unused.
    """
    with database.translated(path):
        verdict = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        in_use = verdict == "ok" and connection.execute("SELECT in_use FROM spool").fetchone()
    if not in_use:
        raise SpoolCorrupt("spool.corrupt", f"{path}: {verdict}")
    if in_use[0] and doubt:
        raise SpoolCorrupt("spool.corrupt", f"{path}: {doubt}")


def _readable(damaged: Path, table: str) -> list[tuple[object, ...]]:
    """The lines of a table up to the first that cannot be read."""
    lines: list[tuple[object, ...]] = []
    if not database.is_database(damaged):
        return lines
    try:
        with closing(database.connect_read_only(damaged)) as connection:
            for line in connection.execute(f"SELECT * FROM {table}"):  # noqa: S608 - one of our tables
                lines.append(line)  # noqa: PERF402 - what came before the damage is kept
    except sqlite3.DatabaseError as error:
        if not database.is_damage(database.translate(error, damaged)):
            raise
    return lines


def _int(value: object) -> int:
    assert isinstance(value, int)
    return value
