"""Accepted → visible at a steady rate.

Both ends are watched from this process: *accepted* by the edges' own status, *visible* by counting the store
read-only. The n-th row accepted is matched with the n-th row visible; the watch looks every few milliseconds, which
is also the error of the figure.
"""

import threading
import time
from pathlib import Path

from beffroi.bench.feed import Feed
from beffroi.bench.figures import Figure, median, percentile
from beffroi.bench.stage import DAY_MS, Stage, stage, uplinks
from beffroi.processes import resident_mb
from cloud.stores.opening import open_store

_DRAIN_S = 20.0


def measure(territory: Path, *, per_s: float, for_s: float) -> list[Figure]:
    """The figures of the road at `per_s` uplinks a second during `for_s` seconds."""
    start_ms = time.time_ns() // 1_000_000 - DAY_MS
    items = uplinks(territory, int(per_s * for_s), start_ms=start_ms)
    sites = sorted({item.edge for item in items})
    with stage(territory) as road:
        road.start_broker()
        cloud = road.start_cloud()
        edges = [road.start_edge(site) for site in sites]
        feed = Feed(road.layout.broker_port, items, per_s=per_s)
        watch = _Watch(road, sites)
        feed.start()
        try:
            while feed.turn(0.002):
                pass
            watch.wait_for(len(items), timeout_s=_DRAIN_S)
        finally:
            watch.stop()
            feed.stop()
        latencies = watch.latencies()
        return [
            Figure("accepted → visible, median", median(latencies) * 1000, "ms"),
            Figure("accepted → visible, p99", percentile(latencies, 0.99) * 1000, "ms", at_most=1000),
            Figure("rows matched", len(latencies), "rows", at_least=len(items)),
            Figure("largest edge agent", max(resident_mb(edge.pid) for edge in edges), "MB", at_most=60),
            Figure("worker", resident_mb(cloud.pid), "MB"),
        ]


class _Watch:
    """Notes, from a thread each, when counts were first seen: accepted, visible; and when the page first changed."""

    def __init__(self, road: Stage, sites: list[str]) -> None:
        self._road = road
        self._sites = sites
        self._store = open_store(road.layout.store_settings, read_only=True)
        self._accepted: list[float] = []
        self._visible: list[float] = []
        self._stop = threading.Event()
        watchers = (self._watch_accepted, self._watch_visible)
        self._threads = [threading.Thread(target=watcher, daemon=True) for watcher in watchers]
        for thread in self._threads:
            thread.start()

    def _watch_accepted(self) -> None:
        while not self._stop.wait(0.003):
            states = [self._road.status(self._road.layout.edge(site)) for site in self._sites]
            count = sum(state["accepted"]["measurement"] + state["accepted"]["urgent"] for state in states if state)
            self._accepted += [time.monotonic()] * (count - len(self._accepted))

    def _watch_visible(self) -> None:
        while not self._stop.wait(0.003):
            count = sum(self._store.count(database, "uplink") for database in self._store.databases())
            self._visible += [time.monotonic()] * (count - len(self._visible))

    def wait_for(self, count: int, *, timeout_s: float) -> None:
        """Until so many rows are visible."""
        deadline = time.monotonic() + timeout_s
        while min(len(self._visible), len(self._accepted)) < count and time.monotonic() < deadline:
            self._stop.wait(0.05)

    def latencies(self) -> list[float]:
        """Seconds between the n-th acceptance and the n-th visibility."""
        return [max(0.0, seen - kept) for kept, seen in zip(self._accepted, self._visible, strict=False)]

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(5)
        self._store.close()
