"""`beffroi bench`."""

import re
from pathlib import Path
from typing import Annotated

import typer

from core import console, duration

app = console.new_app("Figures of this machine: road, drain, tenants, edge, watch.")

Territory = Annotated[Path, typer.Option(help="The territory folder.")]
EXAMPLE = Path("territories/grand-est")


@app.command()
def road(
    per_s: Annotated[float, typer.Option("--rate", help="Uplinks a second.", min=1)] = 100,
    for_s: Annotated[
        float | None, typer.Option("--for", parser=duration.seconds, metavar="DURATION", help="Measure so long (30s).")
    ] = None,
    territory: Territory = EXAMPLE,
    json: console.Json = False,
) -> None:
    """Accepted to visible at a steady rate, on the real processes of a demo.

    Example: beffroi bench road --rate 100 --for 30s
    """
    from beffroi.bench import figures
    from beffroi.bench.road import measure

    for_s = 30.0 if for_s is None else for_s
    found = measure(territory.resolve(), per_s=per_s, for_s=for_s)
    if json:
        console.print_json(figures.as_json(found, rate_per_s=per_s, seconds=for_s))
    else:
        console.print_text(figures.as_text(found))


@app.command()
def drain(
    count: Annotated[int, typer.Option("--uplinks", help="How many uplinks to accept one by one.", min=1000)] = 200_000,
    sqlite: Annotated[bool, typer.Option("--sqlite", help="Into SQLite instead of InfluxDB.")] = False,
    territory: Territory = EXAMPLE,
    json: console.Json = False,
) -> None:
    """A backlog, accepted one by one and then drained into InfluxDB, weighed at the end. Takes minutes.

    Needs Mosquitto and InfluxDB (make influxdb).

    Example: beffroi bench drain --uplinks 200000
    """
    from beffroi.bench import figures
    from beffroi.bench.drain import measure

    found = measure(territory.resolve(), count=count, influxdb=not sqlite, note=console.note)
    if json:
        console.print_json(figures.as_json(found, uplinks=count, store="sqlite" if sqlite else "influxdb"))
    else:
        console.print_text(figures.as_text(found))


@app.command()
def tenants(
    tenants: Annotated[int, typer.Option("--tenants", help="How many, against one.", min=2, max=1000)] = 150,
    count: Annotated[int, typer.Option("--uplinks", help="How many uplinks a round.", min=1000)] = 60_000,
    rounds: Annotated[int, typer.Option("--rounds", help="Of each, in turn.", min=1)] = 3,
    json: console.Json = False,
) -> None:
    """One worker writing for many tenants, against one tenant: the same rows into InfluxDB. Takes minutes.

    Needs Mosquitto and InfluxDB (make influxdb).

    Example: beffroi bench tenants --tenants 150
    """
    from beffroi.bench import figures
    from beffroi.bench.tenants import measure

    found = measure(tenants=tenants, count=count, rounds=rounds, note=console.note)
    if json:
        console.print_json(figures.as_json(found, tenants=tenants, uplinks=count, rounds=rounds))
    else:
        console.print_text(figures.as_text(found))


@app.command()
def edge(
    count: Annotated[int, typer.Option("--uplinks", help="How many uplinks to accept one by one.", min=100)] = 20_000,
    wear: Annotated[bool, typer.Option("--wear", help="What it writes a day at 1 uplink/s. Takes minutes.")] = False,
    for_s: Annotated[
        float | None, typer.Option("--for", parser=duration.seconds, metavar="DURATION", help="With --wear (10m).")
    ] = None,
    territory: Territory = EXAMPLE,
    json: console.Json = False,
) -> None:
    """The agent: what it accepts a second, what draining costs it, its memory; and how fast the commands answer.

    With --wear instead: the bytes that reach the disk in a day at one uplink a second, for both presets of the spool.

    Example: beffroi bench edge --uplinks 20000
    """
    from beffroi.bench import edge, figures
    from beffroi.bench import wear as disk

    for_s = 600.0 if for_s is None else for_s
    found = disk.measure(territory.resolve(), for_s=for_s) if wear else edge.measure(territory.resolve(), count=count)
    if json:
        console.print_json(figures.as_json(found, **({"seconds": for_s} if wear else {"uplinks": count})))
    else:
        console.print_text(figures.as_text(found))


@app.command()
def watch(
    seeds: Annotated[str, typer.Option(help="A seed, or a range of seeds. 1-99 are for tuning, 1000 and more not.")] = (
        "1000-1009"
    ),
    days: Annotated[
        float | None, typer.Option(help="Days watched of each seed (7); with --year, of one (365).", min=0.1)
    ] = None,
    fleet: Annotated[str, typer.Option(help="Which devices: full or cabinet.")] = "cabinet",
    assets: Annotated[
        int | None, typer.Option("--pass", help="Instead: one pass over so many assets.", min=100, metavar="ASSETS")
    ] = None,
    year: Annotated[bool, typer.Option("--year", help="Instead: how long a year takes. Takes half an hour.")] = False,
    processes: Annotated[int, typer.Option(help="Side by side.", min=1, max=64)] = 2,
    territory: Territory = EXAMPLE,
    json: console.Json = False,
) -> None:
    """How well the watch sees: its verdicts against the simulator's truth, in the scenario `hard`. Takes minutes.

    With --pass or --year instead: how fast.

    Example: beffroi bench watch --days 7
    """
    from beffroi.bench import figures
    from simulator.scenario import FleetName

    if fleet not in list(FleetName):
        raise typer.BadParameter(f"{fleet!r} is not one of {', '.join(FleetName)}", param_hint="--fleet")
    name = FleetName(fleet)
    if assets is not None or year:
        from beffroi.bench.watch import crowd
        from beffroi.bench.watch import year as years

        if assets is not None:
            found = crowd.measure(territory.resolve(), assets=assets, note=console.note)
        else:
            lasting = 365.0 if days is None else days
            found = years.measure(territory.resolve(), days=lasting, name=name, processes=processes, note=console.note)
        if json:
            console.print_json(figures.as_json(found))
        else:
            console.print_text(figures.as_text(found))
        return
    from beffroi.bench.watch import evaluation

    chosen = _seeds(seeds)
    days = 7.0 if days is None else days
    seen = evaluation.evaluate(
        territory.resolve(), chosen, days=days, name=name, processes=processes, note=console.note
    )
    if json:
        console.print_json(evaluation.as_json(seen, seeds=chosen, days=days))
    else:
        console.print_text(evaluation.as_text(seen, seeds=chosen, days=days))
    raise typer.Exit(0 if seen.met else 3)


def _seeds(text: str) -> list[int]:
    found = re.fullmatch(r"(\d+)(?:-(\d+))?", text)
    first, last = (0, -1) if found is None else (int(found[1]), int(found[2] or found[1]))
    if last < first:
        raise typer.BadParameter(f"{text!r} is no seed and no range of seeds", param_hint="--seeds")
    return list(range(first, last + 1))
