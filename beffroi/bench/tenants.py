"""One worker, one tenant or many: what it writes a second of the same rows, from Mosquitto into InfluxDB.

Each round starts its own servers, alternates the two territories, and measures from the first row stored to the last.
"""

import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from beffroi.bench import crowd
from beffroi.bench.feed import Feed
from beffroi.bench.figures import Figure, median
from beffroi.bench.servers import start_influxdb, start_mosquitto
from beffroi.bench.stage import DAY_MS, Stage, uplinks
from beffroi.demo.layout import Layout
from beffroi.processes import Child, processor_s, resident_mb
from core import territory as declarations
from core.errors import OperatorError
from core.ports.clock import write_scale
from core.timescale import TimeScale
from simulator.network import Event, Kind

_LOOK_S = 0.05
_STALL_S = 60.0
_LAMPS = 6_000


def measure(*, tenants: int, count: int, rounds: int, note: Callable[[str], None]) -> list[Figure]:
    """Rows a second with one tenant and with `tenants`, medians of the rounds, and their ratio."""
    rates: dict[int, list[float]] = {1: [], tenants: []}
    memory_mb = 0.0
    spent: dict[int, dict[str, list[float]]] = {1: {}, tenants: {}}
    with tempfile.TemporaryDirectory(prefix="beffroi-bench-") as kept:
        sent: dict[int, list[Event]] = {}
        for number in rates:
            folder = Path(kept) / f"territory-{number}"
            note(f"simulating {count:,} uplinks of {number} tenants")
            crowd.write_territory(folder, tenants=number, lamps=_LAMPS)
            events = uplinks(folder, count, start_ms=time.time_ns() // 1_000_000 - 30 * DAY_MS)
            sent[number] = [
                Event(0, topic, message, Kind.UP, "", "", str(at))
                for at, (topic, message) in enumerate(crowd.messages(events))
            ]
        for turn in range(rounds):
            for number in rates:
                found = _run(Path(kept) / f"territory-{number}", sent[number], count)
                rates[number].append(found.rate)
                memory_mb = max(memory_mb, found.worker_mb)
                for process, used_us in found.spent_us.items():
                    spent[number].setdefault(process, []).append(used_us)
                note(f"round {turn + 1}: {number} tenants, {found.rate:,.0f} uplinks/s")
    one, many = median(rates[1]), median(rates[tenants])
    return [
        Figure("one tenant, median", one, "uplinks/s"),
        Figure(f"{tenants} tenants, median", many, "uplinks/s"),
        *(
            Figure(f"{number} tenants, {word}", choose(found), "uplinks/s")
            for number, found in rates.items()
            for word, choose in (("slowest round", min), ("fastest round", max))
        ),
        Figure(f"{tenants} tenants to one", many / one, "×", at_least=0.8),
        *(
            Figure(f"{number} tenants, {process}'s processor, median", median(used), "µs/uplink")
            for number, by_process in spent.items()
            for process, used in by_process.items()
        ),
        Figure("worker, most memory", memory_mb, "MB"),
    ]


class _Round(NamedTuple):
    """`rate`: rows a second. `spent_us`: each process's processor, µs a row."""

    rate: float
    worker_mb: float
    spent_us: dict[str, float]


def _run(territory: Path, sent: list[Event], count: int) -> _Round:
    declared = declarations.load(territory)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="beffroi-bench-")))
        (folder / "log").mkdir()

        def keep(child: Child) -> Child:
            stack.callback(child.stop)
            return child

        broker, port = start_mosquitto(folder / "broker", log=folder / "log" / "broker.log")
        keep(broker)
        server, url, secrets = start_influxdb(folder / "influxdb", declared, log=folder / "log" / "influxdb.log")
        keep(server)
        layout = Layout(folder, territory, port, 0, 0, (url, secrets))
        layout.write(declared)
        now_ms, mono_ms = time.time_ns() // 1_000_000, time.monotonic_ns() // 1_000_000
        write_scale(layout.clock, TimeScale(wall_ms=now_ms, mono_ms=mono_ms))
        road = Stage(layout, stack)
        worker = road.start_cloud()
        processes = {"influxdb": server, "worker": worker}
        begun = {name: processor_s(child.pid) for name, child in processes.items()}
        feed = Feed(port, sent, per_s=None)
        feed.start()
        try:
            rate = _watch(road, feed, count)
        finally:
            feed.stop()
        spent_us = {name: (processor_s(child.pid) - begun[name]) / count * 1e6 for name, child in processes.items()}
        return _Round(rate, resident_mb(worker.pid), spent_us)


def _watch(road: Stage, feed: Feed, count: int) -> float:
    first: tuple[int, float] | None = None
    last = (0, time.monotonic())
    looked = 0.0
    while last[0] < count:
        feed.turn(0.002)
        now = time.monotonic()
        if now - looked < _LOOK_S:
            continue
        looked = now
        state = road.status(road.layout.cloud)
        stored = int(state["counters"]["rows_stored"]) if state else 0
        if stored > last[0]:
            last = (stored, now)
            first = first or last
        elif now - last[1] > _STALL_S:
            raise OperatorError("bench.stalled", f"{stored:,} of {count:,} stored, none for {_STALL_S:g} s")
    if first is None or first[0] == last[0]:
        raise OperatorError("bench.too_short", "everything was stored at once", hint="more --uplinks")
    return (last[0] - first[0]) / (last[1] - first[1])
