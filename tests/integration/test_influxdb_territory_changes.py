"""`beffroi cloud run` on a real Mosquitto and InfluxDB: the territory changes while rows flow, the store follows."""

import json
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from cloud.schema import origin_of
from cloud.stores.base import Point
from cloud.stores.influxdb import InfluxStore
from core.envelope import Header, pack
from core.model import Reading, RowClass, Uplink, encode_row
from core.territory import load
from tests.conftest import require
from tests.servers import influxdb as influxdb_server
from tests.servers.mosquitto import Mosquitto
from tests.support.cloud_worker import CloudProcess, FakeEdge
from tests.support.road_stores import Served, served
from tests.support.waiting import wait_for

SITE = "remiremont"
SWAP = "2025-11-25T12:00:00Z"
SWAP_MS = 1_764_072_000_000


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Served]:
    require(influxdb_server.find(), influxdb_server.INSTALL_HINT)
    with served(tmp_path / "server") as found:
        yield found


class Files:
    """The territory's assignments, as somebody edits them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "assignments.csv"
        territory = load(folder)
        place = {one.dev_eui: territory.place(one.dev_eui, SWAP_MS, site=SITE) for one in territory.assignments}
        current = [one for one in territory.assignments if one.end_ms is None and "-lamp-" in one.asset]
        (self.first, self.asset), *_ = [
            (one.dev_eui, one.asset) for one in current if place[one.dev_eui].database == "ccpvm"
        ]
        self.abroad = next(one.dev_eui for one in current if place[one.dev_eui].foreign)
        stock = [one for one in territory.devices.values() if one.state == "stock" and one.profile == "nas-ul20xx"]
        self.second = stock[0].dev_eui

    def end(self, dev_eui: str, at: str) -> None:
        """The device's open assignment ends."""
        lines = self.path.read_text().splitlines()
        (number,) = [n for n, line in enumerate(lines) if line.startswith(f"{dev_eui},") and line.endswith(",")]
        lines[number] += at
        fresh = self.path.with_suffix(".new")
        fresh.write_text("\n".join(lines) + "\n")
        fresh.replace(self.path)


def message(dev_eui: str, minutes: list[int], *, first: int) -> bytes:
    """Uplinks so many minutes after the swap."""
    rows = [
        encode_row(
            Uplink(
                key=f"up/{dev_eui}/{minute}",
                received_ms=SWAP_MS + minute * 60_000,
                application="a",
                dev_eui=dev_eui,
                f_port=25,
                f_cnt=500 + minute,
                payload=bytes(20),
                codec="nas_ul20xx@1",
                domain="light",
                readings=(Reading("power_w", float(first + n)),),
            )
        )
        for n, minute in enumerate(minutes)
    ]
    last = first + len(rows) - 1
    header = Header(
        edge=SITE, spool_id="spool", row_class=RowClass.MEASUREMENT, first=first, last=last, boot="boot", offset_ms=0
    )
    return pack(header, rows)


def points(store: Served, database: str, measurement: str = "uplink") -> list[Point]:
    with closing(InfluxStore.open(store.server.url, secrets=store.secrets, read_only=True)) as reader:
        return reader.series(database, measurement, start_us=0, end_us=2**62)


def numbers(store: Served, database: str, **tags: str) -> list[int]:
    """The rows that are stored there under these tags."""
    found = [point for point in points(store, database) if tags.items() <= point.tags.items()]
    return sorted(origin.seq for point in found if (origin := origin_of(point)) is not None)


def settled(cloud: CloudProcess, digest: str) -> bool:
    status = cloud.status()
    return status is not None and status["territory"]["digest"] == digest and not status["moving"]


