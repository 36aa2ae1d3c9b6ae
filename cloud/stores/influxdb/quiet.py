"""No write beside a deletion: neither one that is asked for now, nor one whose answer nobody got.

InfluxDB 1.x goes on with a deletion whose client has gone, shard after shard. It deletes what is written meanwhile in
its range; and a point of any other time, written to a series that it just empties, is not in the index afterwards: it
is seen again only when its series gets another one.

**Source**: measured (1.8.10: a second of deletion after its client's end; every second deletion of 200 series hid
points written meanwhile); the server's `engine.go`, `deleteSeriesRange`: "this is inherently racy".
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from cloud.stores.influxdb.answers import Series
from core.errors import StorageError

_LOOK_S: Final = 0.2  # between two looks
_LOOKS: Final = 10


class Gate:
    """Of one database: writes go side by side, a deletion alone."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._writes = 0
        self._deleting = False

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Wait for a deletion to end; those that come wait for this."""
        with self._changed:
            self._changed.wait_for(lambda: not self._deleting)
            self._writes += 1
        try:
            yield
        finally:
            with self._changed:
                self._writes -= 1
                self._changed.notify_all()

    @contextmanager
    def deleting(self) -> Iterator[None]:
        """Wait for all that goes on; what comes waits for this."""
        with self._changed:
            self._changed.wait_for(lambda: not self._deleting)
            self._deleting = True  # no further write begins
            self._changed.wait_for(lambda: not self._writes)
        try:
            yield
        finally:
            with self._changed:
                self._deleting = False
                self._changed.notify_all()


class Quiet:
    """Of one database on a server that may be in the middle of a deletion, also of an earlier process. Thread-safe.

    Args:
        running: asks the server what it is doing in this database.
        pause: waits so many seconds.
    """

    def __init__(
        self,
        database: str,
        running: Callable[[], Sequence[Series]],
        *,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        self._database = database
        self._running = running
        self._pause = pause
        self._lock = threading.Lock()
        self._due = 1  # looks that must find nothing

    def disturb(self) -> None:
        """A deletion was asked for and not answered: the server may not even have read it yet."""
        with self._lock:
            self._due = 2

    def wait(self) -> None:
        """Return when no deletion is going on that was left behind.

        Raises:
            StorageError: one goes on for long, or the database refuses: the others go on.
            LinkError: the server cannot be asked.
        """
        if not self._due:
            return
        with self._lock:
            for look in range(_LOOKS):
                if look:
                    self._pause(_LOOK_S)
                if self._due and not self._is_deleting():
                    self._due -= 1
                if not self._due:
                    return
            said = f"{self._database}: a deletion that was asked for earlier is still going on"
            raise StorageError("store.deleting", said, hint="InfluxDB is slow: see its log")

    def _is_deleting(self) -> bool:
        for series in self._running():
            text, name = series.columns.index("query"), series.columns.index("database")
            for row in series.values:
                if row[name] == self._database and str(row[text]).lstrip().upper().startswith("DELETE"):
                    return True
        return False
