"""Events published at will: what a network server does, without its devices. For benches and fault tests."""

import itertools
import os
import time
from collections.abc import Sequence
from queue import Empty, SimpleQueue

from core.ports.mqtt import LinkEvent, MqttLink
from core.settings import BrokerSettings
from simulator.network import Event
from simulator.publisher import Publisher

_numbers = itertools.count()


class Feed:
    """Publishes events at a steady rate, or as fast as the broker takes them. `turn` is called often by the owner."""

    def __init__(self, port: int, items: Sequence[Event], *, per_s: float | None) -> None:
        self._items = items
        self._per_s = per_s
        self._inbox: SimpleQueue[LinkEvent] = SimpleQueue()
        self._link = MqttLink(
            BrokerSettings(port=port, keepalive_s=5),
            client_id=f"beffroi-feed-{os.getpid()}-{next(_numbers)}",
            keep_session=False,
            subscriptions=[],
            on_event=self._inbox.put,
            retry_s=0.05,
            retry_max_s=0.5,
        )
        self._publisher = Publisher(self._link)
        self._begun: float | None = None
        self.sent = 0

    def start(self) -> None:
        self._link.start()

    def turn(self, wait_s: float) -> bool:
        """Publish what is due and wait at most so long; false when all is published and confirmed."""
        try:
            self._publisher.note(self._inbox.get(timeout=wait_s))
            while True:
                self._publisher.note(self._inbox.get_nowait())
        except Empty:
            pass
        if self._begun is None and self._link.connected:
            self._begun = time.monotonic()
        if self._begun is None:
            return True
        due = len(self._items) if self._per_s is None else int((time.monotonic() - self._begun) * self._per_s)
        while self.sent < min(due, len(self._items)) and self._publisher.offer(self._items[self.sent]):
            self.sent += 1
        return self.sent < len(self._items) or self._publisher.unacknowledged > 0

    def stop(self) -> None:
        self._link.stop()
