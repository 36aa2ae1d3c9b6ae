"""Lamps: each verdict on readings made by hand, by the times of the readings."""

from datetime import date
from random import Random

import pytest
from msgspec.structs import replace

from cloud.stores.base import Point
from cloud.watch.detectors.light import Light
from cloud.watch.watchman import Watchman, watched_of
from core.sun import night_sun_ms
from core.territory import Kind
from core.territory.model import Thresholds
from tests.support.lamps import (
    HOUR_MS,
    LAT,
    LON,
    MIN_MS,
    Look,
    drawn,
    hourly,
    ms,
    no_driver,
    notice,
    said,
    status,
    town,
)

DAY, NIGHT, EXTINCT = "light.burning_by_day", "light.dark_by_night", "light.burning_in_extinction"
LAMP, DRIVER, FLICKER = "light.lamp_failure", "light.driver_failure", "light.flicker"

# in October at Remiremont: sunset 18:35, sunrise 08:00 (summer time)


def test_a_lamp_that_does_as_its_circuit_shall_is_nobody_s_trouble() -> None:
    """Through an evening, an extinction and a day: lit and off when expected, no finding."""
    look = Look(hourly("2026-10-20T09:30", "2026-10-20T17:30", 0), "2026-10-20T17:40")
    assert (look.value("lit"), look.value("lamp"), look.value("expected_level_pct")) == (0, "off", 0)
    look.live(hourly("2026-10-20T18:45", "2026-10-20T22:45", 100))
    assert (look.value("lit"), look.value("lamp"), look.value("expected_level_pct")) == (1, "lit", 100)
    assert look.since_ms("lit") == ms("2026-10-20T18:45")
    assert not look.findings
    look.again(hourly("2026-10-20T23:02", "2026-10-21T04:02", 0), "2026-10-21T04:50")
    assert (look.value("lit"), look.value("lamp"), look.value("expected_level_pct")) == (0, "off", 0)
    assert not look.findings


def test_the_expected_level_changes_with_the_plan_alone() -> None:
    """At its very times, whether the lamp speaks or not."""
    look = Look([], "2026-10-20T12:00", lamp="half")
    sunset_ms, _ = night_sun_ms(LAT, LON, date(2026, 10, 20))
    look.again([], sunset_ms - 1)
    assert look.value("expected_level_pct") == 0
    look.again([], sunset_ms)
    assert (look.value("expected_level_pct"), look.since_ms("expected_level_pct")) == (100, sunset_ms)
    look.again([], "2026-10-20T22:00")
    assert (look.value("expected_level_pct"), look.since_ms("expected_level_pct")) == (50, ms("2026-10-20T22:00"))


# burning by day


def test_a_lamp_that_burns_at_noon_burns_by_day() -> None:
    """Told off, and on: after the hold, since its first word, with what it draws and what it should."""
    points = [status(ms("2026-10-20T11:00"), 0, lit=True), drawn(ms("2026-10-20T11:05"), 38.5)]
    assert not Look(points, "2026-10-20T11:19").findings
    look = Look(points, "2026-10-20T11:20")
    found = look.findings[DAY]
    assert found.since_ms == ms("2026-10-20T11:00")
    assert found.facts == {"power_w": 38.5, "level_pct": 0.0, "expected_level_pct": 0.0}
    assert (look.value("lit"), look.value("lamp")) == (1, "lit")


def test_burning_by_day_ends_with_the_word_that_it_is_off() -> None:
    """Not with the night, in which it burns rightly, nor with many words of that night."""
    look = Look([], "2026-10-20T09:00")
    look.live(hourly("2026-10-20T10:00", "2026-10-20T18:00", 0, lit=True))
    look.live(hourly("2026-10-20T18:45", "2026-10-20T22:45", 100))
    assert look.findings[DAY].since_ms == ms("2026-10-20T10:00")
    look.live(hourly("2026-10-20T23:02", "2026-10-21T06:02", 0, lit=True))
    assert set(look.findings) == {DAY}, "one trouble, whatever the hour"
    look.again([status(ms("2026-10-21T07:00"), 0)], "2026-10-21T07:01")
    assert not look.findings


def test_a_late_word_of_the_night_is_judged_by_the_night() -> None:
    """Measured lit at 22:50, told at noon the next day: no lamp burns by day."""
    look = Look(hourly("2026-10-20T09:30", "2026-10-20T17:30", 0), "2026-10-20T17:40")
    look.again(hourly("2026-10-20T18:45", "2026-10-20T22:45", 100), "2026-10-21T12:00")
    assert not look.findings
    assert look.value("lit") == 1, "that is its last word"


