"""What `beffroi bench watch` prints, which seeds it takes, and the crowd it makes up."""

from pathlib import Path

import pytest
import typer

from beffroi.bench.cli import _seeds
from beffroi.bench.watch import crowd, slices, year
from beffroi.bench.watch.evaluation import EVALUATION, TUNING, Evaluation, as_json, as_text
from beffroi.bench.watch.matching import EMPTYING, RULES, Tally
from beffroi.bench.watch.sight import Eyes
from beffroi.bench.watch.world import World
from cloud.schema import UPLINK
from cloud.stores.base import Point
from cloud.watch.heard import read_heard
from core.territory import Kind
from simulator.devices.base import Fact
from simulator.faults import FaultRates
from simulator.scenario import FleetName
from tests.support import mixed_territory
from tests.support.scenario import HOUR_MS, WINTER_MS

TOWN = mixed_territory.territory(lamps=4, circuit=2, bins=2, counters=2)


def found(**changed: Tally) -> Evaluation:
    """Everything as asked for, but what is given (by kind, `_` for a dot)."""
    tallies = {
        kind: Tally(100, 99, 99, 100, [60_000] * 99, ["seed 1: a lamp"], ["seed 2: another"])
        for kind in (*(rule.kind for rule in RULES), EMPTYING)
    }
    tallies |= {kind.replace("_", ".", 1): tally for kind, tally in changed.items()}
    return Evaluation(tallies, {"bin.full": 3}, 1_000, 2.5)


def test_the_table_has_a_line_for_each_matter_and_names_the_cases() -> None:
    """Recall, precision, time to detect; then what was missed and what was wrong; then what is not compared."""
    text = as_text(found(), seeds=[1000, 1001], days=7)
    lines = text.splitlines()
    assert lines[0].startswith("seeds 1000-1001, 7 days each")
    line = next(line for line in lines if line.startswith("silence.device"))
    assert line.split() == ["silence.device", "100", "99", "1", "1", "0.990", "0.990", "1", "min", "1", "min", "met"]
    assert "light.lamp_failure, missed: seed 1: a lamp" in lines
    assert "bin.emptied, wrong: seed 2: another" in lines
    assert lines[-1] == "not compared: 3 bin.full"


def test_one_matter_below_its_target_misses_it_for_all() -> None:
    """Of the four that the issue names; another one does not count, and no case at all is no success."""
    assert found().met
    assert not found(bin_emptied=Tally(100, 97, 97, 97, [], [], [])).met
    assert not found(light_lamp_failure=Tally(100, 100, 97, 100, [], [], [])).met
    assert not found(silence_device=Tally(delays_ms=[], missed=[], wrong=[])).met
    assert found(light_flicker=Tally(100, 50, 50, 100, [], [], [])).met
    assert "MISSED" in as_text(found(bin_emptied=Tally(100, 97, 97, 97, [], [], [])), seeds=[1], days=1)


def test_the_json_has_every_figure() -> None:
    """For scripts: the counts, the shares and the cases."""
    told = as_json(found(), seeds=[1000], days=7)
    assert told["met"] is True
    matter = told["matters"]["bin.emptied"]
    assert (matter["asked"], matter["found"], matter["recall"], matter["median_s"]) == (100, 99, 0.99, 60.0)
    assert matter["missed"] == ["seed 1: a lamp"]


@pytest.mark.parametrize(("text", "seeds"), [("7", [7]), ("1000-1002", [1000, 1001, 1002])])
def test_seeds_are_one_or_a_range(text: str, seeds: list[int]) -> None:
    """Ends included."""
    assert _seeds(text) == seeds


@pytest.mark.parametrize("text", ["", "x", "3-1", "1-", "-5", "1,2"])
def test_other_seeds_are_refused(text: str) -> None:
    """Said, not guessed."""
    with pytest.raises(typer.BadParameter):
        _seeds(text)


def test_seeds_of_tuning_are_none_of_evaluation() -> None:
    """What a constant was chosen on says nothing of how good it is."""
    assert not set(TUNING) & set(EVALUATION)


def test_a_crowd_is_the_town_told_again_under_other_names() -> None:
    """As many sensors as asked for; each copy's points are of its own assets, sites and gateways."""
    declared = crowd._copy(TOWN, 1, 20)
    assert len(declared.assignments) == len(declared.devices) == 20
    assert len([one for one in declared.assets.values() if one.kind is not Kind.CABINET]) == 20
    assert not set(declared.assets) & set(crowd._copy(TOWN, 2, 20).assets)
    declared = crowd._copy(TOWN, 1, len(TOWN.assignments))
    world = World(TOWN, seed=1, start_ms=WINTER_MS, name=FleetName.FULL, faults=FaultRates().scaled(0))
    points = [
        point
        for item in world.arrivals(until_ms=WINTER_MS + HOUR_MS)
        if not isinstance(item, Fact)
        for point in item.made.points
    ]
    again = list(crowd._retold(points, 1))
    gateways = {one.eui for site in declared.sites.values() for one in site.gateways}
    assert len(again) == len(points)
    heard = 0
    for point in again:
        assert point.tags["commune"] in declared.communes
        if point.measurement == UPLINK:
            assert point.tags["asset"] in declared.assets
            told = read_heard(point)
            assert told is not None
            assert told.edge in declared.sites
            assert set(told.gateways) <= gateways
            assert told.device == next(one.dev_eui for one in declared.assignments if one.asset == point.tags["asset"])
            heard += 1
    assert heard > 20
    eyes = Eyes(declared, now_ms=WINTER_MS)
    assert eyes.look(again, WINTER_MS + HOUR_MS).changes


def test_the_news_of_a_pass_is_the_last_uplink_of_each(tmp_path: Path) -> None:
    """Of those that have spoken within two hours before it."""

    def point(device: str, at_us: int, measurement: str = UPLINK) -> Point:
        return Point(measurement, {"device": device}, at_us, {"level_pct": 1.0})

    news_ms = crowd._NEWS_MS
    slices.write(
        tmp_path / "points",
        [
            (news_ms - 3 * HOUR_MS, [point("a", 1), point("c", 1)]),
            (news_ms - HOUR_MS, [point("a", 2), point("b", 3)]),
            (news_ms, [point("a", 4), point("a", 5, "light")]),
        ],
    )
    assert crowd._last_words(tmp_path / "points") == {"a": 4, "b": 3}


def test_a_year_is_shared_out_by_commune() -> None:
    """Each commune to one process, about as many devices to each."""
    parts = year._parts(TOWN, FleetName.FULL, 2)
    assert len(parts) == 2
    assert not parts[0] & parts[1]
    assert parts[0] | parts[1] == set(TOWN.communes)
