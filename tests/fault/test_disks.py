"""Disks that are full, damaged, or copied."""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import require
from tests.servers.mosquitto import Mosquitto
from tests.support.road import SITE, Feeder, Road, ask_edge, assert_balanced, events
from tests.support.waiting import wait_for

pytestmark = pytest.mark.fault


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 MiB."""
    require(os.geteuid() == 0, "mounting a small file system needs root")
    where = tmp_path / "small"
    where.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(where)], capture_output=True, text=True, check=False
    )
    require(mounted.returncode == 0, f"a tmpfs cannot be mounted here: {mounted.stderr}")
    yield where
    subprocess.run(["umount", "-l", str(where)], check=True)


def test_the_edge_disk_is_full(
    tmp_path: Path, small_disk: Path, site_broker: Mosquitto, cloud_broker: Mosquitto
) -> None:
    """The agent stays up, accepts no more than it can keep, says so once, and goes on when there is room."""
    with Road(tmp_path, site_port=site_broker.port, cloud_port=cloud_broker.port) as run:
        run.edge_folder().parent.mkdir(parents=True)
        run.edge_folder().symlink_to(small_disk)
        cloud = run.start_cloud()
        run.wait_worker()
        cloud.stop()  # the broker keeps its session: what the edge sends meanwhile waits there
        edge = run.start_edge()
        run.wait_connected()
        filler = fill(small_disk, leave=700_000)
        Feeder(site_broker.port, items := events(3_000, seed=41)).start().wait()
        full = wait_for("the disk is full", lambda: (s := run.edge_status()) and s["conditions"] and s)
        assert edge.running
        assert sum(full["accepted"].values()) < len(items)
        log = (run.folder / "log" / f"edge-{SITE}.log").read_text("utf-8")
        assert log.count('"level": "error"') == 1, log
        run.start_cloud()
        filler.unlink()
        run.settle(published=len(items), timeout_s=120)
        status = run.edge_status()
        assert status is not None
        assert not status["conditions"]
        assert_balanced(run.balance(), at_least=1_500)


def fill(disk: Path, *, leave: int) -> Path:
    """A file that leaves so many bytes free."""
    filler = disk / "filler"
    free = os.statvfs(disk)
    filler.write_bytes(bytes(free.f_bavail * free.f_frsize - leave))
    return filler


def test_a_damaged_segment_is_put_aside(tmp_path: Path, site_broker: Mosquitto, cloud_broker: Mosquitto) -> None:
    """Rows that a damaged segment still gives are delivered; the others are in the eviction log; the agent starts."""
    with Road(tmp_path, site_port=site_broker.port, cloud_port=cloud_broker.port) as run:
        run.start_edge()
        run.wait_connected()
        Feeder(site_broker.port, items := events(1_500, seed=42)).start().wait()
        wait_for(
            "all accepted", lambda: (s := run.edge_status()) and s["source_accepted"] + s["duplicates"] >= len(items)
        )
        before = run.edge_status()
        assert before is not None
        run.edges[SITE].stop()
        segment = max((run.edge_folder() / "spool").rglob("measurement-*.sqlite"), key=lambda path: path.stat().st_size)
        with closing(sqlite3.connect(segment)) as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        size = segment.stat().st_size
        with segment.open("r+b") as file:
            file.seek(size // 2)
            file.write(os.urandom(3 * 4096))
        run.start_cloud()
        run.wait_worker()
        run.start_edge()
        run.settle()
        after = run.edge_status()
        assert after is not None
        assert sum(after["corrupt"].values()) > 0
        balance = run.balance()
        assert_balanced(balance, at_least=500)
        assert balance["evicted"] == sum(after["corrupt"].values())


def test_a_card_is_copied_to_another_machine(tmp_path: Path, site_broker: Mosquitto, cloud_broker: Mosquitto) -> None:
    """A copied spool delivers what it held under its old identity while the first goes on; nothing is stored twice."""
    items = events(600, seed=43)
    with Road(tmp_path, site_port=site_broker.port, cloud_port=cloud_broker.port) as run:
        run.start_edge()
        run.wait_connected()
        Feeder(site_broker.port, items[:300]).start().wait()
        wait_for("all accepted", lambda: (s := run.edge_status()) and s["source_accepted"] + s["duplicates"] >= 300)
        clone = tmp_path / "clone"
        run.edges[SITE].kill()  # a card is copied as it is
        shutil.copytree(run.edge_folder(), clone, ignore=shutil.ignore_patterns("*.sock", "lock"))
        run.edge_settings("clone").write_text(
            run.edge_settings(SITE)
            .read_text("utf-8")
            .replace(str(run.edge_folder()), str(clone))
            .replace("health_s", 'machine = "another"\nhealth_s', 1)
            .replace(f"port = {site_broker.port}", f"port = {cloud_broker.port}"),  # it hears another network server
            "utf-8",
        )
        # both under one edge id: the broker lets one of them in at a time, the spools do not care
        run.start_cloud()
        run.wait_worker()
        run.start_edge()
        run.start_edge("clone")
        run.wait_connected()
        Feeder(site_broker.port, items[300:]).start().wait()
        run.settle(published=300)
        wait_for("the copy at rest", lambda: (s := ask_edge(clone)) and not s["spooled"], timeout_s=60)
        first, second = run.edge_status(), ask_edge(clone)
        assert first is not None
        assert second is not None
        assert first["spool_id"] != second["spool_id"]
        assert_balanced(run.balance(extra_spools=[clone / "spool"]), at_least=300)
