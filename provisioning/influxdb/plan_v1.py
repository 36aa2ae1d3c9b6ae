"""InfluxDB 1.x: from what is to what should be, as InfluxQL statements. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum

from core.plan import Change
from core.secrets import Secrets
from provisioning.influxdb.actions import Action, Plan, describe, differences
from provisioning.influxdb.desired import DAY_S, FOREVER_S, Database, Policy, Use, account_name

PASSWORD = "$password"  # noqa: S105 - stands in a statement where the password goes; no slug can hold it
INTERNAL = "_internal"


class Privilege(StrEnum):
    """As SHOW GRANTS says it."""

    ALL = "ALL PRIVILEGES"
    READ = "READ"
    WRITE = "WRITE"
    NONE = "NO PRIVILEGES"


# A WRITE grant cannot SELECT, and the worker reads and deletes when it moves uplinks.
GRANTS: Mapping[Use, Privilege] = {Use.WRITE: Privilege.ALL, Use.READ: Privilege.READ}


class Login(Enum):
    """What the server said when the secrets file's password was tried."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNTRIED = "untried"  # the file has none, or the server asks for none


@dataclass(frozen=True)
class LivePolicy:
    keep_s: int
    shard_s: int
    default: bool


@dataclass(frozen=True)
class LiveAccount:
    admin: bool = False
    grants: Mapping[str, Privilege] = field(default_factory=dict)
    login: Login = Login.UNTRIED


@dataclass(frozen=True)
class Live:
    """What the server has: databases with their policies, and accounts."""

    databases: Mapping[str, Mapping[str, LivePolicy]] = field(default_factory=dict)
    accounts: Mapping[str, LiveAccount] = field(default_factory=dict)
    continuous_queries: tuple[tuple[str, str], ...] = ()  # database, name


@dataclass(frozen=True)
class Statement:
    """InfluxQL; where it says `$password`, the one of this database and use goes."""

    text: str
    database: str
    use: Use | None = None


V1Action = Action[Statement]


def plan(desired: tuple[Database, ...], live: Live, secrets: Secrets) -> Plan[Statement]:
    """The ordered steps: databases and policies before the accounts that are granted them, tenant by tenant."""
    actions: list[V1Action] = []
    for database in desired:
        actions += [*_databases(database, live), *_accounts(database, live, secrets)]
    return Plan(tuple(actions), _notes(desired, live))


def stored_password(secrets: Secrets, database: str, use: Use) -> str | None:
    """The password that the file has for the account; None also for another account's, or a token of 2.x."""
    user, colon, password = secrets.table(use.table).get(database, "").partition(":")
    return password if colon and password and user == account_name(database, use) else None


def name(identifier: str) -> str:
    """A quoted identifier."""
    return '"' + identifier.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def text(literal: str) -> str:
    """A quoted string."""
    return "'" + literal.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"


def _databases(database: Database, live: Live) -> list[V1Action]:
    found = live.databases.get(database.name)
    raw = database.raw
    if found is None:
        create = f"CREATE DATABASE {name(database.name)} WITH {_lengths(raw)} NAME {name(raw.name)}"
        detail = f"policy {raw.name} {describe(raw)}"
        made = Action(Change.CREATE, "database", database.name, detail, Statement(create, database.name))
        return [made, _new_policy(database.name, database.long)]
    actions: list[V1Action] = []
    for policy in database.policies:
        has = found.get(policy.name)
        if has is None:
            actions.append(_new_policy(database.name, policy))
        elif detail := differences(policy, keep_s=has.keep_s, shard_s=has.shard_s, default=has.default):
            actions.append(_policy(Change.UPDATE, "ALTER", database.name, policy, _lengths(policy, again=True), detail))
    return actions


def _new_policy(database: str, policy: Policy) -> V1Action:
    return _policy(Change.CREATE, "CREATE", database, policy, _lengths(policy), describe(policy))


def _policy(change: Change, verb: str, database: str, policy: Policy, lengths: str, detail: str) -> V1Action:
    default = " DEFAULT" if policy.default else ""
    statement = f"{verb} RETENTION POLICY {name(policy.name)} ON {name(database)} {lengths}{default}"
    return Action(change, "policy", f"{database}/{policy.name}", detail, Statement(statement, database))


def _lengths(policy: Policy, *, again: bool = False) -> str:
    replication = "" if again else " REPLICATION 1"
    return f"DURATION {_length(policy.keep_s)}{replication} SHARD DURATION {_length(policy.shard_s)}"


def _length(seconds: int) -> str:
    if seconds == FOREVER_S:
        return "INF"
    return f"{seconds // DAY_S}d" if seconds % DAY_S == 0 else f"{seconds}s"


def _accounts(database: Database, live: Live, secrets: Secrets) -> list[V1Action]:
    actions: list[V1Action] = []
    for use in Use:
        account = account_name(database.name, use)
        found = live.accounts.get(account)
        actions += _password(database.name, use, account, found, secrets)
        if found is not None and found.admin:
            revoke = Statement(f"REVOKE ALL PRIVILEGES FROM {name(account)}", database.name)
            actions.append(Action(Change.DELETE, "grant", account, "administrator of the whole server", revoke))
        actions += _grants(database.name, use, account, {} if found is None else found.grants)
    return actions


def _password(database: str, use: Use, account: str, found: LiveAccount | None, secrets: Secrets) -> list[V1Action]:
    known = stored_password(secrets, database, use) is not None
    if found is None:
        change, detail = Change.CREATE, "password of the secrets file" if known else "new password → the secrets file"
        statement = f"CREATE USER {name(account)} WITH PASSWORD {PASSWORD}"
    elif not known or found.login is Login.REFUSED:
        change = Change.UPDATE
        detail = (
            "password of the secrets file set again: the server refuses it"
            if known
            else "new password → the secrets file, which has none"
        )
        statement = f"SET PASSWORD FOR {name(account)} = {PASSWORD}"
    else:
        return []
    return [Action(change, "account", account, detail, Statement(statement, database, use))]


def _grants(database: str, use: Use, account: str, found: Mapping[str, Privilege]) -> list[V1Action]:
    actions: list[V1Action] = []
    wanted, has = GRANTS[use], found.get(database, Privilege.NONE)
    if has is not wanted:
        word = "ALL" if wanted is Privilege.ALL else wanted
        grant = Statement(f"GRANT {word} ON {name(database)} TO {name(account)}", database)
        change, before = (Change.CREATE, "") if has is Privilege.NONE else (Change.UPDATE, f"{has} → ")
        actions.append(Action(change, "grant", account, f"{before}{wanted} on {database}", grant))
    for other, privilege in sorted(found.items()):
        if other != database and privilege is not Privilege.NONE:
            revoke = Statement(f"REVOKE ALL ON {name(other)} FROM {name(account)}", database)
            actions.append(Action(Change.DELETE, "grant", account, f"{privilege} on {other}", revoke))
    return actions


def _notes(desired: tuple[Database, ...], live: Live) -> tuple[str, ...]:
    declared = {database.name for database in desired}
    ours = {account_name(database.name, use) for database in desired for use in Use}
    notes = [f"database {found}: not declared, left alone" for found in live.databases if found not in declared]
    for account, seen in live.accounts.items():
        if account not in ours:
            notes += [
                f"account {account}: not declared, left alone; it has {privilege} on {database}"
                for database, privilege in seen.grants.items()
                if database in declared and privilege is not Privilege.NONE
            ]
    notes += [
        f"continuous query {query} on {database}: not ours, left alone; what does it copy?"
        for database, query in live.continuous_queries
        if database in declared
    ]
    return tuple(sorted(notes))
