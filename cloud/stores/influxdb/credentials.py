"""What opens each database: a line of the secrets file, read again when it changed."""

import threading
from collections.abc import Mapping
from pathlib import Path

from cloud.stores.influxdb.answers import APPLY
from core.errors import ConfigError, StorageError
from core.secrets import load_secrets


class Credentials:
    """Thread-safe.

    Args:
        path: the secrets file; None where the server asks for none.
        read_only: take those that may only read.

    Raises:
        ConfigError: as `core.secrets.load_secrets`.
    """

    def __init__(self, path: Path | None, *, read_only: bool) -> None:
        self._path = path
        self._read_only = read_only
        self._lock = threading.Lock()
        self._stamp: object = None
        self._secrets: Mapping[str, str] = {}
        if path is not None:
            self._read(path)

    @property
    def is_open(self) -> bool:
        """Whether the server asks for none."""
        return self._path is None

    def databases(self) -> list[str]:
        """For which there are some."""
        self.renew()
        return sorted(self._secrets)

    def of(self, database: str) -> str | None:
        """What opens a database; None where the server asks for nothing.

        Raises:
            StorageError: `store.no_secret`.
        """
        if self._path is None:
            return None
        secret = self._secrets.get(database)
        if secret is None:
            self.renew()
            secret = self._secrets.get(database)
        table = "influxdb.read" if self._read_only else "influxdb.write"
        if secret is None:
            raise StorageError("store.no_secret", f"[{table}] of {self._path} has no {database}", hint=APPLY)
        if not secret.isprintable():  # the HTTP library would refuse it, and quote it
            said = f"{database} in [{table}] of {self._path} has a line end or another character that none can have"
            raise StorageError("store.no_secret", said, hint="take it out, or take the line out and apply")
        return secret

    def instead_of(self, database: str, refused: str | None) -> str | None:
        """What opens it now, where that is not what the server refused: another thread may have read it already."""
        self.renew()
        secret = self.of(database)
        return None if secret == refused else secret

    def renew(self) -> bool:
        """Read the file again if it changed; True if it did. A file that cannot be read changes nothing."""
        if self._path is None:
            return False
        with self._lock:
            try:
                if _stamp(self._path) == self._stamp:
                    return False
                self._read(self._path)
            except ConfigError:
                return False
        return True

    def _read(self, path: Path) -> None:
        stamp = _stamp(path)  # before: a file that is replaced meanwhile is read again
        secrets = load_secrets(path)
        self._secrets = secrets.influxdb_read if self._read_only else secrets.influxdb_write
        self._stamp = stamp


def _stamp(path: Path) -> object:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino, status.st_size
