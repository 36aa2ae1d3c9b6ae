"""Is a lamp lit, off, broken, doubtful or silent? Pure.

Most street lamps have no power by day: when all devices of a switched circuit fall silent together, they are off,
whatever they said before.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from cloud.page.ground import Place
from cloud.page.seen import (
    CLEAR,
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
    word,
)
from cloud.stores.base import Point

LEVEL, POWER = "level_pct", "power_w"
ALERT, ALERT_24H = "lamp_alert", "lamp_alert_24h"
FAULTS: dict[str, str] = {
    "lamp_failure": "fault",
    "driver_failure": "fault",
    "dali_bus": "fault",
    "level_source": "driver_not_found",
    ALERT: RAISED,
}
LAMP, LIT, EXPECTED = "lamp", "lit", "expected_level_pct"  # what the watch knows of it
TROUBLES: dict[str, str] = {  # words of `lamp`, as a sentence goes on
    "failed": "panne de lampe",
    "driver_failed": "panne de pilote (driver)",
    "dark": "éteint alors qu’il devrait éclairer",
    "flickering": "clignote",
}
ALARMS: dict[str, str] = {
    "light.lamp_failure": "fault",
    "light.driver_failure": "fault",
    "light.dark_by_night": "fault",
    "light.flicker": "fault",
    "silence.device": "silent",
}
LONGEST_DAY_MS = 26 * 3_600_000  # without power: a half-night lamp whose morning hours fall after sunrise
LIT_POWER_W = 5.0  # a driver in stand-by draws 0.5 to 3 W, the smallest street luminaire 10 W


class LampState(StrEnum):
    LIT = "lit"
    OFF = "off"
    FAULT = "fault"
    SUSPECT = "suspect"  # its newest reading is out of range
    AWAITED = "awaited"  # nothing yet, since little time
    SILENT = "silent"  # nothing, or nothing for too long
    BARE = "bare"  # no device is assigned to it


TO_REPORT = (LampState.FAULT, LampState.SUSPECT, LampState.SILENT)


class _Said(NamedTuple):
    """What the lamp's points say, whenever it is judged."""

    at_ms: int | None
    is_broken: bool
    doubtful_us: int | None
    light: LampState


def judge(points: Points, place: Place, now: Hearing) -> Seen:
    """The lamp's state from the newest point of each of its series."""
    said = points.once(_said)
    if not place.equipped:
        return Seen(LampState.BARE, said.at_ms)
    until_ms = now.until_ms
    is_unpowered = now.circuit_ms is not None and place.unpowered_after_ms < until_ms - now.circuit_ms <= LONGEST_DAY_MS
    if is_unpowered and now.circuit_ms is not None:
        until_ms = now.circuit_ms  # who spoke when the circuit last did is not silent
    if is_awaited(said.at_ms, _patience_ms(place), now):
        return Seen(LampState.AWAITED)
    if is_silent(place, said.at_ms, until_ms):
        return Seen(LampState.SILENT, said.at_ms)
    if said.is_broken:
        return Seen(LampState.FAULT, said.at_ms)
    if is_unpowered:
        return Seen(LampState.OFF, said.at_ms, unpowered=True)
    if is_doubtful(place, said.doubtful_us, until_ms):
        return Seen(LampState.SUSPECT, said.at_ms)
    return Seen(said.light, said.at_ms)


def _patience_ms(place: Place) -> int:
    """Within so much every lamp has spoken once."""
    return LONGEST_DAY_MS if place.circuit else place.silent_after_ms


def heed(points: Points, place: Place, now: Hearing) -> Seen:
    """The lamp's state as the watch has it; doubtful readings are the page's own matter."""
    if not place.equipped:
        return Seen(LampState.BARE, points.once(_said).at_ms)
    seen, bad_us = points.once(_heeded)
    if seen.at_ms is None and is_awaited(None, _patience_ms(place), now):
        return Seen(LampState.AWAITED)
    return Seen(LampState.SUSPECT, seen.at_ms) if is_doubtful(place, bad_us, now.until_ms) else seen


def _heeded(points: Points) -> tuple[Seen, int | None]:
    """What the watch says; when a reading made that doubtful, where nothing graver is said."""
    said, heard = points.once(_said), word(points, SILENCE)
    if heard == "silent" or said.at_ms is None:
        return Seen(LampState.SILENT, said.at_ms), None
    if word(points, LAMP) in TROUBLES:
        return Seen(LampState.FAULT, said.at_ms), None
    if heard == "unpowered":
        return Seen(LampState.OFF, said.at_ms, unpowered=True), None
    lit = number(points, LIT)
    state = said.light if lit is None else LampState.LIT if lit else LampState.OFF
    return Seen(state, said.at_ms), said.doubtful_us


def _said(points: Points) -> _Said:
    last = of_last_device(points)
    return _Said(last.at_ms, bool(faults(last.readings)), doubtful_us(last, LEVEL, POWER), _light(last.readings))


def grown_old(seen: Seen, place: Place, until_ms: int) -> Seen:
    """What a state has become when nothing was read since."""
    if not place.equipped:
        return seen
    if seen.unpowered and seen.at_ms is not None and until_ms - seen.at_ms <= LONGEST_DAY_MS:
        return seen
    return Seen(LampState.SILENT, seen.at_ms) if is_silent(place, seen.at_ms, until_ms) else seen


def faults(readings: Sequence[Point]) -> list[str]:
    """The quantities that say now that the lamp, its driver or its bus is broken.

    An alert is told once, when it is raised; when the status of the last 24 hours does not repeat it, it is over.
    """
    found = {name for point in readings for name, bad in FAULTS.items() if point.fields.get(name) == bad}
    if ALERT in found and any(point.fields.get(ALERT_24H) == CLEAR for point in readings):
        found.remove(ALERT)
    return sorted(found)


def _light(readings: Sequence[Point]) -> LampState:
    if any(point.fields.get("level_source") == "relay_off" for point in readings):
        return LampState.OFF  # the level of before is still the newest one known
    level = max([float(point.fields[LEVEL]) for point in readings if LEVEL in point.fields], default=None)
    if level is not None:
        return LampState.LIT if level > 0 else LampState.OFF
    power = max([float(point.fields[POWER]) for point in readings if POWER in point.fields], default=None)
    if power is not None:
        return LampState.LIT if power > LIT_POWER_W else LampState.OFF
    return LampState.SILENT  # the device speaks, but not of the light
