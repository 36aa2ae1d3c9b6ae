"""A backlog that is drained: edge → Mosquitto → worker → InfluxDB, everything on this machine.

The uplinks are accepted one by one while the cloud is unreachable, then its broker appears. The clock runs from the
first row that the store has to the last that the edge has settled. Then, in the same run, the store's own limit.
"""

import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from beffroi.bench import limit
from beffroi.bench.feed import Feed
from beffroi.bench.figures import Figure
from beffroi.bench.servers import start_influxdb, start_mosquitto
from beffroi.bench.stage import DAY_MS, Stage, uplinks
from beffroi.demo.layout import Layout
from beffroi.demo.outcome import weigh
from beffroi.processes import Child, free_port, processor_s, resident_mb
from core import territory as declarations
from core.errors import OperatorError
from core.ports.clock import write_scale
from core.timescale import TimeScale

_SITE = "remiremont"
_LOOK_S = 0.1
_FAULTS = ("lost", "duplicates", "phantom", "wrong")
_STALL_S = 60.0
Note = Callable[[str], None]


def measure(territory: Path, *, count: int, influxdb: bool, note: Note) -> list[Figure]:
    """The figures of `count` uplinks of one site, drained into InfluxDB or SQLite."""
    declared = declarations.load(territory)
    note(f"simulating {count:,} uplinks")
    items = uplinks(territory, count, start_ms=time.time_ns() // 1_000_000 - 30 * DAY_MS, site=_SITE)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="beffroi-bench-")))
        (folder / "log").mkdir()

        def keep(child: Child) -> Child:
            stack.callback(child.stop)
            return child

        site_broker, source_port = start_mosquitto(folder / "site", log=folder / "log" / "site.log")
        keep(site_broker)
        processes: dict[str, Child] = {}
        store = None
        if influxdb:
            server, url, secrets = start_influxdb(folder / "influxdb", declared, log=folder / "log" / "influxdb.log")
            processes["influxdb"] = keep(server)
            store = (url, secrets)
        layout = Layout(folder, territory, free_port(), free_port(), source_port, store)
        layout.write(declared)
        now_ms, mono_ms = time.time_ns() // 1_000_000, time.monotonic_ns() // 1_000_000
        write_scale(layout.clock, TimeScale(wall_ms=now_ms, mono_ms=mono_ms))
        road = Stage(layout, stack)
        edge = processes["edge"] = road.start_edge(_SITE)
        accept_s = _accept(road, Feed(source_port, items, per_s=None), count, note)
        accept_cpu_us = processor_s(edge.pid) / count * 1e6
        broker, _ = start_mosquitto(folder / "cloud-broker", log=folder / "log" / "broker.log", port=layout.broker_port)
        processes["mosquitto"] = keep(broker)
        processes["worker"] = road.start_cloud()
        begun = {name: processor_s(child.pid) for name, child in processes.items()}
        rows, seconds = _drain(road, count, note)
        spent = {name: processor_s(child.pid) - begun[name] for name, child in processes.items()}
        return [
            Figure("accepted one by one", count / accept_s, "uplinks/s"),
            Figure("accepting, the agent's processor", accept_cpu_us, "µs/uplink"),
            Figure("drained", rows / seconds, "uplinks/s", at_least=15_000),
            *(Figure(f"draining, {name}'s processor", used / count * 1e6, "µs/uplink") for name, used in spent.items()),
            *(Figure(f"{name}, memory at the end", resident_mb(child.pid), "MB") for name, child in processes.items()),
            *_weigh(layout, note),
            *(limit.measure(declared, items) if influxdb else ()),
        ]


def _accept(road: Stage, feed: Feed, count: int, note: Note) -> float:
    """Seconds until all are accepted."""
    feed.start()
    begun = told = time.monotonic()
    try:
        while feed.turn(0.002):
            if time.monotonic() - told > 5:
                told = time.monotonic()
                note(f"{feed.sent:,} of {count:,} published")
        _wait(lambda: _edge_state(road).get("source_accepted", 0), count)
    finally:
        feed.stop()
    return time.monotonic() - begun


def _drain(road: Stage, count: int, note: Note) -> tuple[int, float]:
    """Rows and seconds from the first settled to the last."""
    first: tuple[int, float] | None = None
    last = (0, time.monotonic())
    told = 0.0
    while True:
        state = _edge_state(road)
        now = time.monotonic()
        settled = count - int(state["spooled"]) if state else 0
        if settled > last[0]:
            last = (settled, now)
            first = first or last
        if now - told > 2:
            told = now
            note(f"{settled:,} of {count:,} settled")
        if first is not None and settled == count:
            return count - first[0], now - first[1]
        if now - last[1] > _STALL_S:
            raise OperatorError("bench.stalled", f"{settled:,} of {count:,} settled, none for {_STALL_S:g} s")
        time.sleep(_LOOK_S)


def _edge_state(road: Stage) -> dict[str, Any]:
    return road.status(road.layout.edge(_SITE)) or {}


def _wait(reached: Callable[[], int], count: int) -> None:
    best, since = -1, time.monotonic()
    while (now := reached()) < count:
        if now > best:
            best, since = now, time.monotonic()
        if time.monotonic() - since > _STALL_S:
            raise OperatorError("bench.stalled", f"{now:,} of {count:,} accepted, and no more for {_STALL_S:g} s")
        time.sleep(_LOOK_S)


def _weigh(layout: Layout, note: Note) -> list[Figure]:
    """The balance by value, in another process; every row once where it belongs."""
    note("weighing the balance")
    found = weigh(layout, [_SITE])
    return [
        Figure("rows stored", found["stored"], "rows"),
        Figure("rows lost, doubled or wrong", sum(found[name] for name in _FAULTS), "rows", at_most=0),
    ]
