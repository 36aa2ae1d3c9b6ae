"""ChirpStack over MQTT: the events of a site's own applications, each with its acknowledgement."""

from collections.abc import Callable, Sequence

from core import log
from core.ports.clock import Clock
from core.ports.mqtt import Arrived, Connected, Disconnected, LinkEvent, MqttLink, Published
from core.settings import BrokerSettings
from edge.sources.base import SourceEvent
from edge.sources.chirpstack_events import application_of, parse_event

__all__ = ["ChirpStackSource", "parse_event"]

_log = log.get(__name__)


class ChirpStackSource:
    """A `Source` over one persistent session at the network server's broker.

    The session keeps what arrives while the agent is away, within the broker's own bounds; what was not acknowledged
    over a lost connection comes again over the next one. An acknowledgement names the connection its event came
    over (its epoch): a late one goes nowhere.
    A session also remembers the subscriptions of earlier settings: an event of an application that is no longer ours
    is acknowledged and left to the site that has it now.

    Args:
        applications: ids of the site's own applications; no wildcard is ever subscribed across them.
        clock: for what cannot be read and so has no time of its own.
        on_event: takes each event, from the link's thread.
    """

    def __init__(
        self,
        broker: BrokerSettings,
        *,
        edge: str,
        applications: Sequence[str],
        clock: Clock,
        on_event: Callable[[SourceEvent], None],
        retry_max_s: float = 30.0,
    ) -> None:
        self._applications = frozenset(applications)
        self._clock = clock
        self._on_event = on_event
        self._warned: set[str] = set()  # said once, not once an event
        self._fault = ""  # why there is no connection, as far as it was logged
        self._link = MqttLink(
            broker,
            client_id=f"beffroi-edge-{edge}",
            keep_session=True,
            subscriptions=[f"application/{one}/device/+/event/+" for one in applications],
            on_event=self._take,
            retry_max_s=retry_max_s,
        )

    def start(self) -> None:
        self._link.start()

    def stop(self) -> None:
        self._link.stop()

    @property
    def connected(self) -> bool:
        return self._link.connected

    def _take(self, event: LinkEvent) -> None:
        match event:
            case Connected(session_present=kept):
                self._fault = ""
                _log.info("source.connected", session_present=kept)
            case Disconnected(fault=fault):
                if fault.code != self._fault:  # every attempt tells; a person wants to know once
                    say = _log.error if fault.lasting else _log.warning
                    say("source.disconnected", code=fault.code, reason=fault.message, hint=fault.hint)
                self._fault = fault.code
            case Published():
                pass  # a source sends nothing
            case Arrived():
                self._receive(event)

    def _receive(self, arrived: Arrived) -> None:
        application = application_of(arrived.topic)
        if application not in self._applications:
            self._warn("source.foreign_application", application, "left to the site that declares it")
            self._link.ack(arrived)
            return
        if arrived.qos == 0:
            self._warn("source.qos_0", application, "set `qos = 1` in [integration.mqtt]: the broker forgets at once")
        row = parse_event(arrived.topic, arrived.payload, now_ms=self._clock.now_ms())
        self._on_event(SourceEvent(row, self._link.ack_later(arrived)))

    def _warn(self, event: str, application: str, hint: str) -> None:
        if event + application not in self._warned:
            self._warned.add(event + application)
            _log.warning(event, application=application, hint=hint)
