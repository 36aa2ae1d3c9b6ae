"""Which machine this is, and which of its boots: what a spool is bound to and what its times belong to."""

from collections.abc import Iterable
from pathlib import Path

# A cloned memory card carries /etc/machine-id with it; what the hardware says of itself stays behind.
_SERIALS = (
    "sys/firmware/devicetree/base/serial-number",  # Raspberry Pi and other boards with a device tree
    "sys/class/dmi/id/product_uuid",  # PC; only root may read it
    "sys/class/dmi/id/board_serial",
)
_CARD_RESET = 0x20


def machine_id(root: Path = Path("/")) -> str:
    """A name for this hardware: its serial number, else its first network card, else `/etc/machine-id`."""
    cards = sorted(
        card / "address"
        for card in (root / "sys/class/net").glob("*")
        if (card / "device").exists()  # not a bridge, tunnel or loopback
    )
    return _first_text((*(root / serial for serial in _SERIALS), *cards, root / "etc/machine-id")) or "unknown"


def boot_id(root: Path = Path("/")) -> str:
    """The kernel's name for this boot: the monotonic clock counts on as long as it stays. Source: random(4)."""
    return _first_text((root / "proc/sys/kernel/random/boot_id",)) or "unknown"


def was_reset_by_watchdog(root: Path = Path("/")) -> bool:
    """Whether a hardware watchdog started this host. Source: Linux, `watchdog-api`: WDIOF_CARDRESET in bootstatus."""
    status = _first_text((root / "sys/class/watchdog/watchdog0/bootstatus",))
    return status.isdigit() and bool(int(status) & _CARD_RESET)


def last_written_ms(folder: Path) -> int | None:
    """When anything in a folder was written for the last time (ms UTC); None: there is nothing.

    What only readers write is passed over: the shared memory of SQLite.
    """
    try:
        files = [entry for entry in folder.iterdir() if entry.is_file() and not entry.name.endswith("-shm")]
        times = [entry.stat().st_mtime_ns for entry in files]
    except OSError:
        return None
    return max(times) // 1_000_000 if times else None


def resident_bytes(root: Path = Path("/")) -> int:
    """Memory this process occupies; 0 where the system does not tell. Source: proc(5), `statm`, in pages of 4 KiB."""
    statm = _first_text((root / "proc/self/statm",)).split()
    return int(statm[1]) * 4096 if len(statm) > 1 else 0


def _first_text(paths: Iterable[Path]) -> str:
    for path in paths:
        try:
            text = path.read_text("ascii", "replace").strip("\0 \n")
        except OSError:
            continue  # this machine does not say it there
        if text:
            return text
    return ""
