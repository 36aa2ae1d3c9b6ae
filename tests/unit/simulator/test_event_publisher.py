"""Publishing over a link that comes and goes: bounded, in order, nothing forgotten before its PUBACK."""

from core.errors import NotConnected
from core.ports.mqtt import Arrived, Connected, Disconnected, LinkFault, Published
from simulator.network import Event, Kind
from simulator.publisher import Publisher


class FakeLink:
    """A connection whose broker confirms when told to."""

    def __init__(self) -> None:
        self.epoch = 0
        self.up = False
        self.sent: list[tuple[int, str]] = []

    def publish(self, topic: str, payload: bytes) -> Published:
        if not self.up:
            raise NotConnected("link.down", "no connection")
        self.sent.append((self.epoch, topic))
        return Published(self.epoch, len(self.sent))

    def connect(self, publisher: Publisher) -> None:
        self.epoch, self.up = self.epoch + 1, True
        publisher.note(Connected(self.epoch, session_present=False))

    def drop(self, publisher: Publisher) -> None:
        self.up = False
        publisher.note(Disconnected(self.epoch, LinkFault("link.lost", "gone")))


def event(number: int) -> Event:
    return Event(
        at_ms=number,
        topic=f"t/{number}",
        payload=b"{}",
        kind=Kind.UP,
        edge="esternay",
        dev_eui="0" * 16,
        key=str(number),
    )


def test_nothing_is_taken_before_there_is_a_connection() -> None:
    """An offer is refused, and can be made again."""
    link = FakeLink()
    publisher = Publisher(link)
    assert not publisher.offer(event(1))
    link.connect(publisher)
    assert publisher.offer(event(1))
    assert publisher.unacknowledged == 1


def test_the_window_is_what_the_broker_has_not_confirmed() -> None:
    """Full after so many; one PUBACK makes room for one."""
    link = FakeLink()
    publisher = Publisher(link, window=3)
    link.connect(publisher)
    assert [publisher.offer(event(number)) for number in range(5)] == [True, True, True, False, False]
    publisher.note(Published(1, 2))
    assert publisher.offer(event(3))
    assert not publisher.offer(event(4))


def test_after_a_reconnect_what_was_not_confirmed_goes_first_and_in_order() -> None:
    """1 and 3 were not confirmed: they are sent again before 4."""
    link = FakeLink()
    publisher = Publisher(link)
    link.connect(publisher)
    for number in (1, 2, 3):
        publisher.offer(event(number))
    publisher.note(Published(1, 2))
    link.drop(publisher)
    assert not publisher.offer(event(4))
    link.connect(publisher)
    assert publisher.offer(event(4))
    assert [topic for epoch, topic in link.sent if epoch == 2] == ["t/1", "t/3", "t/4"]
    assert publisher.unacknowledged == 3


def test_a_link_that_drops_while_sending_again_keeps_the_order() -> None:
    """Nothing is forgotten and nothing overtakes, however often it drops."""
    link = FakeLink()
    publisher = Publisher(link, window=2)
    link.connect(publisher)
    publisher.offer(event(1))
    publisher.offer(event(2))
    link.drop(publisher)
    link.connect(publisher)
    publisher.note(Published(2, 3))  # event 1 at last
    link.up = False  # it is gone, and has not said so yet
    assert not publisher.offer(event(3))
    link.drop(publisher)
    link.connect(publisher)
    assert publisher.offer(event(3))
    assert [topic for epoch, topic in link.sent if epoch == 3] == ["t/2", "t/3"]


def test_a_late_puback_of_another_connection_confirms_nothing() -> None:
    """Packet ids are reused: the epoch tells them apart."""
    link = FakeLink()
    publisher = Publisher(link)
    link.connect(publisher)
    publisher.offer(event(1))
    link.drop(publisher)
    link.connect(publisher)
    publisher.note(Published(1, 1))
    assert publisher.unacknowledged == 1
    publisher.note(Arrived(2, 9, 1, "t", b"", retain=False, dup=False))
    assert publisher.unacknowledged == 1
