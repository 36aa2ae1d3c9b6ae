"""The territory of a demo whose fleet is not the whole of it: what does not live is not declared, else the watch would
rightly miss it."""

import csv
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from core.territory import Territory


def declare(source: Path, declared: Territory, chosen: frozenset[str], folder: Path) -> None:
    """Write the territory of `source` to `folder`: the chosen assets, their cabinets, circuits and devices alone."""
    circuits = {circuit for name in chosen if (circuit := declared.assets[name].circuit) is not None}
    assets = chosen | {declared.circuits[circuit].cabinet for circuit in circuits}
    devices = {one.dev_eui for one in declared.assignments if one.asset in chosen}
    keeps: Mapping[str, Callable[[Mapping[str, str]], bool]] = {
        "assets.csv": lambda row: row["id"] in assets,
        "circuits.csv": lambda row: row["id"] in circuits,
        "devices.csv": lambda row: row["dev_eui"] in devices,
        "assignments.csv": lambda row: row["asset"] in chosen,
    }
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(source.glob("*.toml")):
        shutil.copyfile(path, folder / path.name)
    for name, keep in keeps.items():
        with (source / name).open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file)
            with (folder / name).open("w", encoding="utf-8", newline="") as copy:
                writer = csv.DictWriter(copy, rows.fieldnames or (), lineterminator="\n")
                writer.writeheader()
                writer.writerows(row for row in rows if keep(row))
