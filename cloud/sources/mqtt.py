"""The edges' messages over MQTT: a persistent session, acknowledged by hand, bound to its connection."""

from collections.abc import Callable, Sequence

from cloud.inbox import Inbox
from cloud.sources.base import Delivery
from core import log
from core.ports.mqtt import Arrived, Connected, Disconnected, LinkEvent, LinkFault, MqttLink, Published
from core.settings import BrokerSettings
from core.topics import HEALTH, UP, of_shard

_log = log.get(__name__)


class MqttSource:
    """Subscribes to what the edges of its shards say, and publishes to them.

    Args:
        client_id: names the session: after a crash the broker delivers again what was not acknowledged.
        inbox: where messages go; when it is full, nothing more is read from the broker.
    """

    def __init__(
        self,
        broker: BrokerSettings,
        *,
        client_id: str,
        shards: Sequence[int],
        inbox: Inbox,
        new_link: Callable[..., MqttLink] = MqttLink,
    ) -> None:
        self._inbox = inbox
        self._where = f"{broker.host}:{broker.port}"
        self._fault: LinkFault | None = None
        self._stopping = False
        self._link = new_link(
            broker,
            client_id=client_id,
            keep_session=True,
            subscriptions=[of_shard(number, leaf) for number in shards for leaf in (UP, HEALTH)],
            on_event=self._on_event,
        )
        inbox.bind_gate(close=self._link.pause, open_again=self._link.resume)

    def start(self) -> None:
        self._link.start()

    def stop(self) -> None:
        self._stopping = True
        self._link.stop()

    @property
    def connected(self) -> bool:
        return self._link.connected

    @property
    def fault(self) -> LinkFault | None:
        return self._fault

    def publish(self, topic: str, message: bytes) -> None:
        """Raises:
        NotConnected: nothing was sent and nothing is kept.
        """
        self._link.publish(topic, message)

    def _on_event(self, event: LinkEvent) -> None:
        match event:
            case Arrived():
                link = self._link
                # the link drops an acknowledgement whose connection is gone: packet ids start again with the next
                self._inbox.offer(
                    Delivery(event.topic, event.payload, ack=lambda: link.ack(event), retained=event.retain)
                )
            case Connected():
                if event.session_present:
                    self._inbox.forget()
                self._fault = None
                _log.info("broker.connected", broker=self._where, session_present=event.session_present)
            case Disconnected(fault=fault):
                known = self._fault.code if self._fault else ""
                self._fault = fault
                if fault.code != known and not self._stopping:  # a broker that stays away is said once
                    _log.warning("broker.disconnected", broker=self._where, code=fault.code, reason=fault.message)
            case Published():
                pass  # the edge's settling is the answer to a receipt, not the broker's PUBACK
