"""How many vehicles pass a counter? Pure.

A count is what passed since the uplink before. *0 vehicles* is a measurement (nobody passed); no measurement is
silence. A mean speed belongs to vehicles: where none passed there is none, whatever an older interval said.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from cloud.page.ground import Place
from cloud.page.seen import (
    SILENCE,
    Hearing,
    Points,
    Seen,
    doubtful_us,
    is_awaited,
    is_doubtful,
    is_silent,
    number,
    of_last_device,
    word,
)
from cloud.stores.base import Point

COUNT, SPEED = "vehicles_count", "speed_kmh"
FAULTS: dict[str, str] = {"battery_alert": "raised"}


COUNTING = "counting"  # what the watch knows of it: its counts come
ALARMS = {"traffic.no_measurement": "silent", "silence.device": "silent"}


class CounterState(StrEnum):
    FLOWING = "flowing"  # vehicles passed in the last interval
    QUIET = "quiet"  # none did: it was measured
    SUSPECT = "suspect"  # its newest count or speed is out of range
    AWAITED = "awaited"  # nothing yet, since little time
    SILENT = "silent"
    BARE = "bare"


TO_REPORT = (CounterState.SUSPECT, CounterState.SILENT)


class _Said(NamedTuple):
    """What the counter's points say, whenever it is judged."""

    at_ms: int | None
    counted_ms: int | None
    vehicles: float
    doubtful_us: int | None


def judge(points: Points, place: Place, now: Hearing) -> Seen:
    """The counter's state from the newest point of each of its series."""
    said = points.once(_said)
    if not place.equipped:
        return Seen(CounterState.BARE, said.at_ms)
    if is_awaited(said.at_ms, place.silent_after_ms, now):
        return Seen(CounterState.AWAITED)
    if is_silent(place, said.at_ms, now.until_ms):
        return Seen(CounterState.SILENT, said.at_ms)
    if is_doubtful(place, said.doubtful_us, now.until_ms):
        return Seen(CounterState.SUSPECT, said.at_ms)
    if is_silent(place, said.counted_ms, now.until_ms):
        return Seen(CounterState.SILENT, said.at_ms)  # the device speaks, but has not counted
    return Seen(CounterState.FLOWING if said.vehicles else CounterState.QUIET, said.at_ms, value=said.vehicles)


def heed(points: Points, place: Place, now: Hearing) -> Seen:
    """The counter's state as the watch has it; doubtful readings are the page's own matter."""
    said = points.once(_said)
    if not place.equipped:
        return Seen(CounterState.BARE, said.at_ms)
    if is_awaited(said.at_ms, place.silent_after_ms, now):
        return Seen(CounterState.AWAITED)
    seen = points.once(_heeded)
    if seen.state is not CounterState.SILENT and is_doubtful(place, said.doubtful_us, now.until_ms):
        return Seen(CounterState.SUSPECT, said.at_ms)
    return seen


def _heeded(points: Points) -> Seen:
    said = points.once(_said)
    if word(points, SILENCE) == "silent":
        return Seen(CounterState.SILENT, said.at_ms)
    if said.counted_ms is None or number(points, COUNTING) == 0:
        return Seen(CounterState.SILENT, said.at_ms)
    return Seen(CounterState.FLOWING if said.vehicles else CounterState.QUIET, said.at_ms, value=said.vehicles)


def _said(points: Points) -> _Said:
    last = of_last_device(points)
    counted = last_interval(last.readings)
    return _Said(
        last.at_ms,
        counted_ms=counted[0].time_us // 1000 if counted else None,
        vehicles=sum(float(point.fields[COUNT]) for point in counted),
        doubtful_us=doubtful_us(last, COUNT, SPEED),
    )


def grown_old(seen: Seen, place: Place, until_ms: int) -> Seen:
    """What a state has become when nothing was read since."""
    return Seen(CounterState.SILENT, seen.at_ms) if place.equipped and is_silent(place, seen.at_ms, until_ms) else seen


def last_interval(readings: Sequence[Point]) -> list[Point]:
    """The counts of the newest uplink that had any, one a direction."""
    counted = [point for point in readings if COUNT in point.fields]
    newest_us = max([point.time_us for point in counted], default=None)
    return [point for point in counted if point.time_us == newest_us]


def mean_speed_kmh(points: Sequence[Point]) -> float | None:
    """Mean over the vehicles of these points; None where none passed."""
    weighed = [
        (float(point.fields[COUNT]), float(point.fields[SPEED]))
        for point in points
        if SPEED in point.fields and float(point.fields.get(COUNT, 0)) > 0
    ]
    vehicles = sum(count for count, _ in weighed)
    return sum(count * speed for count, speed in weighed) / vehicles if vehicles else None
