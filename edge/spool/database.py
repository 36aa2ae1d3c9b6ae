"""SQLite files of the spool: how they are opened, written and synced, and what their errors mean to the caller.

One connection a file. WAL with synchronous=FULL: when a transaction returns, its pages are on the disk.
"""

import errno
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import SpoolCorrupt, SpoolFull, StorageError

_FULL_ERRNO = frozenset({errno.ENOSPC, errno.EDQUOT})
PAGE = 4096  # bytes: SQLite's default, and ours
CHECKPOINT_PAGES = 64  # pages a journal may hold before they move into its file
_DATABASE_HEADER = 100  # bytes
_CRAMPED = 128 * 1024  # bytes; below it SQLite cannot even lay out its shared memory file
_CORRUPT = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


def connect(
    path: Path,
    *,
    create: bool = False,
    checkpoint_pages: int = CHECKPOINT_PAGES,
    page_bytes: int = PAGE,
    sole: bool = False,
) -> sqlite3.Connection:
    """The one connection of a file.

    Beside the file SQLite lays 32 KiB of shared memory for readers in other processes. Where the disk has no room for
    that, the connection does without, and those readers wait until it is closed.

    Args:
        page_bytes: of a new file; one that is there keeps its own.
        sole: nobody reads beside us. That memory lies on the disk, and its pages are written there again and again.

    Raises:
        SpoolFull, SpoolCorrupt, StorageError.
    """
    how = "mode=rwc" if create else "mode=rw"
    if sole:
        return _connect_to_write(path, how, checkpoint_pages, page_bytes, locking="EXCLUSIVE")
    try:
        return _connect_to_write(path, how, checkpoint_pages, page_bytes, locking="NORMAL")
    except SpoolFull:
        if create:
            raise
        return _connect_to_write(path, how, checkpoint_pages, page_bytes, locking="EXCLUSIVE")


def _connect_to_write(
    path: Path, how: str, checkpoint_pages: int, page_bytes: int, *, locking: str
) -> sqlite3.Connection:
    with translated(path):
        connection = _connect(path, how, timeout_s=5.0, locking=locking)
        try:
            connection.execute(f"PRAGMA page_size = {page_bytes}")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(f"PRAGMA wal_autocheckpoint = {checkpoint_pages}")
            connection.execute("SELECT 1 FROM sqlite_schema").fetchone()  # whatever cannot be opened fails here
        except BaseException:
            connection.close()
            raise
    return connection


def connect_read_only(path: Path, *, immutable: bool = False, timeout_s: float = 5.0) -> sqlite3.Connection:
    """A connection that changes nothing: closing it leaves the journal where it is.

    Args:
        immutable: nobody writes the file any more; nothing is laid beside it.

    Raises:
        sqlite3.Error
    """
    return _connect(path, "immutable=1" if immutable else "mode=ro", timeout_s=timeout_s)


def _connect(path: Path, how: str, *, timeout_s: float, locking: str = "NORMAL") -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?{how}",
        uri=True,
        isolation_level=None,
        timeout=timeout_s,
        check_same_thread=False,  # opened by one thread, used by another; never by two at once
    )
    try:
        connection.text_factory = _lenient  # a flipped byte in a text is found by the row's checksum, not by a crash
        connection.execute(f"PRAGMA locking_mode = {locking}")  # before anything that looks into the file
        connection.execute("PRAGMA cache_size = -256")  # KiB: rows are written once and read in order
        connection.execute("PRAGMA temp_store = MEMORY")
    except BaseException:
        connection.close()
        raise
    return connection


def _lenient(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """All or nothing, on the disk when it returns. Raises what SQLite raises."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """The errors of SQLite and of the system as ours."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise translate(error, path) from error


def translate(error: sqlite3.Error | OSError, path: Path) -> StorageError:
    """What an error on `path` means: no room, a damaged file, or a disk that fails."""
    if isinstance(error, OSError):
        if error.errno in _FULL_ERRNO:
            return _full(path, error)
        if error.errno == errno.EIO:
            return StorageError("spool.io", f"{path}: {error}", hint="the disk fails: look at the kernel's log")
        return StorageError("spool.disk", f"{path}: {error.strerror}", hint="check the disk and its rights")
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    if code & 0xFF == sqlite3.SQLITE_FULL or (code & 0xFF in _NO_ROOM and free_bytes(path.parent) < _CRAMPED):
        return _full(path, error)
    if code & 0xFF in _CORRUPT or code == sqlite3.SQLITE_ERROR:  # SQLITE_ERROR: a table is missing
        return SpoolCorrupt("spool.corrupt", f"{path}: {error}")
    if code & 0xFF == sqlite3.SQLITE_IOERR:
        return StorageError("spool.io", f"{path}: {error}", hint="the disk fails: look at the kernel's log")
    return StorageError("spool.disk", f"{path}: {error}", hint="check the disk and its rights")


def is_damage(error: StorageError) -> bool:
    """True when it may be this file alone that cannot be read."""
    return isinstance(error, SpoolCorrupt) or error.code == "spool.io"


_NO_ROOM = frozenset({sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN})


def _full(path: Path, error: Exception) -> SpoolFull:
    return SpoolFull("spool.full", f"no room on the disk of {path.parent}: {error}", hint="free room on the disk")


def free_bytes(folder: Path) -> int:
    """Free bytes of the disk under `folder`; 0 when it cannot be asked."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return 0


def sync_folder(folder: Path) -> None:
    """Make new, renamed and deleted names of a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file(path: Path) -> None:
    """Make what was written to a file durable, whoever wrote it; nothing when it is not there."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def is_database(path: Path) -> bool:
    """False for a file that is missing or too short: SQLite would make a new one of it, and delete its journal."""
    try:
        return path.stat().st_size >= _DATABASE_HEADER
    except FileNotFoundError:
        return False


def parts(path: Path) -> list[Path]:
    """A database and what SQLite keeps beside it."""
    return [path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")]


def unlink(path: Path) -> None:
    """Delete a database whole."""
    with translated(path):
        for part in parts(path):
            part.unlink(missing_ok=True)


def size(path: Path) -> int:
    """Bytes of a database on the disk, its journal included."""
    total = 0
    for part in parts(path):
        try:
            total += part.stat().st_blocks * 512
        except FileNotFoundError:
            continue
    return total
