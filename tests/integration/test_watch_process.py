"""The watch inside real workers: late readings correct the hours of an outage; of two workers exactly one watches."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud.stores.base import Point
from core.envelope import Header, pack
from core.model import Reading, Reception, RowClass, Uplink, encode_row
from core.ports.clock import write_scale
from core.territory import load
from core.timescale import TimeScale
from tests.servers.mosquitto import Mosquitto
from tests.support.cloud_worker import EXAMPLE, CloudProcess, FakeEdge
from tests.support.road_stores import Served
from tests.support.waiting import wait_for

SITE, COMMUNE = "remiremont", "88383"
HOUR_MS, MINUTE_MS = 3_600_000, 60_000
NOON_MS = 1_764_072_000_000  # 2025-11-25 12:00 UTC
TERRITORY = load(EXAMPLE)
LAMP = next(one for one in TERRITORY.assignments if one.end_ms is None and one.asset.startswith(f"{COMMUNE}-lamp-"))


class Town:
    """Time, as the worker is told; and the uplinks of one lamp."""

    def __init__(self, folder: Path) -> None:
        self.clock = folder / "clock.json"
        self.seq = 0

    def set(self, now_ms: int) -> None:
        """It is so late; a minute of this machine is an hour."""
        from core.ports.clock import HostClock

        write_scale(self.clock, TimeScale(wall_ms=now_ms, mono_ms=HostClock().mono_ms(), speed=60.0))

    def message(self, *at_ms: int) -> bytes:
        """What the edge sends of uplinks at these times."""
        rows = [self._row(one) for one in at_ms]
        first = self.seq - len(rows) + 1
        header = Header(
            edge=SITE, spool_id="spool", row_class=RowClass.MEASUREMENT, first=first, last=self.seq, boot="boot"
        )
        return pack(header, rows)

    def _row(self, at_ms: int) -> bytes:
        self.seq += 1
        return encode_row(
            Uplink(
                key=f"up/{self.seq}",
                received_ms=at_ms,
                application="a",
                dev_eui=LAMP.dev_eui,
                dev_addr="01020304",
                f_port=25,
                f_cnt=(at_ms - NOON_MS) // MINUTE_MS + 600,
                payload=bytes(20),
                codec="nas_ul20xx@1",
                domain="light",
                readings=(Reading("power_w", 40.0),),
                receptions=(Reception("7276ff002e0601ab", -90, 5.0),),
            )
        )


def uplinks(cloud: CloudProcess, measurement: str, start_ms: int, database: str = "ccpvm", **tags: str) -> object:
    """How many uplinks an hour, or a day, says that there were."""
    found: list[Point] = [
        point
        for point in cloud.points(database, measurement)
        if point.time_us == start_ms * 1000 and all(point.tags.get(tag, "") == text for tag, text in tags.items())
    ]
    return found[0].fields.get("uplinks_count") if found else None


def test_late_readings_after_an_outage_correct_the_hours_they_belong_to(
    tmp_path: Path, mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two hours of backlog come when their hours are long rolled: the hours, the day, the commune and the operator's
    copy have them; what the hour after counted as lost was not lost; and so it stays when the worker is killed."""
    town = Town(tmp_path)
    town.set(NOON_MS + 30 * MINUTE_MS)
    monkeypatch.setenv("BEFFROI_CLOUD__CLOCK__FILE", str(town.clock))
    cloud = CloudProcess(tmp_path, port=mosquitto.port)
    asset = {"asset": LAMP.asset, "gateway": ""}
    with FakeEdge(SITE, mosquitto.port) as edge, cloud:
        edge.send(town.message(NOON_MS + MINUTE_MS, NOON_MS + 20 * MINUTE_MS))
        edge.settled(2)
        town.set(NOON_MS + 3 * HOUR_MS + 2 * MINUTE_MS)
        edge.send(town.message(NOON_MS + 3 * HOUR_MS + MINUTE_MS))
        edge.settled(1)
        town.set(NOON_MS + 12 * HOUR_MS)  # 01:00: its day is over, its night is not
        wait_for("the day", lambda: uplinks(cloud, "day", NOON_MS - 13 * HOUR_MS, **asset) == 3.0, timeout_s=90)
        assert uplinks(cloud, "hour", NOON_MS, **asset) == 2.0
        assert uplinks(cloud, "hour", NOON_MS + HOUR_MS, **asset) is None
        town.set(NOON_MS + 12 * HOUR_MS + 10 * MINUTE_MS)
        edge.send(town.message(*range(NOON_MS + 20 * MINUTE_MS + MINUTE_MS, NOON_MS + 2 * HOUR_MS, 10 * MINUTE_MS)))
        edge.settled(10)
        wait_for(
            "the corrected day", lambda: uplinks(cloud, "day", NOON_MS - 13 * HOUR_MS, **asset) == 13.0, timeout_s=90
        )
        assert uplinks(cloud, "hour", NOON_MS, **asset) == 6.0
        assert uplinks(cloud, "hour", NOON_MS + HOUR_MS, **asset) == 6.0
        commune = {"commune": COMMUNE, "asset": ""}
        for database in ("ccpvm", "operator"):
            wait_for(
                f"the commune's day in {database}",
                lambda database=database: uplinks(cloud, "day", NOON_MS - 13 * HOUR_MS, database, **commune) == 13.0,
                timeout_s=60,
            )
        status = cloud.status()
        assert status is not None
        assert status["watch"]["watching"]
        assert status["watch"]["rollups"]["ccpvm"]["marked"] == 0
        cloud.child.kill()
        cloud.start()
        wait_for("another pass", lambda: (told := cloud.status()) and told["watch"]["passes"] > 1, timeout_s=60)
        assert uplinks(cloud, "day", NOON_MS - 13 * HOUR_MS, **asset) == 13.0


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """The tenants of the example, with nothing in them."""
    folder = tmp_path / "territory"
    shutil.copytree(EXAMPLE, folder)
    for name in ("assets.csv", "circuits.csv", "devices.csv", "assignments.csv"):
        path = folder / name
        path.write_text(path.read_text("utf-8").splitlines()[0] + "\n", "utf-8")
    return folder


