"""The store's own limit: the points of the same uplinks as ready lines, posted straight to a fresh InfluxDB.

Nothing is read, checked or made while the clock runs: what is measured is the server, and two connections to it, on
which the same requests go as those of a worker with a backlog.
"""

import tempfile
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import zip_longest
from pathlib import Path

from beffroi.bench.figures import Figure
from beffroi.bench.servers import start_influxdb
from beffroi.processes import processor_s
from cloud.schema import RowPoints, row_ms, row_points
from cloud.stores.base import Point
from cloud.stores.influxdb.client import Client
from cloud.stores.influxdb.kinds import Kinds
from cloud.stores.influxdb.queries import RAW
from cloud.stores.influxdb.recent import Recent
from cloud.stores.influxdb.rendering import Renderer, parcels
from core.errors import OperatorError
from core.model import RowClass, RowId, Uplink
from core.secrets import load_secrets
from core.territory import Territory
from edge.intake import Intake
from edge.sources.chirpstack_events import parse_event
from simulator.network import Event

CONNECTIONS = 2
_Request = tuple[str, bytes]  # database, lines


def measure(declared: Territory, events: Sequence[Event]) -> list[Figure]:
    """Uplinks a second that InfluxDB takes when it is all there is."""
    requests = [
        request for database, points in _by_database(declared, events).items() for request in _cut(database, points)
    ]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="beffroi-bench-")))
        server, url, secrets = start_influxdb(folder / "influxdb", declared, log=folder / "influxdb.log")
        stack.callback(server.stop)
        tokens = load_secrets(secrets).influxdb_write
        client = Client(url, timeout_s=60)
        stack.callback(client.close)
        threads = stack.enter_context(ThreadPoolExecutor(CONNECTIONS))

        def post(request: _Request) -> None:
            database, body = request
            answer = client.write(f"{database}/{RAW}", "-", body, secret=tokens[database])
            if answer.status != 204:
                raise OperatorError("bench.refused", f"InfluxDB answers {answer.status}: {answer.body[:200]!r}")

        begun_s, begun = processor_s(server.pid), time.monotonic()
        for _ in threads.map(post, requests):
            pass
        seconds, spent_s = time.monotonic() - begun, processor_s(server.pid) - begun_s
    return [
        Figure("the store's own limit, ready lines", len(events) / seconds, "uplinks/s"),
        Figure("the same, its processor", spent_s / len(events) * 1e6, "µs/uplink"),
    ]


def _by_database(declared: Territory, events: Iterable[Event]) -> dict[str, list[Point]]:
    intake = Intake()
    found: dict[str, list[Point]] = {}
    for number, event in enumerate(events, 1):
        _, row = intake.read(parse_event(event.topic, event.payload, now_ms=event.at_ms))
        if not isinstance(row, Uplink):
            continue
        made = _points(declared, row, number, event.edge)
        found.setdefault(made.database, []).extend(made.points)
    return found


def _points(declared: Territory, row: Uplink, number: int, site: str) -> RowPoints:
    placement = declared.place(row.dev_eui, row_ms(row, 0), site=site)
    asset = declared.assets.get(placement.asset)
    return row_points(
        row,
        RowId("00000000000000b1", RowClass.MEASUREMENT, number),
        edge=site,
        boot="bench",
        offset_ms=0,
        placement=placement,
        site=declared.sites[site],
        geometry=None if asset is None else asset.geometry,
    )


def _cut(database: str, points: Sequence[Point]) -> Iterable[_Request]:
    """The requests of one large write, those that go side by side after one another."""
    made = Renderer(Kinds(lambda _measurement: {}), Recent()).render(points, stamp=time.time_ns())
    for side_by_side in zip_longest(*(parcel.requests for parcel in parcels(made))):
        for numbers in side_by_side:
            if numbers is not None:
                yield database, "\n".join([made.lines[number] for number in numbers]).encode()
