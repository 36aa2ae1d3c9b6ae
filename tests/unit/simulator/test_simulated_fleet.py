"""Which devices of a territory live, where, and what they are called."""

import json
from dataclasses import replace
from itertools import islice

import msgspec

from core.territory import Territory
from core.territory.model import Kind, Supply
from simulator import fleet
from simulator.devices.base import Fact
from simulator.fleet import SELECTIONS, Selection
from simulator.network import Event, listen
from simulator.scenario import FleetName
from tests.support import scenario
from tests.support.scenario import HOUR_MS, WINTER_MS


def first_events(territory: Territory, dev_eui: str, count: int = 3) -> list[Event]:
    built = fleet.build(territory, scenario.scenario(faults=0.0))
    node = next(node for node in built.nodes if node.dev_eui == dev_eui)
    return list(islice((item for item in listen(node) if not isinstance(item, Fact)), count))


def test_every_assigned_lamp_of_the_example_lives_at_a_site_of_its_tenant() -> None:
    """All twelve communes, three edges, nobody left out."""
    territory = scenario.example()
    built = fleet.build(territory, scenario.scenario())
    assert built.left_out == {}
    assert built.edges == sorted(territory.sites)
    lamps = {asset.id for asset in territory.assets.values() if asset.kind is Kind.LAMP}
    assert {node.asset for node in built.nodes} <= lamps
    assert {territory.assets[node.asset].commune for node in built.nodes} == set(territory.communes)
    for node in built.nodes:
        commune = territory.communes[territory.assets[node.asset].commune]
        assert territory.sites[node.edge].tenant == commune.tenant


def test_the_topic_is_of_the_sites_application_and_the_name_of_the_asset() -> None:
    """What an edge subscribes to is what its devices are published under."""
    territory = scenario.example()
    for node in fleet.build(territory, scenario.scenario()).nodes[::150]:
        event = first_events(territory, node.dev_eui, 1)[0]
        told = json.loads(event.payload)["deviceInfo"]
        assert told["applicationId"] in territory.sites[node.edge].applications
        assert event.topic.startswith(f"application/{told['applicationId']}/device/{node.dev_eui}/event/")
        assert (told["deviceName"], told["devEui"]) == (node.asset, node.dev_eui)
        assert told["tenantName"] == territory.tenants[territory.sites[node.edge].tenant].name


def test_a_selection_is_by_kind_and_share() -> None:
    """Half of the lamps is about half, always the same ones; no kind, no device."""
    lamps = [asset for asset in scenario.example().assets.values() if asset.kind is Kind.LAMP]
    half = Selection(frozenset({Kind.LAMP}), share=0.5)
    taken = [asset.id for asset in lamps if half.takes(asset)]
    assert 0.4 * len(lamps) < len(taken) < 0.6 * len(lamps)
    assert taken == [asset.id for asset in lamps if half.takes(asset)]
    assert not any(Selection(frozenset({Kind.BIN})).takes(asset) for asset in lamps)
    assert set(SELECTIONS) == set(FleetName)


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
    territory = scenario.example()
    assignment = next(
        one
        for one in territory.assignments
        if (circuit := territory.assets[one.asset].circuit) and territory.circuits[circuit].supply is Supply.PERMANENT
    )
    later = msgspec.structs.replace(assignment, start_ms=WINTER_MS + 3 * HOUR_MS)
    others = tuple(one for one in territory.assignments if one is not assignment)
    events = first_events(replace(territory, assignments=(*others, later)), assignment.dev_eui)
    assert [event.topic.rsplit("/", 1)[1] for event in events] == ["join", "up", "up"]
    assert events[0].at_ms > later.start_ms


def test_an_assignment_that_ended_before_the_scenario_is_history() -> None:
    """The old sensor of a lamp says nothing."""
    territory = scenario.example()
    ended = tuple(msgspec.structs.replace(one, end_ms=WINTER_MS - 1) for one in territory.assignments)
    assert fleet.build(replace(territory, assignments=ended), scenario.scenario()).nodes == ()
