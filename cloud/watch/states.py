"""The states of one database's assets as points: written when they change, the newest point is what holds.

A point's time is when the state began. Where late readings change what was known, the state that holds may have begun
before one that was written: then its time is when it was seen, so that it is the newest. `since_ms` always tells.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from cloud.stores.base import Field, Point, Store
from cloud.watch.model import State
from cloud.watch.watchman import Change

STATE: Final = "state"
_Key = tuple[str, str]  # asset, kind


class StateBook:
    """Used by one thread."""

    def __init__(self, store: Store, database: str) -> None:
        """What the store has as the newest; after a restart only what differs from it is written.

        Raises:
            LinkError, StorageError: the store's.
        """
        self._newest: dict[_Key, Point] = {}  # as it was found, until something else is known
        self._time_us: dict[_Key, int] = {}  # of the newest point
        self._waiting: dict[_Key, Point] = {}  # not written yet
        for point in store.latest(database, STATE):
            key = (point.tags.get("asset", ""), point.tags.get("kind", ""))
            if key not in self._time_us or point.time_us > self._time_us[key]:  # it was in another commune before
                self._newest[key] = point
                self._time_us[key] = point.time_us

    def note(self, changes: Iterable[Change], *, now_ms: int) -> None:
        """States that are others now."""
        for change in changes:
            state, watched = change.state, change.watched
            key = (watched.id, state.kind)
            found = self._newest.pop(key, None)
            if found is not None and found.tags.get("commune") == watched.commune and _says(found, state):
                continue
            last_us = self._time_us.get(key, -1)
            time_us = state.since_ms * 1000
            if time_us <= last_us:
                time_us = max(now_ms * 1000, last_us + 1)
            tags = {"commune": watched.commune, "asset": watched.id, "kind": state.kind}
            self._waiting[key] = Point(STATE, tags, time_us, _fields(state))

    def waiting(self) -> list[Point]:
        """What is to be written."""
        return list(self._waiting.values())

    def written(self, points: Sequence[Point]) -> None:
        """These are in the store, or it will never take them."""
        for point in points:
            key = (point.tags["asset"], point.tags["kind"])
            self._time_us[key] = point.time_us
            if self._waiting.get(key) is point:
                del self._waiting[key]


def _fields(state: State) -> dict[str, Field]:
    value: Field = state.value if isinstance(state.value, str) else float(state.value)
    return {"word" if isinstance(value, str) else "value": value, "since_ms": state.since_ms}


def _says(point: Point, state: State) -> bool:
    """Whether the stored point says the same; one that says an earlier beginning of what has none may know better."""
    told = _fields(state)
    since_ms = point.fields.get("since_ms")
    if any(point.fields.get(name) != value for name, value in told.items() if name != "since_ms"):
        return False
    return since_ms == state.since_ms or (state.or_earlier and isinstance(since_ms, int) and since_ms < state.since_ms)
