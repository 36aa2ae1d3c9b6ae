"""Measures what a broker does for a client that holds its acknowledgements, or is away, on a topic of its own.

What lies before acceptance (the network server's broker) cannot be promised, only measured.
"""

import time
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Self

from core.errors import NotConnected
from core.ports.mqtt import Arrived, Connected, Disconnected, LinkEvent, MqttLink, Published
from core.settings import BrokerSettings

CONNECT_S = 10.0
QUIET_S = 1.5  # a broker that sends nothing for so long has nothing more to send
ANSWER_S = 30.0
IN_FLIGHT = 100
_MARK = 16  # bytes that tell one message from all others: what it is for, and its number


class Client:
    """One connection, made at once or not at all, and what came over it.

    Args:
        subscription: a topic, or "" for none.
        keep_session: what is published while we are away waits for us.
    """

    def __init__(self, broker: BrokerSettings, client_id: str, *, subscription: str = "", keep_session: bool = False):
        self._where = f"{broker.host}:{broker.port}"
        self._events: SimpleQueue[LinkEvent] = SimpleQueue()
        self._arrived: list[Arrived] = []
        self._link = MqttLink(
            broker,
            client_id=client_id,
            keep_session=keep_session,
            subscriptions=[subscription] if subscription else [],
            on_event=self._events.put,
        )

    def __enter__(self) -> Self:
        """Connect.

        Raises:
            NotConnected: `broker.unreachable`, with what the broker or the network said.
        """
        self._link.start()
        event = self._next(CONNECT_S)
        if not isinstance(event, Connected):
            self._link.stop()
            reason = event.reason if isinstance(event, Disconnected) else f"no answer within {CONNECT_S:.0f} s"
            raise NotConnected("broker.unreachable", f"{self._where}: {reason}", hint="is it running, and is this it?")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._link.stop()

    def publish(self, topic: str, purpose: bytes, count: int, *, size: int) -> None:
        """Publish so many numbered messages; return when the broker has confirmed them all.

        Raises:
            NotConnected: the broker hung up, or stopped answering.
        """
        sent = confirmed = 0
        while confirmed < count:
            while sent < count and sent - confirmed < IN_FLIGHT:
                self._link.publish(topic, (purpose + sent.to_bytes(_MARK - len(purpose), "big")).ljust(size, b"\0"))
                sent += 1
            match self._next(ANSWER_S):
                case Published():
                    confirmed += 1
                case Arrived() as arrived:
                    self._arrived.append(arrived)
                case Disconnected(reason=reason):
                    raise NotConnected("broker.hung_up", f"{self._where}: {reason}")
                case None:
                    raise NotConnected("broker.silent", f"{self._where}: no PUBACK within {ANSWER_S:.0f} s")

    def arrived(self, most: int) -> list[Arrived]:
        """What has come, up to `most`: complete when nothing more comes for a while."""
        while len(self._arrived) < most and (event := self._next(QUIET_S)) is not None:
            if isinstance(event, Arrived):
                self._arrived.append(event)
        found, self._arrived = self._arrived[:most], self._arrived[most:]
        return found

    def ack(self, messages: list[Arrived]) -> None:
        for message in messages:
            self._link.ack(message)

    def collect(self, purpose: bytes, most: int) -> int:
        """Take and acknowledge until `most` have come, or nothing more; how many different messages there were."""
        marks: set[bytes] = set()
        while len(marks) < most and (found := self.arrived(IN_FLIGHT)):
            self.ack(found)
            marks |= {message.payload[:_MARK] for message in found if message.payload.startswith(purpose)}
        return len(marks)

    def _next(self, timeout_s: float) -> LinkEvent | None:
        try:
            return self._events.get(timeout=timeout_s)
        except Empty:
            return None


def reach(broker: BrokerSettings, client_id: str) -> float:
    """Connect and leave; how long connecting took, ms.

    Raises:
        NotConnected: `broker.unreachable`.
    """
    begun = time.monotonic()
    with Client(broker, client_id):
        return (time.monotonic() - begun) * 1000


def window(broker: BrokerSettings, client_id: str, topic: str, *, asked: int, size: int) -> int:
    """How many messages of `asked` the broker sends to a client that acknowledges none.

    Raises:
        NotConnected
    """
    with Client(broker, client_id, subscription=topic, keep_session=True) as subscriber:
        with Client(broker, _publisher(client_id)) as publisher:
            publisher.publish(topic, b"window", asked, size=size)
        held = subscriber.arrived(asked)
        subscriber.ack(held)
    forget(broker, client_id)
    return len(held)


def parked(broker: BrokerSettings, client_id: str, topic: str, *, count: int, size: int) -> int:
    """How many messages of `count`, published while a client with a session is away, it gets when it is back.

    Raises:
        NotConnected
    """
    with Client(broker, client_id, subscription=topic, keep_session=True):
        pass  # the session and its subscription stay
    with Client(broker, _publisher(client_id)) as publisher:
        publisher.publish(topic, b"parked", count, size=size)
    with Client(broker, client_id, subscription=topic, keep_session=True) as back:
        found = back.collect(b"parked", count)
    forget(broker, client_id)
    return found


def forget(broker: BrokerSettings, client_id: str) -> None:
    """Delete the session, and whatever the broker still keeps for it.

    Raises:
        NotConnected
    """
    with Client(broker, client_id):
        pass  # a clean session ends the old one


def _publisher(client_id: str) -> str:
    return f"{client_id}-publisher"
