"""One tenant's database refuses: its rows wait at their edges, everybody else's flow, and what was refused arrives."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from statistics import median

import pytest

from cloud.schema import EVENT, UPLINK, origin_of
from core.model import RowClass
from simulator.network import Event
from tests.servers.influxdb import ADMIN, InfluxDb
from tests.servers.mosquitto import Mosquitto
from tests.support.road import SITE, Feeder, Road, assert_balanced, events
from tests.support.road_stores import Served
from tests.support.waiting import wait_for

pytestmark = pytest.mark.fault

TENANT = "ccpvm"  # of SITE
FLOWING, PROBED = "belleville-sur-meuse", "esternay"
PROBES = 5

Identity = tuple[str, RowClass, int]


def rows_of(run: Road, tenant: str) -> set[Identity]:
    """The rows that the store shows in a tenant's database."""
    with run.reading() as store:
        found = [
            origin_of(point)
            for measurement in (UPLINK, EVENT)
            for point in store.series(tenant, measurement, start_us=0, end_us=2**62)
        ]
    return {(origin.spool_id, origin.row_class, origin.seq) for origin in found if origin is not None}


def latencies_s(run: Road, site_port: int, items: list[Event]) -> list[float]:
    """From an event handed to the network server's broker to its receipt, one after the other."""
    found = []
    for item in items:
        before = run.stored_rows(PROBED)
        begun = time.monotonic()
        Feeder(site_port, [item]).start().wait()
        wait_for("it is stored", lambda before=before: run.stored_rows(PROBED) > before, every_s=0.01)
        found.append(time.monotonic() - begun)
    return found


def stop_between_two_writes(pid: int, server: InfluxDb) -> None:
    """Stop the worker (SIGSTOP) while InfluxDB has nothing of it in hand."""

    def is_idle() -> bool:
        with urllib.request.urlopen(f"{server.url}/debug/vars", timeout=5) as answer:
            told = json.load(answer)
        return not any(
            entry["values"]["writeReqActive"]
            for entry in told.values()
            if isinstance(entry, dict) and entry.get("name") == "httpd"
        )

    def stopped() -> bool:
        os.kill(pid, signal.SIGSTOP)
        for _ in range(20):
            if is_idle():
                return True
        os.kill(pid, signal.SIGCONT)  # it was stopped in the middle of a request
        return False

    wait_for("the worker stops between two writes", stopped)


def deferred_for(run: Road, site: str) -> set[str]:
    return {line["reason"] for line in run.said(f"edge-{site}", "rows.deferred")}


def refusing(run: Road) -> dict[str, str]:
    """Tenant → what the alarm says, for those that refuse."""
    status = run.cloud_status()
    alarms = status["alarms"] if status else []
    return {alarm["tenant"]: alarm["message"] for alarm in alarms if alarm["code"] == "store.refuses"}


def start_again(run: Road, site: str) -> None:
    """What was deferred is tried again every 15 min, and at the start of an edge."""
    run.edges[site].stop()
    run.start_edge(site)
    run.wait_connected(site)


def test_a_database_is_dropped_and_made_again(
    tmp_path: Path, site_broker: Mosquitto, cloud_broker: Mosquitto, influx: Served
) -> None:
    """While rows flow. What the store had receipted is gone with the database: no road brings that back, and the oracle
    names exactly it. All else arrives, nobody else waits, and the alarm names the tenant."""
    sites = (SITE, FLOWING, PROBED)
    mine = events(1_200, seed=81)
    flowing, probes = events(600, seed=82, sites=[FLOWING]), events(4 * PROBES, seed=83, sites=[PROBED])
    probes = [item for item in probes if not item.copy][: 2 * PROBES]
    road = Road(tmp_path, site_port=site_broker.port, cloud_port=cloud_broker.port, sites=sites, store=influx)
    with road.start() as run:
        assert run.cloud is not None
        feeders = [
            Feeder(site_broker.port, mine, per_s=50).start(),
            Feeder(site_broker.port, flowing, per_s=25).start(),
        ]
        wait_for("rows of each", lambda: run.stored_rows(SITE) > 100 and run.stored_rows(FLOWING) > 20)
        usual = latencies_s(run, site_broker.port, probes[:PROBES])

        stop_between_two_writes(run.cloud.pid, influx.server)
        gone = rows_of(run, TENANT)
        influx.server.query(f'DROP DATABASE "{TENANT}"')
        os.kill(run.cloud.pid, signal.SIGCONT)
        assert len(gone) > 100
        wait_for("rows wait", lambda: (s := run.edge_status()) and s["deferred"])
        assert TENANT in wait_for("the alarm", lambda: refusing(run).get(TENANT))

        meanwhile = latencies_s(run, site_broker.port, probes[PROBES:])
        assert list(refusing(run)) == [TENANT], "nobody else is refused"
        assert median(meanwhile) <= 2 * median(usual) + 0.5, (usual, meanwhile)

        assert deferred_for(run, SITE) == {"store.no_database"}

        assert influx.apply() > 0
        wait_for("it is stored again", lambda: not refusing(run), timeout_s=90)
        for feeder in feeders:
            feeder.wait()
        # between the steps of an apply a database is there that its account may not use yet
        assert deferred_for(run, SITE) <= {"store.no_database", "store.forbidden"}
        assert deferred_for(run, FLOWING) == deferred_for(run, PROBED) == set()
        start_again(run, SITE)
        run.settle()
        balance = run.balance()
        assert balance["lost"] == len(gone), balance
        named = {tuple(re.findall(r"lost: \w+/(\w+)/(\w+)/(\d+) ", fault)[0]) for fault in balance["faults"]}
        assert named
        assert named <= {(spool_id, str(row_class), str(seq)) for spool_id, row_class, seq in gone}
        assert not rows_of(run, TENANT) & gone
        others = {
            name: balance[name] for name in ("duplicates", "phantom", "wrong", "spooled", "evicted", "quarantined")
        }
        assert not any(others.values()), balance
        assert balance["stored"] == balance["accepted"] - len(gone)


