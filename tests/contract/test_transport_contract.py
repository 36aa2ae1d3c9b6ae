"""What every transport of the edge does: the MQTT one on a real broker, and the double that the unit tests rely on."""

from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Protocol, TypeVar

import pytest

from core import envelope, receipt, topics
from core.envelope import Header
from core.errors import NotConnected
from core.model import RowClass
from core.ports.mqtt import Arrived, Connected, LinkEvent, MqttLink
from core.receipt import Deferred, Receipt
from core.settings import BrokerSettings
from edge.transports.base import Puback, ReceiptArrived, Transport, TransportDown, TransportEvent, TransportUp
from edge.transports.mqtt import MqttTransport
from tests.conftest import require
from tests.servers import mosquitto as mosquitto_server
from tests.servers.mosquitto import Mosquitto
from tests.support.edge_doubles import HeardTransport
from tests.support.waiting import wait_for

EDGE = "e1"
ANSWER = Receipt(deferred=(Deferred(spool_id="s", row_class=RowClass.URGENT, first=1, last=1, reason="r"),))
T = TypeVar("T")


def message(seq: int) -> bytes:
    header = Header(edge=EDGE, spool_id="s", row_class=RowClass.URGENT, first=seq, last=seq, boot="b")
    return envelope.pack(header, [b"{}"])


class Road(Protocol):
    """A transport, what it told, and the other end of it."""

    events: "SimpleQueue[TransportEvent]"

    @property
    def transport(self) -> Transport: ...

    def connect(self) -> None: ...

    def cut(self) -> None: ...

    def received(self) -> list[int]: ...

    def health(self) -> list[bytes]: ...

    def answer(self, payload: bytes) -> None: ...

    def close(self) -> None: ...


class DoubleRoad:
    def __init__(self) -> None:
        self.events: SimpleQueue[TransportEvent] = SimpleQueue()
        self.transport = HeardTransport(self.events.put)
        self.transport.start()

    def connect(self) -> None:
        self.transport.come_up()

    def cut(self) -> None:
        self.transport.go_down()

    def received(self) -> list[int]:
        for number in range(1, len(self.transport.messages) + 1):
            self.transport.puback(number)
        return [message.header.first for message in self.transport.messages]

    def health(self) -> list[bytes]:
        return self.transport.health

    def answer(self, payload: bytes) -> None:
        self.transport.answer(payload)

    def close(self) -> None:
        self.transport.stop()


class MqttRoad:
    def __init__(self, folder: Path) -> None:
        self._broker = Mosquitto(folder)
        self.events: SimpleQueue[TransportEvent] = SimpleQueue()
        settings = BrokerSettings(port=self._broker.port, keepalive_s=5)
        self._far: SimpleQueue[LinkEvent] = SimpleQueue()
        self._arrived: list[Arrived] = []
        self._cloud = MqttLink(
            settings,
            client_id="cloud",
            keep_session=True,
            subscriptions=[topics.of_edge(EDGE, topics.UP), topics.of_edge(EDGE, topics.HEALTH)],
            on_event=self._far.put,
            retry_s=0.05,
            retry_max_s=0.2,
        )
        self.transport = MqttTransport(
            settings, edge=EDGE, farewell=b"farewell", on_event=self.events.put, retry_max_s=0.2
        )
        self._cloud.start()
        self.transport.start()

    def connect(self) -> None:
        self._broker.start()
        wait_for("the cloud", lambda: any(isinstance(event, Connected) for event in self._take()))

    def cut(self) -> None:
        self._broker.kill()

    def _take(self) -> list[LinkEvent]:
        events = []
        while True:
            try:
                events.append(self._far.get_nowait())
            except Empty:
                break
        for event in events:
            if isinstance(event, Arrived):
                self._arrived.append(event)
                self._cloud.ack(event)
        return events

    def _payloads(self, leaf: str) -> list[bytes]:
        self._take()
        return [one.payload for one in self._arrived if topics.parse(one.topic).leaf == leaf]

    def received(self) -> list[int]:
        return [envelope.unpack(payload).header.first for payload in self._payloads(topics.UP)]

    def health(self) -> list[bytes]:
        return self._payloads(topics.HEALTH)

    def answer(self, payload: bytes) -> None:
        self._cloud.publish(topics.of_edge(EDGE, topics.RECEIPT), payload)

    def close(self) -> None:
        self.transport.stop()
        self._cloud.stop()
        self._broker.stop()


@pytest.fixture(params=["double", "mqtt"])
def road(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Road]:
    if request.param == "mqtt":
        require(mosquitto_server.find(), mosquitto_server.INSTALL_HINT)
    road: Road = DoubleRoad() if request.param == "double" else MqttRoad(tmp_path / "m")
    yield road
    road.close()


def told(road: Road, kind: type[T], where: Callable[[T], bool] = lambda _: True) -> T:
    """The next event of a kind."""

    def look() -> T | None:
        while True:
            try:
                event = road.events.get_nowait()
            except Empty:
                return None
            if isinstance(event, kind) and where(event):
                return event

    return wait_for(kind.__name__, look)


def test_nothing_is_taken_without_a_connection(road: Road) -> None:
    """`send` refuses instead of queueing; health is let go; the absent peer is waited for."""
    with pytest.raises(NotConnected):
        road.transport.send(message(1))
    road.transport.publish_health(b"{}")
    assert not road.transport.connected
    road.connect()
    told(road, TransportUp)
    assert road.transport.connected
    assert road.received() == []


def test_a_message_arrives_and_its_puback_is_what_send_returned(road: Road) -> None:
    """The token that `send` gave comes back once the broker has the message."""
    road.connect()
    told(road, TransportUp)
    promised = road.transport.send(message(7))
    wait_for("the message", lambda: road.received() == [7])
    assert told(road, Puback) == promised


def test_a_receipt_comes_back(road: Road) -> None:
    """As it was given by the cloud; what is no receipt is dropped, and the next one is heard."""
    road.connect()
    told(road, TransportUp)
    road.answer(b"\0 no receipt")
    road.answer(receipt.encode(ANSWER))
    assert told(road, ReceiptArrived).receipt == ANSWER


def test_each_connection_is_an_epoch(road: Road) -> None:
    """A PUBACK of before a cut can never be taken for one of after it."""
    road.connect()
    first = told(road, TransportUp)
    before = road.transport.send(message(1))
    road.cut()
    told(road, TransportDown)
    with pytest.raises(NotConnected):
        wait_for("the connection gone", lambda: road.transport.send(message(2)) is None, timeout_s=5)
    road.connect()
    second = told(road, TransportUp)
    after = road.transport.send(message(3))
    assert second.epoch > first.epoch
    assert after.epoch == second.epoch
    assert before != after


def test_health_is_heard(road: Road) -> None:
    """While there is a connection."""
    road.connect()
    told(road, TransportUp)
    road.transport.publish_health(b'{"state":"online"}')
    wait_for("the document", lambda: road.health() == [b'{"state":"online"}'])
