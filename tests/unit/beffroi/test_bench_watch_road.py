"""The bench's road: what arrives when, late, twice, after an outage, with a mended clock."""

from collections import Counter
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path

from beffroi.bench.watch import slices
from beffroi.bench.watch.host import Arrival
from beffroi.bench.watch.watching import passes
from beffroi.bench.watch.world import World
from cloud.schema import EVENT, SITE, UPLINK, uplink_of
from cloud.stores.base import Point
from core.model import ClockQuality
from core.territory import Kind
from simulator.devices.base import Fact
from simulator.faults import HARD, FaultRates
from simulator.scenario import FleetName
from tests.support import mixed_territory
from tests.support.scenario import HOUR_MS, WINTER_MS

_QUIET = FaultRates().scaled(0)
_HOURS = 30
TOWN = mixed_territory.territory(lamps=4, circuit=2, bins=1, counters=1)


def lived(faults: FaultRates, *, seed: int = 1, hours: float) -> list[Arrival | Fact]:
    world = World(TOWN, seed=seed, start_ms=WINTER_MS, name=FleetName.FULL, faults=faults)
    return list(world.arrivals(until_ms=WINTER_MS + round(hours * HOUR_MS), health_ms=600_000))


@cache
def cut() -> list[Arrival | Fact]:
    """An outage every ten hours, and nothing else that is wrong."""
    return lived(replace(_QUIET, site_outages_per_week=17.0), hours=_HOURS)


def uplinks(items: list[Arrival | Fact]) -> list[tuple[int, Point]]:
    return [
        (item.at_ms, item.made.points[0])
        for item in items
        if isinstance(item, Arrival) and item.made.points[0].measurement == UPLINK
    ]


def outages(items: list[Arrival | Fact]) -> list[Fact]:
    return [item for item in items if isinstance(item, Fact) and item.fact == "site_out"]


def test_the_same_seed_arrives_in_the_same_way_and_in_order() -> None:
    """By the time of arrival, but for what a host and a fact do in one second."""
    once = lived(HARD, hours=8)
    assert once == lived(HARD, hours=8)
    assert all(later.at_ms >= earlier.at_ms - 1_000 for earlier, later in pairwise(once))