def test_a_late_word_that_it_was_off_takes_back_what_it_explains() -> None:
    """A relay opened at 12:30; what tells it comes at 14:00, after the alarm."""
    look = Look([status(ms("2026-10-20T12:00"), 0, lit=True)], "2026-10-20T13:00")
    assert DAY in look.findings
    look.again([status(ms("2026-10-20T12:30"), 0)], "2026-10-20T14:00")
    assert not look.findings
    assert (look.value("lit"), look.since_ms("lit")) == (0, ms("2026-10-20T12:30"))


@pytest.mark.parametrize(("at", "is_wrong"), [("08:20", False), ("08:44", False), ("08:47", True), ("17:40", True)])
def test_around_the_sun_s_times_nothing_is_wrong(at: str, is_wrong: bool) -> None:
    """A lamp that follows civil twilight, or a cell, is not the sun's clock: 45 min after sunrise and before sunset."""
    look = Look([status(ms(f"2026-10-20T{at}"), 100)], "2026-10-20T18:20")
    assert (DAY in look.findings) is is_wrong


@pytest.mark.parametrize(
    ("at", "kinds"), [("23:08", set()), ("23:12", {EXTINCT}), ("04:55", set()), ("04:48", {EXTINCT})]
)
def test_around_the_clock_s_times_less_is_doubtful(at: str, kinds: set[str]) -> None:
    """An extinction begins and ends by a clock, which is minutes off at most."""
    day = 21 if at < "12" else 20
    look = Look([status(ms(f"2026-10-{day}T{at}"), 100)], ms(f"2026-10-{day}T{at}") + 20 * MIN_MS)
    assert set(look.findings) == kinds


def test_a_lamp_on_no_circuit_may_burn_by_night_only() -> None:
    """Nobody declared when it shall burn; by day it does not, at night nothing is expected of it."""
    assert DAY in Look([status(ms("2026-10-20T12:00"), 100, lamp="alone")], "2026-10-20T12:30", lamp="alone").findings
    for lit in (True, False):
        points = [status(ms("2026-10-21T01:00"), 100 if lit else 0, lamp="alone")]
        look = Look(points, "2026-10-21T01:30", lamp="alone")
        assert not look.findings
        assert look.value("expected_level_pct") is None


# in extinction, dark by night


def test_a_lamp_that_burns_in_extinction_is_another_matter() -> None:
    """At 01:00, on the night of no arrêté."""
    look = Look([status(ms("2026-10-21T01:00"), 100)], "2026-10-21T01:20")
    assert set(look.findings) == {EXTINCT}
    look.again([status(ms("2026-10-21T01:30"), 0)], "2026-10-21T01:31")
    assert not look.findings


def test_an_exception_by_arrete_is_the_plan_of_its_nights() -> None:
    """On 14 July lamps burn at 01:00, and one that does not is dark; on the 12th it is the other way round."""
    lit, off = [status(ms("2026-07-14T01:00"), 100)], [status(ms("2026-07-14T01:00"), 0)]
    assert not Look(lit, "2026-07-14T01:20").findings
    assert set(Look(off, "2026-07-14T01:20").findings) == {NIGHT}
    lit, off = [status(ms("2026-07-13T01:00"), 100)], [status(ms("2026-07-13T01:00"), 0)]
    assert set(Look(lit, "2026-07-13T01:20").findings) == {EXTINCT}
    assert not Look(off, "2026-07-13T01:20").findings


def test_a_lamp_that_is_off_where_it_should_burn_is_dark_by_night() -> None:
    """It has power, it speaks, nothing says why; until it is lit, the next day included."""
    look = Look(hourly("2026-10-20T19:30", "2026-10-20T21:30", 100, lit=False), "2026-10-20T21:40")
    assert look.findings[NIGHT].since_ms == ms("2026-10-20T19:30")
    assert (look.value("lit"), look.value("lamp")) == (0, "dark")
    look.again(hourly("2026-10-21T08:30", "2026-10-21T17:30", 0), "2026-10-21T17:40")
    assert look.findings[NIGHT].since_ms == ms("2026-10-20T19:30")
    look.again([status(ms("2026-10-21T18:40"), 100)], "2026-10-21T18:41")
    assert not look.findings


