"""From points to a snapshot, and from one snapshot to the next."""

from dataclasses import replace

from cloud.page.bin import BinState
from cloud.page.lamp import LampState
from cloud.page.seen import PATIENCE_MS
from cloud.page.state import Changes, Snapshot, StoreState, age, blank, compare, picture
from cloud.stores.base import Point
from core.model import Domain
from core.territory import Kind
from tests.unit.page.page_facts import (
    HOUR_MS,
    LONG_HEARD,
    NOON_MS,
    SILENT_AFTER_MS,
    UNPOWERED_AFTER_MS,
    ground,
    heard,
    lamp,
    other,
    point,
)

CABINET = other(Kind.CABINET, "cab-1", equipped=False)
STREET = ground(lamp("lamp-1"), lamp("lamp-2"), lamp("lamp-3", equipped=False))


def seen(*readings: Point, now_ms: int = NOON_MS) -> Snapshot:
    return picture(STREET, now_ms, heard(*readings), LONG_HEARD)


def test_a_snapshot_counts_lamps_by_state_for_each_commune_and_all_together() -> None:
    """Counts, the age of the newest reading, and communes without a lamp are all there."""
    snapshot = seen(point({"level_pct": 40.0}, asset="lamp-1"))
    assert snapshot.store is StoreState.READY
    tally = snapshot.tallies["88383"][Kind.LAMP]
    assert (tally.declared, tally.equipped, tally.heard) == (3, 2, 1)
    assert tally.by_state == {LampState.LIT: 1, LampState.SILENT: 1, LampState.BARE: 1}
    assert tally.newest_ms == NOON_MS - 60_000
    assert snapshot.tallies["51237"] == {}
    assert snapshot.total(Kind.LAMP) == tally
    assert snapshot.total(Kind.BIN).declared == 0


def test_points_of_an_asset_that_is_not_declared_are_left_out() -> None:
    """The territory decides what stands on the map."""
    snapshot = seen(point({"level_pct": 40.0}, asset="lamp-9"))
    assert snapshot.store is StoreState.EMPTY
    assert set(snapshot.seen) == {"lamp-1", "lamp-2", "lamp-3"}


def test_changes_name_only_the_lamps_whose_state_is_another() -> None:
    """A newer reading that says the same is no change, and costs no revision."""
    dark = seen(point({"level_pct": 0.0}, asset="lamp-1"), point({"level_pct": 0.0}, asset="lamp-2"))
    first, _ = compare(blank(STREET, NOON_MS, StoreState.ABSENT), dark)
    same, nothing = compare(first, seen(point({"level_pct": 0.0}, ago_ms=0), point({"level_pct": 0.0}, asset="lamp-2")))
    assert nothing == Changes(1, 1, {})
    lit = seen(point({"level_pct": 40.0}, asset="lamp-1"), point({"level_pct": 0.0}, asset="lamp-2"))
    after, changes = compare(same, lit)
    assert changes == Changes(1, 2, {"lamp-1": LampState.LIT})
    assert after.revision == 2


def test_silence_is_a_change_that_time_alone_brings() -> None:
    """Nothing was written, and yet the lamp's state is another."""
    reading = point({"level_pct": 40.0}, asset="lamp-1", ago_ms=0)
    first, _ = compare(blank(STREET, NOON_MS, StoreState.ABSENT), seen(reading))
    later_ms = NOON_MS + SILENT_AFTER_MS + PATIENCE_MS
    assert compare(first, seen(reading, now_ms=later_ms))[1].states == {}
    _, changes = compare(first, seen(reading, now_ms=later_ms + 1))
    assert changes.states == {"lamp-1": LampState.SILENT}


def test_a_lamp_is_silent_when_others_spoke_since_and_it_did_not() -> None:
    """A late road is not a street full of silent lamps: the same age is silence only beside newer neighbours."""
    old = point({"level_pct": 40.0}, asset="lamp-1", ago_ms=SILENT_AFTER_MS + HOUR_MS)
    alone = seen(old)
    assert alone.seen["lamp-1"].state is LampState.LIT
    beside = seen(old, point({"level_pct": 40.0}, asset="lamp-2", ago_ms=0))
    assert beside.seen["lamp-1"].state is LampState.SILENT


CIRCUIT = ground(lamp("lamp-1", circuit="c"), lamp("lamp-2", circuit="c"), lamp("lamp-3"))


def by_day(*readings: Point) -> list[LampState]:
    """States of two lamps of a switched circuit; the third has power for ever and has just spoken."""
    awake = point({"level_pct": 0.0}, asset="lamp-3", ago_ms=0)
    snapshot = picture(CIRCUIT, NOON_MS, heard(*readings, awake))
    return [snapshot.seen[asset].state for asset in ("lamp-1", "lamp-2")]


def test_a_switched_circuit_that_is_quiet_as_a_whole_is_off() -> None:
    """By day most lamps have no power and no device that could say so; their last word, `lit`, is not believed."""
    lit = {"level_pct": 100.0}
    together = [point(lit, asset="lamp-1", ago_ms=5 * HOUR_MS), point(lit, asset="lamp-2", ago_ms=6 * HOUR_MS)]
    assert by_day(*together) == [LampState.OFF, LampState.OFF]
    just_now = [point(lit, asset="lamp-1", ago_ms=UNPOWERED_AFTER_MS), point(lit, asset="lamp-2", ago_ms=2 * HOUR_MS)]
    assert by_day(*just_now) == [LampState.LIT, LampState.LIT]


