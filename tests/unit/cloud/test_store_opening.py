"""Which store the settings open, and that no other is imported for it."""

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from cloud.settings import StoreSettings
from cloud.stores.influxdb import InfluxStore
from cloud.stores.opening import open_store
from cloud.stores.sqlite import SqliteStore
from core.errors import ConfigError


def test_the_kind_chooses(tmp_path: Path) -> None:
    """Nothing is asked of a server yet."""
    with closing(open_store(StoreSettings(folder=tmp_path))) as store:
        assert isinstance(store, SqliteStore)
    with closing(open_store(StoreSettings(kind="influxdb", url="http://127.0.0.1:1"), read_only=True)) as store:
        assert isinstance(store, InfluxStore)
    with pytest.raises(ConfigError) as caught:
        open_store(StoreSettings(kind="influxdb", url="http://127.0.0.1:1", secrets=tmp_path / "none"))
    assert caught.value.code == "secrets.missing"


def test_an_authority_that_cannot_be_read_stops_the_start(tmp_path: Path) -> None:
    """With its name."""
    settings = StoreSettings(kind="influxdb", url="https://store.example.org", ca=tmp_path / "ca.pem")
    with pytest.raises(ConfigError) as caught:
        open_store(settings)
    assert (caught.value.code, str(settings.ca) in caught.value.message) == ("store.ca", True)


def test_who_uses_sqlite_pays_for_nothing_else() -> None:
    """Worker and page import what speaks with InfluxDB only when they use it."""
    code = "import sys, cloud.service, cloud.page.settings; print(any('influxdb' in name for name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
