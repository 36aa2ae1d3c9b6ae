"""The loop: when it writes, what stops it, and what happens between two batches."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cloud.batch import Batch
from cloud.inbox import Inbox
from cloud.moves import Step
from cloud.schema import RowPoints
from cloud.sources.base import Delivery
from cloud.stores.base import Point
from cloud.worker import Worker
from cloud.writing import Writing
from core.errors import ConfigError, NotConnected, StorageError
from core.receipt import Receipt
from core.territory import Territory
from tests.unit.cloud.cloud_road import EDGE, STOCK, Road, pack, territory, up, uplink


class Moves:
    """Notes what it is asked; answers what the test put in `steps`."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.steps: list[Step | Exception] = []
        self.refuses: StorageError | None = None

    def follow(self, territory: Territory) -> int:
        if self.refuses is not None:
            raise self.refuses
        self.asked.append(f"follow {territory.digest}")
        return 1

    def step(self, territory: Territory, *, mono_ms: int) -> Step:
        self.asked.append(f"step {territory.digest}")
        step = self.steps.pop(0) if self.steps else Step(unfinished=False, refusing={})
        if isinstance(step, Exception):
            raise step
        return step


class Loop:
    """A worker on a road, turned by hand."""

    def __init__(self, folder: Path) -> None:
        self.road = Road(folder)
        self.inbox = Inbox(messages=10)
        self.gate: list[str] = []
        self.inbox.bind_gate(close=lambda: self.gate.append("closed"), open_again=lambda: self.gate.append("open"))
        self.moves = Moves()
        moves: Any = self.moves
        self.worker = Worker(
            name="w",
            inbox=self.inbox,
            ingest=self.road.ingest,
            writer=self.road.writer,
            receipts=self.road.receipts,
            alarms=self.road.alarms,
            counters=self.road.counters,
            moves=moves,
            clock=self.road.clock,
            flush_ms=20,
            batch_points=30,
        )
        self.turn()
        self.moves.asked.clear()

    def turn(self) -> None:
        """Once round, and on until the store has answered what it was given."""
        self.worker.turn(0)
        while self.worker.writing:
            self.worker.turn(5)

    def deliver(self, *payloads: bytes) -> None:
        for number, payload in enumerate(payloads):
            self.inbox.offer(
                Delivery(up(), payload, ack=lambda number=number: self.road.said.append(("ack", str(number))))
            )

    def uplinks(self, database: str = "ccpvm") -> int:
        return len(self.road.store.points(database, "uplink"))


@pytest.fixture
def loop(tmp_path: Path) -> Iterator[Loop]:
    loop = Loop(tmp_path)
    yield loop
    loop.road.writer.close()
    loop.road.quarantine.close()


def test_a_batch_is_written_when_it_is_old_enough(loop: Loop) -> None:
    """Rows wait for others at most `flush_ms`, then all go in one write."""
    loop.deliver(pack(uplink(1)), pack(uplink(2), first=2))
    loop.turn()
    assert loop.road.store.writes == []
    loop.road.clock.advance(20)
    loop.turn()
    assert loop.road.store.writes == ["ccpvm"]
    assert loop.uplinks() == 2
    assert [what for what, _ in loop.road.said][-2:] == ["ack", "ack"]


def test_a_batch_is_written_when_it_is_large_enough(loop: Loop) -> None:
    """30 points are 15 uplinks here; what comes after is the next batch."""
    loop.deliver(*(pack(uplink(n), first=n) for n in range(1, 21)))
    loop.turn()
    assert loop.uplinks() == 15


def test_the_next_batch_is_made_while_one_is_written(loop: Loop) -> None:
    """The store's time is not the worker's; nothing is told or acknowledged before it has answered."""
    answers = threading.Event()
    write = loop.road.store.write
    loop.road.store.write = lambda database, points: (answers.wait(10), write(database, points))[1]  # type: ignore[method-assign]
    loop.deliver(*(pack(uplink(n), first=n) for n in range(1, 16)))
    loop.worker.turn(0)
    assert loop.worker.writing
    loop.deliver(pack(uplink(16), first=16))
    loop.worker.turn(0)
    assert (loop.road.ingest.batch.size, loop.road.said) == (2, [])
    answers.set()
    while loop.worker.writing:
        loop.worker.turn(5)
    assert (loop.uplinks(), len(loop.road.acked())) == (15, 15)
    loop.road.clock.advance(20)
    loop.turn()
    assert loop.uplinks() == 16


def test_a_store_that_never_answers_is_not_passed_off_as_life(loop: Loop) -> None:
    """The loop turns on beside a write that hangs; after ten minutes nobody is told any more that all is well."""
    answers = threading.Event()
    write = loop.road.store.write
    loop.road.store.write = lambda database, points: (answers.wait(10), write(database, points))[1]  # type: ignore[method-assign]
    loop.deliver(*(pack(uplink(n), first=n) for n in range(1, 16)))
    loop.worker.turn(0)
    loop.road.clock.advance(600_000)
    assert loop.worker.writing
    assert not loop.worker.stuck
    loop.road.clock.advance(1)
    assert loop.worker.stuck
    answers.set()
    while loop.worker.writing:
        loop.worker.turn(5)
    assert not loop.worker.stuck


