"""What stands in the example's streets is plausible: places, names, insides of bins, speed limits, times, radio."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from random import Random

import pytest

from core.territory import Asset, DeviceState, Kind, Shape, Territory, geography, load
from core.territory.calendars import PARIS
from simulator.radio import Air

FOLDER = Path(__file__).parents[3] / "territories" / "grand-est"
EM400, DF702, PMX, PARAMETRIC = "milesight-em400-mud", "dingtek-df702", "pmx-tcr", "parametric-tcr"
CELL_DEG = 0.001


@pytest.fixture(scope="module")
def example() -> Territory:
    return load(FOLDER)


def of_kind(territory: Territory, kind: Kind) -> list[Asset]:
    return [asset for asset in territory.assets.values() if asset.kind is kind]


def profile_of(territory: Territory) -> dict[str, str]:
    """The profile of the device that measures an asset now."""
    return {a.asset: territory.devices[a.dev_eui].profile for a in territory.assignments if a.end_ms is None}


class Near:
    """Distances to the nearest of some assets, by cells of about 100 m."""

    def __init__(self, assets: Iterable[Asset]) -> None:
        self._cells: dict[tuple[int, int], list[Asset]] = defaultdict(list)
        for asset in assets:
            self._cells[self._cell(asset)].append(asset)

    def metres(self, asset: Asset) -> float:
        """To the nearest other one; infinite where there is none within about 70 m."""
        column, row = self._cell(asset)
        around = (self._cells[column + i, row + j] for i in (-1, 0, 1) for j in (-1, 0, 1))
        others = (other for group in around for other in group if other.id != asset.id)
        return min((self._distance_m(asset, other) for other in others), default=math.inf)

    @staticmethod
    def _cell(asset: Asset) -> tuple[int, int]:
        return math.floor(asset.lat / CELL_DEG), math.floor(asset.lon / CELL_DEG)

    @staticmethod
    def _distance_m(one: Asset, other: Asset) -> float:
        return 1000 * geography.distance_km(one.lat, one.lon, other.lat, other.lon)


def test_everything_stands_inside_its_commune_at_a_place_of_its_own(example: Territory) -> None:
    """No lamp, bin, counter or cabinet outside the outline; no two of them at one point."""
    assets = example.assets.values()
    assert all(geography.outside_km(asset.commune, asset.lat, asset.lon) == 0.0 for asset in assets)
    assert len({(asset.lat, asset.lon) for asset in assets}) == len(assets)


def test_every_asset_has_its_street(example: Territory) -> None:
    """Short French names, some 160 in the largest town; one is never shared by streets far from each other."""
    streets: dict[tuple[str, str], list[Asset]] = defaultdict(list)
    for asset in example.assets.values():
        assert asset.street, asset.id
        assert 5 <= len(asset.street) <= 40
        if asset.kind is Kind.LAMP:
            streets[asset.commune, asset.street].append(asset)
    by_commune = Counter(commune for commune, _ in streets)
    assert by_commune["88383"] > 150
    assert min(by_commune.values()) >= 4
    for lamps in streets.values():
        near = Near(lamps)
        assert len(lamps) == 1 or all(near.metres(lamp) < 66 for lamp in lamps), lamps[0].street


def test_bins_are_of_kinds_that_exist(example: Territory) -> None:
    """205: drop-off containers, buried ones, litter bins, a few lying tanks; three of five with a Milesight sensor."""
    bins, profiles = of_kind(example, Kind.BIN), profile_of(example)
    assert len(bins) == 205
    inside: Counter[str] = Counter()
    for one in bins:
        assert one.geometry is not None
        height_mm = one.geometry.height_mm
        if one.geometry.shape is Shape.LYING:
            inside["lying"] += 1
        else:
            inside["litter" if height_mm <= 900 else "container" if height_mm <= 2000 else "buried"] += 1
            assert 700 <= height_mm <= 900 or 1500 <= height_mm <= 2600
    assert inside["litter"] > 60
    assert inside["container"] > 80
    assert inside["buried"] > 20
    assert 3 <= inside["lying"] <= 8
    shares = Counter(profiles[one.id] for one in bins)
    assert set(shares) == {EM400, DF702}
    assert shares[EM400] / 205 == pytest.approx(0.6, abs=0.03)


def test_bins_stand_beside_streets(example: Territory) -> None:
    """One for about 165 inhabitants, each within 25 m of a lamp, none too close to the next."""
    bins = of_kind(example, Kind.BIN)
    for insee, count in Counter(one.commune for one in bins).items():
        assert count == pytest.approx(example.communes[insee].population / 165, abs=1)
    lamps, others = Near(of_kind(example, Kind.LAMP)), Near(bins)
    assert all(1 < lamps.metres(one) < 25 for one in bins)
    assert all(others.metres(one) > 1.5 for one in bins)
    assert sum(others.metres(one) < 4 for one in bins) > 100, "containers stand in groups"


def test_counters_stand_where_traffic_passes(example: Territory) -> None:
    """35: one a commune and one for 1,500 inhabitants; slow in the middle, fast where there are no lamps."""
    counters, profiles = of_kind(example, Kind.COUNTER), profile_of(example)
    assert len(counters) == 35
    assert set(Counter(one.commune for one in counters)) == set(example.communes)
    limits = Counter(one.speed_limit_kmh for one in counters)
    assert set(limits) == {30, 50, 70, 80}
    lamps = Near(of_kind(example, Kind.LAMP))
    for one in counters:
        assert one.speed_limit_kmh is not None
        assert (lamps.metres(one) < 40) == (one.speed_limit_kmh <= 50)
        assert (one.street or "").startswith("Route d") == (one.speed_limit_kmh > 50)
    makers = Counter(profiles[one.id] for one in counters)
    assert abs(makers[PMX] - makers[PARAMETRIC]) <= 1


def test_all_but_cabinets_have_a_device(example: Territory) -> None:
    """Each profile's devices have numbers of one block; a few lie in stock."""
    with_device = {a.asset for a in example.assignments if a.end_ms is None}
    assert with_device == {asset.id for asset in example.assets.values() if asset.kind is not Kind.CABINET}
    blocks = {(device.profile, device.dev_eui[:8]) for device in example.devices.values()}
    assert len(blocks) == len(example.profiles) == len({block for _, block in blocks})
    stock = Counter(device.profile for device in example.devices.values() if device.state is DeviceState.STOCK)
    assert set(stock) == set(example.profiles)
    assert all(1 <= count <= 6 for count in stock.values())


