"""How full is a bin, and does it burn? Pure.

`fill_pct` was derived in the cloud from distance and geometry. A distance that no geometry explains has no fill: the
fill of before is then the newest one stored, and is not believed.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from cloud.page.ground import Place
from cloud.page.seen import (
    RAISED,
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
    raised,
    word,
)
from cloud.stores.base import Point
from core.fill import fill_pct

FILL, DISTANCE = "fill_pct", "distance_mm"
FIRE, TILT, FULL = "fire_alert", "tilt_alert", "full_alert"
FAULTS: dict[str, str] = {FIRE: RAISED, TILT: RAISED, FULL: RAISED, "battery_alert": RAISED}
ALARMS = {
    "bin.fire": "fire",
    "bin.tilted": "tilted",
    "bin.full": "full",
    "bin.no_measurement": "silent",
    "silence.device": "silent",
}
IS_FULL, EMPTIED = "full", "emptied_ms"  # what the watch knows of it
HALF_PCT = 50.0


class BinState(StrEnum):
    LOW = "low"  # less than half
    HALF = "half"  # half and more, below the tenant's threshold
    FULL = "full"  # over the threshold, or its sensor's own: to be emptied
    FIRE = "fire"
    TILTED = "tilted"  # lying, or its lid stands open
    SUSPECT = "suspect"  # its newest distance is out of range, or reaches below its bottom
    AWAITED = "awaited"  # nothing yet, since little time
    SILENT = "silent"
    BARE = "bare"


TO_REPORT = (BinState.FIRE, BinState.TILTED, BinState.FULL, BinState.SUSPECT, BinState.SILENT)


class _Said(NamedTuple):
    """What the bin's points say, whenever it is judged."""

    at_ms: int | None
    fill_pct: float | None
    distance_mm: float | None
    doubtful_us: int | None
    fire: bool
    tilted: bool
    full: bool


def judge(points: Points, place: Place, now: Hearing) -> Seen:
    """The bin's state from the newest point of each of its series. A fire is shown even when the sensor burnt with it,
    until a sensor says otherwise."""
    said = points.once(_said)
    at_ms, fill = said.at_ms, said.fill_pct
    if not place.equipped:
        return Seen(BinState.BARE, at_ms)
    if said.fire:
        return Seen(BinState.FIRE, at_ms, value=fill)
    if is_awaited(at_ms, place.silent_after_ms, now):
        return Seen(BinState.AWAITED)
    if is_silent(place, at_ms, now.until_ms):
        return Seen(BinState.SILENT, at_ms)
    if said.tilted:
        return Seen(BinState.TILTED, at_ms)  # what it measures lying is no fill
    if is_doubtful(place, said.doubtful_us, now.until_ms) or _is_inexplicable(said.distance_mm, place):
        return Seen(BinState.SUSPECT, at_ms)
    if said.full:
        return Seen(BinState.FULL, at_ms, value=fill)
    if fill is None:
        return Seen(BinState.SILENT, at_ms)  # the device speaks, but not of the content
    return Seen(_level(fill, is_full=fill >= place.full_pct), at_ms, value=fill)


def heed(points: Points, place: Place, now: Hearing) -> Seen:
    """The bin's state as the watch has it, as far as it has; what burns or lies is an alarm, doubtful readings are the
    page's matter."""
    said = points.once(_said)
    at_ms, fill = said.at_ms, number(points, FILL)
    if not place.equipped:
        return Seen(BinState.BARE, at_ms)
    if is_awaited(at_ms, place.silent_after_ms, now):
        return Seen(BinState.AWAITED)
    if at_ms is None or word(points, SILENCE) == "silent":
        return Seen(BinState.SILENT, at_ms)
    if is_doubtful(place, said.doubtful_us, now.until_ms) or _is_inexplicable(said.distance_mm, place):
        return Seen(BinState.SUSPECT, at_ms)
    if fill is None:
        fill = said.fill_pct
    if fill is None:
        return Seen(BinState.SILENT, at_ms)
    full = number(points, IS_FULL)
    return Seen(_level(fill, is_full=fill >= place.full_pct if full is None else bool(full)), at_ms, value=fill)


def _level(fill_pct: float, *, is_full: bool) -> BinState:
    return BinState.FULL if is_full else BinState.HALF if fill_pct >= HALF_PCT else BinState.LOW


def grown_old(seen: Seen, place: Place, until_ms: int) -> Seen:
    """What a state has become when nothing was read since."""
    if not place.equipped or seen.state is BinState.FIRE:
        return seen
    return Seen(BinState.SILENT, seen.at_ms) if is_silent(place, seen.at_ms, until_ms) else seen


def _said(points: Points) -> _Said:
    last = of_last_device(points)
    return _Said(
        last.at_ms,
        fill_pct=_newest(last.readings, FILL),
        distance_mm=_newest(last.readings, DISTANCE),
        doubtful_us=doubtful_us(last, DISTANCE, FILL),
        fire=raised(last.readings, FIRE),
        tilted=raised(last.readings, TILT),
        full=raised(last.readings, FULL),
    )


def _newest(readings: Sequence[Point], name: str) -> float | None:
    said = [point for point in readings if name in point.fields]
    return float(max(said, key=lambda point: point.time_us).fields[name]) if said else None


def _is_inexplicable(distance_mm: float | None, place: Place) -> bool:
    return distance_mm is not None and place.geometry is not None and fill_pct(distance_mm, place.geometry) is None
