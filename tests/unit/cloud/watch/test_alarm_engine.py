"""What becomes of an alarm: each rule on a desk whose file and clock are the test's own."""

from collections.abc import Callable, Iterator
from datetime import time
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from cloud.watch.alarms.alarm import AlarmState
from cloud.watch.model import About, Severity
from core.errors import OperatorError
from core.territory import Contact, Maintenance, Quiet
from core.territory.model import Thresholds
from tests.support.alarm_scene import (
    ALL,
    DAY_MS,
    HOLD_MS,
    HOUR_MS,
    MAYOR,
    MINUTE_MS,
    NOON_MS,
    Alarms,
    finding,
    scene,
    worse,
)

FULL = finding()
Open = Callable[..., Alarms]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Open]:
    """Opens a desk; closes it."""
    opened: list[Alarms] = []

    def open_desk(*contacts: Contact, **declared: Any) -> Alarms:
        opened.append(Alarms(tmp_path, scene(*contacts, **declared)))
        return opened[-1]

    yield open_desk
    for one in opened:
        one.desk.close()


def test_a_finding_raises_one_alarm_for_as_long_as_it_holds(start: Open) -> None:
    """However often it is looked at; it is cleared once, when it has been gone for the hold time."""
    alarms = start()
    for _ in range(5):
        alarms.look(FULL, after_ms=MINUTE_MS)
    assert [(alarm.id, alarm.state) for alarm in alarms.desk.holding()] == [(1, AlarmState.RAISED)]
    alarms.look(after_ms=MINUTE_MS)
    alarms.look(after_ms=HOLD_MS - 1)
    assert len(alarms.desk.holding()) == 1
    alarms.look(after_ms=1)
    alarms.look(after_ms=MINUTE_MS)
    assert alarms.desk.holding() == []
    assert alarms.states() == [("raised", True), ("cleared", False)]


def test_what_comes_back_within_the_hold_time_is_the_same_alarm(start: Open) -> None:
    """It keeps its number and who took it up; later it is another one."""
    alarms = start()
    alarms.look(FULL)
    alarms.ask("alarm.ack", ids=[1], who="Ana", note="j’y vais")
    alarms.look(after_ms=MINUTE_MS)
    alarms.look(FULL, after_ms=HOLD_MS - 1)
    (alarm,) = alarms.desk.holding()
    assert (alarm.id, alarm.state, alarm.by, alarm.gone_ms) == (1, AlarmState.ACKNOWLEDGED, "Ana", None)
    alarms.look(after_ms=MINUTE_MS)
    alarms.look(after_ms=HOLD_MS)
    alarms.look(FULL, after_ms=1)
    (alarm,) = alarms.desk.holding()
    assert (alarm.id, alarm.state, alarm.by) == (2, AlarmState.RAISED, "")


def test_it_is_repeated_while_it_lasts_and_nobody_takes_it_up(start: Open) -> None:
    """Every 24 h; every 4 h what is critical; never what somebody has acknowledged."""
    alarms = start(MAYOR)
    fire = finding(kind="bin.fire", severity=Severity.CRITICAL)
    other = finding("lamp-1", "light.flicker")
    for _ in range(25):
        alarms.look(FULL, fire, other)
        alarms.deliver(after_ms=MINUTE_MS)
        if alarms.now_ms == NOON_MS + MINUTE_MS:
            alarms.ask("alarm.ack", ids=[3], who="Ana")
        alarms.now_ms += HOUR_MS - MINUTE_MS
    said = [(what, number) for _, what, number in alarms.mail.news()]
    assert said.count(("raised", 1)) == said.count(("raised", 2)) == said.count(("raised", 3)) == 1
    assert [said.count(("repeated", number)) for number in (1, 2, 3)] == [1, 6, 0]


def test_what_nobody_takes_up_is_passed_on_once(start: Open) -> None:
    """To those who want to hear of nothing else; they are told of the end too, and so are the first."""
    chief = Contact("Maire", "maire@ccpvm.example", escalate_after_min=60)
    alarms = start(MAYOR, chief)
    other = finding("lamp-1", "light.flicker")
    for _ in range(9):
        alarms.look(FULL, other)
        alarms.deliver(after_ms=MINUTE_MS)
        if alarms.now_ms == NOON_MS + MINUTE_MS:
            alarms.ask("alarm.ack", ids=[2], who="Ana")
        alarms.now_ms += 14 * MINUTE_MS
    assert [one for one in alarms.mail.news() if one[0] == "Maire"] == [("Maire", "escalated", 1)]
    alarms.look(after_ms=MINUTE_MS)
    alarms.look(after_ms=HOLD_MS)
    alarms.deliver(after_ms=HOUR_MS)
    over = [one for one in alarms.mail.news() if one[1] == "cleared"]
    assert sorted(over) == sorted([("Mairie", "cleared", 1), ("Mairie", "cleared", 2), ("Maire", "cleared", 1)])


