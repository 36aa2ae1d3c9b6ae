"""Counters: what an hour comes to, and whether they count at all."""

from collections.abc import Sequence
from random import Random
from statistics import NormalDist, quantiles

import pytest

from cloud.stores.base import Field, Point
from cloud.watch.detectors.traffic import CountingDetector, RadarDetector
from cloud.watch.model import About, Judgement
from cloud.watch.rollups.traffic import TrafficRollup, v85_kmh
from cloud.watch.watchman import Watchman
from core.territory import Territory
from tests.support.watch_scene import DEVICES, HOUR, MINUTE, T0, point, territory, watched

ROLLUP = TrafficRollup()
COUNTER = watched("counter")
QUARTER = 15 * MINUTE


def told(at_ms: int, channel: str = "", **fields: Field) -> Point:
    floats = {name: one if isinstance(one, str) else float(one) for name, one in fields.items()}
    return point("traffic", "counter", at_ms, floats, channel)


def count(at_ms: int, ltr: float, rtl: float, kmh: float = 40.0) -> list[Point]:
    """A PMX counter at the end of its interval: both directions, and itself."""
    made = [told(at_ms, supply_v=12.1, local_time_min=0.0)]
    for channel, vehicles in (("ltr", ltr), ("rtl", rtl)):
        speeds = {"speed_kmh": kmh} if vehicles else {}
        made.append(told(at_ms, channel, vehicles_count=float(vehicles), **speeds))
    return made


def classed(at_ms: int, *classes: tuple[float, float], channel: str = "left") -> list[Point]:
    """A Parametric counter: classes of speed (vehicles, mean), and the direction's total over them."""
    vehicles = sum(number for number, _ in classes)
    made = [told(at_ms, channel, vehicles_count=vehicles)]
    for number, (passed, kmh) in enumerate(classes, 1):
        speeds = {"class_speed_kmh": kmh} if passed and kmh else {}
        made.append(told(at_ms, f"{channel}_{number}", class_vehicles_count=passed, **speeds))
    return made


def hour(
    points: Sequence[Point], before: dict[str, float] | None = None, declared: Territory | None = None
) -> dict[str, float]:
    one = COUNTER if declared is None else watched("counter", declared)
    made = ROLLUP.hour(sorted(points, key=lambda one: one.time_us), before or {}, one, T0)
    assert made.keys() <= ROLLUP.fields.keys()
    return made


def quarters(*counts: tuple[float, float], start_ms: int = T0) -> list[Point]:
    return [one for at, (ltr, rtl) in enumerate(counts) for one in count(start_ms + at * QUARTER, ltr, rtl)]


def test_an_hour_of_traffic() -> None:
    """Vehicles by direction, counted time, mean speed by vehicles, intensity."""
    made = hour([*count(T0, 10, 0, 30.0), *count(T0 + QUARTER, 20, 10, 60.0)])
    assert (made["vehicles_count"], made["vehicles_ltr_count"], made["vehicles_rtl_count"]) == (40, 30, 10)
    assert made["measured_s"] == 1800
    derived = ROLLUP.derive(made)
    assert derived["vehicles_per_h"] == 80
    assert derived["speed_mean_kmh"] == pytest.approx((10 * 30 + 30 * 60) / 40)
    assert "over_limit_pct" not in derived, "nothing says who was over the limit"


def test_nobody_passed_is_a_measurement() -> None:
    """Zero vehicles in an hour of counting; no speed, which belongs to vehicles."""
    made = hour(quarters((0, 0), (0, 0), (0, 0), (0, 0)))
    assert (made["vehicles_count"], made["measured_s"]) == (0, 3600)
    assert ROLLUP.derive(made) == {"vehicles_per_h": 0}


def test_no_measurement_is_no_zero() -> None:
    """A counter that tells of itself and not of vehicles; suspect counts, which are elsewhere; half an hour."""
    made = hour([told(T0, supply_v=12.0), told(T0 + QUARTER, speed_kmh=40.0)])
    assert "vehicles_count" not in made
    assert "measured_s" not in made
    assert ROLLUP.derive(made) == {}


def test_lost_counts_lose_their_time_too() -> None:
    """One of four uplinks is lost: the intensity is that of the three."""
    points = quarters((10, 10), (10, 10), (10, 10), (10, 10))
    lost = [one for one in points if one.time_us != (T0 + 2 * QUARTER) * 1000]
    made = hour(lost)
    assert (made["vehicles_count"], made["measured_s"]) == (60, 2700)
    assert ROLLUP.derive(made)["vehicles_per_h"] == ROLLUP.derive(hour(points))["vehicles_per_h"] == 80


