"""The quarantine: durable at commit, each row once, bounded, replayed rows leave it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud.quarantine import Kind, Origin, Quarantine
from cloud.stores.base import Point
from core.errors import EnvelopeError, OperatorError, RejectedError, StorageError
from core.model import RowClass, RowId

FOREIGN = RejectedError("identity.foreign_device", "another tenant's", hint="see sites.toml")
GARBAGE = EnvelopeError("envelope.garbage", "not an envelope")
MIB = 1 << 20


def origin(seq: int, row_class: RowClass = RowClass.MEASUREMENT) -> Origin:
    row_id = RowId("5b00c", row_class, seq)
    return Origin(edge="saint-ame", row_id=row_id, boot="b1", offset_ms=-5, topic="beffroi/v1/3/saint-ame/up")


@pytest.fixture
def quarantine(tmp_path: Path) -> Iterator[Quarantine]:
    opened = Quarantine.open(tmp_path, limit_bytes=MIB, version="0.1.0")
    yield opened
    opened.close()


def test_a_row_is_kept_whole(quarantine: Quarantine) -> None:
    """Bytes, identity, boot, offset, topic, reason, hint, time and the version that refused it."""
    quarantine.add_row(origin(7), b'{"kind":"uplink"}', FOREIGN, now_ms=1000)
    quarantine.commit()
    (listed,) = quarantine.entries()
    assert listed.body == b""
    entry = quarantine.show(listed.id)
    assert entry.kind is Kind.ROW
    assert (entry.body, entry.reason, entry.hint) == (b'{"kind":"uplink"}', "identity.foreign_device", "see sites.toml")
    assert (entry.edge, entry.spool_id, entry.row_class, entry.seq) == ("saint-ame", "5b00c", "measurement", 7)
    assert (entry.boot, entry.offset_ms, entry.version) == ("b1", -5, "0.1.0")
    assert (entry.first_seen_ms, entry.seen, entry.replayed_ms) == (1000, 1, None)


def test_a_row_counts_once_however_often_it_comes(quarantine: Quarantine) -> None:
    """The identity is edge, spool, class and seq; the same row again changes nothing."""
    for now_ms in (1, 2, 3):
        quarantine.add_row(origin(7), b"x", FOREIGN, now_ms=now_ms)
        quarantine.commit()
    quarantine.add_row(origin(7, RowClass.URGENT), b"x", FOREIGN, now_ms=4)
    quarantine.commit()
    assert quarantine.counts().rows == 2
    assert quarantine.identities() == {("5b00c", RowClass.MEASUREMENT, 7), ("5b00c", RowClass.URGENT, 7)}
    assert quarantine.entries()[0].first_seen_ms == 1


def test_a_message_that_comes_again_is_counted(quarantine: Quarantine) -> None:
    """Outside the balance, by its digest: first and last seen, how often."""
    for now_ms in (1, 2, 3):
        quarantine.add_message("beffroi/v1/3/saint-ame/up", b"garbage", GARBAGE, now_ms=now_ms)
    quarantine.add_message("beffroi/v1/3/other/up", b"garbage", GARBAGE, now_ms=4)
    quarantine.commit()
    first, _ = quarantine.entries(kind=Kind.MESSAGE)
    assert (first.seen, first.first_seen_ms, first.last_seen_ms) == (3, 1, 3)
    assert quarantine.counts().messages == 2
    assert quarantine.identities() == frozenset()


def test_a_topic_that_is_no_text_is_kept(quarantine: Quarantine) -> None:
    """Bytes no UTF-8 has are shown escaped."""
    quarantine.add_message("beffroi/\udcff", b"", GARBAGE, now_ms=1)
    quarantine.commit()
    assert quarantine.entries()[0].topic == "beffroi/\\udcff"


def test_a_refused_point_is_an_entry_of_its_own(quarantine: Quarantine) -> None:
    """It is no row: the balance does not count it."""
    point = Point("light", {"device": "00000000000000a1"}, 5, {"power_w": 1.0})
    refused = RejectedError("point.type", "light.power_w is text")
    for _ in range(2):
        quarantine.add_point(origin(7), "ccpvm", point, refused, now_ms=1)
    quarantine.commit()
    (entry,) = quarantine.entries(reason="point.type")
    assert (entry.kind, entry.database, entry.seq) == (Kind.POINT, "ccpvm", 7)
    assert quarantine.identities() == frozenset()
    assert quarantine.counts().points == 1


def test_nothing_is_kept_before_the_commit(tmp_path: Path) -> None:
    """A worker that ends before the commit has acknowledged nothing and kept nothing; after it, all is there."""
    first = Quarantine.open(tmp_path, limit_bytes=MIB, version="1")
    first.add_row(origin(1), b"x", FOREIGN, now_ms=1)
    first.commit()
    first.add_row(origin(2), b"x", FOREIGN, now_ms=1)
    first.close()
    second = Quarantine.open(tmp_path, limit_bytes=MIB, version="2")
    assert [entry.seq for entry in second.entries()] == [1]
    second.close()


def test_another_process_reads_what_is_committed(tmp_path: Path, quarantine: Quarantine) -> None:
    """Read-only: nothing before the file exists or the commit, then everything; writing is refused."""
    reader = Quarantine.open_read_only(tmp_path / "absent")
    assert (reader.entries(), reader.identities(), reader.counts().rows) == ([], frozenset(), 0)
    reader = Quarantine.open_read_only(tmp_path)
    quarantine.add_row(origin(1), b"x", FOREIGN, now_ms=1)
    assert reader.counts().rows == 0
    quarantine.commit()
    assert reader.identities() == {("5b00c", RowClass.MEASUREMENT, 1)}
    with pytest.raises(StorageError) as caught:
        reader.add_row(origin(2), b"x", FOREIGN, now_ms=1)
    assert caught.value.code == "quarantine.read_only"


def test_a_full_quarantine_refuses_and_keeps_what_it_has(tmp_path: Path) -> None:
    """`quarantine.full` for what is new; what is already there is no trouble; also after opening again."""
    quarantine = Quarantine.open(tmp_path, limit_bytes=10_000, version="1")
    for seq in range(9):
        quarantine.add_row(origin(seq), b"x" * 500, FOREIGN, now_ms=1)
    for attempt in range(2):
        with pytest.raises(StorageError) as caught:
            quarantine.add_row(origin(9 + attempt), b"x" * 500, FOREIGN, now_ms=1)
        assert caught.value.code == "quarantine.full"
        quarantine.add_row(origin(3), b"x" * 500, FOREIGN, now_ms=1)
        quarantine.commit()
        assert quarantine.counts().rows == 9
        quarantine.close()
        quarantine = Quarantine.open(tmp_path, limit_bytes=10_000, version="1")
    quarantine.close()


def test_garbage_cannot_crowd_out_rows(tmp_path: Path) -> None:
    """Messages and points take half of the room at most."""
    quarantine = Quarantine.open(tmp_path, limit_bytes=10_000, version="1")
    for n in range(9):
        quarantine.add_message("topic", b"%d" % n, GARBAGE, now_ms=1)
    with pytest.raises(StorageError, match=r"quarantine\.full"):
        quarantine.add_message("topic", b"one more", GARBAGE, now_ms=1)
    quarantine.add_row(origin(1), b"x" * 4000, FOREIGN, now_ms=1)
    quarantine.commit()
    assert quarantine.counts().bytes <= 10_000
    quarantine.close()


def test_a_replayed_row_leaves_the_balance_and_stays_on_record(quarantine: Quarantine) -> None:
    """Its room is free again, its line remains, and replaying it again changes nothing."""
    quarantine.add_row(origin(1), b"x" * 100_000, FOREIGN, now_ms=1)
    quarantine.add_row(origin(2), b"y", FOREIGN, now_ms=1)
    quarantine.commit()
    (first, _) = quarantine.entries()
    for now_ms in (50, 60):
        quarantine.mark_replayed([first.id], now_ms=now_ms)
    assert quarantine.identities() == {("5b00c", RowClass.MEASUREMENT, 2)}
    counts = quarantine.counts()
    assert (counts.rows, counts.replayed) == (1, 1)
    assert counts.bytes < 2000
    (audit,) = quarantine.entries(replayed=True)
    assert (audit.seq, audit.replayed_ms) == (1, 50)


def test_entries_are_listed_by_reason_and_page(quarantine: Quarantine) -> None:
    """The oldest first; `after` goes on where a page ended."""
    for seq in range(5):
        quarantine.add_row(origin(seq), b"x", FOREIGN, now_ms=seq)
    quarantine.add_message("t", b"", GARBAGE, now_ms=9)
    quarantine.commit()
    page = quarantine.entries(limit=2)
    assert [entry.seq for entry in page] == [0, 1]
    rest = quarantine.entries(after=page[-1].id, reason="identity.foreign_device")
    assert [entry.seq for entry in rest] == [2, 3, 4]
    assert quarantine.counts().reasons == {"identity.foreign_device": 5, "envelope.garbage": 1}


def test_an_unknown_entry_is_said_so(quarantine: Quarantine) -> None:
    """With the command that lists them."""
    with pytest.raises(OperatorError) as caught:
        quarantine.show(99)
    assert caught.value.hint == "beffroi quarantine list"


def test_a_failed_add_fails_the_commit_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was added before the disk failed is gone with it: `commit` says so, nobody acknowledges it."""
    quarantine = Quarantine.open(tmp_path, limit_bytes=100 * MIB, version="1")
    quarantine.add_row(origin(1), b"x", FOREIGN, now_ms=1)
    assert quarantine._connection is not None
    quarantine._connection.execute("PRAGMA max_page_count = 20")
    with pytest.raises(StorageError) as caught:
        quarantine.add_row(origin(2), b"x" * 500_000, FOREIGN, now_ms=1)
    assert caught.value.code == "quarantine.disk_full"
    with pytest.raises(StorageError):
        quarantine.commit()
    quarantine.add_row(origin(3), b"x", FOREIGN, now_ms=1)
    quarantine.commit()
    assert quarantine.identities() == {("5b00c", RowClass.MEASUREMENT, 3)}
    quarantine.close()
