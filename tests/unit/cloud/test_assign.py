import shutil
from pathlib import Path

import pytest

from cloud.assign import assign
from core.errors import OperatorError, UnreadableError
from core.territory import TerritoryError, load

EXAMPLE = Path(__file__).parents[3] / "territories" / "grand-est"
SINCE = "2026-03-01T09:30:00+01:00"
UNDECLARED = "70b3d54990ffffff"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    copy = tmp_path / "territory"
    shutil.copytree(EXAMPLE, copy)
    return copy


def free(folder: Path) -> str:
    """Free the lamp of the first assignment, for tests that need a free one."""
    lines = (folder / "assignments.csv").read_text().splitlines()
    index = next(number for number, line in enumerate(lines) if line.endswith(","))
    lines[index] += "2025-01-01T00:00:00Z" if lines[index].split(",")[2] < "2025" else "2026-01-01T00:00:00Z"
    (folder / "assignments.csv").write_text("\n".join(lines) + "\n")
    return lines[index].split(",")[1]


def stock(folder: Path) -> str:
    return next(device.dev_eui for device in load(folder).devices.values() if device.state == "stock")


def test_an_assignment_is_appended_and_the_device_leaves_the_stock(folder: Path) -> None:
    """Every line that was there stays as it was; the result is a valid territory."""
    asset, device = free(folder), stock(folder)
    before = {name: (folder / name).read_text().splitlines() for name in ("assignments.csv", "devices.csv")}
    done = assign(folder, dev_eui=device.upper(), asset=asset, start=SINCE)
    territory = load(folder)
    assert done.digest == territory.digest
    assert territory.place(device, 1_790_000_000_000, site="remiremont").asset == asset
    assert (done.commune, done.tenant) == (territory.assets[asset].commune, "ccpvm")
    after = (folder / "assignments.csv").read_text().splitlines()
    assert after == [*before["assignments.csv"], f"{device},{asset},{SINCE},"]
    devices = [line.replace("stock", "installed") if device in line else line for line in before["devices.csv"]]
    assert (folder / "devices.csv").read_text().splitlines() == devices


def test_a_device_that_nobody_declared_needs_its_profile(folder: Path) -> None:
    """It is then declared as installed; without, the profiles are named and nothing changes."""
    asset = free(folder)
    with pytest.raises(OperatorError) as caught:
        assign(folder, dev_eui=UNDECLARED, asset=asset, start=SINCE)
    assert caught.value.code == "assign.undeclared"
    assert "nas-ul20xx" in caught.value.hint
    assign(folder, dev_eui=UNDECLARED, asset=asset, start=SINCE, profile="nas-ul20xx")
    assert load(folder).devices[UNDECLARED].state == "installed"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"asset": "no-such-lamp"}, "territory.unknown_asset"),
        ({"start": "2026-03-01T09:30:00"}, "territory.zone"),
        ({"start": "yesterday"}, "territory.instant"),
        ({"end": "2026-02-01T00:00:00Z"}, "territory.interval"),
        ({"device": "busy"}, "territory.two_assets"),
    ],
)
def test_a_bad_assignment_changes_no_file(folder: Path, change: dict[str, str], code: str) -> None:
    """Every fault with its file and line, of the operator's folder and not of a copy."""
    asset, device = free(folder), stock(folder)
    if change.pop("device", ""):
        device = next(entry.dev_eui for entry in load(folder).assignments if entry.end_ms is None)
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    with pytest.raises(TerritoryError) as caught:
        assign(folder, **{"dev_eui": device, "asset": asset, "start": SINCE, **change})
    assert code in [fault.code for fault in caught.value.faults]
    assert str(folder) in caught.value.message
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


def test_what_is_no_eui_is_refused(folder: Path) -> None:
    """Before any file is read."""
    with pytest.raises(UnreadableError) as caught:
        assign(folder, dev_eui="lamp 7", asset="x", start=SINCE)
    assert caught.value.code == "model.eui"


def test_a_windows_file_keeps_its_line_ends_and_its_order_of_columns(folder: Path) -> None:
    """Spreadsheets write a mark, CR LF, and their own order."""
    asset = free(folder)
    lines = [line.split(",") for line in (folder / "assignments.csv").read_text().splitlines()]
    text = "\r\n".join(",".join((cells[1], cells[0], *cells[2:])) for cells in lines)
    (folder / "assignments.csv").write_bytes(("\ufeff" + text).encode())
    device = stock(folder)
    assign(folder, dev_eui=device, asset=asset, start=SINCE)
    assert (folder / "assignments.csv").read_bytes().endswith(f"\r\n{asset},{device},{SINCE},\r\n".encode())
