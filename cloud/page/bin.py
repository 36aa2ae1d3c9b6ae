"""How full is a bin, and does it burn? Pure.

`fill_pct` was derived in the cloud from distance and geometry. A distance that no geometry explains has no fill: the
fill of before is then the newest one stored, and is not believed.
"""

from collections.abc import Sequence
from enum import StrEnum

from cloud.page.ground import Place
from cloud.page.seen import RAISED, Hearing, Points, Seen, is_doubtful, is_silent, newest_ms, of_last_device, raised
from cloud.stores.base import Point
from core.fill import fill_pct

FILL, DISTANCE = "fill_pct", "distance_mm"
FIRE, TILT, FULL = "fire_alert", "tilt_alert", "full_alert"
FAULTS: dict[str, str] = {FIRE: RAISED, TILT: RAISED, FULL: RAISED, "battery_alert": RAISED}
HALF_PCT = 50.0


class BinState(StrEnum):
    LOW = "low"  # less than half
    HALF = "half"  # half and more, below the tenant's threshold
    FULL = "full"  # over the threshold, or its sensor's own: to be emptied
    FIRE = "fire"
    TILTED = "tilted"  # lying, or its lid stands open
    SUSPECT = "suspect"  # its newest distance is out of range, or reaches below its bottom
    SILENT = "silent"
    BARE = "bare"


TO_REPORT = (BinState.FIRE, BinState.TILTED, BinState.FULL, BinState.SUSPECT, BinState.SILENT)


def judge(points: Points, place: Place, now: Hearing) -> Seen:
    """The bin's state from the newest point of each of its series. A fire is shown even when the sensor burnt with it,
    until a sensor says otherwise."""
    points = of_last_device(points)
    at_ms = newest_ms(points)
    if not place.equipped:
        return Seen(BinState.BARE, at_ms)
    fill = _fill(points.readings)
    if raised(points.readings, FIRE):
        return Seen(BinState.FIRE, at_ms, value=fill)
    if is_silent(place, at_ms, now.until_ms):
        return Seen(BinState.SILENT, at_ms)
    if raised(points.readings, TILT):
        return Seen(BinState.TILTED, at_ms)  # what it measures lying is no fill
    since_us = (now.until_ms - place.silent_after_ms) * 1000
    if is_doubtful(points, DISTANCE, FILL, since_us=since_us) or _is_inexplicable(points.readings, place):
        return Seen(BinState.SUSPECT, at_ms)
    if raised(points.readings, FULL):
        return Seen(BinState.FULL, at_ms, value=fill)
    if fill is None:
        return Seen(BinState.SILENT, at_ms)  # the device speaks, but not of the content
    state = BinState.FULL if fill >= place.full_pct else BinState.HALF if fill >= HALF_PCT else BinState.LOW
    return Seen(state, at_ms, value=fill)


def grown_old(seen: Seen, place: Place, until_ms: int) -> Seen:
    """What a state has become when nothing was read since."""
    if not place.equipped or seen.state is BinState.FIRE:
        return seen
    return Seen(BinState.SILENT, seen.at_ms) if is_silent(place, seen.at_ms, until_ms) else seen


def _newest(readings: Sequence[Point], name: str) -> float | None:
    said = [point for point in readings if name in point.fields]
    return float(max(said, key=lambda point: point.time_us).fields[name]) if said else None


def _fill(readings: Sequence[Point]) -> float | None:
    return _newest(readings, FILL)


def _is_inexplicable(readings: Sequence[Point], place: Place) -> bool:
    distance = _newest(readings, DISTANCE)
    return distance is not None and place.geometry is not None and fill_pct(distance, place.geometry) is None
