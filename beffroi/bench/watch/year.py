"""How long a year takes: its points are generated beforehand, then watched pass after pass, by communes side by side.

What is counted is the watch's: `take` and `look` of every pass. Simulating, and reading the file (which stands for what
the loop would ask a store), are told apart.
"""

import multiprocessing
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from typing import TypeVar

import msgspec

from beffroi.bench.figures import Figure
from beffroi.bench.watch import slices
from beffroi.bench.watch.episodes import Record
from beffroi.bench.watch.sight import Eyes
from beffroi.bench.watch.watching import DAY_MS, PASS_MS, passes, start_of
from beffroi.bench.watch.world import World
from cloud.stores.base import Point
from core import console
from core import territory as declarations
from core.territory import Territory
from simulator.scenario import FleetName

YEAR_DAYS = 365.0
TARGET_S = 300.0
_SEED = 1000
_PROGRESS = 0.1
_Result = TypeVar("_Result")


class _Spent(msgspec.Struct):
    points: int
    watch_s: float
    reading_s: float
    findings: int


def measure(folder: Path, *, days: float, name: FleetName, processes: int, note: Callable[[str], None]) -> list[Figure]:
    """The time of the slowest process, which is how long one waits."""
    parts = _parts(declarations.load(folder), name, processes)
    context = multiprocessing.get_context("spawn")
    with (
        tempfile.TemporaryDirectory(prefix="beffroi-bench-") as kept,
        ProcessPoolExecutor(len(parts), mp_context=context) as pool,
    ):
        paths = [Path(kept) / f"points-{number}" for number in range(len(parts))]
        note(f"simulating {days:g} days of {name.value}, in {len(parts)} parts")
        begun = time.monotonic()
        counts = _all(
            [pool.submit(_generate, folder, part, days, name, path) for part, path in zip(parts, paths, strict=True)]
        )
        size_mb = sum(path.stat().st_size for path in paths) / 1e6
        note(f"{sum(counts):,} points, {size_mb:,.0f} MB, in {time.monotonic() - begun:.0f} s; watching")
        spent = _all(
            [pool.submit(_watch, folder, part, name, path, days) for part, path in zip(parts, paths, strict=True)]
        )
    slowest_s = max(one.watch_s for one in spent)
    share = days / YEAR_DAYS
    return [
        Figure(
            f"{days:g} days watched, the slower of {len(parts)} processes", slowest_s, "s", at_most=TARGET_S * share
        ),
        Figure("a year at that pace", slowest_s / share, "s", at_most=TARGET_S),
        Figure("processor time of all", sum(one.watch_s for one in spent), "s"),
        Figure("reading the file, all", sum(one.reading_s for one in spent), "s"),
        Figure("points", sum(one.points for one in spent), ""),
        Figure("findings raised", sum(one.findings for one in spent), ""),
    ]


def _all(waiting: Sequence[Future[_Result]]) -> list[_Result]:
    return [one.result() for one in waiting]


def _parts(territory: Territory, name: FleetName, count: int) -> list[frozenset[str]]:
    """Communes with about as many devices each."""
    world = World(territory, seed=_SEED, start_ms=start_of(_SEED), name=name)
    devices = Counter(territory.assets[asset].commune for asset in world.edges)
    parts: list[set[str]] = [set() for _ in range(min(count, len(devices)))]
    loads = [0] * len(parts)
    for commune, load in sorted(devices.items(), key=lambda item: (-item[1], item[0])):
        lightest = loads.index(min(loads))
        parts[lightest].add(commune)
        loads[lightest] += load
    return [frozenset(part) for part in parts]


def _world(folder: Path, part: frozenset[str], name: FleetName) -> World:
    territory = declarations.load(folder)
    assets = territory.assets
    return World(
        territory,
        seed=_SEED,
        start_ms=start_of(_SEED),
        name=name,
        lives=lambda node: assets[node.asset].commune in part,
    )


def _generate(folder: Path, part: frozenset[str], days: float, name: FleetName, path: Path) -> int:
    start_ms = start_of(_SEED)
    until_ms = start_ms + round(days * DAY_MS)
    told = _world(folder, part, name).arrivals(until_ms=until_ms)
    made = passes(told, lambda _: None, start_ms=start_ms, until_ms=until_ms, pass_ms=PASS_MS)
    return slices.write(path, _noted(made, start_ms, until_ms, "simulated"))


def _watch(folder: Path, part: frozenset[str], name: FleetName, path: Path, days: float) -> _Spent:
    start_ms = start_of(_SEED)
    eyes = Eyes(_world(folder, part, name).territory, now_ms=start_ms)
    record = Record()
    count, watch_s, begun = 0, 0.0, time.process_time()
    for now_ms, points in _noted(slices.read(path), start_ms, start_ms + round(days * DAY_MS), "watched"):
        before_s = time.process_time()
        sight = eyes.look(points, now_ms)
        watch_s += time.process_time() - before_s
        record.note(now_ms, sight.findings, sight.changes)
        count += len(points)
    return _Spent(count, watch_s, time.process_time() - begun - watch_s, len(record.episodes))


def _noted(
    made: Iterable[tuple[int, list[Point]]], start_ms: int, until_ms: int, what: str
) -> Iterator[tuple[int, list[Point]]]:
    """Says how far it is, every tenth."""
    told = 1
    for now_ms, points in made:
        yield now_ms, points
        if now_ms - start_ms >= told * _PROGRESS * (until_ms - start_ms):
            console.note(f"{what} {told * _PROGRESS:.0%}")
            told += 1