def test_the_hour_before_says_since_when_it_counts() -> None:
    """A report that came a little late counts a little more; after a hole, one interval."""
    assert hour(count(T0, 5, 5), {"counted_ms": T0 - 16.0 * MINUTE})["measured_s"] == 960
    assert hour(count(T0, 5, 5), {"counted_ms": T0 - 45.0 * MINUTE})["measured_s"] == 900
    assert hour(count(T0, 5, 5), {"counted_ms": T0 - 0.0})["measured_s"] == 0, "the same count told again"


def test_the_interval_that_the_device_told_holds() -> None:
    """Against the profile's, and from then on."""
    settings = told(T0, report_interval_s=1800.0)
    made = hour([settings, *count(T0 + 1, 5, 5)])
    assert (made["measured_s"], made["count_interval_s"]) == (1800, 1800)
    assert hour(count(T0 + HOUR, 5, 5), made)["count_interval_s"] == 1800


def test_a_radar_that_is_off_measures_nothing() -> None:
    """Its zeros are none, also in the hours after; what passes shows that it works again."""
    off = told(T0, radar_state="off")
    first = hour([off, *quarters((0, 0), (0, 0), start_ms=T0 + MINUTE)])
    assert first == {"radar_off": 1}
    second = hour(quarters((0, 0), (0, 0)), first)
    assert second == {"radar_off": 1}
    third = hour(quarters((0, 0), (1, 0), (0, 0)), second)
    assert (third["vehicles_count"], third["measured_s"]) == (1, 1800)
    assert "radar_off" not in third
    assert hour([told(T0, radar_state="on"), *count(T0 + 1, 0, 0)], first)["vehicles_count"] == 0


def test_classes_that_part_all_vehicles_tell_who_was_over_the_limit() -> None:
    """By their means, when nobody told their borders."""
    made = hour(classed(T0, (10, 20.0), (60, 45.0), (25, 55.0), (5, 74.0)))
    assert (made["classed_count"], made["fast_count"], made["speed_limit_kmh"]) == (100, 30, 50)
    assert made["fast_sum_kmh"] == 25 * 55 + 5 * 74
    assert ROLLUP.derive(made)["over_limit_pct"] == 30


def test_borders_that_the_device_told_decide() -> None:
    """A class across the limit holds both: then nobody knows how many, and nothing is said."""

    def settings(*borders: tuple[float, float]) -> list[Point]:
        return [
            told(T0 - 1000, f"class_{number}", class_min_speed_kmh=least, class_max_speed_kmh=most)
            for number, (least, most) in enumerate(borders, 1)
        ]

    counts = classed(T0, (70, 42.0), (30, 55.0))
    aligned = hour([*settings((1, 50), (50, 255)), *counts])
    assert (aligned["fast_count"], aligned["fast_class"]) == (30, 2)
    across = hour([*settings((1, 30), (30, 70), (70, 255)), *classed(T0, (10, 20.0), (70, 52.0), (5, 80.0))])
    assert "classed_count" not in across
    assert "fast_count" not in hour(counts, across), "in the hours after too"
    slow = hour([*settings((1, 30), (30, 50)), *counts])
    assert slow["fast_count"] == 0


@pytest.mark.parametrize(
    "counts",
    [
        classed(T0, (10, 20.0), (60, 0.0)),  # a class without a speed
        [told(T0, "left", vehicles_count=80.0), *classed(T0, (10, 20.0), (60, 55.0))[1:]],  # ten in no class
    ],
)
def test_what_is_not_known_of_classes_is_not_said(counts: list[Point]) -> None:
    """Vehicles without a speed, or in no class: no share of what is left is made up."""
    made = hour(counts)
    assert "classed_count" not in made
    assert made["vehicles_count"] == counts[0].fields["vehicles_count"]


def test_a_filter_tells_only_where_it_is_declared() -> None:
    """PMX's categories may be of size: which one is the fast one, the territory says."""
    fast = [told(T0 + 3000, "ltr_1", class_vehicles_count=3.0, class_speed_kmh=58.0), told(T0 + 3000, "ltr_2")]
    points = [*count(T0, 10, 0), *fast, told(T0 + 3000, "rtl_1", class_vehicles_count=0.0)]
    assert "classed_count" not in hour(points)
    made = hour(points, declared=territory(traffic_fast_category=1))
    assert (made["classed_count"], made["fast_count"], made["fast_sum_kmh"]) == (10, 3, 174)


