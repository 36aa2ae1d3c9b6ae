"""A source gives network-server events to the edge and learns when each is durably accepted."""

from collections.abc import Callable
from typing import Protocol

import msgspec

from core.model import Row


class SourceEvent(msgspec.Struct, frozen=True):
    """One delivery: what it was read as, and its acknowledgement.

    `ack` is called once, after the commit that made the row durable (or at once for an event already accepted).
    It may be called from any thread, and does nothing when the connection it came over is gone.
    """

    row: Row
    ack: Callable[[], None]


class Source(Protocol):
    """Delivers through the `on_event` it was built with, from a thread of its own; survives an absent peer."""

    def start(self) -> None: ...

    def stop(self) -> None: ...

    @property
    def connected(self) -> bool: ...
