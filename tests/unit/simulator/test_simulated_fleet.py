"""Which devices of a territory live, where, and what they are called."""

import json
from collections import Counter, defaultdict
from dataclasses import replace
from itertools import islice

import msgspec

from core.territory.model import Kind, Supply
from simulator import fleet
from simulator.devices.base import Fact
from simulator.fleet import SELECTIONS, Selection
from simulator.network import Event, Node, listen
from simulator.scenario import FleetName
from tests.support import mixed_territory, scenario
from tests.support.scenario import HOUR_MS, WINTER_MS


def first_events(node: Node, count: int = 3) -> list[Event]:
    return list(islice((item for item in listen(node) if not isinstance(item, Fact)), count))


def test_the_full_fleet_is_every_assigned_asset_of_the_example_at_a_site_of_its_tenant() -> None:
    """Lamps, bins and counters of all twelve communes, three edges, nobody left out."""
    territory = scenario.example()
    built = fleet.build(territory, replace(scenario.scenario(), fleet=FleetName.FULL))
    assert built.left_out == {}
    assert built.edges == sorted(territory.sites)
    assigned = {one.asset for one in territory.assignments if one.end_ms is None}
    assert {node.asset for node in built.nodes} == assigned
    assert {territory.assets[node.asset].kind for node in built.nodes} == {Kind.LAMP, Kind.BIN, Kind.COUNTER}
    for node in built.nodes:
        commune = territory.communes[territory.assets[node.asset].commune]
        assert territory.sites[node.edge].tenant == commune.tenant


def test_the_cabinet_fleet_is_small_and_everywhere() -> None:
    """About 435 devices: lamps, bins and counters in each of the twelve communes, the same ones whatever the seed."""
    territory = scenario.example()
    assets = [node.asset for node in fleet.build(territory, scenario.scenario()).nodes]
    kinds = Counter(territory.assets[asset].kind for asset in assets)
    assert 360 <= kinds[Kind.LAMP] <= 460
    assert 24 <= kinds[Kind.BIN] <= 27
    assert 10 <= kinds[Kind.COUNTER] <= 12
    for kind in kinds:
        found = {territory.assets[asset].commune for asset in assets if territory.assets[asset].kind is kind}
        assert found == set(territory.communes)
    assert {node.asset for node in fleet.build(territory, scenario.scenario(seed=7)).nodes} == set(assets)


def test_the_lamps_of_a_circuit_live_together() -> None:
    """In the small fleet a circuit is whole or dark, so that a cabinet's fault is one."""
    territory = scenario.example()
    living = {node.asset for node in fleet.build(territory, scenario.scenario()).nodes}
    circuits: dict[str, set[bool]] = defaultdict(set)
    for one in territory.assignments:
        asset = territory.assets[one.asset]
        if asset.kind is Kind.LAMP and asset.circuit and one.end_ms is None:
            circuits[asset.circuit].add(asset.id in living)
    assert all(len(states) == 1 for states in circuits.values())


def test_each_profile_has_its_model_and_an_unknown_one_is_left_out() -> None:
    """By what the asset is and what its profile speaks; the reason is counted."""
    territory = mixed_territory.territory(unknown=1)
    built = fleet.build(territory, replace(scenario.scenario(), fleet=FleetName.FULL))
    models = {(territory.devices[node.dev_eui].profile, type(node.device).__name__) for node in built.nodes}
    assert models == {
        ("nas-ul20xx", "Lamp"),
        ("milesight-em400-mud", "Bin"),
        ("dingtek-df702", "Bin"),
        ("pmx-tcr", "Counter"),
        ("parametric-tcr", "Counter"),
    }
    assert built.left_out == {"no simulated bin speaks unheard_of@1 (profile unheard-of)": 3}


def test_the_topic_is_of_the_sites_application_and_the_name_of_the_asset() -> None:
    """What an edge subscribes to is what its devices are published under."""
    territory = scenario.example()
    for node in fleet.build(territory, scenario.scenario()).nodes[::50]:
        event = first_events(node, 1)[0]
        told = json.loads(event.payload)["deviceInfo"]
        assert told["applicationId"] in territory.sites[node.edge].applications
        assert event.topic.startswith(f"application/{told['applicationId']}/device/{node.dev_eui}/event/")
        assert (told["deviceName"], told["devEui"]) == (node.asset, node.dev_eui)
        assert told["tenantName"] == territory.tenants[territory.sites[node.edge].tenant].name


def test_a_selection_is_by_kind_and_number() -> None:
    """About so many of a kind, all where no number is given, none of a kind that is not named."""
    assets = list(mixed_territory.territory(lamps=40, circuit=8, bins=10).assets.values())
    chosen = Selection({Kind.LAMP: 48, Kind.BIN: None}).choose(assets)
    kinds = Counter(asset.kind for asset in assets if asset.id in chosen)
    assert kinds == {Kind.LAMP: 48, Kind.BIN: 30}
    assert chosen == Selection({Kind.LAMP: 48, Kind.BIN: None}).choose(reversed(assets))
    assert Selection({Kind.COUNTER: 1_000}).choose(assets) == {one.id for one in assets if one.kind is Kind.COUNTER}
    assert set(SELECTIONS) == set(FleetName)


def test_a_commune_is_represented_however_few_are_asked_for() -> None:
    """Three communes, one lamp asked for: the smallest circuit of each."""
    assets = list(mixed_territory.territory(lamps=9, circuit=4).assets.values())
    chosen = Selection({Kind.LAMP: 1}).choose(assets)
    assert Counter(asset.commune for asset in assets if asset.id in chosen) == dict.fromkeys(
        (mixed_territory.TOWN, mixed_territory.VILLAGE, mixed_territory.ALONE), 1
    )


def test_a_device_whose_site_has_no_gateway_is_left_out_and_said_so() -> None:
    """Nothing is invented: the reason is counted."""
    territory = scenario.example()
    site = territory.sites["esternay"]
    deaf = replace(territory, sites={**territory.sites, site.id: msgspec.structs.replace(site, gateways=())})
    built = fleet.build(deaf, scenario.scenario())
    assert "esternay" not in built.edges
    assert built.left_out["site esternay declares no gateway"] > 0


def test_a_lamp_assigned_during_the_scenario_begins_with_a_join() -> None:
    """Installed three hours after the start on a permanent circuit: silent before, then join, boot, status."""
    territory = mixed_territory.territory()
    assignment = next(
        one
        for one in territory.assignments
        if (circuit := territory.assets[one.asset].circuit) and territory.circuits[circuit].supply is Supply.PERMANENT
    )
    later = msgspec.structs.replace(assignment, start_ms=WINTER_MS + 3 * HOUR_MS)
    others = tuple(one for one in territory.assignments if one is not assignment)
    built = fleet.build(replace(territory, assignments=(*others, later)), scenario.scenario(faults=0.0))
    events = first_events(next(node for node in built.nodes if node.dev_eui == assignment.dev_eui))
    assert [event.topic.rsplit("/", 1)[1] for event in events] == ["join", "up", "up"]
    assert events[0].at_ms > later.start_ms


def test_an_assignment_that_ended_before_the_scenario_is_history() -> None:
    """The old sensor of a lamp says nothing."""
    territory = scenario.example()
    ended = tuple(msgspec.structs.replace(one, end_ms=WINTER_MS - 1) for one in territory.assignments)
    assert fleet.build(replace(territory, assignments=ended), scenario.scenario()).nodes == ()
