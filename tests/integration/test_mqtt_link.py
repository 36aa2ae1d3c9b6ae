"""The link over sockets: nothing ends it silently, and it is up only when its subscriptions are granted."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue

import pytest

from core.ports.mqtt import Connected, Disconnected, LinkEvent, MqttLink
from core.settings import BrokerSettings, TlsSettings


@contextmanager
def link(broker: BrokerSettings, *, subscriptions: tuple[str, ...] = ()) -> Iterator[Queue[LinkEvent]]:
    heard: Queue[LinkEvent] = Queue()
    made = MqttLink(
        broker,
        client_id="link",
        keep_session=False,
        subscriptions=subscriptions,
        on_event=heard.put,
        retry_s=0.05,
        retry_max_s=0.1,
    )
    made.start()
    try:
        yield heard
    finally:
        made.stop()


@pytest.mark.parametrize(
    "broker",
    [
        BrokerSettings(port=1, username="u", tls=TlsSettings(ca=Path("/nonexistent/ca.pem"))),
        BrokerSettings(host="broker..example.org", port=1, username="u", tls=TlsSettings()),
        BrokerSettings(port=1),
    ],
    ids=["no such CA file", "no host name", "nobody listens"],
)
def test_a_connection_that_cannot_be_made_is_told_and_tried_again(broker: BrokerSettings) -> None:
    """Each attempt says why it failed, and another follows: files are renewed, names are mended, while we run."""
    with link(broker) as heard:
        for _ in range(3):
            event = heard.get(timeout=10)
            assert isinstance(event, Disconnected)
            assert event.reason


@contextmanager
def broker_that_answers(suback: bytes) -> Iterator[int]:
    """Grants the connection, and answers the subscription with these return codes."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            with near:
                near.recv(4096)
                near.sendall(b"\x20\x02\x00\x00")
                asked = near.recv(4096)
                near.sendall(bytes([0x90, 2 + len(suback)]) + asked[2:4] + suback)
                while near.recv(4096):
                    pass

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(5)


@pytest.mark.parametrize("code", [b"\x80", b"\x00"], ids=["refused", "granted at QoS 0"])
def test_a_subscription_that_is_not_granted_is_no_connection(code: bytes) -> None:
    """A link that hears nothing, or whose acknowledgements mean nothing, never says that it is up."""
    with broker_that_answers(code) as port, link(BrokerSettings(port=port), subscriptions=("a/b",)) as heard:
        event = heard.get(timeout=10)
        assert isinstance(event, Disconnected)
        assert "a/b" in event.reason


def test_a_granted_subscription_is_a_connection() -> None:
    """Connected comes with the SUBACK."""
    with broker_that_answers(b"\x01") as port, link(BrokerSettings(port=port), subscriptions=("a/b",)) as heard:
        assert isinstance(heard.get(timeout=10), Connected)
