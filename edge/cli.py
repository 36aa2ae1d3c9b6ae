"""`beffroi edge`: run, check, status."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core import console
from core.console import Json

if TYPE_CHECKING:
    from edge.check import BrokerReport, CheckReport

app = console.new_app("The agent of a site: run, check, status.")

Settings = Annotated[Path, typer.Option("--settings", help="The agent's settings, a TOML file.")]


@app.command()
def run(settings: Settings) -> None:
    """Take the network server's events in, keep them, deliver them; until SIGTERM or Ctrl-C."""
    import signal

    from core import log
    from core.ports.systemd import Notifier
    from core.settings import load
    from edge.agent import build_agent
    from edge.settings import EdgeSettings

    loaded = load(EdgeSettings, settings)
    log.configure(level=loaded.log_level, service=f"edge {loaded.edge}")
    with Notifier() as systemd:
        agent = build_agent(loaded, on_beat=systemd.beat)
        for ending in (signal.SIGTERM, signal.SIGINT):
            signal.signal(ending, lambda _number, _frame: agent.stop())
        agent.run()


@app.command()
def check(
    settings: Settings,
    per_day: Annotated[int, typer.Option(help="Messages the site's devices send in a day.", min=1)] = 10_000,
    as_json: Json = False,
) -> None:
    """Show every setting with its origin, then measure both brokers: reachable, window, queue.

    Exit code 4 when a broker keeps less than the agent counts on, 5 when one cannot be reached.
    """
    from core.settings import describe, load
    from edge.check import check
    from edge.settings import EdgeSettings

    loaded = load(EdgeSettings, settings)
    shown = describe(loaded, settings)
    if not as_json:
        lines: list[tuple[str, ...]] = [(one.key, one.value, one.origin) for one in shown]
        console.print_text(console.table(lines, header=("setting", "value", "from")))
    console.note("measuring both brokers…")
    report = check(loaded, per_day=per_day)
    if as_json:
        console.print_json({"settings": [vars(one) for one in shown], **_as_json(report)})
    else:
        console.print_text("\n".join(_as_text(broker) for broker in (report.source, report.cloud)))
    raise typer.Exit(report.exit_code)


@app.command()
def status(
    settings: Annotated[Path | None, typer.Option("--settings", help="The agent's settings, a TOML file.")] = None,
    folder: Annotated[Path | None, typer.Option("--folder", help="Its data folder, instead of the settings.")] = None,
    as_json: Json = False,
) -> None:
    """Say how the agent is: from the agent itself, or from its spool while none runs."""
    from core.settings import load
    from edge.settings import EdgeSettings
    from edge.status import status

    if folder is None:
        if settings is None:
            raise typer.BadParameter("give --settings FILE or --folder DIR")
        folder = load(EdgeSettings, settings).folder
    answer = status(folder)
    if as_json:
        console.print_json({**answer, "version": console.JSON_VERSION})
    else:
        console.print_text(console.table([(key, _shown(value)) for key, value in answer.items()]))


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "  ".join(f"{key} {one}" for key, one in value.items()) or "none"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value)


def _as_text(broker: "BrokerReport") -> str:
    """One broker's lines: what was measured, what is wrong, what to change."""
    reached = "not reached" if broker.reached_ms is None else f"reached in {broker.reached_ms:.0f} ms"
    lines = [f"{broker.name} broker {broker.address}: {reached}"]
    if broker.window is not None:
        more = " or more" if broker.window == broker.asked else ""
        lines.append(f"  {broker.window}{more} events may be unacknowledged")
    if broker.kept is not None:
        lines.append(f"  {broker.kept} of {broker.parked} events wait for an agent that is away")
    lines += [f"  wrong: {fault}" for fault in broker.faults]
    lines += [f"  hint: {hint}" for hint in broker.hints]
    return "\n".join(lines)


def _as_json(report: "CheckReport") -> dict[str, Any]:
    return {"source": vars(report.source), "cloud": vars(report.cloud), "ok": report.exit_code == 0}
