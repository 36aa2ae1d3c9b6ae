"""`beffroi territory`: is what was declared right, and are the servers as it says?"""

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from beffroi import provision
from core import console
from core.errors import ExitCode
from core.territory import Territory, TerritoryError, load

EXAMPLE = provision.EXAMPLE

app = console.new_app("The declared territory: check, plan, apply.")


@app.callback()
def _territory() -> None:
    """The declared territory: communes, sites, assets, devices."""


@app.command()
def check(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="The territory folder.")] = EXAMPLE,
    as_json: console.Json = False,
) -> None:
    """Read all files of a territory; print every fault with file, line and column, and exit 78 when there is one."""
    from decoders.registry import CODECS

    try:
        territory = load(folder, codecs=[name for codec in CODECS for name in (codec.name, codec.id)])
    except TerritoryError as error:
        _print_faults(folder, error, as_json=as_json)
        raise typer.Exit(ExitCode.SETTINGS) from error
    if as_json:
        console.print_json(
            {"folder": str(folder), "digest": territory.digest, "counts": counts(territory), "faults": []}
        )
    else:
        console.print_text(f"{folder}: no fault. {_summary(territory)}")


def counts(territory: Territory) -> dict[str, int]:
    """How many of each are declared."""
    return {
        "tenants": len(territory.tenants),
        "communes": len(territory.communes),
        "sites": len(territory.sites),
        "assets": len(territory.assets),
        "devices": len(territory.devices),
    }


def _summary(territory: Territory) -> str:
    kinds = Counter(asset.kind for asset in territory.assets.values())
    assets = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    words = [
        f"{count} {what}" + (f" ({assets})" if what == "assets" else "") for what, count in counts(territory).items()
    ]
    return f"{', '.join(words)}; digest {territory.digest}"


def _print_faults(folder: Path, error: TerritoryError, *, as_json: bool) -> None:
    if as_json:
        faults = [
            {
                "file": fault.file,
                "line": fault.line,
                "column": fault.column,
                "code": fault.code,
                "message": fault.message,
                "hint": fault.hint,
            }
            for fault in error.faults
        ]
        console.print_json({"folder": str(folder), "faults": faults})
        return
    for fault in error.faults:
        console.print_text(f"{fault}" + (f"\n    hint: {fault.hint}" if fault.hint else ""))
    count = len(error.faults)
    console.note(f"{folder}: {count} fault{'' if count == 1 else 's'}")


app.command()(provision.plan)
app.command()(provision.apply)
