"""The InfluxDB store on a real server: rights, refusals, bad lines, a server that dies, tenants side by side."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from cloud.settings import CloudSettings
from cloud.stores.base import Point, Rejected
from cloud.stores.influxdb import InfluxStore
from cloud.stores.influxdb.client import Client
from core.errors import ConfigError, LinkError, StorageError
from core.settings import BrokerSettings
from tests.conftest import require
from tests.servers import influxdb as server_module
from tests.servers.influxdb import InfluxDb, free_port

T0 = 1_700_000_000_000_000
LAMP = {"commune": "88383", "asset": "lamp-1", "device": "00000000000000a1"}


def light(n: int, **fields: float | str | bool) -> Point:
    return Point("light", LAMP, T0 + n, dict(fields) or {"power_w": float(n)})


def everything(store: InfluxStore, database: str = "ccpvm", measurement: str = "light") -> list[Point]:
    return store.series(database, measurement, start_us=0, end_us=2**62)


@pytest.fixture
def store(influxdb: InfluxDb) -> Iterator[InfluxStore]:
    """Two tenants and the operator on a server that asks for nothing."""
    influxdb.create("ccpvm", "esternay", "operator")
    with closing(InfluxStore.open(influxdb.url, secrets=None)) as opened:
        yield opened


class Guarded:
    """A server with accounts, as provisioning makes them, and a secrets file."""

    def __init__(self, server: InfluxDb, folder: Path) -> None:
        self.server = server
        self.path = folder / "secrets.toml"
        self.write: dict[str, str] = {}
        self.read: dict[str, str] = {}
        for database in ("ccpvm", "esternay"):
            server.create(database)
            self.add_accounts(database)

    def add_accounts(self, database: str, password: str = "secret") -> None:
        for kind, right, table in (("write", "ALL", self.write), ("read", "READ", self.read)):
            self.server.query(f"CREATE USER \"{database}-{kind}\" WITH PASSWORD '{password}'")
            self.server.query(f'GRANT {right} ON "{database}" TO "{database}-{kind}"')
            table[database] = f"{database}-{kind}:{password}"
        self.save()

    def save(self) -> None:
        tables = {"influxdb.write": self.write, "influxdb.read": self.read}
        lines = [
            line
            for name, table in tables.items()
            for line in (f"[{name}]", *(f'{k} = "{v}"' for k, v in table.items()))
        ]
        fresh = self.path.with_suffix(".new")
        fresh.write_text("\n".join(lines) + "\n")
        fresh.chmod(0o600)
        fresh.replace(self.path)

    def open(self, *, read_only: bool = False) -> InfluxStore:
        return InfluxStore.open(self.server.url, secrets=self.path, read_only=read_only)


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Guarded]:
    require(server_module.find(), server_module.INSTALL_HINT)
    with InfluxDb.start(tmp_path / "influxdb", auth=True) as server:
        yield Guarded(server, tmp_path)


def refusal(store: InfluxStore, database: str) -> str:
    with pytest.raises(StorageError) as caught:
        store.write(database, [light(1)])
    with pytest.raises(StorageError) as asked:
        store.write(database, [])
    assert asked.value.code == caught.value.code, "a write without points finds it too"
    return caught.value.code


def test_each_database_has_its_own_credentials(guarded: Guarded) -> None:
    """The page reads with accounts that cannot write; one without credentials refuses, and the others go on."""
    with closing(guarded.open()) as store, closing(guarded.open(read_only=True)) as page:
        assert store.databases() == page.databases() == ["ccpvm", "esternay"]
        assert store.write("ccpvm", [light(1)]) == []
        assert everything(page) == everything(store) == [light(1)]
        assert refusal(page, "ccpvm") == "store.read_only"
        assert refusal(store, "operator") == "store.no_secret"
        guarded.server.create("operator")
        guarded.add_accounts("operator")
        assert store.write("operator", [light(1)]) == [], "the secrets file was read again"
        assert store.databases() == page.databases() == ["ccpvm", "esternay", "operator"]


def test_an_account_that_may_not_is_refused_by_the_server(guarded: Guarded) -> None:
    """401, 403: of that database alone, with what to do about it."""
    guarded.write["ccpvm"] = guarded.write["esternay"]
    guarded.save()
    with closing(guarded.open()) as store:
        assert refusal(store, "ccpvm") == "store.forbidden"
        assert store.write("esternay", [light(1)]) == []
        guarded.write["ccpvm"] = "ccpvm-write:wrong"
        guarded.save()
        guarded.server.query("SET PASSWORD FOR \"esternay-write\" = 'changed'")
        assert refusal(store, "esternay") == "store.unauthorised"
        assert refusal(store, "ccpvm") == "store.unauthorised"
        guarded.write |= {"ccpvm": "ccpvm-write:secret", "esternay": "esternay-write:changed"}
        guarded.save()
        assert store.write("ccpvm", [light(1)]) == store.write("esternay", [light(2)]) == []


def test_a_database_that_is_dropped_refuses_and_works_again_when_it_is_made(guarded: Guarded) -> None:
    """The other tenant notices nothing. What was learnt of its fields is forgotten with it."""
    with closing(guarded.open()) as store:
        assert store.write("ccpvm", [light(1, power_w=1.0)]) == []
        guarded.server.query('DROP DATABASE "ccpvm"')
        for _ in range(3):  # also when its fields are to be asked for, which the server then forbids
            assert refusal(store, "ccpvm") == "store.no_database"
        assert store.write("esternay", [light(1)]) == []
        assert store.databases() == ["esternay"]
        guarded.server.query('CREATE DATABASE "ccpvm" WITH NAME "other"')
        guarded.server.query('GRANT ALL ON "ccpvm" TO "ccpvm-write"')
        with pytest.raises(StorageError) as caught:
            store.write("ccpvm", [light(1)])
        assert caught.value.code == "store.no_policy"
        guarded.server.query('DROP DATABASE "ccpvm"')
        guarded.server.create("ccpvm")
        guarded.server.query('GRANT ALL ON "ccpvm" TO "ccpvm-write"')
        assert store.write("ccpvm", [light(1, power_w="now a text")]) == []
        assert store.databases() == ["ccpvm", "esternay"]


def test_secrets_that_others_can_read_stop_the_start(guarded: Guarded) -> None:
    """As do secrets that are not there."""
    guarded.path.chmod(0o644)
    with pytest.raises(ConfigError) as caught:
        guarded.open()
    assert caught.value.code == "secrets.mode"
    with pytest.raises(ConfigError) as caught:
        InfluxStore.open(guarded.server.url, secrets=guarded.path.with_name("none"))
    assert caught.value.code == "secrets.missing"


def test_a_type_conflict_in_line_2500_of_5000(store: InfluxStore, influxdb: InfluxDb) -> None:
    """Also one that only the server sees: the guilty line is named, 4,999 are stored."""
    assert store.write("ccpvm", [light(0, other=1.0)]) == []
    with closing(InfluxStore.open(influxdb.url, secrets=None)) as another:
        assert another.write("ccpvm", [light(0, fresh=True)]) == []
    points = [light(n) for n in range(5000)]
    points[2500] = light(2500, fresh=1.0)
    (rejected,) = store.write("ccpvm", points)
    assert (rejected.index, rejected.code) == (2500, "store.type_conflict")
    assert "fresh" in rejected.message
    del points[2500]
    assert len(everything(store)) == store.count("ccpvm", "light") == 4999
    (learnt,) = store.write("ccpvm", [light(1, fresh=1.0)])
    assert learnt.code == "point.type", "the second time it is seen before the server"


def test_a_type_conflict_across_weeks_is_seen_before_the_server(store: InfluxStore) -> None:
    """The server would take it: another week is another shard."""
    week_us = 7 * 24 * 3_600_000_000
    assert store.write("ccpvm", [light(0, power_w=1.0)]) == []
    (rejected,) = store.write("ccpvm", [light(5 * week_us, power_w="text")])
    assert rejected.code == "point.type"


def test_what_is_older_than_the_retention_is_named(influxdb: InfluxDb) -> None:
    """Each point of it, with a code of its own; the others are stored."""
    influxdb.query('CREATE DATABASE "ccpvm" WITH DURATION 4w REPLICATION 1 NAME "raw"')
    now_us = influxdb.now_us()
    day_us = 24 * 3_600_000_000
    points = [Point("light", LAMP, now_us - n * day_us, {"power_w": float(n)}) for n in range(60)]
    with closing(InfluxStore.open(influxdb.url, secrets=None)) as store:
        rejected = store.write("ccpvm", points)
        assert {one.code for one in rejected} == {"store.too_old"}
        kept = [point for at, point in enumerate(points) if at not in {one.index for one in rejected}]
        assert everything(store) == kept[::-1]
        assert all(point.time_us > now_us - 37 * day_us for point in kept)
        assert all(point.time_us < now_us - 27 * day_us for at, point in enumerate(points) if point not in kept)


def test_a_request_that_is_too_large_is_sent_in_parts(tmp_path: Path) -> None:
    """Down to one point; one that no request can carry is named."""
    require(server_module.find(), server_module.INSTALL_HINT)
    with InfluxDb.start(tmp_path / "influxdb", lines={"http": ["max-body-size = 2000"]}) as server:
        server.create("ccpvm")
        with closing(InfluxStore.open(server.url, secrets=None)) as store:
            points = [light(n, text="x" * 300) for n in range(100)]
            points[70] = light(70, text="x" * 3000)
            (rejected,) = store.write("ccpvm", points)
            assert (rejected.index, rejected.code) == (70, "point.too_long")
            assert store.count("ccpvm", "light") == 99


def test_what_was_acknowledged_survives_a_kill(store: InfluxStore, influxdb: InfluxDb) -> None:
    """kill -9 right after the answer; while it is down the store is out of reach as a whole; then it goes on."""
    for n in range(20):
        store.write("ccpvm", [light(1000 * n + k) for k in range(100)])
    influxdb.kill()
    for ask in (store.probe, store.databases, lambda: store.write("ccpvm", [light(1)]), lambda: everything(store)):
        with pytest.raises(LinkError) as caught:
            ask()
        assert caught.value.code == "store.unreachable"
        assert caught.value.hint
    influxdb.start_again()
    store.probe()
    assert len(everything(store)) == 2000
    assert store.write("ccpvm", [light(50_000)]) == []


def test_a_server_that_does_not_answer_is_out_of_reach(influxdb: InfluxDb) -> None:
    """Within the time that the settings give it."""
    influxdb.create("ccpvm")
    with closing(InfluxStore.open(influxdb.url, secrets=None, timeout_s=2)) as store:
        assert store.write("ccpvm", [light(1)]) == []
        influxdb.freeze()
        with pytest.raises(LinkError) as caught:
            store.write("ccpvm", [light(2)])
        assert caught.value.code == "store.silent"
        influxdb.thaw()
        assert store.write("ccpvm", [light(2)]) == []


def test_nobody_listens() -> None:
    """A port without a server."""
    url = f"http://127.0.0.1:{free_port()}"
    with closing(InfluxStore.open(url, secrets=None)) as store, pytest.raises(LinkError):
        store.probe()


def test_tenants_are_written_to_side_by_side(store: InfluxStore) -> None:
    """From several threads, also into one database; every point is there."""

    def write(database: str, start: int) -> list[Rejected]:
        return [
            one for n in range(10) for one in store.write(database, [light(start + 100 * n + k) for k in range(100)])
        ]

    with ThreadPoolExecutor(6) as threads:
        tasks = [
            threads.submit(write, database, start)
            for database in ("ccpvm", "esternay", "operator")
            for start in (0, 100_000)
        ]
    assert [task.result() for task in tasks] == [[]] * 6
    assert [store.count(name, "light") for name in ("ccpvm", "esternay", "operator")] == [2000] * 3


def test_what_an_earlier_build_wrote_is_read_as_it_is(store: InfluxStore, influxdb: InfluxDb) -> None:
    """A text a field: alone, beside what is written now, and as the newest value of a field."""
    series = "light,asset=lamp-1,commune=88383,device=00000000000000a1"
    lines = [
        f'{series} _p=t,lamp="on",driver="ok",power_w=1.0 {T0}000',
        f'{series} _p=t,fade="no" {T0 + 5}000',
        f'uplink,asset=lamp-1,commune=88383,device=00000000000000a1 key="k",error="",f_cnt=7i {T0}000',
    ]
    with closing(Client(influxdb.url, timeout_s=10)) as client:
        assert client.write("ccpvm/raw", "-", "\n".join(lines).encode(), secret=None).status == 204
    assert everything(store) == [light(0, lamp="on", driver="ok", power_w=1.0), light(5, fade="no")]
    assert everything(store, measurement="uplink")[0].fields == {"key": "k", "error": "", "f_cnt": 7}
    assert store.write("ccpvm", [light(0, lamp="off"), light(9, driver="bad")]) == []
    assert everything(store)[0] == light(0, lamp="off", driver="ok", power_w=1.0)
    assert store.latest("ccpvm", "light") == [light(9, lamp="off", driver="bad", fade="no", power_w=1.0)]
    assert store.count("ccpvm", "light") == 3
    (rejected,) = store.write("ccpvm", [light(1, fade=1.0)])
    assert rejected.code == "point.type"


def test_a_later_write_wins_whatever_the_clock_says(influxdb: InfluxDb) -> None:
    """Within a process; of texts that are written in other company."""
    influxdb.create("ccpvm")
    with closing(InfluxStore.open(influxdb.url, secrets=None, now_ns=iter([9, 8, 7]).__next__)) as store:
        for n, word in enumerate(("first", "second", "third")):
            assert store.write("ccpvm", [light(0, lamp=word, **{f"other_{n}": "x"})]) == []
        (point,) = everything(store)
        assert point.fields["lamp"] == "third"


def test_rollups_are_in_the_other_policy(store: InfluxStore, influxdb: InfluxDb) -> None:
    """Where age ends what they were computed from, they stay."""
    rollups = [Point(name, LAMP, T0, {"energy_wh": 1.0}) for name in ("hour", "day", "night")]
    assert store.write("ccpvm", [light(0), *rollups]) == []
    influxdb.query('DROP RETENTION POLICY "raw" ON "ccpvm"')
    assert [everything(store, measurement=name) for name in ("hour", "day", "night")] == [[one] for one in rollups]
    assert store.delete_range("ccpvm", "hour", start_us=T0, end_us=T0 + 1, where=LAMP) == 1
    assert [store.count("ccpvm", name) for name in ("hour", "day", "night")] == [0, 1, 1]


def test_check_says_what_is_wrong_with_each_database(guarded: Guarded, tmp_path: Path) -> None:
    """Reach the server, then each tenant's database with its own credentials."""
    from cloud.check import examine
    from cloud.settings import StoreSettings

    example = Path(__file__).parents[2] / "territories" / "grand-est"
    settings = CloudSettings(
        folder=tmp_path / "cloud",
        territory=example,
        broker=BrokerSettings(port=free_port()),
        store=StoreSettings(kind="influxdb", url=guarded.server.url, secrets=guarded.path),
    )
    guarded.write["esternay"] = "esternay-write:wrong"
    guarded.save()
    found = {finding.name: finding for finding in examine(settings, broker_s=0.1)}
    assert found["store"].ok
    assert found["store ccpvm"].ok
    assert not found["store esternay"].ok
    assert "store.unauthorised" in found["store esternay"].text
    assert "store.no_secret" in found["store operator"].text
    assert "territory apply --only influxdb" in found["store operator"].hint
    guarded.server.kill()
    (down,) = [finding for finding in examine(settings, broker_s=0.1) if finding.name.startswith("store")]
    assert (down.ok, down.exit_code) == (False, 5)
