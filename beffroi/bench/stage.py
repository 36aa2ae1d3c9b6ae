"""Processes and events for a bench: the demo's layout, fed at will."""

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from beffroi.demo.layout import Layout
from beffroi.processes import Child, free_port, wait_for_port
from core import territory as declarations
from core.errors import OperatorError, StorageError
from core.ports import control
from core.ports.clock import write_scale
from core.timescale import TimeScale
from simulator import fleet
from simulator.faults import FaultRates
from simulator.network import Event
from simulator.scenario import FleetName, Scenario
from simulator.stream import stream

DAY_MS = 24 * 3_600_000
UP_S = 20.0


def uplinks(folder: Path, count: int, *, start_ms: int, site: str | None = None) -> list[Event]:
    """The first uplinks of a scenario without faults, of all that is declared; of one site, or of all."""
    scenario = Scenario(territory=folder, start_ms=start_ms, fleet=FleetName.FULL)
    nodes = fleet.build(declarations.load(folder), scenario).nodes
    items = stream(nodes, seed=scenario.seed, start_ms=start_ms, faults=FaultRates().scaled(0))
    chosen = (
        item
        for item in items
        if isinstance(item, Event) and item.topic.endswith("/up") and (site is None or item.edge == site)
    )
    return list(islice(chosen, count))


class Stage:
    """A folder with the processes of a demo, started one by one."""

    def __init__(self, layout: Layout, stack: ExitStack) -> None:
        self.layout = layout
        self._stack = stack

    def start(self, name: str, *arguments: str, environment: Mapping[str, str] | None = None) -> Child:
        child = Child(name, arguments, log=self.layout.log(name), environment=environment)
        self._stack.callback(child.stop)
        return child

    def start_broker(self, port: int | None = None) -> Child:
        """The embedded broker: the cloud's, or the one at `port`."""
        port = port or self.layout.broker_port
        broker = self.start(f"broker-{port}", "beffroi.demo.broker", str(port))
        wait_for_port(port, timeout_s=10, child=broker)
        return broker

    def start_edge(self, site: str, **changed: str | int) -> Child:
        """Started, and subscribed at its source. `changed`: settings beside the layout's, e.g. `spool__preset="sd"`."""
        settings = str(self.layout.settings(f"edge-{site}"))
        environment = {f"BEFFROI_EDGE__{key.upper()}": str(value) for key, value in changed.items()}
        child = self.start(f"edge-{site}", "beffroi", "edge", "run", "--settings", settings, environment=environment)
        self._wait_up(child, lambda: (state := self.status(self.layout.edge(site))) and state["source_connected"])
        return child

    def start_cloud(self) -> Child:
        """Started, and subscribed at its broker."""
        child = self.start("cloud", "beffroi", "cloud", "run", "--settings", str(self.layout.settings("cloud")))
        self._wait_up(child, lambda: (state := self.status(self.layout.cloud)) and state["broker"]["connected"])
        return child

    @staticmethod
    def _wait_up(child: Child, is_up: Callable[[], Any]) -> None:
        deadline = time.monotonic() + UP_S
        while not is_up():
            if time.monotonic() > deadline or not child.running:
                raise OperatorError("bench.not_up", f"{child.name} does not come up", hint=child.last_words())
            time.sleep(0.02)

    @staticmethod
    def status(folder: Path) -> dict[str, Any] | None:
        try:
            answer: dict[str, Any] = control.ask(folder, "status", timeout_s=5)
        except StorageError:
            return None
        return answer


@contextmanager
def stage(territory: Path, *, two_brokers: bool = False) -> Iterator[Stage]:
    """A stage in a temporary folder, whose clock is the wall clock's; everything is stopped at the end.

    Args:
        two_brokers: the network servers have one of their own, so that the cloud's may be absent.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="beffroi-bench-")))
        layout = Layout(folder, territory, free_port(), free_port(), free_port() if two_brokers else 0)
        layout.write(declarations.load(territory))
        now_ms, mono_ms = time.time_ns() // 1_000_000, time.monotonic_ns() // 1_000_000
        write_scale(layout.clock, TimeScale(wall_ms=now_ms, mono_ms=mono_ms))
        yield Stage(layout, stack)
