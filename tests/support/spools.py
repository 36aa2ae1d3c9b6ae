"""Spools in tests: a clock that stands still, rows, receipts, and what a killed process leaves behind."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from core.envelope import checksum
from core.model import ClockQuality, Reading, Reception, RowClass, Uplink, encode_row
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


def lamp_status(number: int) -> NewRow:
    """A lamp's status as an edge keeps it: the size of what a spool really holds."""
    facts = ("limit_error", "fade_running", "driver_reset", "short_address_missing", "driver_power_failure")
    alerts = ("voltage_alert_24h", "lamp_alert_24h", "power_alert_24h", "power_factor_alert_24h")
    numbers = {"device_time_s": 1_761_308_028.0 + number, "temperature_c": float(number % 30), "level_pct": 50.0}
    uplink = Uplink(
        key=f"up:70b3d5499010{number:04x}:7e3a4f60-8d1c-4b2e-9a55-{number * 7919:012x}",
        received_ms=1_771_234_567_890 + 997 * number,
        application="7c1f0c52-3c1b-4d57-9a39-2f3f5d9d8a01",
        dev_eui=f"70b3d5499010{number:04x}",
        device_name=f"88487-lamp-{number:04d}",
        profile="nas-ul20xx",
        dev_addr=f"01fd{number:04x}",
        f_port=23,
        f_cnt=73_634 + number,
        frequency_hz=867_500_000,
        spreading_factor=9,
        payload=(number * 2_654_435_761).to_bytes(24, "big"),
        receptions=(Reception("7076ff0056070a13", -98, 13.5, 5), Reception("7076ff0056070a14", -118, -3.0, 5)),
        codec="nas_ul20xx@1.1",
        domain="light",
        readings=(
            *(Reading(name, value) for name, value in numbers.items()),
            *(Reading(name, "clear") for name in alerts),
            *(Reading(name, "no", "dali_broadcast") for name in facts),
            *(Reading(name, "ok", "dali_broadcast") for name in ("driver_failure", "lamp_failure")),
        ),
    )
    return NewRow(RowClass.MEASUREMENT, uplink.key, encode_row(uplink), uplink.received_ms, uplink.clock)


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
