"""A small fleet's territory declares what lives in it and nothing else."""

from pathlib import Path

from beffroi.demo.fleet import declare
from core.territory import Kind, load
from simulator.scenario import FleetName
from simulator.selection import SELECTIONS

EXAMPLE = Path(__file__).parents[3] / "territories" / "grand-est"


def test_what_does_not_live_is_not_declared(tmp_path: Path) -> None:
    """The chosen assets with their cabinets, circuits and devices: a valid territory of the same communes and sites."""
    whole = load(EXAMPLE)
    chosen = SELECTIONS[FleetName.CABINET].choose(
        whole.assets[name] for name in {one.asset for one in whole.assignments}
    )
    declare(EXAMPLE, whole, chosen, tmp_path / "small")
    small = load(tmp_path / "small")
    assert {name for name, asset in small.assets.items() if asset.kind is not Kind.CABINET} == chosen
    assert {one.asset for one in small.assignments} == chosen
    assert small.devices.keys() == {one.dev_eui for one in small.assignments}
    assert {asset.circuit for asset in small.assets.values()} - {None} == small.circuits.keys()
    assert (small.communes, small.sites) == (whole.communes, whole.sites)
    assert all(small.assets[name] == whole.assets[name] for name in small.assets)