def test_a_muted_alarm_is_kept_and_nobody_is_told(start: Open) -> None:
    """Not of the next on the same thing either; when the time is over and it lasts, it is said."""
    alarms = start()
    alarms.look(FULL)
    alarms.ask("alarm.mute", ids=[1], who="Ana", minutes=120, note="travaux à côté")
    assert alarms.deliver(after_ms=MINUTE_MS) == 0
    alarms.look(after_ms=MINUTE_MS)
    alarms.look(after_ms=HOLD_MS)
    alarms.look(FULL, after_ms=MINUTE_MS)
    assert [alarm.id for alarm in alarms.desk.holding()] == [2]
    assert alarms.deliver(after_ms=MINUTE_MS) == 0
    alarms.look(FULL, after_ms=2 * HOUR_MS)
    alarms.deliver(after_ms=MINUTE_MS)
    assert alarms.mail.news() == [("Mairie", "repeated", 2)]


def test_a_mute_can_be_taken_back(start: Open) -> None:
    """Nought minutes: speak again."""
    alarms = start()
    alarms.look(FULL)
    alarms.ask("alarm.mute", ids=[1], who="Ana", minutes=600)
    alarms.ask("alarm.mute", ids=[1], who="Ana", minutes=0)
    alarms.deliver(after_ms=MINUTE_MS)
    assert alarms.mail.news() == [("Mairie", "raised", 1)]


def test_in_quiet_hours_only_what_is_critical_is_said(start: Open) -> None:
    """The rest waits for the morning, and comes in one message; what was over by then is told as over."""
    night = Contact("Mairie", "m@ccpvm.example", severities=ALL, quiet=Quiet(time(22), time(7)))
    alarms = start(night)
    alarms.now_ms = NOON_MS + 10 * HOUR_MS  # 23:00 in Paris
    fire = finding("bin-1", "bin.fire", Severity.CRITICAL)
    gone = finding("lamp-1", "light.flicker")
    alarms.look(FULL, fire, gone)
    alarms.deliver(after_ms=MINUTE_MS)
    assert alarms.mail.news() == [("Mairie", "raised", 2)]
    alarms.look(FULL, fire, after_ms=HOUR_MS)
    alarms.look(FULL, fire, after_ms=HOLD_MS)
    for _ in range(6):
        alarms.deliver(after_ms=HOUR_MS)
    assert len(alarms.mail.taken) == 1
    alarms.deliver(after_ms=HOUR_MS)
    assert alarms.mail.news()[1:] == [("Mairie", "raised", 1), ("Mairie", "cleared", 3)]
    assert len(alarms.mail.taken) == 2


@pytest.mark.parametrize(
    ("named", "quiet"),
    [
        ({}, {"bin-1", "lamp-0", "lamp-1", "cab-1", "remiremont"}),
        ({"communes": frozenset({"88383"})}, {"lamp-0", "cab-1", "remiremont"}),
        ({"circuits": frozenset({"cir-1"})}, {"lamp-0", "lamp-1", "cab-1"}),
        ({"assets": frozenset({"bin-1"})}, {"bin-1"}),
    ],
)
def test_what_is_under_maintenance_raises_no_alarm(start: Open, named: Any, quiet: set[str]) -> None:
    """Until it is over: then what still holds is raised."""
    window = Maintenance(NOON_MS, NOON_MS + HOUR_MS, "travaux", **named)
    alarms = start(MAYOR, maintenance=[window])
    all_of_them = [
        finding("bin-1"),
        finding("lamp-0", "light.flicker", commune="88383"),
        finding("lamp-1", "light.flicker", commune="88429"),
        finding("cab-1", "silence.circuit", about=About.CABINET, commune="88383"),
        finding("remiremont", "silence.site", about=About.SITE, commune="88383"),
        finding("bin-9", database="esternay", commune="51237"),
    ]
    alarms.look(*all_of_them)
    raised = {alarm.finding.subject for alarm in alarms.desk.holding()}
    assert raised == {one.subject for one in all_of_them} - quiet
    alarms.look(*all_of_them, after_ms=HOUR_MS)
    assert {alarm.finding.subject for alarm in alarms.desk.holding()} == {one.subject for one in all_of_them}


