"""What the desk keeps and sends: points, digests, retries, and what a kill -9 leaves of them."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cloud.alarms import Alarm as Condition
from cloud.stores.checks import fault
from cloud.watch.alarms.alarm import ChannelName
from cloud.watch.alarms.journal import Journal
from cloud.watch.alarms.road import worker_findings
from cloud.watch.model import Severity
from core.errors import NotConnected, RejectedError, StorageError, Throttled
from core.territory import Contact
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
BOTH = Contact("Mairie", "mairie@ccpvm.example", "https://hooks.ccpvm.example/b", ALL)
Open = Callable[..., Alarms]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Open]:
    """Opens a desk; closes it."""
    opened: list[Alarms] = []

    def open_desk(*contacts: Contact, options: dict[str, Any] | None = None, **declared: Any) -> Alarms:
        opened.append(Alarms(tmp_path, scene(*contacts, **declared), **(options or {})))
        return opened[-1]

    yield open_desk
    for one in opened:
        one.desk.close()


def test_an_alarm_is_a_series_of_the_store(start: Open) -> None:
    """One point for each change, in the tenant's database, that every store takes."""
    alarms = start()
    alarms.look(finding(fill_pct=86.4))
    alarms.ask("alarm.ack", ids=[1], who="Ana", note="j’y vais")
    alarms.look(finding(fill_pct=87.0), after_ms=MINUTE_MS)
    alarms.look(after_ms=MINUTE_MS)
    alarms.look(after_ms=HOLD_MS)
    assert {database for database, _ in alarms.points} == {"ccpvm"}
    points = [point for _, point in alarms.points]
    assert [point.tags for point in points] == [{"kind": "bin.full", "commune": "88429", "asset": "bin-1"}] * 3
    assert alarms.states() == [("raised", True), ("acknowledged", True), ("cleared", False)]
    assert points[0].fields == {
        "id": 1,
        "state": "raised",
        "active": True,
        "severity": "warning",
        "since_ms": NOON_MS,
        "text": "Bac bin-1, Rue de l’Église : plein (rempli à 86 %)",
        "by": "",
        "note": "",
    }
    assert (points[1].fields["by"], points[1].fields["note"]) == ("Ana", "j’y vais")
    assert len({point.time_us for point in points}) == 3
    assert [fault(point) for point in points] == [None] * 3


def test_points_are_given_until_the_store_has_them(start: Open) -> None:
    """Across a restart too, the same each time."""
    alarms = start()
    first = alarms.look(FULL, writes=False)
    again = alarms.look(FULL, after_ms=MINUTE_MS, writes=False)
    alarms.reborn()
    reborn = alarms.look(FULL, after_ms=MINUTE_MS, writes=False)
    assert first == again == reborn
    assert len(first) == 1
    alarms.desk.written(reborn)
    assert alarms.look(FULL, after_ms=MINUTE_MS, writes=False) == []


