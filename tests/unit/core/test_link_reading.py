"""How much a link reads at once."""

import paho.mqtt.client as paho

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
