"""How far the rollup job of a database has come, kept in that database: whoever takes over goes on from there.

One point of `rolled` each time; the newest holds. It is written when all that it says is done and durable, so that a
kill at any moment only means doing some of it again, with the same outcome.
"""

from typing import Final

import msgspec

from cloud.stores.base import Point, Store

ROLLED: Final = "rolled"
_MARKS_US: Final = 30 * 60_000_000  # of marks that may be read again after a restart
_TAGS: Final = {"kind": "rollup"}


class Progress(msgspec.Struct, frozen=True):
    """`until_ms`: every hour before it is rolled. `marks_us`: every mark made before it is done with."""

    until_ms: int
    marks_us: int


class ProgressKeeper:
    """Of one database."""

    def __init__(self, store: Store, writing: Store, database: str) -> None:
        self._store, self._writing = store, writing
        self._database = database
        self._written: Progress | None = None
        self._written_us = 0

    def load(self) -> Progress | None:
        """As it was kept last; None when nothing ever was.

        Raises:
            LinkError, StorageError: the store's.
        """
        for point in self._store.latest(self._database, ROLLED, _TAGS):
            until_ms, marks_us = point.fields.get("until_ms"), point.fields.get("marks_us")
            if isinstance(until_ms, int) and isinstance(marks_us, int):
                self._written, self._written_us = Progress(until_ms, marks_us), point.time_us
        return self._written

    def keep(self, progress: Progress, *, now_ms: int) -> None:
        """Note it, if more was done than looking for marks, or that for a while.

        Raises:
            LinkError, StorageError: the store's.
        """
        known = self._written
        is_as_far = known is not None and known.until_ms == progress.until_ms
        if known is not None and is_as_far and progress.marks_us - known.marks_us < _MARKS_US:
            return
        time_us = max(now_ms * 1000, self._written_us + 1)  # the newest holds, also when the clock was set back
        self._writing.write(self._database, [Point(ROLLED, _TAGS, time_us, msgspec.structs.asdict(progress))])
        self._written, self._written_us = progress, time_us
