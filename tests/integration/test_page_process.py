"""The page as a process: how it starts, refuses and ends."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.page_process import PageProcess, free_port, page, write_settings
from tests.support.streets import Streets

NIGHT_MS = 1_764_100_800_000  # 2025-11-25 20:00 UTC


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    Streets(tmp_path / "territory", 2, NIGHT_MS).declare()
    return tmp_path


@pytest.fixture
def running(folder: Path) -> Iterator[PageProcess]:
    with page(folder, now_ms=NIGHT_MS) as started:
        yield started


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "beffroi", "page", "run", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_a_taken_port_is_one_error_and_exit_code_4(folder: Path) -> None:
    """Nothing is started, and the hint says what to do."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        settings = write_settings(folder, now_ms=NIGHT_MS, port=port)
        answer = run("--settings", str(settings))
    assert answer.returncode == 4
    assert answer.stderr == (
        f"error: port {port} of 127.0.0.1 is taken [page.port_in_use]\n"
        "hint: is the page running already? else choose another port (--port)\n"
    )


def test_a_page_for_others_is_refused_with_exit_code_78(folder: Path) -> None:
    """Off loopback only with `public = true`."""
    settings = write_settings(folder, now_ms=NIGHT_MS, port=free_port())
    settings.write_text('host = "0.0.0.0"\n' + settings.read_text("utf-8"), "utf-8")
    answer = run("--settings", str(settings))
    assert answer.returncode == 78
    assert "0.0.0.0 is not this machine: set public = true to show the page to others" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_faulty_territory_is_refused_with_exit_code_78(folder: Path) -> None:
    """File, line and column, as everywhere."""
    assets = folder / "territory" / "assets.csv"
    assets.write_text(assets.read_text("utf-8").replace("88383-lamp-001,lamp", "88383-lamp-001,lampe"), "utf-8")
    answer = run("--store", str(folder / "store"), "--territory", str(folder / "territory"), "--port", str(free_port()))
    assert answer.returncode == 78
    assert "assets.csv:" in answer.stderr


def test_flags_are_enough_to_start_and_sigterm_ends_it_well(folder: Path) -> None:
    """No settings file; exit code 0, and nothing on the way."""
    port = free_port()
    command = [sys.executable, "-m", "beffroi", "page", "run", "--store", str(folder / "store")]
    command += ["--territory", str(folder / "territory"), "--port", str(port)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    started = PageProcess(f"http://127.0.0.1:{port}", process)
    try:
        assert process.stderr is not None
        assert process.stderr.readline() == f"page: http://127.0.0.1:{port}\n"
        assert started.state()["store"] == "absent"  # the port is open from here on: who asks early waits
        assert started.end() == (0, "")
    finally:
        process.kill()
        process.communicate()


def test_the_endpoints_answer_this_machine_and_read_only(running: PageProcess) -> None:
    """Another host's name, as a web site elsewhere would use, is refused; so is any method that writes."""
    assert httpx.get(f"{running.url}/healthz").json() == {"ok": True}
    assert httpx.get(f"{running.url}/api/state", headers={"Host": "example.org"}).status_code == 400
    assert httpx.post(f"{running.url}/api/state").status_code in {404, 405}
    lost = httpx.get(f"{running.url}/docs", headers={"X-Forwarded-Prefix": '/"><b>'})
    assert lost.status_code == 404
    assert ("Page introuvable" in lost.text, 'href="/%22%3E%3Cb%3E/"' in lost.text) == (True, True)
    assert 'href="/"' in httpx.get(f"{running.url}/no/such/page").text
    assert httpx.get(f"{running.url}/api/nothing").json() == {"detail": "Not Found"}
    answer = httpx.get(f"{running.url}/")
    assert '<html lang="fr"' in answer.text
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    assert running.state()["lamps"]["declared"] == 24
