"""What an hour of a lamp comes to: counters that lose nothing, hours by its words, estimates that say so."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from itertools import pairwise
from random import Random

import pytest
from msgspec.structs import replace

from cloud.stores.base import Field, Point
from cloud.watch.model import Combine, Watched
from cloud.watch.rollups.light import LightRollup
from cloud.watch.watchman import watched_of
from core.sun import night_sun_ms
from core.territory import Kind
from core.territory.calendars import night_bounds_ms, night_of
from tests.support.lamps import (
    HOUR_MS,
    LAMPS,
    LAT,
    LON,
    MIN_MS,
    drawn,
    hourly,
    ms,
    no_driver,
    notice,
    said,
    status,
    town,
)

_ROLLUP = LightRollup()
_WATCHED = {name: replace(one, since_ms=0) for name, one in watched_of(town(), now_ms=0).items()}


def _rolled(points: Iterable[Point], watched: Watched) -> dict[int, dict[str, float]]:
    """Every hour of the points, each with the newest one before it, as the job does it."""
    hours: dict[int, list[Point]] = {}
    for point in sorted(points, key=lambda point: point.time_us):
        hours.setdefault(point.time_us // 1000 // HOUR_MS * HOUR_MS, []).append(point)
    done: dict[int, dict[str, float]] = {}
    before_ms: int | None = None
    for start_ms, found in hours.items():
        near = before_ms is not None and start_ms - before_ms <= 48 * HOUR_MS
        before = done[before_ms] if near and before_ms is not None else {}
        done[start_ms] = _ROLLUP.hour(found, before, watched, start_ms)
        before_ms = start_ms
    return done


def _sum(hours: Mapping[int, Mapping[str, float]], name: str) -> float:
    return sum(fields.get(name, 0.0) for fields in hours.values())


def _roll(points: Iterable[Point], lamp: str = "permanent") -> dict[int, dict[str, float]]:
    return _rolled(points, _WATCHED[lamp])


def _counted(at_ms: int, energy_wh: float, lamp_s: float, *, channel: str = "internal", device: str = "") -> Point:
    fields: dict[str, Field] = {"energy_wh": float(energy_wh), "lamp_time_s": float(lamp_s), "power_w": 38.0}
    point = said(at_ms, fields, channel=channel)
    return replace(point, tags=point.tags | {"device": device}) if device else point


# counters


@pytest.mark.parametrize("seed", range(30))
def test_hours_add_up_to_the_counter_s_difference_under_any_loss(seed: int) -> None:
    """Whatever is lost: the hours add up to what the counter rose by, from its first reading to its last."""
    chance = Random(seed)
    energy, burned, at_ms, readings = 1000.0, 5000.0, ms("2026-10-20T18:40"), []
    for _ in range(40):
        readings.append(_counted(at_ms, float(int(energy)), float(int(burned))))
        minutes = chance.choice([5, 60, 61, 240])
        at_ms += minutes * MIN_MS
        energy += 38.0 * minutes / 60
        burned += minutes * 60
    heard = [point for point in readings if chance.random() > 0.4] or readings[:1]
    hours = _roll(heard)
    assert _sum(hours, "energy_wh") == heard[-1].fields["energy_wh"] - heard[0].fields["energy_wh"]  # type: ignore[operator]
    assert _sum(hours, "burning_s") == heard[-1].fields["lamp_time_s"] - heard[0].fields["lamp_time_s"]  # type: ignore[operator]


def test_an_increment_is_booked_in_the_hour_whose_reading_brings_it() -> None:
    """Three hours in one frame: nothing is spread, nothing is guessed."""
    first, later = ms("2026-10-20T19:50"), ms("2026-10-20T22:50")
    hours = _roll([_counted(first, 100, 0), status(ms("2026-10-20T20:50"), 100), _counted(later, 214, 10_800)])
    assert [fields.get("energy_wh") for fields in hours.values()] == [0.0, None, 114.0]
    assert [fields.get("burning_s") for fields in hours.values()] == [0.0, None, 10_800.0]
    assert not any("energy_estimated_wh" in fields or "burning_estimated_s" in fields for fields in hours.values())


def test_a_restart_and_a_wrap_are_what_they_are() -> None:
    """After a restart what was counted since; over the end of the counter what was counted."""
    at_ms = ms("2026-10-20T19:50")
    restarted = _roll([_counted(at_ms, 50_000, 90_000), _counted(at_ms + HOUR_MS, 12, 1800)])
    assert (_sum(restarted, "energy_wh"), _sum(restarted, "burning_s")) == (12, 1800)
    wrapped = _roll([_counted(at_ms, 2**32 - 10, 0), _counted(at_ms + HOUR_MS, 28, 3600)])
    assert _sum(wrapped, "energy_wh") == 38


def test_the_counter_of_another_device_is_another_counter() -> None:
    """A controller swapped within an hour: what each counted, no difference between the two."""
    at_ms = ms("2026-10-20T20:05")
    points = [
        _counted(at_ms, 1000, 0, device="a" * 16),
        _counted(at_ms + 10 * MIN_MS, 1006, 600, device="a" * 16),
        _counted(at_ms + 20 * MIN_MS, 500_000, 77_000, device="b" * 16),
        _counted(at_ms + 30 * MIN_MS, 500_006, 77_600, device="b" * 16),
    ]
    hours = _roll(points)
    assert (_sum(hours, "energy_wh"), _sum(hours, "burning_s")) == (12, 1200)


def test_a_lamp_s_meter_holds_its_drivers_and_drivers_add_up_without_one() -> None:
    """Two heads: the energy of both, the hours of the longest."""
    at_ms = ms("2026-10-20T20:05")
    heads = [
        _counted(at_ms + step * 30 * MIN_MS, 100 + 10 * step * head, 600 * step * head, channel=f"dali_{head}")
        for step in (0, 1)
        for head in (1, 2)
    ]
    hours = _roll(heads)
    assert (_sum(hours, "energy_wh"), _sum(hours, "burning_s")) == (30, 1200)
    metered = _roll([*heads, _counted(at_ms, 100, 0), _counted(at_ms + 30 * MIN_MS, 131, 1250)])
    assert (_sum(metered, "energy_wh"), _sum(metered, "burning_s")) == (31, 1250)


# estimates


def test_without_counters_rated_power_and_level_are_the_estimate() -> None:
    """40 W at full to 22:00, then at half: told by its words, flagged by the name of the field."""
    hours = _roll(hourly("2026-10-20T20:00", "2026-10-21T00:00", 100, lamp="half"), "half")
    assert "energy_wh" not in hours[max(hours)]
    assert _sum(hours, "burning_estimated_s") == 4 * 3600
    words = list(hourly("2026-10-20T20:00", "2026-10-20T21:00", 100, lamp="half"))
    words += hourly("2026-10-20T23:00", "2026-10-21T00:00", 50, lamp="half")
    hours = _roll(words, "half")
    assert _sum(hours, "energy_estimated_wh") == pytest.approx(2 * 40 + 2 * 20)


def test_what_is_counted_and_what_is_estimated_add_up() -> None:
    """A commune's total, and how much of it was estimated."""
    made = _ROLLUP.derive({"energy_wh": 300.0, "energy_estimated_wh": 100.0, "burning_s": 60.0})
    assert made == {"energy_total_wh": 400.0, "energy_estimated_pct": 25.0, "burning_total_s": 60.0}
    assert _ROLLUP.derive({"energy_wh": 0.0}) == {"energy_total_wh": 0.0, "energy_estimated_pct": 0.0}
    assert _ROLLUP.derive({"burning_expected_s": 1.0}) == {}


