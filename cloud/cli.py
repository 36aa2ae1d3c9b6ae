"""`beffroi cloud`: run, check, status, assign; `beffroi quarantine`: list, show, replay."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core import console
from core.console import Json
from core.errors import StorageError

if TYPE_CHECKING:
    from cloud.settings import CloudSettings

app = console.new_app("The worker: run, check, status, assign.")
quarantine = console.new_app("What could not be stored: list, show, replay.")

_NEW_OBJECTS = 10_000  # between two looks for garbage; Python's own 700 cost a tenth of what a row costs
Settings = Annotated[Path, typer.Option("--settings", help="The worker's settings, a TOML file.")]


def _load(path: Path, *, is_service: bool = False) -> "CloudSettings":
    """The settings; from now on logs go to stderr, of a command only what a person must see."""
    from cloud.settings import CloudSettings
    from core import log
    from core.settings import load

    loaded = load(CloudSettings, path)
    log.configure(level=loaded.log_level if is_service else "ERROR", service="cloud")
    return loaded


@app.command()
def run(settings: Settings) -> None:
    """Take the edges' messages, store them, answer with receipts; until SIGTERM or Ctrl-C.

    A broker or a store out of reach is waited for. Exit code 78 for bad settings or an invalid territory.
    """
    import gc
    import signal
    import threading

    from cloud.service import build_service
    from core.errors import LinkError
    from core.ports.systemd import Notifier

    loaded = _load(settings, is_service=True)
    stopping = threading.Event()
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, lambda _number, _frame: stopping.set())
    with Notifier() as systemd:
        try:
            service = build_service(loaded, on_beat=systemd.beat, is_told_to_stop=stopping.wait)
        except LinkError:
            if stopping.is_set():  # told to stop while it waited for the store
                return
            raise
        gc.collect()
        gc.freeze()  # territory and code stay as long as the process: they are not looked through for garbage again
        gc.set_threshold(_NEW_OBJECTS)
        try:
            service.run(stopping)
        finally:
            service.close()


@app.command()
def check(settings: Settings, as_json: Json = False) -> None:
    """Show every setting with its origin, then try territory, folders, store and broker.

    Exit code 78 for an invalid territory, 5 when a folder, the store (or a database of it) or the broker is out of
    reach.
    """
    import msgspec

    from cloud.check import examine, verdict
    from core.settings import describe

    loaded = _load(settings)
    shown = describe(loaded, settings)
    findings = examine(loaded)
    code = verdict(findings)
    if as_json:
        told = [msgspec.structs.asdict(finding) for finding in findings]
        console.print_json({"settings": [vars(one) for one in shown], "findings": told, "ok": code == 0})
    else:
        lines: list[tuple[str, ...]] = [(one.key, one.value, one.origin) for one in shown]
        console.print_text(console.table(lines, header=("setting", "value", "from")))
        for finding in findings:
            console.print_text(f"{'ok ' if finding.ok else 'BAD'}  {finding.name}: {finding.text}")
            if finding.hint:
                console.print_text(f"     hint: {finding.hint}")
    raise typer.Exit(code)


@app.command()
def status(settings: Settings, as_json: Json = False) -> None:
    """Say how the worker is: from the worker itself, or from its files while none runs."""
    from cloud.offline import status_of_files
    from core.ports.control import ask

    loaded = _load(settings)
    try:
        answer = ask(loaded.folder, "status")
    except StorageError as error:
        if error.code != "control.no_service":
            raise
        answer = status_of_files(loaded)
    if as_json:
        console.print_json(answer)
        return
    rows = [(key, _shown(value)) for key, value in answer.items() if key != "alarms"]
    rows += [("alarm", _alarm(alarm)) for alarm in answer.get("alarms", [])]
    console.print_text(console.table(rows))


@app.command()
def assign(
    settings: Settings,
    device: Annotated[str, typer.Option("--device", metavar="EUI", help="The device: 16 hex digits.")],
    asset: Annotated[str, typer.Option("--asset", metavar="ID", help="What it measures: an id of assets.csv.")],
    start: Annotated[str, typer.Option("--from", metavar="ISO", help="Since when: 2026-03-01T09:30:00+01:00.")],
    end: Annotated[str, typer.Option("--to", metavar="ISO", help="Until when; until further notice without.")] = "",
    profile: Annotated[str, typer.Option(help="Of a device that devices.csv does not declare yet.")] = "",
    as_json: Json = False,
) -> None:
    """Say that a device measures an asset; what it sent since then moves there.

    Appends to assignments.csv, if the territory stays valid; a running worker takes it over at once.
    """
    import msgspec

    from cloud.assign import assign
    from core.ports.control import ask

    loaded = _load(settings)
    done = assign(loaded.territory, dev_eui=device, asset=asset, start=start, end=end, profile=profile)
    try:
        in_force = ask(loaded.folder, "territory.reload", timeout_s=60)["digest"] == done.digest
    except StorageError as error:
        if error.code != "control.no_service":
            raise
        in_force = False
        console.note("no worker runs: it will be applied when one starts")
    if as_json:
        console.print_json({**msgspec.structs.asdict(done), "applied": in_force})
    else:
        console.print_text(f"{done.dev_eui} measures {done.asset} ({done.commune}, {done.tenant}) since {start}")
        console.print_text(f"changed: {', '.join(done.files)}")


@quarantine.command("list")
def list_(
    settings: Settings,
    reason: Annotated[str, typer.Option(help="Only this reason, e.g. identity.foreign_device.")] = "",
    kind: Annotated[str, typer.Option(help="Only this kind: row, message or point.")] = "",
    limit: Annotated[int, typer.Option(help="At most so many.", min=1, max=10_000)] = 100,
    after: Annotated[int, typer.Option(help="Those after this entry.", min=0)] = 0,
    replayed: Annotated[bool, typer.Option("--replayed", help="Those that were stored after all.")] = False,
    as_json: Json = False,
) -> None:
    """List what could not be stored, the oldest first."""
    question = {"reason": reason, "kind": kind, "limit": limit, "after": after, "replayed": replayed}
    answer = _ask(_load(settings), "quarantine.list", question)
    if as_json:
        console.print_json(answer)
        return
    rows = [
        (
            str(entry["id"]),
            entry["kind"],
            _when(entry["first_seen_ms"]),
            entry["edge"] or "-",
            str(entry["seen"]),
            f"{entry['message']} [{entry['reason']}]",
        )
        for entry in answer["entries"]
    ]
    if rows:
        console.print_text(console.table(rows, header=("id", "kind", "first seen", "edge", "seen", "why")))
    console.note(f"held: {_shown(answer['held'])}")


@quarantine.command()
def show(
    settings: Settings,
    number: Annotated[int, typer.Argument(metavar="ID", help="Of `beffroi quarantine list`.")],
    as_json: Json = False,
) -> None:
    """Show one entry whole, with its bytes."""
    entry = _ask(_load(settings), "quarantine.show", {"id": number})
    if as_json:
        console.print_json(entry)
        return
    body = entry.pop("body_text"), entry.pop("body_hex")
    times = {key: _when(entry[key]) for key in ("first_seen_ms", "last_seen_ms", "replayed_ms") if entry[key]}
    rows = [(key, str(value)) for key, value in {**entry, **times}.items() if value not in ("", None)]
    console.print_text(console.table(rows))
    console.print_text(f"\n{body[1] if body[0] is None else body[0]}")


@quarantine.command()
def replay(
    settings: Settings,
    number: Annotated[int | None, typer.Argument(metavar="ID", help="One entry.")] = None,
    reason: Annotated[str, typer.Option(help="All entries of this reason.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="All entries.")] = False,
    as_json: Json = False,
) -> None:
    """Send entries down the normal road again, once their cause is mended. Exit code 3 when some are refused again."""
    from cloud.offline import Asker
    from core.errors import ExitCode

    if (number is not None) + bool(reason) + everything != 1:
        raise typer.BadParameter("give an ID, --reason or --all")
    question: dict[str, Any] = {"reason": reason} if number is None else {"id": number}
    total = {"replayed": 0, "refused": 0, "skipped": 0}
    with Asker(_load(settings)) as asker:
        while True:
            answer = asker.ask("quarantine.replay", question)
            total = {name: count + answer[name] for name, count in total.items()}
            if not answer["after"]:
                break
            question["after"] = answer["after"]
    if as_json:
        console.print_json(total)
    else:
        console.print_text(_shown(total))
        if total["skipped"]:
            console.note("skipped: points that the store refused; their rows are stored, with their payload")
    raise typer.Exit(ExitCode.PARTLY if total["refused"] else ExitCode.DONE)


def _ask(settings: "CloudSettings", verb: str, question: dict[str, Any]) -> Any:
    from cloud.offline import Asker

    with Asker(settings) as asker:
        return asker.ask(verb, question)


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "  ".join(f"{key} {_shown(one)}" for key, one in value.items()) or "none"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return str(value) if value != "" else "no"


def _alarm(alarm: dict[str, Any]) -> str:
    where = " ".join(alarm[key] for key in ("tenant", "site") if key in alarm)
    return f"{alarm['code']} {where}: {alarm['message']}".replace(" :", ":")


def _when(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="seconds")
