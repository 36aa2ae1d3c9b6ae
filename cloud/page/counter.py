"""How many vehicles pass a counter? Pure.

A count is what passed since the uplink before. *0 vehicles* is a measurement (nobody passed); no measurement is
silence. A mean speed belongs to vehicles: where none passed there is none, whatever an older interval said.
"""

from collections.abc import Sequence
from enum import StrEnum

from cloud.page.ground import Place
from cloud.page.seen import Hearing, Points, Seen, is_doubtful, is_silent, newest_ms, of_last_device
from cloud.stores.base import Point

COUNT, SPEED = "vehicles_count", "speed_kmh"
FAULTS: dict[str, str] = {"battery_alert": "raised"}


class CounterState(StrEnum):
    FLOWING = "flowing"  # vehicles passed in the last interval
    QUIET = "quiet"  # none did: it was measured
    SUSPECT = "suspect"  # its newest count or speed is out of range
    SILENT = "silent"
    BARE = "bare"


TO_REPORT = (CounterState.SUSPECT, CounterState.SILENT)


def judge(points: Points, place: Place, now: Hearing) -> Seen:
    """The counter's state from the newest point of each of its series."""
    points = of_last_device(points)
    at_ms = newest_ms(points)
    if not place.equipped:
        return Seen(CounterState.BARE, at_ms)
    if is_silent(place, at_ms, now.until_ms):
        return Seen(CounterState.SILENT, at_ms)
    if is_doubtful(points, COUNT, SPEED, since_us=(now.until_ms - place.silent_after_ms) * 1000):
        return Seen(CounterState.SUSPECT, at_ms)
    counted = last_interval(points.readings)
    if not counted or now.until_ms - counted[0].time_us // 1000 > place.silent_after_ms:
        return Seen(CounterState.SILENT, at_ms)  # the device speaks, but has not counted
    vehicles = sum(float(point.fields[COUNT]) for point in counted)
    return Seen(CounterState.FLOWING if vehicles else CounterState.QUIET, at_ms, value=vehicles)


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
