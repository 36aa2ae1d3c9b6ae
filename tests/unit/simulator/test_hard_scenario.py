"""The scenario `hard`: what is out is silent, what was out comes back, and the record of truth says so."""

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from functools import cache
from itertools import takewhile
from random import Random

from core.territory import Territory
from simulator import fleet
from simulator.devices.base import Act, Fact, Frame, Join
from simulator.devices.failures import LAMP, failures
from simulator.devices.failures import Kind as Trouble
from simulator.faults import HARD, FaultRates
from simulator.network import Event, Kind, listen
from simulator.outages import Cause, Outages, SiteOutages, Window, Windows
from simulator.scenario import FleetName, Scenario
from tests.support import mixed_territory
from tests.support.scenario import EXAMPLE, HOUR_MS, WINTER_MS

_DAY_MS = 24 * HOUR_MS
_QUIET = FaultRates().scaled(0)


@cache
def town() -> Territory:
    return mixed_territory.territory(lamps=6, circuit=3, bins=2, counters=2)


def lived(faults: FaultRates, *, days: float, seed: int = 1, territory: Territory | None = None) -> list[Event | Fact]:
    scenario = Scenario(EXAMPLE, WINTER_MS, seed=seed, fleet=FleetName.FULL, faults=faults)
    told = fleet.build(territory or town(), scenario).stream(scenario)
    return list(takewhile(lambda item: item.at_ms < WINTER_MS + days * _DAY_MS, told))


def facts(items: list[Event | Fact], *names: str) -> list[Fact]:
    return [one for one in items if isinstance(one, Fact) and one.fact in names]


def ups(items: list[Event | Fact]) -> list[Event]:
    return [one for one in items if isinstance(one, Event) and one.kind is Kind.UP]


def test_the_same_seed_gives_the_same_bytes_whatever_is_out() -> None:
    """Events and facts of two fleets built one after the other; another seed gives others."""
    once = lived(HARD, days=1)
    assert once == lived(HARD, days=1)
    assert once != lived(HARD, days=1, seed=2)


def test_the_usual_scenario_is_mild() -> None:
    """Nothing is out, nobody dies, nothing is hours late."""
    assert not facts(lived(FaultRates(), days=2), "site_out", "gateway_out", "supply_out", "late", "unheard")
    assert FaultRates().deaths == 0


def test_outages_are_the_same_in_whatever_order_they_are_asked_for() -> None:
    """What is drawn depends on the seed alone, and no outage overlaps the next."""

    def drawn() -> Outages:
        return Outages(seed=3, start_ms=0, rates=HARD, sites={"a": ("1", "2"), "b": ("3",)}, circuits=["c"])

    instants = [hour * HOUR_MS for hour in range(24 * 60)]
    forwards, backwards = drawn().supply("c"), drawn().supply("c")
    assert forwards is not None
    assert backwards is not None
    there = [forwards.at(at) for at in instants]
    back = [backwards.at(at) for at in reversed(instants)]
    assert there == back[::-1]
    assert any(there)
    assert not all(there)
    told = takewhile(lambda fact: fact.at_ms < 60 * _DAY_MS, drawn().facts())
    open_since: dict[tuple[str, ...], int] = {}
    for fact in told:
        what, _, turn = fact.fact.partition("_")
        whose = (what, *(str(fact.detail[key]) for key in ("edge", "gateway", "circuit") if key in fact.detail))
        assert (turn == "back") == (whose in open_since)
        if turn == "back":
            del open_since[whose]
        else:
            open_since[whose] = fact.at_ms


def test_windows_find_the_one_that_ends_next() -> None:
    """The one that holds, else the next; an instant at its end is not in it."""
    windows = Windows(lambda: (Window(start, start + 5) for start in range(10, 10_000, 10)))
    assert windows.following(0).start_ms == 10
    assert windows.following(12).start_ms == 10
    assert windows.following(15).start_ms == 20
    assert windows.at(15) is None
    assert windows.at(10) == Window(10, 15)


