"""Whether the watch runs, from its heartbeats."""

from cloud.page.pulse import OLD_MS, STILL_MS, Pulses, Watch
from cloud.stores.base import Point
from tests.unit.page.page_facts import NOON_MS


def beat(at_ms: int, kind: str = "watch") -> Point:
    return Point("heartbeat", {"kind": kind}, at_ms * 1000, {"pass_ms": 4.0})


def test_a_young_heartbeat_is_a_watch_that_runs() -> None:
    """Each pass writes one into every tenant's database."""
    pulses = Pulses()
    pulses.hear({"ccpvm": [beat(NOON_MS)]}, mono_ms=0)
    watch = pulses.at(NOON_MS + OLD_MS, mono_ms=0)
    assert (watch.is_awake, watch.stopped_ms) == (True, None)
    watch = pulses.at(NOON_MS + OLD_MS + 1, mono_ms=0)
    assert (watch.is_awake, watch.stopped_ms) == (False, NOON_MS)


def test_before_the_first_heartbeat_nobody_watches() -> None:
    """That is no watch that stopped: there is no since when."""
    assert (Watch().is_awake, Watch().stopped_ms) == (False, None)
    pulses = Pulses()
    pulses.hear({"ccpvm": [], "esternay": [beat(NOON_MS, "other")]}, mono_ms=0)
    watch = pulses.at(NOON_MS, mono_ms=0)
    assert (watch.is_awake, watch.awake, watch.stopped_ms) == (False, frozenset(), None)


def test_one_tenant_that_is_not_watched_is_told_apart() -> None:
    """Its database may refuse what the others take."""
    pulses = Pulses()
    pulses.hear({"ccpvm": [beat(NOON_MS)], "esternay": [beat(NOON_MS - 2 * OLD_MS)]}, mono_ms=0)
    watch = pulses.at(NOON_MS, mono_ms=0)
    assert watch.awake == {"ccpvm"}
    assert not watch.is_awake
    assert watch.stopped_ms == NOON_MS - 2 * OLD_MS


def test_a_heartbeat_that_goes_on_is_no_old_one_however_fast_the_scenario_is() -> None:
    """A day a minute: a pass every two seconds is a heartbeat every 48 minutes, until it comes no more."""
    pulses = Pulses()
    pulses.hear({}, mono_ms=0)  # there is no database yet
    pulses.hear({"ccpvm": [beat(NOON_MS)]}, mono_ms=0)
    assert pulses.at(NOON_MS + 40 * 60_000, mono_ms=1_500).is_awake
    for step in range(5):
        pulses.hear({"ccpvm": [beat(NOON_MS + step * 48 * 60_000)]}, mono_ms=step * 2_000)
    last_ms, mono_ms = NOON_MS + 4 * 48 * 60_000, 4 * 2_000
    assert pulses.at(last_ms + 40 * 60_000, mono_ms=mono_ms + 1_500).is_awake
    assert pulses.at(last_ms + 40 * 60_000, mono_ms=mono_ms + STILL_MS).is_awake
    assert not pulses.at(last_ms + 40 * 60_000, mono_ms=mono_ms + STILL_MS + 1).is_awake
