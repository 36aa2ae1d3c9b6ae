"""The broker of `deploy/`, its users and its ACL: who may say what, and who is not let in at all.

Mosquitto confirms what its ACL forbids and drops it, so what may not pass is proved by what passes after it: one
thread of the broker takes message after message.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import topics
from core.ports.mqtt import Arrived, Connected, Disconnected, LinkEvent, MqttLink, Published, Will
from core.settings import BrokerSettings
from tests.conftest import require
from tests.servers import mosquitto as server
from tests.servers.mosquitto import Mosquitto
from tests.support import certificates
from tests.support.certificates import Authority
from tests.support.deployed import WORKER, DeployedBroker, identity
from tests.support.road import Feeder, Road, assert_balanced, events

A, B = "remiremont", "esternay"
WAIT_S = 10.0


class Talker:
    """One connection under a user, and what came of it."""

    def __init__(self, settings: BrokerSettings, *subscriptions: str, client_id: str, will: Will | None = None) -> None:
        self._events: SimpleQueue[LinkEvent] = SimpleQueue()
        self.link = MqttLink(
            settings,
            client_id=client_id,
            keep_session=False,
            subscriptions=subscriptions,
            on_event=self._events.put,
            will=will,
        )

    def next(self) -> LinkEvent:
        return self._events.get(timeout=WAIT_S)

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish, and see it confirmed: Mosquitto confirms what it drops, too."""
        self.link.publish(topic, payload, retain=retain)
        assert isinstance(self.next(), Published)

    def arrived(self) -> tuple[str, bytes]:
        event = self.next()
        assert isinstance(event, Arrived), event
        self.link.ack(event)
        return event.topic, event.payload


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    require(certificates.find(), certificates.INSTALL_HINT)
    return Authority(tmp_path / "authority")


@pytest.fixture
def broker(tmp_path: Path, authority: Authority) -> Iterator[DeployedBroker]:
    require(server.find(), server.INSTALL_HINT)
    with DeployedBroker(tmp_path / "cloud-broker", edges=(A, B), pair=authority.sign("broker")) as running:
        yield running


@pytest.fixture
def settings(broker: DeployedBroker, authority: Authority) -> Callable[..., BrokerSettings]:
    """Settings of a user who does everything right, but for what a test changes."""

    def of(user: str, **changed: object) -> BrokerSettings:
        port = broker.workers_port if user == WORKER else broker.port
        return BrokerSettings.model_validate({"port": port, **identity(user, authority.ca), **changed})

    return of


@contextmanager
def talking(settings: BrokerSettings, *subscriptions: str, client_id: str = "any") -> Iterator[Talker]:
    """A connection that is up."""
    talker = Talker(settings, *subscriptions, client_id=client_id)
    talker.link.start()
    try:
        assert isinstance(event := talker.next(), Connected), event
        yield talker
    finally:
        talker.link.stop()


def refusal(settings: BrokerSettings) -> str:
    """The code with which a first attempt ends."""
    talker = Talker(settings, client_id="any")
    talker.link.start()
    try:
        event = talker.next()
    finally:
        talker.link.stop()
    assert isinstance(event, Disconnected), event
    return event.fault.code


def test_who_is_not_let_in(
    broker: DeployedBroker, authority: Authority, settings: Callable[..., BrokerSettings], tmp_path: Path
) -> None:
    """Each with its own reason: another name, another authority, nobody, a wrong password, the other's port, no TLS."""
    other = Authority(tmp_path / "other", "another authority")
    assert refusal(settings(A, host="127.0.0.1")) == "tls.name"
    assert refusal(settings(A, tls={"ca": str(other.ca)})) == "tls.authority"
    assert refusal(settings(A, tls={})) == "tls.authority"
    assert refusal(settings(A, tls={"ca": str(tmp_path / "gone.pem")})) == "tls.files"
    assert refusal(settings(A, username="", password="")) == "link.refused"
    assert refusal(settings(A, password="guessed")) == "link.refused"
    assert refusal(settings(A, password="")) == "link.refused"
    assert refusal(settings("nobody")) == "link.refused"
    assert refusal(settings(A, port=broker.workers_port)) == "link.refused"
    assert refusal(settings(WORKER, port=broker.port)) == "link.refused"
    assert refusal(settings(A, tls=None)) in ("link.lost", "link.unreachable")
    assert "New client connected" not in broker.log


