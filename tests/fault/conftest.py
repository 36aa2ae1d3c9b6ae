"""Two real brokers: the network server's on the site, and the cloud's; and each store that there is."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import require
from tests.servers import influxdb as influxdb_server
from tests.servers import mosquitto as server
from tests.servers.mosquitto import Mosquitto
from tests.support.road_stores import KINDS, Embedded, RoadStore, Served, served


@pytest.fixture
def site_broker(tmp_path: Path) -> Iterator[Mosquitto]:
    require(server.find(), server.INSTALL_HINT)
    with Mosquitto(tmp_path / "site-broker") as broker:
        yield broker


@pytest.fixture
def cloud_broker(tmp_path: Path) -> Iterator[Mosquitto]:
    require(server.find(), server.INSTALL_HINT)
    with Mosquitto(tmp_path / "cloud-broker") as broker:
        yield broker


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
    with served(tmp_path, like=provisioned) as store:
        yield store


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> RoadStore:
    """Each store in turn."""
    if request.param == "influxdb":
        found: Served = request.getfixturevalue("influx")
        return found
    return Embedded(tmp_path / "cloud" / "store")
