"""Ages, instants and numbers in French."""

import pytest

from cloud.page import words
from tests.unit.page.page_facts import NOON_MS


@pytest.mark.parametrize(
    ("ms", "said"),
    [
        (-5_000, "à l’instant"),
        (999, "à l’instant"),
        (12_000, "il y a 12 s"),
        (59_999, "il y a 59 s"),
        (60_000, "il y a 1 min"),
        (3 * 3_600_000, "il y a 3 h"),
        (3 * 3_600_000 + 5 * 60_000, "il y a 3 h 05"),
        (2 * 86_400_000, "il y a 2 j"),
    ],
)
def test_an_age_is_said_in_its_largest_unit(ms: int, said: str) -> None:
    """A reading that is ahead of this clock is new, never `il y a -5 s`."""
    assert words.ago(ms) == said


def test_an_instant_is_said_as_paris_shows_it() -> None:
    """Winter and summer time, and the first of a month."""
    assert words.moment(NOON_MS) == "mardi 25 novembre 2025, 13:00"
    assert words.moment(NOON_MS + 6 * 86_400_000) == "lundi 1er décembre 2025, 13:00"
    assert words.moment(NOON_MS + 230 * 86_400_000) == "lundi 13 juillet 2026, 14:00"


def test_numbers_have_a_decimal_comma_and_thousands_apart() -> None:
    """Zero is singular in French."""
    assert words.number(12_345.6, 1) == "12\u202f345,6"
    assert words.plural(0, "site", "sites") == "0 site"
    assert words.plural(2, "site", "sites") == "2 sites"


def test_the_day_begins_at_midnight_of_paris() -> None:
    """Winter and summer time, and the day of 25 hours."""
    assert NOON_MS - words.midnight_ms(NOON_MS) == 13 * 3_600_000
    july_ms = NOON_MS + 230 * 86_400_000
    assert july_ms - words.midnight_ms(july_ms) == 14 * 3_600_000
    longest_ms = NOON_MS - 30 * 86_400_000 + 11 * 3_600_000  # 26 October 2025, 23:00 UTC: the next day in Paris
    assert longest_ms - words.midnight_ms(longest_ms - 1) == 25 * 3_600_000


def test_short_forms() -> None:
    """An instant for the strip, and an hour."""
    assert words.short_moment(NOON_MS) == "mar. 25 nov. 2025, 13:00"
    assert words.hour_of_day(NOON_MS) == "13:00"