def test_silence_is_not_darkness() -> None:
    """A lamp that was off by day and says nothing in the evening is for silence to judge."""
    look = Look(hourly("2026-10-20T09:30", "2026-10-20T17:30", 0), "2026-10-20T22:30")
    assert not look.findings


def test_a_lamp_that_failed_is_not_dark_besides() -> None:
    """One trouble, one finding."""
    look = Look([status(ms("2026-10-20T20:00"), 100, failed=True)], "2026-10-20T20:20")
    assert set(look.findings) == {LAMP}


# a switched circuit


def test_a_switched_lamp_goes_off_with_its_circuit() -> None:
    """It cannot say so: off since 23:00, lit again with its first word after 05:00, off by day."""
    look = Look(
        hourly("2026-10-20T18:45", "2026-10-20T22:45", 100, lamp="switched"), "2026-10-20T22:59", lamp="switched"
    )
    assert look.value("lit") == 1
    look.again([], "2026-10-20T23:00")
    assert (look.value("lit"), look.since_ms("lit"), look.value("lamp")) == (0, ms("2026-10-20T23:00"), "off")
    look.again([], "2026-10-21T05:01")
    assert look.value("lit") == 0
    look.again([status(ms("2026-10-21T05:03"), 100, lamp="switched")], "2026-10-21T05:04")
    assert (look.value("lit"), look.since_ms("lit")) == (1, ms("2026-10-21T05:03"))
    look.again([], "2026-10-21T13:00")
    assert look.value("lit") == 0
    assert not look.findings


def test_a_short_extinction_of_a_switched_lamp_splits_its_evening() -> None:
    """However short: what was off for a while burns since it came back."""
    points = [
        status(ms("2026-07-15T22:40"), 100, lamp="switched"),
        status(ms("2026-07-16T05:02"), 100, lamp="switched"),
    ]
    assert Look(points, "2026-07-16T05:10", lamp="switched").since_ms("lit") == ms("2026-07-16T05:02")


def test_a_switched_lamp_that_has_power_by_day_burns_by_day() -> None:
    """A contactor that sticks: until it is silent for three of its intervals by day, for its power is off again."""
    stuck = list(hourly("2026-10-20T09:10", "2026-10-20T13:10", 100, lamp="switched"))
    look = Look(stuck, "2026-10-20T16:09", lamp="switched")
    assert look.findings[DAY].since_ms == ms("2026-10-20T09:10")
    look.again([], "2026-10-20T16:10")
    assert not look.findings
    assert (look.value("lit"), look.since_ms("lit")) == (0, ms("2026-10-20T13:10"))
    look.again(hourly("2026-10-20T18:40", "2026-10-20T22:40", 100, lamp="switched"), "2026-10-20T22:45")
    assert not look.findings, "what was over does not come back"


# broken


def test_a_lamp_failure_is_told_after_the_hold_since_its_first_word() -> None:
    """Its age is that of the fault, not of the verdict; facts say what it draws."""
    points = [
        status(ms("2026-10-20T20:00"), 100),
        notice(ms("2026-10-20T20:20"), lit=False, failed=True),
        drawn(ms("2026-10-20T20:30"), 1.5),
    ]
    look = Look(points, "2026-10-20T20:39")
    assert not look.findings
    assert look.value("lamp") == "off"
    look.again([], "2026-10-20T20:40")
    assert look.findings[LAMP].since_ms == ms("2026-10-20T20:20")
    assert look.findings[LAMP].facts["power_w"] == 1.5
    assert look.findings[LAMP].facts["channel"] == "dali_broadcast"
    assert (look.value("lamp"), look.since_ms("lamp")) == ("failed", ms("2026-10-20T20:20"))


def test_a_lamp_failure_outlasts_the_day_and_grows_old() -> None:
    """A lamp that is told to be off has no fault to tell: that is no repair; its age is kept over three nights."""
    look = Look([status(ms("2026-10-20T20:00"), 100)], "2026-10-20T20:01")
    for day in (20, 21, 22):
        look.again(
            (status(ms(f"2026-10-{day}T{hour}:30"), 100, failed=True) for hour in (20, 21, 22)), f"2026-10-{day}T22:50"
        )
        assert look.findings[LAMP].since_ms == ms("2026-10-20T20:30")
        look.again(hourly(f"2026-10-{day + 1}T08:30", f"2026-10-{day + 1}T17:30", 0), f"2026-10-{day + 1}T17:40")
        assert look.findings[LAMP].since_ms == ms("2026-10-20T20:30")
    look.again([status(ms("2026-10-23T18:40"), 100)], "2026-10-23T18:41")
    assert not look.findings
    assert look.value("lamp") == "lit"


