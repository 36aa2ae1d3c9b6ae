"""A day and its night from the hours of a database: read hour by hour, so that a year's days cost no memory."""

from collections import defaultdict
from collections.abc import Generator
from datetime import date

from cloud.dirty import HOUR_MS
from cloud.watch.days import spans_ms
from cloud.watch.rollup_fields import Fields, Owner, Recipes
from cloud.watch.rollup_reading import HOUR, Reading, Scope


def sum_up(
    reading: Reading, recipes: Recipes, day: date, scope: Scope, *, until_ms: int
) -> Generator[None, None, dict[Owner, Fields] | None]:
    """The fields of a day's points; None for a day that is not over.

    Args:
        until_ms: up to here the hours are rolled; a night that ends later is left out.

    Yields:
        After each hour.
    """
    (dawn_ms, midnight_ms), (noon_ms, end_ms) = spans_ms(day)
    if midnight_ms > until_ms or dawn_ms < 0:  # no store has a time before 1970
        return None
    has_night = end_ms <= until_ms
    by_day: dict[Owner, Fields] = defaultdict(dict)
    by_night: dict[Owner, Fields] = defaultdict(dict)
    for start_ms in range(dawn_ms, end_ms if has_night else midnight_ms, HOUR_MS):
        for owner, fields in reading.rolled(HOUR, start_ms, scope).items():
            if start_ms < midnight_ms:
                recipes.add_hour(by_day[owner], fields)
            if has_night and start_ms >= noon_ms:
                recipes.add_hour(by_night[owner], fields, by_night=True)
        yield
    owners = sorted(by_day.keys() | by_night.keys())
    made = {owner: recipes.of_day(by_day[owner], by_night[owner]) for owner in owners}
    return {owner: fields for owner, fields in made.items() if fields}
