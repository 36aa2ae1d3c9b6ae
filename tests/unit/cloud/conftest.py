from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.cloud.cloud_road import Road


@pytest.fixture
def road(tmp_path: Path) -> Iterator[Road]:
    road = Road(tmp_path)
    yield road
    road.quarantine.close()
