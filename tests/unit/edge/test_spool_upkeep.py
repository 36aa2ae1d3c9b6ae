"""Segments come and go: rotation, quota, ballast, what is kept, and what stays known of what is gone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.model import RowClass
from edge.spool import Eviction, EvictionReason, Run, SpoolLimits, database, reader
from edge.spool import ballast as ballast_module
from tests.support.spools import (
    KIB,
    StillClock,
    accept,
    is_balanced,
    killed,
    limits,
    memory_folder,
    open_spool,
    receipt,
    segment_files,
    settle_all,
    total,
    unsettled_keys,
)

URGENT, MEASUREMENT, DIAGNOSTIC = RowClass


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    with memory_folder() as folder:
        yield folder


def names(folder: Path) -> list[str]:
    return [path.stem for path in segment_files(folder)]


def test_a_segment_ends_by_size(tmp_path: Path) -> None:
    """The first row after the limit begins a new segment; a run goes on across the border."""
    spool = open_spool(tmp_path, keeping=limits(segment_bytes=1_000))
    for number in range(6):
        accept(spool, f"k{number}", size=300)
    assert names(tmp_path) == ["measurement-000000000001", "measurement-000000000004"]
    assert spool.backlog() == [Run(spool.spool_id, MEASUREMENT, 1, 6, "boot-1")]
    assert unsettled_keys(spool) == [f"k{number}" for number in range(6)]
    assert spool.settle(receipt(spool, Run(spool.spool_id, MEASUREMENT, 2, 5, "boot-1")))
    assert unsettled_keys(spool) == ["k0", "k5"]
    spool.close()


def test_a_segment_ends_by_age_even_without_new_rows(tmp_path: Path) -> None:
    """A quiet class gives its segment back too."""
    clock = StillClock()
    spool = open_spool(tmp_path, clock=clock)
    accept(spool, "a", row_class=URGENT)
    settle_all(spool)
    spool.maintain()
    assert len(names(tmp_path)) == 1
    clock.pass_ms(3_600_000)
    spool.maintain()
    assert names(tmp_path) == []
    spool.close()


def test_classes_have_segments_of_their_own(tmp_path: Path) -> None:
    """A settled urgent segment goes, whatever measurements wait."""
    spool = open_spool(tmp_path, keeping=limits(segment_bytes=1))
    for row_class in RowClass:
        accept(spool, row_class.value, row_class=row_class)
    accept(spool, "next", row_class=URGENT)
    assert spool.settle(receipt(spool, Run(spool.spool_id, URGENT, 1, 1, "boot-1")))
    spool.maintain()
    assert names(tmp_path) == ["diagnostic-000000000001", "measurement-000000000001", "urgent-000000000002"]
    spool.close()


def test_settled_segments_are_kept_whole_when_asked(tmp_path: Path) -> None:
    """`settled/` holds one file a segment, readable without a journal, with every row and its mark."""
    spool = open_spool(tmp_path, keeping=limits(keep_settled=True, segment_bytes=1_000))
    for number in range(10):
        accept(spool, f"k{number}", size=300)
    settle_all(spool)
    spool.maintain()
    kept = sorted(path.name for path in tmp_path.glob("*/settled/*"))
    assert kept == [f"measurement-{first:012d}.sqlite" for first in (1, 4, 7)]
    rows = list(reader.rows(tmp_path))
    assert sorted(row.key for row in rows) == [f"k{number}" for number in range(10)]
    spool.close()
    assert all(row.settled for row in reader.rows(tmp_path))
    assert not list(tmp_path.glob("*/settled/*-wal"))


def test_a_segment_somebody_reads_is_moved_later(tmp_path: Path) -> None:
    """A reader in another process holds the journal: the segment is moved when it has gone."""
    spool = open_spool(tmp_path, keeping=limits(keep_settled=True, segment_bytes=1))
    accept(spool, "a")
    accept(spool, "b")
    settle_all(spool)
    looking = database.connect_read_only(segment_files(tmp_path)[0])
    looking.execute("BEGIN")
    looking.execute("SELECT COUNT(*) FROM row").fetchone()
    spool.maintain()
    assert [row.key for row in reader.rows(tmp_path)] == ["a", "b"]
    assert names(tmp_path) == ["measurement-000000000001"]
    looking.close()
    spool.maintain()
    assert names(tmp_path) == []
    assert [row.key for row in reader.rows(tmp_path)] == ["a", "b"]
    spool.close()


@pytest.mark.parametrize("keep", [False, True])
def test_a_crash_between_letting_go_and_deleting_is_finished_at_the_next_start(
    tmp_path: Path, keep: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The meta file says that the segment is gone, its file is still there: nothing is counted or sent twice."""
    spool = open_spool(tmp_path / "a", keeping=limits(keep_settled=keep, segment_bytes=1))
    accept(spool, "a")
    accept(spool, "b")
    assert spool.settle(receipt(spool, Run(spool.spool_id, MEASUREMENT, 1, 1, "boot-1")))
    folder = spool._shelf.home
    original = folder._write_gone

    def write_gone(*arguments: object) -> None:
        original(*arguments)  # type: ignore[arg-type]
        killed(tmp_path / "a", tmp_path / "b")

    monkeypatch.setattr(folder, "_write_gone", write_gone)
    spool.maintain()
    monkeypatch.undo()
    spool.close()
    left = tmp_path / "b"
    assert [(row.key, row.settled) for row in reader.rows(left)] == [("a", True), ("b", False)]
    again = open_spool(left, keeping=limits(keep_settled=keep))
    assert unsettled_keys(again) == ["b"]
    assert total(again.counters(), "stored") == 1
    assert total(again.counters(), "accepted") == 2
    assert names(left) == ["measurement-000000000002"]
    assert len(list(left.glob("*/settled/*"))) == keep
    assert again.seen("a")
    again.close()