def test_a_lamp_that_fails_as_its_circuit_goes_off_has_failed_when_it_does_not_come_back() -> None:
    """It was out for ten minutes of its evening: a lamp that lost its arc would be back; the morning shows it."""
    look = Look(
        [status(ms("2026-10-20T22:50"), 100, failed=True, lamp="switched")], "2026-10-21T05:09", lamp="switched"
    )
    assert not look.findings
    look.again([], "2026-10-21T05:10")
    assert look.findings[LAMP].since_ms == ms("2026-10-20T22:50")


def test_an_alert_of_the_meter_ends_when_it_draws_again_or_says_so() -> None:
    """A controller without a DALI driver: its meter warns, and clears."""
    raised = said(ms("2026-10-20T20:00"), {"lamp_alert": "raised", "power_w": 1.0}, channel="internal")
    assert set(Look([raised], "2026-10-20T20:20").findings) == {LAMP}
    clear = said(ms("2026-10-20T21:00"), {"lamp_alert": "clear", "power_w": 38.0}, channel="internal")
    assert not Look([raised, clear], "2026-10-20T21:20").findings
    assert not Look([raised, drawn(ms("2026-10-20T21:00"), 38.0)], "2026-10-20T21:20").findings


def test_a_driver_that_does_not_answer_has_failed_until_it_does() -> None:
    """By day too: a driver answers whether it burns or not; and the light is what the meter says."""
    points = [
        status(ms("2026-10-20T20:00"), 100),
        *no_driver(ms("2026-10-20T20:30")),
        drawn(ms("2026-10-20T20:31"), 0.5),
    ]
    look = Look(points, "2026-10-20T20:50")
    assert set(look.findings) == {DRIVER}
    assert look.findings[DRIVER].since_ms == ms("2026-10-20T20:30")
    assert (look.value("lamp"), look.value("lit")) == ("driver_failed", 0)
    look.again([status(ms("2026-10-21T10:00"), 0)], "2026-10-21T10:01")
    assert not look.findings
    assert look.value("lamp") == "off"


def test_a_driver_that_failed_burns_no_more_as_far_as_is_known() -> None:
    """Without a meter nobody says so."""
    look = Look([status(ms("2026-10-20T20:00"), 100), *no_driver(ms("2026-10-20T20:30"))], "2026-10-20T20:50")
    assert (look.value("lamp"), look.value("lit")) == ("driver_failed", 0)


def test_one_head_of_two_is_broken() -> None:
    """The lamp burns, and has a failure: of which driver, the finding says."""
    points = [
        said(ms("2026-10-20T20:00"), {"lamp_state": "on", "lamp_failure": "ok", "level_pct": 100.0}, channel="dali_1"),
        said(
            ms("2026-10-20T20:00"), {"lamp_state": "off", "lamp_failure": "fault", "level_pct": 100.0}, channel="dali_2"
        ),
    ]
    look = Look(points, "2026-10-20T20:20")
    assert look.value("lit") == 1
    assert look.findings[LAMP].facts["channel"] == "dali_2"


def test_what_the_device_before_said_is_not_said_of_this_one() -> None:
    """A controller was swapped at 21:00: its fault went with it."""
    swapped = town(since_ms=ms("2026-10-20T21:00"))
    watchman = Watchman(swapped, [Light()], now_ms=ms("2026-10-20T22:00"))
    watchman.take([status(ms("2026-10-20T20:00"), 100, failed=True)])
    assert not watchman.look(ms("2026-10-20T22:00")).findings


# flicker


def _flickering() -> list[Point]:
    """Out at 20:00, 20:10 and 20:20; back but for the last time."""
    points = [status(ms("2026-10-20T19:30"), 100)]
    points += [notice(ms(f"2026-10-20T{at}"), lit=False, failed=True) for at in ("20:00", "20:10", "20:20")]
    return points + [notice(ms(f"2026-10-20T{at}"), lit=True) for at in ("20:01", "20:11")]