def test_ten_thousand_silent_devices_are_a_handful_of_messages(start: Open) -> None:
    """All at once, or some every few minutes for an hour: each contact gets a few, with counts and first names."""
    alarms = start(BOTH, lamps=10_000)
    silent = [
        finding(f"lamp-{n}", "silence.device", Severity.NOTICE, commune=("88383", "88429")[n % 2])
        for n in range(10_000)
    ]
    for step in range(13):
        alarms.look(*silent[: 5_000 + step * 5_000 // 12])
        alarms.deliver(after_ms=MINUTE_MS)
        alarms.deliver(after_ms=4 * MINUTE_MS)
    for _ in range(3):
        alarms.deliver(after_ms=HOUR_MS)
    assert len(alarms.desk.holding()) == 10_000
    assert [len(alarms.mail.taken), len(alarms.hook.taken)] == [4, 4]
    assert sum(message.text.facts["count"] for message in alarms.mail.taken) == 10_000, "each is in one message"
    first = alarms.mail.taken[0].text
    assert first.subject == "[beffroi] Pour information : 5 000 capteurs ne donnent plus de nouvelles – 2 communes"
    assert "Pour information · Remiremont · 2\u202f500 capteurs ne donnent plus de nouvelles" in first.body
    assert "  - Lampadaire lamp-0, Rue de la Gare, depuis le 25 novembre à 13:00 [n° 1]" in first.body
    assert "  … et 2495 de plus" in first.body
    assert len(first.body) < 3000


def test_a_message_waits_for_what_happens_at_the_same_time(start: Open) -> None:
    """A minute; what came and went in the hold time before anybody was told is told to nobody."""
    alarms = start()
    lamp = finding("lamp-1", "light.flicker")
    alarms.look(FULL, lamp)
    assert alarms.deliver(after_ms=MINUTE_MS - 1) == 0
    alarms.look(FULL)
    assert alarms.deliver(after_ms=1) == 1
    alarms.look(FULL, after_ms=HOLD_MS)
    alarms.deliver(after_ms=HOUR_MS)
    assert alarms.mail.news() == [("Mairie", "raised", 1)]
    dropped = alarms.ask("alarm.history", id=2)["told"]
    assert {(one["fate"], one["reason"]) for one in dropped} == {("dropped", "over before it was told")}


def test_a_channel_out_of_reach_is_tried_again_ever_more_rarely(start: Open) -> None:
    """The same message with the same identity; the other channel goes on; then people are told what is wrong."""
    duty = Contact("Astreinte", "", "https://hooks.operator.example/b")
    alarms = start(BOTH, operator=[duty])
    alarms.mail.fails = NotConnected("smtp.unreachable", "no route")
    alarms.look(FULL)
    for _ in range(90):
        alarms.look(FULL)
        alarms.deliver(after_ms=MINUTE_MS)
    assert len(alarms.hook.taken) == 2, "the contact's own, and that messages do not arrive"
    assert alarms.hook.taken[1].text.subject == (
        "[beffroi] À traiter : des messages d’alarme ne partent pas – Porte des Vosges"
    )
    assert "Mairie (email) : no route [smtp.unreachable]" in alarms.hook.taken[1].text.body
    assert [message.attempts for message in alarms.mail.tried] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert len({(m.id, m.identity, m.text.body) for m in alarms.mail.tried}) == 1
    alarms.mail.fails = None
    for _ in range(40):
        alarms.look(FULL)
        alarms.deliver(after_ms=MINUTE_MS)
    assert [message.attempts for message in alarms.mail.taken] == [9]
    kinds = {alarm.finding.kind for alarm in alarms.desk.holding()}
    assert kinds == {"bin.full"}, "it works again: that alarm is over"


def test_a_message_that_is_refused_is_given_up_and_told(start: Open) -> None:
    """It is not tried again; the operator's `road.notify.failing` says whom it did not reach."""
    alarms = start(MAYOR)
    alarms.mail.fails = RejectedError("smtp.refused", "550 no such user")
    alarms.look(FULL)
    alarms.deliver(after_ms=MINUTE_MS)
    alarms.deliver(after_ms=HOUR_MS)
    assert len(alarms.mail.tried) == 1
    alarms.look(FULL)
    failing = next(point for database, point in alarms.points if database == "operator")
    assert failing.tags == {"kind": "road.notify.failing", "channel": "ccpvm"}
    assert "550 no such user" in str(failing.fields["text"])
    alarms.look(FULL, after_ms=DAY_MS)
    alarms.look(FULL, after_ms=HOLD_MS)
    assert {alarm.finding.kind for alarm in alarms.desk.holding()} == {"bin.full"}


def test_a_message_expires(start: Open) -> None:
    """After three days nobody wants it any more; what still holds is repeated in another."""
    alarms = start(MAYOR)
    alarms.mail.fails = Throttled("smtp.later", "450 later", wait_s=60)
    alarms.look(FULL)
    for _ in range(3 * 24 + 2):
        alarms.look(FULL)
        alarms.deliver(after_ms=HOUR_MS)
    (told, *_) = alarms.ask("alarm.history", id=1)["told"]
    assert told["fate"] == "expired"
    assert "450 later" in told["reason"]
    alarms.mail.fails = None
    alarms.deliver(after_ms=HOUR_MS)
    assert alarms.mail.news() == [("Mairie", "repeated", 1)]


def test_a_critical_message_does_not_wait_for_one_that_fails(start: Open) -> None:
    """What is critical goes its own way, apart from the rest."""
    alarms = start(MAYOR)
    alarms.mail.fails = Throttled("smtp.later", "450 later", wait_s=60)
    alarms.look(FULL)
    alarms.deliver(after_ms=MINUTE_MS)
    alarms.mail.fails = None
    alarms.look(FULL, finding("bin-1", "bin.fire", Severity.CRITICAL))
    alarms.now_ms += 1
    alarms.deliver(after_ms=0)
    alarms.deliver(after_ms=MINUTE_MS)
    assert ("Mairie", "raised", 2) in alarms.mail.news()


def test_what_became_critical_meanwhile_is_said_as_critical_alone(start: Open) -> None:
    """Not a second time among the rest, where it was to be told before."""
    alarms = start(MAYOR)
    alarms.look(FULL)
    alarms.look(worse(FULL), after_ms=1000)
    alarms.deliver(after_ms=MINUTE_MS)
    alarms.deliver(after_ms=HOUR_MS)
    assert alarms.mail.news() == [("Mairie", "worsened", 1)]


def test_a_contact_that_is_gone_is_told_nothing(start: Open) -> None:
    """Neither what waits nor what is being tried; an address that was mended is used."""
    alarms = start(MAYOR)
    alarms.mail.fails = NotConnected("smtp.unreachable", "no route")
    alarms.look(FULL)
    alarms.deliver(after_ms=MINUTE_MS)
    alarms.mail.fails = None
    alarms.territory = scene(Contact("Mairie", "nouvelle@ccpvm.example"))
    alarms.look(FULL)
    alarms.deliver(after_ms=HOUR_MS)
    assert [message.address for message in alarms.mail.taken] == ["nouvelle@ccpvm.example"]
    alarms.look(FULL, finding("lamp-1", "light.flicker"))
    alarms.territory = scene(Contact("Voirie", "voirie@ccpvm.example"))
    alarms.look(FULL, finding("lamp-1", "light.flicker"))
    alarms.deliver(after_ms=HOUR_MS)
    assert len(alarms.mail.taken) == 1
    assert alarms.ask("alarm.history", id=2)["told"][0]["reason"] == "the contact is gone"


def test_the_workers_own_conditions_are_alarms(start: Open) -> None:
    """They go on in the series that the worker began; a worker that starts again ends nothing that the watch knows."""
    duty = Contact("Astreinte", "astreinte@operator.example")
    alarms = start(MAYOR, operator=[duty])
    down = Condition("store.refuses", "disk full", NOON_MS - HOUR_MS, tenant="ccpvm")
    alarms.look(*worker_findings([down]))
    ((database, point),) = alarms.points
    assert (database, point.tags) == ("operator", {"kind": "road.store.refuses", "channel": "ccpvm"})
    assert point.fields["text"] == "Porte des Vosges : une base refuse les écritures (disk full)"
    alarms.deliver(after_ms=MINUTE_MS)
    assert alarms.mail.subjects() == ["[beffroi] Urgent : une base refuse les écritures – Porte des Vosges"]
    alarms.ask("alarm.ack", ids=[1], who="Ana")
    alarms.reborn()
    again = Condition("store.refuses", "disk full", alarms.now_ms + MINUTE_MS, tenant="ccpvm")
    alarms.look(*worker_findings([again]), after_ms=MINUTE_MS)
    last = alarms.points[-1][1]
    assert last.time_us >= alarms.now_ms * 1000
    assert (last.fields["state"], last.fields["since_ms"]) == ("acknowledged", NOON_MS - HOUR_MS)


def test_a_failed_transaction_changes_nothing(start: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next look does it all again."""
    alarms = start()

    def refuse(*_: object, **__: object) -> None:
        raise StorageError("watch.disk_full", "full")

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "record", refuse)
        with pytest.raises(StorageError):
            alarms.look(FULL)
    assert alarms.desk.holding() == []
    alarms.look(FULL)
    assert [alarm.id for alarm in alarms.desk.holding()] == [1]


def test_a_slow_mail_server_delays_no_look(start: Open) -> None:
    """Nor an acknowledgement: the desk is free while a message is on its way."""
    alarms = start()
    sending, answer = threading.Event(), threading.Event()

    class Slow:
        def send(self, message: Any, now_ms: int) -> None:
            sending.set()
            assert answer.wait(20)

    alarms.desk._delivery._channels = {ChannelName.EMAIL: Slow()}
    alarms.look(FULL)
    now_ms = NOON_MS + MINUTE_MS
    delivering = threading.Thread(target=alarms.desk.deliver, args=(now_ms,))
    delivering.start()
    try:
        assert sending.wait(20)
        alarms.look(FULL, finding("lamp-1", "light.flicker"))
        alarms.ask("alarm.ack", ids=[1], who="Ana")
        assert [alarm.by for alarm in alarms.desk.holding()] == ["Ana", ""]
        assert alarms.ask("alarm.history", id=1)["told"][0]["fate"] == "being sent"
    finally:
        answer.set()
        delivering.join(20)
    assert alarms.ask("alarm.history", id=1)["told"][0]["fate"] == "sent"


class Dead(BaseException):
    """The power went."""


def test_a_message_whose_end_nobody_noted_is_sent_again_with_its_identity(start: Open) -> None:
    """Taken by the other side, and then the power went: it comes twice, and both copies say so."""
    alarms = start()
    alarms.look(FULL)

    class Dying:
        def send(self, message: Any, now_ms: int) -> None:
            alarms.mail.send(message, now_ms)
            raise Dead

    alarms.desk._delivery._channels = {ChannelName.EMAIL: Dying()}
    with pytest.raises(Dead):
        alarms.deliver(after_ms=MINUTE_MS)
    alarms.reborn()
    alarms.look(FULL)
    assert alarms.deliver(after_ms=1000) == 0, "not at once: it may have been taken"
    assert alarms.ask("alarm.history", id=1)["told"][0]["fate"] == "being sent"
    assert alarms.deliver(after_ms=MINUTE_MS) == 1
    first, second = alarms.mail.taken
    assert (first.identity, first.attempts, second.identity, second.attempts) == (first.identity, 1, first.identity, 2)
    assert alarms.deliver(after_ms=HOUR_MS) == 0


def test_numbers_are_never_given_twice(start: Open) -> None:
    """Not after a restart, nor when the old ones are forgotten."""
    alarms = start()
    alarms.look(FULL)
    alarms.look(after_ms=MINUTE_MS)
    alarms.look(after_ms=HOLD_MS)
    alarms.deliver(after_ms=500 * DAY_MS)
    alarms.reborn()
    assert alarms.ask("alarm.list", cleared=True)["count"] == 0, "forgotten after 400 days"
    alarms.look(FULL)
    assert [alarm.id for alarm in alarms.desk.holding()] == [2]
    names = {message.identity for message in alarms.mail.taken}
    assert len(names) == len(alarms.mail.taken)
