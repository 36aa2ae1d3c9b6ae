"""What an agent writes in a day at one uplink a second, for each preset of its spool: what a disk or a card wears by.

Time cannot be compressed: the rhythm of commits, and what the system writes on its own between them, are the cost. So
real agents run side by side for minutes, each with its preset, fed at exactly one uplink a second and answered by a
real worker. Counted is what left for the disk: `write_bytes - cancelled_write_bytes` of the agent (proc(5), `io`),
with the journal, what moves from it into the file, receipts, the meta file and memory shared through files.

    a day = 86,400 s at the steady rate + 24 changes of segments

Segments are changed once an hour. In the run they are changed once, at its end, by their age: the steady rate is
measured before, the change is what is written above that rate while it happens.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from beffroi.bench.feed import Feed
from beffroi.bench.figures import Figure
from beffroi.bench.stage import DAY_MS, Stage, stage, uplinks
from beffroi.processes import Child
from core.model import RowClass
from edge.intake import Intake
from edge.sources.chirpstack_events import parse_event
from simulator.network import Event

AT_MOST_MB = {"default": 1500.0, "sd": 150.0}
_SITES = {"default": "remiremont", "sd": "belleville-sur-meuse"}
_SETTLED_IN_S = 70  # until each class has its segment, and the first receipts are written down
_CHANGE_S = 70  # after the segments' age: two commits of the slower preset
_DAY_S, _CHANGES_A_DAY = 86_400, 24
_MB = 1e6


@dataclass(frozen=True)
class Reading:
    """Bytes that left for the disk until a moment (monotonic seconds)."""

    at_s: float
    written: int


def measure(territory: Path, *, for_s: float) -> list[Figure]:
    """The figures of both presets; `for_s`: seconds at the steady rate."""
    seconds = int(_SETTLED_IN_S + for_s + _CHANGE_S)
    start_ms = time.time_ns() // 1_000_000 - 30 * DAY_MS
    items = {site: _urgent_first(uplinks(territory, seconds, start_ms=start_ms, site=site)) for site in _SITES.values()}
    with stage(territory) as road:
        road.start_broker()
        road.start_cloud()
        agents = {
            preset: road.start_edge(
                site,
                spool__preset=preset,
                spool__keep_settled="false",
                spool__segment_s=int(_SETTLED_IN_S + for_s),
                health_s=60,
            )
            for preset, site in _SITES.items()
        }
        readings = _run(road, agents, items, [_SETTLED_IN_S, _SETTLED_IN_S + for_s - 5, float(seconds)])
    return [figure for preset, found in readings.items() for figure in _figures(preset, found)]


def _urgent_first(items: Sequence[Event]) -> list[Event]:
    """The same events, with one that is urgent at the beginning: its class has its segment from then on, as usual."""
    intake = Intake()
    for number, item in enumerate(items):
        row_class, _ = intake.read(parse_event(item.topic, item.payload, now_ms=item.at_ms))
        if row_class is RowClass.URGENT:
            return [item, *items[:number], *items[number + 1 :]]
    return list(items)


def _run(
    road: Stage, agents: dict[str, Child], items: dict[str, list[Event]], looks_s: list[float]
) -> dict[str, list[Reading]]:
    """Feed both at one a second; what each has written at the given seconds."""
    readings: dict[str, list[Reading]] = {preset: [] for preset in agents}
    feeds = [Feed(road.layout.broker_port, items[site], per_s=1.0) for site in _SITES.values()]
    for feed in feeds:
        feed.start()
    begun = time.monotonic()
    try:
        for look_s in looks_s:
            while time.monotonic() - begun < look_s:
                for feed in feeds:
                    feed.turn(0.05)
            for preset, agent in agents.items():
                readings[preset].append(Reading(time.monotonic(), _written(agent.pid)))
    finally:
        for feed in feeds:
            feed.stop()
    return readings


def _written(pid: int) -> int:
    lines = Path(f"/proc/{pid}/io").read_text("ascii").splitlines()
    counted = {name: int(value) for name, value in (line.split(": ") for line in lines)}
    return counted["write_bytes"] - counted["cancelled_write_bytes"]


def _figures(preset: str, readings: list[Reading]) -> list[Figure]:
    begun, steady, ended = readings
    per_s = (steady.written - begun.written) / (steady.at_s - begun.at_s)
    change = max(0.0, ended.written - steady.written - per_s * (ended.at_s - steady.at_s))
    day = per_s * _DAY_S + change * _CHANGES_A_DAY
    return [
        Figure(f"{preset}: written for one uplink", per_s / 1000, "kB"),
        Figure(f"{preset}: written for a change of segments", change / 1000, "kB"),
        Figure(f"{preset}: written a day at 1 uplink/s", day / _MB, "MB", at_most=AT_MOST_MB[preset]),
    ]
