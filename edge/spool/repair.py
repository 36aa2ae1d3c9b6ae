"""A damaged segment: moved aside, what can be read put into a fresh file under the same identity, the rest logged.

Order, so that a crash at any point repeats the work without counting twice: the fresh file is complete under another
name; the meta file logs which rows are lost (those it already logs are not logged again); the damaged file moves to
`corrupt/`; the fresh one takes its name.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from core import log
from core.errors import SpoolCorrupt
from edge.spans import Spans
from edge.spool import database, header
from edge.spool.folder import SpoolFolder
from edge.spool.layout import Record, lay_out, sound_lines, write_state
from edge.spool.meta import Gone, SegmentEntry
from edge.spool.rows import Eviction, EvictionReason, Run
from edge.spool.segment import Segment

FRESH = ".fresh"  # ends the name of a file that is not finished yet
_log = log.get(__name__)


def fresh_path(path: Path) -> Path:
    """Where the fresh file is made."""
    return path.with_name(path.name + FRESH)


def repair(folder: SpoolFolder, segment: Segment, *, at_ms: int, reason: str) -> None:
    """Save what can be read of a damaged segment of `folder`; the lost runs are added to `folder.evicted`.

    Args:
        segment: its `unsettled` says which rows are still wanted; `last` is the last it can have held.

    Raises:
        SpoolFull, StorageError: nothing is changed.
    """
    segment.closed = True
    segment.close_file()
    fresh = fresh_path(segment.path)
    saved = _save(segment, fresh)
    lost: Spans[None] = Spans()
    for span in segment.unsettled:
        lost.add(span.first, span.last, None)
    for span in saved:
        lost.cut(span.first, span.last)
    with folder.meta.writing():
        for span in lost:
            folder.meta.log_eviction(
                Eviction(
                    segment.spool_id,
                    segment.row_class,
                    span.first,
                    span.last,
                    span.rows,
                    EvictionReason.CORRUPT,
                    at_ms,
                )
            )
        folder.meta.put_segment(SegmentEntry(segment.row_class, segment.first, segment.last, segment.boot))
    folder.recount()
    segment.ended = True
    for span in lost:
        segment.unsettled.cut(span.first, span.last)
        folder.evicted.append(Run(segment.spool_id, segment.row_class, span.first, span.last, segment.boot))
    aside = set_aside(folder.path, segment.path)
    if len(saved):
        fresh.rename(segment.path)
        database.sync_folder(segment.path.parent)
    else:
        _drop(folder, segment)
    _log.error(
        "segment.corrupt",
        spool_id=segment.spool_id,
        segment=segment.path.name,
        reason=reason,
        rows_lost=lost.rows,
        rows_saved=saved.rows,
        kept_as=str(aside),
    )


def _drop(folder: SpoolFolder, segment: Segment) -> None:
    """Nothing of it is left to be read: only its counters stay."""
    with folder.meta.writing():
        folder.meta.put_keys(folder.keys.of(segment), forget_below=folder.keys.oldest_ordinal)
        folder.meta.retire(
            segment.row_class, segment.first, segment.last, Gone(segment.rows, segment.stored, segment.quarantined)
        )
    folder.forget(segment)
    folder.recount()


def set_aside(folder: Path, path: Path) -> Path:
    """Move a damaged database, with what lies beside it, to `corrupt/` under a name that is free there."""
    corrupt = folder / "corrupt"
    with database.translated(path):
        corrupt.mkdir(exist_ok=True)
        number = 0
        while (target := corrupt / (f"{path.name}.{number}" if number else path.name)).exists():
            number += 1
        file, journal, shared = database.parts(path)
        shared.unlink(missing_ok=True)
        if file.exists():
            file.rename(target)
        if journal.exists():
            journal.rename(database.parts(target)[1])
        database.sync_folder(corrupt)
        database.sync_folder(path.parent)
    return target


def _save(segment: Segment, fresh: Path) -> Spans[None]:
    """Copy every sound row of a damaged segment to `fresh`, with the marks; which rows those are."""
    saved: Spans[None] = Spans()
    settled: Spans[None] = Spans()
    if segment.rows:
        settled.add(segment.first, segment.last, None)
    for span in segment.unsettled:
        settled.cut(span.first, span.last)

    def noted(lines: Iterator[Record]) -> Iterator[Record]:
        for line in lines:
            saved.add(line[0], line[0], None)
            yield line

    def write(connection: sqlite3.Connection) -> None:
        connection.executemany("INSERT INTO row VALUES (?, ?, ?, ?, ?, ?, ?, ?)", noted(_sound_rows(segment)))
        write_state(connection, settled, segment.stored, segment.quarantined)

    _make(segment, fresh, write)
    if not len(saved):
        database.unlink(fresh)
    return saved


def _make(
    segment: Segment, path: Path, fill: Callable[[sqlite3.Connection], None], *, page_bytes: int = database.PAGE
) -> None:
    """A segment's file, complete and closed."""
    database.unlink(path)
    connection = database.connect(path, create=True, page_bytes=page_bytes)
    try:
        with database.translated(path), database.transaction(connection):
            lay_out(connection, segment.spool_id, segment.row_class, segment.first, segment.boot)
            fill(connection)
    except BaseException:
        connection.close()
        database.unlink(path)
        raise
    connection.close()
    with database.translated(path):
        database.sync_file(path)
        database.sync_folder(path.parent)


def _sound_rows(segment: Segment) -> Iterator[Record]:
    """Every row that can be read, whatever else cannot."""
    path = segment.path
    if not database.is_database(path):
        return
    try:
        header.pad(path)
        if not _has_rows(path):
            header.renew(path, lambda pattern, size: _make(segment, pattern, lambda _: None, page_bytes=size))
        with closing(database.connect_read_only(path)) as source:
            yield from sound_lines(source, segment.first, segment.last)
    except (sqlite3.DatabaseError, OSError) as error:
        if not database.is_damage(database.translate(error, path)):
            raise


def _has_rows(path: Path) -> bool:
    """True when SQLite takes the file for a segment; its pages may still be damaged."""
    try:
        with closing(database.connect_read_only(path)) as connection:
            return connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'row'").fetchone() is not None
    except sqlite3.DatabaseError as error:
        if isinstance(database.translate(error, path), SpoolCorrupt):
            return False
        raise
