"""Marks: which hours were altered after others may have read them."""

from cloud.dirty import HOUR_MS, LATE_MS, Mark, mark_points, marks, read_marks
from cloud.stores.base import Point
from cloud.stores.checks import fault
from core.errors import NotConnected
from tests.unit.cloud.cloud_road import NOON_MS, STOCK, Road, pack, uplink

MINUTE_MS = 60_000


def point(at_ms: int, commune: str = "88383") -> Point:
    tags = {"commune": commune, "asset": "lamp"} if commune else {"site": "beffroi-cloud"}
    return Point("light", tags, at_ms * 1000, {"power_w": 1.0})


def starts(points: list[Point], now_ms: int) -> list[tuple[str, int]]:
    return [(mark.commune, mark.start_ms - NOON_MS) for mark in read_marks(marks(points, now_ms=now_ms))]


def test_only_what_is_late_is_marked() -> None:
    """Its hour has ended, or it is over five minutes old: one mark a commune and hour; what is new, or ahead, none."""
    now_ms = NOON_MS + 30 * MINUTE_MS
    assert starts([point(now_ms), point(now_ms - LATE_MS), point(now_ms + 3 * HOUR_MS)], now_ms) == []
    assert starts([point(now_ms - LATE_MS - 1)], now_ms) == [("88383", 0)]
    assert starts([point(NOON_MS - 1), point(NOON_MS - 2), point(NOON_MS - 1, "51237")], NOON_MS + 1) == [
        ("51237", -HOUR_MS),
        ("88383", -HOUR_MS),
    ]


def test_what_is_of_no_commune_is_not_marked() -> None:
    """The worker's own counters are nobody's hour."""
    assert marks([point(0, "")], now_ms=NOON_MS) == []


def test_marks_of_one_moment_are_points_of_their_own() -> None:
    """Also of hours that are a thousand apart: none takes the place of another, and all say their hour."""
    hours = [("88383", number * HOUR_MS, "") for number in (0, 1, 999, 1000, 2000)]
    made = mark_points([*hours, *hours, ("88383", 0, "lamp")], now_ms=NOON_MS)
    assert len({(tuple(sorted(one.tags.items())), one.time_us) for one in made}) == len(made) == 6
    assert all(fault(one) is None and one.time_us >= NOON_MS * 1000 for one in made)
    assert {mark[1:] for mark in read_marks(made)} == {(c, start, asset) for c, start, asset in hours} | {
        ("88383", 0, "lamp")
    }


def test_what_is_no_mark_is_passed_over() -> None:
    """Somebody else's points of the same name say nothing."""
    strange = [
        Point("dirty", {"commune": "88383"}, 1, {"start_ms": "noon"}),
        Point("dirty", {}, 1, {"start_ms": 0}),
        Point("dirty", {"commune": "88383"}, 2, {"start_ms": 0}),
    ]
    assert read_marks(strange) == [Mark(2, "88383", 0, "")]


def test_late_rows_are_marked_in_the_write_that_stores_them(road: Road) -> None:
    """In each database of its rows, behind them; rows in time are not; the receipt does not know of it."""
    road.clock.advance(LATE_MS)
    road.deliver(pack(uplink(1), uplink(2, dev_eui=STOCK)))
    road.flush()
    assert road.store.points("ccpvm", "dirty") == []
    road.clock.advance(HOUR_MS)
    road.deliver(pack(uplink(3), uplink(4, dev_eui=STOCK)))
    road.flush()
    for database in ("ccpvm", "operator"):
        (mark,) = read_marks(road.store.points(database, "dirty"))
        assert (mark.commune, mark.start_ms, mark.made_us // 1000) == ("88383", NOON_MS, road.clock.now_ms())
    assert road.store.writes.count("ccpvm") == 2
    assert road.quarantine.entries() == []


def test_each_attempt_is_marked_anew(road: Road) -> None:
    """Rows that waited for the store while their hour ended are late when they are stored, and marked then."""
    road.store.down = NotConnected("store.folder", "gone")
    road.deliver(pack(uplink(1)))
    try:
        road.writer.write(road.ingest.batch)
    except NotConnected:
        road.clock.advance(2 * HOUR_MS)
    road.store.down = None
    road.flush()
    (mark,) = read_marks(road.store.points("ccpvm", "dirty"))
    assert (mark.start_ms, mark.made_us // 1000) == (NOON_MS, NOON_MS + 2 * HOUR_MS)


def test_a_mark_that_the_store_refuses_is_nobodys_row(road: Road) -> None:
    """The rows beside it are stored and told; the log says so."""
    road.store.rejects = {"dirty": "point.type"}
    road.clock.advance(HOUR_MS)
    road.deliver(pack(uplink(1), uplink(2)))
    road.flush()
    assert [(kept.stored, kept.quarantined) for kept in road.told().kept] == [(2, 0)]
    assert road.quarantine.entries() == []
