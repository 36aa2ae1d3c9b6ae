"""The cloud over MQTT: publishes `up` and `health`, listens to `receipt`; clean session, the edge id is the client id.

The session is clean because nothing at the broker is ours to keep: rows without receipt are in the spool, and a
receipt that meets no connection comes again after the rows were sent again.
"""

from collections.abc import Callable

from core import log, receipt, topics
from core.errors import EnvelopeError, NotConnected
from core.ports.mqtt import Arrived, Connected, Disconnected, LinkEvent, MqttLink, Published, Will
from core.settings import BrokerSettings
from edge.transports.base import Puback, ReceiptArrived, TransportDown, TransportEvent, TransportUp

_log = log.get(__name__)


class MqttTransport:
    """A `Transport` over one MQTT connection.

    Args:
        farewell: the health document that the broker publishes for us when we vanish.
    """

    def __init__(
        self,
        broker: BrokerSettings,
        *,
        edge: str,
        farewell: bytes,
        on_event: Callable[[TransportEvent], None],
        retry_max_s: float = 30.0,
    ) -> None:
        self._up = topics.of_edge(edge, topics.UP)
        self._health = topics.of_edge(edge, topics.HEALTH)
        self._receipt = topics.of_edge(edge, topics.RECEIPT)
        self._on_event = on_event
        self._link = MqttLink(
            broker,
            client_id=edge,
            keep_session=False,
            subscriptions=[self._receipt],
            on_event=self._take,
            will=Will(self._health, farewell),
            retry_max_s=retry_max_s,
        )

    def start(self) -> None:
        self._link.start()

    def stop(self) -> None:
        self._link.stop()

    @property
    def connected(self) -> bool:
        return self._link.connected

    def send(self, message: bytes) -> Puback:
        published = self._link.publish(self._up, message)
        return Puback(published.epoch, published.mid)

    def publish_health(self, document: bytes) -> None:
        try:
            self._link.publish(self._health, document, retain=True)
        except NotConnected:
            return  # the next connection begins with one

    def _take(self, event: LinkEvent) -> None:
        match event:
            case Connected(epoch=epoch):
                self._on_event(TransportUp(epoch))
            case Disconnected(epoch=epoch, fault=fault):
                self._on_event(TransportDown(epoch, fault))
            case Published(epoch=epoch, mid=mid):
                self._on_event(Puback(epoch, mid))
            case Arrived():
                self._receive(event)

    def _receive(self, arrived: Arrived) -> None:
        try:
            self._on_event(ReceiptArrived(receipt.decode(arrived.payload)))
        except EnvelopeError as error:
            _log.warning("receipt.refused", code=error.code, reason=error.message)
        self._link.ack(arrived)  # a receipt that is lost with us comes again with the rows' next sending
