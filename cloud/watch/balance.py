"""The road's balance, from what the edges report: accepted = stored + spooled + quarantined + evicted. Pure.

An edge counts and commits in one, so that each report adds up by itself; one that does not for `road_unbalanced_min`
is no moment between two counts. Rows that it gave up (`evicted`) are lost: that is said while it goes on, and for
`road_evicting_h` after the last one. A spool that is new counts from 0: only reports of one spool are compared.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final

import msgspec

from cloud.schema import SITE
from cloud.stores.base import Point
from cloud.watch.model import HOUR_MS, About, Facts, Finding, Severity
from core.model import RowClass
from core.territory import OPERATOR, Territory
from core.territory.model import Thresholds

_COUNTERS: Final = ("accepted", "stored", "quarantined", "evicted")
_MINUTE_MS: Final = 60_000
_KEEP_MS: Final = 24 * HOUR_MS + 2 * _MINUTE_MS  # the longest that a threshold may ask for


class Report(msgspec.Struct, frozen=True, order=True, gc=False):
    """`gap`: rows that no counter explains; `spool`: whose counters these are."""

    at_ms: int
    spool: str
    gap: int
    evicted: int


def read_report(point: Point) -> Report | None:
    """A health document of an edge, as a point of `site`; None for a last will, which has no counters."""
    if point.measurement != SITE:
        return None
    sums: dict[str, int] = {}
    for counter in _COUNTERS:
        told = [point.fields.get(f"{counter}_{row_class}") for row_class in RowClass]
        numbers = [int(number) for number in told if isinstance(number, float)]
        if not numbers:
            return None
        sums[counter] = sum(numbers)
    spooled = point.fields.get("spooled")
    if not isinstance(spooled, float):
        return None
    gap = sums["accepted"] - sums["stored"] - sums["quarantined"] - sums["evicted"] - int(spooled)
    return Report(point.time_us // 1000, str(point.fields.get("spool_id", "")), gap, sums["evicted"])


class Balance:
    """Keeps the last reports of each edge. Used by one thread."""

    def __init__(self) -> None:
        self._reports: dict[str, list[Report]] = {}

    def take(self, points: Iterable[Point]) -> None:
        """Points of `site` of the operator's database, in any order, late and twice; others are passed over."""
        for point in points:
            report = read_report(point)
            if report is None:
                continue
            kept = self._reports.setdefault(point.tags.get("site", ""), [])
            at = bisect_left(kept, report)
            if at == len(kept) or kept[at] != report:
                insort(kept, report)
            oldest_ms = kept[-1].at_ms - _KEEP_MS
            while kept[0].at_ms < oldest_ms:
                del kept[0]

    def findings(self, territory: Territory, now_ms: int) -> list[Finding]:
        """`road.unbalanced` and `road.evicting`, each of a site that is declared."""
        found: list[Finding] = []
        for site, reports in sorted(self._reports.items()):
            if site in territory.sites:
                past = reports[: bisect_left(reports, now_ms + 1, key=lambda report: report.at_ms)]
                found += judge_road(past, site, territory, now_ms)
        return found


def judge_road(reports: Sequence[Report], site: str, territory: Territory, now_ms: int) -> list[Finding]:
    """What the reports of one edge, by time, say of the road."""
    thresholds = territory.operator.thresholds
    found: list[Finding] = []
    unbalanced = _unbalanced_ms(reports, thresholds)
    if unbalanced is not None:
        facts: Facts = {"rows": reports[-1].gap}
        found.append(_finding("road.unbalanced", Severity.WARNING, site, territory, unbalanced, facts))
    evicted = _evictions(reports, now_ms, int(thresholds.road_evicting_h * HOUR_MS))
    if evicted:
        rows = {"rows": sum(rows for _, rows in evicted)}
        found.append(_finding("road.evicting", Severity.CRITICAL, site, territory, evicted[0][0], dict(rows)))
    return found


def _unbalanced_ms(reports: Sequence[Report], thresholds: Thresholds) -> int | None:
    """Since when no report adds up; None: one did lately."""
    since_ms = None
    for report in reversed(reports):
        if not report.gap:
            break
        since_ms = report.at_ms
    lasts_ms = thresholds.road_unbalanced_min * _MINUTE_MS
    return since_ms if since_ms is not None and reports[-1].at_ms - since_ms >= lasts_ms else None


def _evictions(reports: Sequence[Report], now_ms: int, pause_ms: int) -> list[tuple[int, int]]:
    """When rows were given up, and how many: the last run of it, which no pause ended."""
    run: list[tuple[int, int]] = []
    next_ms = now_ms
    for before, later in reversed(list(pairwise(reports))):
        if before.spool == later.spool and later.evicted > before.evicted:
            if next_ms - later.at_ms > pause_ms:
                break
            run.append((later.at_ms, later.evicted - before.evicted))
            next_ms = later.at_ms
    return run[::-1]


def _finding(kind: str, severity: Severity, site: str, territory: Territory, since_ms: int, facts: Facts) -> Finding:
    return Finding(kind, severity, OPERATOR, territory.sites[site].commune, About.ROAD, site, since_ms, facts)
