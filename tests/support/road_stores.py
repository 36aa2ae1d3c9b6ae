"""The stores that a road is tested over: SQLite in the worker's folder, and an InfluxDB as provisioning leaves it."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from cloud.settings import StoreSettings
from core.territory import load
from provisioning.influxdb.link import Credentials
from provisioning.influxdb.run import apply, connect, sole_writer, survey
from tests.servers.influxdb import ADMIN, InfluxDb

EXAMPLE = Path(__file__).parents[2] / "territories" / "grand-est"
KINDS = ("sqlite", "influxdb")


class RoadStore(Protocol):
    """What a road keeps its rows in."""

    @property
    def settings(self) -> StoreSettings:
        """For the worker, and for who reads."""
        ...

    @property
    def oracle(self) -> list[str]:
        """What the oracle is told."""
        ...

    def refuse(self, tenant: str) -> None:
        """From now on a tenant's database takes nothing. Call it before the worker runs."""
        ...

    def mend(self, tenant: str) -> None:
        """It takes rows again."""
        ...


class Embedded:
    """SQLite files in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def settings(self) -> StoreSettings:
        return StoreSettings(folder=self.folder)

    @property
    def oracle(self) -> list[str]:
        return ["--store", str(self.folder)]

    def refuse(self, tenant: str) -> None:
        """Its file is no database."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / f"{tenant}.sqlite").write_bytes(b"this is not a database" * 100)

    def mend(self, tenant: str) -> None:
        (self.folder / f"{tenant}.sqlite").unlink()


class Served:
    """An InfluxDB that asks for passwords; the services read theirs from the file that provisioning wrote.

    `declared`: the example, with points kept for ever: what tests write is of a day that is long past one day.
    """

    timeout_s = 10.0

    def __init__(self, server: InfluxDb, folder: Path) -> None:
        self.server = server
        self.declared = folder / "territory"
        self.secrets = folder / "secrets.toml"

    @property
    def settings(self) -> StoreSettings:
        return StoreSettings(kind="influxdb", url=self.server.url, secrets=self.secrets, timeout_s=self.timeout_s)

    @property
    def oracle(self) -> list[str]:
        return ["--influxdb", self.server.url, "--secrets", str(self.secrets)]

    def apply(self) -> int:
        """What `beffroi territory apply --only influxdb` does; how many steps it took."""
        user, password = ADMIN.split(":")
        server = connect(self.server.url, Credentials(user, password, password))
        with sole_writer(self.secrets):
            seen = survey(server, load(self.declared), self.secrets)
            return apply(seen, self.secrets, done=lambda _count, _step: None)

    def refuse(self, tenant: str) -> None:
        """Its account may do nothing any more."""
        self.server.query(f'REVOKE ALL ON "{tenant}" FROM "{tenant}-write"')

    def mend(self, tenant: str) -> None:
        assert self.apply() == 1


@contextmanager
def served(folder: Path, *, like: Path | None = None) -> Iterator[Served]:
    """A running InfluxDB, provisioned for the example, with its data and secrets under `folder`; ended by pid.

    Args:
        like: the folder of one that was, and is down: its passwords need not be hashed again.
    """
    if like is not None:
        shutil.copytree(like, folder, dirs_exist_ok=True)
        with InfluxDb(folder / "influxdb", auth=True) as server:
            yield Served(server, folder)
        return
    shutil.copytree(EXAMPLE, folder / "territory")
    rules = folder / "territory" / "territory.toml"
    rules.write_text(re.sub(r"^(raw|long)_days = .*$", "", rules.read_text("utf-8"), flags=re.MULTILINE), "utf-8")
    with InfluxDb.start(folder / "influxdb", auth=True) as server:
        store = Served(server, folder)
        assert store.apply() > 0
        yield store
