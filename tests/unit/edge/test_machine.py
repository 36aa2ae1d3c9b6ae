"""Which machine and which boot this is, from what the system says of itself."""

import os
from pathlib import Path

from edge.machine import boot_id, last_written_ms, machine_id, resident_bytes, was_reset_by_watchdog


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_the_hardware_outlasts_the_card(tmp_path: Path) -> None:
    """A cloned card brings its machine-id along; the serial number and the network card of the board are its own."""
    write(tmp_path / "etc/machine-id", "cloned\n")
    assert machine_id(tmp_path) == "cloned"
    write(tmp_path / "sys/class/net/lo/address", "00:00:00:00:00:00\n")
    write(tmp_path / "sys/class/net/eth0/address", "b8:27:eb:00:00:01\n")
    (tmp_path / "sys/class/net/eth0/device").mkdir()
    assert machine_id(tmp_path) == "b8:27:eb:00:00:01"
    write(tmp_path / "sys/firmware/devicetree/base/serial-number", "10000000abcdef01\0")
    assert machine_id(tmp_path) == "10000000abcdef01"


def test_a_machine_that_says_nothing_has_a_name_too(tmp_path: Path) -> None:
    """A container without any of it."""
    assert machine_id(tmp_path) == "unknown"
    assert boot_id(tmp_path) == "unknown"
    assert resident_bytes(tmp_path) == 0


def test_this_machine_answers() -> None:
    """The real files are where they are looked for."""
    assert machine_id() == machine_id()
    assert boot_id() == boot_id() != ""
    assert resident_bytes() > 1_000_000


def test_a_watchdog_that_reset_the_host_says_so(tmp_path: Path) -> None:
    """Bit 0x20 of its boot status; a host without one was not reset by one."""
    assert not was_reset_by_watchdog(tmp_path)
    write(tmp_path / "sys/class/watchdog/watchdog0/bootstatus", "0\n")
    assert not was_reset_by_watchdog(tmp_path)
    write(tmp_path / "sys/class/watchdog/watchdog0/bootstatus", "36\n")
    assert was_reset_by_watchdog(tmp_path)


def test_the_last_agent_lived_until_it_wrote_last(tmp_path: Path) -> None:
    """The newest of its files; what a reader leaves behind is none of it."""
    assert last_written_ms(tmp_path / "absent") is None
    assert last_written_ms(tmp_path) is None
    for name, at_s in (("1.seg", 1_000), ("1.seg-wal", 1_500), ("1.seg-shm", 2_000)):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (at_s, at_s))
    assert last_written_ms(tmp_path) == 1_500_000
