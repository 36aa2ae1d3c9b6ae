"""The spool under kill -9 and on disks that are full, read-only or failing: a committed row is never lost."""

import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

from core.errors import SpoolFull, StorageError
from core.model import RowClass
from core.ports.clock import HostClock
from edge.spool import Run, Spool, SpoolLimits, reader
from tests.conftest import require
from tests.support.spools import KIB, accept, is_balanced, open_spool, receipt, row, settle_all, total, unsettled_keys

pytestmark = pytest.mark.fault

ROOT = Path(__file__).parents[2]
MEASUREMENT = RowClass.MEASUREMENT


def start_child(folder: Path, seed: int, *, before: tuple[str, ...] = ()) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [*before, sys.executable, "-m", "tests.support.spool_child", str(folder), str(seed)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_every_committed_row_survives_kill_9(tmp_path: Path) -> None:
    """A process that commits, settles and rotates is killed at twelve seeded moments: all it told is on the disk."""
    random = Random(2026)
    folder = tmp_path / "spool"
    rows: dict[tuple[RowClass, int], str] = {}
    settled: set[tuple[RowClass, int]] = set()
    spool_ids = set()
    for seed in range(12):
        child = start_child(folder, seed)
        assert child.stdout is not None
        assert child.stderr is not None
        lines = []
        for _ in range(random.randint(3, 400)):
            lines.append(child.stdout.readline())
            assert lines[-1], child.stderr.read()
        child.kill()
        rest, complaints = child.communicate(timeout=30)
        assert child.returncode == -signal.SIGKILL
        assert "error" not in complaints.lower()
        lines += [line for line in rest.splitlines(keepends=True) if line.endswith("\n")]
        for line in lines:
            match line.split():
                case ["opened", spool_id]:
                    spool_ids.add(spool_id)
                case ["row", row_class, seq, key]:
                    identity = (RowClass(row_class), int(seq))
                    assert identity not in rows, "a seq was used twice"
                    rows[identity] = key
                case ["settled", row_class, first, last]:
                    settled.update((RowClass(row_class), seq) for seq in range(int(first), int(last) + 1))
        found = {(r.row_class, r.seq): r for r in reader.rows(folder)}
        assert {identity: found[identity].key for identity in rows} == rows
        assert {identity for identity, r in found.items() if r.settled} <= settled
        assert reader.evictions(folder) == []
    assert len(spool_ids) == 1
    assert len(rows) > 500
    for row_class in RowClass:
        keys = [key for (of, _), key in sorted(rows.items()) if of is row_class]
        assert keys == sorted(keys, key=lambda key: tuple(map(int, key.split("-"))))
    spool = open_spool(folder)
    counters = spool.counters()
    assert is_balanced(counters)
    assert total(counters, "corrupt") == 0
    found = {(r.row_class, r.seq): r for r in reader.rows(folder)}
    assert total(counters, "accepted") == len(found)
    assert len({r.key for r in found.values()}) == len(found), "a row was accepted twice"
    backlog = {(run.row_class, seq) for run in spool.backlog() for seq in range(run.first, run.last + 1)}
    assert backlog == {identity for identity, r in found.items() if not r.settled}
    spool.close()


# --- full disks


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A disk of its own, which is really full when it is full."""
    require(os.geteuid() == 0 and shutil.which("mount"), "mounting a small disk needs root: run the tests as root")
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "beffroi-test", str(folder)], capture_output=True, text=True
    )
    require(mounted.returncode == 0, f"mounting a small disk is not permitted here: {mounted.stderr}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def open_on(folder: Path, **changed: int) -> Spool:
    limits = SpoolLimits(**{"settle_linger_ms": 0, "segment_bytes": 200 * KIB, "ballast_bytes": 256 * KIB, **changed})  # type: ignore[arg-type]
    return Spool.open(folder / "spool", machine="machine-a", boot="boot-1", clock=HostClock(), limits=limits)


def fill(spool: Spool, keys: list[str], *, size: int = 3_000) -> None:
    """Accept rows until the disk refuses; `keys` grows by what was accepted."""
    for _ in range(10_000):
        key = f"k{len(keys):05d}"
        if not spool.is_open(key):
            spool.append(row(key, size=size))
        try:
            spool.commit()
        except SpoolFull:
            return
        keys.append(key)
    raise AssertionError("the disk never was full")


def test_a_full_disk_refuses_new_rows_and_takes_receipts(tmp_path: Path) -> None:
    """What was accepted stays, receipts are written down (ballast), their segments give room, and it goes on."""
    with small_disk(tmp_path / "disk", "4m") as disk:
        spool = open_on(disk)
        keys: list[str] = []
        fill(spool, keys)
        assert len(keys) > 200
        assert spool.open_rows == 1
        assert unsettled_keys(spool) == keys
        (disk / "filler").write_bytes(b"")  # not one byte is left for anybody else
        with pytest.raises(OSError, match="No space"), (disk / "filler").open("ab") as filler:
            while True:
                filler.write(bytes(4 * KIB))
                filler.flush()
        (run,) = spool.backlog()
        assert spool.settle(receipt(spool, Run(run.spool_id, MEASUREMENT, 1, 250, run.boot)))
        spool.maintain()
        with pytest.raises(SpoolFull):
            spool.commit()
        assert total(spool.counters(), "stored") == 250
        assert is_balanced(spool.counters())
        spool.close()

        again = open_on(disk)  # a restart in the middle of it
        assert unsettled_keys(again) == keys[250:]
        assert total(again.counters(), "stored") == 250
        assert again.evictions() == []
        (disk / "filler").unlink()
        again.maintain()
        assert not again._shelf.ballast.released
        again.append(row("later"))
        again.commit()
        assert unsettled_keys(again) == [*keys[250:], "later"]
        settle_all(again)
        again.maintain()
        assert is_balanced(again.counters())
        again.close()


def test_many_rounds_of_a_full_disk_lose_nothing(tmp_path: Path) -> None:
    """Filled, half settled, restarted, filled again: every accepted row is settled or still there, each round."""
    random = Random(7)
    with small_disk(tmp_path / "disk", "3m") as disk:
        keys: list[str] = []
        for _ in range(6):
            spool = open_on(disk, segment_bytes=random.choice([20, 100, 400]) * KIB)
            for _ in range(3):
                fill(spool, keys, size=random.choice([200, 3_000, 20_000]))
                for run in spool.backlog():
                    first = random.randint(run.first, run.last)
                    last = random.randint(first, min(run.last, first + 200))
                    assert spool.settle(receipt(spool, Run(run.spool_id, MEASUREMENT, first, last, run.boot)))
                spool.maintain()
                counters = spool.counters()
                assert is_balanced(counters)
                assert total(counters, "accepted") == len(keys)
                assert total(counters, "evicted") == 0
                assert len(unsettled_keys(spool)) == counters.spooled
            spool.close()


def test_an_eviction_works_on_a_full_disk(tmp_path: Path) -> None:
    """The eviction log is written from the ballast, then whole segments go and new rows are accepted again."""
    with small_disk(tmp_path / "disk", "3m") as disk:
        spool = open_on(disk, min_free_bytes=800 * KIB, segment_bytes=100 * KIB)
        keys: list[str] = []
        fill(spool, keys)
        spool.maintain()
        lost = [seq for run in spool.take_evicted() for seq in range(run.first, run.last + 1)]
        assert lost
        counters = spool.counters()
        assert total(counters, "evicted") == len(lost)
        assert is_balanced(counters)
        spool.maintain()
        spool.commit()
        assert len(unsettled_keys(spool)) == len(keys) + 1 - len(lost)
        spool.close()


def test_a_damaged_segment_on_a_full_disk_does_not_keep_the_edge_down(tmp_path: Path) -> None:
    """Where there is no room to repair, the rest is delivered; it is repaired when there is."""
    with small_disk(tmp_path / "disk", "4m") as disk:
        spool = open_on(disk, ballast_bytes=64 * KIB)
        keys: list[str] = []
        fill(spool, keys, size=300)
        spool.close()
        path = sorted(disk.glob("spool/*/segments/*.sqlite"))[0]
        content = bytearray(path.read_bytes())
        content[30 * 4096 : 31 * 4096] = b"\xa5" * 4096
        path.write_bytes(content)
        with pytest.raises(OSError, match="No space"), (disk / "filler").open("ab") as filler:
            while True:
                filler.write(bytes(4 * KIB))
                filler.flush()
        again = open_on(disk, ballast_bytes=64 * KIB)
        (run, *_) = again.backlog()
        assert len(again.read(run.spool_id, MEASUREMENT, run.first, run.first + 5, max_bytes=1 << 20)) == 6
        (disk / "filler").unlink()
        kept = unsettled_keys(again)
        kept = unsettled_keys(again)
        lost = [seq for e in again.evictions() for seq in range(e.first, e.last + 1)]
        assert 0 < len(lost) < 20
        assert sorted([*kept, *(keys[seq - 1] for seq in lost)]) == keys
        assert is_balanced(again.counters())
        again.close()


def test_a_disk_that_turns_read_only_accepts_nothing(tmp_path: Path) -> None:
    """The commit fails, the group stays open; when the disk can be written again it is accepted."""
    with small_disk(tmp_path / "disk", "4m") as disk:
        spool = open_on(disk)
        accept(spool, "a")
        spool.close()
        spool = open_on(disk)
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        try:
            spool.append(row("b"))
            for _ in range(2):
                with pytest.raises(StorageError) as refused:
                    spool.commit()
                assert not isinstance(refused.value, SpoolFull)
            assert unsettled_keys(spool) == ["a"]
            assert total(spool.counters(), "accepted") == 1
            with pytest.raises(StorageError):
                open_on(disk)
        finally:
            subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
        spool.commit()
        assert unsettled_keys(spool) == ["a", "b"]
        spool.close()


# --- failing disks


@contextmanager
def no_file_longer_than(size: int) -> Iterator[None]:
    """Writes beyond `size` fail with an error that is not "disk full" (EFBIG; Python ignores SIGXFSZ)."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("limit_kib", [0, 4, 20, 36, 60])
def test_a_write_error_accepts_nothing(tmp_path: Path, limit_kib: int) -> None:
    """Wherever in a commit the disk fails, nothing of it is accepted; afterwards the same group is, once."""
    spool = open_spool(tmp_path)
    accept(spool, "a")
    spool.append(row("b", size=60_000))
    spool.append(row("u", RowClass.URGENT, size=60_000))
    with no_file_longer_than(limit_kib * KIB), pytest.raises(StorageError) as refused:
        spool.commit()
    assert not isinstance(refused.value, SpoolFull)
    assert unsettled_keys(spool) == ["a"]
    spool.commit()
    assert sorted(unsettled_keys(spool)) == ["a", "b", "u"]
    spool.close()
    again = open_spool(tmp_path)
    assert sorted(unsettled_keys(again)) == ["a", "b", "u"]
    assert sorted(r.key for r in reader.rows(tmp_path)) == ["a", "b", "u"]
    assert again.evictions() == []
    assert is_balanced(again.counters())
    again.close()


@pytest.mark.parametrize("at", [10, 23, 40])
def test_a_failing_fsync_accepts_nothing(tmp_path: Path, at: int) -> None:
    """The commit whose sync fails is not told as accepted; all before it is there."""
    if shutil.which("strace") is None:
        pytest.skip("strace injects the error: apt-get install strace")
    child = start_child(
        tmp_path / "spool",
        1,
        before=("strace", "-f", "-qq", "-e", "trace=none", "-e", f"inject=fdatasync:error=EIO:when={at}+"),
    )
    told, complaints = child.communicate(timeout=60)
    if "ptrace" in complaints:
        pytest.skip(f"strace may not trace here: {complaints}")
    assert "disk I/O error" in complaints
    rows = {
        (c, int(seq)): key for line in told.splitlines() if line.startswith("row") for _, c, seq, key in [line.split()]
    }
    found = {(r.row_class.value, r.seq): r.key for r in reader.rows(tmp_path / "spool")}
    assert {identity: found.get(identity) for identity in rows} == rows
    spool = open_spool(tmp_path / "spool")
    assert total(spool.counters(), "accepted") >= len(rows)
    assert is_balanced(spool.counters())
    assert spool.evictions() == []
    spool.close()
