"""The four CSV files of a territory → assets, circuits, devices and assignments."""

import re
from dataclasses import dataclass, field

from core.territory import values
from core.territory.model import Asset, Assignment, Circuit, Device, DeviceState, Geometry, Kind, Shape, Supply
from core.territory.sheet import Column, Sheet
from core.territory.text import FileText
from core.territory.values import BadValueError


def _geometry(value: str) -> Geometry:
    """`shape=upright height_mm=1500 blind_mm=60`."""
    found = dict(re.findall(r"(\w+)=(\S+)", value))
    if not {"shape", "height_mm"} <= found.keys() <= {"shape", "height_mm", "blind_mm"}:
        raise BadValueError("geometry", f"{value!r} is not a geometry", "shape=upright height_mm=1500 blind_mm=60")
    return Geometry(
        values.one_of(Shape)(found["shape"]),
        values.whole(100, 10_000, "mm")(found["height_mm"]),
        values.whole(0, 2_000, "mm")(found.get("blind_mm", "0")),
    )


ASSETS = {
    "id": Column(values.ident, varies=True),
    "kind": Column(values.one_of(Kind)),
    "commune": Column(values.insee),
    "lat": Column(values.number(-90, 90, "°"), varies=True),
    "lon": Column(values.number(-180, 180, "°"), varies=True),
    "circuit": Column(values.ident, required=False),
    "geometry": Column(_geometry, required=False),
    "rated_power_w": Column(values.number(0.1, 5000, "W"), required=False),
    "colour_temperature_k": Column(values.whole(1500, 7000, "K"), required=False),
    "luminaire": Column(values.text, required=False),
    "installed_on": Column(values.day, required=False),
    "speed_limit_kmh": Column(values.whole(10, 130, "km/h"), required=False),
    "street": Column(values.text, required=False),
}
CIRCUITS = {
    "id": Column(values.ident),
    "cabinet": Column(values.ident),
    "supply": Column(values.one_of(Supply)),
    "calendar": Column(values.slug),
}
DEVICES = {
    "dev_eui": Column(values.eui, varies=True),
    "profile": Column(values.slug),
    "state": Column(values.one_of(DeviceState)),
}
ASSIGNMENTS = {
    "dev_eui": Column(values.eui, varies=True),
    "asset": Column(values.ident, varies=True),
    "from": Column(values.instant_ms),
    "to": Column(values.instant_ms, required=False),
}

# what says nothing for an asset of another kind
_OF_KIND = {
    "circuit": (Kind.LAMP, Kind.COUNTER),
    "geometry": (Kind.BIN,),
    "rated_power_w": (Kind.LAMP,),
    "colour_temperature_k": (Kind.LAMP,),
    "luminaire": (Kind.LAMP,),
    "speed_limit_kmh": (Kind.COUNTER,),
}
_OF_KIND_AT = [(name, list(ASSETS).index(name), kinds) for name, kinds in _OF_KIND.items()]


@dataclass
class Inventory:
    """What the CSV files declare, each id with its line. Ids of faulty rows are in the lines too."""

    assets: dict[str, Asset] = field(default_factory=dict)
    circuits: dict[str, Circuit] = field(default_factory=dict)
    devices: dict[str, Device] = field(default_factory=dict)
    assignments: list[tuple[int, Assignment]] = field(default_factory=list)
    asset_lines: dict[str, int] = field(default_factory=dict)
    circuit_lines: dict[str, int] = field(default_factory=dict)
    device_lines: dict[str, int] = field(default_factory=dict)


def read_assets(file: FileText, found: Inventory) -> Sheet:
    sheet = Sheet(file, ASSETS)
    for line, cells, sound in sheet.rows():
        if not _is_first(sheet, line, "id", "asset", cells[0], found.asset_lines):
            continue
        kind = cells[1]
        for name, at, kinds in _OF_KIND_AT:
            if cells[at] is not None and kind is not None and kind not in kinds:
                sheet.fault(line, name, "territory.not_of_kind", f"a {kind} has no {name}", f"for: {', '.join(kinds)}")
        if kind is Kind.LAMP and cells[5] is None and sound:
            sheet.fault(
                line, "circuit", "territory.empty", "circuit is empty", "a lamp is fed by a circuit of circuits.csv"
            )
        if sound:
            found.assets[cells[0]] = Asset(*cells)
    return sheet


def read_circuits(file: FileText, found: Inventory) -> Sheet:
    sheet = Sheet(file, CIRCUITS)
    for line, cells, sound in sheet.rows():
        if _is_first(sheet, line, "id", "circuit", cells[0], found.circuit_lines) and sound:
            found.circuits[cells[0]] = Circuit(*cells)
    return sheet


def read_devices(file: FileText, found: Inventory) -> Sheet:
    sheet = Sheet(file, DEVICES)
    for line, cells, sound in sheet.rows():
        if _is_first(sheet, line, "dev_eui", "device", cells[0], found.device_lines) and sound:
            found.devices[cells[0]] = Device(*cells)
    return sheet


def read_assignments(file: FileText, found: Inventory) -> Sheet:
    sheet = Sheet(file, ASSIGNMENTS)
    for line, cells, sound in sheet.rows():
        if not sound:
            continue
        assignment = Assignment(*cells)
        if assignment.end_ms is not None and assignment.end_ms <= assignment.start_ms:
            sheet.fault(
                line,
                "to",
                "territory.interval",
                "the assignment ends before it starts, or at once",
                "`to` is the first instant at which it no longer holds",
            )
            continue
        found.assignments.append((line, assignment))
    return sheet


def _is_first(sheet: Sheet, line: int, column: str, what: str, ident: str | None, lines: dict[str, int]) -> bool:
    """Note an id; report it when it was there already. False: no id, or not the first."""
    if ident is None:
        return False
    first = lines.setdefault(ident, line)
    if first != line:
        sheet.fault(line, column, "territory.duplicate", f"{what} {ident} is declared twice, first on line {first}")
    return first == line
