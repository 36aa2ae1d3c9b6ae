"""The edges' accepted totals against what was published."""

import json

from core import topics
from core.model import RowClass
from edge.health import Health, encode, farewell
from simulator.follower import WRITE_OFF_MS, Follower


def say(follower: Follower, edge: str, accepted: dict[str, int], mono_ms: int = 0, **more: object) -> None:
    message = json.dumps({"edge": edge, "accepted": accepted, "duplicates": 3, **more}).encode()
    follower.note_health(topics.of_edge(edge, topics.HEALTH), message, mono_ms=mono_ms)


def publish(follower: Follower, edge: str, count: int) -> None:
    for _ in range(count):
        follower.note_published(edge)


def test_an_edge_that_never_speaks_is_not_followed() -> None:
    """Without any health the broker's PUBACK has to do: nothing waits."""
    follower = Follower(window=10)
    publish(follower, "esternay", 1_000)
    assert not follower.full
    assert not follower.heard("esternay")


def test_the_window_counts_all_edges_together() -> None:
    """Full at the window, free again as soon as one edge has accepted one."""
    follower = Follower(window=10)
    say(follower, "esternay", {"measurement": 100})
    say(follower, "remiremont", {"measurement": 0})
    publish(follower, "esternay", 4)
    publish(follower, "remiremont", 6)
    assert follower.full
    say(follower, "remiremont", {"measurement": 0, "urgent": 1})
    assert follower.missing("remiremont") == 5
    assert not follower.full


def test_what_an_edge_accepts_of_its_own_earns_no_credit() -> None:
    """Its hourly health rows must not let more be published than the window."""
    follower = Follower(window=10)
    say(follower, "esternay", {"measurement": 0})
    publish(follower, "esternay", 5)
    say(follower, "esternay", {"measurement": 5, "diagnostic": 40})
    publish(follower, "esternay", 10)
    assert follower.full


def test_what_a_broker_lost_is_written_off_when_a_speaking_edge_accepts_nothing_more() -> None:
    """A broker restarted empty: the scenario goes on, and the loss is counted."""
    follower = Follower(window=10)
    say(follower, "esternay", {"measurement": 0})
    publish(follower, "esternay", 10)
    say(follower, "esternay", {"measurement": 4}, mono_ms=1_000)
    say(follower, "esternay", {"measurement": 4}, mono_ms=1_000 + WRITE_OFF_MS - 1)
    assert follower.missing("esternay") == 6
    say(follower, "esternay", {"measurement": 4}, mono_ms=1_000 + WRITE_OFF_MS)
    assert follower.missing("esternay") == 0
    assert follower.written_off == {"esternay": 6}


def test_an_edge_that_is_silent_is_waited_for() -> None:
    """A killed edge says nothing: however long, nothing is written off."""
    follower = Follower(window=10)
    say(follower, "esternay", {"measurement": 0})
    publish(follower, "esternay", 10)
    follower.note_health(topics.of_edge("esternay", topics.HEALTH), b'{"state":"gone"}', mono_ms=10**9)
    assert follower.full


def test_an_edge_that_cannot_accept_is_waited_for() -> None:
    """Cut from its source, or with a full disk: it will accept later, nothing is written off."""
    follower = Follower(window=10)
    say(follower, "esternay", {"measurement": 0})
    publish(follower, "esternay", 10)
    for at, ill in enumerate([{"source_connected": False}, {"conditions": {"spool": "spool.full"}}] * 3):
        say(follower, "esternay", {"measurement": 0}, mono_ms=at * WRITE_OFF_MS, **ill)
    assert follower.full


def test_an_edge_is_heard_when_it_has_reached_its_source() -> None:
    """Before, what is published would not come to it: its session does not exist yet."""
    follower = Follower()
    say(follower, "esternay", {"measurement": 0}, source_connected=False)
    assert not follower.heard("esternay")
    say(follower, "esternay", {"measurement": 0}, source_connected=True)
    assert follower.heard("esternay")


def test_the_follower_reads_the_edges_own_document() -> None:
    """What `edge.health` writes is understood, with and without a last will."""
    health = Health(
        edge="esternay",
        boot="b",
        spool_id="s",
        software="0.1.0",
        at_ms=0,
        uptime_s=1.0,
        clock="synced",
        accepted={RowClass.URGENT: 1, RowClass.MEASUREMENT: 5, RowClass.DIAGNOSTIC: 2},
        stored={},
        quarantined={},
        evicted={},
        corrupt={},
        spooled=0,
        open_rows=0,
        source_accepted=8,
        duplicates=0,
        source_connected=True,
        messages=0,
        window=32,
        deferred=0,
        held=0,
        rss_bytes=0,
        conditions={},
    )
    follower = Follower(window=10)
    say(follower, "esternay", {"measurement": 0})
    publish(follower, "esternay", 10)
    follower.note_health(topics.of_edge("esternay", topics.HEALTH), farewell("esternay", boot="b"), mono_ms=0)
    assert follower.missing("esternay") == 10
    follower.note_health(topics.of_edge("esternay", topics.HEALTH), encode(health), mono_ms=0)
    assert follower.missing("esternay") == 2


def test_what_the_store_may_not_have_is_counted_over_all_edges() -> None:
    """As each edge said last: the fill waits for it."""
    follower = Follower()
    say(follower, "esternay", {"measurement": 9}, spooled=5)
    say(follower, "remiremont", {"measurement": 9}, spooled=3)
    assert follower.spooled == 8
    say(follower, "esternay", {"measurement": 9}, spooled=0)
    assert follower.spooled == 3


def test_a_new_spool_folder_starts_over() -> None:
    """Totals that go down are another folder's: what was published so far is behind us."""
    follower = Follower(window=10)
    say(follower, "esternay", {"measurement": 500})
    publish(follower, "esternay", 10)
    say(follower, "esternay", {"measurement": 2})
    assert follower.missing("esternay") == 0


def test_what_is_not_a_health_changes_nothing() -> None:
    """Garbage, another leaf, a foreign topic and another shape are all ignored."""
    follower = Follower()
    for topic, message in (
        (topics.of_edge("esternay", topics.HEALTH), b"\xff\xfe"),
        (topics.of_edge("esternay", topics.HEALTH), b'{"accepted":[1]}'),
        (topics.of_edge("esternay", topics.RECEIPT), b'{"accepted":{"urgent":1}}'),
        ("application/1/device/2/event/up", b'{"accepted":{"urgent":1}}'),
    ):
        follower.note_health(topic, message, mono_ms=0)
    assert not follower.heard("esternay")