def test_many_tenants_make_larger_batches(loop: Loop) -> None:
    """With 40 databases a batch is twice as large; never so large that it is late."""
    batch = loop.road.ingest.batch
    loop.deliver(*(pack(uplink(n), first=n) for n in range(1, 13)))
    loop.turn()
    for number in range(39):
        batch.add(RowPoints(f"tenant-{number}", [Point("light", {"device": STOCK}, 1, {"power_w": 1.0})]))
    assert batch.size == 63
    loop.turn()
    assert len(loop.road.store.writes) == 40
    loop.deliver(*(pack(uplink(n), first=n) for n in range(13, 17)))
    loop.turn()
    for number in range(39):
        loop.road.ingest.batch.add(
            RowPoints(f"tenant-{number}", [Point("light", {"device": STOCK}, 1, {"power_w": 1.0})])
        )
    assert loop.road.ingest.batch.size == 47
    loop.turn()
    assert len(loop.road.store.writes) == 40
    loop.road.clock.advance(20)
    loop.turn()
    assert len(loop.road.store.writes) == 80


def test_an_alarm_that_the_operator_refuses_does_not_hold_the_worker(loop: Loop) -> None:
    """It is told when the operator's database works again; meanwhile a flush ends."""
    loop.road.store.refusing["operator"] = StorageError("store.full", "full")
    loop.road.alarms.begin("some.alarm", "it is so")
    assert loop.worker.flush()
    assert loop.road.store.points("operator", "alarm") == []


def test_a_store_that_is_down_stops_all_and_memory_stays_bounded(loop: Loop) -> None:
    """Nothing is taken or acknowledged, the gate closes, calls are answered; it is tried again with back-off."""
    loop.road.store.down = NotConnected("store.folder", "gone")
    loop.deliver(pack(uplink(1)))
    loop.turn()
    loop.road.clock.advance(20)
    loop.turn()
    assert loop.worker.paused == "store.folder"
    assert [alarm.code for alarm in loop.road.alarms.holding()] == ["store.down"]
    loop.deliver(*(pack(uplink(n), first=n) for n in range(2, 13)))
    answer = loop.inbox.call(lambda: "status")
    for _ in range(50):
        loop.turn()
    assert answer.result(0) == "status"
    assert loop.gate == ["closed"]
    assert loop.road.store.writes.count("ccpvm") == 1
    assert loop.road.said == []
    loop.road.store.down = None
    loop.road.clock.advance(500)
    loop.turn()
    assert loop.worker.paused == ""
    assert loop.uplinks() == 1
    assert loop.road.alarms.holding() == []
    for _ in range(5):
        loop.turn()
        loop.road.clock.advance(20)
    assert loop.uplinks() == 12
    assert loop.gate == ["closed", "open"]


def test_one_outage_is_one_alarm_whatever_the_words_of_each_try(loop: Loop) -> None:
    """A server that is killed breaks one request off, resets the next and refuses a third: that is no news each time;
    another kind of trouble is."""
    begun = []
    loop.deliver(pack(uplink(1)))
    loop.turn()
    for code, words in (("store.away", "reset"), ("store.away", "refused"), ("store.failed", "500")):
        loop.road.store.down = NotConnected(code, words)
        loop.road.clock.advance(60_000)
        loop.turn()
        begun += [alarm.message for alarm in loop.road.alarms.holding()]
    assert begun == ["reset", "reset", "500"]


def test_a_changed_territory_is_taken_over_between_two_batches(loop: Loop) -> None:
    """What is in hand is written as it was placed; the moves are noted before the first row is placed anew."""
    loop.deliver(pack(uplink(1, dev_eui=STOCK)))
    loop.turn()
    new = territory(stock_at="REM-2")
    loop.worker.use(new)
    assert loop.uplinks("operator") == 1
    assert loop.moves.asked == [f"follow {new.digest}"]
    assert loop.road.ingest.territory is new
    loop.turn()
    assert loop.moves.asked[1:] == [f"step {new.digest}"]
    assert loop.worker.moving is False


def test_a_territory_waits_while_what_is_in_hand_cannot_be_written(loop: Loop) -> None:
    """Rows are never placed by two territories at once."""
    old = loop.road.ingest.territory
    loop.road.store.down = NotConnected("store.folder", "gone")
    loop.deliver(pack(uplink(1, dev_eui=STOCK)))
    loop.turn()
    loop.worker.use(territory(stock_at="REM-2"))
    assert loop.road.ingest.territory is old
    loop.road.store.down = None
    loop.road.clock.advance(500)
    loop.turn()
    assert loop.road.ingest.territory.digest == territory(stock_at="REM-2").digest


