"""Which lamps stand where, and which have a device, at one instant."""

from dataclasses import replace
from datetime import time

import pytest
from msgspec import structs

from cloud.page.ground import survey
from core.territory import (
    Asset,
    Assignment,
    Commune,
    Device,
    DeviceState,
    Kind,
    Operator,
    Profile,
    Site,
    Tenant,
    Territory,
)
from core.territory.calendars import Calendar, Period, Programme
from core.territory.model import Circuit, DeviceClass, MacVersion, Region, Supply, Thresholds
from tests.unit.page.page_facts import HOUR_MS, NOON_MS

SWAP_MS = NOON_MS + HOUR_MS
SITES = (("remiremont", "88383", "ccpvm"), ("esternay", "51237", "esternay"))


def asset(name: str, commune: str, kind: Kind = Kind.LAMP) -> Asset:
    return Asset(name, kind, commune, 48.0, 6.5)


def profile(name: str, interval_s: int) -> Profile:
    return Profile(name, "codec@1", Region.EU868, MacVersion.V1_0_3, DeviceClass.C, interval_s)


@pytest.fixture
def territory() -> Territory:
    tenants = [
        Tenant("ccpvm", "CCPVM", ("88383", "88429"), thresholds=Thresholds(silence_intervals=2.0, bin_full_pct=70.0)),
        Tenant("esternay", "Esternay", ("51237",)),
    ]
    communes = [
        Commune("88383", "Remiremont", "ccpvm", 48.0, 6.5),
        Commune("88429", "Saint-Nabord", "ccpvm", 48.1, 6.5),
        Commune("51237", "Esternay", "esternay", 48.7, 3.5),
    ]
    assets = [
        asset("r-1", "88383"),
        asset("r-2", "88383"),
        asset("r-bin", "88383", Kind.BIN),
        asset("e-1", "51237"),
        asset("e-2", "51237"),
        asset("e-3", "51237"),
    ]
    assignments = (
        Assignment("a1", "r-1", 0, SWAP_MS),
        Assignment("a2", "r-1", SWAP_MS),
        Assignment("a3", "r-2", NOON_MS + 2 * HOUR_MS),
        Assignment("b1", "e-1", 0),
    )
    devices = [Device(eui, "fast", DeviceState.INSTALLED) for eui in ("a1", "a3", "b1")]
    return Territory(
        Operator("us", "Hyperviseur"),
        tenants={tenant.id: tenant for tenant in tenants},
        communes={commune.insee: commune for commune in communes},
        sites={name: Site(name, name.capitalize(), insee, tenant, 48.0, 6.5) for name, insee, tenant in SITES},
        calendars={"night": Calendar("night", "all")},
        programmes={"all": Programme("all")},
        profiles={"fast": profile("fast", 600), "slow": profile("slow", 3600)},
        assets={one.id: one for one in assets},
        devices={device.dev_eui: device for device in [*devices, Device("a2", "slow", DeviceState.INSTALLED)]},
        assignments=assignments,
        digest="d1",
    )


def test_every_asset_is_placed(territory: Territory) -> None:
    """The page shows all kinds; the zone with most of them is looked at first."""
    ground = survey(territory, NOON_MS)
    assert set(ground.places) == set(territory.assets)
    assert ground.places["r-bin"].kind is Kind.BIN
    assert [(zone.id, zone.assets) for zone in ground.zones] == [("ccpvm", 3), ("esternay", 3)]
    assert ground.communes["88429"].zone == "ccpvm"
    assert ground.databases == ("ccpvm", "esternay")
    assert (ground.title, ground.digest) == ("Hyperviseur", "d1")


def test_one_tenant_alone_sees_nothing_of_the_others(territory: Territory) -> None:
    """Its own communes, assets, sites and database, under its own name."""
    ground = survey(territory, NOON_MS, tenant="esternay")
    assert set(ground.places) == {"e-1", "e-2", "e-3"}
    assert set(ground.communes) == {"51237"}
    assert [zone.id for zone in ground.zones] == ["esternay"]
    assert (ground.databases, ground.title) == (("esternay",), "Esternay")
    assert ground.sites == {"esternay": "Esternay"}
    assert set(survey(territory, NOON_MS).sites) == {"remiremont", "esternay"}


