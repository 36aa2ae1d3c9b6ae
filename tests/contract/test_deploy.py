"""The files of `deploy/`, as far as they can be checked without systemd or a container engine."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from beffroi.bench.servers import CONFIG
from cloud.page.settings import PageSettings
from cloud.settings import CloudSettings
from core.settings import ServiceSettings, load
from edge.settings import EdgeSettings
from tests.conftest import require
from tests.support.deployed import DEPLOY, compose, real_broker

ROOT = DEPLOY.parent
UNITS = DEPLOY / "systemd"
SERVICES: dict[str, type[ServiceSettings]] = {"edge": EdgeSettings, "cloud": CloudSettings, "page": PageSettings}
EXPOSURE = 2.0  # of 10; what a service on the network that keeps files can hardly be below


def unit(name: str) -> dict[str, list[str]]:
    """Every key of a unit file with its values, in order."""
    keys: dict[str, list[str]] = {}
    for line in (UNITS / name).read_text("utf-8").splitlines():
        if "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            keys.setdefault(key, []).append(value)
    return keys


def variables(keys: Mapping[str, list[str]]) -> dict[str, str]:
    """What a unit's `Environment=` gives, with its credentials in a folder of ours."""
    words = [word for line in keys.get("Environment", []) for word in line.split()]
    return {
        name: value.replace("%d", "/run/credentials/unit") for name, value in (word.split("=", 1) for word in words)
    }


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("BEFFROI_"):
            monkeypatch.delenv(name)


@pytest.mark.parametrize("path", sorted(DEPLOY.glob("*.toml")), ids=lambda path: path.name)
def test_every_settings_file_is_loaded_by_its_class(path: Path) -> None:
    """As it lies there; every file that is not one of ours is named here."""
    name = path.stem.partition("-")[0]
    if name in SERVICES:
        load(SERVICES[name], path)
    else:
        assert path.name == "chirpstack-integration.toml"
        assert (
            tomllib.loads(path.read_text())["integration"]["mqtt"] | {"json": True, "qos": 1}
            == tomllib.loads(path.read_text())["integration"]["mqtt"]
        )


def test_the_edge_of_a_real_site(tmp_path: Path) -> None:
    """`edge.toml` with the lines for a real broker in force: its user is its id, and the authority lies beside it."""
    path = tmp_path / "edge.toml"
    path.write_text(real_broker((DEPLOY / "edge.toml").read_text("utf-8")))
    settings = load(EdgeSettings, path)
    assert settings.broker.username == settings.edge
    assert settings.broker.port == 8883
    assert settings.broker.tls is not None
    assert settings.broker.tls.ca == tmp_path / "ca.pem"


@pytest.mark.parametrize("name", SERVICES)
def test_the_settings_under_a_units_environment(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What a unit adds are keys that exist, and its credentials are all used."""
    keys = unit(f"beffroi-{name}.service")
    given = variables(keys)
    for variable, value in given.items():
        monkeypatch.setenv(variable, value)
    source = DEPLOY / ("edge.toml" if name == "edge" else f"{name}-influxdb.toml")
    load(SERVICES[name], source)
    handed = {line.partition(":")[0] for line in keys.get("LoadCredential", [])}
    assert handed == {value.rpartition("/")[2] for value in given.values() if value.startswith("/run/credentials/")}
    assert all(path.startswith("/etc/beffroi/") for path in re.findall(r"--settings (\S+)", keys["ExecStart"][0]))


def test_no_unit_takes_the_kernels_word_on_the_clock_from_the_edge() -> None:
    """Drop-ins are read after the unit: a group taken away there is gone for all. `ProtectClock` would forbid the
    question too, and an edge whose clock was never set could not know."""
    assert "ProtectClock" not in unit("beffroi-edge.service")
    hardening = unit("beffroi-.service.d/hardening.conf")
    assert "ProtectClock" not in hardening
    asked = {"adjtimex", "clock_adjtime"}
    assert asked <= set(unit("beffroi-edge.service")["SystemCallFilter"][0].split())
    taken = [group for line in hardening["SystemCallFilter"] if line.startswith("~") for group in line[1:].split()]
    assert not {"@clock", "@privileged"} & set(taken), "both hold adjtimex"


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units with a command that exists, where `systemd-analyze` finds their drop-ins."""
    require_or_skip("systemd-analyze", "apt-get install systemd")
    shutil.copytree(UNITS, tmp_path / "units")
    for path in (tmp_path / "units").glob("*.service"):
        path.write_text(path.read_text().replace("/opt/beffroi/bin/beffroi", sys.executable))
    return tmp_path / "units"


def require_or_skip(command: str, install: str) -> None:
    """systemd is no part of a container's image: absent, it is a skip in CI too."""
    if shutil.which(command) is None:
        pytest.skip(f"{command} is not installed: {install}")


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *map(str, arguments)], capture_output=True, text=True, check=False, timeout=60
    )


