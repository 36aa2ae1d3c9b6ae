"""Fixtures that every kind of test shares: real servers, or one line that says how to install them."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import influxdb as influxdb_server
from tests.servers import mosquitto as mosquitto_server
from tests.servers.influxdb import InfluxDb
from tests.servers.mosquitto import Mosquitto
from tests.support.road_stores import KINDS, Embedded, RoadStore, Served, served


def require(present: object, hint: str) -> None:
    """Skip on a laptop, fail in CI, when a real part is absent."""
    if present:
        return
    if os.environ.get("CI"):
        pytest.fail(hint)
    pytest.skip(hint)


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    """A running broker without limits."""
    require(mosquitto_server.find(), mosquitto_server.INSTALL_HINT)
    with Mosquitto(tmp_path / "mosquitto") as broker:
        yield broker


@pytest.fixture
def influxdb(tmp_path: Path) -> Iterator[InfluxDb]:
    """A running InfluxDB 1.8 that asks for no password."""
    require(influxdb_server.find(), influxdb_server.INSTALL_HINT)
    with InfluxDb.start(tmp_path / "influxdb") as server:
        yield server


@pytest.fixture(scope="session")
def shared_influxdb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxDb]:
    """One InfluxDB 1.8 for all tests of a process that keep to databases of their own (`tests.support.stores`)."""
    require(influxdb_server.find(), influxdb_server.INSTALL_HINT)
    with InfluxDb.start(tmp_path_factory.mktemp("influxdb")) as server:
        yield server


@pytest.fixture(scope="session")
def provisioned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an InfluxDB that was provisioned for the example, and is down."""
    require(influxdb_server.find(), influxdb_server.INSTALL_HINT)
    folder = tmp_path_factory.mktemp("provisioned")
    with served(folder):
        pass
    return folder


@pytest.fixture
def influx(tmp_path: Path, provisioned: Path) -> Iterator[Served]:
    """A real, provisioned InfluxDB of this test alone."""
    with served(tmp_path / "served", like=provisioned) as store:
        yield store


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> RoadStore:
    """Each store in turn."""
    if request.param == "influxdb":
        found: Served = request.getfixturevalue("influx")
        return found
    return Embedded(tmp_path / "cloud" / "store")