def test_a_bin_has_its_tenants_threshold_and_an_asset_its_street(territory: Territory) -> None:
    """What is full is the tenant's word."""
    named = structs.replace(territory.assets["r-bin"], street="Rue du Pont")
    ground = survey(replace(territory, assets={**territory.assets, "r-bin": named}), NOON_MS)
    assert ground.places["r-bin"].full_pct == 70.0
    assert ground.places["r-bin"].label == "Rue du Pont"
    assert ground.places["r-1"].label == "r-1"


@pytest.mark.parametrize(
    ("hour", "expected", "day"),
    [(12, 0, True), (16.5, 2, False), (23, 1, False), (32, 0, True)],
)
def test_how_many_lamps_should_be_lit_follows_calendar_and_sun(
    territory: Territory, hour: float, expected: int, day: bool
) -> None:
    """UTC hours of a day in November: noon, dusk, extinction in one of two streets, the next morning."""
    circuits = {"e": Circuit("e", "cab", Supply.PERMANENT, "short"), "r": Circuit("r", "cab", Supply.SWITCHED, "night")}
    assets = {name: structs.replace(one, circuit=name[0]) for name, one in territory.assets.items()}
    dark = Programme("dark", periods=(Period(time(22), time(5)),))
    lit = replace(
        territory,
        circuits=circuits,
        assets=assets,
        programmes={"all": Programme("all"), "dark": dark},
        calendars={"night": Calendar("night", "all"), "short": Calendar("short", "dark")},
    )
    ground = survey(lit, NOON_MS)
    at_ms = NOON_MS + round((hour - 12) * HOUR_MS)
    assert (ground.expected_lit(at_ms), ground.is_day(at_ms)) == (expected, day)
    assert survey(territory, NOON_MS).expected_lit(NOON_MS + 6 * HOUR_MS) == 2  # without circuits, by the sun alone


def test_silence_follows_the_device_and_its_tenant(territory: Territory) -> None:
    """The expected interval of the device's profile, as often as the tenant's threshold says."""
    ground = survey(territory, NOON_MS)
    assert ground.places["r-1"].silent_after_ms == 2 * 600_000
    assert ground.places["e-1"].silent_after_ms == 3 * 600_000
    assert survey(territory, SWAP_MS).places["r-1"].silent_after_ms == 2 * 3_600_000
    assert ground.paces_ms == {Kind.LAMP: 600_000}


def test_a_switched_circuit_is_known_and_how_long_it_may_be_quiet(territory: Territory) -> None:
    """Three devices are not quiet together for more than an interval by chance; one may be."""
    circuits = {"e": Circuit("e", "cab", Supply.SWITCHED, "night"), "r": Circuit("r", "cab", Supply.PERMANENT, "night")}
    on_circuit = {name: structs.replace(one, circuit=name[0]) for name, one in territory.assets.items()}
    alone = survey(replace(territory, circuits=circuits, assets=on_circuit), NOON_MS)
    assert (alone.places["r-1"].circuit, alone.places["r-1"].unpowered_after_ms) == ("", 0)
    assert (alone.places["e-1"].circuit, alone.places["e-1"].unpowered_after_ms) == ("e", 3 * 600_000)
    assigned = (*territory.assignments, Assignment("a1", "e-2", SWAP_MS), Assignment("a3", "e-3", 0, SWAP_MS + 1))
    many = survey(replace(territory, circuits=circuits, assets=on_circuit, assignments=assigned), SWAP_MS)
    assert many.places["e-1"].unpowered_after_ms == 750_000


def test_a_lamp_is_equipped_only_while_a_device_is_assigned(territory: Territory) -> None:
    """An assignment of tomorrow or of yesterday is no device today."""
    assert not survey(territory, NOON_MS).places["r-2"].equipped
    assert survey(territory, NOON_MS + 2 * HOUR_MS).places["r-2"].equipped


def test_a_ground_holds_until_a_device_comes_or_goes(territory: Territory) -> None:
    """The reader surveys again only then."""
    ground = survey(territory, NOON_MS)
    assert ground.holds_at(NOON_MS)
    assert ground.holds_at(SWAP_MS - 1)
    assert not ground.holds_at(SWAP_MS)
    assert survey(territory, SWAP_MS).holds_at(SWAP_MS)
    assert not survey(territory, SWAP_MS).holds_at(NOON_MS)
