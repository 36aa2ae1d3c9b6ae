"""Sees that the territory's files changed, and reads them: a new territory, or what is wrong with the files."""

from collections.abc import Callable
from pathlib import Path

from core.errors import ConfigError
from core.territory import Territory, load

Stamp = tuple[tuple[str, int, int, int], ...]
_SUFFIXES = frozenset({".toml", ".csv"})


class TerritoryWatch:
    """Looks at a folder whose files people and git change at any moment.

    Args:
        current: the territory in force, just read; without it `read_first` gives it and misses no change meanwhile.
        read: reads the folder; raises `ConfigError` with every fault.
    """

    def __init__(
        self, folder: Path, current: Territory | None = None, *, read: Callable[[Path], Territory] = load
    ) -> None:
        self._folder = folder
        self._read = read
        self._digest = "" if current is None else current.digest
        self._seen = self._read_at = self._stamp()

    def read_first(self) -> Territory:
        """The territory to start with; what changes from now on is news.

        Raises:
            ConfigError: with every fault.
        """
        self._seen = self._read_at = self._stamp()
        territory = self._read(self._folder)
        self._digest = territory.digest
        return territory

    def look(self) -> Territory | ConfigError | None:
        """The changed territory, or the faults of its files, once a change; None when there is nothing new.

        Files are read when two looks in a row find them the same: an edit is rarely one file and one write.
        """
        stamp = self._stamp()
        settled, self._seen = stamp == self._seen, stamp
        return None if not settled or stamp == self._read_at else self.read_now()

    def read_now(self) -> Territory | ConfigError | None:
        """As `look`, without waiting for the files to be left alone."""
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
