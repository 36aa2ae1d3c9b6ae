"""`beffroi demo`."""

from pathlib import Path
from typing import Annotated

import typer

from core import console, duration
from core.errors import OperatorError

app = console.new_app("The whole road on this machine, from simulated lamps to the map page.")

EXAMPLE_TERRITORY = Path("territories/grand-est")


@app.command()
def demo(
    for_s: Annotated[
        float | None,
        typer.Option(
            "--for", parser=duration.seconds, metavar="DURATION", help="Stop by itself after this long, e.g. 30s."
        ),
    ] = None,
    speed: Annotated[float, typer.Option(help="How many times faster than life, after the first day.", min=1)] = 60,
    fleet: Annotated[str, typer.Option(help="Which devices: full (5,819) or cabinet (476, a quicker fill).")] = "full",
    territory: Annotated[Path, typer.Option(help="The territory folder.")] = EXAMPLE_TERRITORY,
    folder: Annotated[Path | None, typer.Option("--data", help="Keep everything here (default: temporary).")] = None,
    port: Annotated[int, typer.Option(help="Port of the page, on loopback.", min=1, max=65535)] = 8090,
    seed: Annotated[int, typer.Option(help="The same seed gives the same devices' lives.")] = 1,
    scenario: Annotated[str, typer.Option(help="usual, or hard: outages, dead devices, loss, late data.")] = "usual",
    no_page: Annotated[bool, typer.Option("--no-page", help="Without the page.")] = False,
    operator: Annotated[
        bool, typer.Option("--operator", help="The operator's page: devices, radio, acknowledging.")
    ] = False,
    json: console.Json = False,
) -> None:
    """Run the road until Ctrl-C, then weigh it: exit 0 only if the balance holds, else 3.

    Example: beffroi demo --for 60s --json
    """
    from beffroi.demo.run import Demo, DemoOptions

    if fleet not in {"full", "cabinet"}:
        raise typer.BadParameter(f"{fleet!r} is not a fleet; choose full or cabinet", param_hint="--fleet")
    if scenario not in {"usual", "hard"}:
        raise typer.BadParameter(f"{scenario!r} is no scenario; choose usual or hard", param_hint="--scenario")
    if not territory.is_dir():
        raise OperatorError(
            "demo.no_territory", f"no territory at {territory}", hint="run it in the clone, or give --territory"
        )
    options = DemoOptions(
        territory=territory.resolve(),
        folder=folder,
        speed=speed,
        fleet=fleet,
        seed=seed,
        scenario=scenario,
        page_port=None if no_page else port,
        for_s=for_s,
        operator=operator,
    )
    outcome = Demo(options).run()
    if json:
        console.print_json(outcome.as_json())
    else:
        console.print_text(outcome.as_text())
    raise typer.Exit(outcome.exit_code)
