"""One point among thousands that the store refuses for its type: it alone is set aside, all others are stored."""

import json
from pathlib import Path
from typing import Any

import pytest

from cloud.schema import origin_of
from cloud.stores.base import Point
from cloud.stores.influxdb.client import Client
from cloud.stores.opening import open_store
from core.envelope import MAX_ROWS, Header, pack
from core.model import Event, Reading, RowClass, Uplink, encode_row
from core.secrets import load_secrets
from core.territory import load
from tests.servers.mosquitto import Mosquitto
from tests.support.cloud_worker import CloudProcess, FakeEdge
from tests.support.road import START_MS
from tests.support.road_stores import EXAMPLE, Served

pytestmark = pytest.mark.fault

SITE, TENANT = "remiremont", "ccpvm"
LINES = 5_000
ODD = (Reading("level_pct", 70.0),)  # what somebody else uses for a text
STRANGER = "stranger"
OTHER_MS = START_MS + 3_600_000  # when somebody else wrote: in the same shard
SPOOL = "spool"


@pytest.fixture(scope="module")
def lamps() -> list[str]:
    """Devices of the tenant's lamps."""
    territory = load(EXAMPLE)
    found = [one.dev_eui for one in territory.assignments if one.end_ms is None and "-lamp-" in one.asset]
    return [eui for eui in found if territory.place(eui, START_MS, site=SITE).database == TENANT][:500]


def uplink(number: int, dev_eui: str, *more: Reading) -> bytes:
    """An uplink of two lines: its own, and one of `light`."""
    return encode_row(
        Uplink(
            key=f"up/{dev_eui}/{number}",
            received_ms=START_MS + number * 1000,
            application="a",
            dev_eui=dev_eui,
            f_port=25,
            f_cnt=number,
            payload=bytes(20),
            codec="nas_ul20xx@1",
            domain="light",
            readings=more if any(reading.measured_ms for reading in more) else (Reading("power_w", 40.0), *more),
        )
    )


def event(number: int) -> bytes:
    """A row of one line."""
    return encode_row(Event(key=f"ev/{number}", received_ms=START_MS + number * 1000, type="boot"))


class Other:
    """Somebody else who writes to the tenant's database, and uses our names for something else."""

    def __init__(self, influx: Served) -> None:
        self._client = Client(influx.server.url, timeout_s=10)
        self._secret = load_secrets(influx.secrets).influxdb_write[TENANT]

    def write(self, line: str) -> None:
        answer = self._client.write(f"{TENANT}/raw", "-", f"{line} {OTHER_MS}000000".encode(), secret=self._secret)
        self._client.close()
        assert answer.status == 204, answer.body


class Worker(CloudProcess):
    """A worker over InfluxDB that gathers for three seconds what it then writes at once."""

    def __init__(self, folder: Path, influx: Served, *, port: int) -> None:
        store = f'{{ kind = "influxdb", url = "{influx.server.url}", secrets = "{influx.secrets}" }}'
        super().__init__(folder, port=port, lines=["flush_ms = 3000", "batch_points = 100000", f"store = {store}"])
        self._influx = influx

    def points(self, database: str, measurement: str) -> list[Point]:
        """What another process sees, of ours."""
        store = open_store(self._influx.settings, read_only=True)
        try:
            found = store.series(database, measurement, start_us=0, end_us=2**62)
        finally:
            store.close()
        return [point for point in found if point.tags.get("device") != STRANGER]

    def quarantined(self) -> list[dict[str, Any]]:
        code, told, said = self.command("quarantine", "list", "--json")
        assert code == 0, said
        found: list[dict[str, Any]] = json.loads(told)["entries"]
        return found


def send(edge: FakeEdge, rows: list[bytes], *, first: int) -> None:
    for start in range(0, len(rows), MAX_ROWS):
        part = rows[start : start + MAX_ROWS]
        seq = first + start
        edge.send(
            pack(
                Header(
                    edge=SITE,
                    spool_id=SPOOL,
                    row_class=RowClass.MEASUREMENT,
                    first=seq,
                    last=seq + len(part) - 1,
                    boot="boot",
                ),
                part,
            )
        )


