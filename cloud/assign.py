"""`cloud assign`: say in the territory's files that a device measures an asset from now on, or since some time.

`assignments.csv` is append-only; a device in stock becomes `installed` in `devices.csv`. What comes out is read whole
as a territory before any file is replaced, so that a bad assignment changes nothing.
"""

import csv
import fcntl
import io
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

from core.errors import OperatorError
from core.model import parse_eui
from core.territory import DeviceState, Territory, TerritoryError, load

_ASSIGNMENTS, _DEVICES = "assignments.csv", "devices.csv"


class Assigned(msgspec.Struct, frozen=True):
    """What was written. `files` were replaced; `digest` is the territory's new one."""

    dev_eui: str
    asset: str
    commune: str
    tenant: str
    files: tuple[str, ...]
    digest: str


def assign(folder: Path, *, dev_eui: str, asset: str, start: str, end: str = "", profile: str = "") -> Assigned:
    """Append the assignment.

    Args:
        start, end: ISO 8601 with a zone; an empty `end`: until further notice.
        profile: of a device that `devices.csv` does not declare yet.

    Raises:
        UnreadableError: `model.eui`.
        OperatorError: `assign.undeclared`: the device is not declared and no profile was given.
        TerritoryError: the files would be at fault, or are already; nothing was changed.
    """
    eui = parse_eui(dev_eui)
    with _locked(folder):
        changed = _devices(folder, load(folder), eui, profile)
        record = {"dev_eui": eui, "asset": asset, "from": start, "to": end}
        changed[_ASSIGNMENTS] = _with_record(_text(folder / _ASSIGNMENTS), record)
        territory = _checked(folder, changed)
        for name, text in changed.items():
            _replace(folder / name, text)
    commune = territory.communes[territory.assets[asset].commune]
    return Assigned(eui, asset, commune.insee, commune.tenant, tuple(changed), territory.digest)


def _devices(folder: Path, territory: Territory, eui: str, profile: str) -> dict[str, str]:
    """`devices.csv` as it must be for the device to be assigned: declared, and not in stock."""
    device = territory.devices.get(eui)
    if device is None:
        if not profile:
            raise OperatorError(
                "assign.undeclared",
                f"the device {eui} is not declared",
                hint=f"name its profile with --profile: {', '.join(sorted(territory.profiles))}",
            )
        record = {"dev_eui": eui, "profile": profile, "state": DeviceState.INSTALLED}
        return {_DEVICES: _with_record(_text(folder / _DEVICES), record)}
    if device.state is DeviceState.STOCK:
        return {_DEVICES: _with_state(_text(folder / _DEVICES), eui, DeviceState.INSTALLED)}
    return {}


def _with_record(text: str, record: Mapping[str, str]) -> str:
    """The file with one record more, its columns in the order of its header."""
    end = _line_end(text)
    columns = next(csv.reader([text.removeprefix("\ufeff").splitlines()[0]]))
    line = _line([record.get(column.strip(), "") for column in columns])
    return (text if text.endswith("\n") else text + end) + line + end


def _with_state(text: str, eui: str, state: DeviceState) -> str:
    """The file with another state for one device; every other line stays as it is."""
    lines = text.splitlines(keepends=True)
    columns = [column.strip() for column in next(csv.reader([lines[0].removeprefix("\ufeff")]))]
    for number, line in enumerate(lines[1:], 1):
        cells = next(csv.reader([line]), [])
        if len(cells) == len(columns) and _is_eui(cells[columns.index("dev_eui")], eui):
            cells[columns.index("state")] = state
            lines[number] = _line(cells) + (_line_end(text) if line.endswith("\n") else "")
    return "".join(lines)


def _is_eui(cell: str, eui: str) -> bool:
    return parse_eui(cell.strip()) == eui  # the file was read as a territory: every cell is an EUI


def _line(cells: list[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(cells)
    return out.getvalue()


def _line_end(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8")  # newlines as they are


def _checked(folder: Path, changed: Mapping[str, str]) -> Territory:
    """The territory as it would be."""
    with tempfile.TemporaryDirectory(prefix="beffroi-assign-") as name:
        trial = Path(name)
        for file in folder.iterdir():
            if file.suffix in {".toml", ".csv"}:
                shutil.copyfile(file, trial / file.name)
        for file_name, text in changed.items():
            (trial / file_name).write_bytes(text.encode())
        try:
            return load(trial)
        except TerritoryError as error:
            raise TerritoryError(folder, error.faults) from error


def _replace(path: Path, text: str) -> None:
    """All of the file at once, and durably."""
    fresh = path.with_name(f".{path.name}.new")
    with fresh.open("wb") as file:
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())
    shutil.copymode(path, fresh)
    fresh.replace(path)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One `assign` at a time."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise OperatorError("assign.folder", f"cannot open {folder}: {error.strerror}") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
        os.fsync(handle)
    finally:
        os.close(handle)
