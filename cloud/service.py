"""The composition root of the worker: the only place that knows which store, source and clock there are."""

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from typing import Any

import msgspec

from cloud.alarms import Alarms, as_json
from cloud.backpressure import Refusals
from cloud.control import quarantine_verbs, through_inbox
from cloud.counters import Counters
from cloud.inbox import Inbox
from cloud.ingest import Ingest
from cloud.link_watch import LinkWatch
from cloud.moves import Journal, Moves, keep_refused
from cloud.quarantine import Quarantine
from cloud.receipts import Receipts
from cloud.replay import Replay
from cloud.retention import Expiry
from cloud.schema import ALARM, SITE
from cloud.settings import CloudSettings
from cloud.sources.base import Source
from cloud.sources.mqtt import MqttSource
from cloud.stores.base import Store
from cloud.stores.opening import open_store as open_store_at
from cloud.territory_watch import TerritoryWatch
from cloud.watching import Watching, build_watching
from cloud.worker import Worker
from cloud.writing import BatchWriter
from core import log
from core.errors import LinkError, StorageError
from core.ports.clock import Clock, open_clock
from core.ports.control import ControlServer, FolderLock
from core.territory import OPERATOR
from decoders import registry

_log = log.get(__name__)
_LOOK_S = 1.0
_MIB = 1024 * 1024
_STORE_WAIT_S = 1.0  # between two tries to reach a store at start


def open_store(settings: CloudSettings) -> Store:
    """The store of the settings, open for writing."""
    return open_store_at(settings.store_at)


def open_source(settings: CloudSettings, inbox: Inbox) -> Source:
    """The broker of the settings."""
    return MqttSource(settings.broker, client_id=settings.client_id, shards=settings.shards, inbox=inbox)


@dataclass(frozen=True)
class Service:
    """A worker ready to run, and what it is made of. `close` it, whether it ran or not."""

    settings: CloudSettings
    clock: Clock
    inbox: Inbox
    source: Source
    ingest: Ingest
    worker: Worker
    watch: TerritoryWatch
    quarantine: Quarantine
    replay: Replay
    alarms: Alarms
    link: LinkWatch
    refusals: Refusals
    counters: Counters
    watching: Watching | None
    expiry: Expiry | None
    opened: contextlib.ExitStack
    reading: threading.Lock = field(default_factory=threading.Lock)  # the territory: what is read is used in this order

    def run(self, stopping: threading.Event) -> None:
        """Work until `stopping` is set. An unreachable broker is waited for."""
        verbs = through_inbox(self.inbox, self.verbs())
        alarms = {} if self.watching is None else self.watching.verbs
        control = ControlServer(self.settings.folder, {**verbs, **alarms, "territory.reload": self._reload})
        if self.watching is not None:
            self.watching.start(stopping)
        looking = threading.Thread(target=self._look, args=(stopping,), name="territory", daemon=True)
        looking.start()
        self.source.start()
        _log.info("worker.started", name=self.settings.client_id, territory=self.ingest.territory.digest)
        try:
            self.worker.run(stopping)
        finally:
            stopping.set()
            self.source.stop()
            control.close()
            looking.join()
        _log.info("worker.stopped", **self.counters.as_json())

    def close(self) -> None:
        self.opened.close()

    def verbs(self) -> dict[str, Callable[[dict[str, Any]], Any]]:
        """What the worker answers, to be called in its thread."""
        return {
            "status": lambda _: self.status(),
            **quarantine_verbs(self.quarantine, self.replay, self.worker.flush),
        }

    def status(self) -> dict[str, Any]:
        """What a person or a script wants to know of a running worker."""
        held = self.quarantine.counts()
        return {
            "service": "cloud",
            "name": self.settings.client_id,
            "running": True,
            "now_ms": self.clock.now_ms(),
            "broker": {
                "host": self.settings.broker.host,
                "port": self.settings.broker.port,
                "connected": self.source.connected,
            },
            "territory": {"folder": str(self.settings.territory), "digest": self.ingest.territory.digest},
            "paused": self.worker.paused,
            "inbox_full": self.inbox.full,
            "refusing": self.refusals.refusing(),
            "moving": self.worker.moving,
            "counters": self.counters.as_json(),
            "quarantine": msgspec.structs.asdict(held),
            "watch": {"watching": False} if self.watching is None else self.watching.status(),
            "alarms": as_json(self.alarms.holding()),
        }

    def _look(self, stopping: threading.Event) -> None:
        while not stopping.wait(_LOOK_S):
            self.inbox.call(self._see_link)
            if self.expiry is not None:
                self.expiry.step(self.ingest.territory, now_ms=self.clock.now_ms())
            with self.reading:
                found = self.watch.look()
                if found is not None:
                    self.inbox.call(partial(self.worker.use, found))

    def _see_link(self) -> None:
        """In the worker's thread. While the broker is away no batch carries the alarm to the store: it goes alone."""
        self.link.see(self.source.fault)
        if self.alarms.unwritten() and not self.worker.paused:
            self.worker.flush()

    def _reload(self, _question: dict[str, Any]) -> dict[str, Any]:
        """Read the territory now: the digest then in force, and whether stored uplinks move."""
        with self.reading:
            found = self.watch.read_now()
            if found is not None:
                self.inbox.call(partial(self.worker.use, found))
        in_force = through_inbox(self.inbox, {"ask": lambda _: self.ingest.territory.digest})
        return {"digest": in_force["ask"]({}), "moving": self.worker.moving}


