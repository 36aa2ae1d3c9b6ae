"""Which machine and which boot this is, from what the system says of itself."""

from pathlib import Path

from edge.machine import boot_id, machine_id, resident_bytes


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
