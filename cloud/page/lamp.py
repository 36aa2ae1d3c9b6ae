"""Is a lamp lit, off, broken, doubtful or silent? From its newest points to one state. Pure.

A state is what the device said last, never a guess: the page does not know the sun. Where the lamp had several
devices, the one that spoke last speaks for it. Most street lamps have no power by day: when all devices of a switched
circuit fall silent together, they are off, whatever they said before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from cloud.page.ground import Lamp
from cloud.stores.base import Point

LEVEL, POWER = "level_pct", "power_w"
ALERT, ALERT_24H = "lamp_alert", "lamp_alert_24h"
FAULTS: dict[str, str] = {
    "lamp_failure": "fault",
    "driver_failure": "fault",
    "dali_bus": "fault",
    "level_source": "driver_not_found",
    ALERT: "raised",
}
PATIENCE_MS = 3 * 3_600_000  # a road that is late by less does not make its lamps silent
LONGEST_DAY_MS = 26 * 3_600_000  # without power: a half-night lamp whose morning hours fall after sunrise
LIT_POWER_W = 5.0  # a driver in stand-by draws 0.5 to 3 W, the smallest street luminaire 10 W


class LampState(StrEnum):
    LIT = "lit"
    OFF = "off"
    FAULT = "fault"
    SUSPECT = "suspect"  # its newest reading is out of range
    SILENT = "silent"  # nothing, or nothing for too long
    BARE = "bare"  # no device is assigned to it


TO_REPORT = (LampState.FAULT, LampState.SUSPECT, LampState.SILENT)


@dataclass(frozen=True, slots=True)
class Seen:
    """`at_ms`: when the last reading was taken; None when there never was one. `unpowered`: its circuit is cut."""

    state: LampState
    at_ms: int | None = None
    unpowered: bool = False


def judge(
    lamp: Lamp,
    readings: Sequence[Point],
    suspects: Sequence[Point],
    until_ms: int,
    *,
    circuit_ms: int | None = None,
) -> Seen:
    """The lamp's state from the newest point of each of its series.

    Args:
        until_ms: the instant up to which its zone has been heard (`heard_until`): a lamp is silent when others spoke
            since and it did not.
        circuit_ms: when a device of its switched circuit last spoke; None where the power is permanent.
    """
    readings, suspects = of_last_device(readings, suspects)
    newest_us = max([point.time_us for points in (readings, suspects) for point in points], default=None)
    at_ms = None if newest_us is None else newest_us // 1000
    if not lamp.equipped:
        return Seen(LampState.BARE, at_ms)
    is_unpowered = circuit_ms is not None and lamp.unpowered_after_ms < until_ms - circuit_ms <= LONGEST_DAY_MS
    if is_unpowered and circuit_ms is not None:
        until_ms = circuit_ms  # who spoke when the circuit last did is not silent
    if at_ms is None or until_ms - at_ms > lamp.silent_after_ms:
        return Seen(LampState.SILENT, at_ms)
    if faults(readings):
        return Seen(LampState.FAULT, at_ms)
    if is_unpowered:
        return Seen(LampState.OFF, at_ms, unpowered=True)
    if suspects and _is_doubtful(readings, suspects, since_us=(until_ms - lamp.silent_after_ms) * 1000):
        return Seen(LampState.SUSPECT, at_ms)
    return Seen(_light(readings), at_ms)


def heard_until(newest_ms: int | None, now_ms: int) -> int:
    """The instant up to which a zone has been heard: now, or a little earlier where its link is late or down.

    The page says beside it how old the zone's data are; beyond `PATIENCE_MS` its lamps are silent.
    """
    return now_ms if newest_ms is None else min(now_ms, max(newest_ms, now_ms - PATIENCE_MS))


def grown_old(lamp: Lamp, seen: Seen, until_ms: int) -> Seen:
    """What a state has become when nothing was read since."""
    limit_ms = LONGEST_DAY_MS if seen.unpowered else lamp.silent_after_ms
    if lamp.equipped and (seen.at_ms is None or until_ms - seen.at_ms > limit_ms):
        return Seen(LampState.SILENT, seen.at_ms)
    return seen


def of_last_device(*groups: Sequence[Point]) -> tuple[Sequence[Point], ...]:
    """The points of the device that spoke last, in each group."""
    times = {point.tags.get("device"): -1 for group in groups for point in group}
    if len(times) < 2:
        return groups
    for group in groups:
        for point in group:
            device = point.tags.get("device")
            times[device] = max(times[device], point.time_us)
    last = max(times, key=times.__getitem__)
    return tuple([point for point in group if point.tags.get("device") == last] for group in groups)


def faults(readings: Sequence[Point]) -> list[str]:
    """The quantities that say now that the lamp, its driver or its bus is broken.

    An alert is told once, when it is raised; when the status of the last 24 hours does not repeat it, it is over.
    """
    found = {name for point in readings for name, bad in FAULTS.items() if point.fields.get(name) == bad}
    if ALERT in found and any(point.fields.get(ALERT_24H) == "clear" for point in readings):
        found.remove(ALERT)
    return sorted(found)


def _is_doubtful(readings: Sequence[Point], suspects: Sequence[Point], *, since_us: int) -> bool:
    """True when an output's newest level or power is out of range."""
    good_us: dict[str | None, int] = {}
    for point in readings:
        channel = point.tags.get("channel")
        good_us[channel] = max(good_us.get(channel, -1), point.time_us)
    return any(
        point.time_us >= max(since_us, good_us.get(point.tags.get("channel"), -1))
        for point in suspects
        if LEVEL in point.fields or POWER in point.fields
    )


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
