"""A folder → a territory, or all that is wrong with it."""

import hashlib
from collections.abc import Collection, Mapping
from functools import partial
from pathlib import Path

from core.territory import declarations, inventory, networks, references, schedules
from core.territory.document import read_document
from core.territory.faults import Fault, TerritoryError
from core.territory.model import Territory
from core.territory.text import FileText, read_file

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
_Texts = Mapping[str, FileText]


def load(folder: Path, *, codecs: Collection[str] | None = None) -> Territory:
    """The territory declared in a folder.

    Args:
        codecs: names of the native codecs, to find a misspelt one; None: any name will do.

    Raises:
        TerritoryError: with every fault of every file, by file and line.
    """
    if not folder.is_dir():
        fault = Fault(
            str(folder),
            1,
            1,
            "territory.missing_folder",
            "there is no such folder",
            "give the one that holds territory.toml",
        )
        raise TerritoryError(folder, [fault])
    faults: list[Fault] = []
    texts = {name: text for name in FILES if (text := read_file(folder, name, faults)) is not None}
    declared = _read_declarations(texts, codecs)
    found = _read_inventory(texts, declared)
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
        digest=_digest(texts),
    )


def _read_declarations(texts: _Texts, codecs: Collection[str] | None) -> declarations.Declared:
    declared = declarations.Declared()
    for name, read in (
        ("territory.toml", declarations.read_territory),
        ("sites.toml", networks.read_sites),
        ("profiles.toml", partial(networks.read_profiles, codecs=codecs)),
        ("calendars.toml", schedules.read_calendars),
    ):
        top = read_document(texts[name]) if name in texts else None
        if top is not None:
            read(top, declared)
    return declared


def _read_inventory(texts: _Texts, declared: declarations.Declared) -> inventory.Inventory:
    found = inventory.Inventory()
    sheets = {
        name: read(texts[name], found)
        for name, read in (
            ("assets.csv", inventory.read_assets),
            ("circuits.csv", inventory.read_circuits),
            ("devices.csv", inventory.read_devices),
            ("assignments.csv", inventory.read_assignments),
        )
        if name in texts
    }
    references.check({name: sheet for name, sheet in sheets.items() if sheet.readable}, declared, found)
    return found


def _digest(texts: _Texts) -> str:
    """12 hex digits: the same for the same bytes under the same names."""
    whole = hashlib.sha256()
    for name, text in texts.items():
        whole.update(f"{name} {len(text.raw)}\n".encode())
        whole.update(text.raw)
    return whole.hexdigest()[:12]
