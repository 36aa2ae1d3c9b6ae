"""What a lamp's newest points make of it."""

import pytest

from cloud.page.ground import Place
from cloud.page.lamp import LampState, faults
from cloud.page.lamp import judge as judge_points
from cloud.page.seen import Hearing, Points, Seen
from cloud.stores.base import Field, Point
from core.quantities import lookup
from tests.unit.page.page_facts import HOUR_MS, NOON_MS, SILENT_AFTER_MS, lamp, point


def judge(place: Place, readings: list[Point], suspects: list[Point], until_ms: int) -> Seen:
    return judge_points(Points(readings, suspects), place, Hearing(until_ms))


def state_of(readings: list[Point], suspects: list[Point] | None = None, *, equipped: bool = True) -> LampState:
    return judge(lamp(equipped=equipped), readings, suspects or [], NOON_MS).state


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"level_pct": 40.0}, LampState.LIT),
        ({"level_pct": 0.0}, LampState.OFF),
        ({"level_pct": 100.0, "level_source": "relay_off"}, LampState.OFF),
        ({"power_w": 38.0}, LampState.LIT),
        ({"power_w": 0.6}, LampState.OFF),
        ({"temperature_c": 11.0}, LampState.SILENT),
        ({"level_pct": 40.0, "lamp_failure": "fault"}, LampState.FAULT),
        ({"level_pct": 40.0, "driver_failure": "fault"}, LampState.FAULT),
        ({"level_pct": 0.0, "dali_bus": "fault"}, LampState.FAULT),
        ({"level_pct": 40.0, "level_source": "driver_not_found"}, LampState.FAULT),
        ({"level_pct": 40.0, "lamp_alert": "raised"}, LampState.FAULT),
        ({"level_pct": 40.0, "lamp_alert": "raised", "lamp_alert_24h": "raised"}, LampState.FAULT),
        ({"level_pct": 40.0, "lamp_alert": "raised", "lamp_alert_24h": "clear"}, LampState.LIT),
    ],
)
def test_a_reading_says_what_the_lamp_is(fields: dict[str, Field], expected: LampState) -> None:
    """Level first, then power; what is broken before both; an alert that the status takes back is over."""
    for name, value in fields.items():
        assert isinstance(value, float | str)
        lookup(name).check(value)  # the rule is about words that codecs really say
    assert state_of([point(fields)]) is expected


def test_one_lit_output_of_several_is_a_lit_lamp() -> None:
    """A luminaire with two drivers is lit when one of them is."""
    outputs = [point({"level_pct": 0.0}, channel="dali_1"), point({"level_pct": 40.0}, channel="dali_2")]
    assert state_of(outputs) is LampState.LIT


def test_a_level_counts_more_than_the_power_of_another_output() -> None:
    """A driver at level 0 that still draws stand-by power is off."""
    assert (
        state_of([point({"level_pct": 0.0}, channel="dali_1"), point({"power_w": 9.0}, channel="internal")])
        is LampState.OFF
    )


def test_nothing_yet_and_nothing_for_too_long_are_silence() -> None:
    """Without a reading there is no age; beyond the expected intervals the last one no longer speaks."""
    assert judge(lamp(), [], [], NOON_MS) == Seen(LampState.SILENT, None)
    at_the_edge = point({"level_pct": 40.0}, ago_ms=SILENT_AFTER_MS)
    beyond = point({"level_pct": 40.0}, ago_ms=SILENT_AFTER_MS + 1)
    assert state_of([at_the_edge]) is LampState.LIT
    assert judge(lamp(), [beyond], [], NOON_MS) == Seen(LampState.SILENT, NOON_MS - SILENT_AFTER_MS - 1)


def test_a_lamp_without_a_device_is_bare_whatever_it_said_before() -> None:
    """Silence is for a device that should speak."""
    assert state_of([point({"level_pct": 40.0})], equipped=False) is LampState.BARE


def test_a_newest_level_or_power_out_of_range_makes_the_lamp_doubtful() -> None:
    """A suspect reading is never shown as truth, nor is the older good one in its place."""
    good = point({"power_w": 38.0}, channel="internal", ago_ms=2 * HOUR_MS)
    bad = point({"power_w": 65_535.0}, channel="internal", ago_ms=HOUR_MS, measurement="suspect")
    assert state_of([good], [bad]) is LampState.SUSPECT
    mended = point({"power_w": 38.0}, channel="internal")
    assert state_of([mended], [bad]) is LampState.LIT
    other = point({"level_pct": 40.0}, channel="dali_1")
    assert state_of([good, other], [bad]) is LampState.SUSPECT


def test_a_doubt_about_something_else_leaves_the_light_alone() -> None:
    """A broken thermometer says nothing of the lamp."""
    bad = point({"temperature_c": 126.0}, measurement="suspect")
    assert state_of([point({"level_pct": 40.0})], [bad]) is LampState.LIT


def test_the_device_that_spoke_last_speaks_for_the_lamp() -> None:
    """After a swap the old sensor's fault is history."""
    old = point({"lamp_failure": "fault", "level_pct": 40.0}, device="0018b20000000009", ago_ms=HOUR_MS)
    new = point({"level_pct": 0.0}, device="0018b20000000001")
    assert state_of([old, new]) is LampState.OFF
    assert state_of([new, old]) is LampState.OFF


def test_what_is_broken_is_named() -> None:
    """The panel says which quantities make the fault."""
    broken = [point({"lamp_failure": "fault", "dali_bus": "ok"}), point({"driver_failure": "fault"}, channel="dali_2")]
    assert faults(broken) == ["driver_failure", "lamp_failure"]
