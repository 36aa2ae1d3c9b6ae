"""`beffroi edge run` as a process, on a real Mosquitto, with the least cloud that answers."""

import base64
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from beffroi.processes import resident_mb
from core.model import Event, RowClass, Unreadable, Uplink
from edge.intake import Intake
from edge.sources.chirpstack_events import parse_event
from edge.spool import reader
from simulator.network import Event as NetworkEvent
from simulator.network import Kind
from tests.conftest import require
from tests.servers import mosquitto as mosquitto_server
from tests.servers.mosquitto import Mosquitto
from tests.support.road import ROOT, SITE, Feeder, Road, events
from tests.support.tiny_cloud import TinyCloud
from tests.support.waiting import wait_for


@pytest.fixture
def road(tmp_path: Path, mosquitto: Mosquitto) -> Iterator[Road]:
    with Road(tmp_path / "road", site_port=mosquitto.port, cloud_port=mosquitto.port) as road:
        yield road


@pytest.fixture
def cloud(mosquitto: Mosquitto) -> Iterator[TinyCloud]:
    cloud = TinyCloud(mosquitto.port, SITE)
    yield cloud
    cloud.close()


def beffroi(*arguments: str, timeout_s: float = 60) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "beffroi", *arguments], capture_output=True, text=True, timeout=timeout_s, check=False
    )


def distinct(items: list[NetworkEvent]) -> int:
    """How many of them are not redelivered copies of each other."""
    return len({(item.topic, item.key) for item in items})


def lingering(count: int) -> list[NetworkEvent]:
    """So many events of which none is urgent: that would not linger."""
    intake = Intake()
    found = events(10 * count, seed=2)
    read = (intake.read(parse_event(one.topic, one.payload, now_ms=one.at_ms)) for one in found)
    return [one for one, (row_class, _) in zip(found, read, strict=True) if row_class is not RowClass.URGENT][:count]


def source_keys(cloud: TinyCloud) -> list[str]:
    """Event keys of what came from the network server."""
    return [key for key in cloud.keys if not key.startswith(("boot:", "health:"))]


def settled(road: Road) -> dict[str, object]:
    """Until nothing is open and nothing spooled."""
    road.settle()
    status = road.edge_status()
    assert status is not None
    return status


def test_events_travel_decoded_and_the_spool_is_empty_afterwards(road: Road, cloud: TinyCloud) -> None:
    """What the network server publishes arrives once each, with readings; receipts empty the spool."""
    items = events(300, seed=1)
    road.start_edge()
    road.wait_connected()
    Feeder(road_port(road), items).start().wait()
    wait_for("all accepted", lambda: accepted(road) >= len(items))
    status = settled(road)
    assert len(source_keys(cloud)) == distinct(items)
    uplinks = [row for row in cloud.rows if isinstance(row, Uplink)]
    assert len({row.key for row in cloud.rows}) == len(cloud.rows)
    assert sum(bool(row.readings) for row in uplinks) > len(uplinks) * 0.9
    assert [row.type for row in cloud.rows if isinstance(row, Event)].count("boot") == 1
    health = json.loads(cloud.health[-1])
    assert (health["state"], health["edge"]) == ("online", SITE)
    assert status["spooled"] == 0
    assert road.edges[SITE].stop() == 0
    wait_for("the farewell", lambda: json.loads(cloud.health[-1])["state"] == "offline")


def road_port(road: Road) -> int:
    text = road.edge_settings().read_text()
    return int(text.split("[source]")[1].split("port = ")[1].split(",")[0])


def accepted(road: Road) -> int:
    status = road.edge_status()
    return 0 if status is None else int(status["source_accepted"] + status["duplicates"])


