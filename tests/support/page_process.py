"""`beffroi page run` as a process of its own, on a free loopback port."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from cloud.stores.base import Point
from cloud.stores.sqlite import SqliteStore
from core.ports.clock import write_scale
from core.timescale import TimeScale
from tests.support.waiting import wait_for


@dataclass
class PageProcess:
    url: str
    process: subprocess.Popen[str]

    def state(self) -> dict[str, Any]:
        answer: dict[str, Any] = httpx.get(f"{self.url}/api/state", timeout=10).raise_for_status().json()
        return answer

    def end(self) -> tuple[int, str]:
        """Ask it to stop; its exit code and what it said."""
        self.process.terminate()
        _, said = self.process.communicate(timeout=15)
        return self.process.returncode, said


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def write_settings(folder: Path, *, now_ms: int, port: int, more: str = "") -> Path:
    """`page.toml` beside `territory/`, `store/` and a clock that shows `now_ms` and runs; `more`: lines of its top."""
    write_scale(folder / "clock.json", TimeScale(wall_ms=now_ms, mono_ms=time.monotonic_ns() // 1_000_000))
    path = folder / "page.toml"
    path.write_text(
        f'{more}territory = "./territory"\nport = {port}\npoll_ms = 200\n'
        '[store]\nfolder = "./store"\n[clock]\nfile = "./clock.json"\n',
        "utf-8",
    )
    return path


@contextmanager
def page(folder: Path, *, now_ms: int, more: str = "") -> Iterator[PageProcess]:
    """A page that has polled its store once; killed at the end when it still runs."""
    port = free_port()
    with running(write_settings(folder, now_ms=now_ms, port=port, more=more), port=port) as started:
        yield started


@contextmanager
def running(settings: Path, *, port: int) -> Iterator[PageProcess]:
    """A page of these settings, once it answers; killed at the end when it still runs."""
    command = [sys.executable, "-m", "beffroi", "page", "run", "--settings", str(settings)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    started = PageProcess(f"http://127.0.0.1:{port}", process)
    try:
        wait_for("the page answers", lambda: _answers(started), timeout_s=30)
        yield started
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def _answers(started: PageProcess) -> bool:
    if started.process.poll() is not None:
        raise AssertionError(f"the page ended: {started.process.communicate()[1]}")
    try:
        return httpx.get(f"{started.url}/healthz", timeout=2).status_code == 200
    except httpx.TransportError:
        return False


def write(folder: Path, batches: dict[str, list[Point]]) -> None:
    """Write points as the worker does: another process than the page."""
    store = SqliteStore.open(folder / "store")
    for database, points in batches.items():
        assert store.write(database, points) == []
    store.close()