def territory_apply(influx: Served) -> None:
    """As a person would."""
    command = ["territory", "apply", "--only", "influxdb", "--yes", "--territory", str(influx.declared)]
    user, password = ADMIN.split(":")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "beffroi", *command, "--url", influx.server.url),
            *("--secrets", str(influx.secrets), "--admin-user", user),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "BEFFROI_INFLUXDB_ADMIN_PASSWORD": password},
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        (f"SET PASSWORD FOR \"{TENANT}-write\" = 'by hand'", "store.unauthorised"),
        (f'REVOKE ALL ON "{TENANT}" FROM "{TENANT}-write"', "store.forbidden"),
    ],
    ids=["401", "403"],
)
def test_an_account_is_changed_by_hand(
    tmp_path: Path, site_broker: Mosquitto, cloud_broker: Mosquitto, influx: Served, statement: str, code: str
) -> None:
    """The tenant's rows wait, its neighbour's do not; `territory apply` mends it, and the same worker goes on."""
    sites = (SITE, PROBED)
    items = events(700, seed=84)
    neighbour = events(100, seed=85, sites=[PROBED])
    road = Road(tmp_path, site_port=site_broker.port, cloud_port=cloud_broker.port, sites=sites, store=influx)
    with road.start() as run:
        feeder = Feeder(site_broker.port, items, per_s=50).start()
        wait_for("rows are stored", lambda: run.stored_rows() > 50)
        influx.server.query(statement)
        wait_for("rows wait", lambda: (s := run.edge_status()) and s["deferred"])
        Feeder(site_broker.port, neighbour).start().wait()
        wait_for("the neighbour's rows are stored", lambda: rest(run, PROBED, len(neighbour)))
        assert list(refusing(run)) == [TENANT]
        assert deferred_for(run, PROBED) == set()
        worker = run.cloud
        territory_apply(influx)
        wait_for("the tenant's rows are stored", lambda: not refusing(run), timeout_s=90)
        feeder.wait()
        assert deferred_for(run, SITE) == {code}
        start_again(run, SITE)
        run.settle()
        assert run.cloud is worker
        assert worker is not None
        assert worker.running
        balance = run.balance()
        assert_balanced(balance, at_least=400)
        assert balance["stored"] == balance["accepted"]


def rest(run: Road, site: str, published: int) -> bool:
    """Whether an edge has seen all that was published for it, and has nothing left."""
    status = run.edge_status(site)
    if status is None or status["spooled"] or status["open_rows"]:
        return False
    return bool(status["source_accepted"] + status["duplicates"] >= published)


def test_a_password_is_renewed_while_rows_flow(
    tmp_path: Path, site_broker: Mosquitto, cloud_broker: Mosquitto, influx: Served
) -> None:
    """Its line is taken out of the secrets file and applied again: a running worker reads the file anew when it is
    refused, and no row waits for it."""
    with Road(tmp_path, site_port=site_broker.port, cloud_port=cloud_broker.port, store=influx).start() as run:
        feeder = Feeder(site_broker.port, items := events(500, seed=86), per_s=50).start()
        wait_for("rows are stored", lambda: run.stored_rows() > 50)
        known = influx.secrets.read_text("utf-8")
        section, _, others = known.partition("[influxdb.write]")
        kept = re.sub(rf'^"?{TENANT}"? = .*\n', "", others, count=1, flags=re.MULTILINE)
        influx.secrets.write_text(f"{section}[influxdb.write]{kept}", "utf-8")
        territory_apply(influx)
        assert influx.secrets.read_text("utf-8") != known
        feeder.wait()
        run.settle(published=len(items))
        balance = run.balance()
        assert_balanced(balance, at_least=250)
        assert balance["stored"] == balance["accepted"]
        assert deferred_for(run, SITE) == set()
        assert run.said("cloud", "alarm.begun") == []
