"""`beffroi territory plan|apply --only influxdb` as processes, against a real InfluxDB 1.8 and what is none."""

import http.server
import io
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from beffroi.cli import main
from core.errors import RejectedError
from core.secrets import load_secrets
from provisioning.influxdb.link import Credentials
from provisioning.influxdb.run import connect
from tests.conftest import require
from tests.servers import influxdb as influxdb_server
from tests.servers.influxdb import InfluxDb
from tests.support.influx2_double import OPERATOR_TOKEN, Influx2Double

EXAMPLE = Path(__file__).parents[2] / "territories" / "grand-est"
PASSWORD = "chosen-by-the-operator"
DATABASES = ("ccpvm", "belleville", "esternay", "operator")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[InfluxDb]:
    """Authentication on, and no administrator yet: as installed."""
    require(influxdb_server.find(), influxdb_server.INSTALL_HINT)
    with InfluxDb(tmp_path / "influxdb", auth=True) as running:
        yield running


def command(verb: str, *options: str) -> list[str]:
    return [sys.executable, "-m", "beffroi", "territory", verb, "--only", "influxdb", *options]


def environment(password: str = PASSWORD) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("BEFFROI_INFLUXDB")}
    return {**clean, "BEFFROI_INFLUXDB_ADMIN_PASSWORD": password} if password else clean


def run(verb: str, *options: str, password: str = PASSWORD) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(verb, "--territory", str(EXAMPLE), *options),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        stdin=subprocess.DEVNULL,
        env=environment(password),
    )


def test_from_an_empty_server_to_nothing_to_do(server: InfluxDb, tmp_path: Path) -> None:
    """plan says 6, apply does it, plan says 0, apply does nothing; the file is private and nothing printed is in it."""
    file = tmp_path / "secrets.toml"
    options = ("--url", server.url, "--secrets", str(file))
    said = [run("plan", *options)]
    assert (said[0].returncode, "--create-admin" in said[0].stderr) == (4, True)
    said.append(run("apply", *options, "--create-admin"))
    assert (said[1].returncode, "--yes" in said[1].stderr) == (2, True)
    assert not file.exists()
    said.append(run("plan", *options, "--detailed-exitcode"))
    assert said[2].returncode == 6
    assert said[2].stdout.splitlines()[-1] == "Plan: 24 to create, 0 to change, 0 to delete."
    said.append(run("apply", *options, "--dry-run", "--json"))
    assert (json.loads(said[3].stdout)["applied"], file.exists()) == (0, False)
    said.append(run("apply", *options, "--yes"))
    assert said[4].returncode == 0, said[4].stderr
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    said.append(run("plan", *options, "--detailed-exitcode", "--json"))
    told = json.loads(said[5].stdout)
    assert (said[5].returncode, told["version"], told["actions"], told["server"]["url"]) == (0, 1, [], server.url)
    said.append(run("apply", *options, "--yes", "--json"))
    assert json.loads(said[6].stdout)["applied"] == 0
    said.append(run("plan", *options, password="wrong-" + PASSWORD))
    assert said[7].returncode == 4
    secrets = load_secrets(file)
    for database in DATABASES:
        server.query("SHOW MEASUREMENTS", database=database, user=secrets.influxdb_read[database])
    printed = "".join(each.stdout + each.stderr for each in said)
    log = (tmp_path / "influxdb" / "influxd.log").read_text()
    for credentials in (*secrets.influxdb_read.values(), *secrets.influxdb_write.values(), f":{PASSWORD}"):
        assert credentials.partition(":")[2] not in printed
        assert credentials.partition(":")[2] not in log


@pytest.mark.parametrize("step", [2, 21])
def test_killed_in_the_middle_it_is_finished_by_the_next(server: InfluxDb, tmp_path: Path, step: int) -> None:
    """SIGKILL right after a step: the next apply does the rest, and every credential of the file opens its database."""
    file = tmp_path / "secrets.toml"
    options = ("--territory", str(EXAMPLE), "--url", server.url, "--secrets", str(file), "--yes", "--create-admin")
    with subprocess.Popen(
        command("apply", *options), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment()
    ) as killed:
        assert killed.stderr is not None
        assert any(line.startswith(f"[{step}/24]") for line in killed.stderr)
        killed.send_signal(signal.SIGKILL)
    assert killed.returncode == -signal.SIGKILL
    again = run("apply", *options[2:])
    assert again.returncode == 0, again.stderr
    assert run("plan", *options[2:6], "--detailed-exitcode").returncode == 0
    secrets = load_secrets(file)
    for database in DATABASES:
        for table in (secrets.influxdb_read, secrets.influxdb_write):
            server.query("SHOW MEASUREMENTS", database=database, user=table[database])