def test_a_filter_whose_uplink_was_lost_tells_nothing() -> None:
    """Not that nobody was fast; and its own count, lost, is not replaced."""
    declared = territory(traffic_fast_category=1)
    fast = [told(T0 + 3000, f"{way}_1", class_vehicles_count=1.0, class_speed_kmh=58.0) for way in ("ltr", "rtl")]
    made = hour([*count(T0, 10, 5), *fast, *count(T0 + QUARTER, 10, 5)], declared=declared)
    assert (made["vehicles_count"], made["classed_count"], made["fast_count"]) == (30, 15, 2)
    assert "classed_count" not in hour(fast, declared=declared)
    assert "classed_count" not in hour([*count(T0, 0, 0), *fast], declared=declared), "of nobody, one was fast?"


def test_a_cell_is_a_battery_and_the_mains_are_none() -> None:
    """The least volts of a cell, whoever measured them; 12 V are a supply."""
    assert hour(count(T0, 1, 1)).get("battery_min_v") is None
    made = hour([told(T0, supply_v=3.7), told(T0 + 1, supply_v=3.6), told(T0 + 2, battery_v=3.65)])
    assert made["battery_min_v"] == 3.6


def test_hours_combine_to_what_was_counted() -> None:
    """Sums of a day or of a commune derive the same figures as one long hour would."""
    one, two = hour(classed(T0, (50, 40.0), (50, 60.0))), hour(classed(T0, (90, 40.0), (10, 60.0)))
    both = {name: one[name] + two[name] for name in ("classed_count", "fast_count", "fast_sum_kmh")}
    derived = ROLLUP.derive({**both, "speed_limit_kmh": 50.0})
    assert derived["over_limit_pct"] == 30
    assert derived["v85_kmh"] == pytest.approx(v85_kmh(50, 30.0, 60.0))
    assert "v85_kmh" not in ROLLUP.derive(both), "streets of several limits have no common V85"


@pytest.mark.parametrize("mean_kmh", [44, 47, 50, 53])
@pytest.mark.parametrize("spread_kmh", [3.0, 6.5, 9.0])
def test_the_v85_is_right_to_a_tenth_of_the_spread(mean_kmh: float, spread_kmh: float) -> None:
    """Of normal speeds, when 15 to 80 % are over the limit; from two sums alone. Else it is not given."""
    speeds = [one for one in NormalDist(mean_kmh, spread_kmh).samples(30_000, seed=7) if one > 0]
    fast = [one for one in speeds if one > 50]
    over_pct = 100 * len(fast) / len(speeds)
    found = v85_kmh(50, over_pct, sum(fast) / len(fast))
    if 15 <= over_pct <= 80:
        assert found == pytest.approx(quantiles(speeds, n=100)[84], abs=0.12 * spread_kmh)
    else:
        assert found is None


def test_a_v85_needs_vehicles() -> None:
    """Of fewer than a hundred it is not given."""
    few = {"classed_count": 99.0, "fast_count": 40.0, "fast_sum_kmh": 40 * 55.0, "speed_limit_kmh": 50.0}
    assert "v85_kmh" not in ROLLUP.derive(few)
    assert "v85_kmh" in ROLLUP.derive({**few, "classed_count": 100.0})


# does it count?


def judge(points: Sequence[Point], now_ms: int, detector: CountingDetector | RadarDetector) -> Judgement:
    seen = [told for one in points if (told := detector.read(one)) is not None]
    seen.sort(key=lambda told: (told.at_ms, told.channel))
    return detector.judge(seen, COUNTER, now_ms)  # type: ignore[arg-type]


def counting(made: Judgement) -> list[tuple[float | str, int]]:
    return [(state.value, state.since_ms) for state in made.states]


def test_a_counter_that_counts_says_so_until_it_does_not() -> None:
    """A verdict of time alone: without any new reading it is another after six intervals."""
    points = quarters((1, 0), (0, 0))
    last_ms = T0 + QUARTER
    made = judge(points, last_ms + MINUTE, CountingDetector())
    assert counting(made) == [(1.0, T0)]
    assert made.next_ms == last_ms + 6 * QUARTER + 1
    assert counting(judge(points, made.next_ms, CountingDetector())) == [(0.0, last_ms)]
    assert not judge(points, made.next_ms, CountingDetector()).findings, "its silence is another's matter"


