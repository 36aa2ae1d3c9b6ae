"""The road's balance, watched."""

from collections.abc import Sequence
from random import Random

from cloud.reports import site_points
from cloud.stores.base import Point
from cloud.watch.balance import Balance, read_report
from cloud.watch.model import About, Finding, Severity
from core.territory import OPERATOR
from tests.support.watch_scene import HOUR, MINUTE, T0, territory

TERRITORY = territory()


def report(minute: float, *, missing: int = 0, evicted: int = 0, spool: str = "a") -> Point:
    """A health document as the worker writes it: `missing` rows are in no counter."""
    health = {
        "at_ms": T0 + round(minute * MINUTE),
        "spool_id": spool,
        "state": "online",
        "accepted": {"urgent": 1, "measurement": 100 + missing, "diagnostic": 9},
        "stored": {"urgent": 1, "measurement": 80 - evicted, "diagnostic": 9},
        "quarantined": {"urgent": 0, "measurement": 5, "diagnostic": 0},
        "evicted": {"urgent": 0, "measurement": evicted, "diagnostic": 0},
        "spooled": 15,
    }
    made = site_points(health, name="remiremont", at_ms=T0 + round(minute * MINUTE), site=TERRITORY.sites["remiremont"])
    return made[-1].points[0]


def findings(points: Sequence[Point], *, minute: float) -> list[Finding]:
    balance = Balance()
    balance.take(points)
    return balance.findings(TERRITORY, T0 + round(minute * MINUTE))


def test_a_road_that_balances_is_not_spoken_of() -> None:
    """Rows that wait, are stored, quarantined or were given up long ago."""
    assert not findings([report(at, evicted=7) for at in range(30)], minute=30)
    assert not findings([], minute=30)


def test_a_road_that_does_not_add_up_is_said() -> None:
    """When no report does for ten minutes; a moment between two counts is not."""
    points = [report(0), *(report(at, missing=3) for at in range(1, 12))]
    assert not findings(points[:-1], minute=10)
    (found,) = findings(points, minute=11)
    assert (found.kind, found.database, found.about, found.subject) == (
        "road.unbalanced",
        OPERATOR,
        About.ROAD,
        "remiremont",
    )
    assert (found.since_ms, found.facts) == (T0 + MINUTE, {"rows": 3})
    assert not findings([*points, report(12)], minute=12)
    assert not findings([report(at, missing=at % 2) for at in range(30)], minute=30)


def test_rows_that_are_given_up_are_said_while_it_goes_on() -> None:
    """And for an hour after the last; how many, since when."""
    points = [report(at, evicted=max(0, at - 10)) for at in range(21)]
    (found,) = findings(points, minute=20)
    assert (found.kind, found.severity) == ("road.evicting", Severity.CRITICAL)
    assert (found.since_ms, found.facts) == (T0 + 11 * MINUTE, {"rows": 10})
    assert findings(points, minute=80)
    assert not findings(points, minute=81)


def test_a_new_spool_counts_from_nothing() -> None:
    """Its counters are compared with its own alone."""
    assert not findings([report(0, spool="a"), report(1, evicted=50, spool="b")], minute=2)


def test_a_last_will_has_no_counters() -> None:
    """Nor has the worker's own point, nor that of a site that nobody declared."""
    will = site_points({"state": "offline"}, name="remiremont", at_ms=T0, site=TERRITORY.sites["remiremont"])
    assert read_report(will[0].points[0]) is None
    other = [
        Point("site", {"site": "gone"}, point.time_us, point.fields) for point in (report(0), report(1, evicted=5))
    ]
    assert not findings(other, minute=2)


def test_order_doubles_and_what_is_to_come_change_nothing() -> None:
    """Reports come late, twice and in any order; one of the future counts when its time has come."""
    points = [report(at, evicted=max(0, at - 10)) for at in range(21)]
    expected = findings(points, minute=20)
    for seed in range(20):
        chance = Random(seed)
        told = [*points, *chance.choices(points, k=5), report(100, missing=9, evicted=99)]
        chance.shuffle(told)
        assert findings(told, minute=20) == expected


def test_what_is_old_is_forgotten() -> None:
    """A day of reports is kept, however long it runs."""
    balance = Balance()
    for hour in range(100):
        balance.take([report(hour * 60 + at, evicted=1 if hour else 0) for at in range(0, 60, 10)])
    assert not balance.findings(TERRITORY, T0 + 100 * HOUR)
    assert len(balance._reports["remiremont"]) <= 24 * 6 + 2
