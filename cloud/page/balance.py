"""The road's balance as the edges count it: accepted = stored + spooled + quarantined + evicted; and who is not heard.

Each edge commits its counters together with what they count and reports them with its health (`edge.health`); the
worker writes the report to `site` in the operator's database, nested keys joined by `_`. The page adds the newest
reports up: it shows what the services say of themselves. (The proof by value is the oracle's.) An
edge reports every minute, and its broker tells when it is gone. Pure.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cloud.stores.base import Point
from core.model import RowClass

SILENT_MS = 10 * 60_000  # a site is silent after so many missed reports
OFFLINE = "offline"


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


def add_up(reports: Iterable[Point]) -> Road | None:
    """The balance of the newest `site` point of each edge; None while no edge has reported its counters."""
    newest: dict[str, Point] = {}
    for point in reports:
        edge = point.tags.get("site", "")
        if edge and _counted(point) and (edge not in newest or point.time_us > newest[edge].time_us):
            newest[edge] = point
    if not newest:
        return None
    last = newest.values()
    return Road(
        accepted=sum(_total(report, "accepted") for report in last),
        stored=sum(_total(report, "stored") for report in last),
        spooled=sum(_total(report, "spooled") for report in last),
        quarantined=sum(_total(report, "quarantined") for report in last),
        evicted=sum(_total(report, "evicted") for report in last),
        edges=len(newest),
        offline=sum(report.fields.get("state") == OFFLINE for report in last),
        reported_ms=min(report.time_us for report in last) // 1000,
    )


@dataclass(frozen=True, slots=True)
class SiteNews:
    """A site that is silent. `at_ms`: when it was last heard of, or when its link ended; None: it never was.
    `gone`: its broker said so, or it said good-bye."""

    name: str
    at_ms: int | None
    gone: bool = False


def silent_sites(
    reports: Iterable[Point], sites: Mapping[str, str], now_ms: int, *, patience_ms: int = SILENT_MS
) -> tuple[SiteNews, ...]:
    """The declared sites whose edge is gone, old or was never heard of; the longest silent first.

    Args:
        sites: id → name.
        patience_ms: how old a report may be.
    """
    newest: dict[str, Point] = {}
    for report in reports:
        site = report.tags.get("site", "")
        if site in sites and (site not in newest or report.time_us > newest[site].time_us):
            newest[site] = report
    silent: list[SiteNews] = []
    for site, name in sites.items():
        if site not in newest:
            silent.append(SiteNews(name, None))
            continue
        at_ms = newest[site].time_us // 1000
        gone = newest[site].fields.get("state") == OFFLINE
        if gone or now_ms - at_ms > patience_ms:
            silent.append(SiteNews(name, at_ms, gone))
    return tuple(sorted(silent, key=lambda one: (one.at_ms or 0, one.name)))


def _counted(point: Point) -> bool:
    return any(name == "accepted" or name.startswith("accepted_") for name in point.fields)


def _total(report: Point, counter: str) -> int:
    """A counter over the classes: `accepted_urgent` + `accepted_measurement` + …, or `accepted` alone."""
    if counter in report.fields:
        return int(report.fields[counter])
    return sum(int(report.fields.get(f"{counter}_{row_class}", 0)) for row_class in RowClass)
