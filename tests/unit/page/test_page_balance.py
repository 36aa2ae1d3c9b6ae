"""The road's balance from the edges' own reports."""

import msgspec

from cloud.page.balance import SILENT_MS, Road, SiteNews, add_up, silent_sites
from cloud.reports import site_points
from cloud.stores.base import Point
from core.model import RowClass
from core.territory import Site
from edge.health import Health, encode, farewell
from tests.unit.page.page_facts import NOON_MS

COUNTERS = {"urgent": 2, "measurement": 1000, "diagnostic": 50}


def site(name: str) -> Site:
    return Site(id=name, name=name, commune="88383", tenant="ccpvm", lat=48.0, lon=6.5)


def report(name: str, *, at_ms: int = NOON_MS, spooled: int = 10, lost: int = 0) -> Point:
    """A health document as an edge encodes it and the worker stores it."""
    health = Health(
        edge=name,
        boot="b1",
        spool_id="s1",
        software="0.1.0",
        at_ms=at_ms,
        uptime_s=60.0,
        clock="synced",
        accepted={row_class: COUNTERS[row_class] for row_class in RowClass},
        stored={RowClass.URGENT: 2, RowClass.MEASUREMENT: 980 - lost, RowClass.DIAGNOSTIC: 45},
        quarantined={RowClass.URGENT: 0, RowClass.MEASUREMENT: 3, RowClass.DIAGNOSTIC: 2},
        evicted={RowClass.URGENT: 0, RowClass.MEASUREMENT: 7, RowClass.DIAGNOSTIC: 3},
        corrupt={RowClass.URGENT: 0, RowClass.MEASUREMENT: 4, RowClass.DIAGNOSTIC: 0},
        spooled=spooled,
        open_rows=0,
        source_accepted=99,
        duplicates=1,
        source_connected=True,
        messages=1,
        window=32,
        deferred=0,
        held=0,
        rss_bytes=40_000_000,
        conditions={},
    )
    (stored,) = (
        row.points[0]
        for row in site_points(msgspec.json.decode(encode(health)), name=name, at_ms=at_ms, site=site(name))
        if row.database == "operator"
    )
    return stored


def test_reports_of_all_edges_add_up_over_their_classes() -> None:
    """accepted = stored + spooled + quarantined + evicted; `corrupt` is a part of `evicted`, not beside it."""
    road = add_up([report("remiremont"), report("esternay", at_ms=NOON_MS - 5000)])
    assert road == Road(
        accepted=2104,
        stored=2054,
        spooled=20,
        quarantined=10,
        evicted=20,
        edges=2,
        offline=0,
        reported_ms=NOON_MS - 5000,
    )
    assert road.balanced


def test_a_missing_row_is_a_gap() -> None:
    """The page says how many rows no counter explains."""
    road = add_up([report("remiremont", lost=3)])
    assert road is not None
    assert not road.balanced
    assert road.gap == 3


def test_the_newest_report_of_an_edge_counts_alone() -> None:
    """A site that moved commune has two series; its rows are not counted twice."""
    older = report("remiremont", at_ms=NOON_MS - 60_000, spooled=500)
    road = add_up([older, report("remiremont")])
    assert road is not None
    assert road.spooled == 10


def test_an_edge_that_vanished_is_offline_and_keeps_its_counters() -> None:
    """The last will has no counters; the store merges it into the last report."""
    (will,) = site_points(
        msgspec.json.decode(farewell("remiremont", boot="b1")),
        name="remiremont",
        at_ms=NOON_MS,
        site=site("remiremont"),
    )[1:]
    last = report("remiremont")
    merged = msgspec.structs.replace(last, fields={**last.fields, **will.points[0].fields})
    road = add_up([merged])
    assert road is not None
    assert (road.offline, road.accepted) == (1, 1052)


def test_without_an_edge_there_is_no_balance() -> None:
    """The worker's own counters are not an edge's."""
    worker = Point("site", {"site": "cloud"}, NOON_MS * 1000, {"rows_stored": 12.0, "messages": 3.0})
    assert add_up([worker]) is None
    assert add_up([]) is None


def test_a_site_that_is_gone_old_or_unheard_is_silent() -> None:
    """Its last will, ten minutes without a report, or no report ever; who reports is not named."""
    sites = {"remiremont": "Remiremont", "esternay": "Esternay", "val": "Le Val-d’Ajol", "belleville": "Belleville"}
    gone = report("esternay", at_ms=NOON_MS - 60_000)
    gone = msgspec.structs.replace(gone, fields={**gone.fields, "state": "offline"})
    reports = [report("remiremont", at_ms=NOON_MS - SILENT_MS), report("val", at_ms=NOON_MS - SILENT_MS - 1), gone]
    assert silent_sites(reports, sites, NOON_MS) == (
        SiteNews("Belleville", None),
        SiteNews("Le Val-d’Ajol", NOON_MS - SILENT_MS - 1),
        SiteNews("Esternay", NOON_MS - 60_000, gone=True),
    )
    back = report("esternay", at_ms=NOON_MS)
    assert silent_sites([back, gone], {"esternay": "Esternay"}, NOON_MS) == ()
    in_a_hurry = silent_sites(reports, sites, NOON_MS, patience_ms=2 * SILENT_MS)  # a scenario: reports are rarer
    assert in_a_hurry == (SiteNews("Belleville", None), SiteNews("Esternay", NOON_MS - 60_000, gone=True))
