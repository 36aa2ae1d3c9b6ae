"""Opening a spool after whatever happened: nothing committed is lost or counted twice, no seq is used again."""

from pathlib import Path

from core import log
from core.errors import SpoolCorrupt, SpoolFull, StorageError
from core.model import RowClass
from edge.spans import Spans
from edge.spool import database, wal
from edge.spool.folder import SpoolFolder
from edge.spool.layout import FILE_NAME, file_name, identify
from edge.spool.meta import NAME, Meta, SegmentEntry
from edge.spool.repair import fresh_path, repair, set_aside
from edge.spool.rows import EvictionReason
from edge.spool.segment import Segment

_REBUILT = ".rebuilt"
_SMALLEST_ROW = 48  # bytes; bounds how many rows a file can hold whose end nobody knows
_log = log.get(__name__)


def is_spool(path: Path) -> bool:
    """True for a folder that is, or was, one spool."""
    return not path.name.startswith(".") and path.is_dir() and ((path / NAME).exists() or (path / "segments").is_dir())


def open_meta(path: Path, *, now_ms: int) -> Meta:
    """The meta file of a spool. A damaged one is made anew from what can be read of it, bound to no machine: no row
    is ever added to that spool again, because the seq it used are not known for certain.

    Raises:
        SpoolFull, StorageError.
    """
    fresh = path / _REBUILT / NAME
    if fresh.exists() and not (path / NAME).exists():  # rebuilding was interrupted just before its last step
        fresh.rename(path / NAME)
    try:
        return Meta.open(path)
    except StorageError as error:
        if not database.is_damage(error):
            raise
        fault = error
    fresh.parent.mkdir(exist_ok=True)
    database.unlink(fresh)
    rebuilt = Meta.create(fresh.parent, spool_id=path.name, machine="", generation=0, created_ms=now_ms)
    try:
        saved = rebuilt.rescue(path / NAME)
    finally:
        rebuilt.close()
    set_aside(path, path / NAME)
    fresh.rename(path / NAME)
    database.sync_folder(path)
    _log.error(
        "spool.meta_corrupt",
        spool_id=path.name,
        reason=str(fault),
        saved=saved,
        hint="its rows are delivered under their old spool_id, new rows get a new one",
    )
    return Meta.open(path)


def recover(folder: SpoolFolder, *, now_ms: int, keep_settled: bool) -> None:
    """Bring the segments in as they really are, all of them ended, and the remembered keys.

    Raises:
        SpoolFull, StorageError.
    """
    path, meta = folder.path, folder.meta
    (path / "segments").mkdir(exist_ok=True)
    entries = {file_name(entry.row_class, entry.first): entry for entry in meta.segments()}
    for name in entries:
        segment_path = path / "segments" / name
        fresh = fresh_path(segment_path)
        if segment_path.exists():
            database.unlink(fresh)
        elif fresh.exists():  # a repair was interrupted just before its last step
            fresh.rename(segment_path)
    strangers = [found for found in (path / "segments").glob("*.sqlite") if found.name not in entries]
    adopted = [entry for found in strangers if (entry := _stranger(folder, found, keep_settled=keep_settled))]
    for entry in sorted([*entries.values(), *adopted], key=lambda entry: entry.first):
        _load(folder, entry, now_ms=now_ms, adopted=entry in adopted)
    folder.skip_used()
    _load_keys(folder, now_ms=now_ms)


def _stranger(folder: SpoolFolder, found: Path, *, keep_settled: bool) -> SegmentEntry | None:
    """A file that the meta file does not list: left over from a segment that is gone, or never used, or (after the
    meta file was lost) one to deliver."""
    match = FILE_NAME.fullmatch(found.name)
    if match is None:
        _log.warning("segment.ignored", file=str(found))
        return None
    row_class, first = RowClass(match[1]), int(match[2])
    if folder.meta.is_gone(row_class, first, first):
        evicted = any(
            e.row_class is row_class and e.first == first and e.reason is not EvictionReason.CORRUPT for e in folder.log
        )
        if keep_settled and not evicted:
            folder.keep(found)
        else:
            database.unlink(found)
        return None
    identity = identify(found)
    if identity is None or identity[:3] != (folder.spool_id, row_class, first):
        # A segment is registered before its first row is: unless the meta file was lost, no row can be in it.
        if folder.meta.machine:
            set_aside(folder.path, found)
            return None
        return SegmentEntry(row_class, first, None, "")
    if identity.highest is None:
        if folder.meta.machine:
            database.unlink(found)
        else:
            set_aside(folder.path, found)
        return None
    return SegmentEntry(row_class, first, None, identity.boot)