def test_a_lamp_that_goes_out_and_comes_back_twice_flickers() -> None:
    """And has not failed, though its driver says so each time: not before it stays out."""
    look = Look(_flickering(), "2026-10-20T20:20")
    assert set(look.findings) == {FLICKER}
    assert look.findings[FLICKER].since_ms == ms("2026-10-20T20:00")
    assert look.value("lamp") == "flickering"
    look.again([status(ms("2026-10-20T21:20"), 100, failed=True)], "2026-10-20T21:20")
    assert set(look.findings) == {FLICKER}
    look.again([status(ms("2026-10-20T22:20"), 100, failed=True)], "2026-10-20T22:20")
    assert set(look.findings) == {LAMP}, "it went out and did not come back"


def test_a_lamp_flickers_until_it_has_burned_for_long() -> None:
    """The hours in which it is off as it should, and the start of the next night, show nothing."""
    look = Look(_flickering(), "2026-10-20T20:20")
    look.again([], "2026-10-20T22:59")
    assert set(look.findings) == {FLICKER}
    look.again(hourly("2026-10-20T23:02", "2026-10-21T04:02", 0), "2026-10-21T04:10")
    assert set(look.findings) == {FLICKER}
    look.again([status(ms("2026-10-21T05:02"), 100), status(ms("2026-10-21T18:40"), 100)], "2026-10-21T18:41")
    assert not look.findings, "three hours of light, without a break"
    early = Look([*_flickering()[:-2], status(ms("2026-10-20T20:31"), 100)], "2026-10-20T21:00")
    assert not early.findings, "once is nothing"


def test_once_is_no_flicker_and_no_failure() -> None:
    """It was out for a minute."""
    points = [
        status(ms("2026-10-20T19:30"), 100),
        notice(ms("2026-10-20T20:00"), lit=False, failed=True),
        notice(ms("2026-10-20T20:01"), lit=True),
    ]
    look = Look(points, "2026-10-20T21:00")
    assert not look.findings
    assert look.value("lamp") == "lit"


def test_a_lamp_that_is_switched_often_does_not_flicker() -> None:
    """Off as it was told is not out."""
    points = [status(ms(f"2026-10-20T20:{minute:02}"), 100 if minute % 2 else 0) for minute in range(20)]
    assert FLICKER not in Look(points, "2026-10-20T20:20").findings


def test_a_lamp_that_came_back_is_given_longer_each_time() -> None:
    """Its way back may be lost on the air: 20 min, 40 after one return that was seen."""
    points = [
        status(ms("2026-10-20T19:30"), 100),
        notice(ms("2026-10-20T20:00"), lit=False, failed=True),
        notice(ms("2026-10-20T20:01"), lit=True),
        notice(ms("2026-10-20T20:12"), lit=False, failed=True),
    ]
    look = Look(points, "2026-10-20T20:51")
    assert not look.findings
    look.again([], "2026-10-20T20:52")
    assert set(look.findings) == {LAMP}


@pytest.mark.parametrize("minutes", [1, 5])
def test_of_a_device_that_reports_often_a_fault_is_told_once(minutes: int) -> None:
    """Four words without one against them are certain; what is kept of them does not make the fault younger."""
    look = Look([status(ms("2026-10-20T19:30"), 100)], "2026-10-20T19:31")
    told = []
    for at_ms in range(ms("2026-10-20T20:00"), ms("2026-10-20T22:00"), minutes * MIN_MS):
        look.live([status(at_ms, 100, failed=True)])
        told.append(look.findings.get(LAMP))
    first = next(number for number, found in enumerate(told) if found is not None)
    assert first == 3
    assert all(found is not None and found.since_ms == ms("2026-10-20T20:00") for found in told[first:])


def test_a_long_flicker_is_one_flicker_though_words_are_lost() -> None:
    """Every tenth word is lost, and one report an hour is of the moment: what is kept shows it all night."""
    chance = Random(7)
    look = Look([status(ms("2026-10-20T19:00"), 100, lamp="half")], "2026-10-20T19:01", lamp="half")
    at_ms, lit, flickers = ms("2026-10-20T19:30"), True, []
    while at_ms < ms("2026-10-21T06:00"):
        lit = not lit
        if chance.random() > 0.1:
            look.live([notice(at_ms, lit=lit, failed=not lit, lamp="half")])
            flickers.append(FLICKER in look.findings)
            assert LAMP not in look.findings
        at_ms += chance.randint(4, 15) * MIN_MS if lit else MIN_MS
    first = flickers.index(True)
    assert first < 8
    assert all(flickers[first:])


# without a driver that speaks