def test_two_bins_changed_their_sensor(example: Territory) -> None:
    """One was fouled and is in stock again, one burnt and is retired; both bins kept their history without a gap."""
    per_asset: dict[str, list[str]] = defaultdict(list)
    for a in example.assignments:
        per_asset[a.asset].append(a.dev_eui)
    swapped = {asset: euis for asset, euis in per_asset.items() if len(euis) == 2 and "-bin-" in asset}
    assert {example.devices[old].state for old, _ in swapped.values()} == {DeviceState.STOCK, DeviceState.RETIRED}
    for asset, (old, new) in swapped.items():
        start_ms = next(a.start_ms for a in example.assignments if a.dev_eui == new)
        assert example.devices[old].profile == example.devices[new].profile
        assert example.place(old, start_ms - 1, site="remiremont").asset == asset
        assert example.place(new, start_ms, site="remiremont").asset == asset


def test_devices_were_fitted_by_people(example: Territory) -> None:
    """On working days between 8 and 17, at most 150 a day."""
    fitted = [datetime.fromtimestamp(a.start_ms / 1000, PARIS) for a in example.assignments]
    assert all(at.weekday() < 5 and 8 <= at.hour < 17 for at in fitted)
    assert max(Counter(at.date() for at in fitted).values()) <= 150


def test_no_commune_is_deaf(example: Territory) -> None:
    """Most devices reach a gateway of their site at SF7 or SF8, hardly one needs SF12, in every commune."""
    gateways = {site.tenant: site.gateways for site in example.sites.values()}
    rates: dict[str, Counter[int]] = defaultdict(Counter)
    for asset in example.assets.values():
        if asset.kind is not Kind.CABINET:
            heard_by = gateways[example.communes[asset.commune].tenant]
            air = Air(heard_by, lat=asset.lat, lon=asset.lon, rng=Random(asset.id), loss=0.0)
            rates[asset.commune][air.best_dr] += 1
    everywhere = sum(rates.values(), Counter())
    assert (everywhere[5] + everywhere[4]) / everywhere.total() > 0.75
    assert everywhere[0] / everywhere.total() < 0.02
    for insee, found in rates.items():
        assert found[0] / found.total() < 0.25, example.communes[insee].name
