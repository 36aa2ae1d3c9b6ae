"""The store's own limit: the points of the same uplinks as ready lines, posted straight to a fresh InfluxDB.

Nothing is read, checked or made while the clock runs: what is measured is the server and one connection to it.
"""

import tempfile
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path

from beffroi.bench.figures import Figure
from beffroi.bench.servers import start_influxdb
from beffroi.processes import processor_s
from cloud.schema import RowPoints, row_ms, row_points
from cloud.stores.base import KEY, Point
from cloud.stores.checks import shape_of
from cloud.stores.influxdb.client import Client
from cloud.stores.influxdb.lines import beginning, keyed_ns, slowly
from cloud.stores.influxdb.queries import POLICY
from core.errors import OperatorError
from core.model import RowClass, RowId, Uplink
from core.secrets import load_secrets
from core.territory import Territory
from edge.intake import Intake
from edge.sources.chirpstack_events import parse_event
from simulator.network import Event

LINES = 5_000  # of one request


def measure(declared: Territory, events: Sequence[Event]) -> list[Figure]:
    """Uplinks a second that InfluxDB takes when it is all there is."""
    bodies = [(database, body) for database, lines in _by_database(declared, events).items() for body in _cut(lines)]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="beffroi-bench-")))
        server, url, secrets = start_influxdb(folder / "influxdb", declared, log=folder / "influxdb.log")
        stack.callback(server.stop)
        tokens = load_secrets(secrets).influxdb_write
        client = Client(url, timeout_s=60)
        stack.callback(client.close)
        begun_s, begun = processor_s(server.pid), time.monotonic()
        for database, body in bodies:
            answer = client.write(f"{database}/{POLICY}", "-", body, secret=tokens[database])
            if answer.status != 204:
                raise OperatorError("bench.refused", f"InfluxDB answers {answer.status}: {answer.body[:200]!r}")
        seconds, spent_s = time.monotonic() - begun, processor_s(server.pid) - begun_s
    return [
        Figure("the store's own limit, ready lines", len(events) / seconds, "uplinks/s"),
        Figure("the same, its processor", spent_s / len(events) * 1e6, "µs/uplink"),
    ]


def _by_database(declared: Territory, events: Iterable[Event]) -> dict[str, list[str]]:
    intake = Intake()
    found: dict[str, list[str]] = {}
    for number, event in enumerate(events, 1):
        _, row = intake.read(parse_event(event.topic, event.payload, now_ms=event.at_ms))
        if not isinstance(row, Uplink):
            continue
        made = _points(declared, row, number, event.edge)
        found.setdefault(made.database, []).extend(map(_line, made.points))
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


def _line(point: Point) -> str:
    key = point.fields.get(KEY)
    time_ns = point.time_us * 1000 if key is None else keyed_ns(point.time_us, str(key))
    shape = shape_of(point.measurement, point.fields)
    return f"{beginning(point.measurement, point.tags)} {slowly(shape, point.fields)} {time_ns}"


def _cut(lines: Iterable[str]) -> Iterable[bytes]:
    rest = iter(lines)
    while part := list(islice(rest, LINES)):
        yield "\n".join(part).encode()