def test_a_meter_alone_tells_light_from_darkness() -> None:
    """A lamp on 0–10 V: 38 W burn, 1 W does not; what lies between says nothing."""
    night = [drawn(ms("2026-10-20T20:00"), 38.0)]
    assert Look(night, "2026-10-20T20:30").value("lit") == 1
    look = Look([*night, drawn(ms("2026-10-20T21:00"), 4.0)], "2026-10-20T21:30")
    assert look.value("lit") == 1
    look = Look([*night, drawn(ms("2026-10-20T21:00"), 1.0)], "2026-10-20T21:30")
    assert (look.value("lit"), set(look.findings)) == (0, {NIGHT})
    assert DAY in Look([drawn(ms("2026-10-20T12:00"), 38.0)], "2026-10-20T12:30").findings


def test_a_meter_does_not_call_a_small_lamp_dark() -> None:
    """40 W at 10 % draw 4 W and less: no more than a driver in stand-by may."""
    dim = Thresholds(lamp_lit_w=25.0)  # a lamp of 40 W at 50 % is below it
    watchman = Watchman(town(dim), [Light()], now_ms=0)
    watchman.take([drawn(ms("2026-10-20T23:30"), 1.0, lamp="half")])
    assert not watchman.look(ms("2026-10-21T00:00")).findings


def test_a_level_alone_is_believed() -> None:
    """Where neither driver nor meter speaks, the lamp is taken to do as it is told."""
    points = [said(ms("2026-10-20T12:00"), {"level_pct": 80.0}, channel="analog")]
    look = Look(points, "2026-10-20T12:30")
    assert look.value("lit") == 1
    assert DAY in look.findings


def test_a_driver_s_word_outweighs_the_meter_s() -> None:
    """A dimmed lamp that draws 2 W burns when its driver says so."""
    points = [status(ms("2026-10-20T20:00"), 10), drawn(ms("2026-10-20T20:30"), 2.0)]
    look = Look(points, "2026-10-20T21:00")
    assert (look.value("lit"), look.findings) == (1, {})


def test_an_open_relay_is_off_whatever_the_level() -> None:
    """The level is that of before."""
    look = Look([said(ms("2026-10-20T12:00"), {"level_source": "relay_off", "level_pct": 100.0})], "2026-10-20T12:30")
    assert look.value("lit") == 0


def test_a_point_that_says_nothing_of_the_light_is_passed_over() -> None:
    """Temperatures, alerts of the mains, an answering bus."""
    assert Light().read(said(0, {"temperature_c": 20.0, "dali_bus": "ok", "voltage_alert_24h": "raised"})) is None


def test_only_lamps_are_lamps() -> None:
    """A cabinet says other things in the same words."""
    watched = watched_of(town(), now_ms=0)
    assert all(Light().concerns(one) for one in watched.values())
    cabinet = watched["permanent"]
    assert not Light().concerns(replace(cabinet, asset=replace(cabinet.asset, kind=Kind.CABINET)))


# time


def test_a_verdict_is_due_when_it_could_be_another() -> None:
    """Nothing is judged for nothing, and nothing is forgotten: the hold, then the plan's next change."""
    watched = watched_of(town(), now_ms=0)["permanent"]
    detector = Light()
    words = [detector.read(status(ms("2026-10-20T11:00"), 0, lit=True))]
    seen = [word for word in words if word is not None]
    made = detector.judge(seen, watched, ms("2026-10-20T11:05"))
    assert made.next_ms == ms("2026-10-20T11:20")
    sunset_ms, _ = night_sun_ms(LAT, LON, date(2026, 10, 20))
    assert detector.judge(seen, watched, ms("2026-10-20T11:20")).next_ms == sunset_ms


@pytest.mark.parametrize(("evening", "hours"), [("2026-03-28", 5), ("2026-10-24", 7)])
def test_the_nights_of_the_change_of_the_clock(evening: str, hours: int) -> None:
    """Extinction lasts 5 or 7 hours: off is right all through it, and lit is wrong, by the clock on the wall."""
    start_ms = ms(f"{evening}T23:00")
    for minute in range(60, hours * 60 - 50, 30):
        at_ms = start_ms + minute * MIN_MS
        assert not Look([status(at_ms, 0)], at_ms + HOUR_MS // 3).findings
        assert set(Look([status(at_ms, 100)], at_ms + HOUR_MS // 3).findings) == {EXTINCT}
    lit_ms = start_ms + hours * HOUR_MS + 50 * MIN_MS
    look = Look([status(lit_ms, 100)], lit_ms + HOUR_MS // 3)
    assert not look.findings
    assert look.value("expected_level_pct") == 100