def test_an_authority_that_ran_out_is_named(
    broker: DeployedBroker, settings: Callable[..., BrokerSettings], tmp_path: Path
) -> None:
    """It is the file on this side that must be renewed, not the broker's certificate: the sentence says so."""
    late = Authority(tmp_path / "late", "late authority", days=-1)
    broker.present(late.sign("fresh"))
    broker.restart()
    talker = Talker(settings(A, tls={"ca": str(late.ca)}), client_id="any")
    talker.link.start()
    event = talker.next()
    talker.link.stop()
    assert isinstance(event, Disconnected)
    assert event.fault.code == "tls.expired"
    assert event.reason.startswith(f"the authority in {late.ca} (late authority) expired on 20")


def test_the_password_and_the_authority_are_read_at_every_connection(
    authority: Authority, settings: Callable[..., BrokerSettings], tmp_path: Path
) -> None:
    """A secret that is put right on disk is enough: nothing is restarted."""
    secret, ca = tmp_path / "secret", tmp_path / "ca.pem"
    ca.write_bytes(authority.ca.read_bytes())
    who = settings(A, password="", password_file=secret, tls={"ca": ca})
    talker = Talker(who, client_id="any")
    talker.link.start()
    try:
        assert isinstance(event := talker.next(), Disconnected)
        assert (event.fault.code, event.fault.lasting) == ("broker.password", True)
        secret.write_text(f"secret of {A}\n")
        while isinstance(event := talker.next(), Disconnected):
            assert event.fault.code == "broker.password"
        assert isinstance(event, Connected)
    finally:
        talker.link.stop()


def test_an_edge_cannot_publish_as_another(settings: Callable[..., BrokerSettings]) -> None:
    """Of all that one edge says, the worker gets what bears its own name: not its neighbour's `up` or `health`."""
    own, others = [[topics.of_edge(edge, leaf) for leaf in (topics.UP, topics.HEALTH)] for edge in (A, B)]
    answers = [topics.of_edge(edge, topics.RECEIPT) for edge in (A, B)]
    everything = [topics.of_shard(number, leaf) for number in range(16) for leaf in (topics.UP, topics.HEALTH)]
    with talking(settings(WORKER), *everything, client_id="worker-test") as worker:
        for topic in (*others, *answers, "$SYS/broker/log"):
            for retain in (False, True):
                with talking(settings(A)) as edge:  # 2.0.11 hangs up after a publication that it drops
                    edge.publish(topic, b"forged", retain=retain)
        with talking(settings(A)) as edge:
            for topic in own:
                edge.publish(topic, b"true")
        assert [worker.arrived() for _ in own] == [(topic, b"true") for topic in own]
    with talking(settings(WORKER), *everything, client_id="worker-test") as late:
        with talking(settings(B)) as neighbour:
            neighbour.publish(topics.of_edge(B, topics.UP), b"true")
        assert late.arrived() == (topics.of_edge(B, topics.UP), b"true"), "nothing forged was retained"


def test_an_edge_cannot_read_what_is_anothers(settings: Callable[..., BrokerSettings]) -> None:
    """Whatever it subscribes to, it gets its own receipts: not a neighbour's, not what edges say, not the broker's."""
    wanted = [
        topics.of_edge(B, topics.RECEIPT),
        "beffroi/v1/+/+/receipt",
        "beffroi/v1/+/+/up",
        "#",
        "$SYS/#",
        topics.of_edge(A, topics.RECEIPT),
    ]
    with (
        talking(settings(A), *wanted) as spy,
        talking(settings(B), topics.of_edge(B, topics.RECEIPT)) as edge,
        talking(settings(WORKER), client_id="worker-test") as worker,
    ):
        edge.publish(topics.of_edge(B, topics.UP), b"not yours")
        worker.publish(topics.of_edge(B, topics.RECEIPT), b"not yours")
        worker.publish(topics.of_edge(A, topics.RECEIPT), b"yours")
        assert edge.arrived() == (topics.of_edge(B, topics.RECEIPT), b"not yours")
        assert spy.arrived() == (topics.of_edge(A, topics.RECEIPT), b"yours")


