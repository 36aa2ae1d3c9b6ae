"""InfluxDB 1.x: desired and live → ordered InfluxQL, without a server."""

import pytest

from core.secrets import INFLUXDB_READ, INFLUXDB_WRITE, Secrets
from provisioning.influxdb.actions import Action, Plan, count, render
from provisioning.influxdb.desired import DAY_S, Database, Policy, Use
from provisioning.influxdb.plan_v1 import (
    GRANTS,
    Live,
    LiveAccount,
    LivePolicy,
    Login,
    Privilege,
    Statement,
    name,
    plan,
    stored_password,
    text,
)
from provisioning.influxdb.server_v1 import seconds

CCPVM = Database(
    "ccpvm",
    Policy("raw", 400 * DAY_S, 30 * DAY_S, default=True),
    Policy("long", 0, 364 * DAY_S, default=False),
)
SECRETS = Secrets({INFLUXDB_WRITE: {"ccpvm": "ccpvm-write:w"}, INFLUXDB_READ: {"ccpvm": "ccpvm-read:r"}})


def right(*, login: Login = Login.ACCEPTED) -> Live:
    return Live(
        {
            "ccpvm": {
                "raw": LivePolicy(400 * DAY_S, 30 * DAY_S, default=True),
                "long": LivePolicy(0, 364 * DAY_S, default=False),
            }
        },
        {f"ccpvm-{use}": LiveAccount(False, {"ccpvm": GRANTS[use]}, login) for use in Use},
    )


def statements(live: Live, secrets: Secrets = SECRETS) -> list[str]:
    return [action.step.text for action in plan((CCPVM,), live, secrets).actions]


def test_from_nothing() -> None:
    """Database with its default policy, the other policy, then each account and its one grant; passwords left out."""
    assert statements(Live(), Secrets()) == [
        'CREATE DATABASE "ccpvm" WITH DURATION 400d REPLICATION 1 SHARD DURATION 30d NAME "raw"',
        'CREATE RETENTION POLICY "long" ON "ccpvm" DURATION INF REPLICATION 1 SHARD DURATION 364d',
        'CREATE USER "ccpvm-write" WITH PASSWORD $password',
        'GRANT ALL ON "ccpvm" TO "ccpvm-write"',
        'CREATE USER "ccpvm-read" WITH PASSWORD $password',
        'GRANT READ ON "ccpvm" TO "ccpvm-read"',
    ]


def test_nothing_to_do() -> None:
    """As it should be, whether or not the passwords could be tried."""
    assert statements(right()) == []
    assert statements(right(login=Login.UNTRIED)) == []
    assert count(Plan(())).startswith("No changes")


def test_a_database_of_the_name_without_our_policies() -> None:
    """`CREATE DATABASE` by hand: its autogen policy stays, ours come, and raw becomes the default."""
    live = Live({"ccpvm": {"autogen": LivePolicy(0, 7 * DAY_S, default=True)}}, right().accounts)
    assert statements(live) == [
        'CREATE RETENTION POLICY "raw" ON "ccpvm" DURATION 400d REPLICATION 1 SHARD DURATION 30d DEFAULT',
        'CREATE RETENTION POLICY "long" ON "ccpvm" DURATION INF REPLICATION 1 SHARD DURATION 364d',
    ]


def test_both_lengths_are_altered_at_once() -> None:
    """The server refuses a retention under the shard's length: one statement carries both."""
    live = Live(
        {"ccpvm": {**right().databases["ccpvm"], "raw": LivePolicy(DAY_S, 3600, default=False)}}, right().accounts
    )
    assert statements(live) == ['ALTER RETENTION POLICY "raw" ON "ccpvm" DURATION 400d SHARD DURATION 30d DEFAULT']


@pytest.mark.parametrize("use", Use)
@pytest.mark.parametrize("privilege", Privilege)
def test_one_exact_grant(use: Use, privilege: Privilege) -> None:
    """Any other privilege on its own database becomes the right one."""
    account = f"ccpvm-{use}"
    live = Live(
        right().databases, {**right().accounts, account: LiveAccount(False, {"ccpvm": privilege}, Login.ACCEPTED)}
    )
    word = {Use.WRITE: "ALL", Use.READ: "READ"}[use]
    expected = [] if privilege is GRANTS[use] else [f'GRANT {word} ON "ccpvm" TO "{account}"']
    assert statements(live) == expected


def test_what_an_account_may_elsewhere_is_taken() -> None:
    """Other databases, and the whole server; a privilege that is none needs no step."""
    grants = {"ccpvm": Privilege.READ, "belleville": Privilege.ALL, "old": Privilege.NONE}
    live = Live(right().databases, {**right().accounts, "ccpvm-read": LiveAccount(True, grants, Login.ACCEPTED)})
    assert statements(live) == [
        'REVOKE ALL PRIVILEGES FROM "ccpvm-read"',
        'REVOKE ALL ON "belleville" FROM "ccpvm-read"',
    ]


def test_passwords() -> None:
    """Refused: set again. Not in the file, or another account's, or a token of 2.x: a new one."""
    refused = [f'SET PASSWORD FOR "ccpvm-{use}" = $password' for use in Use]
    assert statements(right(login=Login.REFUSED)) == refused
    for stored in ("", "ccpvm-read", "ccpvm-read:", "someone:r", "a-token-of-2.x=="):
        secrets = Secrets({**SECRETS.tables, INFLUXDB_READ: {"ccpvm": stored}})
        assert stored_password(secrets, "ccpvm", Use.READ) is None
        assert statements(right(), secrets) == ['SET PASSWORD FOR "ccpvm-read" = $password']
    assert stored_password(SECRETS, "ccpvm", Use.WRITE) == "w"
    colons = Secrets({INFLUXDB_READ: {"ccpvm": "ccpvm-read:a:b"}})
    assert stored_password(colons, "ccpvm", Use.READ) == "a:b"


def test_quoting() -> None:
    """What a name or a password holds never ends the statement."""
    assert name('a"b\\c\n') == '"a\\"b\\\\c\\n"'
    assert text("a'b\\c\n") == "'a\\'b\\\\c\\n'"


def test_rendering() -> None:
    """`+ ~ -`, then the notes, then the count."""
    actions = plan((CCPVM,), Live({}, {"ccpvm-read": right().accounts["ccpvm-read"]}), SECRETS).actions
    shown = render(Plan[Statement](actions, ("database x: not declared, left alone",))).splitlines()
    assert shown[0] == "  + database ccpvm: policy raw kept 400 d, shards of 30 d"
    assert shown[-2:] == [
        "  # database x: not declared, left alone",
        "Plan: 4 to create, 0 to change, 0 to delete.",
    ]
    assert actions[0].as_json() == {
        "change": "create",
        "kind": "database",
        "name": "ccpvm",
        "detail": "policy raw kept 400 d, shards of 30 d",
    }
    assert isinstance(actions[0], Action)


@pytest.mark.parametrize(
    ("said", "meant"), [("0s", 0), ("9600h0m0s", 400 * DAY_S), ("168h0m0s", 7 * DAY_S), ("1m30s", 90)]
)
def test_durations_of_the_server(said: str, meant: int) -> None:
    assert seconds(said) == meant
