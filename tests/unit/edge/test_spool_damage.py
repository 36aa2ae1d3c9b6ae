"""Damaged spools: what can be read is delivered under its identity, the rest is logged, nothing is counted twice."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from core.errors import SpoolCorrupt, StorageError
from core.model import RowClass
from edge.spool import EvictionReason, Run, Spool, reader, recovery
from edge.spool import repair as repair_module
from edge.spool.segment import Segment
from tests.support.spools import (
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

KEYS = [f"k{number:03d}" for number in range(200)]
MANY = [f"m{number:03d}" for number in range(300)]
MEASUREMENT = RowClass.MEASUREMENT


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    with memory_folder() as folder:
        yield folder


def filled(folder: Path, keys: list[str] = KEYS, *, settled: int = 20) -> str:
    """A closed spool with one segment of rows, the first of them settled; its spool_id."""
    spool = open_spool(folder)
    (run,) = accept(spool, *keys, size=300)
    if settled:
        assert spool.settle(receipt(spool, Run(run.spool_id, MEASUREMENT, 1, settled, run.boot)))
    spool.close()
    return spool.spool_id


def flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 0x40
    path.write_bytes(content)


def place_of(path: Path, key: str) -> int:
    """Where a row's stored bytes are in the file."""
    return path.read_bytes().index(f"{key} ..".encode()) + 10


def lost_keys(spool: Spool, keys: list[str] = KEYS) -> list[str]:
    """The rows that the eviction log names."""
    logged = [
        seq
        for eviction in spool.evictions()
        if eviction.reason is EvictionReason.CORRUPT
        for seq in range(eviction.first, eviction.last + 1)
    ]
    assert len(set(logged)) == len(logged)
    return [keys[seq - 1] for seq in logged if seq <= len(keys)]


def check(spool: Spool, folder: Path, *, settled: int = 20, keys: list[str] = KEYS) -> list[str]:
    """Every accepted row is settled, unsettled or lost; the rows lost. Reads everything, so that damage is found."""
    while True:
        before = len(spool.evictions())
        kept = unsettled_keys(spool)
        if len(spool.evictions()) == before:
            break
    lost = lost_keys(spool, keys)
    assert sorted(kept + lost) == keys[settled:]
    counters = spool.counters()
    assert is_balanced(counters)
    assert total(counters, "stored") == settled
    assert total(counters, "corrupt") == total(counters, "evicted") >= len(lost)
    assert [row.key for row in reader.rows(folder) if not row.settled] == kept
    return lost


def test_a_flipped_bit_in_a_row_loses_that_row_alone(tmp_path: Path) -> None:
    """The row's checksum finds it; its neighbours are read, and the damaged file is kept aside."""
    filled(tmp_path)
    (path,) = segment_files(tmp_path)
    flip(path, place_of(path, KEYS[100]))
    spool = open_spool(tmp_path)
    assert check(spool, tmp_path) == [KEYS[100]]
    assert spool.take_evicted() == [Run(spool.spool_id, MEASUREMENT, 101, 101, "boot-1")]
    assert [file.name for file in tmp_path.glob("*/corrupt/*.sqlite")] == ["measurement-000000000001.sqlite"]
    settle_all(spool)
    spool.close()
    again = open_spool(tmp_path)
    assert total(again.counters(), "stored") == len(KEYS) - 1
    assert lost_keys(again) == [KEYS[100]]
    assert is_balanced(again.counters())
    again.close()


@pytest.mark.parametrize("page", range(16))
def test_a_wiped_page_loses_its_rows_alone(tmp_path: Path, page: int) -> None:
    """Whatever page is wiped, tables and indexes included, opening and reading never fail."""
    filled(tmp_path)
    (path,) = segment_files(tmp_path)
    content = bytearray(path.read_bytes())
    content[page * 4096 : (page + 1) * 4096] = b"\xa5" * 4096
    path.write_bytes(content)
    spool = open_spool(tmp_path)
    settled = total(spool.counters(), "stored")  # receipts on a wiped page are forgotten: their rows are sent again
    assert settled in {0, 20}
    lost = check(spool, tmp_path, settled=settled)
    root = 2  # the only page of this file that leads to all rows
    assert len(lost) <= 20 or page == root
    assert {run.first for run in accept(spool, "new")} == {len(KEYS) + 1}
    spool.close()


def ruins() -> dict[str, Callable[[Path], None]]:
    return {
        "empty": lambda path: path.write_bytes(b""),
        "deleted": Path.unlink,
        "garbage": lambda path: path.write_bytes(b"\x5a" * 50_000),
        "cut to two thirds": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3]),
        "cut to ten bytes": lambda path: path.write_bytes(path.read_bytes()[:10]),
        "another database": _another,
    }


