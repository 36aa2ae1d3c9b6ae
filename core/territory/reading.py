"""A folder → a territory, or all that is wrong with it."""

import hashlib
from pathlib import Path

from core.territory import declarations, inventory, references
from core.territory.document import read_document
from core.territory.faults import Fault, TerritoryError
from core.territory.model import Territory
from core.territory.text import read_file

FILES = (
    "territory.toml",
    "sites.toml",
    "profiles.toml",
    "calendars.toml",
    "assets.csv",
    "circuits.csv",
    "devices.csv",
    "assignments.csv",
)


def load(folder: Path) -> Territory:
    """The territory declared in a folder.

    Raises:
        TerritoryError: with every fault of every file, by file and line.
    """
    faults: list[Fault] = []
    if not folder.is_dir():
        hint = "the folder that holds territory.toml"
        raise TerritoryError(
            folder, [Fault(str(folder), 1, 1, "territory.missing_folder", "there is no such folder", hint)]
        )
    texts = {name: read_file(folder, name, faults) for name in FILES}
    declared, found = declarations.Declared(), inventory.Inventory()
    for name, read in (
        ("territory.toml", declarations.read_territory),
        ("sites.toml", declarations.read_sites),
        ("profiles.toml", declarations.read_profiles),
        ("calendars.toml", declarations.read_calendars),
    ):
        text = texts[name]
        top = None if text is None else read_document(text)
        if top is not None:
            read(top, declared)
    sheets = {
        name: read(text, found)
        for name, read in (
            ("assets.csv", inventory.read_assets),
            ("circuits.csv", inventory.read_circuits),
            ("devices.csv", inventory.read_devices),
            ("assignments.csv", inventory.read_assignments),
        )
        if (text := texts[name]) is not None
    }
    known = {name: name in sheets and sheets[name].readable for name in FILES}
    if known["assets.csv"]:
        references.check_assets(sheets["assets.csv"], declared, found, circuits_known=known["circuits.csv"])
    if known["circuits.csv"]:
        references.check_circuits(sheets["circuits.csv"], declared, found, assets_known=known["assets.csv"])
    if known["devices.csv"]:
        references.check_devices(sheets["devices.csv"], declared, found)
    if known["assignments.csv"]:
        references.check_assignments(
            sheets["assignments.csv"], found, devices_known=known["devices.csv"], assets_known=known["assets.csv"]
        )
    if faults or declared.operator is None:
        raise TerritoryError(folder, faults)
    return Territory(
        operator=declared.operator,
        tenants=declared.tenants,
        communes=declared.communes,
        sites=declared.sites,
        profiles=declared.profiles,
        programmes=declared.programmes,
        calendars=declared.calendars,
        circuits=found.circuits,
        assets=found.assets,
        devices=found.devices,
        assignments=tuple(assignment for _, assignment in found.assignments),
        digest=_digest({name: text.raw for name, text in texts.items() if text is not None}),
    )


def _digest(files: dict[str, bytes]) -> str:
    """12 hex digits: the same for the same bytes under the same names."""
    whole = hashlib.sha256()
    for name, raw in files.items():
        whole.update(f"{name} {len(raw)}\n".encode())
        whole.update(raw)
    return whole.hexdigest()[:12]
