"""The agent alone: uplinks accepted a second, what draining them costs it, its memory; how fast the commands answer.

The uplinks are accepted while the cloud's broker is away; then broker and worker appear, and all are drained. The
machine may be shared: beside the rate by the clock stands the rate by the agent's own processor time.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from beffroi.bench.feed import Feed
from beffroi.bench.figures import Figure, median
from beffroi.bench.stage import DAY_MS, Stage, stage, uplinks
from beffroi.processes import processor_s, resident_mb
from core.errors import OperatorError

_ROUNDS = 5
_SITE = "remiremont"
_STALL_S = 60.0
_LOOK_S = 0.2  # the agent answers a question in its own processor time
_DECODE = ("decode", "nas_ul20xx", "23", "01F37F205E8244320916200701D20294550401FE50190012501900")


def measure(territory: Path, *, count: int) -> list[Figure]:
    """The figures of one agent that accepts `count` uplinks published singly, then delivers them."""
    items = uplinks(territory, count, start_ms=time.time_ns() // 1_000_000 - 30 * DAY_MS, site=_SITE)
    with stage(territory, two_brokers=True) as one:
        one.start_broker(one.layout.source_port)
        agent = one.start_edge(_SITE, spool__keep_settled="false", health_s=60)
        idle_mb, idle_s = resident_mb(agent.pid), processor_s(agent.pid)
        begun = time.monotonic()
        feed = Feed(one.layout.source_port, items, per_s=None)
        feed.start()
        try:
            while feed.turn(0.002):
                pass
            _wait(one, lambda state: state["source_accepted"] + state["duplicates"] >= len(items))
        finally:
            feed.stop()
        wall_s, accepting_s = time.monotonic() - begun, processor_s(agent.pid) - idle_s
        spooled_mb = resident_mb(agent.pid)
        one.start_broker()
        one.start_cloud()
        _wait(one, lambda state: bool(state["link_connected"]))
        begun_s = processor_s(agent.pid)
        _wait(one, lambda state: state["spooled"] == 0)
        draining_s = processor_s(agent.pid) - begun_s
        drained_mb = resident_mb(agent.pid)
    return [
        Figure("accepted, published singly", len(items) / wall_s, "uplinks/s"),
        Figure("accepted, by the agent's processor", len(items) / accepting_s, "uplinks/s", at_least=2000),
        Figure("accepting, the agent's processor", accepting_s / len(items) * 1e6, "µs/uplink"),
        Figure("draining, the agent's processor", draining_s / len(items) * 1e6, "µs/uplink"),
        Figure("agent at rest", idle_mb, "MB", at_most=60),
        Figure(f"agent with {len(items):,} uplinks spooled", spooled_mb, "MB", at_most=60),
        Figure("agent after it has delivered them", drained_mb, "MB", at_most=60),
        *_commands(),
    ]


def _wait(one: Stage, is_done: Callable[[dict[str, Any]], bool]) -> None:
    """Until the agent says so; it must get on.

    Raises:
        OperatorError: `bench.stalled`.
    """
    spooled, since = -1, time.monotonic()
    while True:
        state = one.status(one.layout.edge(_SITE))
        if state and is_done(state):
            return
        if state and state["spooled"] != spooled:
            spooled, since = state["spooled"], time.monotonic()
        if time.monotonic() - since > _STALL_S:
            raise OperatorError("bench.stalled", f"{spooled:,} uplinks are spooled, and nothing moves")
        time.sleep(_LOOK_S)


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
