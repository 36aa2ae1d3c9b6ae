"""What kind of day it is in a commune of Grand Est: weekday, public holiday, school holiday, season.

Public holidays are those of French law outside Alsace-Moselle (Code du travail, L.3133-1). School holidays follow the
usual pattern of zone B, whose exact dates are a matter of decree: plausible, and the same for every run.
"""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from core.territory.calendars import PARIS

HOUR_MS = 3_600_000
_FIXED = {(1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25)}
_AFTER_EASTER = (1, 39, 50)  # Easter Monday, Ascension, Whit Monday
# (month, day): from the Saturday on or after it, for so many days
_SCHOOL = (((2, 13), 16), ((4, 10), 16), ((7, 4), 58), ((10, 16), 17), ((12, 18), 16))


class Day(NamedTuple):
    """`sunday`: a Sunday or public holiday. `school_holiday`: no school, whatever the weekday."""

    date: date
    weekday: int  # 0 is Monday
    sunday: bool
    school_holiday: bool


class Hour(NamedTuple):
    """One hour of a day, `hour` 0 to 23 by the local clock."""

    day: Day
    hour: int


def local_hour(at_ms: int) -> Hour:
    """The local hour in which an instant falls."""
    return _hour(at_ms // HOUR_MS)


def local_ms(day: date, minutes: float) -> int:
    """The instant (ms UTC) at so many minutes after midnight, local time, of a day."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=PARIS)
    hour, minute = divmod(minutes, 60)
    local = midnight.replace(hour=int(hour), minute=int(minute))
    return round(local.timestamp() * 1000) + round(minute % 1 * 60_000)


@lru_cache(maxsize=512)
def _hour(hours: int) -> Hour:
    """Paris is whole hours ahead of UTC, in summer too."""
    local = datetime.fromtimestamp(hours * 3600, UTC).astimezone(PARIS)
    return Hour(day_of(local.date()), local.hour)


@lru_cache(maxsize=64)
def day_of(day: date) -> Day:
    """What kind of day a date is."""
    return Day(day, day.weekday(), day.weekday() == 6 or is_public_holiday(day), is_school_holiday(day))


def is_public_holiday(day: date) -> bool:
    """True on a day off by law."""
    easter = _easter(day.year)
    return (day.month, day.day) in _FIXED or day in {easter + timedelta(days=days) for days in _AFTER_EASTER}


def is_school_holiday(day: date) -> bool:
    """True when the schools of zone B are closed for holidays."""
    for year in (day.year - 1, day.year):
        for (month, first), length in _SCHOOL:
            begins = date(year, month, first)
            begins += timedelta(days=(5 - begins.weekday()) % 7)
            if begins <= day < begins + timedelta(days=length):
                return True
    return False


def _easter(year: int) -> date:
    """Easter Sunday. Source: the anonymous Gregorian algorithm (Nature, 20 April 1876)."""
    golden = year % 19
    century, of_century = divmod(year, 100)
    leaps, rest = divmod(century, 4)
    correction = (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + century - leaps - correction + 15) % 30
    quarter, of_quarter = divmod(of_century, 4)
    weekday = (32 + 2 * rest + 2 * quarter - epact - of_quarter) % 7
    late = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * late + 114, 31)
    return date(year, month, day + 1)