def test_a_quiet_road_has_no_delay() -> None:
    """An uplink is there a quarter of a second after it was sent; each once."""
    found = uplinks(lived(_QUIET, hours=8))
    assert len(found) > 150
    assert all(0 <= at_ms - point.time_us // 1000 < 3_000 for at_ms, point in found)
    assert Counter(str(point.fields["key"]) for _, point in found).most_common(1)[0][1] == 1


def test_a_copy_is_the_same_row() -> None:
    """What is delivered twice has one origin, and so is one point."""
    found = uplinks(lived(replace(_QUIET, duplicates=0.2), hours=8))
    rows: dict[str, set[str]] = {}
    for _, point in found:
        rows.setdefault(str(point.fields["key"]), set()).add(str(point.fields["origin"]))
    assert len(found) > 1.1 * len(rows)
    assert all(len(origins) == 1 for origins in rows.values())


def test_a_cut_line_delivers_what_it_kept_little_by_little() -> None:
    """Nothing of that time comes within it; afterwards all of it, a hundred rows in five seconds."""
    found = uplinks(cut())
    seen = 0
    for out in outages(cut()):
        end_ms = int(out.detail["end_ms"])
        edge = f"{out.detail['edge']}/"
        of_it = [(at_ms, point) for at_ms, point in found if str(point.fields["origin"]).startswith(edge)]
        assert not [at_ms for at_ms, _ in of_it if out.at_ms + 3_000 < at_ms < end_ms]
        if out.detail["cause"] == "link" and end_ms < WINTER_MS + _HOURS * HOUR_MS:
            late = [
                at_ms
                for at_ms, point in of_it
                if out.at_ms < point.time_us // 1000 < end_ms - 3_000 and at_ms >= end_ms
            ]
            assert late
            assert all(end_ms < at_ms <= end_ms + 60_000 for at_ms in late)
            seen += 1
    assert seen


def test_what_a_host_says_while_its_clock_is_behind_is_mended_or_marked() -> None:
    """Rows of the wrong time come with the right one once the clock is set; or, given up, as estimated."""
    seen: Counter[str] = Counter()
    found = uplinks(lived(replace(_QUIET, site_outages_per_week=28.0), hours=24, seed=2))
    for at_ms, point in found:
        clock = str(point.fields.get("clock", ""))
        late_ms = at_ms - point.time_us // 1000
        if clock == ClockQuality.UNSYNCED.value:
            assert 0 <= late_ms <= 1_500_000
        elif clock == ClockQuality.ESTIMATED.value:
            assert late_ms > HOUR_MS
        seen[clock] += 1
    assert seen[ClockQuality.UNSYNCED.value] + seen[ClockQuality.ESTIMATED.value] > 0
    assert uplink_of(found[0][1]).dev_eui == found[0][1].tags["device"]


def test_a_site_says_how_it_is_and_its_will_when_it_is_gone() -> None:
    """`offline` in the second minute of an outage; online again at its end, of another boot after a
    power cut, which a `boot` event tells too, as soon as the clock is known."""
    reports = [
        (item.at_ms, point)
        for item in cut()
        if isinstance(item, Arrival)
        for point in item.made.points
        if point.measurement == SITE and item.made.database != "operator"
    ]
    boots = [
        item.at_ms
        for item in cut()
        if isinstance(item, Arrival)
        and item.made.points[0].measurement == EVENT
        and item.made.points[0].tags["type"] == "boot"
    ]
    for out in outages(cut()):
        end_ms = int(out.detail["end_ms"])
        of_it = [(at_ms, point.fields) for at_ms, point in reports if point.tags["site"] == out.detail["edge"]]
        before = max(((at, fields) for at, fields in of_it if at <= out.at_ms), key=lambda one: one[0])[1]
        meanwhile = [(at, fields["state"]) for at, fields in of_it if out.at_ms < at < end_ms]
        assert meanwhile == [(out.at_ms + 90_000, "offline")]
        back = [fields for at, fields in of_it if at == end_ms]
        if back:
            assert back[0]["state"] == "online"
            assert (back[0]["boot"] != before["boot"]) is (out.detail["cause"] == "power")
            assert any(end_ms <= at_ms <= end_ms + 1_500_000 for at_ms in boots) is (out.detail["cause"] == "power")


def test_passes_cut_the_time_into_equal_parts() -> None:
    """Every pass is there, also one in which nothing came; nothing comes before its time."""
    facts: list[Fact] = []
    made = list(
        passes(
            lived(_QUIET, hours=2),
            facts.append,
            start_ms=WINTER_MS,
            until_ms=WINTER_MS + 2 * HOUR_MS,
            pass_ms=300_000,
        )
    )
    assert [at_ms for at_ms, _ in made] == [WINTER_MS + 300_000 * number for number in range(1, 25)]
    assert sum(len(points) for _, points in made) > 50
    assert facts
    for at_ms, points in made:
        assert all(point.time_us // 1000 <= at_ms for point in points)


def test_slices_give_back_what_was_written(tmp_path: Path) -> None:
    """Points of every measurement, whole numbers whole."""
    made = list(
        passes(
            lived(_QUIET, hours=2),
            lambda _: None,
            start_ms=WINTER_MS,
            until_ms=WINTER_MS + 2 * HOUR_MS,
            pass_ms=300_000,
        )
    )
    count = slices.write(tmp_path / "points", made)
    assert count == sum(len(points) for _, points in made)
    assert list(slices.read(tmp_path / "points")) == made


def test_a_world_declares_what_lives_in_it() -> None:
    """The devices of the fleet and the cabinets, nothing else: what does not live would be silent."""
    one = next(iter(TOWN.communes))
    world = World(
        TOWN,
        seed=1,
        start_ms=WINTER_MS,
        name=FleetName.FULL,
        lives=lambda node: TOWN.assets[node.asset].commune == one,
    )
    declared = world.territory
    assert {asset.commune for asset in declared.assets.values() if asset.kind is not Kind.CABINET} == {one}
    assert set(world.edges) == {one.asset for one in declared.assignments}
    assert set(declared.circuits) == {asset.circuit for asset in declared.assets.values() if asset.circuit}