@pytest.mark.parametrize(("is_known", "code"), [(False, "store.type_conflict"), (True, "point.type")])
def test_a_reading_in_line_2500_of_5000_is_set_aside_alone(
    tmp_path: Path, mosquitto: Mosquitto, influx: Served, lamps: list[str], is_known: bool, code: str
) -> None:
    """Its row is stored, and so are the 4,999 other lines of the write; the point and the reason are in the quarantine,
    whether the server finds it or the worker knew before."""
    guilty = LINES // 4  # of two lines a row, the second of this one
    rows = [uplink(n, lamps[n % len(lamps)], *ODD if n == guilty else ()) for n in range(1, LINES // 2 + 1)]
    taken = f'light,device={STRANGER} level_pct="all of it"'
    with Worker(tmp_path, influx, port=mosquitto.port) as cloud, FakeEdge(SITE, mosquitto.port) as edge:
        if is_known:
            Other(influx).write(taken)
        send(edge, [uplink(0, lamps[0])], first=1)
        edge.settled(1)  # the worker has seen what `light` is made of
        if not is_known:
            Other(influx).write(taken)
        send(edge, rows, first=2)
        told = edge.receipt()
        assert sum(kept.stored for kept in told.kept) == len(rows), "one write"
        assert sum(kept.quarantined for kept in told.kept) == 0
        assert told.deferred == ()
        seqs = [origin.seq for point in cloud.points(TENANT, "uplink") if (origin := origin_of(point))]
        assert sorted(seqs) == list(range(1, len(rows) + 2))
        times_us = {point.time_us // 1_000_000 for point in cloud.points(TENANT, "light")}
        assert times_us == {START_MS // 1000 + n for n in range(len(rows) + 1) if n != guilty}
        (entry,) = cloud.quarantined()
        assert (entry["kind"], entry["reason"], entry["seq"]) == ("point", code, guilty + 1)
        assert "level_pct" in entry["message"]


def test_a_row_whose_own_line_is_line_2500_of_5000_goes_to_the_quarantine(
    tmp_path: Path, mosquitto: Mosquitto, influx: Served, lamps: list[str]
) -> None:
    """Where the row's own point is refused the row is: counted there once, and receipted so; 4,999 lines are stored."""
    late = Reading("power_w", 41.0, "", START_MS + 7_000_001)  # with a time of its own, of which the uplink tells
    half = [uplink(n, lamps[n % len(lamps)]) for n in range(2, LINES // 4 + 1)]
    guilty = uplink(LINES // 4 + 1, lamps[0], late)
    rest = [uplink(n, lamps[n % len(lamps)]) for n in range(LINES // 4 + 2, LINES // 2 + 1)]
    rows = [event(1), *half, guilty, *rest, event(LINES // 2 + 1)]
    seq = rows.index(guilty) + 2
    with Worker(tmp_path, influx, port=mosquitto.port) as cloud, FakeEdge(SITE, mosquitto.port) as edge:
        send(edge, [uplink(0, lamps[0])], first=1)
        edge.settled(1)
        Other(influx).write(f"uplink,device={STRANGER} own_times_us=7.0")
        send(edge, rows, first=2)
        told = edge.receipt()
        assert sum(kept.stored for kept in told.kept) == len(rows) - 1, "one write"
        assert [kept.first for kept in told.kept if kept.quarantined] == [seq - (seq - 2) % MAX_ROWS]
        assert sum(kept.quarantined for kept in told.kept) == 1
        (entry,) = cloud.quarantined()
        assert (entry["kind"], entry["reason"], entry["seq"]) == ("row", "store.type_conflict", seq)
        lines = [*cloud.points(TENANT, "uplink"), *cloud.points(TENANT, "light"), *cloud.points(TENANT, "event")]
        assert len(lines) == LINES - 1 + 2  # and the two of the first message
