"""Certificates that run out: the road waits at the edge, says so once, and goes on by itself when they are renewed."""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.territory import OPERATOR
from tests.conftest import require
from tests.servers import mosquitto as server
from tests.servers.mosquitto import Mosquitto
from tests.support import certificates
from tests.support.certificates import Authority
from tests.support.deployed import WORKER, DeployedBroker, identity
from tests.support.road import SITE, Feeder, Road, assert_balanced, events
from tests.support.waiting import wait_for

pytestmark = pytest.mark.fault

BACK_S = 45.0  # an attempt comes at least every 30 s


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    require(certificates.find(), certificates.INSTALL_HINT)
    return Authority(tmp_path / "authority")


@pytest.fixture
def trusted(tmp_path: Path, authority: Authority) -> Path:
    """The file that edge and worker were told to trust."""
    return shutil.copy(authority.ca, tmp_path / "trusted.pem")


@pytest.fixture
def broker(tmp_path: Path, authority: Authority) -> Iterator[DeployedBroker]:
    require(server.find(), server.INSTALL_HINT)
    with DeployedBroker(tmp_path / "cloud-broker", edges=(SITE,), pair=authority.sign("broker")) as running:
        yield running


@pytest.fixture
def road(tmp_path: Path, site_broker: Mosquitto, broker: DeployedBroker, trusted: Path) -> Road:
    return Road(
        tmp_path,
        site_port=site_broker.port,
        cloud_port=broker.workers_port,
        edge_cloud_port=broker.port,
        identity=lambda site: identity(site or WORKER, trusted),
    )


def edge(run: Road) -> dict[str, Any]:
    status = run.edge_status()
    assert status is not None
    return status


def conditions(run: Road) -> dict[str, str]:
    told: dict[str, str] = edge(run)["conditions"]
    return told


def alarms(run: Road) -> set[str]:
    status = run.cloud_status()
    return {alarm["code"] for alarm in status["alarms"]} if status else set()


def wait_for_cause(run: Road, code: str) -> None:
    """Until edge and worker both say why they are not connected."""
    wait_for(f"the edge says {code}", lambda: conditions(run) == {"cloud": code}, timeout_s=BACK_S)
    wait_for(f"the worker says {code}", lambda: alarms(run) == {code}, timeout_s=BACK_S)


def wait_for_peace(run: Road) -> None:
    """Until both are back."""
    wait_for("the edge is connected again", lambda: conditions(run) == {}, timeout_s=BACK_S)
    wait_for("the worker is connected again", lambda: alarms(run) == set(), timeout_s=BACK_S)


def test_the_certificate_of_the_broker_expires(
    site_broker: Mosquitto, broker: DeployedBroker, authority: Authority, road: Road
) -> None:
    """The edge accepts on; one alarm names the certificate, its day and the remedy; renewed, with the broker told by
    SIGHUP, it goes on: no process was started again."""
    items = events(600, seed=51)
    with road.start() as run:
        Feeder(site_broker.port, items[:200]).start().wait()
        run.settle(published=200)
        pids = (run.edges[SITE].pid, run.cloud.pid if run.cloud else 0)

        broker.present(authority.sign("expired", days=-1))
        broker.restart()
        begun = time.monotonic()
        wait_for_cause(run, "tls.expired")
        Feeder(site_broker.port, items[200:]).start().wait()
        wait_for("it accepts on", lambda: (s := edge(run))["source_accepted"] + s["duplicates"] >= len(items))
        assert edge(run)["spooled"] > 100

        told = edge(run)["reasons"]["cloud"]
        assert f"the certificate of localhost:{broker.port} (expired) expired on 20" in told
        assert "renew it" in told
        shown = subprocess.run(
            [sys.executable, "-m", "beffroi", "edge", "status", "--settings", str(run.edge_settings())],
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        ).stdout
        assert "cloud tls.expired" in shown
        assert told in shown
        with run.reading() as store:
            rows = [point for point in store.latest(OPERATOR, "alarm") if point.tags.get("kind") == "road.tls.expired"]
        assert [point.fields["active"] for point in rows] == [True], "the alarm is in the store while the link is down"

        refusals = "alert certificate expired"
        wait_for("both have tried four times", lambda: broker.log.count(refusals) >= 8, timeout_s=BACK_S)
        assert broker.log.count(refusals) <= 10 + (time.monotonic() - begun) / 4, "attempts come ever more rarely"
        errors = [line for line in run.said(f"edge-{SITE}", "condition.begun") if line["level"] == "error"]
        assert [line["code"] for line in errors] == ["tls.expired"], "said once"
        assert [line["code"] for line in run.said("cloud", "alarm.begun")] == ["tls.expired"], "said once"

        broker.present(authority.sign("renewed"))
        broker.reload()
        wait_for_peace(run)
        assert pids == (run.edges[SITE].pid, run.cloud.pid if run.cloud else 0)
        assert run.edges[SITE].running
        run.settle(published=len(items))
        assert_balanced(run.balance(), at_least=300)


def test_the_authority_is_replaced(
    tmp_path: Path, site_broker: Mosquitto, broker: DeployedBroker, road: Road, trusted: Path
) -> None:
    """A broker whose certificate comes from a new authority is refused until the file of trusted ones holds it: the
    file is read again at each attempt."""
    items = events(300, seed=52)
    with road.start() as run:
        Feeder(site_broker.port, items[:100]).start().wait()
        run.settle(published=100)

        successor = Authority(tmp_path / "successor", "another authority")
        broker.present(successor.sign("broker"))
        broker.restart()
        wait_for_cause(run, "tls.authority")
        assert str(trusted) in edge(run)["reasons"]["cloud"]
        Feeder(site_broker.port, items[100:]).start().wait()
        wait_for("it accepts on", lambda: (s := edge(run))["source_accepted"] + s["duplicates"] >= len(items))

        shutil.copy(successor.ca, trusted)
        wait_for_peace(run)
        run.settle(published=len(items))
        assert_balanced(run.balance(), at_least=150)
