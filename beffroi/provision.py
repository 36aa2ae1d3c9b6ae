"""`beffroi territory plan|apply`: what the servers need to be as the territory says. Thin; `provisioning` does it."""

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core import console
from core.errors import ExitCode
from core.territory import Territory, load

if TYPE_CHECKING:
    from provisioning.influxdb.run import Server, Survey

EXAMPLE = Path("territories/grand-est")


class Part(StrEnum):
    INFLUXDB = "influxdb"


Only = Annotated[Part, typer.Option("--only", help="Which server. The others are not provisioned yet.")]
Folder = Annotated[Path, typer.Option("--territory", metavar="DIR", help="The territory folder.")]
Url = Annotated[str, typer.Option("--url", metavar="URL", help="Of InfluxDB; https off this machine.")]
SecretsFile = Annotated[
    Path, typer.Option("--secrets", metavar="FILE", help="TOML, mode 0600, outside the territory; apply writes it.")
]
AdminUser = Annotated[str, typer.Option("--admin-user", metavar="NAME", help="1.x: the administrator's name.")]
AdminFile = Annotated[
    Path | None,
    typer.Option(
        "--admin-file",
        metavar="FILE",
        help="Mode 0600, holds the administrator's password (1.x) or operator token (2.x) alone. "
        "Else BEFFROI_INFLUXDB_ADMIN_PASSWORD or …_TOKEN.",
    ),
]
Organisation = Annotated[str, typer.Option("--org", metavar="NAME", help="2.x: the organisation.")]


def plan(
    only: Only,
    secrets: SecretsFile,
    folder: Folder = EXAMPLE,
    url: Url = "http://127.0.0.1:8086",
    admin_user: AdminUser = "admin",
    admin_file: AdminFile = None,
    organisation: Organisation = "beffroi",
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit 6 when there is something to change.")
    ] = False,
    as_json: console.Json = False,
) -> None:
    """Print what apply would change, and change nothing.

    beffroi territory plan --only influxdb --territory territories/grand-est --secrets /etc/beffroi/secrets.toml
    """
    del only  # the one part there is
    territory = load(folder)
    seen = _survey(_connect(folder, url, secrets, admin_user, admin_file, organisation), territory, secrets)
    if as_json:
        console.print_json(_as_json(seen, folder))
    else:
        _print(seen)
    if detailed_exitcode and seen.plan.actions:
        raise typer.Exit(ExitCode.CHANGES)


def apply(
    only: Only,
    secrets: SecretsFile,
    folder: Folder = EXAMPLE,
    url: Url = "http://127.0.0.1:8086",
    admin_user: AdminUser = "admin",
    admin_file: AdminFile = None,
    organisation: Organisation = "beffroi",
    create_admin: Annotated[
        bool, typer.Option("--create-admin", help="1.x without an administrator yet: make --admin-user one first.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and stop.")] = False,
    as_json: console.Json = False,
) -> None:
    """Make it as the territory says: databases, retention, accounts and their grants. Again: nothing to do.

    New passwords go into the secrets file alone. Nothing is deleted that is not ours, and no data but what a shorter
    retention drops.

    beffroi territory apply --only influxdb --territory territories/grand-est --secrets /etc/beffroi/secrets.toml
    """
    del only
    from provisioning.influxdb.run import apply as run_steps
    from provisioning.influxdb.run import sole_writer

    territory = load(folder)
    server = _connect(folder, url, secrets, admin_user, admin_file, organisation)
    with sole_writer(secrets):
        if create_admin and not dry_run and server.create_admin():
            console.note(f"made {admin_user} the administrator of {server.url}")
        seen = _survey(server, territory, secrets)
        if not as_json:
            _print(seen)
        if dry_run or not seen.plan.actions:
            applied = 0
        else:
            _confirm(len(seen.plan.actions), yes=yes)
            applied = run_steps(
                seen,
                secrets,
                done=lambda count, step: console.note(
                    f"[{count}/{len(seen.plan.actions)}] {step.change} {step.kind} {step.name}"
                ),
            )
    if as_json:
        console.print_json({**_as_json(seen, folder), "applied": applied, "secrets": str(secrets)})
    elif applied:
        console.print_text(f"Applied {applied} steps; credentials are in {secrets}.")


def _connect(
    folder: Path, url: str, secrets: Path, admin_user: str, admin_file: Path | None, organisation: str
) -> "Server":
    from provisioning.influxdb.run import connect, read_credentials, refuse_inside

    refuse_inside(folder, secrets)
    return connect(url, read_credentials(admin_user, admin_file, dict(os.environ)), organisation=organisation)


def _survey(server: "Server", territory: Territory, secrets: Path) -> "Survey":
    from provisioning.influxdb.run import survey

    seen = survey(server, territory, secrets)
    for warning in server.warnings:
        console.note(f"WARNING: {warning}")
    return seen


def _print(seen: "Survey") -> None:
    from provisioning.influxdb.actions import render

    console.print_text(f"InfluxDB {seen.server.version} at {seen.server.url}")
    console.print_text(render(seen.plan))


def _as_json(seen: "Survey", folder: Path) -> dict[str, Any]:
    return {
        "folder": str(folder),
        "server": {"kind": Part.INFLUXDB.value, "url": seen.server.url, "version": seen.server.version},
        "actions": [action.as_json() for action in seen.plan.actions],
        "notes": list(seen.plan.notes),
        "warnings": list(seen.server.warnings),
    }


def _confirm(steps: int, *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise typer.BadParameter("nobody is there to be asked: add --yes", param_hint="apply")
    if not typer.confirm(f"Apply these {steps} steps?", err=True):
        raise typer.Exit(ExitCode.DONE)
