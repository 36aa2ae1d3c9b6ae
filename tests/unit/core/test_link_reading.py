"""How much a link reads at once, and that it reads a message as its library does."""

import paho.mqtt.client as paho
import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.exception import MQTTException

from core.ports.client import Client
from core.ports.mqtt import MqttLink
from core.settings import BrokerSettings


class Endless:
    """A client whose stream always holds another packet."""

    holds = True

    def __init__(self) -> None:
        self.read = 0

    def loop_read(self) -> int:
        self.read += 1
        return paho.MQTT_ERR_SUCCESS


def link() -> MqttLink:
    return MqttLink(BrokerSettings(), client_id="c", keep_session=True, subscriptions=[], on_event=lambda _: None)


def test_a_broker_that_always_has_more_does_not_keep_us_from_answering() -> None:
    """Some packets, then what we have to say: acknowledgements that pile up are memory, and come back as copies."""
    flood = Endless()
    assert link()._read(flood, flood) == paho.MQTT_ERR_SUCCESS  # type: ignore[arg-type]
    assert 10 <= flood.read <= 100


def test_nothing_more_is_read_once_paused() -> None:
    """The packet in hand is the last."""
    flood, made = Endless(), link()
    made.pause()
    made._read(flood, flood)  # type: ignore[arg-type]
    assert flood.read == 1


class Told:
    """What the client made of one PUBLISH: by its own short way, or by paho's."""

    def __init__(self, *, short: bool) -> None:
        self.said: list[tuple[int, int, bytes, bytes, bool, bool]] = []
        self.client = Client(CallbackAPIVersion.VERSION2, manual_ack=True)
        self.client.on_message = lambda _c, _u, m: self.said.append(
            (m.mid, m.qos, m._topic, bytes(m.payload), m.retain, m.dup)
        )
        if short:
            self.client.heard = lambda *told: self.said.append(told)

    def read(self, flags: int, body: bytes) -> int:
        self.client._in_packet["command"] = 0x30 | flags
        self.client._in_packet["packet"] = bytearray(body)
        try:
            return int(self.client._handle_publish())
        except MQTTException:
            return int(paho.MQTT_ERR_PROTOCOL)


@given(
    topic=st.binary(max_size=20),
    mid=st.integers(1, 65_535),
    payload=st.binary(max_size=40),
    qos=st.sampled_from([0, 1]),
    retain=st.booleans(),
    dup=st.booleans(),
    cut=st.integers(0, 80),
)
def test_a_message_is_read_as_the_library_reads_it(
    topic: bytes, mid: int, payload: bytes, qos: int, retain: bool, dup: bool, cut: int
) -> None:
    """The same topic, packet id, payload and flags; what is malformed ends the connection either way."""
    body = len(topic).to_bytes(2, "big") + topic + (mid.to_bytes(2, "big") if qos else b"") + payload
    body = body[: max(2, len(body) - cut)] if cut > 60 else body
    flags = qos << 1 | retain | dup << 3
    short, long = Told(short=True), Told(short=False)
    assert short.read(flags, body) == long.read(flags, body)
    assert short.said == long.said


@pytest.mark.parametrize("qos", [2, 3])
def test_what_no_link_subscribes_to_is_left_to_the_library(qos: int) -> None:
    """QoS 2 has a handshake of its own, 3 is none."""
    told = Told(short=True)
    told.client._sock = None
    assert told.read(qos << 1, b"\x00\x01t\x00\x07x") != paho.MQTT_ERR_SUCCESS
    assert told.said == []
