"""The cloud's broker as `deploy/` configures it: the very files, with other ports and folders."""

import re
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from beffroi.processes import port_is_taken
from tests.servers.mosquitto import Mosquitto, free_port
from tests.support.certificates import Pair
from tests.support.waiting import wait_for

DEPLOY = Path(__file__).parents[2] / "deploy"
WORKER = "worker"
PASSWORD_HINT = "mosquitto_passwd is not installed: apt-get install mosquitto"


def render(text: str, changes: Mapping[str, str]) -> str:
    """The text with each pattern replaced; every one of them must be there."""
    for pattern, replacement in changes.items():
        text, count = re.subn(pattern, replacement, text, flags=re.MULTILINE)
        assert count, f"nothing like {pattern} in the configuration"
    return text


def password_of(user: str) -> str:
    return f"secret of {user}"


class DeployedBroker(Mosquitto):
    """`deploy/mosquitto-cloud.conf` with its ACL files, a user an edge, and a certificate.

    `port` is the edges' listener, `workers_port` the workers'.
    """

    def __init__(self, folder: Path, *, edges: tuple[str, ...], pair: Pair) -> None:
        super().__init__(folder)
        self.workers_port = free_port()
        self._secrets = folder / "beffroi"
        self._secrets.mkdir()
        for name in ("edges", "workers"):
            shutil.copy(DEPLOY / f"mosquitto-{name}.acl", self._secrets / f"{name}.acl")
        self.add_users("edges", *edges)
        self.add_users("workers", WORKER)
        self.present(pair)
        changes = {
            r"^listener 8883$": f"listener {self.port} 127.0.0.1",
            r"^listener 8884$": f"listener {self.workers_port} 127.0.0.1",
            r"/etc/mosquitto/beffroi/": f"{self._secrets}/",
            r"^persistence_location .*$": f"persistence_location {folder}/",
        }
        configuration = render((DEPLOY / "mosquitto-cloud.conf").read_text("utf-8"), changes)
        self._config.write_text(f"{self.own_user()}\n{configuration}")

    def start(self) -> None:
        """Return when both listeners accept connections."""
        super().start()
        wait_for("the workers' listener", lambda: port_is_taken(self.workers_port))

    def add_users(self, who: str, *users: str) -> None:
        """Users of `edges` or of `workers`, in the file that `mosquitto_passwd` writes."""
        path = self._secrets / f"{who}.passwd"
        for user in users:
            create = [] if path.exists() else ["-c"]
            subprocess.run(["mosquitto_passwd", *create, "-b", str(path), user, password_of(user)], check=True)

    def present(self, pair: Pair) -> None:
        """Put a certificate where the configuration has it; a running broker is told by `reload`."""
        shutil.copy(pair.certificate, self._secrets / "broker.pem")
        shutil.copy(pair.key, self._secrets / "broker.key")

    def reload(self) -> None:
        """What `systemctl reload mosquitto` does."""
        assert self._process is not None
        self._process.send_signal(signal.SIGHUP)

    @property
    def log(self) -> str:
        return (self.folder / "mosquitto.log").read_text("utf-8", "replace")


def identity(user: str, ca: Path) -> dict[str, object]:
    """What settings `[broker]` need to be this user: the name of the certificate, the password, the authority."""
    secret = {"username": user, "password": password_of(user)}
    return {"host": "localhost", **secret, "tls": {"ca": str(ca)}}


def compose() -> dict[str, Any]:
    """`deploy/compose.yaml`, with its anchors resolved."""
    document: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    return document


def real_broker(text: str) -> str:
    """`edge.toml` with the lines of its trial broker gone, and those of a real one in force."""
    text = render(text, {r"^\[broker\](.*)\nhost = .*\nport = .*\n": r"[broker]\1\n"})
    return render(text, {r"^# (?=(host|port|username|ca) = |\[broker\.tls\])": ""})
