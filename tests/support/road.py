"""The road as real processes in a folder, for fault tests: brokers, edges, worker, events, and the oracle's balance."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from beffroi.bench.feed import Feed
from beffroi.processes import Child
from cloud.stores.base import Store
from cloud.stores.opening import open_store
from core import territory
from core.errors import StorageError
from core.ports import control
from simulator import fleet
from simulator.faults import FaultRates
from simulator.network import Event
from simulator.scenario import Scenario
from simulator.stream import stream
from tests.support.road_stores import EXAMPLE, Embedded, RoadStore
from tests.support.waiting import wait_for

ROOT = Path(__file__).parents[2]
SITE = "remiremont"
START_MS = 1_792_072_800_000  # 2026-10-15 14:00 UTC: an afternoon, with a dusk to come


def events(count: int, *, seed: int, sites: Sequence[str] = (SITE,), folder: Path = EXAMPLE) -> list[Event]:
    """The first events of a scenario, of some sites, with the usual faults of radio and links: the same on any day."""
    start_ms = START_MS
    scenario = Scenario(territory=folder, start_ms=start_ms, seed=seed)
    nodes = fleet.build(territory.load(folder), scenario).nodes
    items = stream(nodes, seed=seed, start_ms=start_ms, faults=FaultRates())
    return list(islice((item for item in items if isinstance(item, Event) and item.edge in sites), count))


class Feeder:
    """Publishes events to a broker in order, as a network server does, from a thread of its own."""

    def __init__(self, port: int, items: Iterable[Event], *, per_s: float | None = None) -> None:
        self._items = list(items)
        self._feed = Feed(port, self._items, per_s=per_s)
        self._stop = threading.Event()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="feeder", daemon=True)

    def start(self) -> Self:
        self._feed.start()
        self._thread.start()
        return self

    def _run(self) -> None:
        while not self._stop.is_set():
            if not self._feed.turn(0.002):
                self._done.set()
                return

    @property
    def sent(self) -> int:
        """Events handed to the broker so far."""
        return self._feed.sent

    def wait(self, timeout_s: float = 60.0) -> None:
        """Until the broker has confirmed everything."""
        assert self._done.wait(timeout_s), f"{self._feed.sent} of {len(self._items)} events published"
        self._stop.set()
        self._thread.join(10)
        self._feed.stop()


class Road:
    """Processes of one road. Each can be killed and started again; `settle` waits for rest; `balance` weighs it."""

    def __init__(
        self,
        folder: Path,
        *,
        site_port: int,
        cloud_port: int,
        edge_cloud_port: int | None = None,
        sites: Sequence[str] = (SITE,),
        declared: Path = EXAMPLE,
        keepalive_s: int = 5,
        spool: dict[str, Any] | None = None,
        clock: Path | None = None,
        store: RoadStore | None = None,
        identity: Callable[[str], dict[str, Any]] = lambda _: {},
    ) -> None:
        """`site_port`: the network server's broker; `cloud_port`: the other one, as the worker reaches it;
        `edge_cloud_port`: as the edges do (a proxy). `store`: SQLite in the worker's folder when absent. `identity`:
        what an edge (its id) or the worker ("") also needs of its settings `[broker]`: a user, TLS."""
        self.folder = folder
        self.sites = list(sites)
        self.territory = declared
        self.edges: dict[str, Child] = {}
        self.cloud: Child | None = None
        self.cloud_folder = folder / "cloud"
        self.store = store or Embedded(self.cloud_folder / "store")
        (folder / "log").mkdir(parents=True, exist_ok=True)
        applications = territory.load(declared).sites
        every = {"keepalive_s": keepalive_s}
        clock_line = f'clock = {{ file = "{clock}" }}' if clock else 'clock = { sync = "assume" }'
        for site in sites:
            settings = [
                f'edge = "{site}"',
                f'folder = "{self.edge_folder(site)}"',
                "health_s = 1",
                clock_line,
                f"spool = {_inline({'keep_settled': True, **(spool or {})})}",
                f"broker = {_inline({'port': edge_cloud_port or cloud_port, **every, **identity(site)})}",
                "[source]",
                f"applications = {json.dumps(list(applications[site].applications))}",
                "window = 100",
                f"broker = {{ port = {site_port}, keepalive_s = {keepalive_s} }}",
            ]
            self.edge_settings(site).write_text("\n".join(settings) + "\n")
        self.cloud_settings.write_text(
            f'folder = "{self.cloud_folder}"\nterritory = "{declared}"\n{clock_line}\n'
            f"broker = {_inline({'port': cloud_port, **every, **identity('')})}\n"
            f"store = {self.store_line}\n"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for child in (*self.edges.values(), self.cloud):
            if child is not None:
                child.terminate()
        for child in (*self.edges.values(), self.cloud):
            if child is not None:
                child.wait(15)

    @property
    def store_line(self) -> str:
        """What settings say of the store."""
        return _inline(self.store.settings.model_dump(mode="json", exclude_unset=True))

    @property
    def cloud_settings(self) -> Path:
        return self.folder / "cloud.toml"

    def edge_settings(self, site: str = SITE) -> Path:
        return self.folder / f"edge-{site}.toml"

    def edge_folder(self, site: str = SITE) -> Path:
        return self.folder / "edges" / site

    def start_edge(self, site: str = SITE, *, module: Sequence[str] = ("beffroi", "edge", "run")) -> Child:
        child = Child(
            f"edge-{site}",
            [*module, "--settings", str(self.edge_settings(site))],
            log=self.folder / "log" / f"edge-{site}.log",
        )
        self.edges[site] = child
        return child

    def start_cloud(self, *, module: Sequence[str] = ("beffroi", "cloud", "run")) -> Child:
        self.cloud = Child(
            "cloud", [*module, "--settings", str(self.cloud_settings)], log=self.folder / "log" / "cloud.log"
        )
        return self.cloud

    def start(self) -> Self:
        """The worker first: what is sent before the broker knows it would have to be sent again a minute later."""
        self.start_cloud()
        self.wait_worker()
        for site in self.sites:
            self.start_edge(site)
        for site in self.sites:
            self.wait_connected(site)
        return self

    def wait_worker(self) -> None:
        """Until the worker has its subscription at the cloud's broker."""
        assert self.cloud is not None
        wait_for(
            f"the worker at its broker ({self.cloud.last_words()})",
            lambda: (status := self.cloud_status()) and status["broker"]["connected"],
        )

    def edge_status(self, site: str = SITE) -> dict[str, Any] | None:
        return ask_edge(self.edge_folder(site))

    def cloud_status(self) -> dict[str, Any] | None:
        return ask_edge(self.cloud_folder)

    def said(self, name: str, event: str) -> list[dict[str, Any]]:
        """The lines of a process's log (`cloud`, `edge-<site>`) about an event."""
        lines = (self.folder / "log" / f"{name}.log").read_text("utf-8").splitlines()
        told = [json.loads(line) for line in lines if line.startswith("{")]
        return [line for line in told if line["event"] == event]

    def stored_rows(self, site: str = SITE) -> int:
        """Rows that an edge was told to be stored."""
        status = self.edge_status(site)
        return sum(status["stored"].values()) if status else 0

    def wait_connected(self, site: str = SITE) -> dict[str, Any]:
        """Until the edge has its subscription at the network server's broker."""
        return wait_for(
            f"edge {site} at its source ({self.edges[site].last_words()})",
            lambda: (status := self.edge_status(site)) and status["source_connected"] and status,
        )

    def settle(self, *, published: int | None = None, timeout_s: float = 60.0) -> None:
        """Until every edge has nothing open and nothing spooled (and has seen all that was published)."""

        def at_rest() -> bool:
            states = [self.edge_status(site) for site in self.sites]
            if any(state is None or state["spooled"] or state["open_rows"] for state in states):
                return False
            seen = sum(state["source_accepted"] + state["duplicates"] for state in states if state)
            return published is None or seen >= published

        try:
            wait_for("the road at rest", at_rest, timeout_s=timeout_s, every_s=0.1)
        except AssertionError as error:
            states = [self.edge_status(site) for site in self.sites]
            raise AssertionError(f"{error}; edges: {states}; worker: {self.cloud_status()}") from error

    @contextmanager
    def reading(self) -> Iterator[Store]:
        """The store as another process reads it."""
        store = open_store(self.store.settings, read_only=True)
        try:
            yield store
        finally:
            store.close()

    def stored_events(self) -> int:
        """Rows of the network server's events that the store shows: all but what the edges say of themselves."""
        count = 0
        with self.reading() as store:
            for database in store.databases():
                events = store.series(database, "event", start_us=0, end_us=2**62)
                own = sum(point.tags["type"] in ("boot", "health", "eviction") for point in events)
                count += store.count(database, "uplink") + store.count(database, "event") - own
        return count

    def wait_stored(self, items: Sequence[Event], *, timeout_s: float = 60.0) -> None:
        """Until every distinct event that was published is in the store, and nothing is under way."""
        distinct = len({(item.topic, item.key) for item in items})
        wait_for(
            f"{distinct} distinct events stored",
            lambda: self.stored_events() >= distinct,
            timeout_s=timeout_s,
            every_s=0.5,
        )
        self.settle()
        assert self.stored_events() == distinct

    def spools(self) -> Iterator[Path]:
        for site in self.sites:
            yield self.edge_folder(site) / "spool"

    def balance(self, *, extra_spools: Sequence[Path] = ()) -> dict[str, Any]:
        """The oracle's verdict, from a process of its own."""
        spools = [part for path in (*self.spools(), *extra_spools) for part in ("--spool", str(path))]
        where = [*self.store.oracle, "--cloud", str(self.cloud_folder)]
        answer = subprocess.run(
            [sys.executable, "-m", "beffroi.oracle", *spools, *where, "--territory", str(self.territory)],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert answer.returncode in (0, 3), answer.stderr[-2000:]
        balance: dict[str, Any] = json.loads(answer.stdout)
        return balance


def ask_edge(folder: Path) -> dict[str, Any] | None:
    """The status of the service of a folder; None while none answers."""
    try:
        answer: dict[str, Any] = control.ask(folder, "status", timeout_s=5)
    except StorageError:
        return None
    return answer


def _inline(table: dict[str, Any]) -> str:
    pairs = ((key, _inline(value) if isinstance(value, dict) else json.dumps(value)) for key, value in table.items())
    return "{ " + ", ".join(f"{key} = {value}" for key, value in pairs) + " }"


def assert_balanced(balance: dict[str, Any], *, at_least: int = 1) -> None:
    """The promise, as the README words it."""
    assert balance["balanced"], balance
    assert balance["accepted"] >= at_least
    kept = balance["stored"] + balance["spooled"] + balance["quarantined"] + balance["evicted"]
    assert balance["accepted"] == kept, balance
    assert (balance["lost"], balance["duplicates"], balance["phantom"], balance["wrong"]) == (0, 0, 0, 0), balance
