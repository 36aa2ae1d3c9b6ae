"""A territory's InfluxDB, planned and applied: finds out which server it is, and keeps the secrets file in step."""

import re
import secrets as randomness
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from core.errors import BeffroiError, ConfigError, RejectedError
from core.plan import InterruptedApplyError
from core.secrets import Secrets, load_secrets, read_private
from core.territory import Territory
from provisioning.influxdb.actions import Action, Plan
from provisioning.influxdb.desired import Database, desired_databases
from provisioning.influxdb.link import PASSWORD_VARIABLE, TOKEN_VARIABLE, Answer, Credentials, Link, require
from provisioning.influxdb.server_v1 import Influx1
from provisioning.influxdb.server_v2 import Influx2
from provisioning.secrets import sole_writer, write_secrets

ORGANISATION = "beffroi"


class Server(Protocol):
    """One InfluxDB of one generation."""

    url: str
    version: str

    @property
    def warnings(self) -> tuple[str, ...]: ...

    def create_admin(self) -> bool: ...
    def plan(self, desired: tuple[Database, ...], secrets: Secrets) -> Plan[Any]: ...
    def perform(self, action: Any, secrets: Secrets, keep: Callable[[Secrets], None]) -> Secrets: ...


@dataclass(frozen=True)
class Survey:
    """A server, what it needs, and the secrets it was compared with."""

    server: Server
    plan: Plan[Any]
    secrets: Secrets


def read_credentials(user: str, file: Path | None, environment: dict[str, str]) -> Credentials:
    """The administrator's: from a file of mode 0600, else from the environment; never from an argument.

    Raises:
        ConfigError: `influxdb.admin_user`, `secrets.…` of the file.
    """
    if not user or ":" in user:
        raise ConfigError("influxdb.admin_user", f"{user!r} can be no user", hint="a name without a colon: admin")
    if file is not None:
        secret = read_private(file).strip("\r\n")
        return Credentials(user, secret, secret)
    return Credentials(user, environment.get(PASSWORD_VARIABLE, ""), environment.get(TOKEN_VARIABLE, ""))


def connect(
    url: str,
    credentials: Credentials,
    *,
    organisation: str = ORGANISATION,
    generate: Callable[[], str] = lambda: randomness.token_urlsafe(24),
    timeout_s: float = 60.0,
) -> Server:
    """The server behind a URL, by the version it names.

    Raises:
        NotConnected: `influxdb.unreachable`.
        ConfigError: `influxdb.no_credentials`, `influxdb.url`, `influxdb.plain`.
        RejectedError: `influxdb.version`, `influxdb.unknown_server`.
        OperatorError: `influxdb.unprotected`.
    """
    link = Link(url, timeout_s=timeout_s)
    ping = link.request("GET", "/ping")
    version = ping.headers.get("x-influxdb-version")
    if version is None:
        raise RejectedError(
            "influxdb.unknown_server", f"what answers at {link.url} is no InfluxDB", hint="check --url, and a proxy"
        )
    if _generation(link, version) == 2:
        require(credentials.token, TOKEN_VARIABLE, version)
        return Influx2(link, version, credentials, organisation)
    server = Influx1(link, "1.x" if version == "unknown" else version, credentials, generate=generate)
    if server.protected:
        require(credentials.password, PASSWORD_VARIABLE, version)
    return server


def survey(server: Server, territory: Territory, secrets_file: Path) -> Survey:
    """What the server needs to be as the territory says. Changes nothing."""
    secrets = load_secrets(secrets_file) if secrets_file.exists() else Secrets()
    return Survey(server, server.plan(desired_databases(territory), secrets), secrets)


def apply(seen: Survey, secrets_file: Path, *, done: Callable[[int, Action[Any]], None]) -> int:
    """Run the steps in order; the number of them. Hold `sole_writer(secrets_file)` from before the survey on.

    Raises:
        InterruptedApplyError: with the code and exit code of what ended it.
    """
    secrets, steps = seen.secrets, seen.plan.actions
    for count, action in enumerate(steps):
        try:
            secrets = seen.server.perform(action, secrets, lambda changed: write_secrets(secrets_file, changed))
        except BeffroiError as error:
            raise InterruptedApplyError(error, count, len(steps)) from error
        done(count + 1, action)
    return len(steps)


def refuse_inside(territory: Path, secrets_file: Path) -> None:
    """The territory is in git, and everyone's to read.

    Raises:
        ConfigError: `secrets.in_territory`.
    """
    if secrets_file.resolve().is_relative_to(territory.resolve()):
        raise ConfigError(
            "secrets.in_territory",
            f"{secrets_file} is inside the territory {territory}, which is kept in git",
            hint="name a file elsewhere, such as /etc/beffroi/secrets.toml",
        )


def _generation(link: Link, version: str) -> int:
    """1 or 2."""
    numbers = re.match(r"v?(\d+)\.(\d+)", version)
    if numbers is None:  # a build that does not know its version; only 2.x has been set up, or can be
        return 2 if _is_setup(link.request("GET", "/api/v2/setup")) else 1
    major, minor = int(numbers[1]), int(numbers[2])
    if major > 2 or (major, minor) < (1, 8):
        raise RejectedError(
            "influxdb.version",
            f"{link.url} is InfluxDB {version}, which beffroi does not know",
            hint="use 1.8 or later of 1.x (it has /api/v2/write), or 2.x",
        )
    return major


def _is_setup(answer: Answer) -> bool:
    return answer.status == 200 and "allowed" in answer.json()


__all__ = [
    "ORGANISATION",
    "InterruptedApplyError",
    "Server",
    "Survey",
    "apply",
    "connect",
    "read_credentials",
    "refuse_inside",
    "sole_writer",
    "survey",
]
