"""The agent's loop over doubles: accept, acknowledge, send, settle, report."""

import json
from pathlib import Path

import pytest

from core.model import ClockQuality, Event, RowClass, Unreadable, decode_row
from edge.health import Past, boot_event
from edge.inbox import Question
from edge.spool import Run
from tests.support.edge_doubles import NOON_MS, HeardTransport, RecordedLog, Site, TurnedClock, uplink


def sent_keys(transport: HeardTransport) -> list[str]:
    return [decode_row(row).key for message in transport.messages for row in message.rows]


def test_an_event_is_acknowledged_after_the_commit_only(tmp_path: Path) -> None:
    """Before the linger is over the row is not on the disk, and its event not acknowledged."""
    with Site(tmp_path) as site:
        site.source.deliver(uplink(1))
        site.step(100)
        assert site.source.acked == []
        assert site.spool.open_rows == 1
        site.step(250)
        assert site.source.acked == ["up:1"]
        assert site.spool.open_rows == 0


def test_an_urgent_row_is_committed_at_once(tmp_path: Path) -> None:
    """A fault does not wait for company, and takes the open group along."""
    with Site(tmp_path) as site:
        site.source.deliver(uplink(1))
        site.step()
        site.source.deliver(uplink(2, name="urgent"))
        site.step()
        assert site.source.acked == ["up:1", "up:2"]


def test_a_spent_window_is_committed_at_once(tmp_path: Path) -> None:
    """When the broker sends nothing more without an acknowledgement, waiting is pointless."""
    with Site(tmp_path, window=5) as site:
        for number in range(5):
            site.source.deliver(uplink(number))
        site.step()
        assert len(site.source.acked) == 5


def test_a_redelivered_event_is_accepted_once(tmp_path: Path) -> None:
    """Each delivery of it is acknowledged: with the commit, or at once when that is done; it is accepted once."""
    with Site(tmp_path) as site:
        site.source.deliver(uplink(1))
        site.source.deliver(uplink(1))
        site.step()
        assert site.source.acked == []
        site.step(250)
        assert site.source.acked == ["up:1", "up:1"]
        site.source.deliver(uplink(1))
        site.step()
        assert site.source.acked == ["up:1", "up:1", "up:1"]
        assert site.spool.counters().accepted[RowClass.MEASUREMENT] == 1
        assert site.agent.health().duplicates == 2


def test_acknowledgements_keep_the_order_of_the_deliveries(tmp_path: Path) -> None:
    """An event accepted long ago waits behind one that is not durable yet: a strict broker hangs up otherwise."""
    with Site(tmp_path) as site:
        site.source.deliver(uplink(1))
        site.step()
        site.step(250)
        site.source.deliver(uplink(2))
        site.source.deliver(uplink(1))
        site.step()
        assert site.source.acked == ["up:1"]
        site.step(250)
        assert site.source.acked == ["up:1", "up:2", "up:1"]


def test_rows_travel_as_one_message_and_are_forgotten_by_the_receipt_alone(tmp_path: Path) -> None:
    """A PUBACK settles nothing; a receipt does."""
    with Site(tmp_path) as site:
        for number in range(3):
            site.source.deliver(uplink(number))
        site.step()
        site.step(250)
        site.transport.come_up()
        site.step()
        measurements = [m for m in site.transport.messages if m.header.row_class is RowClass.MEASUREMENT]
        assert [(m.header.first, m.header.last, m.header.edge) for m in measurements] == [(1, 3, "e1")]
        site.transport.puback(1)
        site.transport.puback(2)
        site.step()
        assert site.spool.counters().spooled == 4
        for message in site.transport.messages:
            site.transport.keep(message)
        site.step()
        assert site.spool.counters().spooled == 0
        assert site.spool.counters().stored[RowClass.MEASUREMENT] == 3


