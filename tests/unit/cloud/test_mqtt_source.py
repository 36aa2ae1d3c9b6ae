"""The MQTT source, over a link that tests own."""

from collections.abc import Callable
from typing import Any

import pytest

from cloud.inbox import Inbox
from cloud.sources.base import Delivery
from cloud.sources.mqtt import MqttSource
from core.errors import NotConnected
from core.ports.mqtt import Arrived, Connected, Disconnected, LinkEvent, LinkFault, MqttLink, Published
from core.settings import BrokerSettings


class Link:
    """A link whose events the test makes; acknowledgements of an older epoch go nowhere, as the real one's."""

    def __init__(self, broker: BrokerSettings, *, on_event: Callable[[LinkEvent], None], **options: Any) -> None:
        self.on_event = on_event
        self.options = options
        self.epoch = 1
        self.acked: list[tuple[int, int]] = []
        self.reading = True

    def arrive(self, mid: int, payload: bytes = b"x", *, retain: bool = False) -> None:
        self.on_event(Arrived(self.epoch, mid, 1, "t", payload, retain, dup=False))

    def ack(self, arrived: Arrived) -> None:
        if arrived.epoch == self.epoch:
            self.acked.append((arrived.epoch, arrived.mid))

    def pause(self) -> None:
        self.reading = False

    def resume(self) -> None:
        self.reading = True

    def publish(self, topic: str, payload: bytes) -> None:
        raise NotConnected("link.down", "no connection")


def build(inbox: Inbox) -> tuple[MqttSource, Link]:
    links: list[Link] = []

    def new_link(*arguments: Any, **options: Any) -> Any:
        links.append(Link(*arguments, **options))
        return links[0]

    source = MqttSource(BrokerSettings(), client_id="c", shards=(3, 7), inbox=inbox, new_link=new_link)
    return source, links[0]


def taken(inbox: Inbox) -> Delivery:
    delivery = inbox.take(0)
    assert isinstance(delivery, Delivery)
    return delivery


def test_a_persistent_session_on_the_shards_of_this_worker() -> None:
    """What edges say, up and health, and nothing else."""
    _, link = build(Inbox())
    assert link.options["keep_session"] is True
    assert link.options["client_id"] == "c"
    assert link.options["subscriptions"] == [
        "beffroi/v1/3/+/up",
        "beffroi/v1/3/+/health",
        "beffroi/v1/7/+/up",
        "beffroi/v1/7/+/health",
    ]


def test_a_late_ack_never_confirms_another_message() -> None:
    """After a reconnect packet id 1 is another message: the ack of the old one goes nowhere."""
    inbox = Inbox()
    _, link = build(inbox)
    link.arrive(1)
    late = taken(inbox)
    link.on_event(Disconnected(1, LinkFault("link.lost", "cut")))
    link.epoch = 2
    link.on_event(Connected(2, session_present=False))
    link.arrive(1, b"another")
    late.ack()
    assert link.acked == []
    taken(inbox).ack()
    assert link.acked == [(2, 1)]


def test_the_real_link_drops_an_ack_of_another_epoch() -> None:
    """The double above is honest."""
    acked: list[int] = []

    class Paho:
        def ack(self, mid: int, qos: int) -> None:
            acked.append(mid)

    link = MqttLink(BrokerSettings(), client_id="c", keep_session=True, subscriptions=[], on_event=lambda _: None)
    link._client, link._epoch = Paho(), 2  # type: ignore[assignment]
    link._order.received(6)
    link.ack(Arrived(1, 5, 1, "t", b"", retain=False, dup=False))
    assert acked == []
    link.ack(Arrived(2, 6, 1, "t", b"", retain=False, dup=False))
    assert acked == [6]


def test_nothing_more_is_read_while_the_worker_cannot_follow() -> None:
    """The inbox's gate is the link's reading: messages wait at the broker."""
    inbox = Inbox(messages=2)
    _, link = build(inbox)
    link.arrive(1)
    link.arrive(2)
    assert link.reading is False
    taken(inbox)
    assert link.reading is True


def test_what_the_session_will_deliver_again_is_not_kept_twice() -> None:
    """A resumed session redelivers; a lost one does not, and what was read stays in hand."""
    inbox = Inbox()
    _, link = build(inbox)
    link.arrive(1)
    link.on_event(Connected(2, session_present=False))
    assert inbox.take(0) is not None
    link.arrive(2)
    link.on_event(Connected(3, session_present=True))
    assert inbox.take(0) is None


def test_retained_messages_are_marked_and_pubacks_are_no_news() -> None:
    """The broker's copy of an older health document is known as such."""
    inbox = Inbox()
    source, link = build(inbox)
    link.on_event(Published(1, 9))
    link.arrive(1, retain=True)
    assert taken(inbox).retained is True
    with pytest.raises(NotConnected):
        source.publish("t", b"m")
