"""Writes the four CSV files of `territories/grand-est/`: invented streets in real communes. Same seed, same bytes.

    python territories/generate.py [FOLDER]

Each town gets a street network that grows from its centre inside the commune's outline, with one lamp for six
inhabitants on circuits of about 40; then bins and traffic counters beside these streets. Only the lamps of the fleet
get a controller, and only these are written: a lamp has the same id, place, power and DevEUI in every fleet. The TOML
files beside are written by hand. How each kind is placed: `generating/`.
"""

import sys
from pathlib import Path
from random import Random

from territories.generating import names
from territories.generating.bins import declare_bins
from territories.generating.counters import declare_counters
from territories.generating.lamps import (
    FIRST_DEV_EUI,
    declare_lamps,
    declare_spare_controllers,
    lamps_of,
    share_out_controllers,
)
from territories.generating.streets import grow
from territories.generating.tables import Tables
from territories.generating.towns import TOWNS

SEED = 88383
FLEET = 5_600  # lamps with a controller, shared out by inhabitants: here, all there are


def build(seed: int = SEED, fleet: int = FLEET) -> dict[str, str]:
    """The text of each file by its name."""
    tables, towns, first_eui = Tables(), [], FIRST_DEV_EUI
    for town, equipped in zip(TOWNS, share_out_controllers(fleet), strict=True):
        rng = Random(f"{seed} {town.insee}")  # noqa: S311
        poles = grow(town, lamps_of(town), rng)
        names.name(poles, town.inhabitants, Random(f"{seed} {town.insee} names"))  # noqa: S311
        declare_lamps(tables, town, poles, equipped=equipped, first_eui=first_eui, rng=rng)
        first_eui += len(poles)
        towns.append(poles)
    declare_spare_controllers(tables)
    declare_bins(tables, towns, seed)
    declare_counters(tables, towns, seed)
    return tables.texts()


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "grand-est"
    for name, text in build().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