def test_a_lamp_of_a_cut_circuit_can_be_silent_or_broken() -> None:
    """It was silent before the cut, or said that it is broken: neither is forgotten by day."""
    neighbour = point({"level_pct": 100.0}, asset="lamp-2", ago_ms=5 * HOUR_MS)
    silent = point({"level_pct": 100.0}, asset="lamp-1", ago_ms=9 * HOUR_MS)
    assert by_day(silent, neighbour) == [LampState.SILENT, LampState.OFF]
    broken = point({"level_pct": 100.0, "lamp_failure": "fault"}, asset="lamp-1", ago_ms=5 * HOUR_MS)
    assert by_day(broken, neighbour) == [LampState.FAULT, LampState.OFF]


def test_a_circuit_that_stays_dark_for_longer_than_a_day_is_silent() -> None:
    """No programme keeps a circuit without power that long: somebody must look."""
    readings = [point({"level_pct": 100.0}, asset=f"lamp-{n}", ago_ms=26 * HOUR_MS + 1) for n in (1, 2)]
    assert by_day(*readings) == [LampState.SILENT, LampState.SILENT]


def test_a_late_road_does_not_cut_a_circuit() -> None:
    """When nothing of the zone was heard, the last word still holds for a while."""
    lit = point({"level_pct": 100.0}, asset="lamp-1", ago_ms=2 * HOUR_MS)
    snapshot = picture(CIRCUIT, NOON_MS, heard(lit))
    assert snapshot.seen["lamp-1"].state is LampState.LIT


def test_another_territory_is_drawn_anew() -> None:
    """New lamps, or the same at other places: every browser loads the map again."""
    first = blank(STREET, NOON_MS, StoreState.EMPTY)
    moved = blank(replace(STREET, digest="two"), NOON_MS, StoreState.EMPTY)
    _, changes = compare(first, moved)
    assert changes.redraw
    assert changes.revision == 1
    fewer = blank(ground(lamp("lamp-1")), NOON_MS, StoreState.EMPTY)
    _, changes = compare(first, fewer)
    assert changes.redraw


def test_an_unreadable_store_keeps_the_last_known_state_and_lets_it_age() -> None:
    """The map goes on showing what was known, until it is too old to be true."""
    known = seen(point({"level_pct": 40.0}, asset="lamp-1"))
    soon = age(known, STREET, NOON_MS + HOUR_MS)
    assert soon.store is StoreState.FAILING
    assert soon.seen["lamp-1"].state is LampState.LIT
    late = age(known, STREET, NOON_MS + 7 * HOUR_MS)
    assert late.seen["lamp-1"].state is LampState.SILENT
    assert late.seen["lamp-3"].state is LampState.BARE
    assert late.tallies["88383"][Kind.LAMP][LampState.LIT] == 0
    assert late.newest_ms == known.newest_ms


def test_what_to_report_is_ordered_by_gravity_in_each_layer() -> None:
    """Broken lamps come before doubtful and silent ones, a fire before a full bin; what is well is not reported."""
    street = ground(
        *(lamp(f"lamp-{n}") for n in range(1, 5)), *(other(Kind.BIN, f"bin-{n}") for n in (1, 2, 3)), CABINET
    )
    snapshot = picture(
        street,
        NOON_MS,
        heard(
            point({"level_pct": 40.0}, asset="lamp-1"),
            point({"level_pct": 40.0, "lamp_failure": "fault"}, asset="lamp-3"),
            point({"level_pct": 130.0}, asset="lamp-4", measurement="suspect"),
            point({"fill_pct": 90.0}, asset="bin-1", measurement="bin"),
            point({"fire_alert": "raised"}, asset="bin-2", measurement="bin"),
            point({"fill_pct": 60.0}, asset="bin-3", measurement="bin"),
        ),
        LONG_HEARD,
    )
    assert snapshot.to_report == {
        Domain.LIGHT: ["lamp-3", "lamp-4", "lamp-2"],
        Domain.BIN: ["bin-2", "bin-1"],
        Domain.TRAFFIC: [],
    }


def test_kinds_are_counted_apart() -> None:
    """A silent bin is not a silent lamp, though the word is one."""
    street = ground(lamp("lamp-1"), other(Kind.BIN, "bin-1"), other(Kind.COUNTER, "cnt-1"), CABINET)
    snapshot = picture(street, NOON_MS, heard(point({"fill_pct": 90.0}, asset="bin-1", measurement="bin")), LONG_HEARD)
    tallies = snapshot.tallies["88383"]
    assert tallies[Kind.LAMP].by_state == {LampState.SILENT: 1}
    assert tallies[Kind.BIN].by_state == {BinState.FULL: 1}
    assert tallies[Kind.COUNTER].heard == 0
    assert tallies[Kind.CABINET].declared == 1
    assert snapshot.store is StoreState.READY
    assert snapshot.newest_ms == NOON_MS - 60_000


def test_a_bin_that_speaks_proves_that_its_zone_is_heard() -> None:
    """By day the lamps of a switched circuit are off, not late: the link is heard through other devices."""
    street = ground(lamp("lamp-1", circuit="c"), lamp("lamp-2", circuit="c"), other(Kind.BIN, "bin-1"))
    lit = [point({"level_pct": 100.0}, asset=f"lamp-{n}", ago_ms=2 * HOUR_MS) for n in (1, 2)]
    alone = picture(street, NOON_MS, heard(*lit))
    assert alone.seen["lamp-1"].state is LampState.LIT
    beside = picture(street, NOON_MS, heard(*lit, point({"fill_pct": 1.0}, asset="bin-1", measurement="bin", ago_ms=0)))
    assert beside.seen["lamp-1"].state is LampState.OFF
