"""What a hand changed on a real InfluxDB 1.8 is a line of the plan, and is put back."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import OperatorError
from core.secrets import load_secrets
from core.territory import Operator, Tenant, Territory
from core.territory.model import Retention
from provisioning.influxdb.link import Credentials
from provisioning.influxdb.run import apply, connect, survey
from tests.conftest import require
from tests.servers import influxdb as influxdb_server
from tests.servers.influxdb import ADMIN, InfluxDb

TERRITORY = Territory(
    Operator("tests", "Tests"),
    {ident: Tenant(ident, ident, (), Retention(400, 3650)) for ident in ("ccpvm", "belleville")},
)
CREDENTIALS = Credentials(*ADMIN.split(":"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxDb]:
    require(influxdb_server.find(), influxdb_server.INSTALL_HINT)
    with InfluxDb.start(tmp_path_factory.mktemp("influxdb"), auth=True) as running:
        yield running


@pytest.fixture(scope="module")
def file(server: InfluxDb, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("secrets") / "secrets.toml"
    mend(server, path)
    return path


def planned(server: InfluxDb, file: Path) -> list[str]:
    return [str(action).strip() for action in survey(connect(server.url, CREDENTIALS), TERRITORY, file).plan.actions]


def mend(server: InfluxDb, file: Path) -> None:
    apply(survey(connect(server.url, CREDENTIALS), TERRITORY, file), file, done=lambda *_: None)


@pytest.mark.parametrize(
    ("by_hand", "lines"),
    [
        (
            'ALTER RETENTION POLICY "raw" ON "ccpvm" DURATION 500d',
            ["~ policy ccpvm/raw: kept 500 d → 400 d (what is older is DELETED)"],
        ),
        (
            'ALTER RETENTION POLICY "long" ON "ccpvm" SHARD DURATION 7d',
            ["~ policy ccpvm/long: new shards of 7 d → 364 d"],
        ),
        ('ALTER RETENTION POLICY "long" ON "ccpvm" DEFAULT', ["~ policy ccpvm/raw: becomes the default"]),
        ('DROP RETENTION POLICY "long" ON "ccpvm"', ["+ policy ccpvm/long: kept 3650 d, shards of 364 d"]),
        ('REVOKE ALL ON "ccpvm" FROM "ccpvm-read"', ["+ grant ccpvm-read: READ on ccpvm"]),
        ('REVOKE WRITE ON "ccpvm" FROM "ccpvm-write"', ["~ grant ccpvm-write: READ → ALL PRIVILEGES on ccpvm"]),
        ('GRANT WRITE ON "ccpvm" TO "ccpvm-read"', ["~ grant ccpvm-read: WRITE → READ on ccpvm"]),
        ('GRANT READ ON "belleville" TO "ccpvm-read"', ["- grant ccpvm-read: READ on belleville"]),
        ('GRANT ALL PRIVILEGES TO "ccpvm-read"', ["- grant ccpvm-read: administrator of the whole server"]),
        (
            "SET PASSWORD FOR \"ccpvm-read\" = 'by-hand'",
            ["~ account ccpvm-read: password of the secrets file set again: the server refuses it"],
        ),
        (
            'DROP USER "ccpvm-write"',
            ["+ account ccpvm-write: password of the secrets file", "+ grant ccpvm-write: ALL PRIVILEGES on ccpvm"],
        ),
        (
            'DROP DATABASE "ccpvm"',
            [
                "+ database ccpvm: policy raw kept 400 d, shards of 30 d",
                "+ policy ccpvm/long: kept 3650 d, shards of 364 d",
                "+ grant ccpvm-write: ALL PRIVILEGES on ccpvm",
                "+ grant ccpvm-read: READ on ccpvm",
            ],
        ),
    ],
)
def test_drift_is_shown_and_mended(server: InfluxDb, file: Path, by_hand: str, lines: list[str]) -> None:
    """Exactly the steps that undo it; then none, and the file's credentials still open what they should."""
    before = load_secrets(file)
    server.query(by_hand)
    assert planned(server, file) == lines
    mend(server, file)
    assert planned(server, file) == []
    assert load_secrets(file) == before
    for credentials in (before.influxdb_write["ccpvm"], before.influxdb_read["ccpvm"]):
        server.query("SHOW MEASUREMENTS", database="ccpvm", user=credentials)


def test_what_is_not_ours_is_named_and_kept(server: InfluxDb, file: Path) -> None:
    """A foreign database, account, policy and continuous query: no step, but what concerns a tenant is named."""
    server.query('CREATE DATABASE "telegraf"')
    server.query("CREATE USER \"grafana\" WITH PASSWORD 'p'")
    server.query('GRANT READ ON "ccpvm" TO "grafana"')
    server.query('CREATE RETENTION POLICY "mine" ON "ccpvm" DURATION 2d REPLICATION 1')
    server.query(
        'CREATE CONTINUOUS QUERY "cq" ON "ccpvm" BEGIN SELECT max("a") INTO "ccpvm"."raw"."b" '
        'FROM "ccpvm"."raw"."c" GROUP BY time(1h) END',
        database="ccpvm",
    )
    seen = survey(connect(server.url, CREDENTIALS), TERRITORY, file)
    assert seen.plan.actions == ()
    assert seen.plan.notes == (
        "account grafana: not declared, left alone; it has READ on ccpvm",
        "continuous query cq on ccpvm: not ours, left alone; what does it copy?",
        "database telegraf: not declared, left alone",
    )
    assert any("continuous queries are on" in warning for warning in seen.server.warnings)


def test_without_authentication_it_is_said_at_every_call(tmp_path: Path) -> None:
    """On loopback: databases and accounts are made, with a warning; when it is turned on the accounts hold."""
    require(influxdb_server.find(), influxdb_server.INSTALL_HINT)
    file, folder = tmp_path / "secrets.toml", tmp_path / "influxdb"
    with InfluxDb.start(folder, lines={"continuous_queries": ["enabled = false"]}) as open_server:
        connected = connect(open_server.url, CREDENTIALS)
        assert connected.create_admin()
        assert not connected.create_admin()
        seen = survey(connected, TERRITORY, file)
        assert ["AUTHENTICATION IS OFF" in warning for warning in connected.warnings] == [True]
        apply(seen, file, done=lambda *_: None)
        assert planned(open_server, file) == []
    with InfluxDb(folder, auth=True) as server:
        assert planned(server, file) == []
        assert survey(connect(server.url, CREDENTIALS), TERRITORY, file).server.warnings[0].startswith("continuous")


def test_an_empty_server_needs_its_administrator(tmp_path: Path) -> None:
    """Authentication on and nobody there: told so; made once; then it is not made again."""
    require(influxdb_server.find(), influxdb_server.INSTALL_HINT)
    with InfluxDb(tmp_path / "influxdb", auth=True) as server:
        odd = Credentials("chef", 'it\'s \\ "odd"\n; DROP')
        connected = connect(server.url, odd)
        with pytest.raises(OperatorError) as caught:
            survey(connected, TERRITORY, tmp_path / "secrets.toml")
        assert (caught.value.code, "--create-admin" in caught.value.hint) == ("influxdb.no_admin", True)
        assert connected.create_admin()
        assert not connect(server.url, odd).create_admin()
        assert survey(connect(server.url, odd), TERRITORY, tmp_path / "secrets.toml").plan.actions