def test_a_receipt_with_another_checksum_settles_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cloud that kept other bytes did not keep these rows: a warning, and they stay."""
    said = RecordedLog()
    monkeypatch.setattr("edge.forwarder._log", said)
    with Site(tmp_path) as site:
        site.transport.come_up()
        site.source.deliver(uplink(1))
        site.step()
        site.step(250)
        message = next(m for m in site.transport.messages if m.header.row_class is RowClass.MEASUREMENT)
        site.transport.keep(message, crc32=message.header.crc32 ^ 1)
        site.step()
        assert site.spool.counters().stored[RowClass.MEASUREMENT] == 0
        assert site.agent.health().messages >= 1
    assert said.events("warning") == ["receipt.mismatched"]


def test_what_was_spooled_before_a_restart_is_sent_after_it(tmp_path: Path) -> None:
    """An agent that is killed with rows on board delivers them when it is back."""
    with Site(tmp_path) as site:
        site.source.deliver(uplink(1))
        site.step()
        site.step(250)
    with Site(tmp_path) as again:
        again.transport.come_up()
        again.step()
        assert "up:1" in sent_keys(again.transport)
        again.source.deliver(uplink(1))  # its acknowledgement was lost with the first process
        again.step()
        again.step(250)
        assert again.spool.counters().accepted[RowClass.MEASUREMENT] == 1
        assert again.source.acked == ["up:1"]


def test_a_full_disk_keeps_the_agent_up_and_the_events_unacknowledged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is acknowledged, it is told once, and everything is accepted when there is room again."""
    said = RecordedLog()
    monkeypatch.setattr("edge.conditions._log", said)
    with Site(tmp_path) as site:
        site.spool.full = True
        for number in range(3):
            site.source.deliver(uplink(number))
        site.step()
        for _ in range(5):
            site.step(1_000)
        assert site.source.acked == []
        assert site.agent.health().conditions == {"spool": "spool.full"}
        site.spool.full = False
        site.step(1_000)
        assert site.source.acked == ["up:0", "up:1", "up:2"]
        assert site.agent.health().conditions == {}
    assert said.events("error") == ["condition.begun"]
    assert said.events("info") == ["condition.ended"]


def test_deferred_rows_are_kept_and_tried_again(tmp_path: Path) -> None:
    """What the cloud could not keep stays in the spool and comes again a quarter of an hour later."""
    with Site(tmp_path) as site:
        site.transport.come_up()
        site.source.deliver(uplink(1))
        site.step()
        site.step(250)
        message = next(m for m in site.transport.messages if m.header.row_class is RowClass.MEASUREMENT)
        site.transport.defer(message)
        site.step()
        assert site.agent.health().deferred == 1
        site.step(900_000)
        assert sent_keys(site.transport).count("up:1") == 2


def test_health_is_published_on_connect_regularly_and_at_the_end(tmp_path: Path) -> None:
    """The document says who, what, and how many of each class."""
    with Site(tmp_path) as site:
        site.transport.come_up()
        site.step()
        site.source.deliver(uplink(1))
        site.step()
        site.step(60_000)
        transport = site.transport
    first, second, last = (json.loads(document) for document in transport.health)
    assert (first["edge"], first["state"], first["clock"]) == ("e1", "online", "synced")
    assert first["accepted"] == {"urgent": 0, "measurement": 0, "diagnostic": 1}
    assert second["accepted"]["measurement"] == 1
    assert last["state"] == "offline"


def test_the_start_and_every_hour_leave_a_diagnostic_row(tmp_path: Path) -> None:
    """The boot, and the health of each hour, are rows of the spool like all others."""
    with Site(tmp_path) as site:
        site.transport.come_up()
        site.step()
        site.step(3_600_000)
        site.step(250)
        rows = [decode_row(row) for message in site.transport.messages for row in message.rows]
        boot, health = {row.key: row for row in rows if isinstance(row, Event)}.values()
        assert (boot.type, health.type) == ("boot", "health")
        assert (boot.detail["cause"], boot.detail["watchdog"]) == ("unknown", False)
        assert boot.detail["host_uptime_s"] == 100.0
        assert "alive_ms" not in boot.detail
        assert health.detail["accepted_diagnostic"] == 1.0


def test_a_start_tells_until_when_the_agent_before_it_lived(tmp_path: Path) -> None:
    """The cloud sees by it whether an edge went with its link, or lived on without it."""
    with Site(tmp_path) as site:
        past = Past(alive_ms=NOON_MS - 1, watchdog=True)
        told = boot_event(site.agent.health(), mono_ms=5_000, clock=ClockQuality.SYNCED, past=past)
        assert (told.detail["alive_ms"], told.detail["watchdog"]) == (float(NOON_MS - 1), True)


def test_rows_of_an_unset_clock_wait_for_it_and_get_its_offset(tmp_path: Path) -> None:
    """The host boots in 1970; its rows leave when a time server has set it, with the offset in the header."""
    clock = TurnedClock(now_ms=5_000, synced=False)
    with Site(tmp_path, clock=clock) as site:
        site.transport.come_up()
        site.step()
        site.source.deliver(uplink(1, received_ms=clock.now_ms()))
        site.step()
        site.step(250)
        assert site.transport.messages == []
        assert site.agent.health().held == 2
        assert site.agent.health().clock == "unsynced"
        clock.set(NOON_MS)
        site.step()
        site.step(1_000)
        offsets = {m.header.row_class: m.header.offset_ms for m in site.transport.messages}
        assert offsets == dict.fromkeys((RowClass.MEASUREMENT, RowClass.DIAGNOSTIC), NOON_MS - 5_500)


