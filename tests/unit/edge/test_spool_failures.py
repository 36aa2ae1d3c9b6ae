"""Commits that fail: nothing of them is accepted, no seq is used twice, nothing that was accepted is touched."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import SpoolFull, StorageError
from core.model import RowClass
from edge.spool import Spool, reader
from edge.spool.segment import Segment
from tests.support.spools import (
    accept,
    is_balanced,
    killed,
    limits,
    memory_folder,
    open_spool,
    receipt,
    row,
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


def active(spool: Spool, row_class: RowClass = MEASUREMENT) -> Segment:
    segment = spool._shelf.home.active(row_class)
    assert segment is not None
    return segment


def fill_up(spool: Spool) -> None:
    """No page can be added to the segment in use any more: SQLite answers as on a full disk."""
    connection = active(spool).connection
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")


def test_a_group_that_does_not_fit_stays_open_and_is_accepted_later(tmp_path: Path) -> None:
    """On a full disk nothing of the group is accepted; the same group is committed when there is room."""
    spool = open_spool(tmp_path)
    accept(spool, "a")
    fill_up(spool)
    spool.append(row("b", size=20_000))
    spool.append(row("c"))
    with pytest.raises(SpoolFull, match="no room"):
        spool.commit()
    assert spool.open_rows == 2
    assert spool.is_open("b")
    assert total(spool.counters(), "accepted") == 1
    assert [r.key for r in reader.rows(tmp_path)] == ["a"]
    (run,) = spool.commit()
    assert run.first > 2
    assert unsettled_keys(spool) == ["a", "b", "c"]
    assert is_balanced(spool.counters())
    spool.close()


class Phantom:
    """A commit that is on the disk although it was told to have failed: what a failed fsync may leave."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._original = Segment.append
        self._monkeypatch = monkeypatch

    def __enter__(self) -> None:
        original = self._original

        def append(segment: Segment, lines: object) -> None:
            last, rows, unsettled = segment.last, segment.row_bytes, list(segment.unsettled)
            original(segment, lines)  # type: ignore[arg-type]
            segment.last, segment.row_bytes = last, rows
            segment.unsettled.drain()
            for span in unsettled:
                segment.unsettled.add(*span)
            raise StorageError("spool.io", "disk I/O error")

        self._monkeypatch.setattr(Segment, "append", append)

    def __exit__(self, *_: object) -> None:
        self._monkeypatch.setattr(Segment, "append", self._original)


