"""Spools in tests: a clock that stands still, rows, receipts, and what a killed process leaves behind."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from core.envelope import checksum
from core.model import ClockQuality, RowClass
from core.receipt import Kept
from edge.spool import Counters, NewRow, Run, Spool, SpoolLimits

KIB = 1024
_MEMORY = Path("/dev/shm")  # where a sync costs nothing: most claims are not about the disk


@dataclass
class StillClock:
    """Moves only when told."""

    wall_ms: int = 1_700_000_000_000
    monotonic_ms: int = 5_000
    is_synced: bool = True

    def now_ms(self) -> int:
        return self.wall_ms

    def mono_ms(self) -> int:
        return self.monotonic_ms

    def synced(self) -> bool:
        return self.is_synced

    def pass_ms(self, ms: int) -> None:
        self.wall_ms += ms
        self.monotonic_ms += ms


@contextmanager
def memory_folder() -> Iterator[Path]:
    """A folder that is deleted afterwards; in memory where the system has such a place."""
    with tempfile.TemporaryDirectory(prefix="spool-", dir=_MEMORY if _MEMORY.is_dir() else None) as name:
        yield Path(name)


def limits(**changed: int | bool) -> SpoolLimits:
    """Small: no ballast, receipts written down at once."""
    return SpoolLimits(**{"ballast_bytes": 0, "settle_linger_ms": 0, **changed})  # type: ignore[arg-type]


def open_spool(
    folder: Path,
    *,
    machine: str = "machine-a",
    boot: str = "boot-1",
    clock: StillClock | None = None,
    keeping: SpoolLimits | None = None,
) -> Spool:
    return Spool.open(
        folder, machine=machine, boot=boot, clock=clock or StillClock(), limits=limits() if keeping is None else keeping
    )


def row(key: str, row_class: RowClass = RowClass.MEASUREMENT, *, size: int = 40) -> NewRow:
    """A row whose stored bytes tell its key."""
    return NewRow(row_class, key, f"{key} ".encode().ljust(size, b"."), 1_700_000_000_123, ClockQuality.SYNCED)


def accept(spool: Spool, *keys: str, row_class: RowClass = RowClass.MEASUREMENT, size: int = 40) -> list[Run]:
    """Append and commit rows of one class in one group."""
    for key in keys:
        spool.append(row(key, row_class, size=size))
    return spool.commit()


def stored_keys(spool: Spool, run: Run) -> list[str]:
    """The keys of the rows of a run, as they are read back."""
    rows = spool.read(run.spool_id, run.row_class, run.first, run.last, max_bytes=1 << 30)
    return [row.stored.split()[0].decode() for row in rows]


def unsettled_keys(spool: Spool) -> list[str]:
    return [key for run in spool.backlog() for key in stored_keys(spool, run)]


def receipt(spool: Spool, run: Run, *, quarantined: int = 0) -> Kept:
    """What the cloud says when it keeps all rows of a run."""
    rows = spool.read(run.spool_id, run.row_class, run.first, run.last, max_bytes=1 << 30)
    count = run.last - run.first + 1
    assert len(rows) == count
    return Kept(
        spool_id=run.spool_id,
        row_class=run.row_class,
        first=run.first,
        last=run.last,
        crc32=checksum(row.stored for row in rows),
        stored=count - quarantined,
        quarantined=quarantined,
    )


def settle_all(spool: Spool) -> None:
    for run in spool.backlog():
        assert spool.settle(receipt(spool, run))


def killed(folder: Path, into: Path) -> Path:
    """The files as a kill -9 at this instant leaves them: a copy, while the spool goes on."""
    return Path(shutil.copytree(folder, into))


def segment_files(folder: Path) -> list[Path]:
    """Live segments, by name."""
    return sorted(folder.glob("*/segments/*.sqlite"))


def total(counters: Counters, name: str) -> int:
    """A counter over all classes."""
    counts: dict[RowClass, int] = getattr(counters, name)
    return sum(counts.values())


def is_balanced(counters: Counters) -> bool:
    """accepted = stored + spooled + quarantined + evicted."""
    kept = sum(total(counters, name) for name in ("stored", "quarantined", "evicted"))
    return total(counters, "accepted") == kept + counters.spooled
