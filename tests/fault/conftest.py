"""Two real brokers: the network server's on the site, and the cloud's."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import require
from tests.servers import mosquitto as server
from tests.servers.mosquitto import Mosquitto


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
