"""What the store and the quarantine cannot keep is deferred; the rest flows; a store that is down stops all."""

import threading
import zlib
from collections.abc import Sequence
from pathlib import Path

import pytest

from cloud.batch import Batch, RowsInHand
from cloud.quarantine import Kind
from cloud.schema import RowPoints
from cloud.stores.base import Point, Rejected
from core import topics
from core.errors import LinkError, NotConnected, StorageError
from core.model import Event, decode_row
from core.receipt import Receipt
from tests.unit.cloud.cloud_road import EDGE, LAMP, NOON_MS, STOCK, STRANGER, Road, header, pack, territory, up, uplink

FULL = StorageError("store.full", "ccpvm.sqlite: database or disk is full", hint="free some room on its disk")


def test_one_tenants_file_refuses_and_its_neighbours_are_stored(road: Road) -> None:
    """The refused rows alone are deferred with the reason; PUBACK for the whole message; an alarm names the tenant."""
    road.store.refusing["ccpvm"] = FULL
    road.deliver(pack(uplink(1, dev_eui=STOCK), uplink(2), uplink(3), uplink(4, dev_eui=STOCK)), name="mixed")
    road.deliver(pack(uplink(5, dev_eui=STRANGER), edge="esternay"), topic=up("esternay"), name="neighbour")
    road.flush()
    assert len(road.store.points("esternay", "uplink")) == 1
    told, neighbour = [what for topic, what in road.said if topic != "ack"]
    assert isinstance(told, Receipt)
    assert isinstance(neighbour, Receipt)
    assert neighbour.kept[0].stored == 1
    assert [(kept.first, kept.last, kept.stored) for kept in told.kept] == [(1, 1, 1), (4, 4, 1)]
    assert [(part.first, part.last, part.reason) for part in told.deferred] == [(2, 3, "store.full")]
    assert "mixed" in road.acked()
    assert [(alarm.code, alarm.tenant, alarm.hint) for alarm in road.alarms.holding()] == [
        ("store.refuses", "ccpvm", "free some room on its disk")
    ]


def test_a_refusing_file_is_not_asked_for_each_message_and_its_recovery_ends_the_alarm(road: Road) -> None:
    """Back-off between two tries; the first that works clears the alarm, in the store too."""
    road.store.refusing["ccpvm"] = FULL
    for n in range(3):
        road.deliver(pack(uplink(n)))
        road.flush()
    assert road.store.writes.count("ccpvm") == 1
    del road.store.refusing["ccpvm"]
    road.deliver(pack(uplink(4)))
    road.flush()
    assert road.store.points("ccpvm", "uplink") == []
    road.clock.advance(1000)
    road.deliver(pack(uplink(5)))
    road.flush()
    assert len(road.store.points("ccpvm", "uplink")) == 1
    assert road.alarms.holding() == []
    road.flush()
    alarms = road.store.points("operator", "alarm")
    assert [(point.tags, point.fields["active"]) for point in alarms] == [
        ({"kind": "road.store.refuses", "channel": "ccpvm"}, True),
        ({"kind": "road.store.refuses", "channel": "ccpvm"}, False),
    ]


def test_an_alarm_is_not_lost_while_the_operators_own_file_refuses(road: Road) -> None:
    """It is written when that works again."""
    road.store.refusing["operator"] = FULL
    road.deliver(pack(uplink(1, dev_eui=STOCK)))
    road.flush()
    road.flush()
    assert road.store.points("operator", "alarm") == []
    del road.store.refusing["operator"]
    road.clock.advance(1000)
    road.flush()
    assert [p.fields["active"] for p in road.store.points("operator", "alarm")] == [True]
    road.clock.advance(1000)
    road.flush()
    assert [p.fields["active"] for p in road.store.points("operator", "alarm")] == [True, False]


@pytest.mark.parametrize("whole", ["link error of the store", "probe after a refusal"])
def test_a_store_that_is_down_as_a_whole_finishes_nothing_and_the_batch_can_be_written_again(
    road: Road, whole: str
) -> None:
    """Nothing is told, acknowledged or counted; the second try stores everything."""
    down = NotConnected("store.folder", "cannot read the folder")
    if whole.startswith("link"):
        road.store.down = down
    else:
        road.store.refusing = {"ccpvm": FULL, "operator": FULL}
        road.store_is_usable = down
    road.deliver(pack(uplink(1), uplink(2, dev_eui=STRANGER), uplink(3, dev_eui=STOCK)))
    road.deliver(b"garbage", name="evidence")
    with pytest.raises(LinkError):
        road.writer.write(road.ingest.batch)
    assert road.said == []
    assert road.quarantine.entries() == []
    assert road.counters.messages == 0
    road.store.down, road.store.refusing, road.store_is_usable = None, {}, None
    road.flush()
    assert [(kept.stored, kept.quarantined) for kept in road.told().kept] == [(2, 1)]
    assert sorted(road.acked()) == ["evidence", "m"]
    assert road.alarms.holding() == []


def test_a_point_the_store_refuses_is_evidence_and_its_row_stays_stored(road: Road) -> None:
    """Its `uplink` was written: the row counts as stored; the point is an entry outside the balance."""
    road.store.rejects = {"light": "point.type"}
    road.deliver(pack(uplink(1), uplink(2)))
    road.flush()
    assert [(kept.stored, kept.quarantined) for kept in road.told().kept] == [(2, 0)]
    entries = road.quarantine.entries()
    assert [(entry.kind, entry.reason, entry.database) for entry in entries] == [
        (Kind.POINT, "point.type", "ccpvm")
    ] * 2
    assert [entry.seq for entry in entries] == [1, 2]
    assert road.quarantine.identities() == frozenset()
    assert road.counters.points_refused == 2


