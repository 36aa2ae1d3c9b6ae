"""A demo from its first process to its balance."""

import contextlib
import json
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Any

from beffroi.demo.fleet import declare
from beffroi.demo.layout import Layout
from beffroi.demo.outcome import Outcome, doubts, watched, weigh
from beffroi.demo.page_watch import PageWatch
from beffroi.processes import Child, free_port, port_is_taken, wait_for_port
from core import console, territory
from core.errors import OperatorError, StorageError
from core.ports import control
from core.ports.clock import write_scale
from core.timescale import TimeScale
from simulator.scenario import FleetName
from simulator.selection import SELECTIONS

_AGO = timedelta(hours=48)
_FILL = timedelta(hours=24)  # at full speed (simulator.clock)
_PROGRESS_S = 2.0
_UP_S = 30.0
_DRAIN_S = 30.0  # longest wait for the road to come to rest before it is weighed


@dataclass(frozen=True)
class DemoOptions:
    territory: Path
    folder: Path | None
    speed: float
    fleet: str
    seed: int
    scenario: str
    page_port: int | None
    for_s: float | None
    operator: bool = False


@dataclass
class Demo:
    """Starts every process in order, watches them, stops them in order and has the road weighed."""

    options: DemoOptions
    _children: dict[str, Child] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)
    _failures: list[str] = field(default_factory=list)
    _page: PageWatch | None = None
    _page_moved_s: float | None = None

    def run(self) -> Outcome:
        """Until Ctrl-C, SIGTERM, or the end of `for_s`.

        Raises:
            OperatorError: the page's port is taken, or a process does not come up.
            ConfigError: the territory has faults.
        """
        options = self.options
        declared = territory.load(options.territory)
        if options.page_port is not None and port_is_taken(options.page_port):
            raise OperatorError(
                "demo.port_taken",
                f"port {options.page_port} is in use",
                hint="another demo? stop it, or choose another with --port",
            )
        folder = options.folder or Path(tempfile.mkdtemp(prefix="beffroi-demo-"))
        lives = options.territory
        chosen = SELECTIONS[FleetName(options.fleet)].choose(
            declared.assets[name] for name in {one.asset for one in declared.assignments}
        )
        if len(chosen) < len({one.asset for one in declared.assignments}):
            lives = folder.resolve() / "territory"
            declare(options.territory, declared, chosen, lives)
            declared = territory.load(lives)
        layout = Layout(folder.resolve(), lives, free_port(), options.page_port or free_port())
        layout.write(declared)
        sites = sorted(declared.sites)
        begun = time.monotonic()
        with self._stopping_on_signals():
            try:
                self._start(layout, sites)
                self._watch(layout, sites, begun)
                published = self._stop_simulator(layout)
                in_transit = self._drain(layout, sites, published)
            finally:
                self._stop_all()
        console.note("weighing every row by value, in another process (a whole day takes a minute or two)…")
        balance = weigh(layout, sites)
        self._failures += doubts(balance, published, in_transit)
        told = watched(layout)
        keep = options.folder is not None or not balance["balanced"] or bool(self._failures)
        if not keep:
            shutil.rmtree(folder)
        return Outcome(
            balance=balance,
            published=published,
            in_transit=in_transit,
            seed=options.seed,
            elapsed_s=time.monotonic() - begun,
            page_moved_s=self._page_moved_s,
            folder=folder if keep else None,
            watch=told,
            failures=tuple(self._failures),
        )

    @contextlib.contextmanager
    def _stopping_on_signals(self) -> Iterator[None]:
        def stop(_signal: int, _frame: FrameType | None) -> None:
            self._stop.set()

        before = {one: signal.signal(one, stop) for one in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)

    def _spawn(self, name: str, layout: Layout, *arguments: str) -> Child:
        child = Child(name, arguments, log=layout.log(name))
        self._children[name] = child
        return child

    def _start(self, layout: Layout, sites: list[str]) -> None:
        """The broker first, the edges once the worker is there: nothing is sent before someone keeps it."""
        options = self.options
        start = self._began_at = datetime.now(UTC) - _AGO
        # the simulator owns the time; until it is up, the time stands where the scenario begins
        start_ms = round(start.timestamp() * 1000)
        write_scale(layout.clock, TimeScale(wall_ms=start_ms, mono_ms=0, not_after_ms=start_ms))
        broker = self._spawn("broker", layout, "beffroi.demo.broker", str(layout.broker_port))
        wait_for_port(layout.broker_port, timeout_s=10, child=broker)
        self._spawn("cloud", layout, "beffroi", "cloud", "run", "--settings", str(layout.settings("cloud")))
        if options.page_port is not None:
            flags = ["--operator"] if options.operator else []
            self._spawn("page", layout, "beffroi", "page", "run", "--settings", str(layout.settings("page")), *flags)
            self._page = PageWatch(layout.page_port)
            console.note(f"page: http://127.0.0.1:{layout.page_port}")
        chosen = {
            "--territory": options.territory,
            "--broker": f"127.0.0.1:{layout.broker_port}",
            "--seed": options.seed,
            "--fleet": options.fleet,
            "--scenario": options.scenario,
            "--speed": options.speed,
            "--start": start.isoformat(),
            "--clock": layout.clock,
            "--truth": layout.truth,
            "--wait": "60s",
        }
        flags = [str(part) for option in chosen.items() for part in option]
        self._spawn("simulator", layout, "beffroi", "simulate", "run", "--json", *flags)
        self._wait_for_worker(layout)
        for site in sites:
            settings = str(layout.settings(f"edge-{site}"))
            self._spawn(f"edge-{site}", layout, "beffroi", "edge", "run", "--settings", settings)

    def _wait_for_worker(self, layout: Layout) -> None:
        """What an edge sends before the broker knows the worker would have to be sent again a minute later."""
        worker = self._children["cloud"]
        deadline = time.monotonic() + _UP_S
        while not self._stop.is_set() and not ((state := _ask(layout.cloud)) and state["broker"]["connected"]):
            if not worker.running or time.monotonic() > deadline:
                raise OperatorError("process.not_up", "the worker does not come up", hint=worker.last_words())
            time.sleep(0.02)

    def _watch(self, layout: Layout, sites: list[str], begun: float) -> None:
        """Wait for the end, one line of progress every two seconds; a process that dies is a failure and is named."""
        told_s = 0.0
        while not self._stop.wait(0.25):
            dead = [child for child in self._children.values() if not child.running]
            if dead:
                self._failures += [f"{one.name} ended with {one.exit_code}: {one.last_words()}" for one in dead]
                console.note("\n".join(self._failures))
                return
            elapsed = time.monotonic() - begun
            if self._page is not None and self._page_moved_s is None and self._page.has_moved():
                self._page_moved_s = elapsed
            if self.options.for_s is not None and elapsed >= self.options.for_s:
                return
            if elapsed - told_s >= _PROGRESS_S:
                console.note(_progress(layout, sites, self._began_at))
                told_s = elapsed

    def _stop_simulator(self, layout: Layout) -> dict[str, Any]:
        """Stop publishing; what the simulator says it published."""
        simulator = self._children["simulator"]
        console.note("stopping: the devices fall silent, the road comes to rest…")
        simulator.stop()
        for line in reversed(layout.log("simulator").read_text("utf-8", "replace").splitlines()):
            if line.startswith("{"):
                result: dict[str, Any] = json.loads(line)
                return result
        self._failures.append(f"the simulator gave no result: {simulator.last_words()}")
        return {}

    def _drain(self, layout: Layout, sites: list[str], published: dict[str, Any]) -> int:
        """Wait until nothing is under way, or nothing moves; how many events no edge has seen."""
        deadline = time.monotonic() + _DRAIN_S
        in_transit = 0
        while time.monotonic() < deadline:
            states = [state for site in sites if (state := _ask(layout.edge(site)))]
            in_transit = max(0, published.get("to_accept", 0) - sum(_source_events(state) for state in states))
            if (
                states
                and in_transit == 0
                and all(state["spooled"] == 0 and state["open_rows"] == 0 for state in states)
            ):
                break
            time.sleep(0.1)
        return in_transit

    def _stop_all(self) -> None:
        """In the order of the road, so that each can hand over what it has."""
        edges = [name for name in self._children if name.startswith("edge-")]
        for group in (["simulator"], edges, ["cloud"], ["page", "broker"]):
            present = [self._children[name] for name in group if name in self._children]
            for child in present:
                child.terminate()
            for child in present:
                code = child.wait(15)
                if child.name in {"cloud", *edges} and code != 0:
                    self._failures.append(f"{child.name} ended with {code}: {child.last_words()}")


def _ask(folder: Path) -> dict[str, Any] | None:
    try:
        answer: dict[str, Any] = control.ask(folder, "status", timeout_s=5)
    except StorageError:
        return None  # not up yet, or down again
    return answer


def _source_events(state: dict[str, Any]) -> int:
    """Events of the network server that this edge has accepted or knows as duplicates."""
    return int(state["source_accepted"] + state["duplicates"])


def _progress(layout: Layout, sites: list[str], began_at: datetime) -> str:
    """Where the road stands, from the edges' own status."""
    states = [state for site in sites if (state := _ask(layout.edge(site)))]
    if not states:
        return "starting…"
    accepted = sum(sum(state["accepted"].values()) for state in states)
    spooled = sum(state["spooled"] for state in states)
    moment = datetime.fromtimestamp(max(state["at_ms"] for state in states) / 1000, UTC)
    filled = (moment - began_at) / _FILL
    doing = f"filling the first day, {filled:.0%}  " if filled < 1 else ""
    return f"{moment:%Y-%m-%d %H:%M} UTC  {doing}{accepted} accepted, {spooled} on the way"
