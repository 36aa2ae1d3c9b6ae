"""The spool's upkeep: receipts written down, settled segments let go, the quota kept, the ballast restored."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from core import log
from core.errors import SpoolCorrupt, StorageError
from core.model import RowClass
from edge.spool import database
from edge.spool.folder import SpoolFolder
from edge.spool.rows import EvictionReason
from edge.spool.segment import Segment
from edge.spool.shelf import Shelf

_log = log.get(__name__)
_LOWEST_FIRST = tuple(reversed(RowClass))


def maintain(shelf: Shelf, *, ending: bool = False) -> None:
    """One round. `ending`: end every segment and write every receipt down now.

    Raises:
        SpoolFull, StorageError: nothing is lost; the next round goes on.
    """
    with database.translated(shelf.home.path):
        _maintain(shelf, ending=ending)


def finish(shelf: Shelf) -> None:
    """Leave everything in order. Each step is tried, whatever became of the others.

    Raises:
        SpoolFull, StorageError: the first that failed; the next start mends it.
    """
    steps: list[Callable[[], None]] = [
        partial(spool.end, segment) for spool in shelf.spools for segment in spool.live() if not segment.ended
    ]
    steps += [partial(maintain, shelf, ending=True), *(spool.finish for spool in shelf.spools)]
    failures = []
    for step in steps:
        try:
            shelf.essential(step)
        except StorageError as error:
            failures.append(error)
    if failures:
        raise failures[0]


def _maintain(shelf: Shelf, *, ending: bool) -> None:
    now_mono_ms = shelf.clock.mono_ms()
    for spool in shelf.spools:
        for segment in spool.live():
            if not segment.ended and (ending or segment.closed or segment.is_due(now_mono_ms, shelf.limits)):
                shelf.essential(partial(spool.end, segment))
        for segment in spool.live():
            if segment.ended and not segment.unsettled.rows:
                _retire(shelf, spool, segment)
            elif segment.unmarked_since_ms is not None and (
                ending or now_mono_ms - segment.unmarked_since_ms >= shelf.limits.settle_linger_ms
            ):
                _mark(shelf, spool, segment)
    _keep_quota(shelf)
    shelf.ballast.restore()


def _retire(shelf: Shelf, spool: SpoolFolder, segment: Segment) -> None:
    try:
        shelf.essential(partial(spool.retire, segment, keep=shelf.limits.keep_settled))
    except SpoolCorrupt:  # what cannot be read is settled anyway
        shelf.essential(partial(spool.retire, segment, keep=False))


def _mark(shelf: Shelf, spool: SpoolFolder, segment: Segment) -> None:
    try:
        shelf.essential(spool.touch(segment).write_marks)
    except SpoolCorrupt as error:
        shelf.mend(spool, segment, str(error))


def _keep_quota(shelf: Shelf) -> None:
    """Give up the lowest class first, its oldest segment first, until the folder and the disk are as they must be."""
    limits = shelf.limits
    root = shelf.home.path.parent
    reserve = shelf.ballast.bytes
    used = reserve + sum(
        sum(segment.disk_bytes for segment in spool.live())
        + database.size(spool.meta.path)
        + _bytes(spool.path / "corrupt")
        for spool in shelf.spools
    )
    while used > limits.quota_bytes:
        freed = _give_up(shelf, EvictionReason.QUOTA, [spool.path / "corrupt" for spool in shelf.spools])
        if not freed:
            return
        used -= freed
    expendable = [spool.path / name for name in ("corrupt", "settled") for spool in shelf.spools]
    while limits.min_free_bytes and database.free_bytes(root) < limits.min_free_bytes:
        if not _give_up(shelf, EvictionReason.DISK, expendable):
            return


def _give_up(shelf: Shelf, reason: EvictionReason, expendable: list[Path]) -> int:
    """Delete the least valuable thing; its bytes, 0 when nothing is left."""
    for evidence in sorted(
        (file for folder in expendable for file in _files(folder)), key=lambda file: file.stat().st_mtime_ns
    ):
        freed = evidence.stat().st_blocks * 512
        evidence.unlink()
        _log.warning("evidence.deleted", file=str(evidence), reason=reason.value)
        return max(freed, 1)
    for row_class in _LOWEST_FIRST:
        for spool in shelf.spools:
            for segment in spool.segments[row_class][:1]:
                freed = segment.disk_bytes
                shelf.essential(partial(spool.evict, segment, reason, at_ms=shelf.clock.now_ms()))
                return max(freed, 1)
    return 0


def _files(folder: Path) -> Iterator[Path]:
    return (file for file in folder.iterdir() if file.is_file()) if folder.is_dir() else iter(())


def _bytes(folder: Path) -> int:
    return sum(file.stat().st_blocks * 512 for file in _files(folder))
