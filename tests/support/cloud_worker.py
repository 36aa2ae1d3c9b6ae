"""The worker as a real process, and an edge that is only its messages."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any, Self

from beffroi.processes import Child
from cloud.stores.base import Point
from cloud.stores.sqlite import SqliteStore
from core import receipt, topics
from core.errors import NotConnected, StorageError
from core.ports import control
from core.ports.mqtt import Arrived, Connected, LinkEvent, MqttLink
from core.receipt import Receipt
from core.settings import BrokerSettings
from tests.support.waiting import wait_for

EXAMPLE = Path(__file__).parents[2] / "territories" / "grand-est"


class CloudProcess:
    """`beffroi cloud run` (or another module that composes a worker) with its own folder."""

    def __init__(self, folder: Path, *, port: int, territory: Path = EXAMPLE, lines: Sequence[str] = ()) -> None:
        self.folder = folder / "cloud"
        self.settings = folder / "cloud.toml"
        self.log = folder / "cloud.log"
        self.settings.write_text(
            "\n".join(
                [
                    f'folder = "{self.folder}"',
                    f'territory = "{territory}"',
                    'clock = { sync = "assume" }',
                    *lines,
                    "[broker]",
                    f"port = {port}",
                    "keepalive_s = 5",
                ]
            )
        )
        self._child: Child | None = None

    def __enter__(self) -> Self:
        if self._child is None or not self._child.running:
            self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._child is not None:
            self._child.stop()

    @property
    def child(self) -> Child:
        assert self._child is not None
        return self._child

    def start(self, *, module: Sequence[str] = ("beffroi", "cloud", "run"), wait: bool = True) -> None:
        """Return when the worker has its subscriptions."""
        self._child = Child("cloud", [*module, "--settings", str(self.settings)], log=self.log)
        if wait:
            wait_for(f"the worker at its broker ({self.child.last_words()})", self._connected)

    def _connected(self) -> bool:
        status = self.status()
        return status is not None and bool(status["broker"]["connected"])

    def status(self) -> dict[str, Any] | None:
        """What the worker says; None while it does not answer."""
        try:
            answer: dict[str, Any] = control.ask(self.folder, "status", timeout_s=5)
        except (StorageError, OSError):
            return None
        return answer

    def command(self, *arguments: str) -> tuple[int, str, str]:
        """Exit code, stdout and stderr of a `beffroi` command with these settings."""
        done = subprocess.run(
            [sys.executable, "-m", "beffroi", *arguments, "--settings", str(self.settings)],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        return done.returncode, done.stdout, done.stderr

    def points(self, database: str, measurement: str) -> list[Point]:
        """What another process sees."""
        store = SqliteStore.open(self.folder / "store", read_only=True)
        return store.series(database, measurement, start_us=0, end_us=2**62)


class FakeEdge:
    """Publishes messages as an edge and hears its receipts."""

    def __init__(self, edge: str, port: int) -> None:
        self.edge = edge
        self._events: SimpleQueue[LinkEvent] = SimpleQueue()
        self._link = MqttLink(
            BrokerSettings(port=port, keepalive_s=5),
            client_id=f"edge-{edge}",
            keep_session=True,
            subscriptions=[topics.of_edge(edge, topics.RECEIPT)],
            on_event=self._events.put,
            retry_s=0.1,
            retry_max_s=0.5,
        )

    def __enter__(self) -> Self:
        self._link.start()
        while not isinstance(self._events.get(timeout=10), Connected):
            pass
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._link.stop()

    def send(self, message: bytes, *, leaf: str = topics.UP, retain: bool = False) -> None:
        """Hand a message to the broker, waiting for the connection where it was lost."""

        def sent() -> bool:
            try:
                self._link.publish(topics.of_edge(self.edge, leaf), message, retain=retain)
            except NotConnected:
                return False
            return True

        wait_for("the edge's message at the broker", sent)

    def receipt(self, *, timeout_s: float = 20.0) -> Receipt:
        """The next receipt."""

        def arrived() -> Receipt | None:
            try:
                event = self._events.get(timeout=0.2)
            except Empty:
                return None
            if not isinstance(event, Arrived):
                return None
            self._link.ack(event)
            return receipt.decode(event.payload)

        return wait_for(f"a receipt for {self.edge}", arrived, timeout_s=timeout_s, every_s=0.0)

    def settled(self, rows: int, *, timeout_s: float = 20.0) -> list[Receipt]:
        """Receipts until so many different rows are kept."""
        kept: set[int] = set()
        receipts = []
        while len(kept) < rows:
            receipts.append(self.receipt(timeout_s=timeout_s))
            for part in receipts[-1].kept:
                kept.update(range(part.first, part.last + 1))
        return receipts
