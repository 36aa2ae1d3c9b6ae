"""A source brings the edges' messages to the worker and carries its answers back."""

from collections.abc import Callable
from typing import Protocol

import msgspec

from core.ports.link_events import LinkFault


class Delivery(msgspec.Struct, frozen=True):
    """One message as it came.

    `ack` is called once, after everything of the message that can be kept is durable. It may be called from any
    thread, and does nothing when the connection it came over is gone.
    `retained`: the broker's copy of an older message, given at subscription.
    """

    topic: str
    payload: bytes
    ack: Callable[[], None]
    retained: bool = False


class Source(Protocol):
    """Delivers into the inbox it was built with, from a thread of its own; survives an absent peer."""

    def start(self) -> None: ...

    def stop(self) -> None: ...

    @property
    def connected(self) -> bool: ...

    @property
    def fault(self) -> LinkFault | None:
        """Why there is no connection; None while there is one, or none was tried."""
        ...

    def publish(self, topic: str, message: bytes) -> None:
        """Hand a message over now, at least once.

        Raises:
            NotConnected: nothing was sent and nothing is kept.
        """
        ...
