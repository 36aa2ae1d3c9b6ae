"""The loop: passes, heartbeats, what is written when, and what a store, a claim or a fault in a verdict does to it."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from cloud.dirty import HOUR_MS
from cloud.stores.base import Point
from cloud.watch.alarms.road import worker_finding
from cloud.watch.detectors.silence import Silence
from cloud.watch.model import About, Finding, Judgement, Severity, Watched
from core.errors import NotConnected, StorageError
from core.territory import OPERATOR
from tests.support.watch_tower import OTHER, TENANT, Tower, with_other_tenant
from tests.support.watched_town import at, life, town, uplink

MINUTE_MS = 60_000
START_MS = at("2026-05-12 09:00")


def tower(bins: int = 3, *, hours: int = 30, until_ms: int = START_MS, other: bool = False) -> Tower:
    """Bins that were heard each hour until some instant."""
    territory = town(bins=bins)
    made = Tower(with_other_tenant(territory) if other else territory, START_MS)
    for number in range(bins):
        made.store.write(TENANT, life(f"bin-{number}", START_MS - hours * HOUR_MS + number, until_ms))
    return made


def test_a_pass_writes_states_and_a_heartbeat_everywhere() -> None:
    """States of every asset; heartbeats into each tenant's database and the operator's, every half minute."""
    watched = tower(other=True)
    watched.live(121)
    assert watched.states("bin-0")["silence"] == "heard"
    for database in (TENANT, OTHER, OPERATOR):
        beats = watched.beats(database)
        assert 4 <= len(beats) <= 6
        assert beats[-1] - beats[-2] >= 30_000
    (beat,) = watched.store.series(OPERATOR, "heartbeat", start_us=watched.beats(OPERATOR)[-1] * 1000, end_us=2**62)
    assert beat.fields["assets"] == 3
    assert beat.fields["findings"] == 0
    assert isinstance(beat.fields["pass_ms"], float)
    assert watched.desk.kinds == set()


def test_a_state_is_written_when_it_changes_and_not_again_after_a_restart() -> None:
    """What the store has already is not written a second time."""
    watched = tower()
    watched.live(60)
    before = watched.store.count(TENANT, "state")
    assert before
    watched.live(120)
    watched.new_watch()
    watched.live(120)
    assert watched.store.count(TENANT, "state") == before


def test_a_silence_is_found_and_cleared_by_what_comes_late() -> None:
    """One that stops is late, then silent, and an alarm; its uplinks come after all, hours late: it never was."""
    watched = tower()
    watched.clock.speed = 60.0
    for _ in range(12):
        for number in (1, 2):
            now_ms = watched.clock.now_ms()
            watched.store_points([uplink(f"bin-{number}", now_ms, 500 + now_ms // HOUR_MS % 400)])
        watched.live(60)
    assert watched.states("bin-0")["silence"] == "silent"
    assert watched.desk.kinds == {("silence.device", "bin-0")}
    watched.store_points(life("bin-0", START_MS, watched.clock.now_ms(), f_cnt=30))
    watched.live(30)
    assert watched.states("bin-0")["silence"] == "heard"
    assert watched.desk.kinds == set()


def test_the_past_is_read_before_anything_is_judged() -> None:
    """A watch that has just begun does not take for silent what it has not read; what was found before still holds."""
    watched = tower()
    held = Finding("silence.device", Severity.WARNING, TENANT, "88383", About.ASSET, "bin-9", START_MS - 1)
    watched.held = [held]
    watched.watch.turn()
    assert watched.desk.looks[-1] == {held.key: held}
    assert watched.store.count(TENANT, "state") == 0
    assert watched.watch.status()["preparing"] == [TENANT]
    watched.live(90)
    assert watched.desk.kinds == set()
    assert watched.watch.status()["preparing"] == []


def test_one_that_was_silent_for_weeks_is_known_to_be_after_a_restart() -> None:
    """Its last words are older than all that is read of the past: they are read all the same."""
    watched = tower()
    watched.store.write(TENANT, life("bin-0", START_MS - 900 * HOUR_MS, START_MS - 700 * HOUR_MS))
    watched.territory = town(bins=1)
    watched.store.delete_range(
        TENANT, "uplink", start_us=(START_MS - 600 * HOUR_MS) * 1000, end_us=2**62, where={"asset": "bin-0"}
    )
    watched.live(90)
    ((key, finding),) = watched.desk.looks[-1].items()
    assert (key.kind, finding.since_ms) == ("silence.device", START_MS - 701 * HOUR_MS)


def test_a_database_that_refuses_holds_up_only_itself() -> None:
    """Its heartbeat stops, what was found in it last holds on; the others go on; and it comes back by itself."""
    watched = tower(other=True, until_ms=START_MS - 20 * HOUR_MS)
    watched.live(60)
    found = watched.desk.kinds
    assert found, "they were silent for 20 hours"

    def refuse(_call: str, database: str) -> None:
        if database == TENANT:
            raise StorageError("store.full", "no room left")

    watched.store.before = refuse
    watched.live(300)
    watched.store.before = lambda _call, _database: None
    stopped_ms = watched.beats(TENANT)[-1]
    assert watched.clock.now_ms() - stopped_ms > 240_000
    assert watched.clock.now_ms() - watched.beats(OTHER)[-1] < 40_000
    assert watched.desk.kinds == found
    assert watched.watch.status()["failing"] == {TENANT: "no room left"}
    watched.live(180)
    assert watched.clock.now_ms() - watched.beats(TENANT)[-1] < 40_000
    assert watched.watch.status()["failing"] == {}


def test_a_store_that_is_away_is_told_and_waited_for() -> None:
    """People hear of it through the desk, with all that held; passes go on when it is back."""
    watched = tower()
    watched.live(60)
    passes = watched.watch.status()["passes"]

    def away(_call: str, _database: str) -> None:
        raise NotConnected("store.silent", "it does not answer")

    watched.store.before = away
    watched.conditions = [worker_finding(_Condition())]
    watched.live(200, health=False)
    assert watched.desk.kinds == {("road.store.down", "worker")}
    assert watched.watch.status()["passes"] == passes
    assert watched.watch.status()["store_away"] == "store.silent"
    watched.store.before = lambda _call, _database: None
    watched.conditions = []
    watched.live(60)
    assert watched.watch.status()["passes"] > passes
    assert "store_away" not in watched.watch.status()
    assert watched.desk.kinds == set()


class _Condition:
    code, message, hint, site, tenant, since_ms = "store.down", "it is away", "", "", "", START_MS


def test_alarms_that_cannot_be_kept_stop_no_pass() -> None:
    """Their journal refuses: states and rollups go on, the heartbeat stays out, and no failure is told."""
    watched = tower()

    def refuse(*_told: Any) -> list[tuple[str, Point]]:
        raise StorageError("watch.disk_full", "no room")

    look, watched.desk.look = watched.desk.look, refuse  # type: ignore[method-assign]
    watched.live(60)
    assert watched.beats(TENANT) == []
    assert watched.failures == []
    watched.desk.look = look  # type: ignore[method-assign]
    watched.live(60)
    assert watched.beats(TENANT)


def test_who_does_not_hold_the_claim_neither_reads_nor_writes() -> None:
    """And begins anew when it is taken in another term: another may have watched in between."""
    watched = tower()
    watched.claim.held = False
    calls: list[str] = []
    watched.store.before = lambda call, _database: calls.append(call)
    watched.live(60, health=False)
    assert calls == []
    watched.claim.held = True
    watched.live(60)
    assert watched.watch.status()["passes"] > 0
    watched.claim.held = False
    watched.live(5, health=False)
    assert not watched.watch.status()["watching"]
    watched.claim.held = True
    calls.clear()
    watched.live(2, health=False)
    assert "latest" not in calls, "nothing of the past is read again in the same term"
    watched.claim.term = 2
    watched.live(2, health=False)
    assert "latest" in calls


def test_a_claim_that_is_lost_in_the_middle_of_a_pass_writes_nothing_more() -> None:
    """It is asked between two pieces."""
    watched = tower()
    watched.live(60)
    before = watched.store.count(OPERATOR, "heartbeat")
    look = watched.desk.look

    def lose(*told: Any) -> list[tuple[str, Point]]:
        watched.claim.held = False
        return look(*told)

    watched.desk.look = lose  # type: ignore[method-assign]
    watched.live(60)
    assert watched.store.count(OPERATOR, "heartbeat") == before


def test_alarms_are_written_where_they_belong_and_given_again_until_then() -> None:
    """The points of the desk: once in the store, it is told so."""
    watched = tower()
    alarm = Point("alarm", {"kind": "silence.device", "asset": "bin-0"}, START_MS * 1000, {"active": True})
    watched.desk.points = [(TENANT, alarm), (OPERATOR, alarm)]
    watched.live(60)
    assert watched.desk.points == []
    assert watched.store.count(TENANT, "alarm") == watched.store.count(OPERATOR, "alarm") == 1


def test_a_verdict_that_fails_as_nobody_foresaw_ends_neither_the_watch_nor_the_worker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An alarm says so, the heartbeat stays out, and a minute later it is tried again."""
    watched = tower()

    def fail(_self: Silence, _seen: Sequence[Any], _watched: Watched, _now_ms: int) -> Judgement:
        raise ZeroDivisionError("division by zero")

    waits: list[float] = []

    class Stopping(threading.Event):
        """Time passes where the thread would wait."""

        def wait(self, timeout: float | None = None) -> bool:
            waits.append(timeout or 0.0)
            watched.clock.advance(max(timeout or 0.0, 0.05))
            if len(waits) == 40:
                monkeypatch.undo()
            return len(waits) > 100

    monkeypatch.setattr(Silence, "judge", fail)
    watched.watch.run(Stopping())
    assert watched.failures[0] == "ZeroDivisionError: division by zero"
    assert 60.0 in waits
    assert watched.failures[-1] is None
    assert watched.beats(TENANT)
    assert watched.claim.released