def test_an_edge_cannot_end_anothers_session(broker: DeployedBroker, settings: Callable[..., BrokerSettings]) -> None:
    """A client is who its user is: under the name of a neighbour's session, or the worker's, it takes nothing over."""
    receipts = topics.of_edge(B, topics.RECEIPT)
    with (
        talking(settings(B), receipts, client_id=B) as edge,
        talking(settings(WORKER), client_id="beffroi-cloud") as worker,
    ):
        for taken in (B, "beffroi-cloud"):
            with talking(settings(A), client_id=taken):
                pass
        worker.publish(receipts, b"still here")
        assert edge.arrived() == (receipts, b"still here")
    assert "already connected" not in broker.log


def test_a_will_is_published_under_the_same_rules(settings: Callable[..., BrokerSettings]) -> None:
    """What the broker says for an edge that vanishes is what the edge might have said itself."""
    health = [topics.of_edge(edge, topics.HEALTH) for edge in (A, B)]
    with talking(settings(WORKER), *health, client_id="worker-test") as worker:
        for topic in reversed(health):
            gone = Talker(settings(A), client_id="any", will=Will(topic, b"will"))
            gone.link.start()
            assert isinstance(gone.next(), Connected)
            with talking(settings(A)):
                pass  # takes the session over: the broker speaks for the one before
            gone.link.stop()
        assert worker.arrived() == (health[0], b"will")


@given(st.from_regex(topics.SLUG, fullmatch=True))
def test_the_name_of_an_edge_is_never_a_pattern(edge: str) -> None:
    """What the ACL puts in place of %u holds no wildcard and no level of its own; the password file's `:` neither."""
    assert not set(edge) & set("+#/:$")


def test_a_user_who_is_a_wildcard_reads_nothing(
    broker: DeployedBroker, settings: Callable[..., BrokerSettings]
) -> None:
    """Should somebody create such a user all the same, Mosquitto does not let its name match others."""
    broker.add_users("edges", "+", "#")
    broker.restart()
    mine = topics.of_edge(A, topics.RECEIPT)
    for user in ("+", "#"):
        spy = Talker(settings(user), "beffroi/v1/+/+/receipt", client_id="any")
        spy.link.start()
        first = spy.next()  # let in or not, depending on the version
        with talking(settings(WORKER), client_id="worker-test") as worker, talking(settings(A), mine) as edge:
            worker.publish(mine, b"private")
            assert edge.arrived() == (mine, b"private")
        spy.link.stop()
        seen = [first]
        while not spy._events.empty():
            seen.append(spy.next())
        assert not any(isinstance(event, Arrived) for event in seen)


def test_settings_refuse_plain_tcp_to_another_host(tmp_path: Path) -> None:
    """Exit code 78 before anything is sent, and the sentence says what is missing."""
    path = tmp_path / "edge.toml"
    path.write_text(
        f'edge = "{A}"\nfolder = "./edge"\n[source]\napplications = ["7c1f0c52-3c1b-4d57-9a39-2f3f5d9d8a01"]\n'
        f'[broker]\nhost = "broker.example.org"\nusername = "{A}"\n'
    )
    command = [sys.executable, "-m", "beffroi", "edge", "run", "--settings", str(path)]
    environment = {**os.environ, "BEFFROI_EDGE__BROKER__PASSWORD": "x"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=environment)
    assert done.returncode == 78
    assert "[broker.tls] and a username are required" in done.stderr


def test_the_whole_road_over_tls_and_acl(tmp_path: Path, broker: DeployedBroker, authority: Authority) -> None:
    """Two real agents and the real worker, each with its own user: everything is stored, and the balance holds."""

    def who(site: str) -> dict[str, object]:
        return identity(site or WORKER, authority.ca)

    items = events(300, seed=41, sites=(A, B))
    with Mosquitto(tmp_path / "site-broker") as site_broker:
        road = Road(
            tmp_path,
            site_port=site_broker.port,
            cloud_port=broker.workers_port,
            edge_cloud_port=broker.port,
            sites=(A, B),
            identity=who,
        )
        with road.start() as run:
            Feeder(site_broker.port, items).start().wait()
            run.wait_stored(items)
            assert_balanced(run.balance(), at_least=150)
            assert all((run.edge_status(site) or {})["conditions"] == {} for site in (A, B))
