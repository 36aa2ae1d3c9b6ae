"""What a real InfluxDB deletes, and what it does when the client of a deletion has gone."""

import socket
import urllib.parse
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from cloud.stores.base import Point
from cloud.stores.influxdb import InfluxStore
from core.errors import StorageError
from tests.conftest import require
from tests.servers import influxdb as server_module
from tests.servers.influxdb import InfluxDb
from tests.support.waiting import wait_for

T0 = 1_700_000_000_000_000
HOUR = 3_600_000_000
LAMP = {"commune": "88383", "asset": "lamp-1", "device": "00000000000000a1"}
SHARDS = 40  # a deletion of some tenths of a second, or seconds on a busy machine
ACCOUNT = "ccpvm-write:secret"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[InfluxDb]:
    """With accounts, as provisioning makes them, and shards of an hour."""
    require(server_module.find(), server_module.INSTALL_HINT)
    with InfluxDb.start(tmp_path / "influxdb", auth=True) as started:
        started.query('CREATE DATABASE "ccpvm" WITH DURATION INF REPLICATION 1 SHARD DURATION 1h NAME "raw"')
        started.query("CREATE USER \"ccpvm-write\" WITH PASSWORD 'secret'")
        started.query('GRANT ALL ON "ccpvm" TO "ccpvm-write"')
        secrets = tmp_path / "secrets.toml"
        secrets.write_text(f'[influxdb.write]\nccpvm = "{ACCOUNT}"\n')
        secrets.chmod(0o600)
        yield started


def opened(server: InfluxDb) -> InfluxStore:
    return InfluxStore.open(server.url, secrets=server.folder.parent / "secrets.toml")


def light(hour: int, **fields: float) -> Point:
    return Point("light", LAMP, T0 + hour * HOUR, dict(fields))


def everything(store: InfluxStore) -> list[Point]:
    return store.series("ccpvm", "light", start_us=0, end_us=2**62)


def begin_deletion(server: InfluxDb, statement: str) -> None:
    """Ask for it, and be gone when it has begun: what a killed worker leaves."""
    body = urllib.parse.urlencode({"db": "ccpvm", "q": statement}).encode()
    head = f"POST /query HTTP/1.1\r\nHost: x\r\nAuthorization: Token {ACCOUNT}\r\nContent-Length: {len(body)}\r\n"
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(f"{head}Content-Type: application/x-www-form-urlencoded\r\n\r\n".encode() + body)
        wait_for("the deletion", lambda: deletions(server), every_s=0.001)


def deletions(server: InfluxDb) -> list[str]:
    (found,) = server.query("SHOW QUERIES", database="ccpvm", user=ACCOUNT)
    return [row[1] for series in found["series"] for row in series["values"] if row[1].startswith("DELETE")]


def written(store: InfluxStore, points: list[Point]) -> bool:
    """False: to be tried again."""
    try:
        return store.write("ccpvm", points) == []
    except StorageError as error:
        if error.code != "store.deleting":
            raise
        return False


def test_what_is_written_after_a_restart_is_safe_from_a_deletion_of_before_it(server: InfluxDb) -> None:
    """The server goes on deleting for a client that was killed; the next one's first write waits for its end."""
    with closing(opened(server)) as store:
        store.write("ccpvm", [light(hour, power_w=1.0) for hour in range(SHARDS)])
        begin_deletion(server, 'DELETE FROM "light" WHERE "device" = \'00000000000000a1\'')
    again = [light(hour, power_w=2.0) for hour in range(SHARDS)]
    beside = [Point("light", LAMP, point.time_us + 1, {"power_w": 3.0}) for point in again]
    with closing(opened(server)) as store:
        assert deletions(server), "it is still going on"
        wait_for("the write", lambda: written(store, [*again, *beside]))
        assert not deletions(server)
        assert everything(store) == sorted([*again, *beside], key=lambda point: point.time_us)


def test_what_is_written_beside_a_deletion_is_seen(influxdb: InfluxDb) -> None:
    """Other times of the series that it empties: without care every second round hides some (`influxdb.quiet`)."""
    influxdb.create("ccpvm")
    series = [{**LAMP, "channel": str(number)} for number in range(100)]
    with closing(InfluxStore.open(influxdb.url, secrets=None)) as store, ThreadPoolExecutor(1) as beside:
        for number in range(8):
            start = T0 + number * 10
            store.write("ccpvm", [Point("light", tags, start, {"a": 1.0}) for tags in series])
            writing = beside.submit(write_each, store, [Point("light", tags, start + 5, {"a": 2.0}) for tags in series])
            store.delete_range("ccpvm", "light", start_us=start - 5, end_us=start + 1, where={})
            writing.result()
            assert {point.time_us for point in everything(store)} == {start + 5}
            assert store.count("ccpvm", "light") == len(series)


def write_each(store: InfluxStore, points: list[Point]) -> None:
    for start in range(0, len(points), 5):
        assert store.write("ccpvm", points[start : start + 5]) == []