def test_a_lamp_of_unknown_power_has_hours_and_no_energy() -> None:
    """Absent is absent."""
    watched = _WATCHED["half"]
    unknown = replace(watched, asset=replace(watched.asset, rated_power_w=None))
    hours = _rolled(hourly("2026-10-20T20:00", "2026-10-20T21:00", 100, lamp="half"), unknown)
    assert _sum(hours, "burning_estimated_s") == 3600
    assert not any("energy_estimated_wh" in fields for fields in hours.values())


# hours by its words


@pytest.mark.parametrize("evening", ["2026-03-28", "2026-10-20", "2026-10-24"])
@pytest.mark.parametrize("seed", range(5))
def test_a_night_of_a_lamp_that_obeys_is_the_plan_s_whatever_is_lost(evening: str, seed: int) -> None:
    """Its hours are those of the plan; so on the nights that lose an hour or gain one, each second counted once."""
    chance = Random(seed)
    night = night_of(ms(f"{evening}T20:00"))
    noon_ms, end_ms = night_bounds_ms(night)
    sunset_ms, sunrise_ms = night_sun_ms(LAT, LON, night)
    morning_ms = ms(f"{night + timedelta(days=1)}T05:00")
    lit_s = (ms(f"{evening}T23:00") - sunset_ms + sunrise_ms - morning_ms) / 1000
    words = []
    for at_ms in range(noon_ms, end_ms + 1, HOUR_MS // 2):
        lit = sunset_ms <= at_ms < ms(f"{evening}T23:00") or morning_ms <= at_ms < sunrise_ms
        if at_ms in (noon_ms, end_ms) or chance.random() > 0.3:
            words.append(status(at_ms, 100 if lit else 0))
    hours = _roll(words)
    assert _sum(hours, "burning_expected_s") == pytest.approx(lit_s)
    assert _sum(hours, "burning_estimated_s") == pytest.approx(lit_s)
    assert not any({"burning_unexpected_s", "dark_s", "lamp_failed_s"} & set(fields) for fields in hours.values())


def test_a_lamp_that_burns_by_day_burned_while_nothing_was_expected() -> None:
    """From its first such word to its last, and half the time to the word that it is off."""
    words = [*hourly("2026-10-20T10:00", "2026-10-20T12:00", 0, lit=True), status(ms("2026-10-20T13:00"), 0)]
    hours = _roll(words)
    assert _sum(hours, "burning_unexpected_s") == 2.5 * 3600
    assert _sum(hours, "burning_estimated_s") == 2.5 * 3600
    assert _sum(hours, "burning_expected_s") == 0


def test_a_dark_evening_is_dark() -> None:
    """What it should have burned, and did not."""
    hours = _roll(hourly("2026-10-20T20:00", "2026-10-20T22:00", 100, lit=False))
    assert _sum(hours, "dark_s") == 2 * 3600
    assert _sum(hours, "burning_expected_s") == 2 * 3600
    assert _sum(hours, "burning_estimated_s") == 0


def test_of_a_lamp_that_was_not_heard_for_long_the_plan_is_believed() -> None:
    """Astray before a silence of a night: nobody knows for how long."""
    words = [status(ms("2026-10-20T12:00"), 0, lit=True), status(ms("2026-10-21T12:00"), 0)]
    hours = _roll(words)
    assert _sum(hours, "burning_estimated_s") == _sum(hours, "burning_expected_s") > 0
    assert "burning_unexpected_s" not in hours[max(hours)]


def test_a_meter_does_not_speak_for_a_driver_whose_words_were_lost() -> None:
    """Dimmed to 2 W: an hour that has only its meter's frame leaves it lit, as its driver said before and after."""
    words = [
        status(ms("2026-10-20T23:50"), 5, lamp="half"),
        drawn(ms("2026-10-21T00:20"), 2.0, lamp="half"),
        status(ms("2026-10-21T01:50"), 5, lamp="half"),
    ]
    hours = _roll(words, "half")
    assert _sum(hours, "burning_estimated_s") == 2 * 3600
    assert _sum(hours, "energy_estimated_wh") == pytest.approx(2 * 40 * 0.05)
    assert not _sum(hours, "dark_s")


def test_a_lamp_on_no_circuit_has_hours_and_nothing_expected() -> None:
    """Its own words are all that is known."""
    hours = _roll(hourly("2026-10-20T20:00", "2026-10-20T22:00", 100, lamp="alone"), "alone")
    assert _sum(hours, "burning_estimated_s") == 2 * 3600
    assert not any("burning_expected_s" in fields for fields in hours.values())


# failures


def test_a_failure_lasts_from_its_word_to_the_one_that_ends_it() -> None:
    """Over hours in which a lamp that is off has nothing to say of it."""
    words = [
        notice(ms("2026-10-20T22:30"), lit=False, failed=True),
        *hourly("2026-10-20T23:30", "2026-10-21T03:30", 0),
        status(ms("2026-10-21T05:30"), 100),
    ]
    assert _sum(_roll(words), "lamp_failed_s") == 7 * 3600
    broken = [*no_driver(ms("2026-10-20T22:30")), status(ms("2026-10-20T23:30"), 0)]
    assert _sum(_roll(broken), "lamp_failed_s") == 3600


# the contract


def test_every_field_that_an_hour_may_give_is_declared() -> None:
    """What the job does not know it could not combine; and what it combines is a number."""
    points = [
        _counted(ms("2026-10-20T12:00"), 1, 1),
        status(ms("2026-10-20T12:10"), 0, lit=True, failed=True),
        status(ms("2026-10-20T12:20"), 0, lit=True, failed=True),
    ]
    for lamp in LAMPS:
        for fields in _roll(points, lamp).values():
            assert fields.keys() <= _ROLLUP.fields.keys()
            assert all(isinstance(value, float) for value in fields.values())
    assert set(_ROLLUP.fields.values()) == {Combine.SUM, Combine.LAST}
    assert _ROLLUP.concerns(_WATCHED["half"])
    cabinet = replace(_WATCHED["half"], asset=replace(_WATCHED["half"].asset, kind=Kind.CABINET))
    assert not _ROLLUP.concerns(cabinet)


def test_an_hour_is_the_same_however_its_points_were_written() -> None:
    """Twice the same hour, with the same one before: the same fields; and the next hour goes on from them."""
    words: Sequence[Point] = [
        *hourly("2026-10-20T20:10", "2026-10-20T23:10", 100),
        _counted(ms("2026-10-20T20:20"), 5, 5),
    ]
    hours = _roll(words)
    again = _roll([*words, *words])
    assert hours == again
    for earlier, later in pairwise(hours.values()):
        assert later["said_ms"] == earlier["said_ms"] + HOUR_MS
