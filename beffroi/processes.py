"""Child processes: started in their own session, logged to a file, ended by pid, gone when we are gone."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from core.errors import OperatorError

_PR_SET_PDEATHSIG = 1  # prctl(2)


def free_port() -> int:
    """A TCP port of loopback that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def port_is_taken(port: int) -> bool:
    """Whether something listens on this loopback port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def wait_for_port(port: int, *, timeout_s: float, child: "Child") -> None:
    """Return when something accepts connections on the loopback port.

    Raises:
        OperatorError: `process.not_up`, with the end of the child's log.
    """
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline and child.running:
        with socket.socket() as probe:
            probe.settimeout(0.2)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise OperatorError("process.not_up", f"{child.name} does not answer on port {port}", hint=child.last_words())


class Child:
    """One process of ours."""

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        *,
        log: Path,
        environment: Mapping[str, str] | None = None,
        program: Sequence[str] = (sys.executable, "-m"),
    ) -> None:
        """Start `python -m arguments…` (or another program); its stderr and stdout go to `log`."""
        self.name = name
        self._log = log
        with log.open("ab") as sink:
            self._process = subprocess.Popen(
                [*program, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {})},
                start_new_session=True,  # a Ctrl-C reaches us alone; we stop the others in order
                preexec_fn=_end_with_parent if sys.platform == "linux" else None,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        return self._process.poll()

    def terminate(self) -> None:
        """Ask it to end (SIGTERM); `wait` for it afterwards."""
        if self.running:
            self._process.terminate()

    def kill(self) -> None:
        """End it now, as a power cut would (SIGKILL), and collect it."""
        if self.running:
            self._process.kill()
        self._process.wait()

    def wait(self, timeout_s: float) -> int:
        """Its exit code; after `timeout_s` it is killed."""
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
            return -signal.SIGKILL

    def stop(self, timeout_s: float = 15.0) -> int:
        self.terminate()
        return self.wait(timeout_s)

    def last_words(self, lines: int = 3) -> str:
        """The end of its log."""
        text = self._log.read_text("utf-8", "replace") if self._log.exists() else ""
        return " | ".join(text.strip().splitlines()[-lines:])


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def processor_s(pid: int) -> float:
    """Seconds of processor a process has taken. Source: proc(5), `stat`, utime and stime."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int) -> float:
    """Resident memory of a process, MB. Source: proc(5), `VmRSS`."""
    status = Path(f"/proc/{pid}/status").read_text("ascii")
    return int(status.split("VmRSS:")[1].split()[0]) / 1024
