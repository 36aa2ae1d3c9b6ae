"""Exactly one of several workers watches, and another does when it is gone: on a broker and a clock that tests own."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from cloud.claims import FolderClaim
from cloud.mqtt_claim import CLIENT_ID, MqttClaim
from core import topics
from core.errors import NotConnected
from core.ports.mqtt import Arrived, Connected, Disconnected, LinkEvent, LinkFault, Published, Will
from core.settings import BrokerSettings

LOST = LinkFault("link.lost", "the connection was lost")


class Broker:
    """One client of an id; wills; one retained topic. `late_wills`: it says a will after the newcomer's words."""

    def __init__(self) -> None:
        self.clients: dict[str, Link] = {}
        self.retained = b""
        self.late: list[Will] | None = None
        self.up = True
        self.thrown_out = 0

    def connect(self, link: "Link") -> None:
        if not self.up:
            link.tell(Disconnected(link.epoch, LOST))
            return
        old = self.clients.get(link.client_id)
        if old is not None:
            self.thrown_out += 1
            self.drop(old)
        self.clients[link.client_id] = link
        link.connected = True
        link.tell(Connected(link.epoch, False))
        if link.subscriptions and self.retained:
            link.hear(self.retained, retain=True)

    def drop(self, link: "Link", *, properly: bool = False) -> None:
        """A connection ends."""
        self.clients.pop(link.client_id)
        link.connected = False
        if link.will is not None and not properly:
            if self.late is None:
                self.publish(link.will.payload)
            else:
                self.late.append(link.will)
        link.tell(Disconnected(link.epoch, LOST))

    def publish(self, payload: bytes) -> None:
        self.retained = payload
        for link in list(self.clients.values()):
            if link.subscriptions:
                link.hear(payload, retain=False)


class Link:
    """As `MqttLink`; it never connects again by itself."""

    def __init__(
        self,
        broker: Broker,
        *,
        client_id: str,
        subscriptions: list[str],
        on_event: Callable[[LinkEvent], None],
        will: Will | None = None,
        **_other: Any,
    ) -> None:
        self.broker = broker
        self.client_id = client_id
        self.subscriptions = subscriptions
        self.will = will
        self.tell = on_event
        self.connected = False
        self.epoch = 1
        self.count = 0

    def start(self) -> None:
        self.broker.connect(self)

    def stop(self) -> None:
        if self.connected:
            self.broker.drop(self, properly=True)

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> Published:
        assert (topic, retain) == (topics.WATCH, True)
        if not self.connected:
            raise NotConnected("link.down", "no connection")
        self.count += 1
        self.broker.publish(payload)
        self.tell(Published(self.epoch, self.count))
        return Published(self.epoch, self.count)

    def hear(self, payload: bytes, *, retain: bool) -> None:
        self.tell(Arrived(self.epoch, 0, 1, topics.WATCH, payload, retain, False))

    def ack(self, _arrived: Arrived) -> None: ...


class Workers:
    """Some workers, each asked twice a second."""

    def __init__(self, *names: str) -> None:
        self.broker = Broker()
        self.mono_ms = 1_000_000
        self.claims = {name: self.new(name) for name in names}
        self.hung: set[str] = set()
        self.watching: list[str] = []  # who held, at each half second
        self.changes: list[str] = []

    def new(self, name: str) -> MqttClaim:
        def new_link(_settings: BrokerSettings, **options: Any) -> Any:
            return Link(self.broker, **options)

        return MqttClaim(BrokerSettings(), name, new_link=new_link)

    def go_on(self, seconds: float) -> list[str]:
        """Who holds afterwards; at no moment more than one does."""
        holding: list[str] = []
        for _ in range(round(seconds * 2)):
            self.mono_ms += 500
            asked = {name: claim for name, claim in self.claims.items() if name not in self.hung}
            holding = [name for name, claim in asked.items() if claim.is_held(self.mono_ms)]
            assert len(holding) <= 1
            if holding and (not self.changes or self.changes[-1] != holding[0]):
                self.changes.append(holding[0])
        return holding

    def kill(self, name: str) -> None:
        """As kill -9: its connections end, and the broker says its will."""
        del self.claims[name]
        for link in [one for one in self.broker.clients.values() if one.client_id.endswith(name)]:
            self.broker.drop(link)
        if (seat := self.broker.clients.get(CLIENT_ID)) is not None:
            self.broker.drop(seat)


def test_one_alone_takes_it_and_keeps_it() -> None:
    """After it has listened a while; nobody is ever thrown out."""
    workers = Workers("one")
    assert workers.go_on(7) == []
    assert workers.go_on(60) == ["one"]
    assert workers.claims["one"].holder == "one"
    assert workers.broker.retained == b"one"
    assert (workers.changes, workers.broker.thrown_out) == (["one"], 0)


