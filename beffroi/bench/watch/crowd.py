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
from functools import cache
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
from core.territory import Asset, Territory
from simulator.scenario import FleetName

HOUR_MS = 3_600_000
_START_MS = 1_768_233_600_000  # 2026-01-12T16:00:00Z: the lamps are lit
_FILL_MS = 26 * HOUR_MS  # a day and the next evening
_NEWS_MS = 2 * HOUR_MS  # by then each has spoken, but for those that are out
_SEED = 1
_GATEWAY = '"7076ff00'  # how the EUIs of the example's gateways begin, in a stored row


def measure(folder: Path, *, assets: int, note: Callable[[str], None]) -> list[Figure]:
    """Seconds of one pass and resident memory, in a process of its own; `folder`: the example territory."""
    with tempfile.TemporaryDirectory(prefix="beffroi-bench-") as kept:
        path = Path(kept) / "points"
        note("simulating a day of the example")
        world = World(declarations.load(folder), seed=_SEED, start_ms=_START_MS, name=FleetName.FULL)
        until_ms = _START_MS + _FILL_MS + _NEWS_MS
        told = world.arrivals(until_ms=until_ms)
        count = slices.write(path, passes(told, lambda _: None, start_ms=_START_MS, until_ms=until_ms, pass_ms=PASS_MS))
        note(f"{count:,} points of {len(world.edges):,} devices, told again as {assets:,}")
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, mp_context=context) as pool:
            return pool.submit(_watch, path, folder, assets).result()


def _watch(path: Path, folder: Path, assets: int) -> list[Figure]:
    example = declarations.load(folder)
    sensors = sum(one.end_ms is None for one in example.assignments)
    copies = -(-assets // sensors)
    territory = _crowd(example, copies, assets)
    del example
    gc.collect()
    declared_mb = resident_mb(os.getpid())
    eyes = Eyes(territory, now_ms=_START_MS)
    full_ms = _START_MS + _FILL_MS
    spoke: set[str] = set()
    news: list[Point] = []
    news_ms = first_s = filled_mb = 0.0
    for now_ms, points in slices.read(path):
        if now_ms <= full_ms:
            for number in range(copies):
                eyes.take(_retold(points, number))
        if now_ms == full_ms:
            first_s = _seconds(lambda: eyes.look((), full_ms))
            gc.collect()
            filled_mb = resident_mb(os.getpid())
        elif now_ms > full_ms:
            fresh = _first_words(points, spoke)
            for number in range(copies):
                news += _retold(fresh, number)
            news_ms = now_ms
    known = territory.assets
    heard = {point.tags["asset"] for point in news if point.tags.get("asset") in known}
    news_s = _seconds(lambda: eyes.look(news, int(news_ms)))
    return [
        Figure(f"one pass, {len(heard):,} of {assets:,} with news", news_s, "s", at_most=10.0),
        Figure("the first pass, after a start", first_s, "s"),
        Figure("resident", filled_mb, "MB", at_most=500.0),
        Figure("of it, before the watch", declared_mb, "MB"),
    ]


def _seconds(act: Callable[[], object]) -> float:
    """Of one core."""
    begun = time.process_time()
    act()
    return time.process_time() - begun


def _first_words(points: list[Point], spoke: set[str]) -> list[Point]:
    """All points of the first uplink of each device that has not spoken yet."""
    uplinks = {
        (point.tags["device"], point.time_us)
        for point in points
        if point.measurement == UPLINK and point.tags["device"] not in spoke
    }
    first: dict[str, int] = {}
    for device, time_us in uplinks:
        first[device] = min(time_us, first.get(device, time_us))
    spoke.update(first)
    return [point for point in points if first.get(point.tags.get("device", "")) == point.time_us]


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


def _crowd(example: Territory, copies: int, assets: int) -> Territory:
    """So many sensors: whole copies, and a part of the last."""
    tenants, communes, sites, circuits = {}, {}, {}, {}
    known: dict[str, Asset] = {}
    devices, assignments = {}, []
    rename = msgspec.structs.replace
    left = assets
    for number in range(copies):
        end = _ending(number)
        for tenant in example.tenants.values():
            names = tuple(name + end for name in tenant.communes)
            tenants[tenant.id + end] = rename(tenant, id=tenant.id + end, communes=names)
        for commune in example.communes.values():
            insee = commune.insee + end
            communes[insee] = rename(commune, insee=insee, tenant=commune.tenant + end)
        for site in example.sites.values():
            gateways = tuple(rename(one, eui=f"7076ff{number:02x}{one.eui[8:]}") for one in site.gateways)
            sites[site.id + end] = rename(
                site, id=site.id + end, commune=site.commune + end, tenant=site.tenant + end, gateways=gateways
            )
        for circuit in example.circuits.values():
            circuits[circuit.id + end] = rename(circuit, id=circuit.id + end, cabinet=circuit.cabinet + end)
        living = [one for one in example.assignments if one.end_ms is None][:left]
        left -= len(living)
        chosen = {one.asset for one in living} | {one.cabinet for one in example.circuits.values()}
        for asset in example.assets.values():
            if asset.id in chosen:
                circuit_id = None if asset.circuit is None else asset.circuit + end
                known[asset.id + end] = rename(
                    asset, id=asset.id + end, commune=asset.commune + end, circuit=circuit_id
                )
        for one in living:
            eui = _eui(one.dev_eui, number)
            devices[eui] = rename(example.devices[one.dev_eui], dev_eui=eui)
            assignments.append(rename(one, dev_eui=eui, asset=one.asset + end))
    return replace(
        example,
        tenants=tenants,
        communes=communes,
        sites=sites,
        circuits=circuits,
        assets=known,
        devices=devices,
        assignments=tuple(assignments),
    )