# --- quota


def test_the_quota_takes_the_lowest_class_and_the_oldest_segment_first(tmp_path: Path) -> None:
    """Whole segments go, diagnostic before measurement before urgent; each is counted, logged and told."""
    keeping = limits(segment_bytes=20_000, quota_bytes=200 * KIB)
    spool = open_spool(tmp_path, keeping=keeping)
    for number in range(4):
        for row_class in RowClass:
            accept(spool, f"{row_class}-{number}", row_class=row_class, size=20_000)
    before = names(tmp_path)
    spool.maintain()
    gone = [name for name in before if name not in names(tmp_path)]
    assert gone
    order = [f"{c}-{n:012d}" for c in (DIAGNOSTIC, MEASUREMENT, URGENT) for n in range(1, 5)]
    assert gone == sorted(order[: len(gone)])
    runs = spool.take_evicted()
    assert [f"{run.row_class}-{run.first:012d}" for run in runs] == order[: len(gone)]
    assert spool.take_evicted() == []
    assert [(e.row_class, e.first, e.last, e.rows, e.reason) for e in spool.evictions()] == [
        (run.row_class, run.first, run.last, 1, EvictionReason.QUOTA) for run in runs
    ]
    assert total(spool.counters(), "evicted") == len(gone)
    assert is_balanced(spool.counters())
    assert reader.evictions(tmp_path) == spool.evictions()
    assert sum(path.stat().st_blocks * 512 for path in tmp_path.rglob("*") if path.is_file()) < 300 * KIB
    spool.close()


def test_the_segment_in_use_can_be_given_up(tmp_path: Path) -> None:
    """A class that fills the spool from one segment alone is evicted too, and its next rows get new seq."""
    spool = open_spool(tmp_path, keeping=limits(quota_bytes=1))
    accept(spool, "a", "b")
    spool.maintain()
    assert spool.backlog() == []
    assert spool.evictions() == [
        Eviction(spool.spool_id, MEASUREMENT, 1, 2, 2, EvictionReason.QUOTA, StillClock().wall_ms)
    ]
    (run,) = accept(spool, "c")
    assert run.first == 3
    assert spool.seen("a")
    spool.close()


def test_only_unsettled_rows_of_an_evicted_segment_count_as_evicted(tmp_path: Path) -> None:
    """Settled rows stay stored; a late receipt for evicted rows changes nothing."""
    spool = open_spool(tmp_path, keeping=limits(quota_bytes=1))
    (run,) = accept(spool, *(f"k{number}" for number in range(10)))
    late = receipt(spool, run)
    assert spool.settle(receipt(spool, Run(run.spool_id, MEASUREMENT, 3, 6, run.boot), quarantined=1))
    spool.maintain()
    counters = spool.counters()
    assert (total(counters, "stored"), total(counters, "quarantined"), total(counters, "evicted")) == (3, 1, 6)
    assert spool.take_evicted() == [
        Run(run.spool_id, MEASUREMENT, 1, 2, run.boot),
        Run(run.spool_id, MEASUREMENT, 7, 10, run.boot),
    ]
    assert spool.settle(late)
    assert spool.counters() == counters
    assert is_balanced(counters)
    spool.close()


