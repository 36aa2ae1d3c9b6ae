"""The demo, whole: real processes, one object at the end, and clean stops."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

from tests.servers.mosquitto import free_port
from tests.support.waiting import wait_for

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "beffroi", "demo", "--fleet", "cabinet"]


def test_a_short_demo_is_balanced(tmp_path: Path) -> None:
    """`demo --for --json` ends with one object on stdout, balanced, exit 0, and leaves its data where it was told."""
    done = subprocess.run(
        [*COMMAND, "--for", "20s", "--json", "--seed", "11", "--port", str(free_port()), "--data", str(tmp_path / "d")],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout)
    assert told["version"] == 1
    assert told["balanced"] is True
    assert told["in_transit"] == 0
    assert told["accepted"] == told["stored"] + told["spooled"] + told["quarantined"] + told["evicted"] > 100
    assert told["watch"]["heartbeats"] >= 4, "each database, once at least"
    assert told["page_moved_s"] is None or told["page_moved_s"] < 20
    assert (tmp_path / "d" / "cloud" / "store" / "ccpvm.sqlite").exists()


def test_ctrl_c_stops_everything_and_prints_the_balance() -> None:
    """SIGINT in the middle of the fill: processes end in order, the balance is printed, nothing is left running."""
    port = free_port()
    demo = subprocess.Popen(
        [*COMMAND, "--port", str(port)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
    )
    try:
        wait_for("the page has heard of lamps", lambda: heard(port), timeout_s=60, every_s=0.2)
        children = child_pids(demo.pid)
        assert len(children) == 7  # broker, worker, page, simulator, three edges
        demo.send_signal(signal.SIGINT)
        out, err = demo.communicate(timeout=90)
    finally:
        demo.kill()
    assert demo.returncode == 0, err[-3000:]
    assert "accepted = " in out
    assert out.rstrip().endswith("balanced")
    assert [pid for pid in children if Path(f"/proc/{pid}").exists()] == []


def heard(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/state", timeout=2) as answer:
            return bool(json.load(answer)["lamps"]["heard"])
    except (OSError, urllib.error.URLError):
        return False


def child_pids(parent: int) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]


def test_a_port_in_use_is_one_clear_line() -> None:
    """The page's port is taken: exit 4, one error, one hint, and no process was started."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [*COMMAND, "--port", str(port)], capture_output=True, text=True, cwd=ROOT, timeout=60, check=False
        )
    assert done.returncode == 4
    assert f"port {port} is in use [demo.port_taken]" in done.stderr
    assert "hint: " in done.stderr
    assert "Traceback" not in done.stderr


def test_a_demo_without_its_clone_says_so(tmp_path: Path) -> None:
    """Started elsewhere it has no territory: exit 4 and what to do; a wrong duration is a usage error."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        COMMAND, capture_output=True, text=True, cwd=tmp_path, timeout=60, env=environment, check=False
    )
    assert done.returncode == 4
    assert "--territory" in done.stderr
    wrong = subprocess.run(
        [*COMMAND, "--for", "soon"], capture_output=True, text=True, cwd=ROOT, timeout=60, check=False
    )
    assert wrong.returncode == 2
    assert "30s" in wrong.stderr
