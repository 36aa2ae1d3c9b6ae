"""`beffroi alarm` against a worker's control socket, and against its files while none runs."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cloud.watch.alarms.alarm import AlarmState
from cloud.watch.model import Severity
from core.ports.control import ControlServer, FolderLock
from tests.support.alarm_scene import HOLD_MS, MINUTE_MS, Alarms, finding, scene
from tests.support.cloud_worker import EXAMPLE

FIRE = finding("bin-1", "bin.fire", Severity.CRITICAL, temperature_c=71.0)
LAMPS = [finding(f"lamp-{n}", "light.flicker", commune="88383") for n in range(3)]


class Worker:
    """A worker's folder with its alarms; `answering`: it runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "cloud"
        self.folder.mkdir()
        self.settings = folder / "cloud.toml"
        self.settings.write_text(f'folder = "{self.folder}"\nterritory = "{EXAMPLE}"\nclock = {{ sync = "assume" }}\n')
        self.alarms = Alarms(self.folder, scene())

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "beffroi", "alarm", *arguments, "--settings", str(self.settings)],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def answer(self, *arguments: str) -> Any:
        done = self.command(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    made = Worker(tmp_path)
    yield made
    made.alarms.desk.close()


@pytest.fixture
def running(worker: Worker) -> Iterator[Worker]:
    """A worker that holds its folder and answers."""
    lock = FolderLock(worker.folder)
    control = ControlServer(worker.folder, worker.alarms.desk.verbs(lambda: worker.alarms.now_ms))
    yield worker
    control.close()
    lock.release()


def test_alarms_are_listed_taken_up_muted_and_told(running: Worker) -> None:
    """By the desk of the worker that runs: what is typed is there at once."""
    alarms = running.alarms
    alarms.look(FIRE, *LAMPS)
    listed = running.command("list")
    assert (listed.returncode, listed.stderr.strip()) == (0, "alarms: 4")
    head, first, *_ = listed.stdout.splitlines()
    assert head.split() == ["id", "severity", "state", "since", "commune", "what"]
    assert first.split()[:2] == ["1", "critical"]
    assert "Bac bin-1, Rue de l’Église : température anormale : feu possible (71 °C) [bin.fire]" in first

    done = running.command("ack", "1", "2", "--who", "Ana", "--note", "j’y vais")
    assert done.stdout.splitlines()[0].startswith("1 acknowledged by Ana: Bac bin-1")
    held = {alarm.id: alarm for alarm in alarms.desk.holding()}
    assert [(held[n].state, held[n].by, held[n].note) for n in (1, 2)] == [
        (AlarmState.ACKNOWLEDGED, "Ana", "j’y vais")
    ] * 2
    assert held[3].state is AlarmState.RAISED

    assert len(running.answer("ack", "--kind", "light", "--note", "secteur")["acknowledged"]) == 3
    assert {alarm.by for alarm in alarms.desk.holding()} > {"Ana"}, "the account's name where none is given"

    muted = running.answer("mute", "1", "--for", "8h", "--who", "Ana")
    assert muted["until_ms"] == alarms.now_ms + 8 * 60 * MINUTE_MS
    assert running.answer("list", "--severity", "critical")["alarms"][0]["muted_until_ms"] == muted["until_ms"]

    alarms.look(*LAMPS, after_ms=MINUTE_MS)
    alarms.look(*LAMPS, after_ms=HOLD_MS)
    told = running.answer("history", "1")
    assert [one["step"] for one in told["entries"]] == ["raised", "acknowledged", "muted", "gone", "cleared"]
    shown = " ".join(running.command("history", "1").stdout.split())
    assert "acknowledged Ana: j’y vais" in shown
    assert running.answer("list", "--cleared")["alarms"][0]["id"] == 1

    again = running.command("ack", "1")
    assert (again.returncode, again.stdout) == (4, "")
    assert "alarm 1 is over" in again.stderr
    assert "hint: beffroi alarm history 1" in again.stderr
    assert running.command("history", "99").returncode == 4


@pytest.mark.parametrize(
    "arguments", [("ack",), ("ack", "1", "--all"), ("ack", "one"), ("mute", "1", "--for", "soon"), ("history", "0")]
)
def test_what_cannot_be_meant_is_a_usage_error(worker: Worker, arguments: tuple[str, ...]) -> None:
    """Exit code 2, before anything is asked."""
    assert worker.command(*arguments).returncode == 2


def test_without_a_worker_the_files_answer(worker: Worker) -> None:
    """And are changed only while nobody holds the folder; the names are then the territory's of the settings."""
    none = worker.folder.with_name("none.toml")
    none.write_text(worker.settings.read_text().replace(str(worker.folder), str(worker.folder / "nowhere")))
    alarms = worker.alarms
    alarms.look(finding("lamp-1", "light.flicker"))
    alarms.desk.close()
    assert worker.answer("list")["alarms"][0]["text"] == "lamp-1 : clignote"
    assert worker.answer("ack", "1", "--who", "Ana")["acknowledged"][0]["state"] == "acknowledged"
    lock = FolderLock(worker.folder)
    refused = worker.command("ack", "1", "--who", "Ben")
    assert (refused.returncode, "another service already runs" in refused.stderr) == (4, True)
    lock.release()
    assert worker.answer("list")["alarms"][0]["by"] == "Ana"
    worker.settings = none
    absent = worker.command("list")
    assert (absent.returncode, "watch.none" in absent.stderr) == (5, True)
    alarms.desk = alarms._opened()
    given = alarms.look(finding("lamp-1", "light.flicker"))
    assert [point.fields["state"] for _, point in given] == ["acknowledged"], "the store hears of it at the next look"