class Pair:
    """Two workers on one broker and one InfluxDB."""

    def __init__(self, folder: Path, mosquitto: Mosquitto, influx: Served, territory: Path) -> None:
        self.workers: dict[str, CloudProcess] = {}
        for name, shards in (("one", range(8)), ("two", range(8, 16))):
            (folder / name).mkdir()
            lines = [
                f'client_id = "worker-{name}"',
                f"shards = {list(shards)}",
                "watch_s = 1",
                f'store = {{ kind = "influxdb", url = "{influx.server.url}", secrets = "{influx.secrets}" }}',
            ]
            self.workers[name] = CloudProcess(folder / name, port=mosquitto.port, territory=territory, lines=lines)

    def watching(self) -> list[str]:
        """Who says that it watches."""
        found = []
        for name, worker in self.workers.items():
            told = worker.status() if worker._child is not None and worker.child.running else None
            if told is not None and told["watch"]["watching"]:
                found.append(name)
        assert len(found) <= 1, "two watch at once"
        return found

    def passes(self, name: str) -> int:
        told = self.workers[name].status()
        assert told is not None
        return int(told["watch"]["passes"])


@pytest.fixture
def pair(tmp_path: Path, mosquitto: Mosquitto, influx: Served, bare: Path) -> Iterator[Pair]:
    made = Pair(tmp_path, mosquitto, influx, bare)
    yield made
    for worker in made.workers.values():
        worker.__exit__(None, None, None)


def test_of_two_workers_on_one_server_exactly_one_watches(pair: Pair) -> None:
    """Begun together, one watches and goes on alone; when it is killed the other takes over, and keeps it when the
    first is back."""
    for worker in pair.workers.values():
        worker.start()
    (first,) = wait_for("one to watch", pair.watching, timeout_s=60)
    other = ({"one", "two"} - {first}).pop()
    begun = pair.passes(first)
    wait_for("some passes", lambda: pair.watching() == [first] and pair.passes(first) >= begun + 5, timeout_s=60)
    assert pair.passes(other) == 0
    pair.workers[first].child.kill()
    wait_for("the other to watch", lambda: pair.watching() == [other], timeout_s=60)
    begun = pair.passes(other)
    pair.workers[first].start()
    wait_for("more passes", lambda: pair.watching() == [other] and pair.passes(other) >= begun + 10, timeout_s=60)
    assert pair.passes(first) == 0
    told = pair.workers[first].status()
    assert told is not None
    assert told["watch"]["holder"] == f"worker-{other}"
