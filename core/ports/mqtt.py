"""The one MQTT connection of beffroi, over paho: every attempt is a new client, an *epoch*.

A message is acknowledged with the epoch it came in; an acknowledgement that comes late, after a reconnect, goes
nowhere, so that it can never confirm another message that happens to bear the same packet id.
paho's own queues are not used: `publish` refuses while there is no connection.
Only the link's thread reads and writes the socket: two writers could mix the halves of two packets.
"""

import select
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.reasoncodes import ReasonCode

from core import log
from core.errors import ConfigError, NotConnected
from core.ports.client import Client
from core.ports.link_events import Arrived, Connected, Disconnected, LinkEvent, LinkFault, Published
from core.ports.link_faults import explain, refused
from core.ports.puback_order import PubackOrder
from core.ports.stream import BufferedStream
from core.ports.tls import password, tls_context
from core.ports.waker import Waker
from core.settings import BrokerSettings

__all__ = ["Arrived", "Connected", "Disconnected", "LinkEvent", "LinkFault", "MqttLink", "Published", "Will"]

_PACKETS_A_TURN = 50  # read before anything is written: a broker that always has more would never hear from us
_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker says for us when we vanish; retained, QoS 1."""

    topic: str
    payload: bytes


class MqttLink:
    """Keeps one connection up in a thread of its own and tells what happens through `on_event` (called there).

    Args:
        broker: where, who, TLS.
        client_id: fixed: it names the session at the broker.
        keep_session: the broker keeps what arrives for us while we are away.
        subscriptions: topic filters, all QoS 1, asked again at every connection.
        on_event: must return at once; it is called from the link's thread.
        retry_s: the first wait after a failure; doubled up to `retry_max_s`, with jitter.
    """

    def __init__(
        self,
        broker: BrokerSettings,
        *,
        client_id: str,
        keep_session: bool,
        subscriptions: Sequence[str],
        on_event: Callable[[LinkEvent], None],
        will: Will | None = None,
        retry_s: float = 0.5,
        retry_max_s: float = 30.0,
    ) -> None:
        self._broker = broker
        self._client_id = client_id
        self._keep_session = keep_session
        self._subscriptions = list(subscriptions)
        self._on_event = on_event
        self._will = will
        self._retry_s, self._retry_max_s = retry_s, retry_max_s
        self._jitter = Random(client_id)  # noqa: S311 - spreads reconnections, guards nothing
        self._epoch = 0
        self._client: paho.Client | None = None
        self._order = PubackOrder()
        self._up = False
        self._stopping = threading.Event()
        self._reading = threading.Event()
        self._reading.set()
        self._waker = Waker()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name=f"mqtt-{client_id}", daemon=True)

    def start(self) -> None:
        self._waker.open()
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Disconnect properly (the will is not sent) and end the thread."""
        self._stopping.set()
        self._reading.set()
        with self._lock:
            client = self._client
        if client is not None:
            client.disconnect()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        if not self._thread.is_alive():
            self._waker.close()

    def pause(self) -> None:
        """Read nothing more until `resume`: what arrives waits at the broker, not in our memory.

        Acknowledgements and messages still go out. A connection that is paused for about two keep-alives ends
        (its pings go unread) and is made again at `resume`.
        """
        self._reading.clear()

    def resume(self) -> None:
        self._reading.set()
        self._waker.wake()

    @property
    def connected(self) -> bool:
        return self._up

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> Published:
        """Hand a message to the broker now. What comes back names the PUBACK to wait for.

        Raises:
            NotConnected: `link.down`; nothing was sent and nothing is kept.
        """
        with self._lock:
            client, epoch = self._client, self._epoch
            if client is None or not self._up:
                raise NotConnected("link.down", f"no connection to {self._broker.host}:{self._broker.port}")
        sent = client.publish(topic, payload, qos, retain)
        if sent.rc != paho.MQTT_ERR_SUCCESS:
            raise NotConnected("link.down", paho.error_string(sent.rc))
        return Published(epoch, sent.mid)

    def ack(self, arrived: Arrived) -> None:
        """The message is durably ours: its PUBACK goes out when those of the messages before it have.

        Goes nowhere when its connection is gone.
        """
        self.ack_later(arrived)()

    def ack_later(self, arrived: Arrived) -> Callable[[], None]:
        """`ack` for another moment; it does not hold the message."""
        return partial(self._ack, arrived.epoch, arrived.mid, arrived.qos)

    def _ack(self, epoch: int, mid: int, qos: int) -> None:
        with self._lock:
            client = self._client
            if client is None or self._epoch != epoch or not qos:
                return
            for done in self._order.done(mid):
                client.ack(done, qos)

    def _run(self) -> None:
        wait = self._retry_s
        while not self._stopping.is_set():
            self._reading.wait()
            try:
                fault, was_up = self._attempt()
            except Exception as error:  # noqa: BLE001 - whatever fails here, a link that is silently gone is worse
                _log.error("link.failed", client_id=self._client_id, exc_info=error)
                fault, was_up = LinkFault("link.failed", f"{type(error).__name__}: {error}", lasting=True), False
            self._on_event(Disconnected(self._epoch, fault))
            wait = self._retry_s if was_up else min(wait * 2, self._retry_max_s)
            self._stopping.wait(wait * self._jitter.uniform(0.5, 1.0))

    def _attempt(self) -> tuple[LinkFault, bool]:
        """One connection from beginning to end: why it ended, and whether it ever was up."""
        epoch = self._epoch + 1
        refusals: list[LinkFault] = []
        client: paho.Client | None = None
        was_up = False
        try:
            client = self._new_client(epoch, refusals)
            with self._lock:
                self._client, self._epoch, self._order = client, epoch, PubackOrder()
            client.connect(self._broker.host, self._broker.port, self._broker.keepalive_s)
            while (code := self._turn(client)) == paho.MQTT_ERR_SUCCESS:
                was_up = was_up or self._up
            fault = refusals[0] if refusals else LinkFault("link.lost", paho.error_string(code))
        except (OSError, ConfigError, ValueError) as error:
            # ssl.SSLError is an OSError; TLS files may be replaced while we run; a host name may be no name at all
            fault = explain(error, self._broker)
        finally:
            with self._lock:
                self._up, self._client = False, None
            stream = client.socket() if client is not None else None
            if stream is not None:
                stream.close()
        return fault, was_up

    def _turn(self, client: paho.Client) -> MQTTErrorCode:
        """Wait at most half a second for something to read or write, and do it."""
        stream = client.socket()
        if stream is None:
            return MQTTErrorCode.MQTT_ERR_CONN_LOST
        assert isinstance(stream, BufferedStream)
        reading = self._reading.is_set()
        held = reading and stream.holds
        watched: list[Any] = [self._waker, stream] if reading else [self._waker]
        busy = [stream] if stream.wants_flush else []
        at_once = held or (client.want_write() and not busy)
        readable, _, _ = select.select(watched, busy, [], 0 if at_once else 0.5)
        if self._waker in readable:
            self._waker.clear()
        code = self._read(client, stream) if held or stream in readable else MQTTErrorCode.MQTT_ERR_SUCCESS
        if code == MQTTErrorCode.MQTT_ERR_SUCCESS and client.want_write():
            code = client.loop_write()
        if code == MQTTErrorCode.MQTT_ERR_SUCCESS and client.socket() is not None:
            stream.flush()
        return client.loop_misc() if code == MQTTErrorCode.MQTT_ERR_SUCCESS else code

    def _read(self, client: paho.Client, stream: BufferedStream) -> MQTTErrorCode:
        """The packets that are here, up to one that makes us pause; a bounded number, so that we too have our say."""
        for _ in range(_PACKETS_A_TURN):
            code = client.loop_read()
            if code != MQTTErrorCode.MQTT_ERR_SUCCESS or not (stream.holds and self._reading.is_set()):
                break
        return code

    def _new_client(self, epoch: int, refusals: list[LinkFault]) -> paho.Client:
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._client_id,
            clean_session=not self._keep_session,
            manual_ack=True,
            reconnect_on_failure=False,
        )
        client.max_inflight_messages_set(65535)  # the window is ours, not paho's
        if self._broker.username:
            client.username_pw_set(self._broker.username, password(self._broker))
        if self._broker.tls is not None:
            client.tls_set_context(tls_context(self._broker.tls))
        if self._will is not None:
            client.will_set(self._will.topic, self._will.payload, qos=1, retain=True)

        def on_socket_register_write(_client: paho.Client, _userdata: object, _stream: object) -> None:
            self._waker.wake()

        session_present: list[bool] = []

        def on_connect(c: paho.Client, _u: object, flags: paho.ConnectFlags, code: ReasonCode, _p: object) -> None:
            if code.is_failure:
                refusals.append(refused("the connection", code))
                return
            session_present.append(bool(flags.session_present))
            if self._subscriptions:
                c.subscribe([(pattern, 1) for pattern in self._subscriptions])
            else:
                come_up()

        def come_up() -> None:
            with self._lock:
                if self._up:
                    return
                self._up = True
            self._on_event(Connected(epoch, session_present[0]))

        def on_subscribe(c: paho.Client, _u: object, _mid: int, codes: list[ReasonCode], _p: object) -> None:
            for pattern, code in zip(self._subscriptions, codes, strict=False):
                if code.is_failure or code.value != 1:  # at QoS 0 our acknowledgement would mean nothing
                    refusals.append(refused(f"the subscription to {pattern}", code))
                    c.disconnect()
                    return
            come_up()

        def on_message(_client: paho.Client, _userdata: object, m: paho.MQTTMessage) -> None:
            heard(m.mid, m.qos, m._topic, bytes(m.payload), m.retain, m.dup)  # noqa: SLF001 - the raw bytes

        def heard(mid: int, qos: int, raw_topic: bytes, payload: bytes, retain: bool, dup: bool) -> None:
            try:
                topic = raw_topic.decode()
            except UnicodeDecodeError:
                topic = repr(raw_topic)
            if not self._up:
                come_up()  # what a kept session brings comes before the SUBACK: its subscriptions hold
            if qos:
                with self._lock:
                    if not self._order.received(mid):
                        return  # sent again inside one connection: the first is still in hand
            self._on_event(Arrived(epoch, mid, qos, topic, payload, retain, dup))

        def on_publish(_client: paho.Client, _userdata: object, mid: int, _code: object, _props: object) -> None:
            self._on_event(Published(epoch, mid))

        client.on_socket_register_write = on_socket_register_write
        client.on_connect = on_connect
        client.on_subscribe = on_subscribe
        client.on_message = on_message
        client.heard = heard
        client.on_publish = on_publish
        return client
