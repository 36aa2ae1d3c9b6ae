"""systemd hears of a service while its loop turns, and only then."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from beffroi.processes import Child, free_port
from tests.servers.mosquitto import Mosquitto
from tests.support.cloud_worker import EXAMPLE, CloudProcess
from tests.support.notify_socket import NotifySocket
from tests.support.road import Road

pytestmark = pytest.mark.fault

WATCHDOG_S = 1.0


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[NotifySocket]:
    """What every process started from here on tells."""
    with NotifySocket(tmp_path, watchdog_s=WATCHDOG_S) as listening:
        for name, value in listening.environment.items():
            monkeypatch.setenv(name, value)
        yield listening


def assert_lives_and_can_be_stopped(systemd: NotifySocket, child: Child) -> None:
    """READY, then beats; silence while the process is stopped; STOPPING at its orderly end."""
    systemd.wait_for("READY=1")
    assert systemd.words == ["READY=1"], "nothing before it"
    for _ in range(3):
        systemd.wait_for("WATCHDOG=1")
    os.kill(child.pid, signal.SIGSTOP)
    systemd.wait_for_silence(3 * WATCHDOG_S)
    os.kill(child.pid, signal.SIGCONT)
    systemd.wait_for("WATCHDOG=1")
    child.terminate()
    systemd.wait_for("STOPPING=1")
    assert child.wait(15) == 0


def test_the_agent_without_any_broker(tmp_path: Path, systemd: NotifySocket) -> None:
    """It is up and turns although neither broker can be reached: its work is to keep."""
    with Road(tmp_path, site_port=free_port(), cloud_port=free_port()) as road:
        assert_lives_and_can_be_stopped(systemd, road.start_edge())


def test_the_worker_without_its_broker(tmp_path: Path, systemd: NotifySocket) -> None:
    """It waits for its broker, and that is no hang."""
    with Road(tmp_path, site_port=free_port(), cloud_port=free_port()) as road:
        assert_lives_and_can_be_stopped(systemd, road.start_cloud())


def test_the_page_without_a_store(tmp_path: Path, systemd: NotifySocket) -> None:
    """It shows that there is nothing yet, and that is no hang."""
    command = ["beffroi", "page", "run", "--store", str(tmp_path / "store"), "--territory", str(EXAMPLE)]
    page = Child("page", [*command, "--port", str(free_port())], log=tmp_path / "page.log")
    try:
        assert_lives_and_can_be_stopped(systemd, page)
    finally:
        page.kill()


def test_a_worker_whose_loop_hangs_is_silent_though_it_lives(
    tmp_path: Path, mosquitto: Mosquitto, systemd: NotifySocket
) -> None:
    """Its threads go on, its connection stays up, and systemd hears nothing any more: it would start it again."""
    worker = CloudProcess(tmp_path, port=mosquitto.port)
    worker.start(module=["tests.fault.children.cloud_loop_hangs"])
    try:
        for _ in range(3):
            systemd.wait_for("WATCHDOG=1")
        os.kill(worker.child.pid, signal.SIGUSR1)
        systemd.wait_for_silence(3 * WATCHDOG_S)
        assert worker.child.running
    finally:
        worker.child.kill()