def test_nothing_accepted_is_lost_when_the_agent_is_killed(road: Road, cloud: TinyCloud) -> None:
    """kill -9 five times under load: every published event arrives, none is accepted twice."""
    rng = Random(7)
    items = events(1_500, seed=2)
    road.start_edge()
    road.wait_connected()
    feeder = Feeder(road_port(road), items, per_s=500).start()
    for _ in range(5):
        mark = feeder.sent + rng.randrange(50, 200)
        wait_for("more events", lambda mark=mark: feeder.sent >= min(mark, len(items)))
        road.edges[SITE].kill()
        road.start_edge()
    feeder.wait()
    wait_for("everything in the cloud", lambda: len(source_keys(cloud)) >= distinct(items), timeout_s=90)
    settled(road)
    arrived = cloud.keys
    assert len(arrived) == len(set(arrived))
    assert not [key for key in arrived if key.startswith(("eviction:", "unreadable:"))]
    assert len(source_keys(cloud)) == distinct(items)
    kept = {row.key for row in reader.rows(road.edge_folder() / "spool")}
    assert set(arrived) == kept


def test_an_agent_starts_without_brokers_and_finds_them_later(tmp_path: Path) -> None:
    """A broker that is down at start is waited for; the agent stays up and says so."""
    require(mosquitto_server.find(), mosquitto_server.INSTALL_HINT)
    broker = Mosquitto(tmp_path / "mosquitto")
    with Road(tmp_path / "road", site_port=broker.port, cloud_port=broker.port) as road:
        child = road.start_edge()
        status = wait_for("a status", road.edge_status)
        assert not status["source_connected"]
        assert status["spooled"] + status["open_rows"] >= 1  # its boot row waits
        with broker:
            cloud = TinyCloud(broker.port, SITE)
            road.wait_connected()
            # what it sends before the broker knows the cloud's session is sent again a minute later
            wait_for("the boot row", lambda: cloud.keys, timeout_s=90)
            cloud.close()
            assert child.running
            assert child.stop() == 0


def test_a_broker_that_comes_back_empty_gets_everything_again(
    road: Road, cloud: TinyCloud, mosquitto: Mosquitto
) -> None:
    """A PUBACK meant nothing: what has no receipt is sent again on reconnect."""
    cloud.mute = True
    road.start_edge()
    road.wait_connected()
    items = events(50, seed=3)
    Feeder(mosquitto.port, items).start().wait()
    wait_for("accepted", lambda: accepted(road) >= len(items))
    mosquitto.kill()
    mosquitto.forget()
    cloud.mute = False
    mosquitto.start()
    settled(road)
    assert len(source_keys(cloud)) == distinct(items)


def test_sigterm_commits_what_is_open_and_ends_with_0(tmp_path: Path, mosquitto: Mosquitto) -> None:
    """The linger is half a minute; nothing of the open group comes again after an orderly end."""
    with Road(tmp_path / "road", site_port=mosquitto.port, cloud_port=mosquitto.port, spool={"preset": "sd"}) as road:
        road.start_edge()
        road.wait_connected()
        Feeder(mosquitto.port, lingering(10)).start().wait()
        wait_for("open rows", lambda: (status := road.edge_status()) and status["open_rows"] >= 10)
        assert road.edges[SITE].stop() == 0
        assert len(list(reader.rows(road.edge_folder() / "spool"))) >= 10
        road.start_edge()
        status = road.wait_connected()
        assert status["duplicates"] == 0


def test_an_agent_that_vanishes_is_reported_by_its_last_will(road: Road, cloud: TinyCloud) -> None:
    """The broker says `offline` for it; the next start says `online` again."""
    road.start_edge()
    wait_for("online", lambda: cloud.health and json.loads(cloud.health[-1])["state"] == "online")
    road.edges[SITE].kill()
    wait_for("offline", lambda: json.loads(cloud.health[-1])["state"] == "offline")
    assert json.loads(cloud.health[-1])["edge"] == SITE
    road.start_edge()
    wait_for("online again", lambda: json.loads(cloud.health[-1])["state"] == "online")


def test_a_misspelt_key_ends_with_78_and_the_key_that_was_meant(road: Road) -> None:
    """On stderr, in two lines, without a traceback."""
    settings = road.edge_settings()
    settings.write_text("heath_s = 3\n" + settings.read_text())
    answer = beffroi("edge", "run", "--settings", str(settings))
    assert answer.returncode == 78
    assert "heath_s" in answer.stderr
    assert "hint: did you mean 'health_s'?" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_folder_in_use_is_refused(road: Road) -> None:
    """Two agents never share a spool: exit code 4, and what to do."""
    road.start_edge()
    wait_for("the first", road.edge_status)
    answer = beffroi("edge", "run", "--settings", str(road.edge_settings()))
    assert answer.returncode == 4
    assert "folder.in_use" in answer.stderr
    assert "hint:" in answer.stderr


