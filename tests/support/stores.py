"""Every implementation of the store's contract, opened empty for one test: InfluxDB as provisioning leaves it.

Tests share one server of each kind: starting it costs more than most tests. Each test has databases of its own there,
under the names it asks for: `Renamed` hides the difference.
"""

import os
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import product
from pathlib import Path

import msgspec

from cloud.stores.base import Point, Rejected, Store
from cloud.stores.influxdb import InfluxStore
from cloud.stores.sqlite import SqliteStore
from core.topics import SLUG
from tests.servers.influxdb import InfluxDb

DATABASES = ("ccpvm", "esternay", "operator")  # that exist where a store does not make its own
Opened = Callable[[], Store]


class Renamed:
    """A store whose databases have other names for who uses it: those of this test, on a server that many share."""

    def __init__(self, store: InfluxStore, prefix: str) -> None:
        self.store = store
        self._prefix = prefix

    def _name(self, database: str) -> str:
        """Names that no store takes stay as they are."""
        return f"{self._prefix}{database}" if SLUG.fullmatch(database) else database

    def databases(self) -> list[str]:
        """Those that hold something: what an empty store has none of."""
        mine = [name.removeprefix(self._prefix) for name in self.store.databases() if name.startswith(self._prefix)]
        return [name for name in mine if any(self.count(name, measurement) for measurement in ("light", "uplink"))]

    def write(self, database: str, points: Sequence[Point]) -> list[Rejected]:
        return self.store.write(self._name(database), points)

    def latest(
        self, database: str, measurement: str, where: Mapping[str, str] | None = None, *, since_us: int | None = None
    ) -> list[Point]:
        return self.store.latest(self._name(database), measurement, where, since_us=since_us)

    def series(
        self,
        database: str,
        measurement: str,
        *,
        start_us: int,
        end_us: int,
        where: Mapping[str, str] | None = None,
        limit: int | None = None,
    ) -> list[Point]:
        return self.store.series(
            self._name(database), measurement, start_us=start_us, end_us=end_us, where=where, limit=limit
        )

    def sums(
        self,
        database: str,
        measurement: str,
        field: str,
        *,
        start_us: int,
        end_us: int,
        where: Mapping[str, str] | None = None,
    ) -> list[tuple[dict[str, str], float]]:
        name = self._name(database)
        return self.store.sums(name, measurement, field, start_us=start_us, end_us=end_us, where=where)

    def raw(self, database: str, *, device: str, start_us: int, end_us: int) -> list[Point]:
        return self.store.raw(self._name(database), device=device, start_us=start_us, end_us=end_us)

    def count(self, database: str, measurement: str, *, start_us: int | None = None, end_us: int | None = None) -> int:
        return self.store.count(self._name(database), measurement, start_us=start_us, end_us=end_us)

    def delete_range(
        self, database: str, measurement: str | Sequence[str], *, start_us: int, end_us: int, where: Mapping[str, str]
    ) -> int:
        name = self._name(database)
        return self.store.delete_range(name, measurement, start_us=start_us, end_us=end_us, where=where)

    def probe(self) -> None:
        self.store.probe()

    def close(self) -> None:
        self.store.close()


@contextmanager
def sqlite(folder: Path) -> Iterator[Opened]:
    """What opens the SQLite store of a folder."""
    yield lambda: SqliteStore.open(folder)


@contextmanager
def influxdb(server: InfluxDb) -> Iterator[Opened]:
    """What opens databases of their own on a running InfluxDB 1.8; they are dropped at the end."""
    prefix = f"t{uuid.uuid4().hex[:12]}-"
    names = [prefix + name for name in DATABASES]
    server.create(*names)
    try:
        yield lambda: Renamed(InfluxStore.open(server.url, secrets=None), prefix)
    finally:
        for name in names:
            server.query(f'DROP DATABASE "{name}"')


class InfluxDb2:
    """The InfluxDB 2.x of `BEFFROI_TEST_INFLUX2_URL`, with an all-access token in `…_TOKEN` and an organisation in
    `…_ORG` (`beffroi` when absent)."""

    def __init__(self) -> None:
        self.url = os.environ.get("BEFFROI_TEST_INFLUX2_URL", "").rstrip("/")
        self.token = os.environ.get("BEFFROI_TEST_INFLUX2_TOKEN", "")
        self.organisation = os.environ.get("BEFFROI_TEST_INFLUX2_ORG", "beffroi")

    @property
    def is_set(self) -> bool:
        return bool(self.url and self.token)

    def call(self, method: str, path: str, body: object = None) -> dict[str, object]:
        headers = {"Authorization": f"Token {self.token}", "Content-Type": "application/json"}
        encoded = None if body is None else msgspec.json.encode(body)
        asked = urllib.request.Request(f"{self.url}{path}", encoded, headers, method=method)
        with urllib.request.urlopen(asked, timeout=30) as answer:
            told = answer.read()
        return msgspec.json.decode(told) if told else {}  # type: ignore[no-any-return]


@contextmanager
def influxdb2(server: InfluxDb2, folder: Path) -> Iterator[Opened]:
    """What opens buckets of their own on an InfluxDB 2.x; they are deleted at the end."""
    prefix = f"t{uuid.uuid4().hex[:12]}-"
    found = server.call("GET", f"/api/v2/orgs?{urllib.parse.urlencode({'org': server.organisation})}")
    organisation = found["orgs"][0]["id"]  # type: ignore[index]
    buckets = []
    for name, policy in product(DATABASES, ("raw", "long")):
        made = server.call(
            "POST", "/api/v2/buckets", {"orgID": organisation, "name": f"{prefix}{name}/{policy}", "retentionRules": []}
        )
        buckets.append(made["id"])
        mapping = {"database": prefix + name, "retention_policy": policy, "default": policy == "raw"}
        server.call("POST", "/api/v2/dbrps", {"orgID": organisation, "bucketID": made["id"], **mapping})
    secrets = folder / "secrets.toml"
    lines = [f'"{prefix}{name}" = "{server.token}"' for name in (*DATABASES, "nowhere")]
    secrets.write_text("\n".join(["[influxdb.write]", *lines]) + "\n")
    secrets.chmod(0o600)
    try:
        yield lambda: Renamed(InfluxStore.open(server.url, secrets=secrets, organisation=server.organisation), prefix)
    finally:
        for bucket in buckets:
            server.call("DELETE", f"/api/v2/buckets/{bucket}")
