"""Silence under any order of late, double and missing uplinks: the verdict of what was told, one for each matter."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from cloud.stores.base import Point
from cloud.watch.detectors import silence
from cloud.watch.detectors.silence import Silence
from cloud.watch.groups import CIRCUIT, Groups
from cloud.watch.heard import Heard
from cloud.watch.model import Finding, FindingKey, State
from cloud.watch.sites import KIND as SITE
from cloud.watch.sites import Sites
from cloud.watch.watchman import Watchman
from core.territory import Territory
from tests.support.watched_town import EXTINCTION, G1, G2, HOUR_MS, MINUTE_MS, SITE_ID, at, town, uplink

START_MS = at("2026-11-10 12:00")
LONG_MS = 30 * HOUR_MS
TOWN = town({"c1": 3, "c2": 3}, bins=2, switched=["c2"], programme=EXTINCTION)
ASSETS = [f"{circuit}-lamp-{number}" for circuit in ("c1", "c2") for number in range(3)] + ["bin-0", "bin-1"]

Findings = Mapping[FindingKey, Finding]


class Tower:
    """The silence watch."""

    def __init__(self, territory: Territory = TOWN) -> None:
        self.detector = Silence()
        self.watchman = Watchman(territory, [self.detector], now_ms=START_MS)
        self.sites = Sites(territory)
        self.groups = Groups(territory, self.detector)
        self.states: dict[str, State] = {}

    def look(self, now_ms: int) -> Findings:
        sight = self.watchman.look(now_ms)
        self.states.update({change.watched.id: change.state for change in sight.changes})
        return self.groups.fold(sight.findings, self.watchman, self.sites, now_ms)

    def words(self) -> dict[str, float | str]:
        return {asset: state.value for asset, state in self.states.items()}


@dataclass(frozen=True)
class Out:
    """From a time to another an asset says nothing."""

    assets: tuple[str, ...]
    start_ms: int
    end_ms: int


times = st.integers(START_MS, START_MS + LONG_MS)
groups_of_assets = st.sampled_from(
    [(asset,) for asset in ASSETS] + [tuple(ASSETS[:3]), tuple(ASSETS[3:6]), tuple(ASSETS)]
)
outs = st.builds(
    lambda assets, start_ms, hours: Out(assets, start_ms, start_ms + hours * HOUR_MS),
    groups_of_assets,
    times,
    st.integers(1, 20),
)


def told(troubles: list[Out], lost: set[int]) -> list[Point]:
    """What comes of hourly uplinks of all assets, without those of the troubles and some more."""
    points: list[Point] = []
    number = 0
    for place, asset in enumerate(ASSETS):
        for f_cnt, at_ms in enumerate(range(START_MS + place * 7 * MINUTE_MS, START_MS + LONG_MS, HOUR_MS)):
            number += 1
            out = any(asset in one.assets and one.start_ms <= at_ms < one.end_ms for one in troubles)
            if not out and number not in lost:
                gateways = [G1, G2] if place % 2 else [G1]
                points.append(uplink(asset, at_ms, f_cnt, gateways=gateways))
    return points


@settings(max_examples=40, deadline=None)
@given(st.lists(outs, max_size=3), st.sets(st.integers(1, 240), max_size=20), st.data())
def test_the_verdict_follows_from_what_was_told(troubles: list[Out], lost: set[int], chance: st.DataObject) -> None:
    """In order and all at once, or late, twice and in any order with looks between: the same words and findings."""
    points = told(troubles, lost)
    now_ms = START_MS + LONG_MS
    straight = Tower()
    straight.watchman.take(points)
    straight.look(now_ms)
    shuffled = chance.draw(st.permutations([*points, *points[:: chance.draw(st.integers(2, 9))]]))
    late = Tower()
    for first in range(0, len(shuffled), 40):
        late.watchman.take(shuffled[first : first + 40])
        late.look(now_ms)
    settled_ms = now_ms + 20 * MINUTE_MS
    expected, found = straight.look(settled_ms), late.look(settled_ms)
    assert late.words() == straight.words()
    assert found == expected


@settings(max_examples=40, deadline=None)
@given(st.lists(outs, max_size=3), st.sets(st.integers(1, 240), max_size=20))
def test_one_matter_is_never_told_of_twice(troubles: list[Out], lost: set[int]) -> None:
    """At no look is a device silent for itself and for its circuit or its site."""
    tower = Tower()
    points = sorted(told(troubles, lost), key=lambda point: point.time_us)
    place = 0
    for now_ms in range(START_MS, START_MS + LONG_MS + 12 * HOUR_MS, 20 * MINUTE_MS):
        first = place
        while place < len(points) and points[place].time_us // 1000 <= now_ms:
            place += 1
        tower.watchman.take(points[first:place])
        found = tower.look(now_ms)
        site = next((one for key, one in found.items() if key.kind == SITE), None)
        for key, finding in found.items():
            if key.kind == silence.KIND:
                circuit = found.get(FindingKey(key.database, CIRCUIT, f"{key.subject[:2]}-cab"))
                for group in (site, circuit):
                    assert group is None or int(finding.facts["silent_ms"]) <= group.since_ms
            elif key.kind == CIRCUIT:
                assert site is None or finding.since_ms + HOUR_MS < site.since_ms, "it was silent before"


@settings(max_examples=40, deadline=None)
@given(st.lists(outs, min_size=1, max_size=3), st.randoms(use_true_random=False))
def test_late_uplinks_clear_all_that_they_explain(troubles: list[Out], chance: Random) -> None:
    """Whatever was found while uplinks were missing: when they have come, in any order, nothing holds."""
    whole, missing = told([], set()), told(troubles, set())
    now_ms = START_MS + LONG_MS
    tower = Tower()
    tower.watchman.take(missing)
    tower.look(now_ms)
    late = [point for point in whole if point not in missing]
    chance.shuffle(late)
    for point in late:
        tower.watchman.take([point])
    tower.look(now_ms)
    assert not tower.look(now_ms + 2 * MINUTE_MS)
    assert set(tower.words().values()) <= {"heard", "unpowered"}


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(HOUR_MS, 2 * HOUR_MS), min_size=1, max_size=60),
    st.sampled_from(["bin-0", "c1-lamp-0"]),
    st.booleans(),
)
def test_what_speaks_at_one_to_two_intervals_is_never_found(gaps: list[int], asset: str, joins: bool) -> None:
    """No finding, late or silent, at any instant at which the verdict could be another."""
    territory = town({"c1": 1}, bins=1)
    watchman = Watchman(territory, [Silence()], now_ms=START_MS)
    detector = Silence()
    at_ms = START_MS
    seen: list[Heard] = []
    for number, gap_ms in enumerate(gaps):
        session = str(number // 3) if joins else "0"
        heard = detector.read(uplink(asset, at_ms, number % 3 if joins else number, session=session))
        assert heard is not None
        seen = [*seen, heard][-detector.keep.last :]
        at_ms += gap_ms
        for now_ms in (heard.at_ms, at_ms - 1):
            made = detector.judge(seen, watchman.watched[asset], now_ms)
            assert not made.findings
            assert [state.value for state in made.states] == ["heard"]
            assert made.next_ms is not None
            assert made.next_ms >= at_ms, "nor is it looked at in vain"


@settings(max_examples=30, deadline=None)
@given(times, st.integers(6, 30), st.sampled_from(["c1-lamp-0", "bin-0"]))
def test_a_silence_is_raised_once_and_cleared_once(start_ms: int, hours: int, asset: str) -> None:
    """However long it lasts: one state of it, from its beginning to its end."""
    out = Out((asset,), start_ms, start_ms + hours * HOUR_MS)
    points = sorted(told([out], set()), key=lambda point: point.time_us)
    tower = Tower()
    held: list[bool] = []
    place = 0
    for now_ms in range(START_MS, START_MS + LONG_MS, 10 * MINUTE_MS):
        first = place
        while place < len(points) and points[place].time_us // 1000 <= now_ms:
            place += 1
        tower.watchman.take(points[first:place])
        found = tower.look(now_ms)
        assert {key.kind for key in found} <= {silence.KIND}
        assert {key.subject for key in found} <= {asset}
        held.append(bool(found))
    changes = sum(one != other for one, other in pairwise(held))
    assert changes <= 2
    assert SITE_ID not in {key.subject for key in tower.look(START_MS + LONG_MS)}
