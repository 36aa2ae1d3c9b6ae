"""What the map shows while the watch beats: its states and alarms, and nothing of the page's own judgement."""

from typing import Any

import pytest

from cloud.page.alarms import Alarm, listed
from cloud.page.bin import BinState
from cloud.page.counter import CounterState
from cloud.page.kinds import TRADES
from cloud.page.lamp import LONGEST_DAY_MS, LampState
from cloud.page.pulse import Watch
from cloud.page.seen import Seen
from cloud.page.state import Beside, picture
from cloud.stores.base import Point
from core.territory import Kind
from core.territory.alerting import KINDS
from tests.unit.page.page_facts import (
    HOUR_MS,
    NOON_MS,
    SILENT_AFTER_MS,
    alarm,
    ground,
    heard,
    lamp,
    other,
    point,
    state,
)

TOWN = ground(lamp(), lamp("lamp-2"), other(Kind.BIN, "bin-1"), other(Kind.COUNTER, "cnt-1"))
AWAKE = Watch({"ccpvm": NOON_MS, "esternay": NOON_MS}, frozenset({"ccpvm", "esternay"}))
ASLEEP = Watch({"ccpvm": NOON_MS - 9 * HOUR_MS, "esternay": NOON_MS}, frozenset({"esternay"}))


def seen(asset: str, *points: Point, alarms: tuple[Alarm, ...] = (), watch: Watch = AWAKE) -> Seen:
    beside = Beside(watch=watch, alarms=listed(alarms, NOON_MS), begun_ms={"ccpvm": 0, "esternay": 0})
    return picture(TOWN, NOON_MS, heard(*points), beside).seen[asset]


LIT_SAYS_THE_DEVICE = point({"level_pct": 100.0})


@pytest.mark.parametrize(
    ("known", "shown"),
    [
        ([], LampState.LIT),
        ([state("silence", "heard"), state("lit", 0.0), state("lamp", "off")], LampState.OFF),
        ([state("silence", "late"), state("lit", 1.0), state("lamp", "lit")], LampState.LIT),
        ([state("silence", "silent"), state("lit", 1.0), state("lamp", "failed")], LampState.SILENT),
        ([state("silence", "unpowered"), state("lit", 1.0)], LampState.OFF),
        ([state("silence", "unpowered"), state("lamp", "driver_failed")], LampState.FAULT),
        ([state("silence", "heard"), state("lamp", "dark"), state("lit", 0.0)], LampState.FAULT),
    ],
)
def test_a_lamp_is_what_the_watch_says(known: list[Point], shown: LampState) -> None:
    """Where it says nothing yet, what the lamp said last."""
    assert seen("lamp-1", LIT_SAYS_THE_DEVICE, *known).state is shown


def test_the_page_does_not_judge_silence_beside_the_watch() -> None:
    """An old word of a device that the watch holds for heard is no silence, though the page alone would say so."""
    old = point({"level_pct": 100.0}, ago_ms=9 * HOUR_MS)
    awake = point({"level_pct": 100.0}, asset="lamp-2", ago_ms=0)
    known = [state("silence", "heard"), state("lit", 1.0)]
    assert seen("lamp-1", old, awake, *known).state is LampState.LIT
    assert seen("lamp-1", old, awake, *known, watch=ASLEEP).state is LampState.SILENT


def test_a_doubtful_reading_stays_the_pages_own_matter() -> None:
    """It is no alarm; what is graver hides it."""
    wild = point({"level_pct": 130.0}, measurement="suspect", ago_ms=0)
    assert seen("lamp-1", wild, state("silence", "heard"), state("lit", 1.0)).state is LampState.SUSPECT
    assert seen("lamp-1", wild, state("silence", "silent")).state is LampState.SILENT


def fill(pct: float) -> Point:
    return point({"fill_pct": pct}, asset="bin-1", measurement="bin")


def test_a_bin_is_full_when_the_watch_says_so() -> None:
    """A wrong echo fills no bin, and the figure is that of the watch."""
    known = [state("silence", "heard", asset="bin-1"), state("fill_pct", 35.0, asset="bin-1")]
    assert seen("bin-1", fill(99.0), *known, state("full", 0.0, asset="bin-1")) == Seen(
        BinState.LOW, NOON_MS - 60_000, value=35.0
    )
    assert seen("bin-1", fill(12.0), *known, state("full", 1.0, asset="bin-1")).state is BinState.FULL
    assert seen("bin-1", fill(99.0), watch=ASLEEP).state is BinState.FULL
    assert seen("bin-1", fill(99.0), state("silence", "silent", asset="bin-1")).state is BinState.SILENT


