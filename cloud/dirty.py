"""Marks of what came after its time, for whoever computes from points: written with the points themselves. Pure.

A mark says: something of this commune was stored, moved or recomputed in this hour (UTC) at a time when others may have
read that hour already. It is a point of `dirty` in the same database; its time is when it was made, so that new marks
are found by time, whatever hour they name. Its µs come from the hour: two marks of one ms are two points.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from cloud.stores.base import Point

DIRTY: Final = "dirty"
HOUR_MS: Final = 3_600_000
LATE_MS: Final = 5 * 60_000  # what is stored sooner after its time is found by its time alone
_HOUR_US: Final = HOUR_MS * 1000
_START: Final = "start_ms"


class Mark(NamedTuple):
    """The hour that begins at `start_ms` has another content. `asset`: it is this one's alone; empty: the commune's."""

    made_us: int
    commune: str
    start_ms: int
    asset: str = ""


def marks(points: Iterable[Point], *, now_ms: int) -> list[Point]:
    """The marks to be written with these points, behind them: one a commune and hour, for those points whose hour has
    ended or that are more than `LATE_MS` old."""
    ended_us = max(now_ms // HOUR_MS * HOUR_MS, now_ms - LATE_MS) * 1000
    hours = {(point.tags.get("commune", ""), point.time_us // _HOUR_US) for point in points if point.time_us < ended_us}
    return mark_points([(commune, hour * HOUR_MS, "") for commune, hour in hours if commune], now_ms=now_ms)


def mark_points(hours: Iterable[tuple[str, int, str]], *, now_ms: int) -> list[Point]:
    """A mark for each commune, start of an hour (ms) and asset ("": all of the commune)."""
    made: list[Point] = []
    taken: set[tuple[str, str, int]] = set()
    for commune, start_ms, asset in sorted(set(hours)):
        time_us = now_ms * 1000 + start_ms // HOUR_MS % 1000
        while (commune, asset, time_us) in taken:  # hours that are 1,000 apart
            time_us += 1000
        taken.add((commune, asset, time_us))
        tags = {"commune": commune, "asset": asset} if asset else {"commune": commune}
        made.append(Point(DIRTY, tags, time_us, {_START: start_ms}))
    return made


def read_marks(points: Sequence[Point]) -> list[Mark]:
    """What points of `dirty` say; one that somebody else wrote is passed over."""
    return [
        Mark(point.time_us, point.tags["commune"], start_ms, point.tags.get("asset", ""))
        for point in points
        if isinstance(start_ms := point.fields.get(_START), int) and "commune" in point.tags
    ]
