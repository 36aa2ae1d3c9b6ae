"""Hands events to one broker: in order, QoS 1, a bounded number without PUBACK, sent again after a reconnect."""

from collections import deque
from typing import Protocol

from core.errors import NotConnected
from core.ports.mqtt import Connected, Disconnected, LinkEvent, Published
from simulator.network import Event

WINDOW = 100  # without PUBACK; what the embedded broker keeps for a connection


class Link(Protocol):
    """The part of `MqttLink` that is needed here."""

    def publish(self, topic: str, payload: bytes) -> Published: ...


class Publisher:
    """Keeps every event until its PUBACK. Not thread-safe: the thread that publishes tells it what the link says."""

    def __init__(self, link: Link, *, window: int = WINDOW) -> None:
        self._link = link
        self._window = window
        self._flying: dict[tuple[int, int], Event] = {}  # by epoch and packet id, in order
        self._again: deque[Event] = deque()
        self._up = False

    @property
    def unacknowledged(self) -> int:
        """Events taken that the broker has not confirmed."""
        return len(self._flying) + len(self._again)

    def offer(self, event: Event) -> bool:
        """Take the event and send it; false when there is no room or no connection: offer it again later."""
        if not self._send_again() or len(self._flying) >= self._window:
            return False
        return self._send(event)

    def note(self, event: LinkEvent) -> None:
        """What the link said."""
        match event:
            case Published(epoch, mid):
                self._flying.pop((epoch, mid), None)
            case Disconnected():
                self._up = False
                self._again.extendleft(reversed(self._flying.values()))
                self._flying.clear()
            case Connected():
                self._up = True
                self._send_again()
            case _:
                return

    def _send_again(self) -> bool:
        """True when nothing of before the reconnect is left to send."""
        while self._again:
            if len(self._flying) >= self._window or not self._send(self._again[0]):
                return False
            self._again.popleft()
        return self._up

    def _send(self, event: Event) -> bool:
        if not self._up:
            return False
        try:
            sent = self._link.publish(event.topic, event.payload)
        except NotConnected:
            self._up = False  # the link says so itself in a moment
            return False
        self._flying[sent.epoch, sent.mid] = event
        return True
