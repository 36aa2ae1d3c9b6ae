"""All spools of one folder: the one that takes new rows, and those of other machines that are still to be emptied."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from core import envelope
from core.errors import SpoolFull, StorageError
from core.model import RowClass
from core.ports.clock import Clock
from core.receipt import Kept
from edge.spool import database
from edge.spool.ballast import Ballast
from edge.spool.folder import SpoolFolder
from edge.spool.meta import Gone
from edge.spool.repair import repair
from edge.spool.rows import Counters, EvictionReason, Run, SpoolLimits, StoredRow
from edge.spool.segment import Segment

_READ_FAILURES = 3  # a disk that fails so often on one segment will not read it any more
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Shelf:
    """`spools`: the oldest first; `home` is one of them."""

    spools: list[SpoolFolder]
    home: SpoolFolder
    ballast: Ballast
    clock: Clock
    limits: SpoolLimits

    def find(self, spool_id: str) -> SpoolFolder | None:
        return next((spool for spool in self.spools if spool.spool_id == spool_id), None)

    def essential(self, write: Callable[[], T]) -> T:
        """Do what must be written even on a full disk: the ballast makes room for it.

        Raises:
            SpoolFull, StorageError: `write` left nothing half done.
        """
        try:
            return write()
        except SpoolFull:
            if not self.ballast.release():
                raise
            return write()

    def mend(self, spool: SpoolFolder, segment: Segment, reason: str) -> None:
        """Repair a segment that was found damaged."""
        with database.translated(segment.path):
            self.essential(lambda: repair(spool, segment, at_ms=self.clock.now_ms(), reason=reason))

    # --- read

    def backlog(self) -> list[Run]:
        """What is unsettled, by spool, class and seq; neighbours of one boot are one run."""
        runs: list[Run] = []
        for spool in self.spools:
            for segment in spool.live():
                for run in segment.runs():
                    first = runs.pop().first if runs and _follows(runs[-1], run) else run.first
                    runs.append(Run(run.spool_id, run.row_class, first, run.last, run.boot))
        return runs

    def read(self, spool_id: str, row_class: RowClass, first: int, last: int, *, max_bytes: int) -> list[StoredRow]:
        """See `Spool.read`."""
        spool = self.find(spool_id)
        segments = spool.covering(row_class, first, last) if spool else []
        if spool and len(segments) == 1:  # nearly always
            return self._rows(spool, segments[0], first, last, max_bytes)
        rows: list[StoredRow] = []
        size = 0
        for segment in segments:
            assert spool is not None
            for row in self._rows(spool, segment, first, last, max_bytes - size):
                size += len(row.stored)
                if rows and (row.seq != rows[-1].seq + 1 or size > max_bytes):
                    return rows
                rows.append(row)
            if rows and rows[-1].seq < min(last, segment.last):
                return rows
        return rows

    def _rows(self, spool: SpoolFolder, segment: Segment, first: int, last: int, max_bytes: int) -> list[StoredRow]:
        """The rows of one segment, which is repaired when it has to be."""
        try:
            rows = spool.touch(segment).read(first, last, max_bytes=max_bytes)
        except StorageError as error:
            if not database.is_damage(error):
                raise
            if error.code == "spool.io":  # the disk may come back
                segment.read_failures += 1
                if segment.read_failures < _READ_FAILURES:
                    raise
            rows = self._rows_after_repair(spool, segment, first, last, max_bytes, str(error))
        segment.read_failures = 0
        return rows

    def _rows_after_repair(
        self, spool: SpoolFolder, segment: Segment, first: int, last: int, max_bytes: int, reason: str
    ) -> list[StoredRow]:
        try:
            self.mend(spool, segment, reason)
        except SpoolFull:  # no room for a fresh file: what can be read goes on all the same
            return spool.touch(segment).read_around(first, last, max_bytes=max_bytes)
        if segment not in spool.segments[segment.row_class]:
            return []
        return spool.touch(segment).read(first, last, max_bytes=max_bytes)

    # --- settle

    def settle(self, kept: Kept, sent_crc32: int | None) -> bool:
        """See `Spool.settle`."""
        spool = self.find(kept.spool_id)
        if spool is None or kept.stored < 0 or kept.quarantined < 0 or kept.last < kept.first:
            return False
        wanted = kept.last - kept.first + 1
        segments = spool.covering(kept.row_class, kept.first, kept.last)
        if not segments:
            return spool.meta.is_gone(kept.row_class, kept.first, kept.last)
        if sum(min(s.last, kept.last) - max(s.first, kept.first) + 1 for s in segments) != wanted:
            return False  # part of it is gone, or never was: the rest is sent and receipted again
        if not any(s.awaits(kept.first, kept.last) for s in segments):
            return True
        if sent_crc32 != kept.crc32:
            rows = [r for s in segments for r in self._rows(spool, s, kept.first, kept.last, max_bytes=2**63)]
            if len(rows) != wanted or envelope.checksum(row.stored for row in rows) != kept.crc32:
                return False
        quarantined = kept.quarantined
        for segment in segments:
            newly = segment.settle(kept.first, kept.last, quarantined=quarantined)
            quarantined = max(0, quarantined - newly)
            if segment.unmarked_since_ms is None:
                segment.unmarked_since_ms = self.clock.mono_ms()
        return True

    # --- count

    def count(self) -> Counters:
        """The rows of every spool, each counted where it is."""
        accepted, stored, quarantined, evicted, corrupt = (dict.fromkeys(RowClass, 0) for _ in range(5))
        spooled = 0
        for spool in self.spools:
            for row_class in RowClass:
                gone = spool.gone.get(row_class, Gone())
                accepted[row_class] += gone.accepted
                stored[row_class] += gone.stored
                quarantined[row_class] += gone.quarantined
                for segment in spool.segments[row_class]:
                    accepted[row_class] += segment.rows
                    stored[row_class] += segment.stored
                    quarantined[row_class] += segment.quarantined
                    spooled += segment.unsettled.rows
            for eviction in spool.log:
                evicted[eviction.row_class] += eviction.rows
                if eviction.reason is EvictionReason.CORRUPT:
                    corrupt[eviction.row_class] += eviction.rows
        return Counters(accepted, stored, quarantined, evicted, corrupt, spooled)


def _follows(before: Run, run: Run) -> bool:
    return (
        before.last + 1 == run.first
        and before.spool_id == run.spool_id
        and before.row_class is run.row_class
        and before.boot == run.boot
    )
