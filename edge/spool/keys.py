"""The event keys of the last accepted rows, in the order of acceptance: a redelivered event is not accepted twice.

A key lives in its row. When the row's segment goes, the keys that are still remembered go into the meta file in the
transaction that lets the segment go; so each key is written twice at most, and is always in one of both.
"""

from collections import deque
from collections.abc import Iterable

from edge.spool.segment import Segment


class KeyWindow:
    """Args:
    most: how many are remembered.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._keys: dict[str, tuple[int, Segment | None]] = {}  # key → ordinal and where its row is
        self._oldest: deque[str] = deque()  # the same keys; to look for the first of a dict takes ever longer
        self.next_ordinal = 1

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, key: str, ordinal: int, segment: Segment | None) -> None:
        """Remember a key; the oldest is forgotten when there are too many."""
        if key in self._keys:
            self._oldest.remove(key)
            self._forget(key)
        self._keys[key] = (ordinal, segment)
        self._oldest.append(key)
        if segment is not None:
            segment.remembered += 1
        if ordinal >= self.next_ordinal:
            self.next_ordinal = ordinal + 1
        if len(self._keys) > self.most:
            self._forget(self._oldest.popleft())

    def _forget(self, key: str) -> None:
        _, segment = self._keys.pop(key)
        if segment is not None:
            segment.remembered -= 1

    def load(self, keys: Iterable[tuple[int, str, Segment | None]]) -> None:
        """Remember keys found on the disk, in order of their ordinals."""
        for ordinal, key, segment in sorted(keys, key=lambda found: found[0]):
            self.add(key, ordinal, segment)

    def of(self, segment: Segment) -> list[tuple[int, str]]:
        """Ordinal and key of the remembered rows of a segment."""
        if not segment.remembered:  # a backlog is mostly older than what is remembered
            return []
        return [(ordinal, key) for key, (ordinal, where) in self._keys.items() if where is segment]

    @property
    def oldest_ordinal(self) -> int:
        """Keys below it are forgotten."""
        return self._keys[self._oldest[0]][0] if self._oldest else self.next_ordinal

    def detach(self, segment: Segment) -> None:
        """The segment is gone; its remembered keys are in the meta file."""
        for ordinal, key in self.of(segment):
            self._keys[key] = (ordinal, None)
        segment.remembered = 0
