"""When the lamps shall burn: local hours, nights from noon to noon, exceptions, and the two nights of the clock."""

from datetime import UTC, date, datetime, time
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.territory import load
from core.territory.calendars import (
    PARIS,
    Calendar,
    CalendarException,
    Period,
    Programme,
    Step,
    Weekday,
    expected_level_pct,
    level_at,
    night_bounds_ms,
    night_of,
    steps,
)
from tests.support.sound_territory import write

MONDAYS = frozenset({Weekday.MON})
HOUR_MS = 3_600_000
EXTINCTION = Programme("extinction", periods=(Period(time(23), time(5), 0.0),))
DIMMED = Programme(
    "dimmed",
    level_pct=80,
    sunset_offset_min=10,
    sunrise_offset_min=-20,
    periods=(Period(time(22), time(0), 50.0), Period(time(0), time(5), 30.0)),
)


def ms(text: str) -> int:
    """A local hour of Paris."""
    return round(datetime.fromisoformat(text).replace(tzinfo=PARIS).timestamp() * 1000)


def utc_ms(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def night_steps(programme: Programme, night: str, sunset: str, sunrise: str) -> list[tuple[str, float]]:
    found = steps(programme, date.fromisoformat(night), sunset_ms=ms(sunset), sunrise_ms=ms(sunrise))
    return [(datetime.fromtimestamp(s.start_ms / 1000, PARIS).strftime("%d %H:%M"), s.level_pct) for s in found]


def test_a_winter_night_is_lit_twice() -> None:
    """From sunset to the extinction, and from its end to sunrise."""
    assert night_steps(EXTINCTION, "2026-12-01", "2026-12-01 16:50", "2026-12-02 08:05") == [
        ("01 12:00", 0.0),
        ("01 16:50", 100.0),
        ("01 23:00", 0.0),
        ("02 05:00", 100.0),
        ("02 08:05", 0.0),
    ]


def test_a_summer_morning_stays_dark() -> None:
    """When the sun rises before the extinction ends, the lamps are not lit again."""
    programme = Programme("late", periods=(Period(time(23), time(6), 0.0),))
    assert night_steps(programme, "2026-06-20", "2026-06-20 21:35", "2026-06-21 05:35") == [
        ("20 12:00", 0.0),
        ("20 21:35", 100.0),
        ("20 23:00", 0.0),
    ]


def test_levels_and_offsets_of_the_sun() -> None:
    """Lit ten minutes after sunset at 80 %, then two dimmed periods, dark twenty minutes before sunrise."""
    assert night_steps(DIMMED, "2026-12-01", "2026-12-01 16:50", "2026-12-02 08:05") == [
        ("01 12:00", 0.0),
        ("01 17:00", 80.0),
        ("01 22:00", 50.0),
        ("02 00:00", 30.0),
        ("02 05:00", 80.0),
        ("02 07:45", 0.0),
    ]


@pytest.mark.parametrize(
    ("at", "night"),
    [
        ("2026-12-01T11:00", "2026-12-01"),  # noon in Paris, winter time
        ("2026-12-01T10:59", "2026-11-30"),
        ("2026-07-01T10:00", "2026-07-01"),  # noon in summer time
        ("2026-07-01T09:59", "2026-06-30"),
        ("2026-10-25T01:30", "2026-10-24"),  # the second 02:30 of that night
    ],
)
def test_a_night_begins_at_noon_local(at: str, night: str) -> None:
    """Whatever the season."""
    assert night_of(utc_ms(at)) == date.fromisoformat(night)


def test_the_two_nights_of_the_clock_last_23_and_25_hours() -> None:
    """Summer time begins in the night of 28 March 2026 and ends in that of 24 October."""
    bounds = [night_bounds_ms(night) for night in (date(2026, 3, 28), date(2026, 10, 24), date(2026, 10, 25))]
    assert [(end_ms - start_ms) / HOUR_MS for start_ms, end_ms in bounds] == [23, 25, 24]


def test_extinction_across_the_hour_that_comes_twice() -> None:
    """23:00 to 05:00 lasts seven hours when the clock goes back: one step, no flicker at the repeated hour."""
    found = steps(EXTINCTION, date(2026, 10, 24), sunset_ms=ms("2026-10-24 18:25"), sunrise_ms=ms("2026-10-25 07:20"))
    dark, lit = next(s for s in found if s.start_ms == ms("2026-10-24 23:00")), ms("2026-10-25 05:00")
    assert dark.level_pct == 0.0
    assert (lit - dark.start_ms) / HOUR_MS == 7
    assert [s.start_ms for s in found].index(lit) == [s.start_ms for s in found].index(dark.start_ms) + 1


def test_an_hour_that_the_clock_skips_still_ends_a_period() -> None:
    """02:30 does not exist on 29 March 2026: a period that ends then ends at 03:30, once."""
    programme = Programme("half", periods=(Period(time(23), time(2, 30), 0.0),))
    found = steps(programme, date(2026, 3, 28), sunset_ms=ms("2026-03-28 19:05"), sunrise_ms=ms("2026-03-29 07:25"))
    assert Step(utc_ms("2026-03-29T01:30"), 100.0) in found


def test_an_exception_holds_from_the_evening_it_names() -> None:
    """The night of 14 July goes on until noon of the 15th; the first exception that holds wins."""
    calendar = Calendar(
        "c",
        "extinction",
        exceptions=(
            CalendarException("14 juillet", "2026-104", date(2026, 7, 13), date(2026, 7, 14), "all"),
            CalendarException("marché", "2026-041", date(2026, 1, 1), date(2026, 12, 31), "dimmed", MONDAYS),
        ),
    )
    programmes = {"extinction": EXTINCTION, "all": Programme("all"), "dimmed": DIMMED}

    def level(at: str, sunset: str, sunrise: str) -> float:
        return expected_level_pct(calendar, programmes, ms(at), sunset_ms=ms(sunset), sunrise_ms=ms(sunrise))

    assert level("2026-07-15 02:00", "2026-07-14 21:30", "2026-07-15 05:50") == 100.0
    assert level("2026-07-16 02:00", "2026-07-15 21:30", "2026-07-16 05:50") == 0.0
    assert calendar.programme_of(date(2026, 7, 13)) == "all"  # a Monday, too
    assert calendar.programme_of(date(2026, 7, 20)) == "dimmed"
    assert calendar.programme_of(date(2026, 7, 21)) == "extinction"


def test_calendars_come_from_the_file(tmp_path: Path) -> None:
    """Hours, dates, weekdays and the arrêté as they were written."""
    territory = load(write(tmp_path))
    assert territory.programmes["extinction"].periods == (Period(time(23), time(5), 0.0),)
    assert territory.calendars["quartiers"].exceptions == (
        CalendarException("14 juillet", "2026-104", date(2026, 7, 13), date(2026, 7, 14), "extinction", MONDAYS),
    )


_HOURS = st.integers(0, 1439)


@given(
    night=st.dates(date(2020, 1, 1), date(2035, 12, 31)),
    start=_HOURS,
    length=st.integers(1, 1439),
    sunset=st.integers(240, 700),
    sunrise=st.integers(900, 1320),
)
def test_steps_cover_a_night_without_idle_change(
    night: date, start: int, length: int, sunset: int, sunrise: int
) -> None:
    """Any programme in any night: it begins at noon, each step changes the level, all fall inside the night."""
    end = min(start + length, 1439)
    noon = lambda minutes: time((12 + minutes // 60) % 24, minutes % 60)  # noqa: E731
    begin_ms, end_ms = night_bounds_ms(night)
    programme = Programme("p", periods=(Period(noon(start), noon(end), 25.0),))
    found = steps(programme, night, sunset_ms=begin_ms + sunset * 60_000, sunrise_ms=begin_ms + sunrise * 60_000)
    assert found[0].start_ms == begin_ms
    assert all(begin_ms <= step.start_ms < end_ms for step in found)
    assert all(a.start_ms < b.start_ms and a.level_pct != b.level_pct for a, b in pairwise(found))
    assert level_at(found, begin_ms) == 0.0
    assert level_at(found, end_ms - 1) == 0.0
