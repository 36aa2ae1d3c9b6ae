"""The one command. Mounts each package's own commands, and imports a package only when its command is called."""

import importlib
import sys
from collections.abc import Callable

import typer

from core import console
from core.errors import BeffroiError

# name → (where its typer app lives, one line for `beffroi --help`)
COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("beffroi.demo.cli:app", "The whole road on this machine, from simulated lamps to the map page."),
    "decode": ("decoders.cli:decode", "Read one payload, or one recorded event, as its codec does."),
    "codecs": ("decoders.cli:codecs", "The codecs: list, show."),
    "edge": ("edge.cli:app", "The agent of a site: run, check, status."),
    "cloud": ("cloud.cli:app", "The worker: run, check, status, assign."),
    "quarantine": ("cloud.cli:quarantine", "What could not be stored: list, show, replay."),
    "alarm": ("cloud.watch.alarms.cli:app", "The alarms of the watch: list, ack, mute, history."),
    "page": ("cloud.page.cli:app", "The map page of the communes: run."),
    "simulate": ("simulator.cli:app", "Devices without hardware: run."),
    "territory": ("beffroi.territory:app", "The declared territory: check, plan, apply."),
    "bench": ("beffroi.bench.cli:app", "Figures of this machine: road, edge."),
}

app = console.new_app("beffroi, the open hyperviseur of small communes: sensors to map, and nothing accepted is lost.")


@app.callback(invoke_without_command=True)
def _root(
    ctx: typer.Context,
    show_version: bool = typer.Option(False, "--version", help="Print the version and stop."),
) -> None:
    if show_version:
        from importlib.metadata import version  # 30 ms that no other call needs to pay

        console.print_text(f"beffroi {version('beffroi')}")
        raise typer.Exit
    if ctx.invoked_subcommand is None:
        console.print_text(ctx.get_help())
        raise typer.Exit(2)


def _mount(name: str, where: str, summary: str) -> Callable[[typer.Context], None]:
    @app.command(
        name,
        help=summary,
        short_help=summary,
        add_help_option=False,
        context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
    )
    def run(ctx: typer.Context) -> None:
        module, attribute = where.split(":")
        typer.main.get_command(getattr(importlib.import_module(module), attribute)).main(
            args=ctx.args, prog_name=f"beffroi {name}"
        )

    return run


for _name, (_where, _summary) in COMMANDS.items():
    _mount(_name, _where, _summary)


def main() -> None:
    """Run the command; our own errors become one sentence, a hint and an exit code. A bug looks like a bug."""
    try:
        app(prog_name="beffroi")
    except BeffroiError as error:
        console.note(console.render_error(error))
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