def test_one_that_comes_later_leaves_the_first_alone() -> None:
    """However long; and knows who it is."""
    workers = Workers("one")
    workers.go_on(20)
    workers.claims["two"] = workers.new("two")
    assert workers.go_on(600) == ["one"]
    assert workers.claims["two"].holder == "one"
    assert workers.broker.thrown_out == 0


def test_two_at_once_settle_on_one_without_a_fight() -> None:
    """The broker throws one out, once; that one waits, and then listens."""
    workers = Workers("one", "two")
    (holder,) = workers.go_on(30)
    assert workers.broker.thrown_out == 1
    assert workers.go_on(600) == [holder]
    assert workers.changes == [holder]
    assert workers.broker.thrown_out == 1


def test_two_at_once_where_the_broker_says_the_will_late() -> None:
    """The loser's will clears the winner's word: it says it again before anybody believes that nobody holds."""
    workers = Workers("one", "two")
    workers.broker.late = []
    (holder,) = workers.go_on(20)
    for will in workers.broker.late:
        workers.broker.publish(will.payload)
    workers.claims["three"] = workers.new("three")
    assert workers.go_on(300) == [holder]
    assert workers.broker.thrown_out == 1


def test_the_other_takes_over_when_the_first_is_killed() -> None:
    """Within some seconds: the broker says its will. It is a term of its own."""
    workers = Workers("one")
    workers.go_on(20)
    workers.claims["two"] = workers.new("two")
    workers.go_on(20)
    assert workers.claims["two"].term == 0
    workers.kill("one")
    assert workers.go_on(12) == ["two"]
    assert workers.claims["two"].term == 1
    assert workers.changes == ["one", "two"]


def test_one_that_stops_gives_it_up() -> None:
    """The word is cleared as it goes."""
    workers = Workers("one")
    workers.go_on(20)
    workers.claims["two"] = workers.new("two")
    workers.go_on(5)
    workers.claims.pop("one").release()
    assert workers.broker.retained == b""
    assert workers.go_on(12) == ["two"]


def test_one_that_hangs_is_replaced_and_does_not_come_back_to_fight() -> None:
    """After a minute without a word. When it goes on it does not hold, and leaves the other alone."""
    workers = Workers("one")
    workers.go_on(20)
    workers.claims["two"] = workers.new("two")
    workers.go_on(5)
    workers.hung.add("one")
    assert workers.go_on(50) == []
    assert workers.go_on(30) == ["two"]
    workers.hung.clear()
    assert workers.go_on(300) == ["two"]
    assert workers.broker.thrown_out == 1


def test_one_whose_worker_was_busy_for_a_while_goes_on_in_its_term() -> None:
    """Half a minute in which nobody else could have taken it: what it knew still holds."""
    workers = Workers("one")
    workers.go_on(20)
    workers.hung.add("one")
    workers.go_on(30)
    workers.hung.clear()
    assert workers.claims["one"].is_held(workers.mono_ms) is False, "the last word is too old"
    assert workers.go_on(2) == ["one"]
    assert workers.claims["one"].term == 1


def test_a_broker_that_dies_takes_its_holder_along() -> None:
    """Nobody holds while it is away; what it retained of one that is gone is believed for a minute."""
    workers = Workers("one", "two")
    (holder,) = workers.go_on(30)
    other = ({"one", "two"} - {holder}).pop()
    broker = workers.broker
    broker.up, broker.late = False, []
    for link in list(broker.clients.values()):
        broker.drop(link)
    assert workers.go_on(40) == []
    broker.up = True
    del workers.claims[holder]
    workers.claims[other] = workers.new(other)
    assert workers.go_on(50) == []
    assert workers.go_on(30) == [other]


def test_a_folder_is_one_workers_until_it_is_gone(tmp_path: Path) -> None:
    """An embedded store's lock."""
    first, second = FolderClaim(tmp_path, "one"), FolderClaim(tmp_path, "two")
    assert first.is_held(0)
    assert first.holder == "one"
    assert not second.is_held(0)
    first.release()
    assert not second.is_held(500), "it asks once a second"
    assert second.is_held(1000)
    second.release()


def test_a_folder_that_cannot_be_locked_is_nobodys(tmp_path: Path) -> None:
    """Until it can."""
    folder = tmp_path / "store"
    folder.write_text("no folder")
    claim = FolderClaim(folder, "one")
    assert not claim.is_held(0)
    folder.unlink()
    assert claim.is_held(1000)
    claim.release()
