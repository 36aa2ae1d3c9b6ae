"""One segment: a SQLite file with a gapless run of rows of one class, written by one process in one boot.

A commit that fails ends its segment, so that nothing it may have left behind can ever be taken for an accepted row.
Receipts are kept as ranges in the same file, with the counters of what they settled in the same transaction.
"""

import contextlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from core.errors import SpoolCorrupt, StorageError
from core.model import ClockQuality, RowClass
from edge.spans import Spans
from edge.spool import database
from edge.spool.layout import VERSION, Record, lay_out, read_run, sound_lines, write_state
from edge.spool.rows import Run, SpoolLimits, StoredRow


class Segment:
    """What is known of one segment, and its file. `unsettled` holds the seq that still wait for a receipt."""

    def __init__(
        self,
        path: Path,
        *,
        spool_id: str,
        row_class: RowClass,
        first: int,
        boot: str,
        checkpoint_pages: int = database.CHECKPOINT_PAGES,
        page_bytes: int = database.PAGE,
        sole: bool = False,
    ) -> None:
        self.path = path
        self._sole = sole
        self._checkpoint_pages, self._page_bytes = checkpoint_pages, page_bytes
        self.spool_id, self.row_class, self.first, self.boot = spool_id, row_class, first, boot
        self.last = first - 1  # of the rows it holds or held
        self.closed = False  # no row is added any more
        self.ended = False  # the meta file knows its last row
        self.unsettled: Spans[None] = Spans()
        self.stored = 0
        self.quarantined = 0
        self.row_bytes = 0
        self.remembered = 0  # of its rows' keys, by the window of keys
        self.born_mono_ms = 0
        self.unmarked_since_ms: int | None = None  # monotonic; receipts that are not written down yet
        self.read_failures = 0
        self._disk_bytes: int | None = None
        self._connection: sqlite3.Connection | None = None

    # --- the file

    @property
    def connection(self) -> sqlite3.Connection:
        """The one connection; opened when it is first needed.

        Raises:
            SpoolFull, SpoolCorrupt, StorageError.
        """
        if self._connection is None:
            self._connection = database.connect(self.path, checkpoint_pages=self._checkpoint_pages, sole=self._sole)
        return self._connection

    def close_file(self) -> None:
        """Everything is moved from the journal into the file, unless somebody reads it now."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
            self._disk_bytes = None

    def delete_file(self) -> None:
        """Nobody wants it any more: what is still in its journal need not reach the disk."""
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("PRAGMA synchronous = OFF")
        self.close_file()
        database.unlink(self.path)

    @property
    def disk_bytes(self) -> int:
        """What its files take on the disk."""
        if self._disk_bytes is None or not self.ended:
            self._disk_bytes = database.size(self.path)
        return self._disk_bytes

    def open_to_look(self) -> None:
        """Open the file without changing it or its journal, until `close_file`."""
        with database.translated(self.path):
            self._connection = database.connect_read_only(self.path)

    def create_file(self) -> None:
        """Lay out an empty file, on the disk with its name.

        Raises:
            SpoolFull, StorageError: and nothing is left of it.
        """
        try:
            self._connection = database.connect(
                self.path,
                create=True,
                checkpoint_pages=self._checkpoint_pages,
                page_bytes=self._page_bytes,
                sole=self._sole,
            )
            with database.translated(self.path):
                with database.transaction(self._connection):
                    lay_out(self._connection, self.spool_id, self.row_class, self.first, self.boot)
                database.sync_folder(self.path.parent)
        except BaseException:
            self.close_file()
            database.unlink(self.path)
            raise

    def load(self, last: int | None, lost: Spans[None]) -> None:
        """Read its state back.

        Args:
            last: what the meta file knows of its end; None: all rows count.
            lost: rows that the eviction log already names.

        Raises:
            SpoolCorrupt, StorageError.
        """
        with database.translated(self.path):
            named = self.connection.execute("SELECT version, spool_id, row_class, first, boot FROM segment").fetchone()
            (lowest,) = self.connection.execute("SELECT MIN(seq) FROM row").fetchone()
            (highest,) = self.connection.execute("SELECT MAX(seq) FROM row").fetchone()
        if named != (VERSION, self.spool_id, self.row_class, self.first, self.boot):
            raise SpoolCorrupt("spool.corrupt", f"{self.path} is not what its name says: {named}")
        self.last = last if last is not None else self.first - 1 if highest is None else int(highest)
        expected = list(self._present(lost))
        if expected and (lowest is None or lowest > expected[0].first or highest < expected[-1].last):
            raise SpoolCorrupt("spool.corrupt", f"{self.path} lacks rows of {self.first} to {self.last}")
        if not self._load_marks(lost):
            raise SpoolCorrupt("spool.corrupt", f"the receipts in {self.path} do not add up")

    def assume(self, last: int, lost: Spans[None]) -> None:
        """Its state when the file is damaged: the receipts, if they can be read; else all of it is unsettled."""
        self.last = last
        try:
            readable = database.is_database(self.path) and self._load_marks(lost)
        except StorageError as error:
            if not database.is_damage(error):
                raise
            readable = False
        if not readable:
            self.unsettled, self.stored, self.quarantined = self._present(lost), 0, 0

    def _present(self, lost: Spans[None]) -> Spans[None]:
        present: Spans[None] = Spans()
        if self.rows:
            present.add(self.first, self.last, None)
        for span in lost:
            present.cut(span.first, span.last)
        return present

    def _load_marks(self, lost: Spans[None]) -> bool:
        """Read the receipts; False when their counters disagree with them."""
        with database.translated(self.path):
            marks = self.connection.execute("SELECT first, last FROM settled").fetchall()
            counts = dict(self.connection.execute("SELECT name, rows FROM counter").fetchall())
        self.unsettled = self._present(lost)
        settled = sum(piece.rows for first, last in marks for piece in self.unsettled.cut(first, last))
        self.stored, self.quarantined = counts.get("stored", 0), counts.get("quarantined", 0)
        return bool(settled == self.stored + self.quarantined)

    # --- rows

    @property
    def rows(self) -> int:
        """How many were accepted in it."""
        return self.last - self.first + 1

    def is_due(self, now_mono_ms: int, limits: SpoolLimits) -> bool:
        """True when it is large or old enough to be ended."""
        return self.row_bytes >= limits.segment_bytes or now_mono_ms - self.born_mono_ms >= limits.segment_ms

    def append(self, lines: Sequence[Record]) -> None:
        """Accept these rows: when it returns they are on the disk.

        Raises:
            SpoolFull, StorageError: none of them is accepted, and the segment must not be used for others.
        """
        if not self.path.exists():  # its rows would go into a file that has no name any more
            raise SpoolCorrupt("spool.corrupt", f"{self.path} was taken away")
        with database.translated(self.path), database.transaction(self.connection) as connection:
            connection.executemany("INSERT INTO row VALUES (?, ?, ?, ?, ?, ?, ?, ?)", lines)
        first, last = lines[0][0], lines[-1][0]
        self.last = last
        self.unsettled.add(first, last, None)
        self.row_bytes += sum([len(line[7]) + len(line[2]) + 48 for line in lines])

    def read(self, first: int, last: int, *, max_bytes: int) -> list[StoredRow]:
        """Consecutive rows from the first of the range that is there, checked; it stops before a hole.

        One row at least, then as many as fit in `max_bytes`.

        Raises:
            SpoolCorrupt: a row is damaged, or one that is not settled is missing.
            StorageError: the disk fails.
        """
        first, last = max(first, self.first), min(last, self.last)
        with database.translated(self.path):
            rows, looked_to, damaged = read_run(self.connection, first, last, max_bytes=max_bytes)
        if damaged is not None:
            raise SpoolCorrupt("spool.corrupt", f"{self.path}: row {damaged} is damaged")
        before = self.unsettled.find(first)
        after = self.unsettled.find(rows[-1].seq + 1) if rows else None
        if (before and before.first < (rows[0].seq if rows else looked_to + 1)) or (after and after.first <= looked_to):
            raise SpoolCorrupt("spool.corrupt", f"{self.path} lacks rows of {first} to {looked_to}")
        return rows

    def read_around(self, first: int, last: int, *, max_bytes: int) -> list[StoredRow]:
        """As `read`, passing over what is damaged."""
        first, last = max(first, self.first), min(last, self.last)
        rows: list[StoredRow] = []
        size = 0
        for seq, _, _, received_ms, clock, mono_ms, _, stored in sound_lines(self.connection, first, last):
            size += len(stored)
            if rows and (seq != rows[-1].seq + 1 or size > max_bytes):
                break
            rows.append(StoredRow(seq, stored, received_ms, ClockQuality(clock), mono_ms))
        return rows

    def newest_keys(self, most: int) -> list[tuple[int, str]]:
        """Ordinal and key of its last rows, newest first."""
        with database.translated(self.path):
            return self.connection.execute(
                "SELECT ordinal, key FROM row WHERE seq <= ? ORDER BY seq DESC LIMIT ?", (self.last, most)
            ).fetchall()

    def runs(self) -> list[Run]:
        """What is unsettled."""
        return [Run(self.spool_id, self.row_class, s.first, s.last, self.boot) for s in self.unsettled]

    # --- receipts

    def awaits(self, first: int, last: int) -> bool:
        """True when a row of the range is unsettled."""
        span = self.unsettled.find(first)
        return span is not None and span.first <= last

    def settle(self, first: int, last: int, *, quarantined: int) -> int:
        """Rows of the range that are settled by it now, `quarantined` of them at most as such; in memory only."""
        newly = sum(piece.rows for piece in self.unsettled.cut(first, last))
        self.quarantined += min(newly, quarantined)
        self.stored += newly - min(newly, quarantined)
        return newly

    def write_marks(self) -> None:
        """Write down which rows are settled, with their counters.

        Raises:
            SpoolFull, SpoolCorrupt, StorageError.
        """
        settled: Spans[None] = Spans()
        if self.last >= self.first:
            settled.add(self.first, self.last, None)
        for span in self.unsettled:
            settled.cut(span.first, span.last)
        with database.translated(self.path), database.transaction(self.connection) as connection:
            write_state(connection, settled, self.stored, self.quarantined)
        self.unmarked_since_ms = None
