from cloud.alarms import Alarms, as_json
from cloud.stores.base import Point
from tests.unit.cloud.cloud_road import NOON_MS, Clock


def test_an_alarm_begins_and_ends_once() -> None:
    """Said again with the same words it is no news; each change is one point of the operator's `alarm`."""
    clock = Clock()
    alarms = Alarms(clock)
    alarms.begin("store.refuses", "full", hint="free room", tenant="ccpvm")
    clock.advance(1000)
    alarms.begin("store.refuses", "full", hint="free room", tenant="ccpvm")
    alarms.begin("store.refuses", "full", tenant="esternay")
    assert [(alarm.tenant, alarm.since_ms) for alarm in alarms.holding()] == [
        ("ccpvm", NOON_MS),
        ("esternay", NOON_MS + 1000),
    ]
    assert as_json(alarms.holding())[0] == {
        "code": "store.refuses",
        "message": "full",
        "since_ms": NOON_MS,
        "hint": "free room",
        "tenant": "ccpvm",
    }
    alarms.end("store.refuses", tenant="ccpvm")
    alarms.end("store.refuses", tenant="ccpvm")
    assert [alarm.tenant for alarm in alarms.holding()] == ["esternay"]


def test_other_words_are_news_of_the_same_alarm() -> None:
    """It holds since it first began."""
    clock = Clock()
    alarms = Alarms(clock)
    alarms.begin("territory.invalid", "assets.csv:3")
    clock.advance(1000)
    alarms.begin("territory.invalid", "assets.csv:4")
    (alarm,) = alarms.holding()
    assert (alarm.message, alarm.since_ms) == ("assets.csv:4", NOON_MS)


def test_a_condition_is_written_as_the_watch_writes_it() -> None:
    """The same series and fields; other words do not say again that it is new, for somebody may have taken it up."""
    clock = Clock()
    alarms = Alarms(clock)
    alarms.begin("store.refuses", "full", tenant="ccpvm")
    (made,) = alarms.unwritten()
    (point,) = made.points
    assert (made.database, point.tags) == ("operator", {"kind": "road.store.refuses", "channel": "ccpvm"})
    assert point.fields == {
        "state": "raised",
        "active": True,
        "severity": "critical",
        "since_ms": NOON_MS,
        "text": "ccpvm : une base refuse les écritures (full)",
    }
    alarms.begin("store.refuses", "fuller", tenant="ccpvm")
    assert alarms.unwritten()[0].points[0].fields == {
        **point.fields,
        "text": "ccpvm : une base refuse les écritures (fuller)",
    }
    alarms.written(alarms.unwritten())
    alarms.begin("store.refuses", "full again", tenant="ccpvm")
    assert alarms.unwritten()[0].points[0].fields == {
        "active": True,
        "text": "ccpvm : une base refuse les écritures (full again)",
    }


def test_points_are_given_until_they_are_written() -> None:
    """What begins while others are written is not taken for written."""
    alarms = Alarms(Clock())
    alarms.begin("a.b", "one")
    given = alarms.unwritten()
    alarms.begin("c.d", "two")
    alarms.written(given)
    (left,) = alarms.unwritten()
    assert left.points[0].tags == {"kind": "road.c.d"}
    assert left.database == "operator"


def test_alarms_of_a_worker_that_is_no_more_are_ended() -> None:
    """What still holds begins again by itself."""
    clock = Clock()
    before = Alarms(clock)
    before.begin("store.refuses", "full", tenant="ccpvm")
    before.begin("identity.unknown_edge", "who?", site="nowhere")
    newest = [point for made in before.unwritten() for point in made.points]
    watched = Point("alarm", {"kind": "silence.site", "site": "remiremont"}, NOON_MS * 1000, {"active": True})
    edges = Point("alarm", {"kind": "road.spool.full", "commune": "88383"}, NOON_MS * 1000, {"active": True})
    older = Point("alarm", {"kind": "moves.wait"}, NOON_MS * 1000, {"code": "moves.wait", "active": True})
    newest.append(older)
    clock.advance(1000)
    alarms = Alarms(clock)
    alarms.end_left_over([*newest, watched, edges])
    ended = [point for made in alarms.unwritten() for point in made.points]
    assert [point.tags for point in ended] == [point.tags for point in newest]
    assert [(point.fields["active"], point.fields["state"]) for point in ended] == [(False, "cleared")] * 3
    assert alarms.holding() == []
    quiet = Alarms(clock)
    quiet.end_left_over(ended)
    assert quiet.unwritten() == []
