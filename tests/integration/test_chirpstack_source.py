"""edge.sources.chirpstack on a real Mosquitto: nothing is forgotten before it was acknowledged, nothing after."""

import queue
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import paho.mqtt.publish as publisher
import pytest

from core.model import Unreadable, Uplink
from core.ports.clock import open_clock
from core.settings import BrokerSettings, ClockSettings
from edge.sources.base import SourceEvent
from edge.sources.chirpstack import ChirpStackSource
from tests.servers.mosquitto import Mosquitto
from tests.support.recorded import Recorded, all_events, first, json_events
from tests.support.waiting import wait_for

UPS = json_events("up")
OURS = UPS[0].application
THEIRS = next(one.application for one in UPS if one.application != OURS)


WINDOW = 3


@pytest.fixture
def narrow(mosquitto: Mosquitto, tmp_path: Path) -> Iterator[Mosquitto]:
    """A broker that delivers no more than three events before one is acknowledged: what it delivers next proves what
    it knows to be acknowledged."""
    assert mosquitto.pid
    with Mosquitto(tmp_path / "narrow", lines=[f"max_inflight_messages {WINDOW}"]) as broker:
        yield broker


def _publish(broker: Mosquitto, events: Sequence[Recorded], *, qos: int = 1) -> None:
    """As the network server would; returns when the broker has them."""
    publisher.multiple(
        [{"topic": one.topic, "payload": one.body, "qos": qos} for one in events],
        hostname="127.0.0.1",
        port=broker.port,
    )


class _Edge:
    """A source, and what it delivered."""

    def __init__(self, source: Callable[[Callable[[SourceEvent], None]], ChirpStackSource]) -> None:
        self.delivered: queue.Queue[SourceEvent] = queue.Queue()
        self.source = source(self.delivered.put)

    def take(self, count: int) -> list[SourceEvent]:
        return [self.delivered.get(timeout=20) for _ in range(count)]


@contextmanager
def _edge(broker: Mosquitto, applications: Sequence[str] = (OURS,), edge: str = "saint-ame") -> Iterator[_Edge]:
    """A connected source; at the end it disconnects and its session stays."""
    agent = _Edge(
        lambda on_event: ChirpStackSource(
            BrokerSettings(port=broker.port),
            edge=edge,
            applications=applications,
            clock=open_clock(ClockSettings(sync="assume")),
            on_event=on_event,
            retry_max_s=1.0,
        )
    )
    agent.source.start()
    try:
        wait_for("the source is connected", lambda: agent.source.connected)
        yield agent
    finally:
        agent.source.stop()


def _ours(count: int) -> list[Recorded]:
    return [one for one in UPS if one.application == OURS][:count]


def _keys(events: Sequence[SourceEvent]) -> list[str]:
    return [event.row.key for event in events]


def _subscribed(broker: Mosquitto, applications: Sequence[str] = (OURS,)) -> None:
    """Connect once, so that the broker has the session."""
    with _edge(broker, applications) as agent:
        _publish(broker, [one for one in UPS if one.application in applications][-1:])
        agent.take(1)[0].ack()


def test_every_recorded_event_comes_through(mosquitto: Mosquitto) -> None:
    """All 137 messages of all cases, JSON and binary, published as they are."""
    applications = sorted({one.application for one in all_events()})
    with _edge(mosquitto, applications) as agent:
        _publish(mosquitto, all_events())
        delivered = agent.take(len(all_events()))
        for event in delivered:
            event.ack()
    assert len(set(_keys(delivered))) == len(delivered)
    assert sum(isinstance(event.row, Unreadable) for event in delivered) == sum(one.binary for one in all_events())


def test_what_was_not_acknowledged_comes_again_to_the_next_agent(narrow: Mosquitto) -> None:
    """Of five events two are acknowledged, and the agent ends: the next one gets the other three, the same rows in
    the same order, and no more."""
    with _edge(narrow) as agent:
        _publish(narrow, _ours(5))
        before = agent.take(3)
        before[0].ack()
        before[1].ack()
        before += agent.take(2)  # the window moved: the broker has both acknowledgements
    with _edge(narrow) as agent:
        again = agent.take(3)
        assert [event.row for event in again] == [event.row for event in before[2:]]
        for event in again:
            event.ack()
        _publish(narrow, _ours(6)[5:])
        (fresh,) = agent.take(1)
        assert fresh.row.key not in _keys(before)


def test_an_acknowledgement_of_a_lost_connection_goes_nowhere(mosquitto: Mosquitto) -> None:
    """The broker restarts under the same agent. The old acknowledgements confirm nothing: the events stay at the
    broker until those of the new connection come."""
    with _edge(mosquitto) as agent:
        _publish(mosquitto, _ours(3))
        old = agent.take(3)
        mosquitto.restart()
        new = agent.take(3)
        assert _keys(new) == _keys(old)
        for event in old:
            event.ack()
    with _edge(mosquitto) as agent:
        still = agent.take(3)
        assert _keys(still) == _keys(old)


def test_what_comes_while_the_agent_is_away_waits_for_it(mosquitto: Mosquitto) -> None:
    """The session outlives the agent."""
    _subscribed(mosquitto)
    _publish(mosquitto, _ours(20))
    with _edge(mosquitto) as agent:
        waited = agent.take(20)
        assert [row.f_cnt for event in waited if isinstance(row := event.row, Uplink)] == [
            one.json["fCnt"] for one in _ours(20)
        ]


def test_only_the_sites_own_applications_are_heard(mosquitto: Mosquitto) -> None:
    """An event of another application is not delivered."""
    with _edge(mosquitto, [OURS]) as agent:
        _publish(mosquitto, [one for one in UPS if one.application == THEIRS][:3] + _ours(1))
        (only,) = agent.take(1)
    assert isinstance(only.row, Uplink)
    assert only.row.application == OURS


def test_an_application_that_moved_to_another_site_is_left_to_it(narrow: Mosquitto) -> None:
    """The session still has the subscription of earlier settings: its events are acknowledged, not delivered, or they
    would fill the window for ever."""
    _subscribed(narrow, [OURS, THEIRS])
    with _edge(narrow, [OURS]) as agent:
        _publish(narrow, [one for one in UPS if one.application == THEIRS][:WINDOW] + _ours(1))
        (only,) = agent.take(1)
    assert isinstance(only.row, Uplink)
    assert only.row.application == OURS


def test_an_event_without_guarantee_is_delivered_all_the_same(mosquitto: Mosquitto) -> None:
    """ChirpStack's default is QoS 0: there is nothing to acknowledge, and nothing breaks."""
    with _edge(mosquitto) as agent:
        _publish(mosquitto, [first("up-two-gateways")], qos=0)
        (event,) = agent.take(1)
        event.ack()
    assert isinstance(event.row, Uplink)
