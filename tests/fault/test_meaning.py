"""What is stored is stored where and when it belongs, whatever happens meanwhile."""

import csv
import json
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cloud.schema import clock_of
from core import territory
from core.ports.clock import write_scale
from core.timescale import TimeScale
from simulator.network import Event
from tests.servers.mosquitto import Mosquitto
from tests.support.road import EXAMPLE, SITE, Feeder, Road, assert_balanced, events
from tests.support.road_stores import RoadStore
from tests.support.waiting import wait_for

pytestmark = pytest.mark.fault

HOUR_MS = 3_600_000


def own_territory(tmp_path: Path) -> Path:
    """A copy of the example that a test may change."""
    copy = tmp_path / "territory"
    shutil.copytree(EXAMPLE, copy)
    return copy


def test_one_tenant_refuses_writes(
    tmp_path: Path, site_broker: Mosquitto, cloud_broker: Mosquitto, store: RoadStore
) -> None:
    """A tenant's database that cannot be written holds back its own rows alone; its neighbour's are stored."""
    sites = (SITE, "esternay")
    road = Road(tmp_path, site_port=site_broker.port, cloud_port=cloud_broker.port, sites=sites, store=store)
    store.refuse("ccpvm")
    with road.start() as run:
        Feeder(site_broker.port, items := events(600, seed=51, sites=sites)).start().wait()

        def neighbour_is_stored() -> bool:
            status = run.edge_status("esternay")
            return bool(
                status and status["stored"]["measurement"] and not status["spooled"] and not status["open_rows"]
            )

        wait_for("the neighbour's rows stored", neighbour_is_stored)
        status = wait_for("the tenant's rows deferred", lambda: (s := run.edge_status()) and s["deferred"] and s)
        assert status["stored"]["measurement"] == 0
        alarms = run.cloud_status()
        assert alarms is not None
        assert any("ccpvm" in json.dumps(alarm) for alarm in alarms["alarms"])
        # mended: the worker asks again by itself, with the next row that comes after its pause
        store.mend("ccpvm")
        later = iter(events(900, seed=51, sites=(SITE,))[600:])  # none that was published before

        def one_more_is_stored() -> bool:
            Feeder(site_broker.port, [next(later)]).start().wait()
            status = run.edge_status()
            return bool(status and status["stored"]["measurement"])

        wait_for("a new row stored", one_more_is_stored, timeout_s=90, every_s=0.5)
        # what was deferred is tried again every 15 min, and at the start of an edge
        run.edges[SITE].stop()
        run.start_edge()
        run.settle(timeout_s=90)
        balance = run.balance()
        assert_balanced(balance, at_least=300)
        assert balance["stored"] == balance["accepted"]
        assert len(items) == 600


def test_an_assignment_comes_between_write_and_receipt(
    tmp_path: Path, site_broker: Mosquitto, cloud_broker: Mosquitto, store: RoadStore
) -> None:
    """Uplinks stored before a sensor was declared to be on another lamp move there, once, with what came meanwhile."""
    declared = own_territory(tmp_path)
    items = events(900, seed=52)
    moved = territory.load(declared).assignments
    road = Road(tmp_path, site_port=site_broker.port, cloud_port=cloud_broker.port, declared=declared, store=store)
    with road.start() as run:
        feeder = Feeder(site_broker.port, items, per_s=150).start()
        wait_for("something stored", lambda: (s := run.edge_status()) and s["stored"]["measurement"] > 100)
        dev_eui, old, new = swap_two_assignments(declared / "assignments.csv", items)
        assert old != new
        assert moved
        feeder.wait()
        run.settle(published=len(items))
        wait_for("the move", lambda: (s := run.cloud_status()) and not s["moving"] and in_force(run, declared))
        assert_balanced(run.balance(), at_least=450)
        with run.reading() as shown:
            points = shown.series("ccpvm", "uplink", start_us=0, end_us=2**62, where={"device": dev_eui})
        assert points
        assert {point.tags["asset"] for point in points} == {new}


def in_force(run: Road, declared: Path) -> bool:
    status = run.cloud_status()
    return bool(status and status["territory"]["digest"] == territory.load(declared).digest)


def swap_two_assignments(path: Path, items: list[Event]) -> tuple[str, str, str]:
    """Exchange the lamps of the two devices that speak most; one of them, its old lamp and its new one."""
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        columns = list(reader.fieldnames or [])
        lines: list[dict[str, Any]] = list(reader)
    speakers = [item.dev_eui for item in items]
    busiest = sorted(set(speakers), key=speakers.count, reverse=True)
    single = [eui for eui in busiest if sum(line["dev_eui"] == eui for line in lines) == 1]
    first, second = (next(line for line in lines if line["dev_eui"] == eui) for eui in single[:2])
    old, new = first["asset"], second["asset"]
    first["asset"], second["asset"] = new, old
    fresh = path.with_suffix(".new")
    with fresh.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)
    fresh.replace(path)
    return str(first["dev_eui"]), str(old), str(new)


