"""When technicians were ready with each device: working days, from 8:30 to noon and from 13:30 to 16:30."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")
HOLIDAYS = frozenset(
    date.fromisoformat(day)
    for day in (
        *("2024-04-01", "2024-05-01", "2024-05-08", "2024-05-09", "2024-05-20", "2024-08-15", "2024-11-01"),
        *("2025-04-21", "2025-05-01", "2025-05-08", "2025-05-29", "2025-06-09", "2025-07-14", "2025-08-15"),
    )
)


def fitting_times(first: date, rng: Random, *, minutes: tuple[int, int]) -> Iterator[datetime]:
    """One team's, from that day on; `minutes`: what a device takes, at least and at most."""
    day = first
    while True:
        for start, end in (("08:30", "12:00"), ("13:30", "16:30")):
            at = datetime.fromisoformat(f"{day} {start}").replace(tzinfo=PARIS)
            until = datetime.fromisoformat(f"{day} {end}").replace(tzinfo=PARIS)
            while (at := at + timedelta(minutes=minutes[0] + round(rng.random() * (minutes[1] - minutes[0])))) < until:
                yield at
        day += timedelta(days=1)
        while day.weekday() > 4 or day in HOLIDAYS:
            day += timedelta(days=1)