def test_a_dead_device_is_silent_and_joins_when_somebody_has_come() -> None:
    """Lamps, bins and counters: between the failure and its repair nothing of them is heard, then a join."""
    always_dying = replace(_QUIET, failures_per_day=0.5, deaths=1.0)
    items = lived(always_dying, days=6)
    kinds, joined = set(), 0
    for death in facts(items, "failure"):
        assert death.detail["failure"] == Trouble.DEAD.value
        mine = [
            one for one in items if isinstance(one, Event) and one.dev_eui == death.detail["dev_eui"] and not one.copy
        ]
        end_ms = int(death.detail["end_ms"])
        assert not [one for one in mine if death.at_ms + 1_000 < one.at_ms < end_ms]
        asset = town().assets[str(death.detail["asset"])]
        kinds.add(asset.kind)
        after = [one for one in mine if one.at_ms >= end_ms]
        if after:
            assert after[0].kind is Kind.JOIN
            joined += 1
    assert len(kinds) == 3
    assert joined > 10


def test_deaths_are_a_share_of_the_failures() -> None:
    """One in four, the others as before; none where the share is 0."""

    def kinds(deaths: float) -> list[Trouble]:
        told = failures(Random(1), start_ms=0, per_day=1.0, failing=0.0, kinds=LAMP, deaths=deaths)
        return [failure.kind for failure, _ in zip(told, range(2_000), strict=False)]

    assert 400 < kinds(0.25).count(Trouble.DEAD) < 600
    assert Trouble.DEAD not in kinds(0.0)
    assert set(kinds(0.25)) == {Trouble.DEAD, *LAMP}


def test_a_circuit_without_supply_is_silent_and_its_lamps_boot() -> None:
    """All of its devices, permanent or switched; the others go on."""
    items = lived(replace(_QUIET, supply_failures_per_week=4.0), days=2)
    outs = facts(items, "supply_out")
    assert outs
    booted = 0
    for out in outs:
        members = {one.id for one in town().assets.values() if one.circuit == out.detail["circuit"]}
        of_it = [one for one in ups(items) if json.loads(one.payload)["deviceInfo"]["deviceName"] in members]
        end_ms = int(out.detail["end_ms"])
        assert not [one for one in of_it if out.at_ms + 3_000 < one.at_ms < end_ms]
        soon = [
            one
            for one in items
            if isinstance(one, Event) and one.kind is Kind.JOIN and end_ms <= one.at_ms < end_ms + 125_000
        ]
        booted += bool(soon)
    assert booted
    assert len(ups(items)) > 1_000


def test_a_gateway_that_is_out_hears_nothing_and_the_others_do() -> None:
    """Its EUI is in no event of that time; events of its site still come."""
    items = lived(replace(_QUIET, gateway_outages_per_week=6.0), days=2)
    outs = facts(items, "gateway_out")
    assert outs
    heard_by_others = 0
    for out in outs:
        meanwhile = [
            one
            for one in ups(items)
            if out.at_ms + 3_000 < one.at_ms < int(out.detail["end_ms"]) and one.edge == out.detail["edge"]
        ]
        for one in meanwhile:
            gateways = {reception["gatewayId"] for reception in json.loads(one.payload)["rxInfo"]}
            assert out.detail["gateway"] not in gateways
            heard_by_others += 1
    assert heard_by_others > 100


def test_a_site_without_power_loses_what_is_sent_and_one_without_line_delivers_it_late() -> None:
    """Both for two hours: nothing comes meanwhile; only of the cut line does it come afterwards."""
    items = lived(replace(_QUIET, site_outages_per_week=14.0), days=3)
    causes = set()
    for out in facts(items, "site_out"):
        end_ms, edge = int(out.detail["end_ms"]), out.detail["edge"]
        assert end_ms - out.at_ms == 2 * HOUR_MS
        of_it = [one for one in ups(items) if one.edge == edge]
        assert not [one for one in of_it if out.at_ms + 3_000 < one.at_ms < end_ms]
        late = [one for one in of_it if one.at_ms == end_ms]
        unheard = [one for one in facts(items, "unheard") if out.at_ms <= one.at_ms < end_ms]
        cause = Cause(str(out.detail["cause"]))
        causes.add(cause)
        if end_ms < WINTER_MS + 3 * _DAY_MS:
            assert bool(late) is (cause is Cause.LINK)
        assert bool(unheard) is (cause is Cause.POWER)
    assert causes == set(Cause)


