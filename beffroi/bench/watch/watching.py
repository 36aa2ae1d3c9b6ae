"""One scenario, lived and watched in one go: pass after pass of simulated time."""

import time
from collections.abc import Callable, Iterable, Iterator

import msgspec

from beffroi.bench.watch.episodes import Record
from beffroi.bench.watch.host import Arrival
from beffroi.bench.watch.matching import Comparison, compare
from beffroi.bench.watch.sight import Eyes
from beffroi.bench.watch.truth import Truth
from beffroi.bench.watch.world import World
from cloud.stores.base import Point
from core.territory import Territory
from simulator.devices.base import Fact
from simulator.faults import HARD, FaultRates
from simulator.scenario import FleetName

DAY_MS = 86_400_000
PASS_MS = 300_000
WARM_UP_DAYS = 2  # the watch gets to know the devices; what happens meanwhile is not compared
_FIRST_MS = 1_767_265_200_000  # 2026-01-01T11:00:00Z
_APART_DAYS = 37  # so that ten seeds are in ten seasons


class Watched(msgspec.Struct):
    """What a run came to. `points`: how many arrived; `watch_s`: processor seconds of the watch alone."""

    comparison: Comparison
    points: int
    watch_s: float


def start_of(seed: int) -> int:
    """When the scenario of a seed begins."""
    return _FIRST_MS + seed * _APART_DAYS % 365 * DAY_MS


def watch(
    territory: Territory,
    *,
    seed: int,
    days: float,
    name: FleetName = FleetName.CABINET,
    faults: FaultRates = HARD,
    pass_ms: int = PASS_MS,
    note: Callable[[str], None] = lambda _: None,
) -> Watched:
    """Watch so many days, after those of warming up, and compare."""
    start_ms = start_of(seed)
    from_ms = start_ms + WARM_UP_DAYS * DAY_MS
    until_ms = from_ms + round(days * DAY_MS)
    world = World(territory, seed=seed, start_ms=start_ms, name=name, faults=faults)
    truth = Truth(world.territory, best_gateways=world.best_gateways, edges=world.edges, end_ms=until_ms)
    record = Record()
    eyes = Eyes(world.territory, now_ms=start_ms)
    points_seen, watch_s, day = 0, 0.0, 0
    told = world.arrivals(until_ms=until_ms)
    for now_ms, points in passes(told, truth.note, start_ms=start_ms, until_ms=until_ms, pass_ms=pass_ms):
        points_seen += len(points)
        before_s = time.process_time()
        sight = eyes.look(points, now_ms)
        watch_s += time.process_time() - before_s
        record.note(now_ms, sight.findings, sight.changes)
        if (now_ms - start_ms) // DAY_MS > day:
            day = (now_ms - start_ms) // DAY_MS
            note(f"seed {seed}: day {day} of {WARM_UP_DAYS + days:g}")
    comparison = compare(truth, record, world.territory, from_ms=from_ms, until_ms=until_ms)
    return Watched(comparison, points_seen, watch_s)


def passes(
    told: Iterable[Arrival | Fact], note: Callable[[Fact], None], *, start_ms: int, until_ms: int, pass_ms: int
) -> Iterator[tuple[int, list[Point]]]:
    """The points that arrived until each pass; what really happened is noted."""
    now_ms = start_ms + pass_ms
    arrived: list[Point] = []
    for item in told:
        while item.at_ms > now_ms and now_ms <= until_ms:
            yield now_ms, arrived
            arrived, now_ms = [], now_ms + pass_ms
        if isinstance(item, Fact):
            note(item)
        else:
            arrived += item.made.points
    while now_ms <= until_ms:
        yield now_ms, arrived
        arrived, now_ms = [], now_ms + pass_ms
