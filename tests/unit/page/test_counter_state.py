"""What a counter's newest points make of it; nobody passed, and nobody measured, are two things."""

from cloud.page.counter import CounterState, grown_old, judge, last_interval, mean_speed_kmh
from cloud.page.seen import Hearing, Points, Seen
from cloud.stores.base import Field, Point
from core.territory import Kind
from tests.unit.page.page_facts import HOUR_MS, NOON_MS, SILENT_AFTER_MS, other, point

COUNTER = other(Kind.COUNTER, "cnt-1")


def said(fields: dict[str, Field], channel: str = "", ago_ms: int = 60_000) -> Point:
    return point(fields, asset="cnt-1", measurement="traffic", channel=channel, ago_ms=ago_ms)


def seen(*readings: Point, suspects: tuple[Point, ...] = (), until_ms: int = NOON_MS) -> Seen:
    return judge(Points(readings, suspects), COUNTER, Hearing(until_ms))


def test_vehicles_of_both_directions_add_up() -> None:
    """The last interval of the asset is the sum over its channels."""
    both = (said({"vehicles_count": 12.0, "speed_kmh": 45.0}, "left"), said({"vehicles_count": 0.0}, "right"))
    assert seen(*both) == Seen(CounterState.FLOWING, NOON_MS - 60_000, value=12.0)


def test_nobody_passed_is_a_measurement() -> None:
    """0 vehicles is said as 0."""
    assert seen(said({"vehicles_count": 0.0}, "left")) == Seen(CounterState.QUIET, NOON_MS - 60_000, value=0.0)


def test_a_device_that_did_not_count_has_no_value() -> None:
    """Neither a battery report nor a count of long ago is `nobody passed`."""
    assert seen(said({"battery_v": 3.6})) == Seen(CounterState.SILENT, NOON_MS - 60_000)
    old = said({"vehicles_count": 0.0}, "left", ago_ms=SILENT_AFTER_MS + HOUR_MS)
    assert seen(old, said({"supply_v": 12.0})) == Seen(CounterState.SILENT, NOON_MS - 60_000)
    assert seen() == Seen(CounterState.SILENT, None)


def test_a_direction_of_an_older_interval_is_not_added() -> None:
    """Each count is of its own interval."""
    older = said({"vehicles_count": 40.0}, "right", ago_ms=HOUR_MS)
    newer = said({"vehicles_count": 3.0}, "left")
    assert last_interval([older, newer]) == [newer]
    assert seen(older, newer).value == 3.0


def test_classes_are_not_vehicles_once_more() -> None:
    """They have quantities of their own."""
    assert seen(said({"vehicles_count": 5.0}, "left"), said({"class_vehicles_count": 5.0}, "left_1")).value == 5.0


def test_a_mean_speed_is_weighed_by_vehicles_and_needs_some() -> None:
    """The speed that the store still knows from an older interval belongs to nobody now."""
    fast, slow = said({"vehicles_count": 1.0, "speed_kmh": 90.0}), said({"vehicles_count": 3.0, "speed_kmh": 30.0})
    assert mean_speed_kmh([fast, slow]) == 45.0
    assert mean_speed_kmh([said({"vehicles_count": 0.0, "speed_kmh": 88.0})]) is None
    assert mean_speed_kmh([]) is None


def test_a_count_out_of_range_is_doubtful() -> None:
    """A suspect reading is never shown as truth."""
    bad = point({"vehicles_count": 900_000.0}, asset="cnt-1", measurement="suspect", channel="left", ago_ms=0)
    assert seen(said({"vehicles_count": 3.0}, "left"), suspects=(bad,)).state is CounterState.SUSPECT


def test_silence_and_a_missing_device() -> None:
    """As with every kind."""
    late_ms = NOON_MS - 60_000 + SILENT_AFTER_MS + 1
    assert seen(said({"vehicles_count": 3.0}), until_ms=late_ms) == Seen(CounterState.SILENT, NOON_MS - 60_000)
    old = Seen(CounterState.QUIET, NOON_MS, value=0.0)
    assert grown_old(old, COUNTER, NOON_MS + 4 * HOUR_MS) == Seen(CounterState.SILENT, NOON_MS)
    assert grown_old(old, COUNTER, NOON_MS + HOUR_MS) is old
    bare = other(Kind.COUNTER, "cnt-1", equipped=False)
    assert judge(Points([said({"vehicles_count": 3.0})]), bare, Hearing(NOON_MS)).state is CounterState.BARE