def _another(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE t (x)")


@pytest.mark.parametrize("ruin", sorted(ruins()))
def test_a_ruined_segment_is_logged_and_its_neighbours_delivered(tmp_path: Path, ruin: str) -> None:
    """What cannot be read is in the eviction log with its exact range; the other segments go on."""
    spool = open_spool(tmp_path)
    name = spool.spool_id
    accept(spool, *KEYS[:60], size=300)
    accept(spool, "u", row_class=RowClass.URGENT)
    spool.close()
    spool = open_spool(tmp_path)
    accept(spool, *KEYS[60:], size=300)
    spool.close()
    path = next(p for p in segment_files(tmp_path) if p.name.startswith("measurement-000000000001"))
    ruins()[ruin](path)
    spool = open_spool(tmp_path)
    kept = unsettled_keys(spool)
    kept = unsettled_keys(spool)
    lost = lost_keys(spool)
    assert sorted([*kept, *lost]) == [*KEYS, "u"]
    assert set(lost) <= set(KEYS[:60])
    assert len(lost) == 60 or ruin == "cut to two thirds"
    assert len(lost) < 50 or ruin != "cut to two thirds"
    assert is_balanced(spool.counters())
    assert total(spool.counters(), "corrupt") == len(lost)
    assert spool.spool_id == name
    (run,) = accept(spool, "after")
    assert run.first == len(KEYS) + 1
    spool.close()
    again = open_spool(tmp_path)
    assert lost_keys(again) == lost
    assert is_balanced(again.counters())
    again.close()


def test_an_emptied_segments_folder_never_leads_to_a_seq_used_twice(tmp_path: Path) -> None:
    """Everything that was in it is logged; new rows go on behind it, after a kill -9 too."""
    spool = open_spool(tmp_path / "a")
    accept(spool, "a", "b", "c")
    left = killed(tmp_path / "a", tmp_path / "b")
    spool.close()
    for file in left.glob("*/segments/*"):
        file.unlink()
    again = open_spool(left)
    assert again.spool_id == spool.spool_id
    (eviction,) = again.evictions()
    assert (eviction.first, eviction.reason) == (1, EvictionReason.CORRUPT)
    assert eviction.last >= 3
    (run,) = accept(again, "d")
    assert run.first > eviction.last
    assert is_balanced(again.counters())
    again.close()


def crashed(folder: Path, into: Path, keys: list[str]) -> Path:
    """A spool killed with rows in the journal of its segment, one commit a row."""
    spool = open_spool(folder)
    for key in keys:
        accept(spool, key, size=300)
    left = killed(folder, into)
    spool.close()
    return left


def journal(folder: Path) -> Path:
    (path,) = segment_files(folder)
    return path.with_name(path.name + "-wal")


def test_a_crash_alone_is_no_damage(tmp_path: Path) -> None:
    """A journal as a kill -9 leaves it loses nothing and raises no alarm, at any length."""
    for count in (1, 2, 25, 300):
        left = crashed(tmp_path / f"a{count}", tmp_path / f"b{count}", MANY[:count])
        again = open_spool(left)
        assert again.evictions() == []
        assert unsettled_keys(again) == MANY[:count]
        again.close()


def test_a_torn_last_commit_is_not_an_accepted_row(tmp_path: Path) -> None:
    """Half a transaction at the journal's end, as a crash while committing leaves it, raises no alarm."""
    left = crashed(tmp_path / "a", tmp_path / "b", KEYS[:10])
    wal = journal(left)
    wal.write_bytes(wal.read_bytes()[:-2_000])
    again = open_spool(left)
    assert again.evictions() == []
    assert unsettled_keys(again) == KEYS[:9]
    again.close()


@pytest.mark.parametrize("harm", ["flipped", "header", "emptied", "deleted", "garbage"])
def test_a_damaged_journal_is_noticed(tmp_path: Path, harm: str) -> None:
    """SQLite silently drops what stands behind a damaged frame: the spool logs the range that may be lost."""
    left = crashed(tmp_path / "a", tmp_path / "b", KEYS[:10])
    wal = journal(left)
    match harm:
        case "flipped":
            flip(wal, wal.read_bytes().index(f"{KEYS[4]} ..".encode()) + 20)
        case "header":
            flip(wal, 9)
        case "emptied":
            wal.write_bytes(b"")
        case "deleted":
            wal.unlink()
        case _:
            wal.write_bytes(b"\x33" * 9_000)
    again = open_spool(left)
    kept = unsettled_keys(again)
    assert kept == (KEYS[:4] if harm == "flipped" else [])
    (eviction,) = again.evictions()
    assert eviction.first == len(kept) + 1
    assert eviction.last >= 10
    assert is_balanced(again.counters())
    (run,) = accept(again, "after")
    assert run.first > eviction.last
    assert len(list(left.glob("*/corrupt/*.sqlite"))) == 1
    again.close()


@pytest.mark.parametrize("step", ["_save", "set_aside", "rename"])
def test_a_crash_during_a_repair_repeats_it_without_counting_twice(
    tmp_path: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever step of a repair is the last, the next start finishes it: the same rows kept, the same rows lost."""
    filled(tmp_path / "a")
    (path,) = segment_files(tmp_path / "a")
    content = bytearray(path.read_bytes())
    content[10 * 4096 : 11 * 4096] = b"\xa5" * 4096
    path.write_bytes(content)
    left = tmp_path / "left"
    original = {"_save": repair_module._save, "set_aside": repair_module.set_aside}

    def save(segment: Segment, fresh: Path) -> object:
        saved = original["_save"](segment, fresh)
        killed(tmp_path / "a", left)
        return saved

    def before_aside(folder: Path, file: Path) -> Path:
        killed(tmp_path / "a", left)
        return original["set_aside"](folder, file)  # type: ignore[no-any-return]

    def after_aside(folder: Path, file: Path) -> Path:
        target = original["set_aside"](folder, file)
        killed(tmp_path / "a", left)
        return target  # type: ignore[no-any-return]

    if step == "_save":
        monkeypatch.setattr(repair_module, "_save", save)
    else:
        monkeypatch.setattr(repair_module, "set_aside", before_aside if step == "set_aside" else after_aside)
    spool = open_spool(tmp_path / "a")
    lost = check(spool, tmp_path / "a")
    assert 0 < len(lost) <= 20
    spool.close()
    monkeypatch.undo()
    assert [row.key for row in reader.rows(left) if not row.settled and row.key not in lost] == [
        key for key in KEYS[20:] if key not in lost
    ]
    again = open_spool(left)
    assert check(again, left) == lost
    again.close()


def test_keys_of_a_damaged_segment_are_still_known(tmp_path: Path) -> None:
    """A redelivered event is not accepted twice because its segment was damaged."""
    filled(tmp_path)
    (path,) = segment_files(tmp_path)
    content = bytearray(path.read_bytes())
    content[10 * 4096 : 11 * 4096] = b"\xa5" * 4096
    path.write_bytes(content)
    spool = open_spool(tmp_path)
    lost = check(spool, tmp_path)
    assert [key for key in KEYS if not spool.seen(key) and key not in lost] == []
    spool.close()


# --- the meta file


@pytest.mark.parametrize("harm", ["empty", "deleted", "garbage", "flipped"])
def test_a_lost_meta_file_loses_no_row_and_no_seq(tmp_path: Path, harm: str) -> None:
    """Every row is delivered under its old spool_id; new rows get a new one, so that no seq is used twice."""
    old = filled(tmp_path)
    (meta,) = tmp_path.glob("*/meta.sqlite")
    match harm:
        case "empty":
            meta.write_bytes(b"")
        case "deleted":
            meta.unlink()
        case "garbage":
            meta.write_bytes(b"\x11" * 20_000)
        case _:
            content = bytearray(meta.read_bytes())
            content[4096:8192] = b"\xa5" * 4096
            meta.write_bytes(content)
    spool = open_spool(tmp_path)
    assert spool.spool_id != old
    assert [(run.spool_id, run.first, run.last) for run in spool.backlog()] == [(old, 21, 200)]
    assert unsettled_keys(spool) == KEYS[20:]
    assert all(spool.seen(key) for key in KEYS)
    (run,) = accept(spool, "new")
    assert (run.spool_id, run.first) == (spool.spool_id, 1)
    settle_all(spool)
    spool.close()
    again = open_spool(tmp_path)
    assert again.backlog() == []
    assert again.evictions() == []
    assert is_balanced(again.counters())
    assert total(again.counters(), "stored") == 201
    again.close()


def test_a_meta_file_whose_journal_is_ruined_is_not_trusted(tmp_path: Path) -> None:
    """What it reserved last may be missing: the spool is emptied, and new rows get a new spool_id."""
    left = crashed(tmp_path / "a", tmp_path / "b", KEYS[:30])
    (wal,) = left.glob("*/meta.sqlite-wal")
    wal.write_bytes(b"\x00" * 5_000)
    again = open_spool(left)
    (old,) = {run.spool_id for run in again.backlog()}
    assert old != again.spool_id
    assert unsettled_keys(again) == KEYS[:30]
    assert again.evictions() == []
    again.close()


@pytest.mark.parametrize("step", ["before", "after"])
def test_a_crash_while_a_meta_file_is_rebuilt_repeats_it(
    tmp_path: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed around the moment the damaged file is set aside, the next start ends with the same rows and log."""
    old = filled(tmp_path / "a")
    spool = open_spool(tmp_path / "a", keeping=limits(quota_bytes=1))
    accept(spool, "u", row_class=RowClass.URGENT)
    spool.maintain()
    spool.close()
    (meta,) = (tmp_path / "a").glob("*/meta.sqlite")
    with closing(sqlite3.connect(meta)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'boot'").fetchone()
    content = bytearray(meta.read_bytes())
    content[(page - 1) * 4096 : page * 4096] = b"\xa5" * 4096
    meta.write_bytes(content)
    original = recovery.set_aside

    def set_aside(folder: Path, path: Path) -> Path:
        if step == "before":
            killed(tmp_path / "a", tmp_path / "b")
        target = original(folder, path)
        if step == "after":
            killed(tmp_path / "a", tmp_path / "b")
        return target

    monkeypatch.setattr(recovery, "set_aside", set_aside)
    open_spool(tmp_path / "a").close()
    monkeypatch.undo()
    for folder in (tmp_path / "a", tmp_path / "b"):
        again = open_spool(folder)
        assert again.spool_id != old
        assert again.backlog() == []
        assert sum(eviction.rows for eviction in again.evictions()) == len(KEYS) - 20 + 1
        assert is_balanced(again.counters())
        assert total(again.counters(), "stored") == 20
        again.close()


def test_evictions_and_offsets_survive_a_damaged_meta_file(tmp_path: Path) -> None:
    """What can be read of a damaged meta file is taken over."""
    spool = open_spool(tmp_path, keeping=limits(quota_bytes=1))
    accept(spool, "a", "b")
    spool.maintain()
    assert [eviction.rows for eviction in spool.evictions()] == [2]
    spool.freeze_offset("boot-1", 42, False)
    spool.close()
    (meta,) = tmp_path.glob("*/meta.sqlite")
    with closing(sqlite3.connect(meta)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'key'").fetchone()
    content = bytearray(meta.read_bytes())
    content[(page - 1) * 4096 : page * 4096] = b"\xa5" * 4096
    meta.write_bytes(content)
    again = open_spool(tmp_path)
    assert [(e.first, e.last, e.rows, e.reason) for e in again.evictions()] == [(1, 2, 2, EvictionReason.QUOTA)]
    offset = again.offset("boot-1")
    assert offset is not None
    assert offset.offset_ms == 42
    again.close()


def test_a_segment_that_was_taken_away_under_a_running_spool_takes_no_more_rows(tmp_path: Path) -> None:
    """A commit into a file without a name would be lost: it is refused, and the next one makes a new file."""
    spool = open_spool(tmp_path)
    accept(spool, "a")
    for file in tmp_path.glob("*/segments/*"):
        file.unlink()
    with pytest.raises(SpoolCorrupt):
        accept(spool, "b")
    (run,) = spool.commit()
    assert run.first > 1
    spool.close()
    again = open_spool(tmp_path)
    assert unsettled_keys(again) == ["b"]
    assert lost_keys(again, ["a"]) == ["a"]
    assert is_balanced(again.counters())
    again.close()


def test_three_failed_reads_make_a_segment_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fails once may come back; a sector that never reads does not hold the others up for ever."""
    filled(tmp_path, settled=0)
    spool = open_spool(tmp_path)
    original = Segment.read
    failures = []

    def read(self: Segment, first: int, last: int, *, max_bytes: int) -> object:
        if len(failures) < 3:
            failures.append(first)
            raise StorageError("spool.io", "disk I/O error")
        return original(self, first, last, max_bytes=max_bytes)

    monkeypatch.setattr(Segment, "read", read)
    for _ in range(2):
        with pytest.raises(StorageError):
            spool.read(spool.spool_id, MEASUREMENT, 1, 10, max_bytes=1_000)
    assert len(spool.read(spool.spool_id, MEASUREMENT, 1, 10, max_bytes=1 << 20)) == 10
    assert spool.evictions() == []
    assert unsettled_keys(spool) == KEYS
    spool.close()