def test_a_row_whose_own_point_is_refused_is_quarantined(road: Road) -> None:
    """Without its `uplink` it is not stored, whatever became of its readings."""
    road.store.rejects = {"uplink": "point.too_long"}
    road.deliver(pack(uplink(1)))
    road.flush()
    assert [(kept.stored, kept.quarantined) for kept in road.told().kept] == [(0, 1)]
    assert [(entry.kind, entry.reason) for entry in road.quarantine.entries()] == [(Kind.ROW, "point.too_long")]


def test_rows_for_which_the_quarantine_has_no_room_are_deferred(tmp_path: Path) -> None:
    """Never a receipt for what was not kept; stored rows around them are told; the alarm ends with room."""
    road = Road(tmp_path, quarantine_bytes=600)
    big = b'{"kind":"comet","tail":"' + b"x" * 600 + b'"}'
    road.deliver(pack(uplink(1), big, uplink(3)))
    road.deliver(b"garbage" * 100, name="garbage")
    road.flush()
    told = road.told()
    assert [(kept.first, kept.last) for kept in told.kept] == [(1, 1), (3, 3)]
    assert [(part.first, part.last, part.reason) for part in told.deferred] == [(2, 2, "quarantine.full")]
    assert "garbage" in road.acked()
    assert road.counters.evidence_lost == 1
    assert [alarm.code for alarm in road.alarms.holding()] == ["quarantine.refuses"]
    road.deliver(pack(b'{"kind":"comet"}', first=9))
    road.flush()
    assert road.alarms.holding() == []
    road.quarantine.close()


def test_a_quarantine_that_cannot_commit_keeps_nothing(road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    """All its rows of the batch are deferred."""

    def refuse() -> None:
        raise StorageError("quarantine.disk", "disk I/O error")

    monkeypatch.setattr(road.quarantine, "commit", refuse)
    road.deliver(pack(uplink(1), b"{}", b"[]"))
    road.flush()
    told = road.told()
    assert [(kept.first, kept.last, kept.stored) for kept in told.kept] == [(1, 1, 1)]
    assert [(part.first, part.last, part.reason) for part in told.deferred] == [(2, 3, "quarantine.disk")]


def test_health_that_a_store_refuses_stops_nothing(road: Road) -> None:
    """Health is no row: it is not kept twice and not deferred."""
    road.store.rejects = {"site": "point.type"}
    road.deliver(b'{"online": true}', topic=topics.of_edge(EDGE, topics.HEALTH))
    road.deliver(pack(uplink(1)))
    road.flush()
    assert road.told().kept[0].stored == 1


def test_an_assignment_added_between_a_write_and_its_receipt(road: Road) -> None:
    """The receipt is for what was written; the redelivered row is placed anew and answered the same."""
    message = pack(uplink(1, dev_eui=STOCK))
    road.deliver(message)
    road.writer.write(road.ingest.batch)  # and here the worker is killed: no receipt, no PUBACK
    road.ingest.start_batch()
    road.said.clear()
    road.ingest.territory = territory(stock_at="REM-2")
    road.deliver(message)
    road.flush()
    assert road.told().kept[0].stored == 1
    assert [point.tags["asset"] for point in road.store.points("ccpvm", "uplink")] == ["REM-2"]
    assert len(road.store.points("operator", "uplink")) == 1  # until the move that this assignment starts


def test_a_receipt_for_a_row_without_a_verdict_is_never_made() -> None:
    """A bug stops the worker instead of telling an edge to forget."""
    told: list[Receipt] = []
    message = RowsInHand(header(1), [b"{}"], topic="t", finished=lambda _: told.append(Receipt()))
    with pytest.raises(ValueError, match="neither kept nor deferred"):
        message.finish()
    assert told == []


def test_a_row_whose_place_another_row_has_is_quarantined(road: Road) -> None:
    """Two events of one ms and tie-breaker: the first stays stored, the second is kept whole, the receipt says so."""
    tie = zlib.crc32(b"ev/0") % 1000
    twin = next(key for number in range(1, 100_000) if zlib.crc32((key := f"ev/{number}").encode()) % 1000 == tie)
    first, second = (Event(key=key, received_ms=NOON_MS, type="status", dev_eui=LAMP) for key in ("ev/0", twin))
    road.deliver(pack(first, second))
    road.flush()
    (kept,) = road.told().kept
    assert (kept.stored, kept.quarantined) == (1, 1)
    assert [point.fields["key"] for point in road.store.points("ccpvm", "event")] == ["ev/0"]
    (entry,) = road.quarantine.entries()
    assert entry.reason == "identity.collision"
    assert decode_row(road.quarantine.show(entry.id).body) == second


def test_a_store_that_is_down_is_not_asked_for_every_tenant(road: Road) -> None:
    """Each may be a silence of its own: with 150 tenants they would outlast any watchdog, and a stop."""
    road.store.down = NotConnected("store.silent", "it does not answer")
    batch = Batch()
    for number in range(150):
        batch.add(RowPoints(f"tenant-{number}", [Point("light", {"device": STOCK}, 1, {"power_w": 1.0})]))
    write, began = road.store.write, threading.Barrier(4)
    first = iter(range(4))

    def four_at_once(database: str, points: Sequence[Point]) -> list[Rejected]:
        if next(first, None) is not None:
            began.wait(10)
        return write(database, points)

    road.store.write = four_at_once  # type: ignore[method-assign]
    with pytest.raises(LinkError):
        road.writer.write(batch)
    assert len(road.store.writes) == 4
    road.store.down = None
    road.writer.write(batch)
    assert len(road.store.held) == 150
