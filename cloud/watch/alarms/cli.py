"""`beffroi alarm`: list, ack, mute, history."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from core import console
from core.console import Json

app = console.new_app("The alarms of the watch: list, ack, mute, history.")

Settings = Annotated[Path, typer.Option("--settings", help="The worker's settings, a TOML file.")]
Ids = Annotated[list[int] | None, typer.Argument(metavar="ID…", help="Of `beffroi alarm list`.", min=1)]
Everything = Annotated[bool, typer.Option("--all", help="All that hold, or those of them that the filters name.")]
Who = Annotated[str, typer.Option("--who", help="Your name; that of your account without.")]
Tenant = Annotated[str, typer.Option(help="Only of this tenant, or `operator`.")]
Commune = Annotated[str, typer.Option(help="Only of this commune: its INSEE code.")]
Kind = Annotated[str, typer.Option(help="Only of this kind, e.g. light.flicker, or light for all of them.")]
State = Annotated[str, typer.Option(help="Only in this state: raised or acknowledged.")]
Severity = Annotated[str, typer.Option(help="Only of this severity: notice, warning or critical.")]
_SPAN = re.compile(r"([0-9]{1,5})\s*(min|h|d|j)")
_MINUTES = {"min": 1, "h": 60, "d": 1440, "j": 1440}


@app.command("list")
def list_(
    settings: Settings,
    tenant: Tenant = "",
    commune: Commune = "",
    kind: Kind = "",
    state: State = "",
    severity: Severity = "",
    cleared: Annotated[bool, typer.Option("--cleared", help="The last that are over, instead.")] = False,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1, max=100_000)] = 200,
    as_json: Json = False,
) -> None:
    """List the alarms that hold, the gravest first."""
    question = {**_filters(tenant, commune, kind, state, severity), "cleared": cleared, "limit": limit}
    answer = _ask(settings, "alarm.list", question)
    if as_json:
        console.print_json(answer)
        return
    rows = [_row(alarm) for alarm in answer["alarms"]]
    if rows:
        console.print_text(console.table(rows, header=("id", "severity", "state", "since", "commune", "what")))
    left = answer["count"] - len(rows)
    console.note(f"alarms: {answer['count']}" + (f", of which {left} are not shown: --limit" if left > 0 else ""))


@app.command()
def ack(
    settings: Settings,
    ids: Ids = None,
    everything: Everything = False,
    who: Who = "",
    note: Annotated[str, typer.Option("--note", help="What is being done about it.")] = "",
    tenant: Tenant = "",
    commune: Commune = "",
    kind: Kind = "",
    severity: Severity = "",
    as_json: Json = False,
) -> None:
    """Say that you take alarms up: they are neither repeated nor passed on."""
    chosen = _chosen(ids, everything, _filters(tenant, commune, kind, "", severity))
    answer = _ask(settings, "alarm.ack", {**chosen, "who": who or _account(), "note": note})
    if as_json:
        console.print_json(answer)
        return
    for alarm in answer["acknowledged"]:
        console.print_text(f"{alarm['id']} acknowledged by {alarm['by']}: {alarm['text']}")


@app.command()
def mute(
    settings: Settings,
    ids: Ids = None,
    everything: Everything = False,
    span: Annotated[str, typer.Option("--for", help="How long: 90min, 8h or 14d; 0min: speak again.")] = "8h",
    who: Who = "",
    note: Annotated[str, typer.Option("--note", help="Why.")] = "",
    tenant: Tenant = "",
    commune: Commune = "",
    kind: Kind = "",
    severity: Severity = "",
    as_json: Json = False,
) -> None:
    """Tell nobody of alarms for a while, nor of the next of the same kind on the same thing."""
    parts = _SPAN.fullmatch(span.strip())
    if parts is None:
        raise typer.BadParameter("such as 90min, 8h or 14d", param_hint="--for")
    minutes = int(parts[1]) * _MINUTES[parts[2]]
    chosen = _chosen(ids, everything, _filters(tenant, commune, kind, "", severity))
    answer = _ask(settings, "alarm.mute", {**chosen, "minutes": minutes, "who": who or _account(), "note": note})
    if as_json:
        console.print_json(answer)
        return
    for alarm in answer["muted"]:
        said = f"muted until {_when(answer['until_ms'])}" if minutes else "speaks again"
        console.print_text(f"{alarm['id']} {said}: {alarm['text']}")


@app.command()
def history(
    settings: Settings,
    number: Annotated[int, typer.Argument(metavar="ID", help="Of `beffroi alarm list`.", min=1)],
    as_json: Json = False,
) -> None:
    """Tell what happened to one alarm, and who was told of it when."""
    answer = _ask(settings, "alarm.history", {"id": number})
    if as_json:
        console.print_json(answer)
        return
    alarm = answer["alarm"]
    console.print_text(f"{alarm['id']} {alarm['severity']} {alarm['state']}: {alarm['text']} [{alarm['kind']}]")
    console.print_text(f"since {_when(alarm['since_ms'])}")
    rows = [
        (_when(one["at_ms"]), one["step"], ": ".join(filter(None, (one["by"], one["note"]))))
        for one in answer["entries"]
    ]
    rows += [
        (_when(one["at_ms"]), f"to {one['contact']} by {one['channel']}", f"{one['step']}: {_fate(one)}")
        for one in answer["told"]
    ]
    console.print_text(console.table(sorted(rows, key=lambda row: row[0])))


def _ask(path: Path, verb: str, question: dict[str, Any]) -> Any:
    from cloud.settings import CloudSettings
    from cloud.watch.alarms.offline import ask_alarms
    from core import log
    from core.ports.clock import open_clock
    from core.settings import load

    settings = load(CloudSettings, path)
    log.configure(level="ERROR", service="cloud")
    now_ms = open_clock(settings.clock).now_ms()
    return ask_alarms(settings.folder, settings.territory, verb, question, now_ms=now_ms)


def _filters(tenant: str, commune: str, kind: str, state: str, severity: str) -> dict[str, str]:
    given = {"tenant": tenant, "commune": commune, "kind": kind, "state": state, "severity": severity}
    return {name: text for name, text in given.items() if text}


def _chosen(ids: list[int] | None, everything: bool, filters: dict[str, str]) -> dict[str, Any]:
    if bool(ids) == (everything or bool(filters)):
        raise typer.BadParameter("give IDs; or --all, or what they have in common")
    return {"ids": ids} if ids else {"all": True, **filters}


def _account() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError):  # an account without a name
        raise typer.BadParameter("give your name", param_hint="--who") from None


def _row(alarm: dict[str, Any]) -> tuple[str, ...]:
    state = alarm["state"] + (f" by {alarm['by']}" if alarm["by"] else "")
    if alarm["muted_until_ms"]:
        state += ", muted"
    if alarm["state"] != "cleared" and alarm["gone_ms"]:
        state += ", going"
    return (
        str(alarm["id"]),
        alarm["severity"],
        state,
        _when(alarm["since_ms"]),
        alarm["commune"] or "-",
        f"{alarm['text']} [{alarm['kind']}]",
    )


def _fate(told: dict[str, Any]) -> str:
    reason = f" ({told['reason']})" if told["reason"] else ""
    ended = f" {_when(told['ended_ms'])}" if told.get("ended_ms") else ""
    return f"{told['fate']}{ended}{reason}"


def _when(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="seconds")
