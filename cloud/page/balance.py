"""The road's balance as the edges count it: accepted = stored + spooled + quarantined + evicted. Pure.

Each edge commits its counters together with what they count and reports them with its health (`edge.health`); the
worker writes the report to `site` in the operator's database, nested keys joined by `_`. The page adds the newest
reports up: it shows what the services say of themselves. (The proof by value is the oracle's.)
"""

from collections.abc import Iterable
from dataclasses import dataclass

from cloud.stores.base import Point
from core.model import RowClass


@dataclass(frozen=True, slots=True)
class Road:
    """Rows, all edges together; `evicted` includes what a corrupt segment lost. `edges`: how many reported;
    `offline`: how many of them said good-bye or vanished; `reported_ms`: the oldest of their newest reports."""

    accepted: int = 0
    stored: int = 0
    spooled: int = 0
    quarantined: int = 0
    evicted: int = 0
    edges: int = 0
    offline: int = 0
    reported_ms: int | None = None

    @property
    def gap(self) -> int:
        """Rows that no counter explains; 0 when it balances."""
        return self.accepted - self.stored - self.spooled - self.quarantined - self.evicted

    @property
    def balanced(self) -> bool:
        return self.gap == 0


def add_up(sites: Iterable[Point]) -> Road | None:
    """The balance of the newest `site` point of each edge; None while no edge has reported its counters."""
    newest: dict[str, Point] = {}
    for point in sites:
        edge = point.tags.get("site", "")
        if edge and _counted(point) and (edge not in newest or point.time_us > newest[edge].time_us):
            newest[edge] = point
    if not newest:
        return None
    reports = newest.values()
    return Road(
        accepted=sum(_total(report, "accepted") for report in reports),
        stored=sum(_total(report, "stored") for report in reports),
        spooled=sum(_total(report, "spooled") for report in reports),
        quarantined=sum(_total(report, "quarantined") for report in reports),
        evicted=sum(_total(report, "evicted") for report in reports),
        edges=len(newest),
        offline=sum(report.fields.get("state") == "offline" for report in reports),
        reported_ms=min(report.time_us for report in reports) // 1000,
    )


def _counted(point: Point) -> bool:
    return any(name == "accepted" or name.startswith("accepted_") for name in point.fields)


def _total(report: Point, counter: str) -> int:
    """A counter over the classes: `accepted_urgent` + `accepted_measurement` + …, or `accepted` alone."""
    if counter in report.fields:
        return int(report.fields[counter])
    return sum(int(report.fields.get(f"{counter}_{row_class}", 0)) for row_class in RowClass)