def test_a_swapped_sensor_its_backlog_and_an_assignment_while_rows_flow(
    tmp_path: Path, mosquitto: Mosquitto, store: Served
) -> None:
    """The swap is written down late, by an edit and by `cloud assign`, in a stream of rows that never stops; the old
    sensor's and the new one's backlog of both sides of it comes before, meanwhile and afterwards."""
    files = Files(store.declared)
    lines = [f'store = {{ kind = "influxdb", url = "{store.server.url}", secrets = "{store.secrets}" }}']
    before, after = list(range(-30, 0)), list(range(30))
    with (
        CloudProcess(tmp_path, port=mosquitto.port, territory=store.declared, lines=lines) as cloud,
        FakeEdge(SITE, mosquitto.port) as edge,
    ):
        sent = 0

        def send(dev_eui: str, minutes: list[int]) -> None:
            nonlocal sent
            edge.send(message(dev_eui, minutes, first=sent + 1))
            sent += len(minutes)

        send(files.first, before[::2])
        send(files.second, after[::3])
        edge.settled(sent)
        assert numbers(store, "ccpvm", asset=files.asset) == list(range(1, 16))
        assert numbers(store, "operator", device=files.second) == list(range(16, 26))
        flowing = threading.Event()

        def flow() -> None:
            for dev_eui, minute in [
                *((files.first, n) for n in before[1::2]),
                *((files.second, n) for n in after[1::3]),
            ]:
                send(dev_eui, [minute])
                flowing.wait(0.05)

        stream = threading.Thread(target=flow)
        stream.start()
        files.end(files.first, SWAP)
        chosen = ["--device", files.second, "--asset", files.asset, "--from", SWAP]
        code, out, err = cloud.command("cloud", "assign", *chosen, "--json")
        assert (code, json.loads(out)["applied"]) == (0, True), err
        stream.join()
        send(files.second, after[2::3])
        edge.settled(10)  # the last ones
        digest = load(store.declared).digest
        wait_for("the moves", lambda: settled(cloud, digest))
        wait_for("all rows", lambda: len(numbers(store, "ccpvm")) == 60)
        lamp = [point for point in points(store, "ccpvm") if point.tags.get("asset") == files.asset]
        assert [(p.tags["device"], (p.time_us // 1000 - SWAP_MS) // 60_000) for p in lamp] == [
            *((files.first, n) for n in before),
            *((files.second, n) for n in after),
        ]
        light = points(store, "ccpvm", "light")
        assert [(p.tags, p.time_us) for p in light] == [(p.tags, p.time_us) for p in lamp]
        assert points(store, "operator") == points(store, "operator", "light") == []


def test_a_device_that_changes_tenant(tmp_path: Path, mosquitto: Mosquitto, store: Served) -> None:
    """A lamp of another tenant is heard at Remiremont: quarantined as foreign. When the files say that it was moved,
    what it had sent is replayed and lands with its new tenant; then they say that it was never anybody's."""
    files = Files(store.declared)
    lines = [f'store = {{ kind = "influxdb", url = "{store.server.url}", secrets = "{store.secrets}" }}']
    with (
        CloudProcess(tmp_path, port=mosquitto.port, territory=store.declared, lines=lines) as cloud,
        FakeEdge(SITE, mosquitto.port) as edge,
    ):
        edge.send(message(files.abroad, list(range(10)), first=1))
        (kept,) = edge.receipt().kept
        assert (kept.stored, kept.quarantined) == (0, 10)
        files.end(files.abroad, SWAP)
        files.end(files.first, SWAP)
        chosen = ["--device", files.abroad, "--asset", files.asset, "--from", SWAP]
        code, _, err = cloud.command("cloud", "assign", *chosen)
        assert code == 0, err
        code, out, err = cloud.command("quarantine", "replay", "--all", "--json")
        assert (code, json.loads(out)["replayed"]) == (0, 10), err
        assert numbers(store, "ccpvm", asset=files.asset) == list(range(1, 11))
        assert points(store, "operator") == []
        text = files.path.read_text().splitlines()
        files.path.write_text("\n".join(line for line in text if not line.startswith(files.abroad)) + "\n")
        digest = load(store.declared).digest
        wait_for("the moves", lambda: settled(cloud, digest))
        assert numbers(store, "operator", device=files.abroad) == list(range(1, 11))
        assert points(store, "ccpvm") == points(store, "ccpvm", "light") == []
