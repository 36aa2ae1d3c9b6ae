"""A SQLite file of the worker: opened with one writer, read by others, its layout versioned, its errors in our words.

Why WAL, and why it is safe here: readers never wait for the writer, nor it for them, and a commit costs one fsync.
SQLite before 3.51.3 can corrupt a WAL file when one connection checkpoints while *another* commits
(https://sqlite.org/wal.html#walresetbug). Each of our files has exactly one connection that writes, and it alone
checkpoints, inside its own commits; a `mode=ro` connection can do neither (it cannot take the exclusive lock).
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.errors import NotConnected, StorageError

BUSY_S: Final = 5.0  # only the recovery after a kill -9 ever holds a lock
_CHECKPOINT_PAGES: Final = 2000  # 8 MiB
_WAL_LIMIT: Final = 64 * 1024 * 1024  # bytes to which the WAL file is cut back
_PROBE_BYTES: Final = 64 * 1024  # a disk with less is as good as full


@dataclass(frozen=True, slots=True)
class Layout:
    """What a kind of file is.

    Attributes:
        name: first word of its error codes (`store.disk_full`).
        application_id: 32 bits that mark the file as ours.
        version: of the tables; a file with a higher one is refused.
        tables: statements that make a fresh file.
    """

    name: str
    application_id: int
    version: int
    tables: Sequence[str]


def open_writer(path: Path, layout: Layout) -> sqlite3.Connection:
    """The one writing connection of a file, made when absent. A commit is on the disk when it returns.

    Raises:
        StorageError: see `storage_error`; `….newer`, `….foreign`.
    """
    with _translated(path, layout):
        connection = sqlite3.connect(
            path, timeout=BUSY_S, isolation_level=None, check_same_thread=False, cached_statements=512
        )
        try:
            if not _is_ours(connection, path, layout):
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("BEGIN IMMEDIATE")
                for statement in layout.tables:
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {layout.application_id}")
                connection.execute(f"PRAGMA user_version = {layout.version}")
                connection.execute("COMMIT")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
            connection.execute(f"PRAGMA journal_size_limit = {_WAL_LIMIT}")
            connection.execute("PRAGMA temp_store = MEMORY")
        except BaseException:
            connection.close()
            raise
    return connection


def open_reader(path: Path, layout: Layout) -> sqlite3.Connection | None:
    """A read-only connection, to be closed soon; None while there is no such file, or its writer has only just made it.

    Raises:
        StorageError: as `open_writer`.
    """
    if not path.exists():
        return None
    address = f"{path.absolute().as_uri()}?mode=ro"
    with _translated(path, layout):
        try:
            return _opened(address, path, layout)
        except sqlite3.OperationalError as error:
            # a user who may not write in the folder cannot make the files of the WAL; where there are none, no writer
            # is at work and the file is at rest
            refused = error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)
            if not refused or path.with_name(f"{path.name}-wal").exists():
                raise
            return _opened(f"{address}&immutable=1", path, layout)


def _opened(address: str, path: Path, layout: Layout) -> sqlite3.Connection | None:
    connection = sqlite3.connect(address, uri=True, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    ours = False
    try:
        ours = _is_ours(connection, path, layout)
    finally:
        if not ours:
            connection.close()
    return connection if ours else None


def _is_ours(connection: sqlite3.Connection, path: Path, layout: Layout) -> bool:
    """False for a file that nothing was written to yet."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    if application == layout.application_id:
        if version > layout.version:
            raise StorageError(
                f"{layout.name}.newer",
                f"{path.name} has layout {version}, this version reads up to {layout.version}",
                hint="a newer beffroi wrote it: upgrade this one",
            )
        return True
    if connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,):
        return False
    raise StorageError(f"{layout.name}.foreign", f"{path} is not a file of beffroi", hint="move it out of the folder")


@contextmanager
def _translated(path: Path, layout: Layout) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise storage_error(error, path, layout) from error


_CODES: Final = {
    sqlite3.SQLITE_FULL: ("disk_full", "free some room on its disk"),
    sqlite3.SQLITE_READONLY: ("read_only", "the service must own the file and its folder"),
    sqlite3.SQLITE_PERM: ("read_only", "the service must own the file and its folder"),
    sqlite3.SQLITE_CANTOPEN: ("cannot_open", "the service must own the file and its folder"),
    sqlite3.SQLITE_CORRUPT: ("corrupt", "stop the service, then restore the file or move it away"),
    sqlite3.SQLITE_NOTADB: ("corrupt", "stop the service, then restore the file or move it away"),
    sqlite3.SQLITE_BUSY: ("locked", "another program holds the file"),
    sqlite3.SQLITE_LOCKED: ("locked", "another program holds the file"),
    sqlite3.SQLITE_IOERR: ("disk", "look at the disk and its kernel messages"),
}


def storage_error(error: sqlite3.Error, path: Path, layout: Layout) -> StorageError:
    """SQLite's error in our words, e.g. `store.disk_full`, `.read_only`, `.cannot_open`, `.corrupt`,
    `.locked`, `.disk`."""
    primary = getattr(error, "sqlite_errorcode", -1) & 0xFF
    code, hint = _CODES.get(primary, ("failed", ""))
    return StorageError(f"{layout.name}.{code}", f"{path.name}: {error}", hint=hint)


@contextmanager
def transaction(connection: sqlite3.Connection, path: Path, layout: Layout) -> Iterator[None]:
    """All or nothing, and durable when it ends.

    Raises:
        StorageError: nothing was written.
    """
    with _translated(path, layout):
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:  # some errors end it by themselves
                connection.execute("ROLLBACK")
            raise


@contextmanager
def snapshot(connection: sqlite3.Connection, path: Path, layout: Layout) -> Iterator[None]:
    """Reads of one state of the file."""
    with _translated(path, layout):
        connection.execute("BEGIN")
        try:
            yield
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")


def probe_folder(folder: Path) -> None:
    """See whether a folder can be written to at all.

    Raises:
        NotConnected: `store.folder`: gone, read-only, or its disk is full.
    """
    probe = folder / ".probe"
    try:
        with probe.open("wb") as file:
            file.write(bytes(_PROBE_BYTES))
            file.flush()
            os.fsync(file.fileno())
        probe.unlink()
    except OSError as error:
        with contextlib.suppress(OSError):
            probe.unlink()
        raise NotConnected("store.folder", f"cannot write to {folder}: {error.strerror}") from error
