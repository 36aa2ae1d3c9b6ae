"""One spool on the disk: `<spool_id>/meta.sqlite`, `segments/`, `settled/`, `corrupt/`.

What is where, at any instant: a row is in a segment that the meta file knows; or its segment is *gone* in the meta
file, in one transaction with its counters, its remembered keys and, when rows were unsettled, the eviction log. Only
after that transaction the file goes; a file that is left over is taken away at the next start.
"""

from collections.abc import Sequence
from pathlib import Path

from core import log
from core.errors import StorageError
from core.model import RowClass
from edge.spool import database
from edge.spool.keys import KeyWindow
from edge.spool.layout import file_name, record
from edge.spool.meta import Gone, Meta, SegmentEntry
from edge.spool.rows import Eviction, EvictionReason, NewRow, Run, SpoolLimits
from edge.spool.segment import Segment

_BLOCK = 256  # seq reserved at once; at most so many are skipped after a crash
_OPEN_FILES = 4  # closed segments whose files are kept open
_log = log.get(__name__)


class SpoolFolder:
    """An open spool. Built by `edge.spool.recovery`."""

    def __init__(self, path: Path, meta: Meta, keys: KeyWindow) -> None:
        self.path = path
        self.meta = meta
        self.keys = keys
        self.segments: dict[RowClass, list[Segment]] = {row_class: [] for row_class in RowClass}  # by seq
        self.evicted: list[Run] = []
        self._next = {row_class: meta.next_seq(row_class) for row_class in RowClass}
        self._reserved = dict(self._next)
        self._recent: list[Segment] = []  # closed segments with an open file, the oldest use first
        self.gone: dict[RowClass, Gone] = {}
        self.log: list[Eviction] = []
        self.recount()

    @property
    def spool_id(self) -> str:
        return self.meta.spool_id

    def segment_path(self, row_class: RowClass, first: int) -> Path:
        return self.path / "segments" / file_name(row_class, first)

    def recount(self) -> None:
        """Read the counters of what is gone."""
        self.gone = self.meta.gone()
        self.log = self.meta.evictions()

    def skip_used(self) -> None:
        """Never use a seq that a segment holds, whatever the meta file says."""
        for row_class, segments in self.segments.items():
            self._next[row_class] = max([self._next[row_class], *(segment.last + 1 for segment in segments)])

    def live(self) -> list[Segment]:
        """Every segment on the disk."""
        return [segment for row_class in RowClass for segment in self.segments[row_class]]

    def touch(self, segment: Segment) -> Segment:
        """Note a use of the segment's file; few files of closed segments stay open."""
        if segment.ended:
            if segment in self._recent:
                self._recent.remove(segment)
            self._recent.append(segment)
            if len(self._recent) > _OPEN_FILES:
                self._recent.pop(0).close_file()
        return segment

    # --- accept

    def active(self, row_class: RowClass) -> Segment | None:
        """The segment that takes new rows of the class."""
        last = self.segments[row_class][-1:]
        return last[0] if last and not last[0].closed else None

    def accept(
        self,
        row_class: RowClass,
        rows: Sequence[tuple[NewRow, int]],
        *,
        boot: str,
        now_mono_ms: int,
        limits: SpoolLimits,
    ) -> Run:
        """Commit rows of one class, each with the monotonic ms of its arrival.

        Raises:
            SpoolFull, StorageError: none is accepted; their seq are skipped and the segment is closed.
        """
        segment = self._segment_for(row_class, len(rows), boot, now_mono_ms, limits)
        first, ordinal = self._next[row_class], self.keys.next_ordinal
        self._next[row_class] += len(rows)
        self.keys.next_ordinal += len(rows)
        squeezed = limits.squeeze
        lines = [
            record(row, seq=first + i, ordinal=ordinal + i, mono_ms=at, squeezed=squeezed)
            for i, (row, at) in enumerate(rows)
        ]
        try:
            segment.append(lines)
        except StorageError:
            segment.closed = True
            raise
        for line in lines:
            self.keys.add(line[2], line[1], segment)
        return Run(self.spool_id, row_class, first, segment.last, boot)

    def _segment_for(
        self, row_class: RowClass, count: int, boot: str, now_mono_ms: int, limits: SpoolLimits
    ) -> Segment:
        """The segment that takes `count` more rows; their seq are reserved."""
        first = self._next[row_class]
        segment = self.active(row_class)
        if segment is None or segment.is_due(now_mono_ms, limits):
            path = self.segment_path(row_class, first)
            segment = Segment(
                path,
                spool_id=self.spool_id,
                row_class=row_class,
                first=first,
                boot=boot,
                checkpoint_pages=limits.checkpoint_pages,
                page_bytes=limits.page_bytes,
                sole=limits.sole,
            )
            segment.born_mono_ms = now_mono_ms
            self._begin(segment, first + count)
        elif first + count > self._reserved[row_class]:
            upto = first + max(count, _BLOCK)
            with self.meta.writing():
                self.meta.reserve(row_class, upto)
            self._reserved[row_class] = upto
        return segment

    def _begin(self, segment: Segment, upto: int) -> None:
        """Create a segment's file, then register it together with the end of the one before."""
        segment.create_file()
        row_class = segment.row_class
        upto = max(upto, segment.first + _BLOCK, self._reserved[row_class])
        before = [s for s in self.segments[row_class][-1:] if not s.ended]
        try:
            with self.meta.writing():
                self.meta.reserve(row_class, upto)
                for ended in before:
                    self._put_end(ended)
                self.meta.put_segment(SegmentEntry(row_class, segment.first, None, segment.boot))
        except StorageError:
            segment.close_file()
            database.unlink(segment.path)
            raise
        self._reserved[row_class] = upto
        for ended in before:
            self._ended(ended)
        self.segments[row_class].append(segment)

    def end(self, segment: Segment) -> None:
        """Close a segment: no row is added any more, and the meta file knows its last one."""
        segment.closed = True
        with self.meta.writing():
            self._put_end(segment)
        self._ended(segment)

    def _put_end(self, segment: Segment) -> None:
        if segment.rows:
            self.meta.put_segment(SegmentEntry(segment.row_class, segment.first, segment.last, segment.boot))
        else:  # its first commit failed: the file may hold what was never accepted
            self.meta.retire(segment.row_class, segment.first, self._next[segment.row_class] - 1, Gone())

    def _ended(self, segment: Segment) -> None:
        segment.closed = segment.ended = True
        if segment.rows:
            self.touch(segment)
            return
        self.forget(segment)
        segment.close_file()
        database.unlink(segment.path)

    def forget(self, segment: Segment) -> None:
        """The segment is no longer on the disk."""
        self.segments[segment.row_class].remove(segment)
        if segment in self._recent:
            self._recent.remove(segment)

    # --- find

    def covering(self, row_class: RowClass, first: int, last: int) -> list[Segment]:
        """Segments on the disk that hold or held rows of this range, in order."""
        return [s for s in self.segments[row_class] if s.first <= last and s.last >= first]

    # --- let go

    def retire(self, segment: Segment, *, keep: bool) -> None:
        """Let a settled segment go, or move it whole to `settled/`."""
        if keep:
            segment.write_marks()
            segment.close_file()
            if database.parts(segment.path)[1].exists():
                return  # somebody reads it: its journal could not be moved into it yet
        self._write_gone(segment, [])
        if keep:
            segment.close_file()
            self.keep(segment.path)
        else:
            segment.delete_file()
        _log.debug("segment.settled", spool_id=self.spool_id, segment=segment.path.name, rows=segment.rows)

    def keep(self, path: Path) -> None:
        """Move a settled segment's file to `settled/`; nothing of it is in a journal any more."""
        with database.translated(path):
            target = self.path / "settled"
            target.mkdir(exist_ok=True)
            path.rename(target / path.name)
        database.unlink(path)

    def evict(self, segment: Segment, reason: EvictionReason, *, at_ms: int) -> None:
        """Give up a whole segment; logged durably before its file goes."""
        lost = segment.runs()
        rows = segment.unsettled.rows
        if not rows:
            self.retire(segment, keep=False)
            return
        segment.closed = True
        self._write_gone(
            segment, [Eviction(self.spool_id, segment.row_class, segment.first, segment.last, rows, reason, at_ms)]
        )
        segment.delete_file()
        self.evicted += lost
        _log.error(
            "segment.evicted",
            spool_id=self.spool_id,
            row_class=segment.row_class.value,
            first=segment.first,
            last=segment.last,
            rows=rows,
            reason=reason.value,
        )

    def _write_gone(self, segment: Segment, evictions: Sequence[Eviction]) -> None:
        with self.meta.writing():
            for eviction in evictions:
                self.meta.log_eviction(eviction)
            self.meta.put_keys(self.keys.of(segment), forget_below=self.keys.oldest_ordinal)
            self.meta.retire(
                segment.row_class,
                segment.first,
                segment.last,
                Gone(segment.rows, segment.stored, segment.quarantined),
            )
        self.keys.detach(segment)
        self.forget(segment)
        self.recount()

    # --- end

    def finish(self) -> None:
        """Give back the seq that were reserved and not used: a clean stop leaves no hole. Every segment is ended.

        Raises:
            SpoolFull, StorageError: the next start skips them.
        """
        with self.meta.writing():
            for row_class, upto in self._next.items():
                self.meta.reserve(row_class, upto)
            self.meta.leave()
        self._reserved = dict(self._next)

    def close_files(self) -> None:
        for segment in self.live():
            segment.close_file()
        self.meta.close()
