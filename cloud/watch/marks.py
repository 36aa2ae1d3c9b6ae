"""Finds the marks (`cloud.dirty`) that were made since, in one database. A mark is told when it has been there at two
looks: what was written with it is then there to be read, too."""

from collections.abc import Iterable

from cloud.dirty import DIRTY, Mark, read_marks
from cloud.stores.base import Store


class MarkBook:
    """Args:
    since_us: the marks of before are of no interest any more.
    """

    def __init__(self, store: Store, database: str, *, since_us: int) -> None:
        self._store = store
        self._database = database
        self._since_us = since_us
        self._young: list[Mark] = []
        self._seen: set[Mark] = set()

    @property
    def safe_us(self) -> int:
        """Every mark made before this has been told: where to begin after a restart."""
        return min([self._since_us, *(mark.made_us for mark in self._young)])

    def look(self, now_ms: int, *, margin_ms: int) -> list[Mark]:
        """The marks that are told now, each once.

        Args:
            margin_ms: how long after its time a mark may still come into sight; a clock that is set back may be
                behind the last look.

        Raises:
            LinkError, StorageError: the store's; nothing is lost by it.
        """
        start_us = min(self._since_us, max(0, now_ms - margin_ms) * 1000)
        found = read_marks(self._store.series(self._database, DIRTY, start_us=start_us, end_us=2**62))
        told, self._young = self._young, [mark for mark in found if mark not in self._seen]
        self._seen = {mark for mark in self._seen if mark.made_us >= start_us} | set(self._young)
        self._since_us = max(0, now_ms - margin_ms) * 1000
        return told

    def know(self, own: Iterable[Mark]) -> None:
        """Marks that need not be told: whoever made them sees to them, and will not keep a `safe_us` before that."""
        self._seen.update(own)
