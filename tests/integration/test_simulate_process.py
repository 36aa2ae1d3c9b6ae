"""`beffroi simulate run` as a process on a real Mosquitto: all events arrive, the time waits for the edges."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock

import pytest

from beffroi.processes import Child
from core import timescale, topics
from core.ports.clock import FileClock
from core.ports.mqtt import Arrived, Connected, LinkEvent, MqttLink
from core.settings import BrokerSettings
from tests.servers.mosquitto import Mosquitto
from tests.support.scenario import EXAMPLE, example
from tests.support.waiting import wait_for

EVENTS = "application/+/device/+/event/+"


class Listener:
    """Hears all events of a broker, and speaks as the edges' health does."""

    def __init__(self, port: int) -> None:
        self._lock = Lock()
        self._heard: list[tuple[str, bytes]] = []
        self.connections = 0
        self._link = MqttLink(
            BrokerSettings(port=port),
            client_id="listener",
            keep_session=True,
            subscriptions=[EVENTS],
            on_event=self._take,
            retry_s=0.05,
            retry_max_s=0.2,
        )
        self._link.start()

    def _take(self, event: LinkEvent) -> None:
        match event:
            case Connected():
                self.connections += 1
            case Arrived():
                with self._lock:
                    self._heard.append((event.topic, event.payload))
                self._link.ack(event)

    @property
    def events(self) -> list[tuple[str, bytes]]:
        with self._lock:
            return list(self._heard)

    def say_accepted(self, accepted: int) -> None:
        """Every edge of the example says that it has accepted so many."""
        for site in example().sites:
            health = json.dumps({"edge": site, "accepted": {"measurement": accepted}, "source_connected": True})
            self._link.publish(topics.of_edge(site, topics.HEALTH), health.encode(), retain=True)

    def stop(self) -> None:
        self._link.stop()


@pytest.fixture
def listener(mosquitto: Mosquitto) -> Iterator[Listener]:
    one = Listener(mosquitto.port)
    wait_for("the listener's connection", lambda: one.connections)
    yield one
    one.stop()


def simulate(port: int, folder: Path, *arguments: str) -> Child:
    common = ["--territory", str(EXAMPLE), "--broker", f"127.0.0.1:{port}", "--clock", str(folder / "clock.json")]
    return Child(
        "simulator",
        ["beffroi", "simulate", "run", *common, "--start", "2026-06-21T00:00:00Z", "--json", *arguments],
        log=folder / "simulator.log",
    )


def result(folder: Path) -> dict[str, object]:
    lines = (folder / "simulator.log").read_text("utf-8").splitlines()
    return json.loads(next(line for line in reversed(lines) if line.startswith("{")))  # type: ignore[no-any-return]


def test_what_it_says_it_published_is_what_arrives(mosquitto: Mosquitto, listener: Listener, tmp_path: Path) -> None:
    """Counts by kind and the number of duplicates agree with what a subscriber hears; SIGTERM ends it with 0."""
    child = simulate(mosquitto.port, tmp_path, "--wait", "0.2s")
    wait_for("a thousand events", lambda: len(listener.events) >= 1_000)
    child.terminate()
    assert child.wait(20) == 0, child.last_words()
    told = result(tmp_path)
    assert told["unacknowledged"] == 0
    heard = wait_for("all of it", lambda: len(listener.events) == told["events"] and listener.events)
    kinds: dict[str, int] = {}
    for topic, _ in set(heard):
        kind = topic.rsplit("/", 1)[1]
        kinds[kind] = kinds.get(kind, 0) + 1
    assert kinds == told["kinds"]
    assert len(heard) - len(set(heard)) == told["duplicates"]


def test_nothing_is_heard_before_the_clock_shows_its_time(
    mosquitto: Mosquitto, listener: Listener, tmp_path: Path
) -> None:
    """Whoever reads the time scale when an event arrives finds every instant of it in the past."""
    child = simulate(mosquitto.port, tmp_path, "--wait", "0.2s", "--speed", "600")
    checked = 0

    def enough() -> bool:
        nonlocal checked
        heard = listener.events
        now_ms = FileClock(tmp_path / "clock.json").now_ms() if heard else 0
        for _, payload in heard[checked:]:
            told = json.loads(payload)
            seconds = [told["time"], *(one["nsTime"] for one in told.get("rxInfo", []))]
            assert all(one[:19] <= _utc(now_ms) for one in seconds)
        checked = len(heard)
        return checked > 1_500

    wait_for("fifteen hundred events", enough, every_s=0.01, timeout_s=40)
    child.terminate()
    assert child.wait(20) == 0, child.last_words()


def _utc(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def test_the_time_waits_for_the_edges(mosquitto: Mosquitto, listener: Listener, tmp_path: Path) -> None:
    """With edges that accept nothing it publishes one window and stands; when they accept, it goes on."""
    listener.say_accepted(0)
    child = simulate(mosquitto.port, tmp_path)
    wait_for("a window of distinct events", lambda: len(set(listener.events)) == 2_000)
    stands = timescale.parse((tmp_path / "clock.json").read_bytes())
    assert stands.wall_ms == stands.not_after_ms
    before = len(set(listener.events))
    listener.say_accepted(1)  # three edges, one each
    wait_for("three more", lambda: len(set(listener.events)) == before + 3)
    listener.say_accepted(100_000)
    wait_for("the next window", lambda: len(set(listener.events)) > before + 1_000)
    child.terminate()
    assert child.wait(20) == 0, child.last_words()


def test_a_broker_that_restarts_gets_the_rest(mosquitto: Mosquitto, listener: Listener, tmp_path: Path) -> None:
    """It waits for the broker, sends again what was not confirmed, and loses nothing; both are said on stderr."""
    child = simulate(mosquitto.port, tmp_path, "--wait", "0.2s")
    wait_for("some events", lambda: len(listener.events) > 500)
    mosquitto.restart()
    so_far = len(listener.events)
    wait_for("events after the restart", lambda: len(listener.events) > so_far + 500)
    child.terminate()
    assert child.wait(20) == 0, child.last_words()
    told = result(tmp_path)
    kinds = told["kinds"]
    assert isinstance(kinds, dict)
    wait_for("every distinct event", lambda: len(set(listener.events)) == sum(kinds.values()))
    assert "is gone" in (tmp_path / "simulator.log").read_text("utf-8")


def test_an_absent_broker_is_waited_for(tmp_path: Path, mosquitto: Mosquitto) -> None:
    """It says so and stays; told to stop, it stops with 0 and an empty result."""
    mosquitto.stop()
    child = simulate(mosquitto.port, tmp_path, "--wait", "0.2s")
    log = tmp_path / "simulator.log"
    wait_for("a word", lambda: log.exists() and "waiting for the broker" in log.read_text("utf-8"))
    assert child.running
    child.terminate()
    assert child.wait(20) == 0, child.last_words()
    assert result(tmp_path)["events"] == 0


def test_the_bytes_do_not_depend_on_the_process(tmp_path: Path) -> None:
    """Two processes with different hash seeds write the same file."""
    options = ["--territory", str(EXAMPLE), "--start", "2026-06-21T20:00:00Z", "--for", "10m"]
    for seed in ("1", "2"):
        subprocess.run(
            [sys.executable, "-m", "beffroi", "simulate", "run", *options, "--out", str(tmp_path / seed)],
            check=True,
            capture_output=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        )
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()
