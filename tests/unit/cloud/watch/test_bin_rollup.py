"""What an hour of a bin comes to."""

from collections.abc import Sequence

import pytest

from cloud.stores.base import Point
from cloud.watch.rollups.bin import BinRollup
from tests.support.watch_scene import HOUR, T0, bin_point, watched

BIN = watched("bin")
ROLLUP = BinRollup()


def rolled(points: Sequence[Point]) -> list[dict[str, float]]:
    """Hour after hour, each from the one before that had points."""
    hours: dict[int, list[Point]] = {}
    for one in sorted(points, key=lambda one: one.time_us):
        hours.setdefault(one.time_us // 1000 // HOUR * HOUR, []).append(one)
    made: list[dict[str, float]] = []
    before: dict[str, float] = {}
    for start_ms, found in hours.items():
        before = ROLLUP.hour(found, before, BIN, start_ms)
        assert before.keys() <= ROLLUP.fields.keys()
        made.append(before)
    return made


def test_an_hour_has_its_fills() -> None:
    """The last, their number and sum, those over the threshold; no emptying is a zero, since it was looked."""
    (hour,) = rolled([bin_point(0, 78), bin_point(30, 82)])
    assert hour == {
        "fill_pct": 82,
        "fill_before_pct": 78,
        "fill_ms": T0 + HOUR / 2,
        "fill_count": 2,
        "fill_sum_pct": 160,
        "over_count": 1,
        "emptied_count": 0,
        "emptied_sum_pct": 0,
    }
    assert ROLLUP.derive(hour) == {"fill_mean_pct": 80, "over_pct": 50}


def test_an_emptying_across_hours_is_counted_once() -> None:
    """In the hour that made it certain, dated when it was, with how full the bin had been."""
    hours = rolled([bin_point(60 * at, fill) for at, fill in enumerate((60, 62, 3, 4, 5, 6))])
    assert [hour["emptied_count"] for hour in hours] == [0, 0, 0, 1, 0, 0]
    assert (hours[3]["emptied_ms"], hours[3]["emptied_sum_pct"]) == (T0 + 2 * HOUR, 60)
    assert ROLLUP.derive(hours[3])["emptied_mean_pct"] == 60


def test_what_is_not_its_content_is_no_fill() -> None:
    """Lying, burning or without a fill: no look of its content, and no zero in its place."""
    lying, burning = bin_point(0, 5, tilt_alert="raised"), bin_point(10, 5, fire_alert="raised", tilt_alert="clear")
    (hour,) = rolled([lying, burning, bin_point(20, temperature_c=12.0)])
    assert "fill_count" not in hour
    assert "emptied_count" not in hour
    assert ROLLUP.derive(hour) == {}


def test_the_weakest_battery_is_kept() -> None:
    """Percent, where its sensor tells it."""
    (hour,) = rolled([bin_point(0, 50, battery_pct=81.0), bin_point(30, 51, battery_pct=79.0)])
    assert hour["battery_min_pct"] == 79


@pytest.mark.parametrize("lost", range(7))
def test_a_missing_hour_loses_no_emptying(lost: int) -> None:
    """Whichever report is lost, the bin was emptied once."""
    points = [bin_point(60 * at, fill) for at, fill in enumerate((58, 60, 62, 3, 4, 5, 6))]
    assert sum(hour["emptied_count"] for hour in rolled(points[:lost] + points[lost + 1 :])) == 1