def build_service(
    settings: CloudSettings,
    *,
    new_store: Callable[[CloudSettings], Store] = open_store,
    new_source: Callable[[CloudSettings, Inbox], Source] = open_source,
    on_beat: Callable[[], None] = lambda: None,
    is_told_to_stop: Callable[[float], bool] | None = None,
) -> Service:
    """A worker that holds its folder and its files.

    Args:
        new_store: opens the store; a test's may kill the process between a write and its receipt.
        new_source: brings messages into the inbox.
        on_beat: called whenever the worker's loop comes round: a watchdog's seam.
        is_told_to_stop: waits so many seconds for it. Where it is given, a store out of reach is waited for.

    Raises:
        OperatorError: `folder.in_use`.
        ConfigError: the territory, or the clock's file, cannot be read.
        LinkError, StorageError: the store, the quarantine or the journal cannot be opened.
    """
    with contextlib.ExitStack() as opened:
        opened.callback(FolderLock(settings.folder).release)
        clock = open_clock(settings.clock)
        watch = TerritoryWatch(settings.territory)
        territory = watch.read_first()
        store = new_store(settings)
        opened.callback(store.close)
        quarantine = Quarantine.open(
            settings.folder, limit_bytes=settings.quarantine_mib * _MIB, version=version("beffroi")
        )
        opened.callback(quarantine.close)
        journal = Journal.open(settings.folder)
        opened.callback(journal.close)
        moves = Moves(store, journal, keep=partial(keep_refused, quarantine, clock), now_ms=clock.now_ms)
        inbox, alarms, refusals, counters = Inbox(), Alarms(clock), Refusals(), Counters()

        def take_up() -> None:
            moves.follow(territory)  # before the first row is placed by it
            _go_on(store, settings.client_id, alarms, counters)

        _reach(take_up, on_beat, is_told_to_stop)
        source = new_source(settings, inbox)
        receipts = Receipts(source.publish)
        ingest = Ingest(territory, receipts=receipts, alarms=alarms, clock=clock, decode=registry.decode)
        writer = BatchWriter(
            store,
            quarantine,
            refusals=refusals,
            alarms=alarms,
            counters=counters,
            clock=clock,
            probe=store.probe,
        )
        opened.callback(writer.close)
        watching = build_watching(
            settings,
            store,
            opened=opened,
            territory=lambda: ingest.territory,
            alarms=alarms,
            inbox=inbox,
            clock=clock,
        )

        def beat() -> None:
            """A watch that is stuck is a reason to begin again, too."""
            if watching is None or not watching.watch.is_stuck:
                on_beat()

        worker = Worker(
            name=settings.client_id,
            inbox=inbox,
            ingest=ingest,
            writer=writer,
            receipts=receipts,
            alarms=alarms,
            counters=counters,
            moves=moves,
            clock=clock,
            flush_ms=settings.flush_ms,
            batch_points=settings.batch_points,
            on_beat=beat,
        )
        return Service(
            settings=settings,
            clock=clock,
            inbox=inbox,
            source=source,
            ingest=ingest,
            worker=worker,
            watch=watch,
            quarantine=quarantine,
            replay=Replay(ingest, writer, quarantine, clock),
            alarms=alarms,
            link=LinkWatch(alarms, clock),
            refusals=refusals,
            counters=counters,
            watching=watching,
            expiry=Expiry(store) if settings.store.kind == "sqlite" else None,
            opened=opened.pop_all(),
        )


def _go_on(store: Store, name: str, alarms: Alarms, counters: Counters) -> None:
    """Take up what the last run left in the store: its counts, and alarms that ended with it."""
    try:
        counters.go_on_from(store.latest(OPERATOR, SITE, {"site": name}))
        alarms.end_left_over(store.latest(OPERATOR, ALARM))
    except StorageError as error:
        _log.warning("counters.lost", code=error.code, message=error.message)  # begun again at 0: no row depends on it


def _reach(
    ask: Callable[[], None], on_beat: Callable[[], None], is_told_to_stop: Callable[[float], bool] | None
) -> None:
    """Ask the store until it answers, or until told to stop.

    Raises:
        LinkError: it does not answer, and nobody waits for it (any more).
    """
    told = False
    while True:
        try:
            return ask()
        except LinkError as error:
            if is_told_to_stop is None:
                raise
            if not told:
                _log.error("store.awaited", code=error.code, message=error.message, hint=error.hint)
                told = True
            on_beat()
            if is_told_to_stop(_STORE_WAIT_S):
                raise
