"""What the files of a territory say of each other: references to nothing, places, overlapping assignments."""

from collections.abc import Mapping

from core.territory import geography
from core.territory.declarations import Declared
from core.territory.faults import close_to
from core.territory.inventory import Inventory
from core.territory.model import Assignment, DeviceState, Kind
from core.territory.placements import END_MS
from core.territory.sheet import Sheet

OUTLINE_TOLERANCE_KM = 0.5  # the outlines are drawn with fewer points than the cadastre's
CENTRE_TOLERANCE_KM = 15.0  # the largest communes reach about 12 km from their centre


def check_assets(sheet: Sheet, declared: Declared, found: Inventory, *, circuits_known: bool) -> None:
    """Communes and circuits exist; each asset stands in its commune."""
    communes = declared.seen.get("commune")
    for asset in found.assets.values():
        line = found.asset_lines[asset.id]
        if communes is not None and asset.commune not in communes:
            _report_commune(sheet, line, asset.commune)
        else:
            _check_position(sheet, line, asset.commune, asset.lat, asset.lon)
        if asset.circuit is not None and circuits_known and asset.circuit not in found.circuit_lines:
            _report_nothing(sheet, line, "circuit", "circuit", asset.circuit, found.circuit_lines)


def _report_commune(sheet: Sheet, line: int, insee: str) -> None:
    if insee in geography.official():
        sheet.fault(
            line,
            "commune",
            "territory.commune_of_no_tenant",
            f"no tenant has the commune {insee}",
            "add it to the communes of a tenant in territory.toml",
        )
    else:
        sheet.fault(
            line,
            "commune",
            "territory.unknown_commune",
            f"no commune of the Grand Est has the INSEE code {insee}",
            geography.suggest(insee),
        )


def _check_position(sheet: Sheet, line: int, insee: str, lat: float, lon: float) -> None:
    official = geography.official().get(insee)
    if official is None:
        return
    outside = geography.outside_km(insee, lat, lon)
    limit, km = OUTLINE_TOLERANCE_KM, outside
    if km is None:
        limit, km = CENTRE_TOLERANCE_KM, geography.distance_km(lat, lon, official.lat, official.lon)
    if km <= limit:
        return
    swapped = geography.distance_km(lon, lat, official.lat, official.lon) <= CENTRE_TOLERANCE_KM
    where = "outside" if outside is not None else "from the centre of"
    sheet.fault(
        line,
        "lat",
        "territory.far",
        f"the asset stands {km:.1f} km {where} {official.name} ({insee})",
        "lat and lon look swapped" if swapped else "check lat, lon and commune",
    )


def check_circuits(sheet: Sheet, declared: Declared, found: Inventory, *, assets_known: bool) -> None:
    """Calendars exist; cabinets are assets of that kind."""
    calendars = declared.seen.get("calendar")
    for circuit in found.circuits.values():
        line = found.circuit_lines[circuit.id]
        if calendars is not None and circuit.calendar not in calendars:
            _report_nothing(sheet, line, "calendar", "calendar", circuit.calendar, calendars)
        cabinet = found.assets.get(circuit.cabinet)
        if cabinet is None and assets_known and circuit.cabinet not in found.asset_lines:
            cabinets = [asset.id for asset in found.assets.values() if asset.kind is Kind.CABINET]
            sheet.fault(
                line,
                "cabinet",
                "territory.unknown_asset",
                f"there is no asset {circuit.cabinet}",
                close_to(circuit.cabinet, cabinets),
            )
        elif cabinet is not None and cabinet.kind is not Kind.CABINET:
            sheet.fault(line, "cabinet", "territory.not_of_kind", f"{cabinet.id} is a {cabinet.kind}, not a cabinet")


def check_devices(sheet: Sheet, declared: Declared, found: Inventory) -> None:
    """Profiles exist."""
    profiles = declared.seen.get("profile")
    for device in found.devices.values():
        if profiles is not None and device.profile not in profiles:
            line = found.device_lines[device.dev_eui]
            _report_nothing(sheet, line, "profile", "profile", device.profile, profiles)


def check_assignments(sheet: Sheet, found: Inventory, *, devices_known: bool, assets_known: bool) -> None:
    """Devices and assets exist; no device on two assets, no asset with two devices, at one time."""
    for line, assignment in found.assignments:
        if devices_known and assignment.dev_eui not in found.device_lines:
            _report_nothing(sheet, line, "dev_eui", "device", assignment.dev_eui, found.device_lines)
        if assets_known and assignment.asset not in found.asset_lines:
            _report_nothing(sheet, line, "asset", "asset", assignment.asset, found.asset_lines)
        device = found.devices.get(assignment.dev_eui)
        if device and assignment.end_ms is None and device.state in (DeviceState.STOCK, DeviceState.RETIRED):
            sheet.fault(
                line,
                "to",
                "territory.state",
                f"{device.dev_eui} is {device.state} but still assigned",
                "close the assignment with `to`, or correct the state in devices.csv",
            )
    _check_overlaps(sheet, found)


def _check_overlaps(sheet: Sheet, found: Inventory) -> None:
    """By time, each assignment against the one that ends last so far.

    One lamp, bin or counter has one sensor at a time: with two, its state would be whichever spoke last. Two bins
    side by side are two assets. A cabinet may have several (a meter, a door contact): they measure different things.
    """
    until: dict[tuple[str, str], tuple[int, int, Assignment]] = {}
    for line, assignment in sorted(found.assignments, key=lambda pair: (pair[1].start_ms, pair[0])):
        asset = found.assets.get(assignment.asset)
        keys = [("dev_eui", assignment.dev_eui)]
        if asset is not None and asset.kind is not Kind.CABINET:
            keys.append(("asset", assignment.asset))
        end_ms = END_MS if assignment.end_ms is None else assignment.end_ms
        for key in keys:
            other = until.get(key)
            if other is not None and assignment.start_ms < other[0]:
                _report_overlap(sheet, key[0], line, assignment, other)
            if other is None or end_ms > other[0]:
                until[key] = (end_ms, line, assignment)


def _report_overlap(
    sheet: Sheet, key: str, line: int, assignment: Assignment, other: tuple[int, int, Assignment]
) -> None:
    _, other_line, before = other
    last = max(line, other_line)  # append-only: the later line is the one to mend
    if key == "asset" and assignment.dev_eui != before.dev_eui:
        sheet.fault(
            last,
            "asset",
            "territory.two_devices",
            f"the asset {assignment.asset} has another device at that time, on line {min(line, other_line)}",
            "close the earlier assignment with `to`; two things side by side are two assets",
        )
    elif key == "dev_eui":
        sheet.fault(
            last,
            "dev_eui",
            "territory.two_assets",
            f"{assignment.dev_eui} is assigned already at that time, on line {min(line, other_line)}",
            "close the earlier assignment with `to`",
        )


def _report_nothing(sheet: Sheet, line: int, column: str, what: str, ident: str, known: Mapping[str, int]) -> None:
    """A reference to nothing. Close matches are sought in short lists only: in long ones it would take minutes."""
    hint = close_to(ident, known) if len(known) <= 500 else ""
    sheet.fault(line, column, f"territory.unknown_{what}", f"there is no {what} {ident}", hint)
