"""The watch over the road itself: what edges report, read from the operator's database."""

from collections.abc import Iterator, Sequence
from typing import Final

from cloud.dirty import Mark
from cloud.schema import SITE
from cloud.stores.base import Point, Store
from cloud.watch.alarms.road import edge_findings
from cloud.watch.balance import Balance
from cloud.watch.feed import Feed
from cloud.watch.marks import MarkBook
from cloud.watch.model import Finding
from core.territory import OPERATOR, Territory

_REPORTS_H: Final = 25.0  # what the balance looks back at, and what sites keep
_WHOLE: Final = "at_ms"  # only a whole health document has it


class OperatorWatch:
    """Used by one thread."""

    def __init__(self, store: Store, *, now_ms: int, margin_ms: int) -> None:
        self._feed = Feed(store, OPERATOR, {SITE: _REPORTS_H})
        self._book = MarkBook(store, OPERATOR, since_us=max(0, now_ms - margin_ms) * 1000)
        self._balance = Balance()
        self._newest: dict[str, Point] = {}

    @property
    def is_ready(self) -> bool:
        return self._feed.is_ready

    def past(self, now_ms: int) -> Iterator[list[Point]]:
        """The reports of the last day, in slices.

        Raises:
            LinkError, StorageError: the store's.
        """
        for points in self._feed.past(now_ms):
            self._take(points)
            yield points

    def news(self, now_ms: int, *, margin_ms: int, marks_ms: int) -> Iterator[list[Point]]:
        """What was reported since.

        Raises:
            LinkError, StorageError: the store's.
        """
        marks: Sequence[Mark] = self._book.look(now_ms, margin_ms=marks_ms)
        self._feed.mark(marks)
        for source in (self._feed.news(now_ms, margin_ms=margin_ms), self._feed.again(now_ms)):
            for points in source:
                self._take(points)
                yield points

    def findings(self, territory: Territory, now_ms: int) -> list[Finding]:
        """What the edges' reports say of the road."""
        return [*self._balance.findings(territory, now_ms), *edge_findings(self._newest.values(), territory)]

    def _take(self, points: list[Point]) -> None:
        self._balance.take(points)
        for point in points:
            site = point.tags.get("site", "")
            known = self._newest.get(site)
            if _WHOLE in point.fields and (known is None or known.time_us < point.time_us):
                self._newest[site] = point
