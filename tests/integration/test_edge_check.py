"""`beffroi edge check` on a real Mosquitto: what it measures, what it advises, how it ends."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from beffroi.processes import free_port
from core import topics
from core.settings import BrokerSettings
from edge import probe
from tests.conftest import require
from tests.servers import mosquitto as mosquitto_server
from tests.servers.mosquitto import Mosquitto

APPLICATION = "47cb9893-ab3e-4f92-806f-41c485cc6835"


@pytest.fixture(autouse=True)
def _mosquitto_is_there() -> None:
    require(mosquitto_server.find(), mosquitto_server.INSTALL_HINT)


def settings(folder: Path, *, source: int, cloud: int, window: int = 20) -> Path:
    path = folder / "edge.toml"
    path.write_text(
        f'edge = "e1"\nfolder = "{folder}/edge"\nbroker = {{ port = {cloud} }}\n[source]\n'
        f'applications = ["{APPLICATION}"]\nwindow = {window}\nbroker = {{ port = {source}, password = "hush" }}\n'
    )
    return path


def check(path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "beffroi", "edge", "check", "--settings", str(path), *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_broker_that_keeps_enough_passes(tmp_path: Path) -> None:
    """Exit code 0; both brokers reached, window and queue measured, each setting shown with its origin."""
    with Mosquitto(tmp_path / "m") as broker:
        answer = check(settings(tmp_path, source=broker.port, cloud=broker.port), "--per-day", "1500", "--json")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    report = json.loads(answer.stdout)
    assert report["ok"] is True
    assert (report["source"]["parked"], report["source"]["kept"]) == (1500, 1500)
    assert report["source"]["window"] == report["source"]["asked"] == 200
    assert report["cloud"]["reached_ms"] > 0
    shown = {one["key"]: one for one in report["settings"]}
    assert shown["source.window"]["origin"].endswith("edge.toml")
    assert shown["health_s"]["origin"] == "default"
    assert "hush" not in answer.stdout


def test_mosquitto_s_own_limits_are_found_and_the_line_to_change_is_named(tmp_path: Path) -> None:
    """20 unacknowledged and a short queue: exit code 4, and which setting to write."""
    limits = ["max_inflight_messages 20", "max_queued_messages 300"]
    with Mosquitto(tmp_path / "m", lines=limits) as broker:
        path = settings(tmp_path, source=broker.port, cloud=broker.port, window=100)
        answer = check(path, "--per-day", "2000")
        left = BrokerSettings(port=broker.port)
        topic = topics.of_check("e1")
        with probe.Client(left, "beffroi-check-e1", subscription=topic, keep_session=True) as again:
            assert again.collect(b"parked", 1) == 0  # the session was deleted: nothing is left behind
        probe.forget(left, "beffroi-check-e1")
    assert answer.returncode == 4
    assert "20 events may be unacknowledged" in answer.stdout
    assert "max_inflight_messages 100" in answer.stdout
    assert "source.window = 20" in answer.stdout
    assert "of 2000 events for an agent that is away the broker keeps 3" in answer.stdout
    assert "max_queued_messages 2000" in answer.stdout


def test_a_broker_that_is_not_there_ends_with_5(tmp_path: Path) -> None:
    """The other one is still examined."""
    with Mosquitto(tmp_path / "m") as broker:
        path = settings(tmp_path, source=broker.port, cloud=free_port())
        answer = check(path, "--per-day", "10", "--json")
    assert answer.returncode == 5
    report = json.loads(answer.stdout)
    assert report["source"]["kept"] == 10
    assert report["cloud"]["reached_ms"] is None
    assert "refused" in report["cloud"]["faults"][0].lower()
    assert "Traceback" not in answer.stderr


def test_a_password_that_is_refused_is_told(tmp_path: Path) -> None:
    """What the broker answered, not only that it failed."""
    passwords = tmp_path / "passwords"
    passwords.write_text("nobody:$7$101$AAAAAAAAAAAAAAAA$AAAA\n")
    lines = ["allow_anonymous false", f"password_file {passwords}"]
    with Mosquitto(tmp_path / "m", lines=lines) as broker:
        answer = check(settings(tmp_path, source=broker.port, cloud=broker.port), "--json")
    assert answer.returncode == 5
    assert "Not authorized" in json.loads(answer.stdout)["source"]["faults"][0]


def test_misspelt_settings_end_with_78(tmp_path: Path) -> None:
    """Before anything is measured."""
    path = settings(tmp_path, source=1, cloud=1)
    path.write_text("edgee = 1\n" + path.read_text())
    answer = check(path)
    assert answer.returncode == 78
    assert "did you mean 'edge'?" in answer.stderr