def test_an_eviction_is_logged_before_the_file_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed in between, the rows are in the log and not delivered any more: never in neither, never in both."""
    spool = open_spool(tmp_path / "a", keeping=limits(quota_bytes=1))
    accept(spool, "a", "b")

    def unlink(path: Path) -> None:
        killed(tmp_path / "a", tmp_path / "b")
        unlink_really(path)

    unlink_really = database.unlink
    monkeypatch.setattr(database, "unlink", unlink)
    spool.maintain()
    monkeypatch.undo()
    spool.close()
    assert list(reader.rows(tmp_path / "b")) == []
    assert [eviction.rows for eviction in reader.evictions(tmp_path / "b")] == [2]
    again = open_spool(tmp_path / "b")
    assert again.backlog() == []
    assert total(again.counters(), "evicted") == 2
    assert names(tmp_path / "b") == []
    again.close()


def test_the_free_room_of_the_disk_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Below `min_free_bytes` kept evidence goes first, then segments, until there is enough."""
    spool = open_spool(tmp_path, keeping=limits(min_free_bytes=100, segment_bytes=1, keep_settled=True))
    for number in range(6):
        accept(spool, f"k{number}")
    assert spool.settle(receipt(spool, Run(spool.spool_id, MEASUREMENT, 1, 2, "boot-1")))
    free = 1_000
    monkeypatch.setattr(database, "free_bytes", lambda _: free)
    spool.maintain()
    assert len(list(tmp_path.glob("*/settled/*"))) == 2
    answers = iter([50, 60, 70, 100])
    monkeypatch.setattr(database, "free_bytes", lambda _: next(answers, 1_000))
    spool.maintain()
    assert list(tmp_path.glob("*/settled/*")) == []
    assert [(e.first, e.reason) for e in spool.evictions()] == [(3, EvictionReason.DISK)]
    assert unsettled_keys(spool) == ["k3", "k4", "k5"]
    spool.close()


# --- what stays known


def test_what_is_gone_takes_no_room(tmp_path: Path) -> None:
    """A thousand settled segments leave one line in the meta file, and the counters of all of them."""
    spool = open_spool(tmp_path, keeping=limits(segment_bytes=1, keys=5))
    for number in range(300):
        accept(spool, f"k{number}")
        settle_all(spool)
        spool.maintain()
    gone = spool._shelf.home.meta._rows("SELECT first, last, accepted FROM gone")
    assert gone == [(1, 300, 300)]
    keys = spool._shelf.home.meta.gone_keys()
    assert [key for _, key in keys] == ["k295", "k296", "k297", "k298", "k299"]
    assert total(spool.counters(), "stored") == 300
    spool.close()


def test_segments_settled_out_of_order_are_counted_once(tmp_path: Path) -> None:
    """Entries of what is gone grow together around a segment that still waits."""
    spool = open_spool(tmp_path, keeping=limits(segment_bytes=1))
    for number in range(7):
        accept(spool, f"k{number}")
    meta = spool._shelf.home.meta
    for seq in (2, 5, 4, 1, 6):
        assert spool.settle(receipt(spool, Run(spool.spool_id, MEASUREMENT, seq, seq, "boot-1")))
        spool.maintain()
    assert meta._rows("SELECT first, last, accepted, stored FROM gone ORDER BY first") == [(1, 2, 2, 2), (4, 6, 3, 3)]
    assert unsettled_keys(spool) == ["k2", "k6"]
    assert meta.is_gone(MEASUREMENT, 4, 6)
    assert not meta.is_gone(MEASUREMENT, 3, 4)
    spool.close()


def test_a_receipt_that_is_partly_for_gone_rows_settles_nothing(tmp_path: Path) -> None:
    """Its checksum cannot be computed any more: the rest is sent and receipted again."""
    spool = open_spool(tmp_path, keeping=limits(segment_bytes=1))
    accept(spool, "a")
    accept(spool, "b")
    both = receipt(spool, Run(spool.spool_id, MEASUREMENT, 1, 2, "boot-1"))
    assert spool.settle(receipt(spool, Run(spool.spool_id, MEASUREMENT, 1, 1, "boot-1")))
    spool.maintain()
    assert not spool.settle(both)
    assert unsettled_keys(spool) == ["b"]
    spool.close()


def test_few_files_stay_open(tmp_path: Path) -> None:
    """A long backlog does not open a file a segment."""
    spool = open_spool(tmp_path, keeping=limits(segment_bytes=1))
    for number in range(40):
        accept(spool, f"k{number}")
    assert len(unsettled_keys(spool)) == 40
    assert sum(segment._connection is not None for segment in spool._shelf.home.live()) <= 5
    spool.close()


# --- ballast


def test_the_ballast_takes_room_and_at_most_an_eighth_of_the_disk(tmp_path: Path) -> None:
    """Its blocks are really allocated."""
    spool = open_spool(tmp_path, keeping=SpoolLimits(ballast_bytes=256 * KIB))
    assert (tmp_path / "ballast").stat().st_blocks * 512 == 256 * KIB
    spool.close()
    huge = ballast_module.Ballast(tmp_path, 1 << 62)
    assert huge.bytes <= 1 << 50


def test_a_released_ballast_is_taken_back_when_there_is_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It waits until there is twice its size, and is whole or absent."""
    ballast = ballast_module.Ballast(tmp_path, 64 * KIB)
    assert ballast.released
    assert ballast.restore()
    assert ballast.release()
    assert not ballast.release()
    monkeypatch.setattr(database, "free_bytes", lambda _: 127 * KIB)
    assert not ballast.restore()
    assert ballast.released
    monkeypatch.setattr(database, "free_bytes", lambda _: 128 * KIB)
    assert ballast.restore()
    assert not ballast.released
