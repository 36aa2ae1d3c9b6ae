"""The example territory is without fault, is what its generator writes, and is what the issue asks for."""

import time
from collections import Counter
from pathlib import Path

import pytest

from core.territory import DeviceState, Kind, Supply, Territory, geography, load
from core.territory.placements import timelines
from decoders.registry import CODECS
from territories import generate

FOLDER = Path(__file__).parents[3] / "territories" / "grand-est"
NOW_MS = 1_780_000_000_000  # 2026-05-28


@pytest.fixture(scope="module")
def example() -> Territory:
    return load(FOLDER, codecs=[name for codec in CODECS for name in (codec.name, codec.id)])


def test_the_committed_files_are_the_generator_s() -> None:
    """Same seed, same bytes: nobody edits the four CSV files by hand."""
    assert {name: (FOLDER / name).read_text("utf-8") for name in generate.build()} == generate.build()


def test_another_seed_builds_other_streets() -> None:
    """The seed is all that the streets hang on."""
    assert generate.build(seed=1)["assets.csv"] != generate.build(seed=2)["assets.csv"]


def test_every_lamp_of_the_fleet_is_in_the_whole_town() -> None:
    """A larger fleet keeps id, place, power and circuit of each lamp of a smaller one, and its DevEUI."""
    some, all_of_them = generate.build(), generate.build(fleet=100_000)
    assert set(some["assets.csv"].splitlines()) <= set(all_of_them["assets.csv"].splitlines())
    assert some["circuits.csv"] == all_of_them["circuits.csv"]
    devices = set(all_of_them["devices.csv"].splitlines())
    assert set(some["devices.csv"].splitlines()) <= devices
    assert len(devices) > 5_500


def test_three_tenants_twelve_communes_three_sites(example: Territory) -> None:
    """The demonstrators, each site with applications and two to four gateways of its own."""
    assert {t.id: len(t.communes) for t in example.tenants.values()} == {"ccpvm": 10, "belleville": 1, "esternay": 1}
    assert {s.id: s.tenant for s in example.sites.values()} == {
        "remiremont": "ccpvm",
        "belleville-sur-meuse": "belleville",
        "esternay": "esternay",
    }
    assert all(s.applications and 2 <= len(s.gateways) <= 4 for s in example.sites.values())


def test_lamps_stand_in_their_communes_by_inhabitants(example: Territory) -> None:
    """About 435 lamps, at least 8 a commune, all inside the outline."""
    lamps = [asset for asset in example.assets.values() if asset.kind is Kind.LAMP]
    by_commune = Counter(lamp.commune for lamp in lamps)
    assert 430 <= len(lamps) <= 445
    assert set(by_commune) == set(example.communes)
    assert min(by_commune.values()) >= 8
    assert by_commune.most_common(1)[0][0] == "88383"
    assert all(geography.outside_km(asset.commune, asset.lat, asset.lon) == 0.0 for asset in example.assets.values())
    assert {lamp.colour_temperature_k for lamp in lamps} == {2700, 3000, 4000}
    assert all(lamp.rated_power_w is not None and 20 <= lamp.rated_power_w <= 60 for lamp in lamps)
    assert len({(lamp.lat, lamp.lon) for lamp in lamps}) == len(lamps)


def test_both_supplies_and_exceptions_by_arrete(example: Territory) -> None:
    """The watch and the simulator meet every case: switched, permanent, dimmed, put out, market, 14 July."""
    assert {circuit.supply for circuit in example.circuits.values()} == set(Supply)
    used = {circuit.calendar for circuit in example.circuits.values()}
    assert used == set(example.calendars)
    exceptions = [e for calendar in example.calendars.values() for e in calendar.exceptions]
    assert {e.name.split()[0] for e in exceptions} == {"Fête", "Marché"}
    levels = {period.level_pct for programme in example.programmes.values() for period in programme.periods}
    assert levels == {0.0, 50.0}


