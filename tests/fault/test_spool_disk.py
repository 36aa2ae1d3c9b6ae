"""The spool under kill -9 and on disks that are full, read-only or failing: a committed row is never lost."""

import contextlib
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


@contextmanager
def child_of(folder: Path, seed: int, *, before: tuple[str, ...] = ()) -> Iterator["subprocess.Popen[str]"]:
    """A process that fills the spool; it does not outlive the block."""
    with subprocess.Popen(
        [*before, sys.executable, "-m", "tests.support.spool_child", str(folder), str(seed)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        try:
            yield child
        finally:
            child.kill()


def test_every_committed_row_survives_kill_9(tmp_path: Path) -> None:
    """A process that commits, settles and rotates is killed at twelve seeded moments: all it told is on the disk."""
    random = Random(2026)
    folder = tmp_path / "spool"
    rows: dict[tuple[RowClass, int], str] = {}
    settled: set[tuple[RowClass, int]] = set()
    spool_ids = set()
    for seed in range(12):
        with child_of(folder, seed) as child:
            assert child.stdout is not None
            lines = [child.stdout.readline() for _ in range(random.randint(3, 400))]
            child.kill()
            rest = child.stdout.read()
        assert child.returncode == -signal.SIGKILL, lines
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
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def open_on(folder: Path, *, name: str = "spool", **changed: int) -> Spool:
    limits = SpoolLimits(**{"settle_linger_ms": 0, "segment_bytes": 200 * KIB, "ballast_bytes": 256 * KIB, **changed})  # type: ignore[arg-type]
    return Spool.open(folder / name, machine="machine-a", boot="boot-1", clock=HostClock(), limits=limits)


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


def fill_to_the_brim(disk: Path) -> None:
    """Not one byte is left for anybody else."""
    with (disk / "filler").open("ab", buffering=0) as filler, contextlib.suppress(OSError):
        while filler.write(bytes(4 * KIB)):
            pass
    assert shutil.disk_usage(disk).free == 0


def test_a_full_disk_refuses_new_rows_and_takes_receipts(tmp_path: Path) -> None:
    """What was accepted stays, receipts are written down (ballast), their segments give room, and it goes on."""
    with small_disk(tmp_path / "disk", "4m") as disk:
        spool = open_on(disk)
        keys: list[str] = []
        fill(spool, keys)
        assert len(keys) > 200
        assert spool.open_rows == 1
        assert unsettled_keys(spool) == keys
        fill_to_the_brim(disk)
        (run,) = spool.backlog()
        for seq in range(1, len(keys), 2):  # no segment is settled as a whole: no room comes back
            assert spool.settle(receipt(spool, Run(run.spool_id, MEASUREMENT, seq, seq, run.boot)))
        spool.maintain()
        fill_to_the_brim(disk)  # with what closing a journal gave back
        with pytest.raises(SpoolFull):
            spool.commit()
        assert total(spool.counters(), "stored") == len(keys) // 2
        assert is_balanced(spool.counters())
        left = Path(shutil.copytree(disk / "spool", tmp_path / "left"))
        spool.close()
        for folder in (tmp_path, disk):  # a kill -9, and a restart, in the middle of it
            again = open_on(folder, name="left" if folder == tmp_path else "spool")
            assert unsettled_keys(again) == keys[1::2]
            assert total(again.counters(), "stored") == len(keys) // 2
            assert again.evictions() == []
            if folder == tmp_path:
                again.close()
        assert left.exists()
        for run in again.backlog()[:120]:
            assert again.settle(receipt(again, run))
        again.maintain()  # whole segments are settled now, and go
        again.append(row("later"))
        again.commit()
        assert not again._shelf.ballast.released
        assert unsettled_keys(again) == [*keys[241::2], "later"]
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
        spool = open_on(disk, segment_bytes=400 * KIB)
        keys: list[str] = []
        fill(spool, keys)
        spool.close()
        path = sorted(disk.glob("spool/*/segments/*.sqlite"))[0]
        content = bytearray(path.read_bytes())
        content[30 * 4096 : 31 * 4096] = b"\xa5" * 4096
        path.write_bytes(content)
        fill_to_the_brim(disk)
        again = open_on(disk)
        (run, *_) = again.backlog()
        read: list[int] = []
        while not read or read[-1] < run.last:  # as a forwarder does
            rows = again.read(run.spool_id, MEASUREMENT, read[-1] + 1 if read else 1, run.last, max_bytes=20_000)
            read += [r.seq for r in rows]
        assert len(keys) - 4 < len(read) < len(keys)
        assert again.evictions() == []
        assert again.settle(receipt(again, Run(run.spool_id, MEASUREMENT, 200, run.last, run.boot)))
        (disk / "filler").unlink()
        again.maintain()  # settled segments make room
        kept = unsettled_keys(again)
        kept = unsettled_keys(again)
        lost = [seq for e in again.evictions() for seq in range(e.first, e.last + 1)]
        assert 0 < len(lost) < 4
        assert sorted([*kept, *(keys[seq - 1] for seq in lost)]) == keys[:199]
        assert is_balanced(again.counters())
        again.close()


def test_a_read_only_disk_is_a_clear_error(tmp_path: Path) -> None:
    """The edge is told that the disk is at fault, touches nothing, and finds everything when it can write again."""
    with small_disk(tmp_path / "disk", "4m") as disk:
        spool = open_on(disk)
        accept(spool, "a")
        spool.close()
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        with pytest.raises(StorageError) as refused:
            open_on(disk)
        assert (refused.value.code, bool(refused.value.hint)) == ("spool.disk", True)
        subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
        again = open_on(disk)
        assert again.spool_id == spool.spool_id
        assert unsettled_keys(again) == ["a"]
        assert again.evictions() == []
        again.close()


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
    syncs = "fsync,fdatasync"
    strace = (
        "strace",
        "-f",
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        f"trace={syncs}",
        "-e",
        f"inject={syncs}:error=EIO:when={at}+",
    )
    with child_of(tmp_path / "spool", 1, before=strace) as child:
        told, complaints = child.communicate(timeout=60)
    if "ptrace" in complaints:
        pytest.skip(f"strace may not trace here: {complaints}")
    assert "spool.io" in complaints
    lines = [line.split() for line in told.splitlines() if line.startswith("row")]
    rows = {(row_class, int(seq)): key for _, row_class, seq, key in lines}
    found = {(r.row_class.value, r.seq): r.key for r in reader.rows(tmp_path / "spool")}
    assert {identity: found.get(identity) for identity in rows} == rows
    spool = open_spool(tmp_path / "spool")
    assert total(spool.counters(), "accepted") >= len(rows)
    assert is_balanced(spool.counters())
    assert spool.evictions() == []
    spool.close()
