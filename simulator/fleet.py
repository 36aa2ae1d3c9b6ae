"""The devices of a territory, each with its life, its air and its network server."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID, uuid5

from core.territory.geography import distance_km
from core.territory.model import Asset, Assignment, Kind, Profile, Site, Supply, Territory
from simulator.devices.base import Device
from simulator.devices.failures import failures
from simulator.devices.lamp import Lamp, LampPlan
from simulator.emit.chirpstack import EventWriter, GatewayFace, Identity
from simulator.lighting import Lighting
from simulator.network import Node
from simulator.radio import Air, Session
from simulator.scenario import FleetName, Scenario, random_of

_IDS = UUID("8f0c1a52-5b0e-4f6c-9c3f-9a0b6f0f2f11")  # namespace of the ids a network server would have drawn
_RATED_POWER_W = 40.0  # of a lamp whose power nobody declared
_SESSION_FRAMES = 100_000  # a device in a session has sent up to so many frames in it


@dataclass(frozen=True, slots=True)
class Selection:
    """Which assets of a territory are alive: of these kinds, this share of them (0 to 1)."""

    kinds: frozenset[Kind]
    share: float = 1.0

    def takes(self, asset: Asset) -> bool:
        """A share is the same assets whatever the seed."""
        if asset.kind not in self.kinds:
            return False
        return self.share >= 1.0 or random_of(0, asset.id, "selection").random() < self.share


# All that is declared, for both: the territory decides. A smaller selection of kinds or a share goes here.
SELECTIONS: Mapping[FleetName, Selection] = {
    FleetName.FULL: Selection(frozenset(Kind)),
    FleetName.CABINET: Selection(frozenset(Kind)),
}


@dataclass(frozen=True, slots=True)
class Fleet:
    """The nodes, by DevEUI, and why others are left out."""

    nodes: tuple[Node, ...]
    left_out: Mapping[str, int]

    @property
    def edges(self) -> list[str]:
        return sorted({node.edge for node in self.nodes})


def build(territory: Territory, scenario: Scenario) -> Fleet:
    """Every device that is assigned to a selected asset during the scenario."""
    return _Builder(territory, scenario).build()


_Model = Callable[[Assignment, Asset, Profile, Air], Device]


class _Builder:
    def __init__(self, territory: Territory, scenario: Scenario) -> None:
        self._territory = territory
        self._scenario = scenario
        self._selection = SELECTIONS[scenario.fleet]
        self._lightings: dict[tuple[str, str], Lighting] = {}
        self._faces = {
            site.id: [GatewayFace(one.eui, one.lat, one.lon) for one in site.gateways]
            for site in territory.sites.values()
        }
        self._models: Mapping[Kind, _Model] = {Kind.LAMP: self._lamp}
        self._left_out: Counter[str] = Counter()

    def build(self) -> Fleet:
        nodes = [node for one in self._territory.assignments if (node := self._node(one)) is not None]
        nodes.sort(key=lambda node: (node.dev_eui, node.start_ms))
        return Fleet(tuple(nodes), dict(self._left_out))

    def _node(self, assignment: Assignment) -> Node | None:
        if assignment.end_ms is not None and assignment.end_ms <= self._scenario.start_ms:
            return None
        asset = self._territory.assets[assignment.asset]
        if not self._selection.takes(asset):
            return None
        model = self._models.get(asset.kind)
        site = self._site(asset)
        if model is None or site is None or not site.gateways or not site.applications:
            self._left_out[_why(asset, model, site)] += 1
            return None
        dev_eui, seed, faults = assignment.dev_eui, self._scenario.seed, self._scenario.faults
        profile = self._territory.profiles[self._territory.devices[dev_eui].profile]
        air = Air(site.gateways, lat=asset.lat, lon=asset.lon, rng=random_of(seed, dev_eui, "radio"), loss=faults.loss)
        network = random_of(seed, dev_eui, "network")
        return Node(
            dev_eui=dev_eui,
            asset=asset.id,
            edge=site.id,
            start_ms=max(self._scenario.start_ms, assignment.start_ms),
            device=model(assignment, asset, profile, air),
            air=air,
            session=Session(network, best_dr=air.best_dr, f_cnt=network.randrange(_SESSION_FRAMES)),
            writer=EventWriter(self._identity(asset, site, dev_eui, profile), self._faces[site.id]),
            gps=tuple(index == 0 for index in range(len(site.gateways))),  # the first is on a roof, with a GPS
            rng=network,
            late_copies=faults.late_copies,
        )

    def _site(self, asset: Asset) -> Site | None:
        """The nearest site of the asset's tenant."""
        tenant = self._territory.communes[asset.commune].tenant
        sites = [site for site in self._territory.sites.values() if site.tenant == tenant]
        return min(sites, key=lambda site: distance_km(asset.lat, asset.lon, site.lat, site.lon), default=None)

    def _identity(self, asset: Asset, site: Site, dev_eui: str, profile: Profile) -> Identity:
        tenant = self._territory.tenants[site.tenant]
        return Identity(
            tenant_id=_id("tenant", tenant.id),
            tenant_name=tenant.name,
            application_id=site.applications[0],
            application_name=site.id,
            profile_id=_id("profile", tenant.id, profile.id),
            profile_name=profile.id,
            device_name=asset.id,
            dev_eui=dev_eui,
            device_class=profile.device_class.value,
            tags={"codec": profile.codec},
            region_config_id=profile.region.value.lower(),
        )

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

    def _lamp(self, assignment: Assignment, asset: Asset, profile: Profile, air: Air) -> Device:
        scenario, dev_eui = self._scenario, assignment.dev_eui
        lighting, switched = self._lighting(asset)
        start_ms = max(scenario.start_ms, assignment.start_ms)
        plan = LampPlan(
            dev_eui=dev_eui,
            lat=asset.lat,
            rated_power_w=asset.rated_power_w or _RATED_POWER_W,
            switched=switched,
            interval_ms=profile.expected_interval_s * 1000,
            start_ms=start_ms,
            end_ms=assignment.end_ms,
            fresh=assignment.start_ms > scenario.start_ms,
            downlink_rssi_dbm=round(air.best_rssi_dbm),
            downlink_snr_db=round(min(10.0, air.best_rssi_dbm + 117)),
        )
        return Lamp(
            plan,
            steps=lighting.steps_from(start_ms),
            is_night=lighting.is_night,
            failures=failures(
                random_of(scenario.seed, dev_eui, "failures"),
                start_ms=start_ms,
                per_day=scenario.faults.failures_per_day,
                failing=scenario.faults.failing,
                permanent=not switched,
            ),
            rng=random_of(scenario.seed, dev_eui, "lamp"),
        )


def _why(asset: Asset, model: _Model | None, site: Site | None) -> str:
    if model is None:
        return f"no simulated {asset.kind.value} yet"
    if site is None:
        return f"no site of its tenant ({asset.commune})"
    return f"site {site.id} declares no {'gateway' if not site.gateways else 'application'}"


def _id(*names: str) -> str:
    return str(uuid5(_IDS, "/".join(names)))