def test_what_cannot_be_done_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Unreachable 5; settings, secrets and territory 78; refused 4; usage 2: with a hint, and nothing on stdout."""
    file, token, open_file = tmp_path / "secrets.toml", tmp_path / "token", tmp_path / "open.toml"
    token.touch(mode=0o600)
    token.write_text(OPERATOR_TOKEN + "\n")
    open_file.touch(mode=0o644)
    faulty = tmp_path / "faulty"
    shutil.copytree(EXAMPLE, faulty)
    (faulty / "territory.toml").write_text("[operator]\n")
    monkeypatch.delenv("BEFFROI_INFLUXDB_ADMIN_PASSWORD", raising=False)
    monkeypatch.delenv("BEFFROI_INFLUXDB_ADMIN_TOKEN", raising=False)

    def ask(verb: str, *options: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["beffroi", *command(verb, "--territory", str(EXAMPLE), *options)[3:]])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    kept = ("--secrets", str(file))
    nowhere = ("--url", "http://127.0.0.1:1", *kept)
    with Influx2Double() as double:
        here = ("--url", double.url)
        given = (*here, "--admin-file", str(token))
        for code, exit_code, asked in (
            ("influxdb.unreachable", 5, ("plan", *nowhere)),
            ("influxdb.unreachable", 5, ("apply", *nowhere, "--yes")),
            ("influxdb.plain", 78, ("plan", "--url", "http://10.0.0.7:8086", *kept)),
            ("secrets.in_territory", 78, ("plan", "--secrets", str(EXAMPLE / "s.toml"))),
            ("territory.invalid", 78, ("plan", *nowhere, "--territory", str(tmp_path / "none"))),
            ("territory.invalid", 78, ("apply", *nowhere, "--territory", str(faulty))),
            ("influxdb.no_credentials", 78, ("plan", *here, *kept)),
            ("secrets.missing", 78, ("plan", *nowhere, "--admin-file", str(tmp_path / "none"))),
            ("secrets.mode", 78, ("plan", *nowhere, "--admin-file", str(open_file))),
            ("secrets.mode", 78, ("plan", *given, "--secrets", str(open_file))),
            ("secrets.missing_folder", 78, ("apply", *given, "--secrets", str(tmp_path / "no" / "s"))),
            ("influxdb.setup", 4, ("apply", *given, *kept, "--create-admin", "--yes")),
        ):
            status, out, err = ask(*asked)
            assert (code in err, status, out) == (True, exit_code, ""), err
            assert "hint: " in err
        assert ask("apply", *given, *kept, "--yes")[0] == 0
        assert len(load_secrets(file).influxdb_read) == len(DATABASES)
    assert ask("plan")[0] == 2


@pytest.mark.parametrize(("answer", "applied"), [("n", False), ("y", True)])
def test_a_person_is_asked(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    answer: str,
    applied: bool,
) -> None:
    """At a terminal the plan is shown and one word decides; the question is on stderr, the plan on stdout."""
    file = tmp_path / "secrets.toml"
    monkeypatch.setenv("BEFFROI_INFLUXDB_ADMIN_TOKEN", OPERATOR_TOKEN)
    typed = io.StringIO(answer + "\n")
    monkeypatch.setattr(typed, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys, "stdin", typed)
    with Influx2Double() as double:
        options = ["--territory", str(EXAMPLE), "--url", double.url, "--secrets", str(file)]
        monkeypatch.setattr(sys, "argv", ["beffroi", *command("apply", *options)[3:]])
        with pytest.raises(SystemExit) as ended:
            main()
    said = capsys.readouterr()
    assert ended.value.code in (None, 0)
    assert "Plan: 25 to create" in said.out
    assert ("Apply these 25 steps?" in said.err, file.exists()) == (True, applied)


@pytest.mark.parametrize("version", ["1.7.11", "1.6.7", "3.1.0", "v3.0.0"])
def test_a_server_we_do_not_know_is_refused(version: str) -> None:
    """Before anything is asked of it."""
    with Influx2Double(version=version) as double, pytest.raises(RejectedError) as caught:
        connect(double.url, Credentials(token=OPERATOR_TOKEN))
    assert caught.value.code == "influxdb.version"
    assert double.requests == [("GET", "/ping")]


@pytest.mark.parametrize("version", ["v2.0.9", "2.7.12", "v2.9.1", "unknown"])
def test_2x_is_known_by_its_version_or_its_setup(version: str) -> None:
    """A build that does not know its version is asked whether it was set up."""
    with Influx2Double(version=version) as double:
        assert type(connect(double.url, Credentials(token=OPERATOR_TOKEN))).__name__ == "Influx2"


def test_another_kind_of_server() -> None:
    """Something else listens there: said so."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler) as other:
        other.RequestHandlerClass.log_message = lambda *_: None  # type: ignore[method-assign, assignment]
        thread = threading.Thread(target=other.serve_forever, args=(0.02,))
        thread.start()
        try:
            with pytest.raises(RejectedError) as caught:
                connect(f"http://127.0.0.1:{other.server_address[1]}", Credentials())
        finally:
            other.shutdown()
            thread.join()
    assert caught.value.code == "influxdb.unknown_server"
