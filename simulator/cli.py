"""`beffroi simulate`."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core import console, duration
from core.errors import ConfigError, OperatorError

if TYPE_CHECKING:
    from core.settings import BrokerSettings
    from simulator.fleet import Fleet
    from simulator.scenario import Scenario

app = console.new_app("Devices without hardware: run their lives, and publish them as a network server does.")

_WAIT_S = 20.0  # edges on the same machine need a few seconds to start


@app.callback()
def _simulate() -> None:
    """Keeps `run` a command of its own while it is the only one."""


@app.command()
def run(
    territory: Annotated[Path, typer.Option(help="The territory folder: which devices there are, and where.")],
    broker: Annotated[str, typer.Option(help="Publish to this broker, on this machine.", metavar="HOST:PORT")] = (
        "127.0.0.1:1883"
    ),
    seed: Annotated[int, typer.Option(help="The same seed and start give the same bytes.")] = 1,
    speed: Annotated[float, typer.Option(help="Scenario seconds a second, once the first day is filled.")] = 60,
    fleet: Annotated[str, typer.Option(help="Which devices: full or cabinet.")] = "cabinet",
    for_s: Annotated[
        float | None,
        typer.Option(
            "--for",
            parser=duration.seconds,
            metavar="DURATION",
            help="Stop by itself after this long; with --out, how much scenario time to write (default 24h).",
        ),
    ] = None,
    start: Annotated[
        datetime | None,
        typer.Option(
            parser=datetime.fromisoformat,
            metavar="ISO",
            help="First instant, UTC unless it says otherwise (48 h ago).",
        ),
    ] = None,
    clock: Annotated[Path | None, typer.Option(help="Write the scenario's time scale here, for the services.")] = None,
    truth: Annotated[Path | None, typer.Option(help="Write what really happens here, as JSON lines.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the events here as JSON lines instead of publishing.")] = None,
    faults: Annotated[
        float, typer.Option(help="Times the scenario's faults and failures; 0: a perfect world.", min=0)
    ] = 1,
    scenario_name: Annotated[
        str, typer.Option("--scenario", help="usual, or hard: outages, dead devices, loss, doubles, late data.")
    ] = "usual",
    wait: Annotated[
        float | None,
        typer.Option(
            parser=duration.seconds, metavar="DURATION", help="Wait at most so long for edges to answer (20s)."
        ),
    ] = None,
    json: console.Json = False,
) -> None:
    """Live the devices of a territory from 48 h ago: a day at once, then at --speed up to now, then at life's pace.

    Example: beffroi simulate run --territory territories/grand-est --broker 127.0.0.1:1883 --for 60s
    """
    from core import territory as declarations
    from simulator import collector
    from simulator import fleet as fleets
    from simulator.faults import SCENARIOS
    from simulator.scenario import AGO_MS, FleetName, Scenario

    now_ms = round(datetime.now(UTC).timestamp() * 1000)
    start_ms = now_ms - AGO_MS if start is None else _to_ms(start)
    if start_ms >= now_ms:
        raise typer.BadParameter("a scenario starts in the past", param_hint="--start")
    if speed <= 0:
        raise typer.BadParameter("it must be more than 0", param_hint="--speed")
    if fleet not in list(FleetName):
        raise typer.BadParameter(f"{fleet!r} is not one of {', '.join(FleetName)}", param_hint="--fleet")
    if scenario_name not in SCENARIOS:
        raise typer.BadParameter(f"{scenario_name!r} is not one of {', '.join(SCENARIOS)}", param_hint="--scenario")
    scenario = Scenario(
        territory=territory,
        start_ms=start_ms,
        seed=seed,
        speed=speed,
        fleet=FleetName(fleet),
        faults=SCENARIOS[scenario_name].scaled(faults),
        for_s=for_s,
    )
    with collector.paused():
        devices = fleets.build(declarations.load(territory), scenario)
    collector.keep_all()
    for why, count in sorted(devices.left_out.items()):
        console.note(f"left out: {count} ({why})")
    if not devices.nodes:
        raise ConfigError(
            "scenario.no_devices",
            f"no device of {territory} can be simulated",
            hint="declare lamps, assign devices to them, and give their site a gateway and an application",
        )
    result = {
        "seed": seed,
        "start": datetime.fromtimestamp(start_ms / 1000, UTC).isoformat(),
        "devices": len({node.dev_eui for node in devices.nodes}),
        "left_out": dict(devices.left_out),
    }
    if out is not None:
        result |= _write(scenario, devices, out=out, truth=truth, until_ms=now_ms)
    else:
        result |= _publish(
            scenario, devices, _broker(broker), clock=clock, truth=truth, wait_s=_WAIT_S if wait is None else wait
        )
    if json:
        console.print_json(result)
    else:
        console.print_text(_text(result))


def _publish(
    scenario: "Scenario",
    devices: "Fleet",
    broker: "BrokerSettings",
    *,
    clock: Path | None,
    truth: Path | None,
    wait_s: float,
) -> dict[str, Any]:
    import signal
    import threading
    from contextlib import ExitStack

    from core import log
    from simulator.faults import TruthFile
    from simulator.run import Run

    log.configure(service="simulator")
    stop = threading.Event()
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, lambda _signal, _frame: stop.set())
    with ExitStack() as stack:
        record = None if truth is None else stack.enter_context(TruthFile(truth))
        outcome = Run(
            scenario, devices, broker=broker, clock_file=clock, truth=record, wait_s=wait_s, note=console.note
        ).go(stop)
    return outcome.as_json()


def _write(scenario: "Scenario", devices: "Fleet", *, out: Path, truth: Path | None, until_ms: int) -> dict[str, Any]:
    from simulator.recording import record

    return record(scenario, devices, out=out, truth=truth, until_ms=until_ms).as_json()


def _broker(text: str) -> "BrokerSettings":
    from pydantic import ValidationError

    from core.settings import BrokerSettings, is_loopback

    host, _, port = text.rpartition(":")
    if not host or not port.isdigit():
        raise typer.BadParameter(f"{text!r} is not HOST:PORT", param_hint="--broker")
    if not is_loopback(host):
        raise OperatorError(
            "simulate.not_here",
            f"{host} is not this machine",
            hint="simulated devices stay on loopback: write 127.0.0.1:1883",
        )
    try:
        return BrokerSettings(host=host, port=int(port))
    except ValidationError as error:
        raise typer.BadParameter(f"{port} is no port", param_hint="--broker") from error


def _to_ms(moment: datetime) -> int:
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def _text(result: dict[str, Any]) -> str:
    kinds = ", ".join(f"{count} {kind}" for kind, count in result["kinds"].items())
    lines = [
        f"{result['devices']} devices, seed {result['seed']}, {result['start'][:19]} to {result['now'][:19]} UTC",
        f"{result['events']} events ({kinds}, {result['duplicates']} duplicates)",
        f"{result['lost_by_radio']} frames lost by radio",
    ]
    rows: list[tuple[str, ...]] = [(edge, str(one["published"])) for edge, one in result["edges"].items()]
    return "\n".join([*lines, console.table(rows)]) if rows else "\n".join(lines)
