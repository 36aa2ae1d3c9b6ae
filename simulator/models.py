"""From what a territory declares of an asset and its device to the simulated device: one model for each codec."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from core.territory.model import Asset, Assignment, Commune, Geometry, Kind, Profile, Shape, Supply, Territory
from simulator.devices import failures
from simulator.devices.base import Device
from simulator.devices.bin import Bin, BinPlan
from simulator.devices.bin_sensors import Df702, Em400Mud, Sensor
from simulator.devices.container import Habits
from simulator.devices.counter import Counter, CounterPlan
from simulator.devices.lamp import Lamp, LampPlan
from simulator.devices.radars import Parametric, Pmx, Radar
from simulator.devices.rounds import market_of, rounds_of
from simulator.devices.street import Street
from simulator.lighting import Lighting
from simulator.outages import Outages
from simulator.radio import Air
from simulator.scenario import Scenario, random_of

_RATED_POWER_W = 40.0  # of a lamp whose power nobody declared
_GEOMETRY = Geometry(Shape.UPRIGHT, 1_200, 60)  # of a bin whose inside nobody measured
_SPEED_LIMIT_KMH = 50  # of a street whose limit nobody declared: the one of a French commune
_TALL_MM = 1_600  # from here on a bin is a container for many households
_TOWN_CENTRE_DEG = 0.006


@dataclass(frozen=True, slots=True)
class Spot:
    """A device where it is: what is declared, and the air around it. `start_ms`: first instant it can live."""

    assignment: Assignment
    asset: Asset
    profile: Profile
    air: Air
    start_ms: int

    @property
    def fresh(self) -> bool:
        """True when it is put up during the scenario."""
        return self.assignment.start_ms >= self.start_ms

    @property
    def interval_ms(self) -> int:
        return self.profile.expected_interval_s * 1000


class Models:
    """Makes the devices of a scenario. What several of them share, such as the nights of a circuit, is made once."""

    def __init__(self, territory: Territory, scenario: Scenario, outages: Outages) -> None:
        self._territory = territory
        self._outages = outages
        self._scenario = scenario
        self._lightings: dict[tuple[str, str], Lighting] = {}
        self._models: Mapping[tuple[Kind, str], Callable[[Spot], Device]] = {
            (Kind.LAMP, "nas_ul20xx"): self._lamp,
            (Kind.BIN, "milesight_em400_mud"): lambda spot: self._bin(spot, Em400Mud(spot.assignment.dev_eui)),
            (Kind.BIN, "dingtek_df702"): lambda spot: self._bin(spot, Df702(_geometry(spot.asset).height_mm)),
            (Kind.COUNTER, "pmx_tcr"): self._pmx,
            (Kind.COUNTER, "parametric_tcr"): self._parametric,
        }

    def find(self, asset: Asset, profile: Profile) -> Callable[[Spot], Device] | None:
        """What makes a device of this profile for such an asset; None: nothing does."""
        return self._models.get((asset.kind, profile.codec.partition("@")[0]))

    def _commune(self, spot: Spot) -> Commune:
        return self._territory.communes[spot.asset.commune]

    # lamps

    def _lighting(self, asset: Asset) -> tuple[Lighting, bool]:
        """What the lamp's circuit is told, and whether it is switched; shared by the circuit's lamps."""
        commune = self._territory.communes[asset.commune]
        circuit = None if asset.circuit is None else self._territory.circuits[asset.circuit]
        calendar = None if circuit is None else self._territory.calendars[circuit.calendar]
        key = (asset.commune, "" if circuit is None else circuit.id)
        lighting = self._lightings.get(key)
        if lighting is None:
            lighting = Lighting(calendar, self._territory.programmes, lat=commune.lat, lon=commune.lon)
            self._lightings[key] = lighting
        return lighting, circuit is not None and circuit.supply is Supply.SWITCHED

    def _lamp(self, spot: Spot) -> Device:
        scenario, dev_eui = self._scenario, spot.assignment.dev_eui
        lighting, switched = self._lighting(spot.asset)
        plan = LampPlan(
            dev_eui=dev_eui,
            lat=spot.asset.lat,
            rated_power_w=spot.asset.rated_power_w or _RATED_POWER_W,
            switched=switched,
            interval_ms=spot.interval_ms,
            start_ms=spot.start_ms,
            end_ms=spot.assignment.end_ms,
            fresh=spot.fresh,
            downlink_rssi_dbm=round(spot.air.best_rssi_dbm),
            downlink_snr_db=round(min(10.0, spot.air.best_rssi_dbm + 117)),
            supply=self._outages.supply(spot.asset.circuit),
        )
        return Lamp(
            plan,
            steps=lighting.steps_from(spot.start_ms),
            is_night=lighting.is_night,
            failures=failures.failures(
                random_of(scenario.seed, dev_eui, "failures"),
                start_ms=spot.start_ms,
                per_day=scenario.faults.failures_per_day,
                failing=scenario.faults.failing,
                kinds=failures.SWITCHED_LAMP if switched else failures.LAMP,
                deaths=scenario.faults.deaths,
            ),
            rng=random_of(scenario.seed, dev_eui, "lamp"),
        )

    # bins

    def _bin(self, spot: Spot, sensor: Sensor) -> Device:
        scenario, dev_eui, asset = self._scenario, spot.assignment.dev_eui, spot.asset
        faults = scenario.faults
        commune = self._commune(spot)
        rng = random_of(scenario.seed, asset.id, "habits")
        geometry = _geometry(asset)
        rounds = rounds_of(commune, asset.id)
        bag = 0.01 if geometry.height_mm >= _TALL_MM else 0.035
        share_a_day = rng.triangular(0.2, 1.2, 0.65) / rounds.apart_days
        central = abs(asset.lat - commune.lat) + abs(asset.lon - commune.lon) < _TOWN_CENTRE_DEG
        habits = Habits(
            bags_a_day=share_a_day / (bag * 1.08),
            bag=bag,
            market=market_of(commune) if central else None,
            tourists=central and rng.random() < 0.5,
        )
        days = (spot.start_ms - rounds.last_ms(spot.start_ms)) / 86_400_000
        return Bin(
            BinPlan(
                geometry=geometry,
                lat=asset.lat,
                interval_ms=spot.interval_ms,
                start_ms=spot.start_ms,
                end_ms=spot.assignment.end_ms,
                fresh=spot.fresh,
                odd_echoes=faults.odd_echoes,
                missed_rounds=faults.missed_rounds,
            ),
            sensor=sensor,
            habits=habits,
            rounds=rounds,
            share=max(0.02, min(1.2, days * share_a_day * rng.gauss(1.0, 0.2))),
            failures=failures.failures(
                random_of(scenario.seed, dev_eui, "failures"),
                start_ms=spot.start_ms,
                per_day=faults.failures_per_day,
                failing=faults.failing,
                kinds=failures.BIN,
                deaths=faults.deaths,
            ),
            rng=random_of(scenario.seed, dev_eui, "bin"),
        )

    # counters

    def _pmx(self, spot: Spot) -> Device:
        solar = spot.asset.circuit is None
        return self._counter(spot, Pmx(speed_limit_kmh=_speed_limit_kmh(spot.asset), solar=solar), solar=solar)

    def _parametric(self, spot: Spot) -> Device:
        solar = spot.asset.circuit is None
        radar = Parametric(
            speed_limit_kmh=_speed_limit_kmh(spot.asset), solar=solar, interval_min=max(1, spot.interval_ms // 60_000)
        )
        return self._counter(spot, radar, solar=solar)

    def _counter(self, spot: Spot, radar: Radar, *, solar: bool) -> Device:
        scenario, dev_eui, asset = self._scenario, spot.assignment.dev_eui, spot.asset
        commune = self._commune(spot)
        rng = random_of(scenario.seed, asset.id, "street")
        limit_kmh = _speed_limit_kmh(asset)
        by_limit = 0.5 if limit_kmh <= 30 else 1.0 if limit_kmh <= 50 else 1.3
        by_size = 400.0 * (max(100, commune.population) / 250.0) ** 0.8
        street = Street(
            vehicles_a_day=min(15_000.0, by_size * by_limit * rng.lognormvariate(0.0, 0.35)),
            speed_limit_kmh=limit_kmh,
            pace=rng.uniform(0.84, 0.98),
        )
        return Counter(
            CounterPlan(
                street=street,
                lat=commune.lat,
                lon=commune.lon,
                interval_ms=spot.interval_ms,
                solar=solar,
                start_ms=spot.start_ms,
                end_ms=spot.assignment.end_ms,
                fresh=spot.fresh,
                supply=self._outages.supply(asset.circuit),
            ),
            radar=radar,
            inbound_left=rng.random() < 0.5,
            failures=failures.failures(
                random_of(scenario.seed, dev_eui, "failures"),
                start_ms=spot.start_ms,
                per_day=scenario.faults.failures_per_day,
                failing=0.0,
                kinds=failures.COUNTER,
                deaths=scenario.faults.deaths,
            ),
            rng=random_of(scenario.seed, dev_eui, "counter"),
        )


def _geometry(asset: Asset) -> Geometry:
    return asset.geometry or _GEOMETRY


def _speed_limit_kmh(asset: Asset) -> int:
    return asset.speed_limit_kmh or _SPEED_LIMIT_KMH
