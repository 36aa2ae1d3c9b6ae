"""What a bin's newest points make of it."""

import pytest

from cloud.page.bin import BinState, grown_old, judge
from cloud.page.seen import Hearing, Points, Seen
from cloud.stores.base import Field, Point
from core.quantities import lookup
from core.territory import Kind
from tests.unit.page.page_facts import HOUR_MS, NOON_MS, SILENT_AFTER_MS, other, point

BIN = other(Kind.BIN, "bin-1")
NOW = Hearing(NOON_MS)


def said(fields: dict[str, Field], **facts: object) -> Point:
    return point(fields, asset="bin-1", measurement="bin", **facts)  # type: ignore[arg-type]


def seen(*readings: Point, suspects: tuple[Point, ...] = (), until_ms: int = NOON_MS) -> Seen:
    return judge(Points(readings, suspects), BIN, Hearing(until_ms))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"fill_pct": 0.0}, BinState.LOW),
        ({"fill_pct": 49.9}, BinState.LOW),
        ({"fill_pct": 50.0}, BinState.HALF),
        ({"fill_pct": 79.9}, BinState.HALF),
        ({"fill_pct": 80.0}, BinState.FULL),
        ({"fill_pct": 20.0, "full_alert": "raised"}, BinState.FULL),
        ({"full_alert": "raised"}, BinState.FULL),
        ({"fill_pct": 20.0, "full_alert": "clear"}, BinState.LOW),
        ({"fill_pct": 20.0, "fire_alert": "raised"}, BinState.FIRE),
        ({"fill_pct": 90.0, "fire_alert": "raised", "tilt_alert": "raised"}, BinState.FIRE),
        ({"fill_pct": 20.0, "fire_alert": "clear"}, BinState.LOW),
        ({"fill_pct": 90.0, "tilt_alert": "raised"}, BinState.TILTED),
        ({"battery_pct": 80.0}, BinState.SILENT),
        ({"battery_alert": "raised", "fill_pct": 20.0}, BinState.LOW),
    ],
)
def test_a_reading_says_what_the_bin_is(fields: dict[str, Field], expected: BinState) -> None:
    """Fire before all, then a bin that lies, then its fill against the tenant's threshold or the sensor's own."""
    for name, value in fields.items():
        assert isinstance(value, float | str)
        lookup(name).check(value)  # the rule is about words that codecs really say
    assert seen(said(fields)).state is expected


def test_an_empty_bin_is_a_measurement_and_no_measurement_is_none() -> None:
    """0 % is told as 0; a bin that said nothing of its content has no fill."""
    assert seen(said({"fill_pct": 0.0})).value == 0.0
    assert seen(said({"battery_pct": 80.0})).value is None


def test_a_distance_below_the_bottom_is_doubtful_whatever_the_fill_of_before() -> None:
    """The cloud derives no fill from it, and the store's newest fill is then an older one."""
    assert seen(said({"distance_mm": 1400.0, "fill_pct": 35.0})) == Seen(BinState.SUSPECT, NOON_MS - 60_000)
    assert seen(said({"distance_mm": 700.0, "fill_pct": 33.3})).state is BinState.LOW


def test_a_distance_out_of_range_is_doubtful_until_a_good_one_comes() -> None:
    """A suspect reading is never shown as truth."""
    bad = point({"distance_mm": 65_535.0}, asset="bin-1", measurement="suspect", ago_ms=HOUR_MS)
    good = {"fill_pct": 20.0, "distance_mm": 800.0}
    assert seen(said(good, ago_ms=2 * HOUR_MS), suspects=(bad,)).state is BinState.SUSPECT
    assert seen(said(good), suspects=(bad,)).state is BinState.LOW


def test_silence_hides_the_last_fill_but_never_a_fire() -> None:
    """A sensor that burns with its bin says nothing any more; only another word of a sensor ends a fire."""
    late_ms = NOON_MS - 60_000 + SILENT_AFTER_MS + 1
    assert seen(said({"fill_pct": 20.0}), until_ms=late_ms) == Seen(BinState.SILENT, NOON_MS - 60_000)
    assert seen(said({"fire_alert": "raised"}), until_ms=late_ms).state is BinState.FIRE
    burnt = Seen(BinState.FIRE, NOON_MS)
    assert grown_old(burnt, BIN, NOON_MS + 100 * HOUR_MS) is burnt
    assert grown_old(Seen(BinState.FULL, NOON_MS, value=90.0), BIN, NOON_MS + 4 * HOUR_MS).state is BinState.SILENT
    replaced = said({"fill_pct": 5.0}, device="0018b20000000002", ago_ms=0)
    assert seen(said({"fire_alert": "raised"}), replaced).state is BinState.LOW


def test_a_bin_without_a_device_is_bare_and_one_that_never_spoke_is_silent() -> None:
    """Silence is for a device that should speak."""
    bare = other(Kind.BIN, "bin-1", equipped=False)
    assert judge(Points([said({"fill_pct": 20.0})]), bare, NOW).state is BinState.BARE
    assert seen() == Seen(BinState.SILENT, None)
