"""`beffroi page`: the map page of the communes."""

from pathlib import Path
from typing import Annotated, Any

import typer

from core import console, log

app = console.new_app("The map page of the communes. It writes nothing to the store, and answers this machine alone.")


@app.callback()
def _page() -> None:
    """A group, so that `run` is said."""


@app.command()
def run(
    settings: Annotated[Path | None, typer.Option(help="Settings of the page (TOML).")] = None,
    store: Annotated[Path | None, typer.Option(help="Folder of the worker's store.")] = None,
    territory: Annotated[Path | None, typer.Option(help="Folder of the declared territory.")] = None,
    port: Annotated[int | None, typer.Option(help="Port of the page (8090).")] = None,
    tenant: Annotated[str | None, typer.Option(help="Show this tenant alone, from its own database.")] = None,
    operator: Annotated[
        bool | None, typer.Option("--operator", help="Show devices, radio and raw payloads; acknowledge alarms.")
    ] = None,
    cloud: Annotated[
        Path | None, typer.Option(help="Folder of the worker that acknowledges alarms (with --operator).")
    ] = None,
) -> None:
    """Show the page until Ctrl-C. A flag wins over the environment, which wins over the file."""
    from cloud.page.settings import read

    flags: dict[str, Any] = {
        "store": None if store is None else {"folder": store},
        "territory": territory,
        "port": port,
        "tenant": tenant,
        "operator": operator,
        "cloud": cloud,
    }
    chosen = read(settings, {name: value for name, value in flags.items() if value is not None})
    log.configure(level=chosen.log_level, service="page")
    from cloud.page import service
    from core.ports.systemd import Notifier

    with Notifier() as systemd:
        service.run(chosen, on_ready=lambda address: console.note(f"page: {address}"), on_beat=systemd.beat)
