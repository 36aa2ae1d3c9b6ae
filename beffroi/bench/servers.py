"""The real servers of a bench: Mosquitto and InfluxDB as they are deployed, on loopback, with folders of their own."""

import os
import shutil
from pathlib import Path

from beffroi.processes import Child, free_port, wait_for_port
from core.errors import OperatorError
from core.territory import Territory

INFLUXDB_VERSION = "1.8.10"
INFLUXDB_GOGC = "300"  # as in deploy/: less collecting of garbage for some more memory
_PASSWORD = "bench"  # noqa: S105 - of a server that lives as long as a bench, on loopback


def start_mosquitto(folder: Path, *, log: Path, port: int | None = None) -> tuple[Child, int]:
    """A broker without limits of its own, and its port (a free one, where none is given).

    Raises:
        OperatorError: `bench.no_mosquitto`, `process.not_up`.
    """
    binary = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if binary is None:
        raise OperatorError("bench.no_mosquitto", "Mosquitto is not installed", hint="apt-get install mosquitto")
    folder.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    config = folder / "mosquitto.conf"
    lines = [
        f"listener {port} 127.0.0.1",
        "allow_anonymous true",
        "persistence true",
        f"persistence_location {folder}/",
        "max_inflight_messages 1000",
        "max_queued_messages 0",
    ]
    if os.geteuid() == 0:
        lines.append("user root")  # or it becomes a user who may not write into this folder
    config.write_text("\n".join(lines) + "\n", "utf-8")
    child = Child("mosquitto", ["-c", str(config)], log=log, program=[binary])
    wait_for_port(port, timeout_s=10, child=child)
    return child, port


def start_influxdb(folder: Path, declared: Territory, *, log: Path) -> tuple[Child, str, Path]:
    """An InfluxDB with authentication, provisioned for a territory: the process, its URL and its secrets file.

    Raises:
        OperatorError: `bench.no_influxdb`, `process.not_up`.
    """
    from provisioning.influxdb import run
    from provisioning.influxdb.link import PASSWORD_VARIABLE

    folder.mkdir(parents=True, exist_ok=True)
    port, internal = free_port(), free_port()
    config = folder / "influxdb.conf"
    config.write_text(CONFIG.format(folder=folder, port=port, internal=internal), "utf-8")
    environment = {"GOGC": INFLUXDB_GOGC}
    child = Child("influxdb", ["-config", str(config)], log=log, program=[_influxd()], environment=environment)
    wait_for_port(port, timeout_s=60, child=child)
    url, secrets = f"http://127.0.0.1:{port}", folder / "secrets.toml"
    server = run.connect(url, run.read_credentials("admin", None, {PASSWORD_VARIABLE: _PASSWORD}))
    server.create_admin()
    with run.sole_writer(secrets):
        run.apply(run.survey(server, declared, secrets), secrets, done=lambda _count, _action: None)
    return child, url, secrets


def _influxd() -> str:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "beffroi"
    built = cache / f"influxd-{INFLUXDB_VERSION}"
    found = os.environ.get("BEFFROI_INFLUXD") or (str(built) if os.access(built, os.X_OK) else shutil.which("influxd"))
    if found is None:
        raise OperatorError("bench.no_influxdb", f"InfluxDB {INFLUXDB_VERSION} is not installed", hint="make influxdb")
    return found


CONFIG = """\
reporting-disabled = true
bind-address = "127.0.0.1:{internal}"
[meta]
dir = "{folder}/meta"
[data]
dir = "{folder}/data"
wal-dir = "{folder}/wal"
index-version = "tsi1"
query-log-enabled = false
cache-snapshot-memory-size = "256m"
max-series-per-database = 1000000
[monitor]
store-enabled = false
[http]
bind-address = "127.0.0.1:{port}"
auth-enabled = true
flux-enabled = false
log-enabled = false
[logging]
level = "warn"
"""
