"""What is in a segment's file: one line a row with a checksum over all of it, the settled ranges, their counters."""

import re
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

from core.model import ClockQuality, RowClass
from edge.spans import Spans
from edge.spool import database
from edge.spool.rows import NewRow, StoredRow
from edge.spool.squeeze import MARK, squeeze, unsqueeze

_CHUNK = 100
_SCHEMA = (
    "CREATE TABLE segment (version INTEGER NOT NULL, spool_id TEXT NOT NULL, row_class TEXT NOT NULL,"
    " first INTEGER NOT NULL, boot TEXT NOT NULL)",
    "CREATE TABLE row (seq INTEGER PRIMARY KEY, ordinal INTEGER NOT NULL, key TEXT NOT NULL,"
    " received_ms INTEGER NOT NULL, clock TEXT NOT NULL, mono_ms INTEGER NOT NULL, crc32 INTEGER NOT NULL,"
    " stored BLOB NOT NULL)",
    "CREATE TABLE settled (first INTEGER PRIMARY KEY, last INTEGER NOT NULL)",
    "CREATE TABLE counter (name TEXT PRIMARY KEY, rows INTEGER NOT NULL) WITHOUT ROWID",
    "INSERT INTO counter VALUES ('stored', 0), ('quarantined', 0)",
)
VERSION = 1
COLUMNS = "seq, ordinal, key, received_ms, clock, mono_ms, crc32, stored"
Record = tuple[int, int, str, int, str, int, int, bytes]  # one line of `row`, in the order of COLUMNS
_CLOCKS = {quality.value.encode(): quality for quality in ClockQuality}
_DAMAGED = (zlib.error, TypeError, AttributeError)  # a damaged value may be read back as one of any type
_RUN = (  # texts as bytes: they are only held against the checksum
    "SELECT seq, ordinal, CAST(key AS BLOB), received_ms, CAST(clock AS BLOB), mono_ms, crc32, stored FROM row"
    " WHERE seq BETWEEN ? AND ? ORDER BY seq"
)


FILE_NAME = re.compile(rf"({'|'.join(RowClass)})-(\d{{12,}})\.sqlite")


def file_name(row_class: RowClass, first: int) -> str:
    return f"{row_class}-{first:012d}.sqlite"


def record(row: NewRow, *, seq: int, ordinal: int, mono_ms: int, squeezed: bool = False) -> Record:
    """The line of an accepted row, with the checksum over all of it."""
    key, received_ms, clock, stored = row.key, row.received_ms, row.clock.value, row.stored
    crc = zlib.crc32(f"{seq} {ordinal} {received_ms} {clock} {mono_ms} {key}".encode(), zlib.crc32(stored))
    if squeezed or stored.startswith(MARK):  # plain, the latter would be taken for a squeezed one
        stored = squeeze(stored)
    return (seq, ordinal, key, received_ms, clock, mono_ms, crc, stored)


def _opened(line: Record) -> Record | None:
    """A line read back with its row's stored bytes; None when it is not what was written."""
    seq, ordinal, key, received_ms, clock, mono_ms, crc, stored = line
    if not isinstance(stored, bytes):
        return None
    if stored.startswith(MARK):
        try:
            stored = unsqueeze(stored)
        except zlib.error:
            return None
    told = f"{seq} {ordinal} {received_ms} {clock} {mono_ms} {key}".encode()
    if crc != zlib.crc32(told, zlib.crc32(stored)):
        return None
    return (seq, ordinal, key, received_ms, clock, mono_ms, crc, stored)


def read_run(
    connection: sqlite3.Connection, first: int, last: int, *, max_bytes: int
) -> tuple[list[StoredRow], int, int | None]:
    """The first consecutive rows of a range: one at least, then as many as fit in `max_bytes`.

    Also the last seq that was looked at, and the seq of a damaged row in front of which it stopped.
    """
    rows: list[StoredRow] = []
    size, follows = 0, 0
    found = connection.execute(_RUN, (first, last))
    try:
        for seq, ordinal, key, received_ms, clock, mono_ms, crc, stored in found:
            if rows and seq != follows:
                return rows, seq - 1, None
            try:
                if stored.startswith(MARK):
                    stored = unsqueeze(stored)
                size += len(stored)
                if size > max_bytes and rows:
                    return rows, seq - 1, None
                told = b"%d %d %d %b %d %b" % (seq, ordinal, received_ms, clock, mono_ms, key)
                sound = crc == crc32(told, crc32(stored))
            except _DAMAGED:
                sound = False
            if not sound:
                return rows, seq, seq
            rows.append(StoredRow(seq, stored, received_ms, _CLOCKS[clock], mono_ms))
            follows = seq + 1
    finally:
        found.close()
    return rows, last, None


def lay_out(connection: sqlite3.Connection, spool_id: str, row_class: RowClass, first: int, boot: str) -> None:
    """The tables of an empty segment; inside a transaction."""
    for statement in _SCHEMA:
        connection.execute(statement)
    connection.execute("INSERT INTO segment VALUES (?, ?, ?, ?, ?)", (VERSION, spool_id, row_class, first, boot))


class Identity(NamedTuple):
    spool_id: str
    row_class: str
    first: int
    boot: str
    highest: int | None


def identify(path: Path) -> Identity | None:
    """What a segment's file says of itself; None when it cannot be read, or was never finished.

    A file whose process was killed while it made it has a hot rollback journal (only later it becomes a WAL file),
    which a read-only connection may not roll back: SQLITE_READONLY. No row was ever in it.
    """
    try:
        with closing(database.connect_read_only(path)) as connection:
            row = connection.execute(
                "SELECT spool_id, row_class, first, boot, (SELECT MAX(seq) FROM row) FROM segment"
            ).fetchone()
    except sqlite3.Error as error:
        unfinished = getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_READONLY
        if unfinished or database.is_damage(database.translate(error, path)):
            return None
        raise
    return None if row is None else Identity(*row)


def write_state(connection: sqlite3.Connection, settled: Spans[None], stored: int, quarantined: int) -> None:
    """Replace a segment's marks and counters; inside a transaction."""
    connection.execute("DELETE FROM settled")
    connection.executemany("INSERT INTO settled VALUES (?, ?)", [(span.first, span.last) for span in settled])
    connection.executemany(
        "UPDATE counter SET rows = ? WHERE name = ?", [(stored, "stored"), (quarantined, "quarantined")]
    )


def sound_lines(connection: sqlite3.Connection, first: int, last: int) -> Iterator[Record]:
    """Every row of a range that can be read and is what was written, whatever else is damaged."""
    for start in range(first, last + 1, _CHUNK):
        end = min(start + _CHUNK - 1, last)
        lines = _select(connection, start, end)
        if lines is None or len(lines) < end - start + 1:  # something is wrong here: row by row
            lines = [line for seq in range(start, end + 1) for line in _select(connection, seq, seq) or []]
        yield from filter(None, map(_opened, lines))


def _select(connection: sqlite3.Connection, first: int, last: int) -> list[Record] | None:
    try:
        return connection.execute(
            f"SELECT {COLUMNS} FROM row WHERE seq BETWEEN ? AND ? ORDER BY seq",  # noqa: S608 - a fixed list
            (first, last),
        ).fetchall()
    except sqlite3.Error:
        return None