def test_an_alarm_that_holds_as_maintenance_begins_is_not_repeated_in_it(start: Open) -> None:
    """It was known before; it clears as always."""
    window = Maintenance(NOON_MS + HOUR_MS, NOON_MS + 3 * DAY_MS, "travaux")
    alarms = start(MAYOR, maintenance=[window])
    alarms.look(FULL)
    alarms.deliver(after_ms=MINUTE_MS)
    for _ in range(3):
        alarms.look(FULL, after_ms=DAY_MS - HOUR_MS)
        alarms.deliver(after_ms=MINUTE_MS)
    assert alarms.mail.news() == [("Mairie", "raised", 1)]
    alarms.look(after_ms=MINUTE_MS)
    alarms.look(after_ms=HOLD_MS)
    assert alarms.desk.holding() == []


def test_a_tenant_says_how_much_a_kind_matters(start: Open) -> None:
    """In the store, for its contacts, and for what is repeated how often."""
    alarms = start(MAYOR, severities={"bin.full": Severity.NOTICE})
    alarms.look(FULL)
    assert alarms.points[0][1].fields["severity"] == "notice"
    alarms.deliver(after_ms=MINUTE_MS)
    assert alarms.mail.taken == [], "notices are not among what this contact wants to hear"


def test_what_gets_worse_is_said_once_though_it_was_acknowledged(start: Open) -> None:
    """Back and forth is no news: only more than it ever was."""
    alarms = start()
    alarms.look(FULL)
    alarms.deliver(after_ms=MINUTE_MS)
    alarms.ask("alarm.ack", ids=[1], who="Ana")
    for _ in range(3):
        alarms.look(worse(FULL), after_ms=MINUTE_MS)
        alarms.deliver(after_ms=MINUTE_MS)
        alarms.look(FULL, after_ms=MINUTE_MS)
    assert alarms.mail.news() == [("Mairie", "raised", 1), ("Mairie", "worsened", 1)]
    assert [alarm.state for alarm in alarms.desk.holding()] == [AlarmState.RAISED]


def test_late_data_move_the_beginning(start: Open) -> None:
    """A minute or more is shown; less is not. What the readings do not show the beginning of keeps the earliest."""
    alarms = start()
    alarms.look(FULL)
    alarms.look(replace(FULL, since_ms=NOON_MS - 30_000), after_ms=1000)
    assert len(alarms.points) == 1
    alarms.look(replace(FULL, since_ms=NOON_MS - HOUR_MS), after_ms=1000)
    assert [point.fields["since_ms"] for _, point in alarms.points] == [NOON_MS, NOON_MS - HOUR_MS]
    for step in range(3):
        alarms.look(replace(FULL, since_ms=NOON_MS + step * HOUR_MS, or_earlier=True), after_ms=HOUR_MS)
    assert len(alarms.points) == 2
    assert alarms.desk.holding()[0].finding.since_ms == NOON_MS - HOUR_MS


def test_a_cause_that_is_found_later_is_shown(start: Open) -> None:
    """A site that is back tells why it was away; figures that change all the time are no news."""
    alarms = start()
    alarms.look(finding("remiremont", "silence.site", about=About.SITE, silent_ms=1))
    alarms.look(finding("remiremont", "silence.site", about=About.SITE, silent_ms=2), after_ms=MINUTE_MS)
    alarms.look(finding("remiremont", "silence.site", about=About.SITE, cause="power"), after_ms=MINUTE_MS)
    assert [point.fields["text"] for _, point in alarms.points] == [
        "Site Remiremont : le site ne répond plus",
        "Site Remiremont : le site ne répond plus (cause : coupure de courant)",
    ]


def test_the_operator_hears_of_the_sites_and_gateways_of_all(start: Open) -> None:
    """They are its machines; lamps and bins are the tenants' alone."""
    duty = Contact("Astreinte", "astreinte@operator.example", severities=ALL)
    alarms = start(MAYOR, operator=[duty])
    alarms.look(
        FULL,
        finding("remiremont", "silence.site", about=About.SITE, commune="88383"),
        finding("7076ff0056070a11", "silence.gateway", about=About.GATEWAY, commune="88383"),
        finding("worker", "road.store.down", Severity.CRITICAL, database="operator", commune="", about=About.ROAD),
    )
    alarms.deliver(after_ms=MINUTE_MS)
    heard = {(who, number) for who, _, number in alarms.mail.news()}
    assert heard == {("Mairie", 1), ("Mairie", 2), ("Mairie", 3), ("Astreinte", 2), ("Astreinte", 3), ("Astreinte", 4)}


