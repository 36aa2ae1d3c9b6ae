"""A real Mosquitto on a free loopback port, with its own data folder, started and ended by pid."""

import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

INSTALL_HINT = "Mosquitto is not installed: apt-get install mosquitto"


def find() -> str | None:
    """The server's path: Debian keeps it in /usr/sbin, which is not on everyone's PATH."""
    return shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


class Mosquitto:
    """One broker. Persistence is on; limits are those given in `lines` over the shipped ones (no limits)."""

    def __init__(self, folder: Path, *, lines: Sequence[str] = (), port: int | None = None) -> None:
        self.folder = folder
        self.port = port or free_port()
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        self._config = folder / "mosquitto.conf"
        limits = {line.split()[0] for line in lines}
        defaults = [f"{key} 0" for key in ("max_inflight_messages", "max_queued_messages") if key not in limits]
        self._config.write_text(
            "\n".join(
                [
                    f"listener {self.port} 127.0.0.1",
                    "allow_anonymous true",
                    "persistence true",
                    f"persistence_location {folder}/",
                    "autosave_interval 1",
                    self.own_user(),
                    *defaults,
                    *lines,
                ]
            )
            + "\n"
        )

    @staticmethod
    def own_user() -> str:
        """As root Mosquitto would become a user of its own, who may not write into a test's folder."""
        return f"user {'root' if os.geteuid() == 0 else os.environ.get('USER', 'nobody')}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Return when it accepts connections."""
        binary = find()
        assert binary is not None, INSTALL_HINT
        with (self.folder / "mosquitto.log").open("ab") as sink:
            self._process = subprocess.Popen([binary, "-c", str(self._config)], stdout=sink, stderr=sink)
        pause = threading.Event()
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                probe.settimeout(0.2)
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            if self._process.poll() is not None:
                break
            pause.wait(0.02)
        raise AssertionError(f"mosquitto does not start: {(self.folder / 'mosquitto.log').read_text()[-500:]}")

    def stop(self) -> None:
        """SIGTERM: it saves its state."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL: what it had not saved is gone."""
        self._end(signal.SIGKILL)

    def restart(self, *, empty: bool = False) -> None:
        """Stop and start again; `empty`: without what it had kept (sessions, queues, retained messages)."""
        self.stop()
        if empty:
            self.forget()
        self.start()

    def forget(self) -> None:
        """Delete what it keeps on disk; only while it is down."""
        for kept in self.folder.glob("*.db*"):
            kept.unlink()

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(how)
        self._process.wait(10)
        self._process = None
