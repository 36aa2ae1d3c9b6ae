"""The newest values of every series, read whole now and then and followed by what came since. Pure.

Reading 20,000 series costs a quarter of a second, what came since the poll before a few milliseconds. What a follower
cannot see, a whole read brings: what arrived later than the margin, and what was deleted or moved.
"""

from collections.abc import Iterable, Iterator

from cloud.page.seen import Points
from cloud.stores.base import Point

_Tags = tuple[str | None, str | None, str | None, str | None]


class Series:
    """The newest point of each series of one measurement of one database."""

    def __init__(self) -> None:
        self._points: dict[_Tags, Point] = {}
        self.newest_us: int | None = None

    def replace(self, points: Iterable[Point]) -> None:
        """After a whole read: these and no others."""
        self._points = {_tags(point): point for point in points}
        self.newest_us = max((point.time_us for point in self._points.values()), default=None)

    def follow(self, points: Iterable[Point]) -> None:
        """After a read of what is new: each with the fields that are at least as new as that read's start."""
        for point in points:
            tags = _tags(point)
            known = self._points.get(tags)
            if known is not None and known.time_us <= point.time_us and not known.fields.keys() <= point.fields.keys():
                merged = known.fields | point.fields
                self._points[tags] = Point(point.measurement, point.tags, point.time_us, merged)
            elif known is None or known.time_us <= point.time_us:
                self._points[tags] = point
            self.newest_us = max(point.time_us, self.newest_us or 0)

    def since_us(self, now_us: int, margin_us: int) -> int | None:
        """From when to read what is new; None: read it whole, there is nothing to follow yet."""
        return None if self.newest_us is None else min(self.newest_us, now_us) - margin_us

    def __iter__(self) -> Iterator[Point]:
        return iter(self._points.values())


def _tags(point: Point) -> _Tags:
    tags = point.tags
    return tags.get("asset"), tags.get("device"), tags.get("channel"), tags.get("commune")


def by_asset(readings: Iterable[Point], suspects: Iterable[Point]) -> dict[str, Points]:
    """Both of each asset; points without one are left out."""
    found: dict[str, tuple[list[Point], list[Point]]] = {}
    for index, points in enumerate((readings, suspects)):
        for point in points:
            asset = point.tags.get("asset")
            if asset:
                if asset not in found:
                    found[asset] = ([], [])
                found[asset][index].append(point)
    return {asset: Points(*groups) for asset, groups in found.items()}
