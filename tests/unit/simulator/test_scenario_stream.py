"""The stream of a scenario: the same seed gives the same bytes, in order, with the faults it says it has."""

import hashlib
import json
from collections import Counter, defaultdict
from itertools import pairwise

import pytest

from simulator.devices.base import Fact
from simulator.faults import Cuts, FaultRates
from simulator.network import Event, Kind
from simulator.scenario import random_of
from tests.support import scenario
from tests.support.scenario import HOUR_MS, SUMMER_MS, WINTER_MS


def digest(items: list[Event | Fact]) -> str:
    total = hashlib.sha256()
    for item in items:
        if isinstance(item, Event):
            total.update(f"{item.at_ms} {item.topic} ".encode() + item.payload)
        else:
            total.update(f"{item.at_ms} {item.fact} {sorted(item.detail.items())}".encode())
    return total.hexdigest()


@pytest.fixture(scope="module")
def winter() -> list[Event | Fact]:
    return scenario.items(hours=6, keep=100, faults=3.0)


@pytest.fixture(scope="module")
def whole() -> list[Event | Fact]:
    """A winter day of all the example."""
    return scenario.items(hours=24)


def test_the_same_seed_gives_the_same_bytes(winter: list[Event | Fact]) -> None:
    """Every event and every fact, from a fleet built anew."""
    assert digest(scenario.items(hours=6, keep=100, faults=3.0)) == digest(winter)


def test_another_seed_gives_others(winter: list[Event | Fact]) -> None:
    """It is the seed that decides."""
    assert digest(scenario.items(hours=6, keep=100, faults=3.0, seed=2)) != digest(winter)


def test_a_devices_life_does_not_depend_on_the_others(winter: list[Event | Fact]) -> None:
    """In a fleet of six, a lamp's first deliveries are those it has in a fleet of sixty (but for the links)."""

    def payloads(items: list[Event | Fact]) -> dict[str, set[bytes]]:
        found: dict[str, set[bytes]] = defaultdict(set)
        for item in items:
            if isinstance(item, Event) and item.at_ms < WINTER_MS + 5 * HOUR_MS:
                found[item.dev_eui].add(item.payload)
        return found

    many = payloads(scenario.items(hours=6, keep=60, faults=0.0))
    few = payloads(scenario.items(hours=6, keep=6, faults=0.0))
    common = few.keys() & many.keys()
    assert common
    assert all(few[dev_eui] == many[dev_eui] for dev_eui in common)


def test_events_come_in_order_of_time(winter: list[Event | Fact]) -> None:
    """What is taken first is published first."""
    at = [item.at_ms for item in winter if isinstance(item, Event)]
    assert at == sorted(at)
    assert at[0] >= WINTER_MS