def test_a_counter_that_is_heard_shows_what_it_counted() -> None:
    """Nobody is not nothing."""
    nobody = point({"vehicles_count": 0.0}, asset="cnt-1", measurement="traffic", ago_ms=5 * HOUR_MS)
    assert seen("cnt-1", nobody, state("silence", "late", asset="cnt-1")).state is CounterState.QUIET
    assert seen("cnt-1", nobody, state("silence", "silent", asset="cnt-1")).state is CounterState.SILENT
    assert seen("cnt-1", nobody, state("counting", 0.0, asset="cnt-1")).state is CounterState.SILENT
    assert seen("cnt-1", nobody, state("counting", 1.0, asset="cnt-1")).state is CounterState.QUIET


@pytest.mark.parametrize(
    ("asset", "kind", "shown"),
    [
        ("lamp-1", "light.lamp_failure", LampState.FAULT),
        ("lamp-1", "silence.device", LampState.SILENT),
        ("lamp-1", "light.burning_by_day", LampState.LIT),
        ("bin-1", "bin.fire", BinState.FIRE),
        ("bin-1", "bin.tilted", BinState.TILTED),
        ("bin-1", "bin.full", BinState.FULL),
        ("bin-1", "device.battery_low", BinState.LOW),
        ("cnt-1", "traffic.no_measurement", CounterState.SILENT),
    ],
)
def test_the_map_never_shows_an_asset_better_than_its_alarms(asset: str, kind: str, shown: Any) -> None:
    """List and map are one truth; an alarm that a map has no symbol for leaves it as it is."""
    well = [
        LIT_SAYS_THE_DEVICE,
        fill(10.0),
        state("fill_pct", 10.0, asset="bin-1"),
        point({"vehicles_count": 3.0}, asset="cnt-1", measurement="traffic"),
    ]
    held = alarm(kind, asset=asset)
    assert seen(asset, *well, alarms=(held,)).state is shown
    assert seen(asset, *well, alarms=(alarm(kind, word="acknowledged", asset=asset),)).state is shown
    plain = seen(asset, *well).state
    assert seen(asset, *well, alarms=(alarm(kind, word="cleared", asset=asset, at_ms=NOON_MS),)).state is plain
    assert seen(asset, *well, alarms=(held,), watch=ASLEEP).state is plain


def test_of_several_alarms_the_gravest_is_shown() -> None:
    """Whatever their order."""
    both = (alarm("bin.full", "critical", asset="bin-1"), alarm("bin.fire", "notice", number=2, asset="bin-1"))
    assert seen("bin-1", fill(10.0), alarms=both).state is BinState.FIRE


def test_every_alarm_with_a_symbol_is_one_that_there_is() -> None:
    """By its kind, and by a state of the asset's kind."""
    for trade in TRADES.values():
        assert set(trade.alarms) <= set(KINDS)
        assert {trade.states(word) for word in trade.alarms.values()} <= set(trade.to_report)


def test_what_had_no_time_to_speak_is_awaited_and_then_silent() -> None:
    """Rows of the first hours are on their way: that is no silence. Of a switched lamp it may take a day."""
    other_lamp = point({"level_pct": 100.0}, asset="lamp-2", ago_ms=0)

    def shown(begun_ago_ms: int, circuit: str = "") -> str:
        street = ground(lamp(circuit=circuit), lamp("lamp-2"))
        beside = Beside(begun_ms={"ccpvm": NOON_MS - begun_ago_ms})
        return picture(street, NOON_MS, heard(other_lamp), beside).seen["lamp-1"].state

    assert shown(SILENT_AFTER_MS) == "awaited"
    assert shown(SILENT_AFTER_MS + 1) == "silent"
    assert shown(LONGEST_DAY_MS, circuit="c") == "awaited"
    assert shown(LONGEST_DAY_MS + 1, circuit="c") == "silent"


def test_what_never_spoke_is_awaited_until_it_had_the_time_or_the_watch_raises_it() -> None:
    """The watch has no word for it; one of a whole silent circuit has no alarm of its own."""

    def shown(begun_ago_ms: int, *alarms: Alarm) -> str:
        beside = Beside(watch=AWAKE, alarms=alarms, begun_ms={"ccpvm": NOON_MS - begun_ago_ms})
        return picture(TOWN, NOON_MS, heard(), beside).seen["lamp-1"].state

    assert shown(SILENT_AFTER_MS) == "awaited"
    assert shown(SILENT_AFTER_MS, alarm("silence.device", asset="lamp-1")) == "silent"
    assert shown(SILENT_AFTER_MS + 1) == "silent"


def test_a_bin_that_the_watch_has_not_judged_yet_shows_what_it_measures() -> None:
    """The watch has just begun."""
    assert seen("bin-1", fill(85.0)).state is BinState.FULL
    assert seen("bin-1", fill(12.0)) == Seen(BinState.LOW, NOON_MS - 60_000, value=12.0)
