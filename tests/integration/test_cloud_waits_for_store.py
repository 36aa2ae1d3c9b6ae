"""A worker whose store is out of reach when it starts: it waits, and works when the store is there."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.influxdb import InfluxDb
from tests.servers.mosquitto import Mosquitto
from tests.support.cloud_worker import CloudProcess
from tests.support.waiting import wait_for


@pytest.fixture
def worker(influxdb: InfluxDb, mosquitto: Mosquitto, tmp_path: Path) -> Iterator[CloudProcess]:
    """Settings for an InfluxDB that is down."""
    databases = ("ccpvm", "belleville", "esternay", "operator")
    influxdb.create(*databases)
    influxdb.kill()
    lines = ["[store]", 'kind = "influxdb"', f'url = "{influxdb.url}"']
    process = CloudProcess(tmp_path, port=mosquitto.port, lines=lines)
    yield process
    process.__exit__(None, None, None)


def said(worker: CloudProcess) -> str:
    return worker.log.read_text()


def test_a_store_that_is_down_at_start_is_waited_for(worker: CloudProcess, influxdb: InfluxDb) -> None:
    """One ERROR says so; when it answers, the worker connects and works."""
    worker.start(wait=False)
    wait_for("the worker to say what it waits for", lambda: "store.awaited" in said(worker))
    assert worker.child.running
    influxdb.start_again()
    wait_for("the worker to connect", lambda: (state := worker.status()) is not None and state["broker"]["connected"])
    assert said(worker).count("store.awaited") == 1


def test_a_worker_that_waits_ends_when_it_is_told(worker: CloudProcess) -> None:
    """Exit code 0: nothing was in its hands."""
    worker.start(wait=False)
    wait_for("the worker to say what it waits for", lambda: "store.awaited" in said(worker))
    assert worker.child.stop() == 0


def test_status_says_that_the_store_is_away(worker: CloudProcess) -> None:
    """From the files, when no worker runs: all else can be told."""
    code, text, _ = worker.command("cloud", "status", "--json")
    assert code == 0
    assert "store.unreachable" in text