def test_rows_with_gps_time_are_not_held(tmp_path: Path) -> None:
    """A gateway with GPS knows the time, whatever the host believes; its rows pass those that wait."""
    clock = TurnedClock(now_ms=5_000, synced=False)
    with Site(tmp_path, clock=clock) as site:
        site.transport.come_up()
        site.step()
        site.source.deliver(uplink(1, received_ms=clock.now_ms()))
        site.source.deliver(uplink(2, clock=ClockQuality.GPS))
        site.source.deliver(uplink(3, received_ms=clock.now_ms()))
        site.step()
        site.step(250)
        assert sent_keys(site.transport) == ["up:2"]


def test_after_ten_minutes_without_a_sync_rows_go_as_estimated(tmp_path: Path) -> None:
    """No offset is invented: the header's stays empty; what is frozen stays frozen."""
    clock = TurnedClock(now_ms=5_000, synced=False)
    with Site(tmp_path, clock=clock) as site:
        site.source.deliver(uplink(1, received_ms=clock.now_ms()))
        site.step(700_000)  # no link: the ten minutes have not begun
        site.transport.come_up()
        site.step()
        site.step(599_000)
        assert sent_keys(site.transport) == []
        site.step(1_000)
        assert "up:1" in sent_keys(site.transport)
        assert {m.header.offset_ms for m in site.transport.messages} == {None}
        clock.set(NOON_MS)
        site.step(1_000)
        offset = site.spool.offset("boot-1")
        assert offset is not None
        assert offset.estimated


def test_unsent_rows_of_an_earlier_boot_go_as_estimated_at_once(tmp_path: Path) -> None:
    """Its monotonic clock is gone: no sync can mend them any more."""
    clock = TurnedClock(now_ms=5_000, synced=False)
    with Site(tmp_path, clock=clock) as site:
        site.source.deliver(uplink(1, received_ms=clock.now_ms()))
        site.step()
        site.step(250)
    with Site(tmp_path, clock=TurnedClock(), boot="boot-2") as again:
        again.transport.come_up()
        again.step()
        by_boot = {m.header.boot: m.header.offset_ms for m in again.transport.messages}
        assert by_boot == {"boot-1": None, "boot-2": None}
        assert "up:1" in sent_keys(again.transport)


def test_the_control_question_is_answered_by_the_loop(tmp_path: Path) -> None:
    """Status gives the health report, the present instant and the reasons of conditions."""
    with Site(tmp_path) as site:
        question = Question("status")
        site.inbox.put(question)
        site.step()
        answer = question.answer.result(0)
        assert answer["edge"] == "e1"
        assert answer["open_rows"] == 0
        assert answer["now"].endswith("+00:00")
        json.dumps(answer)


def test_large_rows_make_small_messages(tmp_path: Path) -> None:
    """A message holds 256 KiB of rows at most, unless a single row is larger."""
    with Site(tmp_path) as site:
        for number in range(4):
            site.source.deliver(
                Unreadable(key=f"bad:{number}", received_ms=NOON_MS, topic="t", error="x", body=bytes(100_000))
            )
        site.source.deliver(Unreadable(key="bad:big", received_ms=NOON_MS, topic="t", error="x", body=bytes(400_000)))
        site.step()
        site.step(250)
        site.transport.come_up()
        site.step()
        sizes = [sum(map(len, m.rows)) for m in site.transport.messages if m.header.row_class is RowClass.MEASUREMENT]
        assert len(sizes) == 5
        assert all(size <= 256 * 1024 for size in sizes[:-1])


def test_each_eviction_of_one_upkeep_has_a_time_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store tells events of one series apart by their ms and a tie-breaker that a hundred of them would share."""
    gone = [Run("0dd5b001", RowClass.DIAGNOSTIC, number, number, "b") for number in range(1, 101)]
    with Site(tmp_path) as site:
        monkeypatch.setattr(site.spool, "take_evicted", lambda: [gone.pop() for _ in range(len(gone))])
        site.step(1_000)
        site.step(250)
        site.transport.come_up()
        for _ in range(3):
            site.step()
        rows = [decode_row(row) for message in site.transport.messages for row in message.rows]
        evictions = [row.received_ms for row in rows if isinstance(row, Event) and row.type == "eviction"]
        assert len(evictions) == 100
        assert len(set(evictions)) == 100
