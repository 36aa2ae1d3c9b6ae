"""One pass over a crowd: the example territory many times over, so many sensors, each with news.

The readings are simulated once for the example and told again under the names of each copy. They are written to a file
first and watched by a process of its own, so that its memory is the watch's: territory, detectors and what they keep.
"""

import gc
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import msgspec

from beffroi.bench.figures import Figure
from beffroi.bench.watch import slices
from beffroi.bench.watch.sight import Eyes
from beffroi.bench.watch.watching import PASS_MS, passes
from beffroi.bench.watch.world import World
from beffroi.processes import resident_mb
from cloud.schema import ORIGIN, ROW, UPLINK
from cloud.stores.base import Point
from core import territory as declarations
from core.territory import Territory
from simulator.scenario import FleetName

HOUR_MS = 3_600_000
_START_MS = 1_768_233_600_000  # 2026-01-12T16:00:00Z: the lamps are lit
_NEWS_MS = _START_MS + 28 * HOUR_MS  # the pass that is measured: the next evening
_FRESH_MS = 2 * HOUR_MS  # what is told in it is each device's last uplink, if it is not older
_SEED = 1
_GATEWAY = '"7076ff00'  # how the EUIs of the example's gateways begin, in a stored row


def measure(folder: Path, *, assets: int, note: Callable[[str], None]) -> list[Figure]:
    """Seconds of one pass and resident memory, in a process of its own; `folder`: the example territory."""
    with tempfile.TemporaryDirectory(prefix="beffroi-bench-") as kept:
        path = Path(kept) / "points"
        note("simulating a day of the example")
        world = World(declarations.load(folder), seed=_SEED, start_ms=_START_MS, name=FleetName.FULL)
        told = world.arrivals(until_ms=_NEWS_MS)
        made = passes(told, lambda _: None, start_ms=_START_MS, until_ms=_NEWS_MS, pass_ms=PASS_MS)
        count = slices.write(path, made)
        note(f"{count:,} points of {len(world.edges):,} devices, told again as {assets:,}")
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, mp_context=context) as pool:
            return pool.submit(_watch, path, folder, assets).result()


def _watch(path: Path, folder: Path, assets: int) -> list[Figure]:
    """Copy after copy is told the past, as a loop that starts reads tenant after tenant; then all have news at once."""
    example = declarations.load(folder)
    sensors = sum(one.end_ms is None for one in example.assignments)
    copies = [
        _copy(example, number, min(sensors, assets - done)) for number, done in enumerate(range(0, assets, sensors))
    ]
    del example
    gc.collect()
    declared_mb = resident_mb(os.getpid())
    last = _last_words(path)
    eyes: list[Eyes] = []
    fresh: list[Point] = []
    first_s = 0.0
    for number, territory in enumerate(copies):
        looking = Eyes(territory, now_ms=_START_MS)
        for _, points in slices.read(path):
            before, held_back = _parted(points, last)
            looking.take(_retold(before, number))
            if number == 0:
                fresh += held_back
        first_s += _seconds(partial(looking.look, (), _NEWS_MS - PASS_MS))
        eyes.append(looking)
    gc.collect()
    filled_mb = resident_mb(os.getpid())
    gc.freeze()  # as a worker does with what stays
    told_again = [list(_retold(fresh, number)) for number in range(len(copies))]
    heard = sum(
        len({point.tags["asset"] for point in news if point.tags["asset"] in territory.assets})
        for news, territory in zip(told_again, copies, strict=True)
    )
    news_s = sum(
        _seconds(partial(looking.look, news, _NEWS_MS)) for looking, news in zip(eyes, told_again, strict=True)
    )
    return [
        Figure(f"one pass, {heard:,} of {assets:,} with news", news_s, "s", at_most=10.0),
        Figure("the first pass, after a start", first_s, "s"),
        Figure("resident", filled_mb, "MB", at_most=500.0),
        Figure("of it, before the watch", declared_mb, "MB"),
    ]


def _seconds(act: Callable[[], object]) -> float:
    """Of one core."""
    begun = time.process_time()
    act()
    return time.process_time() - begun


def _last_words(path: Path) -> dict[str, int]:
    """The time of the last uplink of each device that has spoken within `_FRESH_MS` before the pass."""
    found: dict[str, int] = {}
    for now_ms, points in slices.read(path):
        if now_ms > _NEWS_MS - _FRESH_MS:
            found.update({point.tags["device"]: point.time_us for point in points if point.measurement == UPLINK})
    return found


def _parted(points: list[Point], last: dict[str, int]) -> tuple[list[Point], list[Point]]:
    """What is told before the pass, and each device's last words."""
    before: list[Point] = []
    held_back: list[Point] = []
    for point in points:
        chosen = held_back if last.get(point.tags.get("device", "")) == point.time_us else before
        chosen.append(point)
    return before, held_back


def _retold(points: list[Point], number: int) -> Iterator[Point]:
    """The same points as the copy of that number would have told them."""
    end = _ending(number)
    gateway = f'"7076ff{number:02x}'
    for point in points:
        tags = {name: text + end if name in _NAMED else text for name, text in point.tags.items()}
        device = tags.get("device")
        if device is not None:
            tags["device"] = _eui(device, number)
        fields = point.fields
        if point.measurement == UPLINK:
            row, origin = str(fields[ROW]), str(fields[ORIGIN])
            edge, _, rest = origin.partition("/")
            fields = {**fields, ROW: row.replace(_GATEWAY, gateway), ORIGIN: f"{edge}{end}/{rest}"}
        yield Point(point.measurement, tags, point.time_us, fields)


_NAMED = frozenset({"asset", "commune", "site"})


@cache
def _ending(number: int) -> str:
    return f"~{number}"


def _eui(eui: str, number: int) -> str:
    return f"{number:04x}{eui[4:]}"


def _copy(example: Territory, number: int, sensors: int) -> Territory:
    """The example under other names, with so many of its sensors."""
    end = _ending(number)
    rename = msgspec.structs.replace
    living = [one for one in example.assignments if one.end_ms is None][:sensors]
    chosen = {one.asset for one in living} | {one.cabinet for one in example.circuits.values()}
    return replace(
        example,
        tenants={
            name + end: rename(tenant, id=name + end, communes=tuple(insee + end for insee in tenant.communes))
            for name, tenant in example.tenants.items()
        },
        communes={
            insee + end: rename(commune, insee=insee + end, tenant=commune.tenant + end)
            for insee, commune in example.communes.items()
        },
        sites={
            name + end: rename(
                site,
                id=name + end,
                commune=site.commune + end,
                tenant=site.tenant + end,
                gateways=tuple(rename(one, eui=f"7076ff{number:02x}{one.eui[8:]}") for one in site.gateways),
            )
            for name, site in example.sites.items()
        },
        circuits={
            name + end: rename(circuit, id=name + end, cabinet=circuit.cabinet + end)
            for name, circuit in example.circuits.items()
        },
        assets={
            name + end: rename(
                asset,
                id=name + end,
                commune=asset.commune + end,
                circuit=None if asset.circuit is None else asset.circuit + end,
            )
            for name, asset in example.assets.items()
            if name in chosen
        },
        devices={
            _eui(one.dev_eui, number): rename(example.devices[one.dev_eui], dev_eui=_eui(one.dev_eui, number))
            for one in living
        },
        assignments=tuple(rename(one, dev_eui=_eui(one.dev_eui, number), asset=one.asset + end) for one in living),
    )