def test_tenants_hear_nothing_of_each_other(start: Open) -> None:
    """Contacts of the same name are not the same contact."""
    alarms = start()
    alarms.look(FULL, finding("bin-9", database="esternay", commune="51237"))
    alarms.deliver(after_ms=MINUTE_MS)
    assert {(m.address, tuple(a["id"] for a in m.text.facts["alarms"])) for m in alarms.mail.taken} == {
        ("mairie@ccpvm.example", (1,)),
        ("mairie@esternay.example", (2,)),
    }


def test_constants_are_the_tenants(start: Open) -> None:
    """A hold time of its own."""
    alarms = start(MAYOR, thresholds=Thresholds(alarm_hold_min=0))
    alarms.look(FULL)
    alarms.look(after_ms=1)
    assert alarms.desk.holding() == []


def test_what_is_over_cannot_be_acknowledged(start: Open) -> None:
    """And if one of several is over, none is."""
    alarms = start()
    other = finding("lamp-1", "light.flicker")
    alarms.look(FULL, other)
    alarms.look(other, after_ms=MINUTE_MS)
    alarms.look(other, after_ms=HOLD_MS)
    with pytest.raises(OperatorError, match="alarm 1 is over"):
        alarms.ask("alarm.ack", ids=[2, 1], who="Ana")
    with pytest.raises(OperatorError, match="there is no alarm 77"):
        alarms.ask("alarm.ack", ids=[2, 77], who="Ana")
    assert [alarm.state for alarm in alarms.desk.holding()] == [AlarmState.RAISED]


def test_all_that_match_are_acknowledged_at_once(start: Open) -> None:
    """Of a commune and a kind, by its first word; the answer has them all."""
    alarms = start()
    lamps = [finding(f"lamp-{n}", "light.flicker", commune=("88383", "88429")[n % 2]) for n in range(6)]
    alarms.look(FULL, *lamps)
    done = alarms.ask("alarm.ack", all=True, kind="light", commune="88383", who="Ana", note="secteur en travaux")
    assert {one["subject"] for one in done["acknowledged"]} == {"lamp-0", "lamp-2", "lamp-4"}
    listed = alarms.ask("alarm.list", state="acknowledged")
    assert (listed["count"], {one["by"] for one in listed["alarms"]}) == (3, {"Ana"})
    assert alarms.ask("alarm.list", kind="bin")["count"] == 1
    assert alarms.ask("alarm.list", tenant="esternay")["count"] == 0


def test_history_tells_what_happened_and_who_was_told(start: Open) -> None:
    """From raised to cleared, with names and notes."""
    alarms = start()
    alarms.look(FULL)
    alarms.deliver(after_ms=MINUTE_MS)
    alarms.ask("alarm.ack", ids=[1], who="Ana", note="j’y vais")
    alarms.look(after_ms=MINUTE_MS)
    alarms.look(after_ms=HOLD_MS)
    told = alarms.ask("alarm.history", id=1)
    assert [one["step"] for one in told["entries"]] == ["raised", "acknowledged", "gone", "cleared"]
    assert (told["entries"][1]["by"], told["entries"][1]["note"]) == ("Ana", "j’y vais")
    first, second = told["told"]
    assert (first["step"], first["fate"], first["contact"], first["address"]) == (
        "raised",
        "sent",
        "Mairie",
        "mairie@ccpvm.example",
    )
    assert (second["step"], second["fate"]) == ("cleared", "to be told")
    assert alarms.ask("alarm.list", cleared=True)["alarms"][0]["id"] == 1
    with pytest.raises(OperatorError, match="there is no alarm 2"):
        alarms.ask("alarm.history", id=2)


@pytest.mark.parametrize(
    "question",
    [
        {"ids": [1]},
        {"ids": [1], "who": "x" * 501},
        {"ids": [1], "who": "A\x07"},
        {"ids": [], "who": "Ana"},
        {"ids": ["one"], "who": "Ana"},
        {"ids": [1], "all": True, "who": "Ana"},
        {"ids": [1], "who": "Ana", "note": 3},
    ],
)
def test_a_question_out_of_shape_is_refused(start: Open, question: dict[str, Any]) -> None:
    """With what is wrong; nothing is acknowledged."""
    alarms = start()
    alarms.look(FULL)
    with pytest.raises(OperatorError):
        alarms.ask("alarm.ack", **question)
    assert alarms.desk.holding()[0].state is AlarmState.RAISED
