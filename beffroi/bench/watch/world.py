"""What a bench watches: a scenario built on a territory that declares what lives in it, and nothing else."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from beffroi.bench.watch.host import Arrival
from beffroi.bench.watch.road import HEALTH_MS, arrivals
from core.territory import Kind, Territory
from simulator import fleet
from simulator.devices.base import Fact
from simulator.faults import HARD, FaultRates
from simulator.fleet import Fleet
from simulator.network import Node
from simulator.scenario import FleetName, Scenario


class World:
    """One scenario; to be lived once.

    Args:
        lives: which of the fleet's devices; all when not given.
    """

    def __init__(
        self,
        territory: Territory,
        *,
        seed: int,
        start_ms: int,
        name: FleetName,
        faults: FaultRates = HARD,
        lives: Callable[[Node], bool] = lambda _: True,
    ) -> None:
        self._scenario = Scenario(Path(), start_ms, seed=seed, fleet=name, faults=faults)
        built = fleet.build(territory, self._scenario)
        self._fleet = Fleet(tuple(node for node in built.nodes if lives(node)), built.left_out, built.outages)
        self.territory = _living(territory, {node.asset for node in self._fleet.nodes})
        self.edges = {node.asset: node.edge for node in self._fleet.nodes}
        self.best_gateways = {
            node.asset: territory.sites[node.edge].gateways[max(node.air.paths, key=lambda path: path.rssi_dbm)[0]].eui
            for node in self._fleet.nodes
        }

    def arrivals(self, *, until_ms: int, health_ms: int = HEALTH_MS) -> Iterator[Arrival | Fact]:
        return arrivals(self.territory, self._scenario, self._fleet, until_ms=until_ms, health_ms=health_ms)


def _living(territory: Territory, assets: set[str]) -> Territory:
    """The cabinets stay: their circuits are watched."""
    kept = {name: one for name, one in territory.assets.items() if name in assets or one.kind is Kind.CABINET}
    assignments = tuple(one for one in territory.assignments if one.asset in kept)
    devices = {one.dev_eui: territory.devices[one.dev_eui] for one in assignments}
    circuits = {one.circuit for one in kept.values()}
    return replace(
        territory,
        assets=kept,
        assignments=assignments,
        devices=devices,
        circuits={name: one for name, one in territory.circuits.items() if name in circuits},
    )
