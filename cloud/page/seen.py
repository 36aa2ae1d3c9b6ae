"""What is the same in judging any kind of asset: whose points count, how old they are, until when silence is excused.

A state is what the device said last, never a guess. Where the asset had several devices, the one that spoke last
speaks for it. Pure.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar, cast

import msgspec

from cloud.page.ground import Place
from cloud.stores.base import Point
from cloud.watch.model import State

PATIENCE_MS = 3 * 3_600_000  # a road that is late by less does not make its assets silent
RAISED, CLEAR = "raised", "clear"
SILENCE = "silence"  # the watch's word of whether an asset is heard
_T = TypeVar("_T")


class Seen(msgspec.Struct, frozen=True, gc=False):  # thousands a second: the cheapest record there is
    """What an asset is now.

    `state`: of its kind's own enum. `at_ms`: when the last reading was taken; None when there never was one.
    `unpowered`: its circuit is cut. `value`: of a bin its fill (%), of a counter the vehicles of the last interval;
    None where nothing was measured, which is not 0.
    """

    state: StrEnum
    at_ms: int | None = None
    unpowered: bool = False
    value: float | None = None


class Points:
    """The newest point of each series of one asset: its readings, those out of their plausible range, and what the
    watch knows of it, by kind.

    They never change, so that what follows from them alone is asked for once, though a page judges every second.
    `at_ms`: when the asset was last measured, well or doubtfully.
    """

    __slots__ = ("_answers", "at_ms", "readings", "states", "suspects")

    def __init__(
        self,
        readings: Sequence[Point] = (),
        suspects: Sequence[Point] = (),
        states: Mapping[str, State] = MappingProxyType({}),
    ) -> None:
        self.readings = readings
        self.suspects = suspects
        self.states = states
        newest_us = max([point.time_us for group in (readings, suspects) for point in group], default=None)
        self.at_ms = None if newest_us is None else newest_us // 1000
        self._answers: dict[Callable[[Points], Any], Any] = {}

    def once(self, ask: Callable[["Points"], _T]) -> _T:
        """What `ask` says of these points."""
        if ask not in self._answers:
            self._answers[ask] = ask(self)
        return cast("_T", self._answers[ask])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Points) and (self.readings, self.suspects, self.states) == (
            other.readings,
            other.suspects,
            other.states,
        )

    __hash__ = None  # type: ignore[assignment]  # compared by value


class Hearing(NamedTuple):
    """`until_ms`: the instant up to which its zone has been heard (`heard_until`): an asset is silent when others
    spoke since and it did not. `circuit_ms`: when a device of its switched circuit last spoke; None: always powered.
    `since_ms`: when its zone was heard for the first time, as far as the page knows: until an asset had the time to
    speak it is awaited, not silent."""

    until_ms: int
    circuit_ms: int | None = None
    since_ms: int = 0


def heard_until(newest_ms: int | None, now_ms: int) -> int:
    """The instant up to which a zone has been heard: now, or a little earlier where its link is late or down.

    The page says beside it how old the zone's readings are; beyond `PATIENCE_MS` its assets are silent.
    """
    return now_ms if newest_ms is None else min(now_ms, max(newest_ms, now_ms - PATIENCE_MS))


def is_awaited(at_ms: int | None, patience_ms: int, now: Hearing) -> bool:
    """True when nothing was ever read of it, and it had no time to speak since its zone was heard first."""
    return at_ms is None and now.until_ms - now.since_ms <= patience_ms


def is_silent(place: Place, at_ms: int | None, until_ms: int) -> bool:
    """True when nothing was ever read, or nothing for longer than its device may be quiet."""
    return at_ms is None or until_ms - at_ms > place.silent_after_ms


def of_last_device(points: Points) -> Points:
    """The points of the device that spoke last."""
    groups = (points.readings, points.suspects)
    if len({point.tags.get("device") for group in groups for point in group}) < 2:
        return points
    times: dict[str | None, int] = {}
    for group in groups:
        for point in group:
            device = point.tags.get("device")
            times[device] = max(times.get(device, -1), point.time_us)
    last = max(times, key=times.__getitem__)
    readings, suspects = ([point for point in group if point.tags.get("device") == last] for group in groups)
    return Points(readings, suspects, points.states)


def doubtful_us(points: Points, *quantities: str) -> int | None:
    """When one of these quantities was last read out of range and not well since, on any channel; None: it was not."""
    if not points.suspects:
        return None
    good_us: dict[str | None, int] = {}
    for point in points.readings:
        channel = point.tags.get("channel")
        good_us[channel] = max(good_us.get(channel, -1), point.time_us)
    return max(
        [
            point.time_us
            for point in points.suspects
            if point.time_us >= good_us.get(point.tags.get("channel"), -1)
            and any(name in point.fields for name in quantities)
        ],
        default=None,
    )


def is_doubtful(place: Place, bad_us: int | None, until_ms: int) -> bool:
    """True when that reading (`doubtful_us`) is young enough to speak for the asset."""
    return bad_us is not None and bad_us >= (until_ms - place.silent_after_ms) * 1000


def word(points: Points, kind: str) -> str:
    """What the watch says of it, in a word of a closed set; "" where it says nothing."""
    state = points.states.get(kind)
    return state.value if state is not None and isinstance(state.value, str) else ""


def number(points: Points, kind: str) -> float | None:
    """What the watch says of it, in a number; None where it says nothing."""
    state = points.states.get(kind)
    return state.value if state is not None and isinstance(state.value, float) else None


def raised(readings: Sequence[Point], alert: str) -> bool:
    """Whether the newest word about an alert is that it holds."""
    said = [point for point in readings if alert in point.fields]
    return bool(said) and max(said, key=lambda point: point.time_us).fields[alert] == RAISED