def test_a_counter_that_reports_without_counting_is_to_be_mended() -> None:
    """Six reports, which no loss explains; one count ends it."""
    points = [*count(T0, 3, 3), *(told(T0 + at * QUARTER, supply_v=12.0) for at in range(1, 9))]
    (finding,) = judge(points, T0 + 8 * QUARTER, CountingDetector()).findings
    assert (finding.kind, finding.about, finding.since_ms) == ("traffic.no_measurement", About.ASSET, T0)
    assert not finding.or_earlier
    (finding,) = judge(points[3:], T0 + 8 * QUARTER, CountingDetector()).findings
    assert finding.or_earlier, "no count is known of it"
    assert not judge(points[:-3], T0 + 5 * QUARTER, CountingDetector()).findings
    assert not judge([*points, *count(T0 + 9 * QUARTER, 0, 0)], T0 + 9 * QUARTER, CountingDetector()).findings


def test_a_counter_that_comes_back_has_not_counted_yet() -> None:
    """Dead for hours, then its first word: silence is no report without a count; nor are two frames at once two."""
    points = [*count(T0, 3, 3), told(T0 + 3000, supply_v=12.0), told(T0 + 8 * HOUR, firmware_version=1.0)]
    assert not judge(points, T0 + 8 * HOUR, CountingDetector()).findings
    together = [told(T0 + 8 * HOUR + at * 3000, supply_v=12.0) for at in range(12)]
    assert not judge([*points, *together], T0 + 9 * HOUR, CountingDetector()).findings


def test_zeros_are_counts() -> None:
    """A night in which nobody passes is measured."""
    made = judge(quarters((0, 0), (0, 0), (0, 0)), T0 + 2 * QUARTER, CountingDetector())
    assert counting(made)[0][0] == 1.0
    assert not made.findings


def test_a_radar_that_is_off_is_to_be_mended() -> None:
    """Whatever zeros it sends; until it says that it is on, or something passed."""
    off = told(T0, radar_state="off")
    (finding,) = judge([off, *quarters((0, 0), (0, 0), start_ms=T0 + 1)], T0 + HOUR, RadarDetector()).findings
    assert (finding.about, finding.subject, finding.facts) == (About.DEVICE, DEVICES["counter"], {"asset": "counter"})
    assert not judge([off, *count(T0 + QUARTER, 0, 1)], T0 + HOUR, RadarDetector()).findings
    assert not judge([off, told(T0 + 1, radar_state="on")], T0 + HOUR, RadarDetector()).findings


def test_a_radar_stays_off_however_long_it_sends_zeros() -> None:
    """The word that it is off is not pushed out by what comes often."""
    watchman = Watchman(territory(), [CountingDetector(), RadarDetector()], now_ms=T0)
    watchman.take([told(T0, radar_state="off")])
    for day in range(5):
        watchman.take(quarters(*[(0.0, 0.0)] * 96, start_ms=T0 + day * 24 * HOUR + MINUTE))
        sight = watchman.look(T0 + (day + 1) * 24 * HOUR)
        assert [finding.since_ms for finding in sight.findings.values()] == [T0]


@pytest.mark.parametrize("seed", range(10))
def test_whatever_the_order_the_verdict_is_the_same(seed: int) -> None:
    """Late, double and shuffled points, told in several turns."""
    chance = Random(seed)
    points = [one for one in quarters(*[(0.0, 1.0)] * 12) if chance.random() > 0.1]
    points += [told(T0 + 20 * QUARTER + at * QUARTER, supply_v=12.0) for at in range(3)]
    now_ms = T0 + 23 * QUARTER
    straight = Watchman(territory(), [CountingDetector(), RadarDetector()], now_ms=T0)
    straight.take(points)
    expected = straight.look(now_ms)
    shuffled = [*points, *chance.choices(points, k=6)]
    chance.shuffle(shuffled)
    watchman = Watchman(territory(), [CountingDetector(), RadarDetector()], now_ms=T0)
    for at in range(0, len(shuffled), 5):
        watchman.take(shuffled[at : at + 5])
        sight = watchman.look(now_ms)
    assert sight.findings.keys() == expected.findings.keys()
