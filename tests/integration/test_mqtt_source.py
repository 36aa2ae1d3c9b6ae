"""The MQTT source on a real Mosquitto: late acknowledgements, redelivery, and a worker that cannot follow."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cloud.inbox import Inbox
from cloud.sources.base import Delivery
from cloud.sources.mqtt import MqttSource
from core import topics
from core.settings import BrokerSettings
from tests.servers.mosquitto import Mosquitto
from tests.support.cloud_worker import FakeEdge
from tests.support.waiting import wait_for

EDGE = "remiremont"


@contextmanager
def running(port: int, inbox: Inbox) -> Iterator[MqttSource]:
    source = MqttSource(
        BrokerSettings(port=port, keepalive_s=5), client_id="w", shards=(topics.shard(EDGE),), inbox=inbox
    )
    source.start()
    try:
        wait_for("the source", lambda: source.connected)
        yield source
    finally:
        source.stop()


def taken(inbox: Inbox) -> Delivery:
    delivery = inbox.take(10)
    assert isinstance(delivery, Delivery)
    return delivery


def test_a_late_ack_confirms_no_message_of_the_next_connection(mosquitto: Mosquitto) -> None:
    """Both bear packet id 1; the second is delivered again, because nobody has acknowledged it."""
    inbox = Inbox()
    with running(mosquitto.port, inbox) as source, FakeEdge(EDGE, mosquitto.port) as edge:
        edge.send(b"first")
        late = taken(inbox)
        mosquitto.restart(empty=True)  # packet ids begin again
        wait_for("the source again", lambda: source.connected)
        edge.send(b"second")
        assert taken(inbox).payload == b"second"
        late.ack()
        edge.send(b"third")
        assert taken(inbox).payload == b"third"
    again = Inbox()
    with running(mosquitto.port, again):
        assert [taken(again).payload, taken(again).payload] == [b"second", b"third"]


def test_what_is_not_acknowledged_comes_again_and_what_is_does_not(mosquitto: Mosquitto) -> None:
    """The session outlives the worker."""
    inbox = Inbox()
    with running(mosquitto.port, inbox), FakeEdge(EDGE, mosquitto.port) as edge:
        edge.send(b"kept")
        edge.send(b"lost")
        taken(inbox).ack()
        assert taken(inbox).payload == b"lost"
        edge.send(b"seen", leaf=topics.HEALTH)
        taken(inbox).ack()  # waits behind the one before it: PUBACKs keep the order of the messages
    again = Inbox()
    with running(mosquitto.port, again):
        assert [taken(again).payload for _ in range(2)] == [b"lost", b"seen"]
        assert again.take(0.2) is None


def test_a_worker_that_cannot_follow_leaves_messages_at_the_broker(tmp_path: Path, mosquitto: Mosquitto) -> None:
    """The inbox stays small while thousands wait; with the gate open again none is missing, in order."""
    count, size = 2000, 4000
    inbox = Inbox(messages=20)
    with running(mosquitto.port, inbox), FakeEdge(EDGE, mosquitto.port) as edge:
        for number in range(count):
            edge.send(number.to_bytes(4, "big") + bytes(size))
        wait_for("a full inbox", lambda: inbox.full)
        most = 0
        seen = []
        while len(seen) < count:
            most = max(most, len(inbox._deliveries))
            delivery = taken(inbox)
            delivery.ack()
            seen.append(int.from_bytes(delivery.payload[:4], "big"))
        assert seen == list(range(count))
        assert most < 100


def test_a_long_pause_ends_the_connection_and_the_session_gives_all_again(mosquitto: Mosquitto) -> None:
    """Longer than two keep-alives without reading: nothing is lost, nothing piles up in memory."""
    inbox = Inbox(messages=2)
    source = MqttSource(
        BrokerSettings(port=mosquitto.port, keepalive_s=2), client_id="w", shards=(topics.shard(EDGE),), inbox=inbox
    )
    source.start()
    try:
        wait_for("the source", lambda: source.connected)
        with FakeEdge(EDGE, mosquitto.port) as edge:
            for number in range(50):
                edge.send(bytes([number]))
            wait_for("a full inbox", lambda: inbox.full)
            wait_for("the end of the connection", lambda: not source.connected)
            assert len(inbox._deliveries) < 10
            seen: list[int] = []
            while len(set(seen)) < 50:
                delivery = taken(inbox)
                delivery.ack()
                seen.append(delivery.payload[0])
            assert sorted(set(seen)) == list(range(50))
    finally:
        source.stop()