def _load(folder: SpoolFolder, entry: SegmentEntry, *, now_ms: int, adopted: bool) -> None:
    """Bring one segment in; repair it when it is damaged; end it when its process did not."""
    path = folder.segment_path(entry.row_class, entry.first)
    segment = Segment(path, spool_id=folder.spool_id, row_class=entry.row_class, first=entry.first, boot=entry.boot)
    segment.closed = True
    folder.segments[entry.row_class].append(segment)
    lost: Spans[None] = Spans()
    for logged in folder.log:
        mine = logged.row_class is entry.row_class and logged.reason is EvictionReason.CORRUPT
        if mine and logged.first >= entry.first and (entry.last is None or logged.last <= entry.last):
            lost.add(logged.first, logged.last, None)
    for part in database.parts(path)[:2]:
        database.sync_file(part)  # what a killed process wrote is about to be relied upon
    try:
        doubt = _doubt(path, entry, adopted=adopted)
        if entry.last is None and database.is_database(path):
            segment.open_to_look()  # until its end is known in the meta file, its journal must stay
        if doubt:
            raise SpoolCorrupt("spool.corrupt", f"{path}: {doubt}")
        segment.load(entry.last, lost)
    except StorageError as error:
        if not database.is_damage(error):
            raise
        segment.assume(_bound(folder, entry, path), lost)
        _mend(folder, segment, now_ms=now_ms, reason=str(error))
    else:
        segment.ended = entry.last is not None
        if not segment.ended:
            _end(folder, segment)
    finally:
        segment.close_file()


def _doubt(path: Path, entry: SegmentEntry, *, adopted: bool) -> str:
    """What is visibly wrong with a segment before it is opened; "" when nothing is."""
    if not database.is_database(path):
        return "it is missing or empty"
    journal = database.parts(path)[1]
    if entry.last is not None or (adopted and not (journal.exists() and journal.stat().st_size)):
        return ""  # it was closed in order: nothing need be in a journal
    return wal.fault(journal)


def _mend(folder: SpoolFolder, segment: Segment, *, now_ms: int, reason: str) -> None:
    """Repair a segment; where there is no room for that, it is repaired when it is read."""
    try:
        repair(folder, segment, at_ms=now_ms, reason=reason)
    except SpoolFull:
        _log.warning("segment.repair_postponed", segment=str(segment.path), reason=reason)
        _end(folder, segment)


def _end(folder: SpoolFolder, segment: Segment) -> None:
    """End a segment whose process did not; on a full disk the upkeep does it later."""
    try:
        folder.end(segment)
    except SpoolFull:
        _log.warning("segment.end_postponed", segment=str(segment.path))


def _bound(folder: SpoolFolder, entry: SegmentEntry, path: Path) -> int:
    """The last seq a segment can have held."""
    if entry.last is not None:
        return entry.last
    reserved = folder.meta.next_seq(entry.row_class) - 1
    return reserved if reserved >= entry.first else entry.first + database.size(path) // _SMALLEST_ROW


def _newest_keys(folder: SpoolFolder, segment: Segment, wanted: int, *, now_ms: int) -> list[tuple[int, str]]:
    for mended in (False, True):
        if segment not in folder.segments[segment.row_class]:
            break
        try:
            return segment.newest_keys(wanted)
        except StorageError as error:
            if not database.is_damage(error):
                raise
            if not mended:
                _mend(folder, segment, now_ms=now_ms, reason=str(error))
    return []


def _load_keys(folder: SpoolFolder, *, now_ms: int) -> None:
    keys = folder.keys
    found: list[tuple[int, str, Segment | None]] = [(ordinal, key, None) for ordinal, key in folder.meta.gone_keys()]
    for row_class in RowClass:
        wanted = keys.most
        for segment in reversed(list(folder.segments[row_class])):
            if wanted <= 0:
                break
            newest = _newest_keys(folder, segment, wanted, now_ms=now_ms)
            found += [(ordinal, key, segment) for ordinal, key in newest]
            wanted -= len(newest)
            folder.touch(segment)
    keys.load(found)