def test_a_day_of_the_example_is_what_a_road_can_take_in_seconds(whole: list[Event | Fact]) -> None:
    """10,000 to 25,000 events in a winter day of the whole example; fewer in summer, dusk and dawn busiest."""
    events = [item for item in whole if isinstance(item, Event)]
    assert 10_000 <= len(events) <= 25_000
    hours = Counter((event.at_ms - WINTER_MS) // HOUR_MS for event in events)
    # sunset is at 15:46 UTC, lamps come back at 04:00 UTC
    assert sorted(hours, key=lambda hour: hours[hour])[-2:] in ([1, 14], [14, 1])
    assert {event.edge for event in events} == set(scenario.example().sites)


def test_a_summer_night_says_less_than_a_winter_night() -> None:
    """Switched circuits have power for a shorter time."""
    summer = scenario.events(hours=24, keep=40, faults=0.0, start_ms=SUMMER_MS)
    assert len(summer) < 0.9 * len(scenario.events(hours=24, keep=40, faults=0.0))


def test_duplicates_are_the_same_bytes_later(winter: list[Event | Fact]) -> None:
    """Each copy follows its event, byte for byte, and the record of truth knows each."""
    events = [item for item in winter if isinstance(item, Event)]
    first = {(event.key, event.kind): event for event in events if not event.copy}
    copies = [event for event in events if event.copy]
    assert copies
    for copy in copies:
        original = first[copy.key, copy.kind]
        assert (copy.topic, copy.payload) == (original.topic, original.payload)
        assert 0 < copy.at_ms - original.at_ms <= 20_000
    told = {fact.detail["key"] for fact in winter if isinstance(fact, Fact) and fact.fact == "duplicate"}
    assert {copy.key for copy in copies} <= told


def test_faults_occur_about_as_often_as_they_are_asked_for(whole: list[Event | Fact]) -> None:
    """Shares of a day of the whole example, within a factor that chance allows."""
    rates = FaultRates()
    events = sum(1 for item in whole if isinstance(item, Event) and not item.copy)
    facts = Counter(item.fact for item in whole if isinstance(item, Fact))
    assert facts["duplicate"] == pytest.approx(rates.duplicates * events, rel=0.3)
    assert facts["reordered"] == pytest.approx(rates.reordered * events, rel=0.4)
    assert rates.loss * events * 0.7 < facts["lost"] < rates.loss * events * 2.0  # and those too weak to be heard
    assert 3 <= facts["failure"] <= 40
    assert 1 <= facts["cut"] <= 12


def test_a_perfect_world_has_no_faults() -> None:
    """Factor 0: no duplicate, no cut, no failure, no order but that of time; only what is too weak is lost."""
    items = scenario.items(hours=12, keep=60, faults=0.0)
    facts = Counter(item.fact for item in items if isinstance(item, Fact))
    assert facts.keys() <= {"level", "lost", "fill_pct", "collection", "vehicles"}
    sent = sum(1 for item in items if isinstance(item, Event) and item.kind is Kind.UP)
    assert facts["lost"] < 0.02 * sent
    assert not [item for item in items if isinstance(item, Event) and item.copy]


def test_reordered_events_are_overtaken(winter: list[Event | Fact]) -> None:
    """The event a fact names comes at the time it names, after later ones."""
    events = {item.key: item for item in winter if isinstance(item, Event) and not item.copy}
    reordered = [item for item in winter if isinstance(item, Fact) and item.fact == "reordered"]
    assert reordered
    for fact in reordered:
        event = events.get(str(fact.detail["key"]))
        if event is not None:  # else it is still held back when the six hours are over
            assert event.at_ms == fact.detail["until_ms"]


def test_what_a_cut_holds_back_comes_late_with_its_own_time() -> None:
    """Nothing of the site leaves during a cut; all of it comes at its end, in order, stamped when it was heard."""
    items = scenario.items(hours=12, keep=150, faults=8.0)
    cuts = [item.detail for item in items if isinstance(item, Fact) and item.fact == "cut"]
    late = 0
    for cut in cuts:
        start_ms, end_ms = int(cut["start_ms"]), int(cut["end_ms"])
        site = [item for item in items if isinstance(item, Event) and item.edge == cut["edge"] and not item.copy]
        assert not [event for event in site if start_ms < event.at_ms < end_ms and not _was_held_before(items, event)]
        late += sum(event.at_ms == end_ms for event in site)
    assert late > 10


def _was_held_before(items: list[Event | Fact], event: Event) -> bool:
    """A reordered event was on its way already when the link was cut."""
    return any(
        isinstance(item, Fact) and item.fact == "reordered" and item.detail["key"] == event.key for item in items
    )


def test_cuts_never_overlap_and_are_told_once() -> None:
    """Windows of 1 to 15 minutes, about as many a day as asked for."""
    link = Cuts(random_of(1, "esternay", "cuts"), start_ms=0, per_day=4.0)
    told = [cut for at_ms in range(0, 50 * 24 * HOUR_MS, 30_000) if (cut := link.begun(at_ms)) is not None]
    assert 140 <= len(told) <= 260
    assert all(60_000 <= end - start <= 900_000 for start, end in told)
    assert all(earlier[1] <= later[0] for earlier, later in pairwise(told))


def test_scaled_rates_stay_shares() -> None:
    """However much is asked for, a share is a share; a rate may be any."""
    wild = FaultRates().scaled(1_000.0)
    assert wild.duplicates == wild.loss == 0.9
    assert wild.failures_per_day == 10.0


def test_frame_counters_count_every_frame_and_start_over_at_a_join() -> None:
    """Per session: each frame heard or lost has the next number, 0 after a join with a new address."""
    items = scenario.items(hours=24, keep=30, faults=0.0)
    sessions: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    joins: Counter[str] = Counter()
    for item in items:
        if isinstance(item, Fact):
            if item.fact == "lost":
                sessions[str(item.detail["dev_eui"])][str(item.detail["dev_addr"])].append(int(item.detail["f_cnt"]))
        elif item.kind is Kind.UP:
            told = json.loads(item.payload)
            sessions[item.dev_eui][told["devAddr"]].append(told["fCnt"])
        elif item.kind is Kind.JOIN:
            joins[item.dev_eui] += 1
            assert json.loads(item.payload)["devAddr"] not in sessions[item.dev_eui]
    assert joins
    assert any(min(counted) > 65_535 for one in sessions.values() for counted in one.values())
    for dev_eui, addresses in sessions.items():
        assert len(addresses) <= joins[dev_eui] + 1
        for at, counted in enumerate(addresses.values()):
            counted.sort()
            assert counted == list(range(counted[0], counted[0] + len(counted)))
            assert at < len(addresses) - joins[dev_eui] or counted[0] == 0