def test_systemd_reads_every_line_of_the_units(units: Path) -> None:
    """No unknown key, no misspelt value."""
    for path in sorted(units.glob("*.service")):
        said = analyze("verify", path)
        assert (said.returncode, said.stdout + said.stderr) == (0, ""), path.name


@pytest.mark.parametrize("name", SERVICES)
def test_systemd_finds_little_left_to_take_away(units: Path, name: str) -> None:
    """The hardening that all share is in force for each."""
    said = analyze("security", "--offline=true", f"--threshold={EXPOSURE * 10:.0f}", units / f"beffroi-{name}.service")
    assert said.returncode == 0, (said.stdout + said.stderr)[-2000:]


def test_compose_follows_the_specification() -> None:
    """The schema and the references, by `docker-compose config`, which needs no engine."""
    require(shutil.which("docker-compose"), "docker-compose is not installed: apt-get install docker-compose")
    said = subprocess.run(
        ["docker-compose", "--file", str(DEPLOY / "compose.yaml"), "config", "--quiet"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "BROKER_NAME": "broker.example.org"},
    )
    assert said.returncode == 0, said.stderr


@pytest.fixture
def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = compose()["services"]
    return found


def test_what_every_container_has(services: dict[str, dict[str, Any]]) -> None:
    """A version, a sign that it is well, a restart, a bound on its log; the edges' port alone is open to others."""
    for name, service in services.items():
        assert re.fullmatch(r"[a-z/-]+:\d+\.\d+\.\d+", service["image"]), name
        assert "max-size" in service["logging"]["options"], name
        if name != "provision":
            assert service["restart"] == "unless-stopped", name
            assert service["healthcheck"]["test"], name
        open_to_all = [port for port in service.get("ports", []) if not port.startswith("127.0.0.1:")]
        assert open_to_all == (["8883:8883"] if name == "mosquitto" else []), name
        if "build" in service:
            assert service["cap_drop"] == ["ALL"], name
            assert service["read_only"], name


def test_every_file_that_compose_mounts_is_here_or_a_secret(services: dict[str, dict[str, Any]]) -> None:
    """A misspelt path would be made as an empty folder by the engine."""
    volumes = set(compose()["volumes"])
    for name, service in services.items():
        for mounted in service.get("volumes", []):
            source = re.sub(r"\$\{\w+:-(.*?)\}", r"\1", mounted).split(":")[0]
            if source.startswith("."):
                assert source.startswith("./secrets") or (DEPLOY / source).exists(), (name, mounted)
            else:
                assert source in volumes, (name, mounted)
        for secret in service.get("secrets", []):
            assert compose()["secrets"][secret]["file"].startswith("./secrets/"), (name, secret)


@pytest.mark.parametrize("name", ["cloud", "page"])
def test_the_settings_under_a_containers_environment(
    name: str, services: dict[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The example for a host of its own, changed by what compose adds, is what the class takes."""
    for variable, value in services[name]["environment"].items():
        monkeypatch.setenv(variable, re.sub(r"\$\{\w+:\?.*\}", "broker.example.org", value))
    settings = load(SERVICES[name], DEPLOY / f"{name}-influxdb.toml")
    assert isinstance(settings, CloudSettings | PageSettings)
    assert settings.store.url == "https://influxdb:8086"
    assert settings.store.ca is not None


def test_the_image_has_every_package_and_none_of_the_tests() -> None:
    """What the wheel is made of is copied, and let through by the ignore file."""
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    wanted = {*packages["packages"], "requirements.lock", "pyproject.toml", "README.md", "LICENSE"}
    lines = (DEPLOY / "Dockerfile").read_text().splitlines()
    copied = {
        name for line in lines if line.startswith("COPY ") and "--from" not in line for name in line.split()[1:-1]
    }
    assert copied == wanted
    ignore = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    assert {line[1:] for line in ignore if line.startswith("!")} == wanted
    assert [line for line in lines if line.startswith("USER ")] == ["USER beffroi"]
    assert all("@" in line or re.search(r":\d+\.\d+\.\d+", line) for line in lines if line.startswith("FROM "))


def test_a_bench_measures_the_influxdb_that_is_deployed() -> None:
    """The same tables of data; the bench has only its own folders."""
    shipped = tomllib.loads((DEPLOY / "influxdb.conf").read_text())
    measured = tomllib.loads(CONFIG.format(folder="x", port=1, internal=2))
    folders = {"dir": "x/data", "wal-dir": "x/wal"}
    assert measured["data"] == shipped["data"] | folders
    assert measured["http"].items() - shipped["http"].items() == {("bind-address", "127.0.0.1:1")}
