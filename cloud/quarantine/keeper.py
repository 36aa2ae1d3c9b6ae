"""The quarantine itself: adds, looks, marks."""

import hashlib
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any, Self

import msgspec

from cloud.quarantine.entries import (
    AUDIT,
    COLUMNS,
    FILE_NAME,
    INSERT,
    LAYOUT,
    OVERHEAD,
    Counts,
    Entry,
    Kind,
    Origin,
    entry_of,
    text,
)
from cloud.sqlitefile import open_reader, open_writer, snapshot, storage_error, transaction
from cloud.stores.base import Point
from core.errors import BeffroiError, OperatorError, StorageError
from core.model import RowClass


class Quarantine:
    """Used by one thread at a time: the worker's.

    Messages and points take at most half of the room, so that garbage can never crowd out rows.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection | None, *, limit_bytes: int, version: str) -> None:
        self._path = path
        self._connection = connection
        self._limit_bytes = limit_bytes
        self._version = version
        self._size = self._aside = 0
        self._failure: StorageError | None = None  # of an add: what was added before it is gone too
        if limit_bytes:
            self._measure()

    @classmethod
    def open(cls, folder: Path, *, limit_bytes: int, version: str) -> Self:
        """The worker's quarantine, made when absent.

        Raises:
            StorageError: `quarantine.…`.
        """
        path = folder / FILE_NAME
        return cls(path, open_writer(path, LAYOUT), limit_bytes=limit_bytes, version=version)

    @classmethod
    def open_read_only(cls, folder: Path) -> Self:
        """For another process: each call reads what is committed at that time; empty while there is no file."""
        return cls(folder / FILE_NAME, None, limit_bytes=0, version="")

    def add_row(self, origin: Origin, body: bytes, error: BeffroiError, *, now_ms: int, returned: bool = False) -> None:
        """Keep an accepted row's stored bytes; the same row again changes nothing.

        Args:
            returned: the row has left the store: where it had been replayed, it is held again.

        Raises:
            StorageError: `quarantine.full`: this row is not kept; any other: `commit` will raise it too.
        """
        row = origin.row_id
        name = f"{origin.edge}/{row.spool_id}/{row.row_class}/{row.seq}".encode()
        self._add(Kind.ROW, name, body, error, now_ms, origin, returned=returned)

    def add_message(self, topic: str, body: bytes, error: BeffroiError, *, now_ms: int) -> None:
        """Keep a message that could not be opened; the same one again is counted.

        Raises:
            StorageError: as `add_row`.
        """
        name = topic.encode("utf-8", "surrogatepass") + b"\0" + body
        self._add(Kind.MESSAGE, name, body, error, now_ms, Origin(topic=topic))

    def add_point(self, origin: Origin, database: str, point: Point, error: BeffroiError, *, now_ms: int) -> None:
        """Keep a point that the store refused, beside its row.

        Raises:
            StorageError: as `add_row`.
        """
        body = msgspec.json.encode(point)
        self._add(Kind.POINT, database.encode() + b"\0" + body, body, error, now_ms, origin, database)

    def commit(self) -> None:
        """Make what was added durable.

        Raises:
            StorageError: nothing of it was kept.
        """
        connection = self._writer()
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure
        if not connection.in_transaction:
            return
        try:
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._undo()
            raise storage_error(error, self._path, LAYOUT) from error

    def entries(
        self, *, limit: int = 100, reason: str = "", kind: Kind | None = None, after: int = 0, replayed: bool = False
    ) -> list[Entry]:
        """The oldest entries after id `after`, without their bodies; replayed ones instead when asked for."""
        columns = ", ".join("x''" if column == "body" else column for column in COLUMNS)
        found = self._read(
            f"SELECT id, {columns} FROM entry WHERE id > ? AND (? = '' OR reason = ?) AND (? = '' OR kind = ?)"  # noqa: S608
            " AND (replayed_ms IS NOT NULL) = ? ORDER BY id LIMIT ?",
            (after, reason, reason, kind or "", kind or "", replayed, limit),
        )
        return [entry_of(row) for row in found]

    def show(self, number: int) -> Entry:
        """One entry, whole.

        Raises:
            OperatorError: `quarantine.unknown`.
        """
        found = self._read(f"SELECT id, {', '.join(COLUMNS)} FROM entry WHERE id = ?", (number,))  # noqa: S608
        if not found:
            raise OperatorError("quarantine.unknown", f"there is no entry {number}", hint="beffroi quarantine list")
        return entry_of(found[0])

    def identities(self) -> frozenset[tuple[str, RowClass, int]]:
        """The rows held (spool_id, class, seq): in the balance as quarantined."""
        found = self._read("SELECT spool_id, row_class, seq FROM entry WHERE kind = 'row' AND replayed_ms IS NULL", ())
        return frozenset((spool_id, RowClass(row_class), seq) for spool_id, row_class, seq in found)

    def counts(self) -> Counts:
        held: dict[str, int] = dict.fromkeys(Kind, 0)
        reasons: dict[str, int] = {}
        size = 0
        for kind, reason, number, length in self._read(
            f"SELECT kind, reason, count(*), sum(length(body) + {OVERHEAD}) FROM entry"  # noqa: S608
            " WHERE replayed_ms IS NULL GROUP BY kind, reason",
            (),
        ):
            held[kind] += number
            reasons[reason] = reasons.get(reason, 0) + number
            size += length
        ((replayed,),) = self._read("SELECT count(*) FROM entry WHERE replayed_ms IS NOT NULL", ()) or [(0,)]
        return Counts(
            rows=held[Kind.ROW], messages=held[Kind.MESSAGE], points=held[Kind.POINT], replayed=replayed,
            bytes=size, limit_bytes=self._limit_bytes, reasons=reasons,
        )  # fmt: skip

    def mark_replayed(self, numbers: Iterable[int], *, now_ms: int) -> None:
        """These were stored after all, durably: from now on a row counts there. The body goes, the line stays.

        Raises:
            StorageError: nothing was marked.
        """
        self.commit()
        connection = self._writer()
        with transaction(connection, self._path, LAYOUT):
            connection.executemany(
                "UPDATE entry SET replayed_ms = ?, body = x'' WHERE id = ? AND replayed_ms IS NULL",
                [(now_ms, number) for number in numbers],
            )
            connection.execute(
                "DELETE FROM entry WHERE replayed_ms IS NOT NULL AND id NOT IN"
                " (SELECT id FROM entry WHERE replayed_ms IS NOT NULL ORDER BY replayed_ms DESC, id DESC LIMIT ?)",
                (AUDIT,),
            )
        self._measure()

    def close(self) -> None:
        """What was not committed is not kept."""
        if self._connection is not None:
            self._connection.close()

    def _writer(self) -> sqlite3.Connection:
        if self._connection is None:
            raise StorageError("quarantine.read_only", "the quarantine is open for reading only")
        return self._connection

    def _add(
        self,
        kind: Kind,
        name: bytes,
        body: bytes,
        error: BeffroiError,
        now_ms: int,
        origin: Origin,
        database: str = "",
        *,
        returned: bool = False,
    ) -> None:
        connection = self._writer()
        digest = hashlib.sha256(kind.encode() + b"\0" + name).digest()
        row = origin.row_id
        try:
            if not connection.in_transaction:
                connection.execute("BEGIN IMMEDIATE")
            if kind is Kind.MESSAGE:
                again = "UPDATE entry SET seen = seen + 1, last_seen_ms = ? WHERE name = ?"
                if connection.execute(again, (now_ms, digest)).rowcount:
                    return
            else:
                if returned:
                    connection.execute("DELETE FROM entry WHERE name = ? AND replayed_ms IS NOT NULL", (digest,))
                if connection.execute("SELECT 1 FROM entry WHERE name = ?", (digest,)).fetchone() is not None:
                    return
            self._make_sure_it_fits(kind, len(body) + OVERHEAD)
            connection.execute(
                INSERT,
                {
                    "name": digest,
                    "kind": kind.value,
                    "reason": error.code,
                    "message": text(error.message),
                    "hint": text(error.hint),
                    "topic": text(origin.topic),
                    "body": body,
                    "edge": origin.edge,
                    "spool_id": row.spool_id,
                    "row_class": str(row.row_class),
                    "seq": row.seq,
                    "boot": origin.boot,
                    "offset_ms": origin.offset_ms,
                    "database": database,
                    "version": self._version,
                    "now_ms": now_ms,
                },
            )
        except sqlite3.Error as failure:
            self._failure = storage_error(failure, self._path, LAYOUT)
            self._undo()
            raise self._failure from failure
        self._size += len(body) + OVERHEAD
        if kind is not Kind.ROW:
            self._aside += len(body) + OVERHEAD

    def _make_sure_it_fits(self, kind: Kind, size: int) -> None:
        if self._size + size > self._limit_bytes or (
            kind is not Kind.ROW and self._aside + size > self._limit_bytes // 2
        ):
            raise StorageError(
                "quarantine.full",
                f"the quarantine holds {self._size} of {self._limit_bytes} bytes",
                hint="beffroi quarantine list; mend the cause and replay, or raise quarantine_mib",
            )

    def _undo(self) -> None:
        """Forget what was added since the last commit; the sizes are then those of the file again."""
        connection = self._writer()
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        self._measure()

    def _measure(self) -> None:
        (self._size, self._aside) = self._read(
            f"SELECT coalesce(sum(length(body) + {OVERHEAD}), 0),"  # noqa: S608
            f" coalesce(sum((length(body) + {OVERHEAD}) * (kind != 'row')), 0) FROM entry WHERE replayed_ms IS NULL",
            (),
        )[0]

    def _read(self, query: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        connection = self._connection
        if connection is not None:
            try:
                return connection.execute(query, values).fetchall()
            except sqlite3.Error as error:
                raise storage_error(error, self._path, LAYOUT) from error
        reader = open_reader(self._path, LAYOUT)
        if reader is None:
            return []
        with closing(reader), snapshot(reader, self._path, LAYOUT):
            return reader.execute(query, values).fetchall()