def test_status_speaks_for_a_running_and_for_a_dead_agent(road: Road) -> None:
    """The same command; `running` tells which."""
    road.start_edge()
    road.wait_connected()
    running = beffroi("edge", "status", "--settings", str(road.edge_settings()), "--json")
    assert running.returncode == 0, running.stderr
    assert json.loads(running.stdout)["running"] is True
    assert json.loads(running.stdout)["version"] == 1
    assert "source_connected" in beffroi("edge", "status", "--settings", str(road.edge_settings())).stdout
    road.edges[SITE].kill()
    dead = json.loads(beffroi("edge", "status", "--folder", str(road.edge_folder()), "--json").stdout)
    assert dead["running"] is False
    assert dead["spooled"] >= 1
    missing = beffroi("edge", "status", "--folder", str(road.edge_folder() / "nowhere"))
    assert missing.returncode == 4
    assert "hint:" in missing.stderr


def test_the_agent_is_small(road: Road, cloud: TinyCloud) -> None:
    """60 MB at most after six thousand uplinks; `beffroi bench edge` takes more."""
    items = events(6_000, seed=5)
    child = road.start_edge()
    road.wait_connected()
    Feeder(road_port(road), items).start().wait()
    wait_for("accepted", lambda: accepted(road) >= len(items), timeout_s=60)
    settled(road)
    assert resident_mb(child.pid) <= 60


def test_an_agent_killed_between_commit_and_acknowledgement_accepts_its_event_once(
    road: Road, cloud: TinyCloud
) -> None:
    """The row is on the disk, the broker does not know: it delivers again, and nothing is accepted twice."""
    dying = road.start_edge(module=("tests.fault.children.edge_dies_before_ack",))
    road.wait_connected()
    (item,) = events(1, seed=6)
    Feeder(road_port(road), [item]).start().wait()
    assert dying.wait(20) == -signal.SIGKILL
    committed = [row.key for row in reader.rows(road.edge_folder() / "spool")]
    assert len([key for key in committed if item.key in key]) == 1
    road.start_edge()
    wait_for("the redelivered event", lambda: (status := road.edge_status()) and status["duplicates"] == 1)
    settled(road)
    assert len([key for key in cloud.keys if item.key in key]) == 1


def test_the_recorded_events_of_a_real_network_server_all_arrive(road: Road, cloud: TinyCloud) -> None:
    """Published as they were recorded: uplinks, diagnostics, and binary ones that are kept as unreadable."""
    recorded: list[NetworkEvent] = []
    for path in sorted((ROOT / "tests" / "chirpstack-events").glob("*.json")):
        for number, one in enumerate(json.loads(path.read_text("utf-8")).get("messages", [])):
            payload = one["payload"].encode() if "payload" in one else base64.b64decode(one["protobuf"])
            recorded.append(NetworkEvent(0, one["topic"], payload, Kind.UP, SITE, "", f"{path.name}:{number}"))
    applications = sorted({event.topic.split("/")[1] for event in recorded})
    settings = road.edge_settings()
    lines = [
        f"applications = {json.dumps(applications)}" if line.startswith("applications") else line
        for line in settings.read_text().splitlines()
    ]
    settings.write_text("\n".join(lines) + "\n")
    road.start_edge()
    road.wait_connected()
    Feeder(road_port(road), recorded).start().wait()
    wait_for("all accepted", lambda: accepted(road) >= len(recorded))
    settled(road)
    rows = cloud.rows
    assert len({row.key for row in rows}) == len(rows)
    uplinks = [row for row in rows if isinstance(row, Uplink)]
    unreadable = [row for row in rows if isinstance(row, Unreadable)]
    types = {row.type for row in rows if isinstance(row, Event)}
    assert len(uplinks) >= 40
    assert unreadable
    assert {"join", "status", "log", "ack", "txack"} <= types
