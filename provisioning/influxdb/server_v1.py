"""InfluxDB 1.8 and later 1.x, through `/query` as administrator."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from core.errors import OperatorError, RejectedError
from core.secrets import Secrets
from provisioning.influxdb.actions import Plan
from provisioning.influxdb.desired import Database, Use, account_name
from provisioning.influxdb.link import PASSWORD_VARIABLE, Answer, Credentials, Link, basic, require
from provisioning.influxdb.plan_v1 import (
    INTERNAL,
    PASSWORD,
    Live,
    LiveAccount,
    LivePolicy,
    Login,
    Privilege,
    Statement,
    V1Action,
    name,
    plan,
    stored_password,
    text,
)

_AT_ONCE = 50  # statements in one request
_TIMES = {"h": 3600, "m": 60, "s": 1}
_OFF = (
    "AUTHENTICATION IS OFF on {url}: whoever reaches it reads, changes and drops every tenant's data, "
    "and no password below protects anything"
)
_COPIES = (
    "continuous queries are on at {url}: any tenant's account, a reading one too, can have another tenant's values "
    "copied to itself; set enabled = false under [continuous_queries] in influxdb.conf and restart it"
)
_TURN_ON = "set auth-enabled = true under [http] in influxdb.conf and restart it (deploy/README.md)"


class Influx1:
    """One server. `warnings`: what the operator must hear whatever the plan says."""

    def __init__(self, link: Link, version: str, credentials: Credentials, *, generate: Callable[[], str]) -> None:
        """
        Raises:
            OperatorError: `influxdb.unprotected` off loopback.
        """
        self.url, self.version = link.url, version
        self._link, self._credentials, self._generate = link, credentials, generate
        answer = self._post("SHOW DATABASES", {})
        self.protected = answer.status != 200
        self._no_admin = answer.status == 403 and b"create admin user first" in answer.body
        self._unprotected: tuple[str, ...] = ()
        self._copying: tuple[str, ...] = ()
        if not self.protected:
            warning = _OFF.format(url=link.url)
            if not link.loopback:
                raise OperatorError("influxdb.unprotected", warning, hint=_TURN_ON)
            self._unprotected = (f"{warning}; {_TURN_ON}",)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Whole only after `plan`."""
        return self._unprotected + self._copying

    def create_admin(self) -> bool:
        """Make the first administrator, where there is none; whether it had to.

        Raises:
            ConfigError: `influxdb.no_credentials`.
            OperatorError: `influxdb.refused`.
        """
        require(self._credentials.password, PASSWORD_VARIABLE, self.version)
        if self.protected and not self._no_admin:
            return False
        user = self._credentials.user
        if not self.protected and any(row[0] == user and row[1] for row in _rows(self._ask(["SHOW USERS"])[0])):
            return False
        statement = f"CREATE USER {name(user)} WITH PASSWORD {PASSWORD} WITH ALL PRIVILEGES"
        self._run(statement.replace(PASSWORD, text(self._credentials.password)), secret=self._credentials.password)
        self._no_admin = False
        return True

    def plan(self, desired: tuple[Database, ...], secrets: Secrets) -> Plan[Statement]:
        """What is, compared with what should be.

        Raises:
            OperatorError: `influxdb.no_admin`, `influxdb.refused`.
        """
        if self._no_admin:
            raise OperatorError(
                "influxdb.no_admin",
                f"{self.url} has no administrator yet",
                hint="apply with --create-admin: it makes one of --admin-user and the password given",
            )
        return plan(desired, self._read(desired, secrets), secrets)

    def perform(self, action: V1Action, secrets: Secrets, keep: Callable[[Secrets], None]) -> Secrets:
        """Run one step. A new password is kept in the file *before* the server learns it: whatever ends us in
        between, the file has what the next run will set.
        """
        step = action.step
        if step.use is None:
            self._run(step.text)
            return secrets
        password = stored_password(secrets, step.database, step.use)
        if password is None:
            password = self._generate()
            account = account_name(step.database, step.use)
            secrets = secrets.with_value(step.use.table, step.database, f"{account}:{password}")
            keep(secrets)
        self._run(step.text.replace(PASSWORD, text(password)), secret=password)
        return secrets

    def _read(self, desired: tuple[Database, ...], secrets: Secrets) -> Live:
        databases, users, running, copies = self._ask(
            ["SHOW DATABASES", "SHOW USERS", "SHOW DIAGNOSTICS FOR 'config-cqs'", "SHOW CONTINUOUS QUERIES"]
        )
        on = any(dict(zip(s["columns"], s["values"][0], strict=True)).get("enabled") for s in running.get("series", ()))
        self._copying = (_COPIES.format(url=self.url),) if on else ()
        found = [str(row[0]) for row in _rows(databases) if row[0] != INTERNAL]
        ours = [database.name for database in desired if database.name in found]
        policies = dict(zip(ours, self._ask([f"SHOW RETENTION POLICIES ON {name(d)}" for d in ours]), strict=True))
        admins = {str(row[0]): bool(row[1]) for row in _rows(users)}
        grants = dict(zip(admins, self._ask([f"SHOW GRANTS FOR {name(user)}" for user in admins]), strict=True))
        logins = {
            account_name(database.name, use): self._try_password(database.name, use, secrets)
            for database in desired
            for use in Use
            if account_name(database.name, use) in admins
        }
        return Live(
            {database: _policies(policies[database]) if database in policies else {} for database in found},
            {
                user: LiveAccount(admin, _grants(grants[user]), logins.get(user, Login.UNTRIED))
                for user, admin in admins.items()
            },
            tuple((series["name"], row[0]) for series in copies.get("series", ()) for row in series.get("values", ())),
        )

    def _try_password(self, database: str, use: Use, secrets: Secrets) -> Login:
        """By logging in: the server shows no password, and anyone may have changed it."""
        password = stored_password(secrets, database, use)
        if password is None or not self.protected:
            return Login.UNTRIED
        answer = self._post("SHOW DATABASES", basic(account_name(database, use), password))
        if answer.status == 401:
            return Login.REFUSED
        self._check(answer, "")
        return Login.ACCEPTED

    def _run(self, statement: str, *, secret: str = "") -> None:
        self._ask([statement], secret=secret)

    def _ask(self, statements: Sequence[str], *, secret: str = "") -> list[dict[str, Any]]:
        """The result of each statement, as administrator."""
        results: list[dict[str, Any]] = []
        headers = basic(self._credentials.user, self._credentials.password) if self._credentials.password else {}
        if self._no_admin:
            headers = {}
        for some in _slices(statements):
            answer = self._post("; ".join(some), headers)
            self._check(answer, secret)
            told = answer.json()["results"]
            for result in told:
                if error := result.get("error"):
                    raise RejectedError(
                        "influxdb.statement",
                        f"{self.url} refuses a step: {_without(secret, str(error))}",
                        hint="what was applied stays; put it right and apply again",
                    )
            results += told
        return results

    def _check(self, answer: Answer, secret: str) -> None:
        if answer.status == 200:
            return
        told = _without(secret, answer.told())
        if answer.status in (401, 403):
            raise OperatorError(
                "influxdb.refused",
                f"{self.url} refuses the administrator {self._credentials.user}: {told}",
                hint="is the password right (BEFFROI_INFLUXDB_ADMIN_PASSWORD, --admin-file), and is --admin-user one?",
            )
        raise RejectedError("influxdb.statement", f"{self.url} refuses a request: {told}", hint="apply again")

    def _post(self, statement: str, headers: dict[str, str]) -> Answer:
        """In the body, where no log of a proxy keeps it."""
        return self._link.request(
            "POST",
            "/query",
            headers={**headers, "Content-Type": "application/x-www-form-urlencoded"},
            body=urlencode({"q": statement}, quote_via=quote).encode(),
        )


def seconds(go_duration: str) -> int:
    """`9600h0m0s` as seconds; `0s`: for ever."""
    return sum(int(number) * _TIMES[unit] for number, unit in re.findall(r"(\d+)([hms])", go_duration))


def _policies(result: dict[str, Any]) -> dict[str, LivePolicy]:
    return {row[0]: LivePolicy(seconds(row[1]), seconds(row[2]), bool(row[4])) for row in _rows(result)}


def _grants(result: dict[str, Any]) -> dict[str, Privilege]:
    return {row[0]: Privilege(row[1]) for row in _rows(result)}


def _rows(result: dict[str, Any]) -> Iterator[list[Any]]:
    for series in result.get("series", ()):
        yield from series.get("values", ())


def _slices(statements: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(statements), _AT_ONCE):
        yield statements[start : start + _AT_ONCE]


def _without(secret: str, told: str) -> str:
    return told.replace(secret, "***") if secret else told