def test_a_status_comes_before_the_uplink_of_its_id(
    tmp_path: Path, site_broker: Mosquitto, cloud_broker: Mosquitto, store: RoadStore
) -> None:
    """`status`, `ack` and `up` share one deduplicationId, in any order: three rows, none taken for a duplicate."""
    up = next(item for item in events(50, seed=53) if item.topic.endswith("/up"))
    body = json.loads(up.payload)
    common = {key: body[key] for key in ("deduplicationId", "time", "deviceInfo")}
    status = {**common, "margin": 7, "externalPowerSource": True, "batteryLevelUnavailable": False, "batteryLevel": 0.0}
    ack = {**common, "queueItemId": "5a5e4c3e-0000-4000-8000-000000000001", "acknowledged": True, "fCntDown": 3}
    base = up.topic.rsplit("/", 1)[0]
    items = [
        event_like(up, f"{base}/status", status),
        up,
        event_like(up, f"{base}/ack", ack),
        up,  # delivered again
    ]
    with Road(tmp_path, site_port=site_broker.port, cloud_port=cloud_broker.port, store=store).start() as run:
        Feeder(site_broker.port, items).start().wait()
        run.settle(published=4)
        edge = run.edge_status()
        assert edge is not None
        assert (edge["source_accepted"], edge["duplicates"]) == (3, 1)
        assert_balanced(run.balance())
        with run.reading() as shown:
            assert sum(shown.count(database, "uplink") for database in shown.databases()) == 1
            types = {point.tags["type"] for point in shown.latest("ccpvm", "event", {"device": up.dev_eui})}
        assert types == {"status", "ack"}


def event_like(like: Event, topic: str, body: dict[str, Any]) -> Event:
    """The same device's event of another kind."""
    return msgspec.structs.replace(like, topic=topic, payload=json.dumps(body).encode())


def test_the_host_boots_in_1970_and_is_synced_later(
    tmp_path: Path, site_broker: Mosquitto, cloud_broker: Mosquitto, store: RoadStore
) -> None:
    """Rows of an unset clock wait, get one offset when the clock is set, and are stored at the time they happened."""
    clock = tmp_path / "clock.json"
    mono_ms = time.monotonic_ns() // 1_000_000
    true_ms = time.time_ns() // 1_000_000
    wrong_ms = 3_600_000  # one hour after the epoch
    write_scale(clock, TimeScale(wall_ms=wrong_ms, mono_ms=mono_ms, synced=False))
    items = [in_1970(item, wrong_ms + number) for number, item in enumerate(uplinks(20))]
    road = Road(tmp_path, site_port=site_broker.port, cloud_port=cloud_broker.port, clock=clock, store=store)
    with road.start() as run:
        Feeder(site_broker.port, items).start().wait()
        held = wait_for("rows are held", lambda: (s := run.edge_status()) and s["held"] >= len(items) and s)
        assert held["clock"] == "unsynced"
        assert held["stored"]["measurement"] == 0
        # the clock is set: the same monotonic instant now has its true wall time
        write_scale(clock, TimeScale(wall_ms=true_ms, mono_ms=mono_ms))
        run.settle(published=len(items))
        assert_balanced(run.balance(), at_least=len(items))
        with run.reading() as shown:
            points = [
                point
                for database in shown.databases()
                for point in shown.series(database, "uplink", start_us=0, end_us=2**62)
            ]
        assert len(points) == len(items)
        offset_ms = true_ms - wrong_ms
        expected = sorted(wrong_ms + number + offset_ms for number in range(len(items)))
        found = sorted(point.time_us // 1000 for point in points)
        assert all(abs(seen - true) <= 1_000 for seen, true in zip(found, expected, strict=True))
        assert {clock_of(point) for point in points} == {"unsynced"}


def uplinks(count: int) -> list[Event]:
    """Uplinks without GPS time, one a device."""
    chosen: dict[str, Event] = {}
    for item in events(2_000, seed=54):
        if item.topic.endswith("/up") and not item.copy:
            chosen.setdefault(item.dev_eui, item)
    return list(chosen.values())[:count]


def in_1970(item: Event, at_ms: int) -> Event:
    """The same uplink as a network server with an unset clock would tell it."""
    body = json.loads(item.payload)
    moment = datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")
    body["time"] = moment
    for reception in body["rxInfo"]:
        reception["nsTime"] = moment
        reception.pop("gwTime", None)
        reception.pop("timeSinceGpsEpoch", None)
    return msgspec.structs.replace(item, payload=json.dumps(body).encode())
