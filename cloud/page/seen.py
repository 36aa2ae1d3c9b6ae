"""What is the same in judging any kind of asset: whose points count, how old they are, until when silence is excused.

A state is what the device said last, never a guess. Where the asset had several devices, the one that spoke last
speaks for it. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from cloud.page.ground import Place
from cloud.stores.base import Point

PATIENCE_MS = 3 * 3_600_000  # a road that is late by less does not make its assets silent
RAISED, CLEAR = "raised", "clear"


@dataclass(frozen=True, slots=True)
class Seen:
    """What an asset is now.

    `state`: of its kind's own enum. `at_ms`: when the last reading was taken; None when there never was one.
    `unpowered`: its circuit is cut. `value`: of a bin its fill (%), of a counter the vehicles of the last interval;
    None where nothing was measured, which is not 0.
    """

    state: StrEnum
    at_ms: int | None = None
    unpowered: bool = False
    value: float | None = None


class Points(NamedTuple):
    """The newest point of each series of one asset: its readings, and those out of their plausible range."""

    readings: Sequence[Point] = ()
    suspects: Sequence[Point] = ()


class Hearing(NamedTuple):
    """`until_ms`: the instant up to which its zone has been heard (`heard_until`): an asset is silent when others
    spoke since and it did not. `circuit_ms`: when a device of its switched circuit last spoke; None: always powered."""

    until_ms: int
    circuit_ms: int | None = None


def heard_until(newest_ms: int | None, now_ms: int) -> int:
    """The instant up to which a zone has been heard: now, or a little earlier where its link is late or down.

    The page says beside it how old the zone's readings are; beyond `PATIENCE_MS` its assets are silent.
    """
    return now_ms if newest_ms is None else min(now_ms, max(newest_ms, now_ms - PATIENCE_MS))


def newest_ms(points: Points) -> int | None:
    """When the asset was last measured, well or doubtfully."""
    newest_us = max([point.time_us for group in points for point in group], default=None)
    return None if newest_us is None else newest_us // 1000


def is_silent(place: Place, at_ms: int | None, until_ms: int) -> bool:
    """True when nothing was ever read, or nothing for longer than its device may be quiet."""
    return at_ms is None or until_ms - at_ms > place.silent_after_ms


def of_last_device(points: Points) -> Points:
    """The points of the device that spoke last."""
    if len({point.tags.get("device") for group in points for point in group}) < 2:
        return points
    times: dict[str | None, int] = {}
    for group in points:
        for point in group:
            device = point.tags.get("device")
            times[device] = max(times.get(device, -1), point.time_us)
    last = max(times, key=times.__getitem__)
    return Points(*([point for point in group if point.tags.get("device") == last] for group in points))


def is_doubtful(points: Points, *quantities: str, since_us: int) -> bool:
    """True when the newest reading of one of these quantities, on any channel, is out of range."""
    if not points.suspects:
        return False
    good_us: dict[str | None, int] = {}
    for point in points.readings:
        channel = point.tags.get("channel")
        good_us[channel] = max(good_us.get(channel, -1), point.time_us)
    return any(
        point.time_us >= max(since_us, good_us.get(point.tags.get("channel"), -1))
        for point in points.suspects
        if any(name in point.fields for name in quantities)
    )


def raised(readings: Sequence[Point], alert: str) -> bool:
    """Whether the newest word about an alert is that it holds."""
    said = [point for point in readings if alert in point.fields]
    return bool(said) and max(said, key=lambda point: point.time_us).fields[alert] == RAISED
