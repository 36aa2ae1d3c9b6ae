"""The store as a whole is away: the worker waits within its memory, the edges keep, and nothing is lost or doubled."""

import os
import signal
import threading
from pathlib import Path
from random import Random

import pytest

from beffroi.processes import resident_mb
from core.territory import OPERATOR
from tests.servers.mosquitto import Mosquitto
from tests.support.road import Feeder, Road, assert_balanced, events
from tests.support.road_stores import Served
from tests.support.waiting import wait_for

pytestmark = pytest.mark.fault

SITES = ("remiremont", "belleville-sur-meuse", "esternay")
# Three minutes of 50 uplinks a second: the outage is scaled in time, its volume is not.
BEFORE, DURING = 500, 9_000
KILLS = 10


def test_the_store_is_down_for_as_much_as_three_minutes_bring(
    tmp_path: Path, site_broker: Mosquitto, cloud_broker: Mosquitto, influx: Served
) -> None:
    """Edges accept and keep all of it; worker and broker hold their windows alone; one alarm; then all drains."""
    road = Road(tmp_path, site_port=site_broker.port, cloud_port=cloud_broker.port, sites=SITES, store=influx)
    items = events(BEFORE + DURING, seed=91, sites=SITES)
    with road.start() as run:
        Feeder(site_broker.port, items[:BEFORE]).start().wait()
        run.settle(published=BEFORE)
        assert run.cloud is not None
        worker, broker = [resident_mb(run.cloud.pid)], [resident_mb(cloud_broker.pid)]
        stored = sum(map(run.stored_rows, SITES))

        influx.server.stop()
        feeder = Feeder(site_broker.port, items[BEFORE:]).start()

        def seen() -> int:
            states = list(map(run.edge_status, SITES))
            return sum(state["source_accepted"] + state["duplicates"] for state in states if state)

        def all_accepted() -> bool:
            assert run.cloud is not None
            worker.append(resident_mb(run.cloud.pid))
            broker.append(resident_mb(cloud_broker.pid))
            return seen() >= len(items)

        wait_for("a third accepted", lambda: seen() >= BEFORE + DURING // 3, timeout_s=90)
        wait_for("the alarm", lambda: (s := run.cloud_status()) and s["alarms"])
        full = resident_mb(cloud_broker.pid)  # all windows are spent
        wait_for("all accepted", all_accepted, timeout_s=120, every_s=0.5)
        feeder.wait()
        status = run.cloud_status()
        assert status is not None
        assert [alarm["code"] for alarm in status["alarms"]] == ["store.down"]
        assert status["paused"]
        assert sum(map(run.stored_rows, SITES)) == stored, "nothing is receipted that no store has"
        states = [state for state in map(run.edge_status, SITES) if state]
        assert sum(state["spooled"] for state in states) > DURING * 0.9
        assert sum(state["deferred"] for state in states) == 0, "a store that is down defers nothing"
        assert all(state["messages"] <= state["window"] for state in states)
        assert max(worker) - worker[0] < 16, f"worker, MB: {worker}"
        assert max(broker) - full < 2, f"cloud broker, MB: {full} when its windows were full, then {broker}"

        influx.server.start_again()
        run.settle(timeout_s=120)
        balance = run.balance()
        assert_balanced(balance, at_least=DURING // 2)
        assert balance["stored"] == balance["accepted"]
        wait_for("the alarm ends", lambda: (s := run.cloud_status()) and not s["alarms"])
        assert [line["code"] for line in run.said("cloud", "alarm.begun")] == ["store.down"], "said once"
        with run.reading() as store:

            def told() -> bool:
                rows = store.series(OPERATOR, "alarm", start_us=0, end_us=2**62, where={"kind": "road.store.down"})
                own = [point for point in rows if "id" not in point.fields]  # the watch says more of it
                return [point.fields["active"] for point in own] == [True, False]

            wait_for("begin and end are in the operator's database", told)


def test_the_store_is_killed_at_any_instant(
    tmp_path: Path, site_broker: Mosquitto, cloud_broker: Mosquitto, influx: Served
) -> None:
    """kill -9 of InfluxDB at ten seeded instants of a stream: what was receipted is there, each row once."""
    chance = Random(606)
    pause = threading.Event()
    with Road(tmp_path, site_port=site_broker.port, cloud_port=cloud_broker.port, store=influx).start() as run:
        feeder = Feeder(site_broker.port, items := events(2_000, seed=606), per_s=70).start()
        for _ in range(KILLS):
            before = run.stored_rows()
            wait_for("rows are stored", lambda before=before: run.stored_rows() > before, every_s=0.02)
            pause.wait(chance.uniform(0.0, 0.4))
            influx.server.kill()
            influx.server.start_again()
        feeder.wait()
        run.wait_stored(items, timeout_s=90)
        assert_balanced(run.balance())
        wait_for("no alarm is left", lambda: (s := run.cloud_status()) and not s["alarms"])
        begun, ended = run.said("cloud", "alarm.begun"), run.said("cloud", "alarm.ended")
        assert 0 < len(begun) == len(ended), "each outage that was noticed was said once"


def test_the_store_hangs_and_goes_on(
    tmp_path: Path, site_broker: Mosquitto, cloud_broker: Mosquitto, influx: Served
) -> None:
    """InfluxDB stands still in the middle of writes, for longer than an answer may take, three times: what it carries
    out late, beside what was sent again meanwhile, doubles nothing."""
    influx.timeout_s = 2.0
    pid = influx.server.pid
    with Road(tmp_path, site_port=site_broker.port, cloud_port=cloud_broker.port, store=influx).start() as run:
        feeder = Feeder(site_broker.port, items := events(1_000, seed=707), per_s=50).start()
        for number in range(1, 4):
            before = run.stored_rows()
            wait_for("rows are stored", lambda before=before: run.stored_rows() > before)
            os.kill(pid, signal.SIGSTOP)
            try:
                wait_for("the worker has waited", lambda: (s := run.cloud_status()) and s["paused"] == "store.silent")
            finally:
                os.kill(pid, signal.SIGCONT)
            wait_for("it goes on", lambda: (s := run.cloud_status()) and not s["paused"])
            assert len(run.said("cloud", "alarm.begun")) >= number
        feeder.wait()
        run.wait_stored(items)
        assert_balanced(run.balance())
