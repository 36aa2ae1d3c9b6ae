"""A spool folder read by another process, while its edge runs or after it died: every committed row, the eviction log,
and what the meta file says was committed, whether or not a file of it is left.

Nothing is written, no lock is held for long, and a file that the edge takes away meanwhile is looked for where it went.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import SpoolCorrupt
from core.model import ClockQuality, RowClass
from edge.spans import Spans
from edge.spool import database, meta
from edge.spool.layout import FILE_NAME, Record, file_name, sound_lines
from edge.spool.recovery import is_spool
from edge.spool.repair import FRESH
from edge.spool.rows import Eviction, EvictionReason, Offset

_BUSY_S = 10.0


@dataclass(frozen=True, slots=True)
class CommittedRow:
    """A row as the spool accepted it. `settled`: a receipt for it was written down, or its segment is in `settled/`,
    from where nothing is sent.

    `offset_ms` is the frozen offset of its boot; None where none is frozen, or none applies.
    """

    spool_id: str
    row_class: RowClass
    seq: int
    key: str
    stored: bytes
    received_ms: int
    clock: ClockQuality
    mono_ms: int
    boot: str
    settled: bool
    offset_ms: int | None


@dataclass(frozen=True, slots=True)
class GoneRange:
    """Segments that are gone: `accepted` rows from `first` to `last`, between which seq may have been skipped."""

    first: int
    last: int
    accepted: int


@dataclass(frozen=True, slots=True)
class Ledger:
    """What one spool committed in one class, by its meta file.

    `segments`: first and last seq of each segment on the disk, without a gap. One that was never ended reaches to the
    last row of its file or, where that cannot be read, to the last seq it can have used.
    `is_damaged`: a file of the spool was put aside once: of settled rows that were in it nothing is left to be read.
    """

    spool_id: str
    row_class: RowClass
    segments: tuple[tuple[int, int], ...]
    gone: tuple[GoneRange, ...]
    is_damaged: bool


def spool_ids(folder: Path) -> list[str]:
    """The spools in a folder."""
    return sorted(path.name for path in folder.iterdir() if is_spool(path)) if folder.is_dir() else []


def rows(folder: Path) -> Iterator[CommittedRow]:
    """Every committed row that is still on the disk, of all spools, by class and seq within each.

    Rows that the spool gave up or could not read are in `evictions`, not here.
    """
    for spool_id in spool_ids(folder):
        yield from _spool_rows(folder / spool_id)


def evictions(folder: Path) -> list[Eviction]:
    """The eviction log of all spools, oldest first within each."""
    found = []
    for spool_id in spool_ids(folder):
        lines = _lines(
            folder / spool_id / meta.NAME,
            "SELECT row_class, first, last, rows, reason, at_ms FROM eviction ORDER BY id",
        )
        found += [
            Eviction(spool_id, RowClass(c), first, last, count, EvictionReason(reason), at_ms)
            for c, first, last, count, reason, at_ms in lines
        ]
    return found


def ledgers(folder: Path) -> list[Ledger]:
    """What each spool committed, class by class. Read before `rows`: what is committed meanwhile is in those alone."""
    return [ledger for spool_id in spool_ids(folder) for ledger in _ledgers(folder / spool_id)]


def offsets(folder: Path) -> dict[str, Offset]:
    """The frozen offset of every boot that has one."""
    found: dict[str, Offset] = {}
    for spool_id in spool_ids(folder):
        lines = _lines(folder / spool_id / meta.NAME, "SELECT boot, offset_ms, estimated FROM boot")
        found |= {boot: Offset(offset_ms, bool(estimated)) for boot, offset_ms, estimated in lines}
    return found


def _ledgers(spool: Path) -> Iterator[Ledger]:
    reserved = dict(_lines(spool / meta.NAME, "SELECT row_class, next FROM reserved"))
    is_damaged = any((spool / "corrupt").glob("*"))
    for row_class in RowClass:
        segments = _lines(
            spool / meta.NAME, "SELECT first, last FROM segment WHERE row_class = ? ORDER BY first", row_class
        )
        gone = _lines(
            spool / meta.NAME, "SELECT first, last, accepted FROM gone WHERE row_class = ? ORDER BY first", row_class
        )
        ends = [
            (first, _end(spool, file_name(row_class, first), first, reserved.get(row_class, 1) - 1))
            if last is None
            else (first, last)
            for first, last in segments
        ]
        yield Ledger(spool.name, row_class, tuple(ends), tuple(GoneRange(*line) for line in gone), is_damaged)


def _end(spool: Path, name: str, first: int, reserved: int) -> int:
    """The last row of a segment whose end the meta file does not know."""
    for path in (spool / "segments" / name, spool / "segments" / (name + FRESH), spool / "settled" / name):
        try:
            with closing(database.connect_read_only(path, timeout_s=_BUSY_S)) as connection:
                return connection.execute("SELECT MAX(seq) FROM row").fetchone()[0] or first - 1
        except sqlite3.DatabaseError as error:
            if path.exists() and not isinstance(database.translate(error, path), SpoolCorrupt):
                raise
    return reserved


def _spool_rows(spool: Path) -> Iterator[CommittedRow]:
    offsets_ms: dict[str, int | None] = dict(_lines(spool / meta.NAME, "SELECT boot, offset_ms FROM boot"))
    ends = {
        file_name(RowClass(row_class), first): last
        for row_class, first, last in _lines(spool / meta.NAME, "SELECT row_class, first, last FROM segment")
    }
    gone = _lines(spool / meta.NAME, "SELECT row_class, first, last FROM gone")
    given_up = {
        file_name(RowClass(row_class), first)
        for row_class, first in _lines(
            spool / meta.NAME, "SELECT row_class, first FROM eviction WHERE reason <> ?", EvictionReason.CORRUPT
        )
    }
    reserved = dict(_lines(spool / meta.NAME, "SELECT row_class, next FROM reserved"))
    done: set[str] = set()
    # live files first: one that is settled meanwhile is found in `settled/` afterwards, never missed in both
    for path in (path for place in ("segments", "settled") for path in _files(spool / place)):
        name = path.name.removesuffix(FRESH)
        match = FILE_NAME.fullmatch(name)
        if match is None or name in done or name in given_up:
            continue
        last = ends.get(name)
        segment = _read(path, int(match[2]), last if last is not None else reserved.get(match[1], 1) - 1)
        if segment is None:
            continue
        done.add(name)
        left_over = not (segment.is_kept or name in ends) and any(
            row_class == match[1] and first <= int(match[2]) <= end for row_class, first, end in gone
        )  # settled, and about to be deleted
        if last is None and segment.is_kept:  # all of it was settled: what comes after was not accepted
            last = max((span.last for span in segment.settled), default=0)
        for seq, _, key, received_ms, clock, mono_ms, _, stored in segment.lines:
            marked = segment.settled.find(seq)
            settled = left_over or segment.is_kept or (marked is not None and marked.first == seq)
            if last is not None and seq > last:
                continue  # left behind by a commit that failed
            yield CommittedRow(
                segment.spool_id,
                segment.row_class,
                seq,
                key,
                stored,
                received_ms,
                ClockQuality(clock),
                mono_ms,
                segment.boot,
                settled,
                offsets_ms.get(segment.boot),
            )


@dataclass(frozen=True, slots=True)
class _Read:
    spool_id: str
    row_class: RowClass
    boot: str
    settled: Spans[None]
    lines: list[Record]
    is_kept: bool  # in `settled/`


def _files(folder: Path) -> list[Path]:
    """Segments of a folder by name; the fresh file of a repair counts until it has its name."""
    return sorted([*folder.glob("*.sqlite"), *folder.glob("*.sqlite" + FRESH)])


def _read(path: Path, first: int, last: int) -> _Read | None:
    """A segment's marks and those of its rows that can be read, of one instant; None when it is not there (any more).

    `last`: of its rows, where it is not known better.
    """
    is_kept = path.parent.name == "settled"
    settled: Spans[None] = Spans()
    try:
        with closing(database.connect_read_only(path, immutable=is_kept, timeout_s=_BUSY_S)) as connection:
            connection.execute("BEGIN")
            named = connection.execute("SELECT spool_id, row_class, boot FROM segment").fetchone()
            last = _answer(connection, "SELECT MAX(seq), 0 FROM row", [(last, 0)])[0][0] or 0
            for start, end in _answer(connection, "SELECT first, last FROM settled", []):
                settled.add(start, end, None)
            lines = list(sound_lines(connection, first, last))
    except sqlite3.DatabaseError as error:
        if path.exists() and not isinstance(database.translate(error, path), SpoolCorrupt):
            raise
        return None  # it is being made, or nothing of it can be read: its edge will find out
    return None if named is None else _Read(named[0], RowClass(named[1]), named[2], settled, lines, is_kept)


def _answer(connection: sqlite3.Connection, sql: str, otherwise: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The answer of a segment, or `otherwise` where it is damaged."""
    try:
        return connection.execute(sql).fetchall()
    except sqlite3.DatabaseError:
        return otherwise


def _lines(path: Path, sql: str, *values: object) -> list[tuple[Any, ...]]:
    """The answer of a meta file; nothing when it is missing."""
    if not path.exists():
        return []
    with closing(database.connect_read_only(path, timeout_s=_BUSY_S)) as connection:
        return connection.execute(sql, values).fetchall()