def test_every_state_of_a_device_and_one_swap(example: Territory) -> None:
    """The swapped lamp keeps its history: first the old device's, then the new one's."""
    states = Counter(device.state for device in example.devices.values())
    assert (states[DeviceState.STOCK], states[DeviceState.RETIRED], states[DeviceState.MAINTENANCE]) == (6, 1, 1)
    per_asset = Counter(assignment.asset for assignment in example.assignments)
    (lamp,) = [asset for asset, count in per_asset.items() if count == 2]
    old, new = [a for a in example.assignments if a.asset == lamp]
    assert old.end_ms == new.start_ms
    assert example.devices[old.dev_eui].state is DeviceState.RETIRED
    assert example.place(old.dev_eui, new.start_ms - 1, site="remiremont").asset == lamp
    assert example.place(old.dev_eui, new.start_ms, site="remiremont").database == "operator"
    assert example.place(new.dev_eui, NOW_MS, site="remiremont").asset == lamp


def test_a_device_heard_by_another_tenant_s_site_is_foreign(example: Territory) -> None:
    """Placed where it belongs, and marked."""
    device = next(a.dev_eui for a in example.assignments if a.asset.startswith("55043"))
    assert example.place(device, NOW_MS, site="esternay").foreign
    assert not example.place(device, NOW_MS, site="belleville-sur-meuse").foreign
    assert example.place(device, NOW_MS, site="esternay").database == "belleville"


def test_an_undeclared_device_has_the_commune_of_its_site(example: Territory) -> None:
    """Stored in the operator's database, shown, never an error."""
    placement = example.place("ffffffffffffffff", NOW_MS, site="esternay")
    assert placement == ("operator", "", "51237", "", False)


def test_reading_it_is_fast(example: Territory, capsys: pytest.CaptureFixture[str]) -> None:
    """Figures on the terminal; the limits are ten times what was measured, for a machine under load."""
    started = time.process_time()
    again = load(FOLDER)
    took_s = time.process_time() - started
    with capsys.disabled():
        print(f"\n[territory] {len(again.assets)} assets read and checked in {took_s * 1000:.0f} ms of CPU")  # noqa: T201
    assert again.digest == example.digest
    assert timelines(again) == example.timelines
    assert took_s < 1.0


def test_a_large_territory_is_read_in_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Time grows with the lines: 10,000 assets with their devices; 100,000 take ten times as long."""
    for name in ("territory.toml", "sites.toml", "profiles.toml", "calendars.toml", "circuits.csv"):
        (tmp_path / name).write_bytes((FOLDER / name).read_bytes())
    place, count = "88383,48.01768,6.58853,88383-cir-01", 10_000
    cabinets = [row for row in (FOLDER / "assets.csv").read_text().splitlines() if ",cabinet," in row]
    head = (FOLDER / "assets.csv").read_text().partition("\n")[0]
    lamps = [f"lamp-{n},lamp,{place},40,3000,Urbaine LED,2020-01-02" for n in range(count)]
    (tmp_path / "assets.csv").write_text("\n".join([head, *cabinets, *lamps]))
    devices = [f"{n:016x}" for n in range(count)]
    (tmp_path / "devices.csv").write_text(
        "\n".join(["dev_eui,profile,state", *(f"{d},nas-ul20xx,installed" for d in devices)])
    )
    rows = [f"{dev_eui},lamp-{n},2024-03-04T08:43:00+01:00," for n, dev_eui in enumerate(devices)]
    (tmp_path / "assignments.csv").write_text("\n".join(["dev_eui,asset,from,to", *rows]))
    started = time.process_time()
    territory = load(tmp_path)
    took_s = time.process_time() - started
    with capsys.disabled():
        print(f"\n[territory] {count} assets with device and assignment in {took_s:.2f} s of CPU")  # noqa: T201
    assert len(territory.timelines) == count
    assert took_s < 5.0
