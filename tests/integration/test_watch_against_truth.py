"""The watch against the simulator's truth: a small town in the scenario `hard`, whole, from payloads to findings."""

import json
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from beffroi.bench.watch.evaluation import TUNING
from beffroi.bench.watch.matching import EMPTYING
from beffroi.bench.watch.watching import Watched, watch
from core.territory import Asset, Kind, Territory
from simulator.faults import HARD
from simulator.scenario import FleetName
from tests.support import mixed_territory

_SEED = 5
_DAYS = 7
_TROUBLED = replace(HARD, failures_per_day=0.2, site_outages_per_week=4.0, supply_failures_per_week=1.0)


def territory() -> Territory:
    """84 devices in three communes, with the cabinets of their circuits."""
    declared = mixed_territory.territory(lamps=18, circuit=6, bins=8, counters=2)
    cabinets = {}
    for circuit in declared.circuits.values():
        commune = declared.communes[circuit.cabinet[:5]]
        cabinets[circuit.cabinet] = Asset(circuit.cabinet, Kind.CABINET, commune.insee, commune.lat, commune.lon)
    return replace(declared, assets={**declared.assets, **cabinets})


@cache
def town() -> Watched:
    """A week in which each device fails about twice; seeds of evaluation are not looked at here."""
    assert _SEED in TUNING
    return watch(territory(), seed=_SEED, days=_DAYS, name=FleetName.FULL, faults=_TROUBLED)


@pytest.mark.parametrize(
    ("kind", "at_least"),
    [("silence.device", 10), ("light.lamp_failure", 10), ("light.burning_by_day", 5), (EMPTYING, 20)],
)
def test_what_happened_is_seen_and_what_is_said_did_happen(kind: str, at_least: int) -> None:
    """Of each matter at least nine in ten troubles are found and nine in ten findings right; the cases are named.

    The bench asks for 0.98 on many more: here one miss in twenty may be chance.
    """
    tally = town().comparison.tallies[kind]
    assert tally.asked >= at_least
    assert tally.found >= 0.9 * tally.asked, tally.missed
    assert tally.right >= 0.9 * tally.raised, tally.wrong


def test_a_site_that_is_out_is_one_finding_at_once() -> None:
    """Told within two passes of the broker's last will."""
    sites = town().comparison.tallies["silence.site"]
    assert sites.asked >= 2
    assert sites.found == sites.asked, sites.missed
    assert max(sites.delays_ms) <= 600_000


def test_a_circuit_without_supply_is_one_finding() -> None:
    """Of its cabinet."""
    circuits = town().comparison.tallies["silence.circuit"]
    assert circuits.asked >= 2
    assert circuits.found >= circuits.asked - 1, circuits.missed
    assert circuits.right == circuits.raised, circuits.wrong


def test_a_pass_costs_little() -> None:
    """The watch of a point costs less than a millisecond, its whole pass included."""
    assert town().watch_s / town().points < 0.001


def test_the_bench_measures_how_fast_it_is() -> None:
    """`bench watch --year`, here of a few hours: simulated, written, read and watched by two processes."""
    asked = subprocess.run(
        [sys.executable, "-m", "beffroi", "bench", "watch", "--year", "--days", "0.2", "--json"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    figures = {one["name"]: one["value"] for one in json.loads(asked.stdout)["figures"]}
    assert figures["points"] > 5_000
    assert figures["0.2 days watched, the slower of 2 processes"] > 0
    assert "watched 90%" in asked.stderr
