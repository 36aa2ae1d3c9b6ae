"""What beffroi says of itself becomes findings."""

from cloud.alarms import Alarm as Condition
from cloud.stores.base import Field, Point
from cloud.watch.alarms.road import edge_findings, worker_findings
from cloud.watch.model import About, Severity
from tests.support.alarm_scene import HOUR_MS, NOON_MS, scene

HERE = scene()


def health(at_ms: int, site: str = "remiremont", **fields: Field) -> Point:
    return Point("site", {"site": site, "commune": "88383"}, at_ms * 1000, {"at_ms": float(at_ms), **fields})


def test_the_workers_conditions_are_the_operators() -> None:
    """By site, else by tenant, else the worker's own; what loses rows or stops the road is critical."""
    found = worker_findings(
        [
            Condition("store.down", "no answer", NOON_MS),
            Condition("store.refuses", "full", NOON_MS, tenant="ccpvm"),
            Condition("identity.unknown_edge", "who?", NOON_MS, hint="declare it", site="nowhere"),
        ]
    )
    assert [(one.kind, one.subject, one.severity) for one in found] == [
        ("road.store.down", "worker", Severity.CRITICAL),
        ("road.store.refuses", "ccpvm", Severity.CRITICAL),
        ("road.identity.unknown_edge", "nowhere", Severity.WARNING),
    ]
    assert {(one.database, one.about, one.commune, one.since_ms) for one in found} == {
        ("operator", About.ROAD, "", NOON_MS)
    }
    assert found[2].facts == {
        "code": "identity.unknown_edge",
        "message": "who?",
        "hint": "declare it",
        "site": "nowhere",
    }


def test_an_edges_conditions_are_those_of_its_newest_report() -> None:
    """In whatever order they come; a last will says nothing of them; an unknown site's are nobody's."""
    will = Point("site", {"site": "remiremont"}, (NOON_MS + HOUR_MS) * 1000, {"state": "offline"})
    points = [
        health(NOON_MS, conditions_spool="spool.full", conditions_upkeep="spool.full", conditions_cloud="tls.expired"),
        will,
        health(NOON_MS - HOUR_MS, conditions_sending="spool.io"),
        health(NOON_MS, site="nowhere", conditions_spool="spool.full"),
    ]
    found = edge_findings(points, HERE)
    assert [(one.kind, one.subject, one.commune, one.since_ms) for one in found] == [
        ("road.spool.full", "remiremont", "88383", NOON_MS),
        ("road.tls.expired", "remiremont", "88383", NOON_MS),
    ]
    assert edge_findings([*points, health(NOON_MS + 1)], HERE) == []
