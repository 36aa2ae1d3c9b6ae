"""Sees that the territory's files changed, and reads them: a new territory, or what is wrong with the files."""

import threading
from collections.abc import Callable
from pathlib import Path

from core.errors import ConfigError
from core.territory import Territory, load

Stamp = tuple[tuple[str, int, int, int], ...]
_SUFFIXES = frozenset({".toml", ".csv"})


class TerritoryWatch:
    """Looks at a folder whose files people and git change at any moment. Any thread may look.

    Args:
        current: the territory in force.
        read: reads the folder; raises `ConfigError` with every fault.
    """

    def __init__(self, folder: Path, current: Territory, *, read: Callable[[Path], Territory] = load) -> None:
        self._folder = folder
        self._read = read
        self._digest = current.digest
        self._looking = threading.Lock()
        self._seen = self._read_at = self._stamp()

    def look(self) -> Territory | ConfigError | None:
        """The changed territory, or the faults of its files, once a change; None when there is nothing new.

        Files are read when two looks in a row find them the same: an edit is rarely one file and one write.
        """
        with self._looking:
            stamp = self._stamp()
            settled, self._seen = stamp == self._seen, stamp
            return None if not settled or stamp == self._read_at else self._read_again()

    def read_now(self) -> Territory | ConfigError | None:
        """As `look`, without waiting for the files to be left alone."""
        with self._looking:
            return self._read_again()

    def _read_again(self) -> Territory | ConfigError | None:
        self._seen = self._read_at = self._stamp()
        try:
            territory = self._read(self._folder)
        except ConfigError as error:
            self._digest = ""  # the old files put back are news: they end the alarm
            return error
        if territory.digest == self._digest:
            return None
        self._digest = territory.digest
        return territory

    def _stamp(self) -> Stamp:
        try:
            files = [file for file in self._folder.iterdir() if file.suffix in _SUFFIXES]
            status = [(file.name, file.stat()) for file in sorted(files)]
        except OSError:
            return ()  # a folder being replaced; reading it tells what is wrong
        return tuple((name, stat.st_size, stat.st_mtime_ns, stat.st_ino) for name, stat in status)
