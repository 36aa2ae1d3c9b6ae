"""The one queue of the agent: what the source, the cloud, the control socket and signals have to say, in order."""

import queue
import threading
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from edge.sources.base import SourceEvent
from edge.transports.base import TransportEvent


@dataclass(frozen=True)
class Question:
    """Somebody asks at the control socket; the loop answers between two steps."""

    verb: str
    answer: "Future[dict[str, Any]]" = field(default_factory=Future)


@dataclass(frozen=True)
class Stop:
    """End in order."""


Item = SourceEvent | TransportEvent | Question | Stop


class Inbox:
    """Unbounded for what bounds itself (answers to what we sent), bounded for the source.

    Events are counted where they come in and where they go out, each by one thread, so that neither waits for the
    other while there is room.

    Args:
        room: events of the source that may be unresolved (not acknowledged yet). A source that offers more waits.
    """

    def __init__(self, *, room: int) -> None:
        self._items: queue.SimpleQueue[Item] = queue.SimpleQueue()
        self._room = room
        self._offered = 0  # written by the source's thread alone
        self._resolved = 0  # written by the loop's thread alone
        self._freed = threading.Event()
        self._closed = False

    def put(self, item: Item) -> None:
        """Never waits; may be called from a signal handler."""
        self._items.put(item)

    def offer(self, event: SourceEvent) -> None:
        """From the source's thread: waits while too many events are unresolved. Dropped, unacknowledged, at the end."""
        while self._offered - self._resolved >= self._room:
            self._freed.clear()
            if self._offered - self._resolved < self._room:  # resolved just before `clear`
                break
            self._freed.wait(0.5)
            if self._closed:
                return
        self._offered += 1
        self._items.put(event)

    def resolved(self, events: int = 1) -> None:
        """So many events of the source were acknowledged."""
        self._resolved += events
        if not self._freed.is_set():
            self._freed.set()

    def take(self, timeout_s: float) -> Item | None:
        """The next item; None when none comes in time."""
        try:
            return self._items.get(block=timeout_s > 0, timeout=timeout_s)
        except queue.Empty:
            return None

    def close(self) -> None:
        """Nobody takes anything any more."""
        self._closed = True
        self._freed.set()
