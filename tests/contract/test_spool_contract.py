"""The spool keeps its contract (`edge.spool.Spool`) however it is used: at leisure, with tiny segments, with a restart
or a kill -9 between any two steps, sparing a memory card."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from core.model import ClockQuality, RowClass
from edge.spool import NewRow, Offset, Run, Spool
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
    row,
    settle_all,
    stored_keys,
    total,
    unsettled_keys,
)


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    with memory_folder() as folder:
        yield folder


WAYS = ("at leisure", "tiny segments", "restarted", "killed", "on a card")


class Hand:
    """Holds the spool; `step` is what may happen between two calls."""

    def __init__(self, way: str, folder: Path) -> None:
        self._way = way
        self._folder = folder
        self._deaths = 0
        self.clock = StillClock()
        card = way == "on a card"
        self.keeping = limits(
            segment_bytes=1 if way == "tiny segments" else 1 << 20,
            page_bytes=KIB if card else 4 * KIB,
            squeeze=card,
            sole=card,
        )
        self.spool = self._open(folder / "0")

    def _open(self, folder: Path) -> Spool:
        return open_spool(folder, clock=self.clock, keeping=self.keeping)

    def step(self) -> Spool:
        here = self._folder / str(self._deaths)
        if self._way == "restarted":
            self.spool.close()
            self.spool = self._open(here)
        elif self._way == "killed":
            self._deaths += 1
            left = killed(here, self._folder / str(self._deaths))
            self.spool.close()
            self.spool = self._open(left)
        return self.spool


@pytest.fixture(params=WAYS)
def hand(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Hand]:
    held = Hand(request.param, tmp_path)
    yield held
    held.spool.close()


def test_a_committed_row_is_read_back_as_it_was(hand: Hand) -> None:
    """Bytes, times and clock quality of a row survive, whatever its text is."""
    stored = '{"é":"☃\\u0000"}'.encode()
    hand.spool.append(NewRow(RowClass.URGENT, "clé ☃", stored, -5, ClockQuality.UNSYNCED))
    (run,) = hand.spool.commit()
    (read,) = hand.step().read(run.spool_id, run.row_class, run.first, run.last, max_bytes=1)
    assert (read.seq, read.stored, read.received_ms) == (run.first, stored, -5)
    assert (read.clock, read.mono_ms) == (ClockQuality.UNSYNCED, 5_000)


def test_rows_keep_their_order_and_seq_is_unique_per_class(hand: Hand) -> None:
    """Rows are read in the order of acceptance; no seq is given twice in a class."""
    seqs: dict[RowClass, list[int]] = {row_class: [] for row_class in RowClass}
    for group in range(5):
        for number in range(6):
            row_class = list(RowClass)[number % 3]
            hand.spool.append(row(f"{row_class}-{group}-{number}", row_class))
        for run in hand.spool.commit():
            seqs[run.row_class] += range(run.first, run.last + 1)
        hand.step()
    for row_class in RowClass:
        assert seqs[row_class] == sorted(set(seqs[row_class]))
        keys = [
            key for run in hand.spool.backlog() if run.row_class is row_class for key in stored_keys(hand.spool, run)
        ]
        assert keys == sorted(keys)
        assert len(keys) == 10


def test_an_open_row_is_seen_and_not_accepted(hand: Hand) -> None:
    """Before the commit a row is known, and counted nowhere."""
    hand.spool.append(row("a"))
    assert hand.spool.seen("a")
    assert hand.spool.is_open("a")
    assert hand.spool.open_rows == 1
    assert total(hand.spool.counters(), "accepted") == 0
    hand.spool.commit()
    assert hand.step().seen("a")
    assert not hand.spool.is_open("a")
    assert hand.spool.open_rows == 0
    assert total(hand.spool.counters(), "accepted") == 1


def test_a_group_that_was_not_committed_is_gone_after_a_restart(tmp_path: Path) -> None:
    """Only a commit accepts."""
    with_row = open_spool(tmp_path)
    with_row.append(row("a"))
    with_row.close()
    again = open_spool(tmp_path)
    assert not again.seen("a")
    assert total(again.counters(), "accepted") == 0
    again.close()


def test_the_same_key_is_refused(hand: Hand) -> None:
    """An event that is in the spool cannot be appended again."""
    accept(hand.spool, "a")
    with pytest.raises(ValueError, match="already"):
        hand.step().append(row("a"))


def test_what_no_file_can_hold_blocks_nobody(hand: Hand) -> None:
    """A key that is not text, or a time beyond 64 bits, is refused at once; its neighbours are accepted."""
    hand.spool.append(row("before"))
    for bad in (replace(row("x"), key="\ud800"), replace(row("y"), received_ms=2**63)):
        with pytest.raises(ValueError):
            hand.spool.append(bad)
    (run,) = hand.spool.commit()
    assert stored_keys(hand.step(), run) == ["before"]


def test_the_last_keys_are_remembered_in_order(hand: Hand) -> None:
    """The newest keys are known whether their rows are here or settled and gone; older ones are forgotten."""
    hand.spool.close()
    hand.keeping = replace(hand.keeping, keys=10, segment_ms=0)
    hand.spool = hand._open(hand._folder / str(hand._deaths))
    for number in range(0, 24, 2):
        accept(hand.spool, f"k{number}")
        accept(hand.spool, f"k{number + 1}", row_class=RowClass.DIAGNOSTIC)
        settle_all(hand.spool)
        hand.spool.maintain()
        hand.step()
    assert [number for number in range(24) if hand.spool.seen(f"k{number}")] == list(range(14, 24))


def test_a_receipt_settles_and_is_counted_once(hand: Hand) -> None:
    """Settled rows leave the backlog; a repeated receipt changes nothing."""
    (run,) = accept(hand.spool, *(f"k{number}" for number in range(10)))
    kept = receipt(hand.spool, run, quarantined=3)
    for _ in range(3):
        assert hand.spool.settle(kept)
        hand.spool.maintain()
        hand.step()
        counters = hand.spool.counters()
        assert (counters.stored[RowClass.MEASUREMENT], counters.quarantined[RowClass.MEASUREMENT]) == (7, 3)
        assert counters.spooled == 0
        assert hand.spool.backlog() == []
        assert is_balanced(counters)


def test_a_receipt_with_another_checksum_settles_nothing(hand: Hand) -> None:
    """The cloud must have exactly these bytes."""
    (run,) = accept(hand.spool, "a", "b")
    kept = receipt(hand.spool, run)
    for wrong in (
        {"crc32": kept.crc32 ^ 1},
        {"last": run.first, "stored": 1},
        {"last": run.last + 1, "stored": 3},
        {"first": 0, "stored": 3},
        {"spool_id": "another"},
        {"stored": -1, "quarantined": 3},
    ):
        assert not hand.spool.settle(msgspec.structs.replace(kept, **wrong))
    assert unsettled_keys(hand.step()) == ["a", "b"]


def test_the_checksum_of_what_was_read_settles_without_reading_again(hand: Hand) -> None:
    """A message's own checksum is enough; one that is not the receipt's is not believed, the rows are asked."""
    (run,) = accept(hand.spool, "a", "b", "c")
    kept = receipt(hand.spool, run)
    assert not hand.spool.settle(msgspec.structs.replace(kept, crc32=kept.crc32 ^ 1), sent_crc32=kept.crc32)
    assert unsettled_keys(hand.spool) == ["a", "b", "c"]
    assert hand.step().settle(kept, sent_crc32=kept.crc32)
    assert hand.spool.backlog() == []
    (run,) = accept(hand.spool, "d")
    assert hand.spool.settle(receipt(hand.spool, run), sent_crc32=0)
    assert hand.spool.backlog() == []
    assert is_balanced(hand.spool.counters())


def test_receipts_may_overlap_and_come_in_any_order(hand: Hand) -> None:
    """Every row is counted once, whatever ranges receipts come in."""
    (run,) = accept(hand.spool, *(f"k{number}" for number in range(10)))
    kept = [
        receipt(hand.spool, replace(run, first=run.first + a, last=run.first + b))
        for a, b in ((6, 7), (2, 4), (3, 8), (0, 9))
    ]
    expected = (
        ["k0", "k1", "k2", "k3", "k4", "k5", "k8", "k9"],
        ["k0", "k1", "k5", "k8", "k9"],
        ["k0", "k1", "k9"],
        [],
    )
    for one, left in zip(kept, expected, strict=True):
        assert hand.spool.settle(one)
        hand.spool.maintain()
        assert unsettled_keys(hand.step()) == left
        assert hand.spool.counters().stored[RowClass.MEASUREMENT] == 10 - len(left)


def test_a_settled_row_that_was_not_written_down_is_sent_again(tmp_path: Path) -> None:
    """A crash before the receipt is on the disk costs a resend: the row is unsettled again, and counted once."""
    spool = open_spool(tmp_path / "a", keeping=limits(settle_linger_ms=60_000))
    (run,) = accept(spool, "a", "b")
    assert spool.settle(receipt(spool, run))
    spool.maintain()
    assert spool.counters().spooled == 0
    left = killed(tmp_path / "a", tmp_path / "b")
    spool.close()
    again = open_spool(left)
    assert unsettled_keys(again) == ["a", "b"]
    assert again.settle(receipt(again, run))
    assert again.counters().stored[RowClass.MEASUREMENT] == 2
    assert is_balanced(again.counters())
    again.close()


def test_reading_stops_at_the_limit_but_gives_one_row(hand: Hand) -> None:
    """`max_bytes` bounds what is read; a single larger row is still given."""
    (run,) = accept(hand.spool, *(f"k{number}" for number in range(10)), size=100)
    spool = hand.step()

    def read(most: int) -> int:
        return len(spool.read(run.spool_id, run.row_class, run.first, run.last, max_bytes=most))

    assert [read(most) for most in (0, 100, 199, 200, 1_000, 10_000)] == [1, 1, 1, 2, 10, 10]
    assert spool.read("unknown", run.row_class, 1, 10, max_bytes=1) == []
    assert spool.read(run.spool_id, RowClass.URGENT, 1, 10, max_bytes=1) == []


def test_the_offset_of_a_boot_is_frozen_once(hand: Hand) -> None:
    """The first offset holds, also after a restart."""
    accept(hand.spool, "a")
    assert hand.spool.offset("boot-1") is None
    assert hand.spool.freeze_offset("boot-1", 86_400_000, False) == Offset(86_400_000, False)
    assert hand.step().freeze_offset("boot-1", 7, True) == Offset(86_400_000, False)
    assert hand.spool.offset("boot-1") == Offset(86_400_000, False)
    assert hand.spool.freeze_offset("boot-0", None, True) == Offset(None, True)
    assert hand.step().offset("boot-0") == Offset(None, True)


def test_runs_of_two_boots_stay_apart(tmp_path: Path) -> None:
    """A run is of one boot, because a message is."""
    first = open_spool(tmp_path, boot="boot-1")
    accept(first, "a", "b")
    first.close()
    second = open_spool(tmp_path, boot="boot-2")
    accept(second, "c")
    name = second.spool_id
    assert second.backlog() == [
        Run(name, RowClass.MEASUREMENT, 1, 2, "boot-1"),
        Run(name, RowClass.MEASUREMENT, 3, 3, "boot-2"),
    ]
    second.close()


def test_a_settled_segment_leaves_the_disk(hand: Hand) -> None:
    """Nothing but the meta file is left of rows that are settled; the counters stay."""
    accept(hand.spool, "a", "b")
    settle_all(hand.spool)
    hand.clock.pass_ms(3_600_000)
    hand.spool.maintain()
    spool = hand.step()
    assert not list(hand._folder.glob(f"{hand._deaths}/*/segments/*"))
    assert spool.counters().stored[RowClass.MEASUREMENT] == 2
    assert is_balanced(spool.counters())
