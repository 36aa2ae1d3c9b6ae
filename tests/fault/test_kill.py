"""kill -9 of every process of a running road: the balance holds, weighed by another process."""

import threading
from pathlib import Path
from random import Random

import pytest

from tests.servers.mosquitto import Mosquitto
from tests.support.road import SITE, Feeder, Road, assert_balanced, events
from tests.support.road_stores import RoadStore
from tests.support.waiting import wait_for

pytestmark = pytest.mark.fault

ROUNDS = 5  # over each store
EVENTS = 1_500
PER_S = 200


@pytest.fixture
def road(tmp_path: Path, site_broker: Mosquitto, cloud_broker: Mosquitto, store: RoadStore) -> Road:
    return Road(tmp_path, site_port=site_broker.port, cloud_port=cloud_broker.port, store=store)


def pause(seconds: float) -> None:
    """Let the road run: the moment of a kill is the seed's, not an event's."""
    threading.Event().wait(seconds)


def test_the_edge_is_killed_again_and_again(road: Road, site_broker: Mosquitto) -> None:
    """Whatever moment takes the agent, nothing that it accepted is lost and nothing is stored twice."""
    chance = Random(101)
    with road.start() as run:
        feeder = Feeder(site_broker.port, items := events(EVENTS, seed=101), per_s=PER_S).start()
        for _ in range(ROUNDS):
            pause(chance.uniform(0.05, 1.2))
            run.edges[SITE].kill()
            run.start_edge()
            run.wait_connected()
        feeder.wait()
        run.wait_stored(items)
        assert_balanced(run.balance())


def test_the_worker_is_killed_again_and_again(road: Road, site_broker: Mosquitto) -> None:
    """Whatever moment takes the worker, each row is stored once, and the edge forgets none before."""
    chance = Random(202)
    with road.start() as run:
        feeder = Feeder(site_broker.port, items := events(EVENTS, seed=202), per_s=PER_S).start()
        for _ in range(ROUNDS):
            pause(chance.uniform(0.05, 1.2))
            assert run.cloud is not None
            run.cloud.kill()
            run.start_cloud()
            wait_for("the worker", run.cloud_status)
        feeder.wait()
        run.wait_stored(items)
        assert_balanced(run.balance())


def test_the_cloud_broker_is_killed_again_and_again(
    road: Road, site_broker: Mosquitto, cloud_broker: Mosquitto
) -> None:
    """A broker that forgets what it confirmed costs nothing: receipts decide, not PUBACKs."""
    chance = Random(303)
    with road.start() as run:
        feeder = Feeder(site_broker.port, items := events(EVENTS, seed=303), per_s=PER_S).start()
        for number in range(ROUNDS):
            pause(chance.uniform(0.05, 1.2))
            cloud_broker.kill()
            if number % 2:
                cloud_broker.forget()  # restarted empty: no session, no queue
            cloud_broker.start()
        feeder.wait()
        # what went to a broker without the worker's session is sent again a minute after its PUBACK
        run.wait_stored(items, timeout_s=150)
        assert_balanced(run.balance())


def test_the_site_broker_is_killed_again_and_again(road: Road, site_broker: Mosquitto) -> None:
    """What the network server's broker loses was never accepted; what was, is stored once."""
    chance = Random(404)
    with road.start() as run:
        feeder = Feeder(site_broker.port, events(EVENTS, seed=404), per_s=PER_S).start()
        for _ in range(ROUNDS):
            pause(chance.uniform(0.05, 1.2))
            site_broker.kill()
            site_broker.start()
        feeder.wait()
        run.settle()
        assert_balanced(run.balance(), at_least=EVENTS // 4)


def test_the_edge_dies_between_commit_and_acknowledgement(road: Road, site_broker: Mosquitto) -> None:
    """What was committed and not acknowledged is delivered again by the source, and accepted once."""
    items = [item for item in events(400, seed=7) if not item.copy][:200]
    with road as run:
        run.start_cloud()
        run.wait_worker()
        child = run.start_edge(module=["tests.fault.children.edge_dies_before_ack"])
        run.wait_connected()
        feeder = Feeder(site_broker.port, items, per_s=PER_S).start()
        assert child.wait(20) == -9
        feeder.wait()
        run.start_edge()
        run.settle(published=len(items))
        status = run.edge_status()
        assert status is not None
        assert status["duplicates"] >= 1
        balance = run.balance()
        assert_balanced(balance)
        # two starts, so two boot rows of the edge's own beside the events
        assert balance["accepted"] == len({(item.topic, item.key) for item in items}) + 2


def test_the_worker_dies_between_write_and_receipt(road: Road, site_broker: Mosquitto) -> None:
    """What was stored and not receipted is sent again, and changes nothing in the store."""
    items = events(300, seed=8)
    with road as run:
        child = run.start_cloud(module=["tests.fault.children.cloud_dies_before_receipt"])
        run.wait_worker()
        run.start_edge()
        run.wait_connected()
        feeder = Feeder(site_broker.port, items, per_s=PER_S).start()
        assert child.wait(20) == -9
        feeder.wait()
        status = run.edge_status()
        assert status is not None
        assert status["stored"]["measurement"] == 0  # no receipt came: the edge has forgotten nothing
        run.start_cloud()
        run.settle(published=len(items))
        assert_balanced(run.balance(), at_least=100)
