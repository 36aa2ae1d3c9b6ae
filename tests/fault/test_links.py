"""Links and brokers that fail without saying so."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.mosquitto import Mosquitto
from tests.support.proxy import Proxy
from tests.support.road import SITE, Feeder, Road, assert_balanced, events
from tests.support.road_stores import RoadStore
from tests.support.waiting import wait_for

pytestmark = pytest.mark.fault

KEEPALIVE_S = 2


@pytest.fixture
def link(cloud_broker: Mosquitto) -> Iterator[Proxy]:
    """The edge's way to the cloud's broker."""
    proxy = Proxy(cloud_broker.port)
    yield proxy
    proxy.close()


def test_the_cloud_broker_restarts_empty(
    tmp_path: Path, site_broker: Mosquitto, cloud_broker: Mosquitto, link: Proxy, store: RoadStore
) -> None:
    """Messages that a broker confirmed and forgot are sent again, because no receipt came."""
    road = Road(
        tmp_path,
        site_port=site_broker.port,
        cloud_port=cloud_broker.port,
        edge_cloud_port=link.port,
        store=store,
    )
    with road as run:
        run.start_edge()
        run.wait_connected()
        Feeder(site_broker.port, items := events(500, seed=31)).start().wait()

        def all_on_the_way() -> bool:
            status = run.edge_status()
            return bool(
                status and status["source_accepted"] + status["duplicates"] >= len(items) and status["messages"]
            )

        wait_for("all accepted, and as much sent as may go without receipt", all_on_the_way)
        link.stall()  # so that the worker is back before the edge
        cloud_broker.kill()
        cloud_broker.forget()
        cloud_broker.start()
        run.start_cloud()
        run.wait_worker()
        link.restore()
        run.settle(published=len(items))
        assert_balanced(run.balance(), at_least=250)


def test_the_link_is_cut_without_a_word(
    tmp_path: Path, site_broker: Mosquitto, cloud_broker: Mosquitto, link: Proxy, store: RoadStore
) -> None:
    """No FIN, no RST, for longer than the keep-alive: the agent notices by itself, keeps accepting, then catches up."""
    road = Road(
        tmp_path,
        site_port=site_broker.port,
        cloud_port=cloud_broker.port,
        edge_cloud_port=link.port,
        keepalive_s=KEEPALIVE_S,
        store=store,
    )
    with road.start() as run:
        feeder = Feeder(site_broker.port, items := events(800, seed=32), per_s=100).start()
        wait_for("something stored", lambda: (s := run.edge_status()) and s["stored"]["measurement"] > 20)
        link.stall()
        # detected by the missing ping response: at most twice the keep-alive and the loop's own half second
        wait_for("the agent notices", lambda: said_down(run), timeout_s=4 * KEEPALIVE_S)
        before = accepted(run)
        wait_for("it goes on accepting", lambda: accepted(run) > before + 50)
        link.restore()
        feeder.wait()
        run.settle(published=len(items))
        assert_balanced(run.balance(), at_least=400)


def accepted(run: Road) -> int:
    status = run.edge_status()
    return sum(status["accepted"].values()) if status else 0


def said_down(run: Road) -> bool:
    status = run.edge_status()
    return bool(status and "cloud" in status["conditions"])


def test_brokers_and_worker_are_absent_at_start(
    tmp_path: Path, site_broker: Mosquitto, cloud_broker: Mosquitto, link: Proxy, store: RoadStore
) -> None:
    """`run` waits or spools for an unreachable peer and never exits for it."""
    site_broker.stop()
    cloud_broker.stop()
    road = Road(
        tmp_path,
        site_port=site_broker.port,
        cloud_port=cloud_broker.port,
        edge_cloud_port=link.port,
        store=store,
    )
    with road as run:
        cloud, edge = run.start_cloud(), run.start_edge()
        for name, child in (("cloud", cloud), (f"edge-{SITE}", edge)):
            log = run.folder / "log" / f"{name}.log"
            wait_for(f"{name} says that its broker is away", lambda log=log: "connected" in log.read_text("utf-8"))
            assert child.running
        link.stall()  # so that the worker is there before the edge
        site_broker.start()
        cloud_broker.start()
        run.wait_worker()
        link.restore()
        run.wait_connected()
        Feeder(site_broker.port, items := events(50, seed=33)).start().wait()
        run.settle(published=len(items))
        assert_balanced(run.balance())
