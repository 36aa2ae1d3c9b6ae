"""A transport carries messages to the cloud and brings its answers back."""

from typing import Protocol

import msgspec

from core.ports.link_events import LinkFault
from core.receipt import Receipt


class TransportUp(msgspec.Struct, frozen=True):
    epoch: int


class TransportDown(msgspec.Struct, frozen=True):
    epoch: int
    fault: LinkFault


class Puback(msgspec.Struct, frozen=True):
    """The broker has message `token`. It says nothing of the cloud."""

    epoch: int
    token: int


class ReceiptArrived(msgspec.Struct, frozen=True):
    receipt: Receipt


TransportEvent = TransportUp | TransportDown | Puback | ReceiptArrived


class Transport(Protocol):
    """Tells what happens through the `on_event` it was built with, from a thread of its own."""

    def start(self) -> None: ...

    def stop(self) -> None: ...

    @property
    def connected(self) -> bool: ...

    def send(self, message: bytes) -> Puback:
        """Hand one message over now; the result is what its PUBACK will look like.

        Raises:
            NotConnected: nothing was sent.
        """
        ...

    def publish_health(self, document: bytes) -> None:
        """Retained, best effort: nothing when there is no connection."""
        ...