def test_after_a_power_cut_the_hosts_clock_is_behind_until_it_is_set() -> None:
    """What the network server says of its own time is behind by as much as the truth says; then it is right."""
    items = lived(replace(_QUIET, site_outages_per_week=14.0), days=3)
    wrong = right = 0
    for out in facts(items, "site_out"):
        end_ms, until_ms, behind_ms = (int(out.detail[key]) for key in ("end_ms", "clock_until_ms", "behind_ms"))
        for one in ups(items):
            if one.edge != out.detail["edge"] or not end_ms + 3_000 < one.at_ms < until_ms + HOUR_MS:
                continue
            told = json.loads(one.payload)["rxInfo"][0]["nsTime"]
            error_ms = one.at_ms - datetime.fromisoformat(told[:26] + "+00:00").timestamp() * 1000
            if one.at_ms < until_ms:
                assert behind_ms <= error_ms < behind_ms + 3_000
                wrong += 1
            elif one.at_ms > until_ms + 3_000:
                assert 0 <= error_ms < 3_000
                right += 1
    assert wrong > 3
    assert right > 30


class _Restless:
    """A device that asks for a session at the third minute and speaks each minute from then on."""

    joined, battery = False, 0

    def life(self) -> Iterator[Act]:
        yield Join(WINTER_MS + 3 * 60_000)
        for minute in range(4, 12):
            yield Frame(WINTER_MS + minute * 60_000, 2, b"\x00")


def test_a_join_that_nobody_hears_is_tried_again() -> None:
    """A device that gets its power while its site is dead says nothing else until its join was heard."""
    node = next(iter(fleet.build(town(), Scenario(EXAMPLE, WINTER_MS, fleet=FleetName.FULL, faults=_QUIET)).nodes))
    out = Windows(lambda: iter([Window(WINTER_MS, WINTER_MS + 7 * 60_000), Window(2**50, 2**51)]))
    told = list(listen(replace(node, device=_Restless(), outages=SiteOutages(out, [None] * len(node.gps)))))
    names = [one.fact if isinstance(one, Fact) else one.kind.value for one in told]
    assert names[:5] == ["unheard"] * 4 + ["join"]
    assert set(names[5:]) <= {"up", "status", "lost"}
    assert "up" in names


def test_hard_is_what_it_says() -> None:
    """10 % of the frames lost by radio, 5 % of the events twice, two outages of a site in a week, late data."""
    items = lived(HARD, days=7)
    events = [one for one in items if isinstance(one, Event)]
    fresh = [one for one in events if not one.copy]
    lost = len(facts(items, "lost"))
    assert 0.09 < lost / (lost + len(ups(fresh))) < 0.115
    assert 0.04 < sum(one.copy for one in events) / len(fresh) < 0.055
    assert len(facts(items, "site_out")) == 2
    assert {one.detail["cause"] for one in facts(items, "site_out")} == {"power", "link"}
    late = facts(items, "late")
    assert len(late) > 50
    assert all(15 * 60_000 <= int(one.detail["until_ms"]) - one.at_ms <= 3 * HOUR_MS for one in late)


def test_the_truth_names_each_failure_of_a_device_once() -> None:
    """Failure and repair take turns for each device, and an end that is told is the repair's time."""
    turns: dict[str, list[Fact]] = defaultdict(list)
    for fact in facts(lived(replace(HARD, failures_per_day=0.5), days=4), "failure", "repair"):
        turns[str(fact.detail["dev_eui"])].append(fact)
    ended = 0
    for told in turns.values():
        own = [one for one in told if one.detail["failure"] not in ("fire", "knocked_over")]
        for failure, repair in zip(own[::2], own[1::2], strict=False):
            assert (failure.fact, repair.fact) == ("failure", "repair")
            assert failure.detail["end_ms"] == repair.at_ms
            ended += 1
    assert ended > 10
