"""Whose the points are that were written last: an exact clash of two keys within them is seen without a read."""

import threading
from collections.abc import Mapping
from typing import Final

_MAX_GENERATION: Final = 10_000  # points; twice as many are remembered
Place = tuple[str, int]  # a series' beginning of line, and ns


class Recent:
    """Of one database. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._young: dict[Place, str] = {}
        self._old: dict[Place, str] = {}

    def owner(self, place: Place) -> str | None:
        """The key that was written there, as far as is remembered."""
        return self._young.get(place) or self._old.get(place)

    def note(self, owners: Mapping[Place, str]) -> None:
        """They are written."""
        with self._lock:
            self._young.update(owners)
            if len(self._young) > _MAX_GENERATION:
                self._young, self._old = {}, self._young

    def forget(self) -> None:
        """Something was deleted."""
        with self._lock:
            self._young, self._old = {}, {}
