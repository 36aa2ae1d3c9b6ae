"""How one database lies in one SQLite file, and how such a file is opened.

- `_series`: a row for each series (measurement + tags), with its newest value of every field: what `latest` returns.
  `tags` are its tags once more, as JSON; `time_us` is the time of its newest point, `older` that of the fields which
  this point lacks.
- `_field`: the kind of each field, fixed by the first point that has it.
- one table a measurement, a column a field (added when first seen), clustered by hour, series, time: writing now
  touches the pages of this hour alone, and one device's day is 24 short seeks.

Why WAL, and why it is safe here: readers never wait for the writer, nor it for them, and a commit costs one fsync.
SQLite before 3.51.3 can corrupt a WAL file when one connection checkpoints while *another* commits
(https://sqlite.org/wal.html#walresetbug). Each file has exactly one connection that writes, and it alone
checkpoints, inside its own commits; a `mode=ro` connection can do neither (it cannot take the exclusive lock).
"""

import sqlite3
from pathlib import Path
from typing import Final

from cloud.stores.base import Field
from cloud.stores.checks import TAGS
from core.errors import StorageError

VERSION: Final = 1
APPLICATION_ID: Final = 0x42465249  # "BFRI": the file is ours
HOUR_US: Final = 3_600_000_000  # width of a bucket
BUSY_S: Final = 5.0  # only the recovery after a kill -9 ever holds a lock
MAX_FIELDS: Final = 500  # of one measurement; SQLite allows 2,000 columns

DECLARED: Final = {"float": "REAL", "int": "INTEGER", "text": "TEXT", "bool": "INTEGER"}

_TAG_COLUMNS = ", ".join(f'"{tag}" TEXT NOT NULL' for tag in TAGS)
_SCHEMA = (
    f"CREATE TABLE _series (id INTEGER PRIMARY KEY, measurement TEXT NOT NULL, {_TAG_COLUMNS},"
    " tags TEXT NOT NULL, time_us INTEGER NOT NULL, fields TEXT NOT NULL, older TEXT NOT NULL,"
    f" UNIQUE (measurement, {', '.join(TAGS)}))",
    "CREATE TABLE _field (measurement TEXT NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL,"
    " PRIMARY KEY (measurement, name)) WITHOUT ROWID",
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {VERSION}",
)


def open_writer(path: Path) -> sqlite3.Connection:
    """The one writing connection of a file, created when absent. A commit is on the disk when it returns.

    Raises:
        StorageError: see `storage_error`; `store.newer`, `store.foreign`.
    """
    try:
        connection = sqlite3.connect(
            path, timeout=BUSY_S, isolation_level=None, check_same_thread=False, cached_statements=512
        )
    except sqlite3.Error as error:
        raise storage_error(error, path) from error
    try:
        if not _is_ours(connection, path):
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("BEGIN IMMEDIATE")
            for statement in _SCHEMA:
                connection.execute(statement)
            connection.execute("COMMIT")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA wal_autocheckpoint = 2000")  # pages: 8 MiB
        connection.execute(f"PRAGMA journal_size_limit = {64 * 1024 * 1024}")
        connection.execute("PRAGMA temp_store = MEMORY")
    except sqlite3.Error as error:
        connection.close()
        raise storage_error(error, path) from error
    except StorageError:
        connection.close()
        raise
    return connection


def open_reader(path: Path) -> sqlite3.Connection | None:
    """A read-only connection, to be closed soon; None while there is no such database.

    Raises:
        StorageError: as `open_writer`.
    """
    if not path.exists():
        return None
    try:
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_S, isolation_level=None
        )
    except sqlite3.Error as error:
        raise storage_error(error, path) from error
    try:
        if _is_ours(connection, path):
            return connection
    except sqlite3.Error as error:
        connection.close()
        raise storage_error(error, path) from error
    except StorageError:
        connection.close()
        raise
    connection.close()  # its writer has only just made the file
    return None


def _is_ours(connection: sqlite3.Connection, path: Path) -> bool:
    """False for a file that nothing was written to yet."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    if application == APPLICATION_ID:
        if version > VERSION:
            raise StorageError(
                "store.newer",
                f"{path.name} has layout {version}, this version reads up to {VERSION}",
                hint="a newer beffroi wrote it: upgrade this one",
            )
        return True
    if connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,):
        return False
    raise StorageError(
        "store.foreign", f"{path} is not a database of beffroi", hint="move it out of the store's folder"
    )


_CODES: Final = {
    sqlite3.SQLITE_FULL: ("store.full", "free some room on its disk"),
    sqlite3.SQLITE_READONLY: ("store.read_only", "the service must own the file and its folder"),
    sqlite3.SQLITE_PERM: ("store.read_only", "the service must own the file and its folder"),
    sqlite3.SQLITE_CANTOPEN: ("store.cannot_open", "the service must own the file and its folder"),
    sqlite3.SQLITE_CORRUPT: ("store.corrupt", "stop the service, then restore the file or move it away"),
    sqlite3.SQLITE_NOTADB: ("store.corrupt", "stop the service, then restore the file or move it away"),
    sqlite3.SQLITE_BUSY: ("store.locked", "another program holds the file"),
    sqlite3.SQLITE_LOCKED: ("store.locked", "another program holds the file"),
    sqlite3.SQLITE_IOERR: ("store.disk", "look at the disk and its kernel messages"),
}


def storage_error(error: sqlite3.Error, path: Path) -> StorageError:
    """SQLite's error in our words: `store.full`, `.read_only`, `.cannot_open`, `.corrupt`, `.locked`, `.disk`."""
    primary = getattr(error, "sqlite_errorcode", -1) & 0xFF
    code, hint = _CODES.get(primary, ("store.failed", ""))
    return StorageError(code, f"{path.name}: {error}", hint=hint)


def quoted(name: str) -> str:
    """A name that `checks.is_name` accepted, as SQL."""
    return f'"{name}"'


def kind_of(field: Field) -> str:
    match field:
        case str():
            return "text"
        case bool():
            return "bool"
        case int():
            return "int"
        case float():
            return "float"
