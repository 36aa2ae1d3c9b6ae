"""What a verdict on a lamp costs, in time of the processor."""

from collections.abc import Callable
from datetime import timedelta
from time import process_time

from cloud.watch.detectors.light import Light
from cloud.watch.detectors.light_said import Said
from cloud.watch.plan import plan_of
from cloud.watch.watchman import watched_of
from tests.support.lamps import HOUR_MS, drawn, hourly, ms, notice, status, town

_TERRITORY = town()
_NOW_MS = ms("2026-10-21T21:10")
_ALLOWED_US = 60.0
"""Measured 8 to 11 µs; five times that is another way of judging, not another machine."""


def _each_us(act: Callable[[], object], times: int) -> float:
    best = min(_took(act, times) for _ in range(3))
    return best * 1e6 / times


def _took(act: Callable[[], object], times: int) -> float:
    begun = process_time()
    for _ in range(times):
        act()
    return process_time() - begun


def _seen(lamp: str) -> list[Said]:
    points = [
        *hourly("2026-10-21T09:30", "2026-10-21T17:30", 0, lamp=lamp),
        *hourly("2026-10-21T18:40", "2026-10-21T20:40", 100, lamp=lamp),
        *(drawn(_NOW_MS - hour * HOUR_MS, 38.0 if hour < 3 else 0.4, lamp=lamp) for hour in range(10)),
    ]
    found = [said for point in sorted(points, key=lambda one: one.time_us) if (said := Light().read(point))]
    return found[-16:]


def test_a_verdict_is_a_matter_of_microseconds() -> None:
    """A lamp that does as it should, with all that is kept of it: 100,000 of them are a second or two."""
    detector, watched = Light(), watched_of(_TERRITORY, now_ms=0)
    for lamp in ("permanent", "switched"):
        seen, one = _seen(lamp), watched[lamp]
        assert not detector.judge(seen, one, _NOW_MS).findings
        assert _each_us(lambda: detector.judge(seen, one, _NOW_MS), 3000) < _ALLOWED_US  # noqa: B023 - called at once


def test_a_broken_lamp_costs_little_more() -> None:
    """A storm of failures is judged too."""
    detector, watched = Light(), watched_of(_TERRITORY, now_ms=0)["permanent"]
    points = [status(_NOW_MS - 4 * HOUR_MS, 100)]
    points += [
        notice(_NOW_MS - minute * 60_000, lit=minute % 2 == 0, failed=minute % 2 == 1) for minute in (7, 6, 5, 4)
    ]
    seen = [said for point in points if (said := detector.read(point))]
    assert detector.judge(seen, watched, _NOW_MS + HOUR_MS).findings
    assert _each_us(lambda: detector.judge(seen, watched, _NOW_MS), 3000) < 2 * _ALLOWED_US


def test_a_look_at_a_plan_costs_nothing_to_speak_of() -> None:
    """Once a night is reckoned it is found by bisection, on any day of a year."""
    asset = _TERRITORY.assets["permanent"]
    plan = plan_of(_TERRITORY, asset)
    assert plan is not None
    days = [_NOW_MS + timedelta(days=day) // timedelta(milliseconds=1) for day in range(365)]
    for at_ms in days:
        plan.level_pct(at_ms)
    assert _each_us(lambda: plan_of(_TERRITORY, asset), 3000) < 6
    assert _each_us(lambda: [plan.level_pct(at_ms) for at_ms in days], 20) < 365 * 6
