"""The devices of a territory, each with its life, its air and its network server."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID, uuid5

from core.territory.geography import distance_km
from core.territory.model import Asset, Assignment, Profile, Site, Territory
from simulator import collector
from simulator.devices.base import Fact
from simulator.emit.chirpstack import EventWriter, GatewayFace, Identity
from simulator.models import Models, Spot
from simulator.network import Event, Node
from simulator.outages import Outages
from simulator.radio import Air, Session
from simulator.scenario import Scenario, random_of
from simulator.selection import SELECTIONS, Selection
from simulator.stream import stream

__all__ = ["SELECTIONS", "Fleet", "Selection", "build"]

_IDS = UUID("8f0c1a52-5b0e-4f6c-9c3f-9a0b6f0f2f11")  # namespace of the ids a network server would have drawn
_SESSION_FRAMES = 100_000  # a device in a session has sent up to so many frames in it


@dataclass(frozen=True, slots=True)
class Fleet:
    """The nodes, by DevEUI, why others are left out, and what is out around them."""

    nodes: tuple[Node, ...]
    left_out: Mapping[str, int]
    outages: Outages

    @property
    def edges(self) -> list[str]:
        return sorted({node.edge for node in self.nodes})

    def stream(self, scenario: Scenario) -> Iterator[Event | Fact]:
        """Events and facts of the scenario the fleet was built for, by time. To be asked for once."""
        return stream(
            self.nodes, seed=scenario.seed, start_ms=scenario.start_ms, faults=scenario.faults, outages=self.outages
        )


def build(territory: Territory, scenario: Scenario) -> Fleet:
    """Every device that is assigned to a selected asset during the scenario."""
    with collector.paused():
        return _Builder(territory, scenario).build()


class _Builder:
    def __init__(self, territory: Territory, scenario: Scenario) -> None:
        self._territory = territory
        self._scenario = scenario
        self._sites = {
            tenant: [site for site in territory.sites.values() if site.tenant == tenant] for tenant in territory.tenants
        }
        self._faces = {
            site.id: tuple(GatewayFace(one.eui, one.lat, one.lon) for one in site.gateways)
            for site in territory.sites.values()
        }
        self._left_out: Counter[str] = Counter()
        self._living = [one for one in territory.assignments if one.end_ms is None or one.end_ms > scenario.start_ms]
        assets = territory.assets
        self._chosen = SELECTIONS[scenario.fleet].choose(assets[name] for name in {one.asset for one in self._living})
        self._outages = Outages(
            seed=scenario.seed,
            start_ms=scenario.start_ms,
            rates=scenario.faults,
            sites={
                site.id: tuple(one.eui for one in site.gateways)
                for site in territory.sites.values()
                if site.gateways and site.applications
            },
            circuits=sorted({circuit for name in self._chosen if (circuit := assets[name].circuit) is not None}),
        )
        self._models = Models(territory, scenario, self._outages)

    def build(self) -> Fleet:
        nodes = [node for one in self._living if one.asset in self._chosen and (node := self._node(one)) is not None]
        nodes.sort(key=lambda node: (node.dev_eui, node.start_ms))
        return Fleet(tuple(nodes), dict(self._left_out), self._outages)

    def _node(self, assignment: Assignment) -> Node | None:
        dev_eui, seed, faults = assignment.dev_eui, self._scenario.seed, self._scenario.faults
        asset = self._territory.assets[assignment.asset]
        profile = self._territory.profiles[self._territory.devices[dev_eui].profile]
        make = self._models.find(asset, profile)
        site = self._site(asset)
        if make is None or site is None or not site.gateways or not site.applications:
            self._left_out[_why(asset, profile, site, known=make is not None)] += 1
            return None
        air = Air(site.gateways, lat=asset.lat, lon=asset.lon, rng=random_of(seed, dev_eui, "radio"), loss=faults.loss)
        network = random_of(seed, dev_eui, "network")
        start_ms = max(self._scenario.start_ms, assignment.start_ms)
        return Node(
            dev_eui=dev_eui,
            asset=asset.id,
            edge=site.id,
            start_ms=start_ms,
            device=make(Spot(assignment, asset, profile, air, start_ms)),
            air=air,
            session=Session(network, best_dr=air.best_dr, f_cnt=network.randrange(_SESSION_FRAMES)),
            writer=EventWriter(self._identity(asset, site, dev_eui, profile), self._faces[site.id]),
            gps=tuple(index == 0 for index in range(len(site.gateways))),  # the first is on a roof, with a GPS
            rng=network,
            late_copies=faults.late_copies,
            outages=self._outages.of_site(site.id, [one.eui for one in site.gateways]),
        )

    def _site(self, asset: Asset) -> Site | None:
        """The nearest site of the asset's tenant."""
        sites = self._sites[self._territory.communes[asset.commune].tenant]
        if len(sites) == 1:
            return sites[0]
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


def _why(asset: Asset, profile: Profile, site: Site | None, *, known: bool) -> str:
    if not known:
        return f"no simulated {asset.kind.value} speaks {profile.codec} (profile {profile.id})"
    if site is None:
        return f"no site of its tenant ({asset.commune})"
    return f"site {site.id} declares no {'gateway' if not site.gateways else 'application'}"


@lru_cache(maxsize=1024)
def _id(*names: str) -> str:
    return str(uuid5(_IDS, "/".join(names)))
