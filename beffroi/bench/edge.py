"""The agent alone (no worker): accepted uplinks a second, its memory; and how fast the commands answer."""

import subprocess
import sys
import time
from pathlib import Path

from beffroi.bench.feed import Feed
from beffroi.bench.figures import Figure, median
from beffroi.bench.stage import DAY_MS, UP_S, Stage, stage, uplinks
from beffroi.processes import resident_mb

_ROUNDS = 5
_SITE = "remiremont"
_DECODE = ("decode", "nas_ul20xx", "23", "01F37F205E8244320916200701D20294550401FE50190012501900")


def measure(territory: Path, *, count: int) -> list[Figure]:
    """The figures of one agent that accepts `count` uplinks published singly, as fast as the broker gives them."""
    items = uplinks(territory, count, start_ms=time.time_ns() // 1_000_000 - 30 * DAY_MS, site=_SITE)
    with stage(territory) as one:
        one.start_broker()
        agent = one.start_edge(_SITE)
        idle_mb = resident_mb(agent.pid)
        feed = Feed(one.layout.broker_port, items, per_s=None)
        feed.start()
        begun = time.monotonic()
        try:
            while feed.turn(0.002):
                pass
            _wait_accepted(one, len(items))
        finally:
            feed.stop()
        rate = len(items) / (time.monotonic() - begun)
        figures = [
            Figure("accepted, published singly", rate, "uplinks/s"),
            Figure("agent at rest", idle_mb, "MB", at_most=60),
            Figure(f"agent with {len(items):,} uplinks spooled", resident_mb(agent.pid), "MB", at_most=60),
        ]
    return [*figures, *_commands()]


def _wait_accepted(one: Stage, count: int) -> None:
    deadline = time.monotonic() + UP_S
    while time.monotonic() < deadline:
        state = one.status(one.layout.edge(_SITE))
        if state and state["source_accepted"] + state["duplicates"] >= count:
            return
        time.sleep(0.01)


def _commands() -> list[Figure]:
    """Wall time of whole commands, median of five."""
    return [
        Figure("beffroi --help", _seconds("--help"), "s", at_most=0.25),
        Figure("beffroi decode", _seconds(*_DECODE), "s", at_most=0.6),
    ]


def _seconds(*arguments: str) -> float:
    times = []
    for _ in range(_ROUNDS):
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-m", "beffroi", *arguments], capture_output=True, check=True)
        times.append(time.perf_counter() - begun)
    return median(times)