@pytest.mark.parametrize("rows_before", [0, 1])
def test_what_a_failed_commit_left_behind_is_never_taken_for_an_accepted_row(
    tmp_path: Path, rows_before: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The group is accepted once, under the seq of the commit that returned; restarts and readers agree."""
    spool = open_spool(tmp_path / "a", keeping=limits(keep_settled=True))
    before = ["a"] * rows_before
    if rows_before:
        accept(spool, "a")
    with Phantom(monkeypatch), pytest.raises(StorageError):
        accept(spool, "b")
    (run,) = spool.commit()
    assert run.first == rows_before + 2
    assert [r.key for r in reader.rows(tmp_path / "a")] == [*before, "b"]
    left = killed(tmp_path / "a", tmp_path / "b")
    spool.close()
    for folder in (tmp_path / "a", left):
        again = open_spool(folder, keeping=limits(keep_settled=True))
        assert unsettled_keys(again) == [*before, "b"]
        assert total(again.counters(), "accepted") == rows_before + 1
        assert again.evictions() == []
        settle_all(again)
        again.maintain()
        again.close()
        assert [r.key for r in reader.rows(folder)] == [*before, "b"]
        assert all(r.settled for r in reader.rows(folder))


def test_a_crash_after_a_failed_commit_may_accept_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Found on the disk by the next start, before it was tried again: accepted once, and the redelivery is known."""
    spool = open_spool(tmp_path / "a")
    with Phantom(monkeypatch), pytest.raises(StorageError):
        accept(spool, "b")
    left = killed(tmp_path / "a", tmp_path / "b")
    spool.close()
    again = open_spool(left)
    assert unsettled_keys(again) == ["b"]
    assert again.seen("b")
    again.close()


def test_classes_are_accepted_each_by_its_own_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When one class fails, those before it are on the disk: not written again, told by the commit that ends it."""
    spool = open_spool(tmp_path / "a")
    original = Segment.append

    def append(segment: Segment, lines: object) -> None:
        if segment.row_class is MEASUREMENT:
            raise SpoolFull("spool.full", "no room")
        original(segment, lines)  # type: ignore[arg-type]

    monkeypatch.setattr(Segment, "append", append)
    for row_class in RowClass:
        spool.append(row(row_class.value, row_class))
    with pytest.raises(SpoolFull):
        spool.commit()
    assert [spool.is_open(row_class.value) for row_class in RowClass] == [False, True, True]
    assert all(spool.seen(row_class.value) for row_class in RowClass)
    assert total(spool.counters(), "accepted") == 1
    left = killed(tmp_path / "a", tmp_path / "b")
    monkeypatch.undo()
    runs = spool.commit()
    assert [(run.row_class, run.first) for run in runs] == [(URGENT, 1), (MEASUREMENT, 2), (DIAGNOSTIC, 1)]
    assert total(spool.counters(), "accepted") == 3
    assert spool.commit() == []
    spool.close()
    again = open_spool(left)
    assert unsettled_keys(again) == ["urgent"]
    assert is_balanced(again.counters())
    again.close()


def test_a_disk_that_refuses_new_files_refuses_new_segments_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The segment in use is not ended before its successor is there."""
    spool = open_spool(tmp_path, keeping=limits(segment_bytes=1))
    accept(spool, "a")
    with monkeypatch.context() as patch:
        patch.setattr(Segment, "create_file", _refuse)
        with pytest.raises(SpoolFull):
            accept(spool, "b")
    assert len(segment_files(tmp_path)) == 1
    (run,) = spool.commit()
    assert run.first == 2
    spool.close()


def _refuse(segment: Segment) -> None:
    raise SpoolFull("spool.full", "no room")


def test_seq_are_reserved_before_they_are_used(tmp_path: Path) -> None:
    """Behind a kill -9 at most one block is skipped; behind a clean stop nothing is."""
    spool = open_spool(tmp_path / "a")
    for number in range(300):
        spool.append(row(f"k{number}"))
    (run,) = spool.commit()
    assert (run.first, run.last) == (1, 300)
    accept(spool, "after")
    left = killed(tmp_path / "a", tmp_path / "b")
    spool.close()
    for folder, least, most in ((tmp_path / "a", 302, 302), (left, 302, 302 + 256)):
        again = open_spool(folder)
        (run,) = accept(again, "next")
        assert least <= run.first <= most
        again.close()


def test_closing_tries_every_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A receipt that cannot be written does not keep the segments from being ended in order."""
    spool = open_spool(tmp_path)
    (run,) = accept(spool, "a", "b")
    assert spool.settle(receipt(spool, replace(run, last=1)))

    def refuse(segment: Segment) -> None:
        raise StorageError("spool.io", "disk I/O error")

    with monkeypatch.context() as patch:
        patch.setattr(Segment, "write_marks", refuse)
        with pytest.raises(StorageError):
            spool.close()
    again = open_spool(tmp_path)
    assert again.evictions() == []
    assert unsettled_keys(again) == ["a", "b"]
    (run,) = accept(again, "c")
    assert run.first == 3
    again.close()


# --- clones and moved cards


def test_a_copied_folder_delivers_its_rows_under_their_own_spool_id(tmp_path: Path) -> None:
    """On another machine the old spool is emptied, never added to; the first one goes on."""
    first = open_spool(tmp_path / "a")
    accept(first, "a", "b")
    copy = killed(tmp_path / "a", tmp_path / "b")
    second = open_spool(copy, machine="machine-b")
    assert second.spool_id != first.spool_id
    (old, new) = (*second.backlog(), *accept(second, "c"))
    assert (old.spool_id, old.first, old.last) == (first.spool_id, 1, 2)
    assert (new.spool_id, new.first) == (second.spool_id, 1)
    assert second.seen("a")
    kept = receipt(second, old)
    accept(first, "d")
    assert receipt(first, old) == kept  # same identity, same bytes: whoever is first
    assert second.settle(kept)
    assert first.settle(kept)
    second.maintain()
    assert unsettled_keys(second) == ["c"]
    assert unsettled_keys(first) == ["d"]
    assert is_balanced(second.counters())
    first.close()
    second.close()
    again = open_spool(copy, machine="machine-b")
    assert again.spool_id == second.spool_id
    assert [run.spool_id for run in again.backlog()] == [second.spool_id]
    again.close()


def test_a_card_that_comes_back_gets_a_third_spool(tmp_path: Path) -> None:
    """The first machine may have gone on elsewhere: its old seq are never trusted again."""
    ids = []
    for machine in ("machine-a", "machine-b", "machine-a"):
        spool = open_spool(tmp_path, machine=machine)
        accept(spool, f"k{len(ids)}")
        ids.append(spool.spool_id)
        spool.close()
    assert len(set(ids)) == 3
    spool = open_spool(tmp_path, machine="machine-a")
    assert spool.spool_id == ids[2]
    assert [run.spool_id for run in spool.backlog()] == ids
    assert unsettled_keys(spool) == ["k0", "k1", "k2"]
    spool.close()


def test_an_offset_frozen_on_one_machine_holds_for_the_copied_rows(tmp_path: Path) -> None:
    """The offset of a boot travels with its spool; one frozen later is written to the spool of the boot's rows."""
    first = open_spool(tmp_path, boot="boot-1")
    accept(first, "a")
    first.freeze_offset("boot-1", 5, False)
    first.close()
    second = open_spool(tmp_path, machine="machine-b", boot="boot-2")
    accept(second, "b")
    found = second.offset("boot-1")
    assert found is not None
    assert found.offset_ms == 5
    second.close()
    third = open_spool(tmp_path, machine="machine-c", boot="boot-3")
    third.freeze_offset("boot-2", 6, True)
    third.close()
    assert {boot: offset.offset_ms for boot, offset in reader.offsets(tmp_path).items()} == {"boot-1": 5, "boot-2": 6}
    assert [(r.key, r.offset_ms) for r in sorted(reader.rows(tmp_path), key=lambda r: r.key)] == [("a", 5), ("b", 6)]


def test_a_spool_needs_a_machine(tmp_path: Path) -> None:
    """Without an identity of the host nothing could tell a clone."""
    with pytest.raises(ValueError, match="machine"):
        open_spool(tmp_path, machine="")


def test_a_half_made_spool_is_made_anew(tmp_path: Path) -> None:
    """A crash while the first spool is made leaves nothing that the next start trips over."""
    (tmp_path / ".abc.new" / "segments").mkdir(parents=True)
    (tmp_path / "current.new").write_text("abc")
    spool = open_spool(tmp_path)
    accept(spool, "a")
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == [spool.spool_id]
    spool.close()
