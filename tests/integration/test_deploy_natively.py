"""The cloud of `deploy/compose.yaml` without an engine: the same configuration files, commands and environments, as
processes of this host. Only ports, folders and the names of hosts are others."""

import os
import re
import secrets
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from beffroi.processes import Child
from tests.conftest import require
from tests.servers import influxdb as influxdb_server
from tests.servers import mosquitto as mosquitto_server
from tests.servers.mosquitto import Mosquitto, free_port
from tests.support import certificates
from tests.support.certificates import Pair
from tests.support.deployed import DEPLOY, WORKER, DeployedBroker, compose, password_of, real_broker, render
from tests.support.road import EXAMPLE, SITE, Feeder, ask_edge, events
from tests.support.waiting import wait_for


class Cloud:
    """The services of `compose.yaml`, each with its command and environment as they are there."""

    def __init__(self, folder: Path, broker: DeployedBroker) -> None:
        self.folder = folder
        self.edges_port, self.store_port, self.page_port = broker.port, free_port(), free_port()
        self.secrets = folder / "secrets"
        self._services: dict[str, dict[str, Any]] = compose()["services"]
        self._places = {
            r"https://influxdb:8086": f"https://localhost:{self.store_port}",
            r"^:8086$": f"127.0.0.1:{self.store_port}",
            r"\$\{BROKER_NAME:\?.*\}": "localhost",
            r"^0\.0\.0\.0$": "127.0.0.1",
            r"/etc/beffroi/ca.pem": str(folder / "tls" / "ca.pem"),
            r"/etc/beffroi/territory": str(EXAMPLE),
            r"/etc/beffroi/": f"{folder}/",
            r"/var/lib/beffroi/secrets/": f"{self.secrets}/",
            r"/var/lib/beffroi/": f"{folder}/",
            r"/run/secrets/influxdb-certificate": str(folder / "tls" / "influxdb.pem"),
            r"/run/secrets/influxdb-key": str(folder / "tls" / "influxdb.key"),
            r"/run/secrets/": f"{self.secrets}/",
        }
        self._ports = {"BEFFROI_CLOUD__BROKER__PORT": broker.workers_port, "BEFFROI_PAGE__PORT": self.page_port}
        self.secrets.mkdir(mode=0o700)
        (self.secrets / "worker-password").write_text(password_of(WORKER))
        self._write_secret("influxdb-admin", secrets.token_urlsafe())
        for name in ("cloud", "page"):
            (folder / f"{name}.toml").write_text(self.placed((DEPLOY / f"{name}-influxdb.toml").read_text()))

    def _write_secret(self, name: str, value: str) -> None:
        path = self.secrets / name
        path.touch(mode=0o600)
        path.write_text(value)

    def placed(self, text: str) -> str:
        for pattern, place in self._places.items():
            text = re.sub(pattern, place, text)
        return text

    def environment(self, name: str) -> dict[str, str]:
        """What compose gives the container; the ports are ours."""
        given = {key: self.placed(value) for key, value in self._services[name]["environment"].items()}
        prefix = f"BEFFROI_{name.upper()}__"
        return given | {key: str(port) for key, port in self._ports.items() if key.startswith(prefix)}

    def command(self, name: str) -> list[str]:
        return ["beffroi", *(self.placed(word) for word in self._services[name]["command"])]

    def start(self, name: str) -> Child:
        return Child(name, self.command(name), log=self.folder / f"{name}.log", environment=self.environment(name))

    def provision(self) -> str:
        """`docker compose run --rm provision`."""
        done = subprocess.run(
            [sys.executable, "-m", *self.command("provision")],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            env={**os.environ, **self.environment("provision")},
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    @contextmanager
    def influxdb(self) -> Iterator[None]:
        """`deploy/influxdb.conf` under the environment of its container."""
        binary = influxdb_server.find()
        assert binary is not None
        folder = self.folder / "influxdb"
        folder.mkdir()
        changes = {r"/var/lib/influxdb": str(folder), r"127\.0\.0\.1:8088": "127.0.0.1:0"}
        configuration = folder / "influxdb.conf"
        configuration.write_text(render((DEPLOY / "influxdb.conf").read_text(), changes))
        with (folder / "log").open("wb") as sink:
            server = subprocess.Popen(
                [binary, "-config", str(configuration)],
                stdout=sink,
                stderr=sink,
                env={**os.environ, **self.environment("influxdb")},
            )
            try:
                wait_for("InfluxDB over TLS", lambda: self.ask("/ping") == 204, timeout_s=60)
                yield
            finally:
                server.terminate()
                server.wait(30)

    def ask(self, path: str) -> int:
        """The status with which InfluxDB answers somebody without credentials; 0 while it does not."""
        context = ssl.create_default_context(cafile=self.folder / "tls" / "ca.pem")
        try:
            return httpx.get(f"https://localhost:{self.store_port}{path}", verify=context, timeout=5).status_code
        except httpx.TransportError:
            return 0


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    """Broker and store running, nothing provisioned yet; certificates by `deploy/certificates.sh`."""
    require(certificates.find(), certificates.INSTALL_HINT)
    require(mosquitto_server.find(), mosquitto_server.INSTALL_HINT)
    require(influxdb_server.find(), influxdb_server.INSTALL_HINT)
    tls = tmp_path / "tls"
    for name in ("broker.example.org", "influxdb"):
        subprocess.run(["sh", str(DEPLOY / "certificates.sh"), str(tls), name, "localhost"], check=True)
    pair = Pair(tls / "broker.example.org.pem", tls / "broker.example.org.key")
    with ExitStack() as running:
        broker = running.enter_context(DeployedBroker(tmp_path / "mosquitto", edges=(SITE,), pair=pair))
        made = Cloud(tmp_path, broker)
        running.enter_context(made.influxdb())
        yield made


def start_edge(cloud: Cloud, folder: Path, source_port: int) -> Child:
    """The agent of `deploy/edge.toml`, with the lines for a real broker."""
    changes = {
        r'^folder = "\./var/edge"': f'folder = "{folder}"',
        r"broker\.example\.org": "localhost",
        r"\./ca\.pem": str(cloud.folder / "tls" / "ca.pem"),
        r"^port = 8883": f"port = {cloud.edges_port}",
        r"^port = 1883": f"port = {source_port}",
    }
    settings = cloud.folder / "edge.toml"
    settings.write_text(render(real_broker((DEPLOY / "edge.toml").read_text()), changes))
    password = cloud.secrets / "edge-password"
    password.write_text(password_of(SITE))
    environment = {
        "BEFFROI_EDGE__BROKER__PASSWORD_FILE": str(password),
        "BEFFROI_EDGE__HEALTH_S": "1",
        "BEFFROI_EDGE__CLOCK__SYNC": "assume",
    }
    command = ["beffroi", "edge", "run", "--settings", str(settings)]
    return Child("edge", command, log=cloud.folder / "edge.log", environment=environment)


def test_from_empty_servers_to_the_page(cloud: Cloud, tmp_path: Path) -> None:
    """InfluxDB refuses everybody until it is provisioned; then an edge's events go over TLS into it, and the page
    shows a balanced road."""
    assert cloud.ask("/query?q=SHOW+DATABASES") in (401, 403)
    assert cloud.ask("/debug/pprof/") == 404
    assert "Applied" in cloud.provision()
    assert cloud.ask("/query?q=SHOW+DATABASES") == 401
    assert "Applied" not in cloud.provision(), "again: nothing to do"

    items = events(200, seed=61)
    distinct = len({(item.topic, item.key) for item in items})
    edge_folder = tmp_path / "edge"
    with Mosquitto(tmp_path / "site-broker") as site_broker, ExitStack() as running:
        worker = cloud.start("cloud")
        running.callback(worker.stop)
        wait_for(
            f"the worker at its broker ({worker.last_words()})",
            lambda: (s := ask_edge(tmp_path / "cloud")) and s["broker"]["connected"],
            timeout_s=60,
        )
        edge = start_edge(cloud, edge_folder, site_broker.port)
        running.callback(edge.stop)
        wait_for("the edge at its source", lambda: (s := ask_edge(edge_folder)) and s["source_connected"], timeout_s=60)
        Feeder(site_broker.port, items).start().wait()
        page = cloud.start("page")
        running.callback(page.stop)

        def shown() -> dict[str, Any] | None:
            try:
                state: dict[str, Any] = httpx.get(f"http://127.0.0.1:{cloud.page_port}/api/state", timeout=10).json()
            except httpx.TransportError:
                return None
            road = state["road"]
            return state if road and road["spooled"] == 0 and road["stored"] >= distinct else None

        state = wait_for(f"the page shows the road ({page.last_words()})", shown, timeout_s=90, every_s=0.5)
        assert state["store"] == "ready"
        assert state["road"]["balanced"]
        assert (ask_edge(edge_folder) or {})["conditions"] == {}
        healthcheck = compose()["services"]["cloud"]["healthcheck"]["test"][1]
        with_our_python = cloud.placed(healthcheck).replace("beffroi cloud", f"{sys.executable} -m beffroi cloud", 1)
        environment = {**os.environ, **cloud.environment("cloud")}
        assert subprocess.run(["sh", "-c", with_our_python], check=False, env=environment, timeout=60).returncode == 0
        running.close()
        assert [child.exit_code for child in (worker, edge, page)] == [0, 0, 0]
