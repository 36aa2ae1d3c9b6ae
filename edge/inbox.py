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

    Args:
        room: events of the source that may be unresolved (not acknowledged yet). A source that offers more waits.
    """

    def __init__(self, *, room: int) -> None:
        self._items: queue.SimpleQueue[Item] = queue.SimpleQueue()
        self._room = threading.Semaphore(room)
        self._closed = threading.Event()

    def put(self, item: Item) -> None:
        """Never waits; may be called from a signal handler."""
        self._items.put(item)

    def offer(self, event: SourceEvent) -> None:
        """From the source's thread: waits while too many events are unresolved. Dropped, unacknowledged, at the end."""
        while not self._room.acquire(timeout=0.5):
            if self._closed.is_set():
                return
        self._items.put(event)

    def resolved(self, events: int = 1) -> None:
        """So many events of the source were acknowledged."""
        self._room.release(events)

    def take(self, timeout_s: float) -> Item | None:
        """The next item; None when none comes in time."""
        try:
            return self._items.get(block=timeout_s > 0, timeout=timeout_s)
        except queue.Empty:
            return None

    def close(self) -> None:
        """Nobody takes anything any more."""
        self._closed.set()
