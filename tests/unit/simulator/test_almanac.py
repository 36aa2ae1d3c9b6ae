"""Days and hours of Grand Est: weekdays, holidays, and the local clock through both changes of hour."""

from datetime import date

import pytest

from simulator.almanac import day_of, is_public_holiday, is_school_holiday, local_hour, local_ms


@pytest.mark.parametrize(
    "day",
    [
        date(2026, 4, 6),  # Easter Monday
        date(2026, 5, 14),  # Ascension
        date(2026, 5, 25),  # Whit Monday
        date(2027, 3, 29),  # Easter Monday
        date(2026, 7, 14),
        date(2026, 11, 11),
    ],
)
def test_public_holidays(day: date) -> None:
    """Fixed ones and those that follow Easter (dates of the French administration's calendar)."""
    assert is_public_holiday(day)
    assert not is_public_holiday(date(2026, 4, 3))  # Good Friday is one in Alsace-Moselle alone


def test_schools_are_closed_in_summer_and_at_christmas_over_the_new_year() -> None:
    """And open in June and in the middle of January."""
    assert is_school_holiday(date(2026, 8, 10))
    assert is_school_holiday(date(2026, 12, 28))
    assert is_school_holiday(date(2027, 1, 1))
    assert not is_school_holiday(date(2026, 6, 10))
    assert not is_school_holiday(date(2027, 1, 18))


def test_a_public_holiday_is_a_sunday_whatever_its_weekday() -> None:
    """14 July 2026 is a Tuesday."""
    assert day_of(date(2026, 7, 14)) == (date(2026, 7, 14), 1, True, True)


def test_the_local_hour_follows_both_changes_of_hour() -> None:
    """25 October 2026 has 02:00 twice; 29 March 2026 has none."""
    autumn = local_ms(date(2026, 10, 25), 0)
    assert [local_hour(autumn + hour * 3_600_000).hour for hour in range(5)] == [0, 1, 2, 2, 3]
    spring = local_ms(date(2026, 3, 29), 0)
    assert [local_hour(spring + hour * 3_600_000).hour for hour in range(4)] == [0, 1, 3, 4]


def test_minutes_after_midnight_are_the_local_clocks() -> None:
    """06:30 is 06:30 in winter, in summer and on the day of a change."""
    for day in (date(2026, 1, 15), date(2026, 7, 15), date(2026, 10, 25), date(2026, 3, 29)):
        at = local_hour(local_ms(day, 390))
        assert (at.day.date, at.hour) == (day, 6)