def test_another_territory_is_taken_over() -> None:
    """New assets are watched at once, what is known of the others is kept; other tenants are a round of their own."""
    watched = tower(bins=2)
    watched.live(60)
    watched.territory = replace(town(bins=3), digest="more")
    watched.live(40)
    assert watched.watch.status()["assets"] == 3
    watched.territory = with_other_tenant(watched.territory)
    watched.live(90)
    assert watched.beats(OTHER)


def test_a_sensor_that_is_assigned_later_takes_its_place_when_the_time_comes() -> None:
    """Not before the next reload of the files: at that instant."""
    territory = town(bins=1)
    (one,) = territory.assignments
    soon_ms = START_MS + 2 * MINUTE_MS
    later = replace(territory, assignments=(msgspec.structs.replace(one, end_ms=soon_ms),))
    watched = Tower(later, START_MS)
    watched.store.write(TENANT, life("bin-0", START_MS - 10 * HOUR_MS, START_MS))
    watched.live(60)
    assert "silence" in watched.states("bin-0")
    assert _device(watched) is not None
    watched.live(120)
    assert _device(watched) is None


def _device(watched: Tower) -> object:
    looking = watched.watch._round
    assert looking is not None
    return looking.tenants[TENANT].watched["bin-0"].device


def test_hours_are_rolled_between_passes_and_never_instead_of_them() -> None:
    """A backlog of a month is worked off while passes go on every half minute."""
    watched = tower(bins=1, hours=24 * 30)
    watched.live(400)
    assert watched.watch.status()["rollups"][TENANT]["hours_behind"] == 0
    hours = watched.store.series(TENANT, "hour", start_us=0, end_us=2**62, where={"asset": "bin-0"})
    assert len(hours) == 24 * 30
    assert sum(
        point.fields["uplinks_count"] for point in hours if isinstance(point.fields["uplinks_count"], float)
    ) == (24 * 30)
    beats = watched.beats(TENANT)
    assert max(later - sooner for sooner, later in pairwise(beats)) < 60_000
    assert len(watched.store.series(TENANT, "day", start_us=0, end_us=2**62, where={"asset": "bin-0"})) == 30


def test_an_hour_is_not_rolled_before_its_readings_had_time_to_come() -> None:
    """Five minutes by the clock, and some seconds of this machine's time, however fast the clock runs."""
    watched = tower(bins=1, hours=2)
    watched.live(60)
    rolled = watched.store.count(TENANT, "hour")
    watched.store_points([uplink("bin-0", START_MS + 1, 77)])
    watched.clock.wall_ms = START_MS + HOUR_MS + 10 * MINUTE_MS
    watched.live(10)
    assert watched.store.count(TENANT, "hour") == rolled
    watched.live(15)
    assert watched.store.count(TENANT, "hour") > rolled


def test_a_clock_that_is_faster_than_life_has_fewer_passes_than_it_asks_for() -> None:
    """By this machine's time there are two a second at most; one that stands still has one each half minute."""
    watched = tower()
    watched.clock.speed = 3600.0
    watched.live(20)
    assert watched.watch.status()["passes"] <= 41
    passes = watched.watch.status()["passes"]
    watched.clock.speed = 0.0
    watched.live(100)
    assert passes + 2 <= watched.watch.status()["passes"] <= passes + 4
