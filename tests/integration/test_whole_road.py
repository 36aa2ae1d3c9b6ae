"""The road as separate processes on real Mosquitto, fed by the simulator and by the events of a real ChirpStack."""

import contextlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from simulator.network import Event, Kind
from tests.servers.mosquitto import Mosquitto, free_port
from tests.support.page_process import running
from tests.support.road import EXAMPLE, SITE, Feeder, Road, assert_balanced
from tests.support.road_stores import RoadStore
from tests.support.waiting import wait_for

ROAD = ("accepted", "stored", "spooled", "quarantined", "evicted")
RECORDED = Path(__file__).parents[1] / "chirpstack-events"


def test_the_simulator_feeds_the_road_and_the_page_shows_it(
    tmp_path: Path, mosquitto: Mosquitto, store: RoadStore
) -> None:
    """`simulate run` → `edge run` → `cloud run` → each store → `page run`, three sites on one broker, balanced."""
    sites = (SITE, "belleville-sur-meuse", "esternay")
    road = Road(tmp_path, site_port=mosquitto.port, cloud_port=mosquitto.port, sites=sites, store=store)
    with road.start() as run:
        broker = f"127.0.0.1:{mosquitto.port}"
        told = subprocess.run(
            [
                *(sys.executable, "-m", "beffroi", "simulate", "run", "--territory", str(EXAMPLE), "--json"),
                *("--broker", broker, "--for", "5s", "--seed", "4"),
            ],
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
        published = json.loads(told.stdout)
        run.settle(published=published["to_accept"])
        balance = run.balance()
        assert_balanced(balance, at_least=500)
        assert balance["stored"] == balance["accepted"]
        with run.reading() as kept:
            assert {"ccpvm", "belleville", "esternay", "operator"} <= set(kept.databases())
            newest = [
                point
                for tenant in ("ccpvm", "belleville", "esternay")
                for point in kept.latest(tenant, "light")
                if "-lamp-" in point.tags.get("asset", "")
            ]
        assert {point.tags["commune"] for point in newest} >= {"55043", "51237"}  # Belleville, Esternay
        with running(page_settings(run, port := free_port()), port=port) as page:

            def shown() -> dict[str, int]:
                state = page.state()
                return {name: (state["road"] or {}).get(name) for name in ROAD} | {
                    "newest_ms": state["lamps"]["newest_ms"]
                }

            there = {name: balance[name] for name in ROAD} | {
                "newest_ms": max(point.time_us for point in newest) // 1000
            }
            with contextlib.suppress(AssertionError):
                wait_for("the page shows the same", lambda: shown() == there, timeout_s=40, every_s=0.5)
            assert shown() == there
            assert page.state()["road"]["balanced"]


def page_settings(run: Road, port: int) -> Path:
    """Of a page that reads the road's store."""
    settings = run.folder / "page.toml"
    settings.write_text(f'territory = "{EXAMPLE}"\nport = {port}\nstore = {run.store_line}\n', "utf-8")
    return settings


def recorded() -> list[Event]:
    """Every event of every recording, as it was published, in the order of its file."""
    found = []
    for path in sorted(RECORDED.glob("*.json")):
        for message in json.loads(path.read_text("utf-8")).get("messages", []):
            if "payload" in message and message["topic"].startswith("application/"):
                found.append(
                    Event(0, message["topic"], message["payload"].encode(), Kind.UP, SITE, "", str(len(found)))
                )
    return found


def test_events_of_a_real_network_server_reach_the_operator(tmp_path: Path, mosquitto: Mosquitto) -> None:
    """Recorded as they are: devices that nobody declared are stored, unassigned, in the operator's database alone."""
    items = recorded()
    assert len(items) > 80
    applications = sorted({item.topic.split("/")[1] for item in items})
    with Road(tmp_path, site_port=mosquitto.port, cloud_port=mosquitto.port) as run:
        settings = run.edge_settings()
        text = re.sub(
            r"applications = \[.*\]", f"applications = {json.dumps(applications)}", settings.read_text("utf-8")
        )
        settings.write_text(text, "utf-8")
        run.start()
        Feeder(mosquitto.port, items).start().wait()
        run.settle(published=len(items))
        assert_balanced(run.balance(), at_least=80)
        with run.reading() as store:
            ups = sum(item.topic.endswith("/up") for item in items)
            assert 0 < len(store.series("operator", "uplink", start_us=0, end_us=2**62)) <= ups
            assert store.count("ccpvm", "uplink") == 0


@pytest.mark.parametrize("body", [b"\xff\xfe\x00garbage", b'{"deduplicationId":', b"x" * 1_000_000])
def test_what_cannot_be_read_is_quarantined_and_its_neighbours_stored(
    tmp_path: Path, mosquitto: Mosquitto, body: bytes
) -> None:
    """Binary, cut short, or a megabyte of text on the source's topic: evidence with a reason; the rest is stored."""
    topic = "application/7c1f0c52-3c1b-4d57-9a39-2f3f5d9d8a01/device/0102030405060708/event/up"
    good = [item for item in recorded() if item.topic.endswith("/up")][:1]
    moved = [Event(0, topic.replace("0102030405060708", "a000000000000002"), good[0].payload, Kind.UP, SITE, "", "1")]
    with Road(tmp_path, site_port=mosquitto.port, cloud_port=mosquitto.port).start() as run:
        items = [Event(0, topic, body, Kind.UP, SITE, "", "0"), *moved]
        Feeder(mosquitto.port, items).start().wait()
        run.settle(published=2)
        balance = run.balance()
        assert_balanced(balance)
        assert balance["quarantined"] >= 1
        listed = subprocess.run(
            [sys.executable, "-m", "beffroi", "quarantine", "list", "--settings", str(run.cloud_settings), "--json"],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        entries = json.loads(listed.stdout)["entries"]
        assert any(entry["reason"].startswith("source.") for entry in entries)
