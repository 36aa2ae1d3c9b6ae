"""A real InfluxDB 1.8 on a free loopback port, with its own data folder, started and ended by pid."""

import base64
import json
import os
import shutil
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.servers.mosquitto import free_port

VERSION = "1.8.10"
INSTALL_HINT = f"InfluxDB {VERSION} is not installed: make influxdb"
ADMIN = "admin:admin"  # user:password of a server started with `auth`


def find() -> str | None:
    """The server's path: `BEFFROI_INFLUXD`, PATH, or the cache folder where `make influxdb` puts it."""
    if named := os.environ.get("BEFFROI_INFLUXD"):
        return named
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    built = cache / "beffroi" / f"influxd-{VERSION}"
    return str(built) if os.access(built, os.X_OK) else shutil.which("influxd")


class InfluxDb:
    """One server. `lines` go into its table of that name: `{"http": ["max-body-size = 1000"]}`."""

    def __init__(self, folder: Path, *, auth: bool = False, lines: dict[str, Sequence[str]] | None = None) -> None:
        self.folder = folder
        self.auth = auth
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        self._config = folder / "influxdb.conf"
        more = lines or {}
        tables = {
            "": ["reporting-disabled = true", 'bind-address = "127.0.0.1:0"'],
            "meta": [f'dir = "{folder}/meta"'],
            "data": [
                f'dir = "{folder}/data"',
                f'wal-dir = "{folder}/wal"',
                'index-version = "tsi1"',
                "query-log-enabled = false",
            ],
            "coordinator": [],
            "retention": [],
            "monitor": ["store-enabled = false"],
            "http": [
                f'bind-address = "127.0.0.1:{self.port}"',
                f"auth-enabled = {str(auth).lower()}",
                "log-enabled = false",
                "flux-enabled = false",
            ],
            "logging": ['level = "warn"'],
        }
        tables |= {name: [] for name in more if name not in tables}
        text = []
        for name, shipped in tables.items():
            keys = {line.split("=")[0].strip() for line in more.get(name, ())}
            text += [f"[{name}]"] if name else []
            text += [line for line in shipped if line.split("=")[0].strip() not in keys]
            text += more.get(name, ())
        self._config.write_text("\n".join(text) + "\n")

    @classmethod
    def start(cls, folder: Path, *, auth: bool = False, lines: dict[str, Sequence[str]] | None = None) -> Self:
        """A running server; with `auth` its only user is `ADMIN`."""
        server = cls(folder, auth=auth, lines=lines)
        server.start_again()
        if auth:
            user, password = ADMIN.split(":")
            server.query(f"CREATE USER {user} WITH PASSWORD '{password}' WITH ALL PRIVILEGES", user="")
        return server

    def __enter__(self) -> Self:
        if self._process is None:
            self.start_again()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start_again(self) -> None:
        """Start it, with all it had kept; return when it answers."""
        binary = find()
        assert binary is not None, INSTALL_HINT
        with (self.folder / "influxd.log").open("ab") as sink:
            self._process = subprocess.Popen([binary, "-config", str(self._config)], stdout=sink, stderr=sink)
        pause = threading.Event()
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.url}/ping", timeout=1):
                    return
            except OSError:
                pause.wait(0.02)
        self.stop()
        raise AssertionError(f"influxd does not start: {(self.folder / 'influxd.log').read_text()[-1000:]}")

    def stop(self) -> None:
        """SIGTERM."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """SIGSTOP: it holds its connections and answers nothing."""
        os.kill(self.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WNOWAIT)  # all its threads stand

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def now_us(self) -> int:
        """What its clock says: retention counts from there."""
        return time.time_ns() // 1000

    def query(self, statement: str, *, database: str = "", user: str | None = None) -> list[dict[str, Any]]:
        """The `results` of InfluxQL, asked as the administrator (or as `user:password`)."""
        parameters = urllib.parse.urlencode({"db": database, "q": statement})
        asked = urllib.request.Request(f"{self.url}/query", data=parameters.encode())
        credentials = (ADMIN if self.auth else "") if user is None else user
        if credentials:
            asked.add_header("Authorization", "Basic " + base64.b64encode(credentials.encode()).decode())
        try:
            with urllib.request.urlopen(asked, timeout=30) as answer:
                told = json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                raise AssertionError(f"{statement}: {error.code} {error.read().decode()}") from None
        results: list[dict[str, Any]] = told["results"]
        assert not any("error" in result for result in results), f"{statement}: {results}"
        return results

    def create(self, *databases: str, raw: str = "INF", long: str = "INF") -> None:
        """Databases as provisioning makes them: policies `raw` (the default) and `long`."""
        for name in databases:
            self.query(f'CREATE DATABASE "{name}" WITH DURATION {raw} REPLICATION 1 NAME "raw"')
            self.query(f'CREATE RETENTION POLICY "long" ON "{name}" DURATION {long} REPLICATION 1')

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(how)
            self._process.send_signal(signal.SIGCONT)  # a frozen one would never end
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
        self._process = None
