from cloud.backpressure import Pause, Refusals
from core.errors import StorageError

FULL = StorageError("store.full", "ccpvm.sqlite: database or disk is full")


def test_a_refusing_database_is_asked_again_at_growing_intervals() -> None:
    """1 s, 2 s, 4 s … at most a minute; between two tries its rows are deferred with the reason."""
    refusals = Refusals(first_ms=1000, longest_ms=60_000)
    now = 0
    waits = []
    for _ in range(8):
        refusals.refused("ccpvm", FULL, mono_ms=now)
        start = now
        while refusals.reason("ccpvm", mono_ms=now) == "store.full":
            now += 500
        waits.append(now - start)
    assert waits == [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]


def test_neighbours_of_a_refusing_database_are_asked_as_ever() -> None:
    """One tenant's trouble is its own."""
    refusals = Refusals()
    refusals.refused("ccpvm", FULL, mono_ms=0)
    assert refusals.reason("belleville", mono_ms=0) is None
    assert refusals.refusing() == ["ccpvm"]


def test_a_refusal_ends_once() -> None:
    """The first success after a refusal ends the alarm; the next is nothing new."""
    refusals = Refusals()
    assert refusals.accepted("ccpvm") is False
    refusals.refused("ccpvm", FULL, mono_ms=0)
    assert refusals.accepted("ccpvm") is True
    assert refusals.accepted("ccpvm") is False
    assert refusals.refusing() == []


def test_a_pause_starts_short_again_after_a_success() -> None:
    """Yesterday's trouble does not lengthen today's wait."""
    pause = Pause(first_ms=500)
    for _ in range(5):
        pause.lengthen("store.down", mono_ms=0)
    pause.end()
    assert pause.is_over(0)
    pause.lengthen("store.down", mono_ms=1000)
    assert [pause.is_over(1499), pause.is_over(1500)] == [False, True]