def test_an_invalid_territory_leaves_the_old_one_in_force(loop: Loop) -> None:
    """An alarm says why until the files are valid again, even if they are the old ones."""
    old = loop.road.ingest.territory
    loop.worker.use(ConfigError("territory.invalid", "assets.csv:3:1: no such commune", hint="beffroi territory check"))
    assert loop.road.ingest.territory is old
    assert [(alarm.code, alarm.message) for alarm in loop.road.alarms.holding()] == [
        ("territory.invalid", "assets.csv:3:1: no such commune")
    ]
    loop.worker.use(old)
    assert loop.road.alarms.holding() == []
    assert loop.moves.asked == []


def test_a_territory_whose_moves_cannot_be_noted_is_tried_again(loop: Loop) -> None:
    """The journal's disk may be full: the old territory stays until it is written."""
    loop.moves.refuses = StorageError("journal.full", "disk full")
    new = territory(stock_at="REM-2")
    loop.worker.use(new)
    assert loop.road.ingest.territory is not new
    assert [alarm.code for alarm in loop.road.alarms.holding()] == ["moves.wait"]
    loop.moves.refuses = None
    loop.road.clock.advance(1000)
    loop.turn()
    assert loop.road.ingest.territory is new
    assert loop.road.alarms.holding() == []


def test_moves_that_a_database_refuses_wait_with_an_alarm(loop: Loop) -> None:
    """They are not asked at every turn; when it works again they go on and the alarm ends."""
    refused = Step(unfinished=True, refusing={"store.full": "ccpvm.sqlite: full"})
    loop.moves.steps = [Step(unfinished=True, refusing={}), refused, StorageError("journal.disk", "I/O error")]
    loop.worker.use(territory(stock_at="REM-2"))
    for _ in range(5):
        loop.turn()
    assert len(loop.moves.asked) == 3
    assert [(alarm.code, alarm.message) for alarm in loop.road.alarms.holding()] == [
        ("moves.wait", "ccpvm.sqlite: full")
    ]
    for _ in range(3):
        loop.road.clock.advance(1000)
        loop.turn()
    assert loop.worker.moving is False
    assert loop.road.alarms.holding() == []


def test_a_site_that_is_declared_ends_its_alarm(loop: Loop) -> None:
    """Before its edge has even tried again."""
    loop.road.ingest.territory = territory(sites=("esternay",))
    loop.deliver(pack(uplink(1)))
    loop.turn()
    assert [alarm.site for alarm in loop.road.alarms.holding()] == [EDGE]
    loop.worker.use(territory())
    assert loop.road.alarms.holding() == []


def test_counters_are_written_now_and_then(loop: Loop) -> None:
    """Every ten seconds in which something happened, as a `site` point of the operator under the worker's name."""
    loop.deliver(pack(uplink(1)))
    for _ in range(20):
        loop.turn()
        loop.road.clock.advance(1000)
    (point,) = loop.road.store.points("operator", "site")
    assert point.tags == {"site": "w"}
    assert (point.fields["messages"], point.fields["rows_stored"]) == (1.0, 1.0)


def test_told_to_stop_it_writes_what_is_in_hand_and_takes_nothing_more(loop: Loop) -> None:
    """What it has not taken stays the broker's; what it took is durable, told and acknowledged."""
    loop.deliver(pack(uplink(1)))
    loop.turn()
    loop.deliver(pack(uplink(2), first=2))
    stopping = threading.Event()
    stopping.set()
    loop.worker.run(stopping)
    assert loop.uplinks() == 1
    assert [what for what, _ in loop.road.said].count("ack") == 1
    assert any(isinstance(what, Receipt) for _, what in loop.road.said)
    assert loop.road.store.points("operator", "site") != []


def test_told_to_stop_while_the_store_is_down_it_leaves_all_unacknowledged(loop: Loop) -> None:
    """Ten seconds are not for waiting."""
    loop.road.store.down = NotConnected("store.folder", "gone")
    loop.deliver(pack(uplink(1)))
    loop.turn()
    loop.road.clock.advance(20)
    loop.turn()
    stopping = threading.Event()
    stopping.set()
    loop.worker.run(stopping)
    assert loop.road.said == []
    assert loop.road.store.writes.count("ccpvm") == 1


def test_the_doubles_differ_in_their_digest() -> None:
    """A territory with the same digest is not taken over."""
    assert replace(territory(), digest="x").digest != territory(stock_at="REM-2").digest


def test_evidence_is_bounded_in_bytes_too(loop: Loop) -> None:
    """While a slow store writes, messages that are kept as evidence do not pile up in memory, however few and large."""
    begun: list[int] = []
    begin = loop.road.writer.begin

    def note(batch: Batch, **more: Any) -> Writing:
        begun.append(sum(len(refusal.body) for refusal in batch.refusals))
        return begin(batch, **more)

    loop.road.writer.begin = note  # type: ignore[method-assign]
    answers = threading.Event()
    write = loop.road.store.write
    loop.road.store.write = lambda database, points: (answers.wait(0.2), write(database, points))[1]  # type: ignore[method-assign]
    loop.deliver(*(pack(uplink(n), first=n) for n in range(1, 16)))
    loop.worker.turn(0)
    assert loop.worker.writing
    loop.deliver(*[bytes(8 * 1024 * 1024)] * 10)
    loop.worker.turn(0)
    loop.turn()
    assert max(begun) == 32 * 1024 * 1024
