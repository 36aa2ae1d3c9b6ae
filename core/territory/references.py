"""What the files of a territory say of each other: references to nothing, places, overlapping assignments.

A file that cannot be read, and an id whose own row is at fault, are reported once, where they stand: nothing that
refers to them is.
"""

from collections.abc import Mapping

from core.territory import geography
from core.territory.declarations import Declared
from core.territory.faults import close_to
from core.territory.inventory import Inventory
from core.territory.model import Assignment, DeviceState, Kind
from core.territory.placements import END_MS
from core.territory.sheet import Sheet

_Known = Mapping[str, int] | None  # ids with their lines; None: their file could not be read


def check(sheets: Mapping[str, Sheet], declared: Declared, found: Inventory) -> None:
    """Report all that does not fit together.

    Args:
        sheets: those that could be read, by file name.
    """
    assets = found.asset_lines if "assets.csv" in sheets else None
    circuits = found.circuit_lines if "circuits.csv" in sheets else None
    devices = found.device_lines if "devices.csv" in sheets else None
    if "assets.csv" in sheets:
        communes = declared.seen["commune"] if declared.communes_whole else None
        _check_assets(sheets["assets.csv"], found, communes, circuits)
    _check_maintenance(declared, found, circuits, assets)
    if "circuits.csv" in sheets:
        _check_circuits(sheets["circuits.csv"], found, declared.seen.get("calendar"), assets)
    if "devices.csv" in sheets:
        for device in found.devices.values():
            line = found.device_lines[device.dev_eui]
            _require(sheets["devices.csv"], line, "profile", device.profile, declared.seen.get("profile"))
    if "assignments.csv" in sheets:
        _check_assignments(sheets["assignments.csv"], found, devices, assets)
        _check_overlaps(sheets["assignments.csv"], found)


def _check_assets(sheet: Sheet, found: Inventory, communes: _Known, circuits: _Known) -> None:
    """Communes and circuits exist; each asset stands in its commune."""
    for asset in found.assets.values():
        line = found.asset_lines[asset.id]
        if asset.commune not in (geography.official() if communes is None else communes):
            sheet.fault(line, "commune", *geography.of_no_tenant(asset.commune))
        if stray := geography.stray(asset.commune, asset.lat, asset.lon):
            sheet.fault(line, "lat", *stray)
        if asset.circuit is not None:
            _require(sheet, line, "circuit", asset.circuit, circuits)


def _check_maintenance(declared: Declared, found: Inventory, circuits: _Known, assets: _Known) -> None:
    """What a maintenance names exists, and is its tenant's."""
    known = {"commune": declared.seen.get("commune"), "circuit": circuits, "asset": assets}
    for table, below, what, ident, tenant in declared.references:
        names = known[what]
        if names is None:
            continue
        if ident not in names:
            table.fault(below, f"territory.unknown_{what}", f"there is no {what} {ident}", close_to(ident, names))
            continue
        asset = found.assets.get(
            found.circuits[ident].cabinet if what == "circuit" and ident in found.circuits else ident
        )
        commune = declared.communes.get(ident if what == "commune" else "" if asset is None else asset.commune)
        if tenant and commune is not None and commune.tenant != tenant:
            message = f"{what} {ident} is of {commune.tenant}, not of {tenant}"
            table.fault(below, "territory.of_another_tenant", message, "declare it where it belongs")


def _check_circuits(sheet: Sheet, found: Inventory, calendars: _Known, assets: _Known) -> None:
    """Calendars exist; cabinets are assets of that kind."""
    for circuit in found.circuits.values():
        line = found.circuit_lines[circuit.id]
        _require(sheet, line, "calendar", circuit.calendar, calendars)
        _require(sheet, line, "cabinet", circuit.cabinet, assets, what="asset")
        cabinet = found.assets.get(circuit.cabinet)
        if cabinet is not None and cabinet.kind is not Kind.CABINET:
            message = f"{cabinet.id} is a {cabinet.kind}, not a cabinet"
            sheet.fault(
                line, "cabinet", "territory.not_of_kind", message, "a circuit begins at a cabinet of assets.csv"
            )


def _check_assignments(sheet: Sheet, found: Inventory, devices: _Known, assets: _Known) -> None:
    """Devices and assets exist; what is in stock or retired is assigned no more."""
    for line, assignment in found.assignments:
        _require(sheet, line, "dev_eui", assignment.dev_eui, devices, what="device")
        _require(sheet, line, "asset", assignment.asset, assets)
        device = found.devices.get(assignment.dev_eui)
        if device and assignment.end_ms is None and device.state in (DeviceState.STOCK, DeviceState.RETIRED):
            message = f"{device.dev_eui} is {device.state} but still assigned"
            hint = "close the assignment with `to`, or correct the state in devices.csv"
            sheet.fault(line, "to", "territory.state", message, hint)


def _check_overlaps(sheet: Sheet, found: Inventory) -> None:
    """No device on two assets at one time, no asset with two devices: each against what ends last so far.

    One lamp, bin or counter has one sensor at a time: with two, its state would be whichever spoke last. Two bins
    side by side are two assets. A cabinet may have several (a meter, a door contact): they measure different things.
    """
    on_device: dict[str, tuple[int, int, Assignment]] = {}
    on_asset: dict[str, tuple[int, int, Assignment]] = {}
    for line, assignment in sorted(found.assignments, key=lambda pair: (pair[1].start_ms, pair[0])):
        end_ms = END_MS if assignment.end_ms is None else assignment.end_ms
        entry = (end_ms, line, assignment)
        if other := _overlapping(on_device, assignment.dev_eui, entry):
            message = f"{assignment.dev_eui} is assigned already at that time, on line {min(line, other[1])}"
            hint = "close the earlier assignment with `to`"
            sheet.fault(max(line, other[1]), "dev_eui", "territory.two_assets", message, hint)
        asset = found.assets.get(assignment.asset)
        if asset is None or asset.kind is Kind.CABINET:
            continue
        other = _overlapping(on_asset, assignment.asset, entry)
        if other and other[2].dev_eui != assignment.dev_eui:
            message = f"{assignment.asset} has another device at that time, on line {min(line, other[1])}"
            hint = "close the earlier assignment with `to`; two things side by side are two assets"
            sheet.fault(max(line, other[1]), "asset", "territory.two_devices", message, hint)


def _overlapping(
    latest: dict[str, tuple[int, int, Assignment]], key: str, entry: tuple[int, int, Assignment]
) -> tuple[int, int, Assignment] | None:
    """The entry that ends last so far, when it still holds as this one starts; the later end is kept."""
    other = latest.get(key)
    if other is None or entry[0] > other[0]:
        latest[key] = entry
    return other if other is not None and entry[2].start_ms < other[0] else None


def _require(sheet: Sheet, line: int, column: str, ident: str, known: _Known, *, what: str = "") -> None:
    """Report a reference to nothing."""
    if known is not None and ident not in known:
        what = what or column
        sheet.fault(line, column, f"territory.unknown_{what}", f"there is no {what} {ident}", close_to(ident, known))
