"""Days and nights as whole hours (UTC): a day from midnight to midnight, local, a night from noon to noon under the
date of its evening. Where summer time begins or ends a day has 23 or 25 hours, and so has the night. Pure."""

from datetime import UTC, date, datetime, time, timedelta

from cloud.dirty import HOUR_MS
from core.territory.calendars import PARIS, night_bounds_ms, night_of


def day_of(at_ms: int) -> date:
    """The local day of an instant."""
    return datetime.fromtimestamp(at_ms / 1000, PARIS).date()


def day_bounds_ms(day: date) -> tuple[int, int]:
    """Start and end (ms UTC) of a local day."""
    return _midnight_ms(day), _midnight_ms(day + timedelta(days=1))


def days_touched(start_ms: int) -> set[date]:
    """The dates whose day or night holds the hour that begins at `start_ms`."""
    return {day_of(start_ms), night_of(start_ms)}


def days_ended(end_ms: int) -> set[date]:
    """The dates whose day or night ends at this instant: none, but for one hour at midnight and one at noon."""
    before_ms = end_ms - HOUR_MS
    ended = set()
    if (day := day_of(before_ms)) != day_of(end_ms):
        ended.add(day)
    if (night := night_of(before_ms)) != night_of(end_ms):
        ended.add(night)
    return ended


def spans_ms(day: date) -> tuple[tuple[int, int], tuple[int, int]]:
    """Start and end of the day, and of the night of its evening."""
    return day_bounds_ms(day), night_bounds_ms(day)


def _midnight_ms(day: date) -> int:
    return round(datetime.combine(day, time(), PARIS).astimezone(UTC).timestamp() * 1000)
