"""Opening a spool folder: every spool in it, and which of them takes new rows."""

import shutil
from collections.abc import Callable
from pathlib import Path

from core import log
from core.errors import SpoolFull
from core.ports.clock import Clock
from edge.spool import database, recovery
from edge.spool.ballast import Ballast
from edge.spool.folder import SpoolFolder
from edge.spool.keys import KeyWindow
from edge.spool.meta import Meta
from edge.spool.rows import SpoolLimits
from edge.spool.shelf import Shelf

CURRENT = "current"
_UNFINISHED = ".new"
_log = log.get(__name__)


def open_shelf(folder: Path, *, machine: str, clock: Clock, limits: SpoolLimits, new_id: Callable[[], str]) -> Shelf:
    """Everything in a spool folder, recovered. Arguments: see `Spool.open`.

    Raises:
        SpoolFull, StorageError: the disk cannot be used at all.
    """
    if not machine:
        raise ValueError("a spool is bound to a machine that has a name")
    with database.translated(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        ballast = Ballast(folder, limits.ballast_bytes)
        if database.free_bytes(folder) < ballast.bytes:
            ballast.release()  # opening needs a little room; the upkeep takes it back
    try:
        shelf = _recover(folder, ballast, machine, clock, limits, new_id)
    except SpoolFull:
        if not ballast.release():
            raise
        shelf = _recover(folder, ballast, machine, clock, limits, new_id)
    ballast.restore()
    return shelf


def _recover(
    folder: Path, ballast: Ballast, machine: str, clock: Clock, limits: SpoolLimits, new_id: Callable[[], str]
) -> Shelf:
    keys = KeyWindow(limits.keys)
    spools: list[SpoolFolder] = []
    now_ms = clock.now_ms()
    try:
        with database.translated(folder):
            for unfinished in folder.glob(f".*{_UNFINISHED}"):
                shutil.rmtree(unfinished)
            for path in sorted(filter(recovery.is_spool, folder.iterdir())):
                meta = recovery.open_meta(path, now_ms=now_ms)
                spools.append(SpoolFolder(path, meta, keys))
                recovery.recover(spools[-1], now_ms=now_ms, keep_settled=limits.keep_settled)
            spools.sort(key=lambda spool: spool.meta.generation)
            home = _home(folder, spools, machine)
            if home is None:
                home = _create(folder, new_id(), machine=machine, keys=keys, after=spools, now_ms=now_ms)
                spools.append(home)
    except BaseException:
        for spool in spools:
            spool.close_files()
        raise
    return Shelf(spools, home, ballast, clock, limits)


def _home(folder: Path, spools: list[SpoolFolder], machine: str) -> SpoolFolder | None:
    """The spool that takes new rows: the one last in use, if it was made on this machine."""
    try:
        current = (folder / CURRENT).read_text("ascii", "replace").strip()
    except FileNotFoundError:
        return None
    for spool in spools:
        if spool.spool_id == current and spool.meta.machine == machine:
            return spool
    if spools:
        _log.warning("spool.replaced", old=current, reason="it belongs to another machine, or was damaged")
    return None


def _create(
    folder: Path, spool_id: str, *, machine: str, keys: KeyWindow, after: list[SpoolFolder], now_ms: int
) -> SpoolFolder:
    """A new spool; `current` names it once it is complete."""
    unfinished = folder / f".{spool_id}{_UNFINISHED}"
    (unfinished / "segments").mkdir(parents=True)
    generation = 1 + max((spool.meta.generation for spool in after), default=0)
    meta = Meta.create(unfinished, spool_id=spool_id, machine=machine, generation=generation, created_ms=now_ms)
    meta.close()
    database.sync_folder(unfinished)
    path = unfinished.rename(folder / spool_id)
    database.sync_folder(folder)
    home = SpoolFolder(path, Meta.open(path), keys)
    fresh = folder / (CURRENT + ".new")
    fresh.write_text(spool_id + "\n", "ascii")
    database.sync_file(fresh)
    fresh.rename(folder / CURRENT)
    database.sync_folder(folder)
    return home
