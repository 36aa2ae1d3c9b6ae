"""The agent's loop: everything happens in one thread, one step after the other.

    source ─┐
    cloud  ─┼→ inbox → loop: take rows in · commit and acknowledge · send · settle · report
    control ┘

Source, cloud and control socket have threads of their own, which only put something into the inbox.
"""

from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, Protocol

import msgspec

from core import log
from core.errors import NotConnected, StorageError
from core.model import ClockQuality, Event, Row, RowClass, encode_row
from core.ports.clock import Clock
from edge import health as reports
from edge.acceptance import Acceptance
from edge.conditions import Conditions
from edge.delivery import Delivery
from edge.forwarder import Forwarder
from edge.health import Health, Past
from edge.inbox import Inbox, Item, Question, Stop
from edge.machine import resident_bytes
from edge.sources.base import Source, SourceEvent
from edge.spool import Spool
from edge.spool.rows import NewRow
from edge.timekeeper import Timekeeper
from edge.transports.base import Puback, ReceiptArrived, Transport, TransportDown, TransportUp

CLOUD = "cloud"  # condition: no connection to the cloud's broker; its code says why
ITEMS_A_STEP = 500
MESSAGES_A_STEP = 8
UPKEEP_MS = 1_000
HISTORY_MS = 3_600_000  # between two health rows
SOFTWARE = version("beffroi")
PATIENCE_MS = 1_000  # the longest sleep, and the wait after the disk has failed
_log = log.get(__name__)


class Reader(Protocol):
    """Gives a row its meaning and its class (`edge.intake`)."""

    def read(self, row: Row) -> tuple[RowClass, Row]: ...


class Timer:
    """Due every so many ms of the monotonic clock, for the first time at once or after one interval."""

    def __init__(self, every_ms: int, *, first_ms: int) -> None:
        self._every_ms = every_ms
        self.due_ms = first_ms

    def passed(self, now_ms: int) -> bool:
        if now_ms < self.due_ms:
            return False
        self.due_ms = now_ms + self._every_ms
        return True


class Agent:
    """One edge. `run` returns when it was told to stop.

    Args:
        past: what is left of the agent before this one.
        on_beat: called at every step, at least once a second: a watchdog's seam.
        closing: what to release at the end, once nothing runs any more.
    """

    def __init__(
        self,
        *,
        edge: str,
        boot: str,
        clock: Clock,
        inbox: Inbox,
        spool: Spool,
        reader: Reader,
        source: Source,
        transport: Transport,
        timekeeper: Timekeeper,
        window: int,
        linger_ms: int,
        health_ms: int,
        on_beat: Callable[[], None],
        closing: ExitStack,
        past: Past | None = None,
    ) -> None:
        self._edge, self._boot = edge, boot
        self._past = past
        self._clock = clock
        self._inbox = inbox
        self._spool = spool
        self._reader = reader
        self._source = source
        self._transport = transport
        self._timekeeper = timekeeper
        self._on_beat = on_beat
        self._closing = closing
        self._conditions = Conditions()
        self._delivery = Delivery()
        self._forwarder = Forwarder(
            edge=edge, rows=spool, delivery=self._delivery, transport=transport, verdict=timekeeper.verdict
        )
        self._acceptance = Acceptance(
            spool,
            window=window,
            linger_ms=linger_ms,
            conditions=self._conditions,
            committed=self._forwarder.committed,
            resolved=inbox.resolved,
        )
        self._started_ms = now_ms = clock.mono_ms()
        self._upkeep = Timer(UPKEEP_MS, first_ms=now_ms)
        self._report = Timer(health_ms, first_ms=now_ms + health_ms)
        self._history = Timer(HISTORY_MS, first_ms=now_ms + HISTORY_MS)
        self._more = False  # messages could go that this step did not send
        self._resume_ms = now_ms  # sending waits until then: the disk has failed
        self._stopping = False

    def run(self) -> None:
        """Until `stop`: then commit what is open, acknowledge it, say goodbye."""
        self.begin()
        while not self._stopping:
            self.step()
        self.end()

    def stop(self) -> None:
        """From a signal handler or another thread."""
        self._inbox.put(Stop())

    def begin(self) -> None:
        for run in self._spool.backlog():
            self._forwarder.committed(run)
        self._add(reports.boot_event(self.health(), mono_ms=self._started_ms, clock=self._quality(), past=self._past))
        _log.info("agent.started", edge=self._edge, boot=self._boot, spool_id=self._spool.spool_id)
        self._transport.start()
        self._source.start()

    def end(self) -> None:
        self._acceptance.commit(self._clock.mono_ms())
        self._inbox.close()  # a source that waits for room is let go; what it holds comes again
        self._source.stop()
        self._guard("upkeep", self._spool.maintain)
        self._transport.publish_health(reports.encode(self.health(state=reports.OFFLINE)))
        self._transport.stop()
        self._closing.close()
        _log.info("agent.stopped", edge=self._edge)

    def step(self) -> None:
        """Wait for something to do, and do all of it that there is."""
        self._on_beat()
        item = self._inbox.take(self._pause_ms(self._clock.mono_ms()) / 1000)
        for _ in range(ITEMS_A_STEP):
            if item is None:
                break
            self._take(item)
            if self._stopping or self._acceptance.spent:
                break
            item = self._inbox.take(0)
        now_ms = self._clock.mono_ms()
        due_ms = self._acceptance.next_commit(now_ms)
        if due_ms is not None and due_ms <= now_ms:
            self._acceptance.commit(now_ms)
        if now_ms >= self._resume_ms:
            self._send(now_ms)
        self._keep_time(now_ms)

    def _pause_ms(self, now_ms: int) -> int:
        """How long nothing needs to be done unless something comes."""
        if self._more:
            return 0
        times = [now_ms + PATIENCE_MS, self._upkeep.due_ms, self._report.due_ms, self._history.due_ms]
        planned = (self._acceptance.next_commit(now_ms), self._delivery.next_deadline(now_ms))
        return max(0, min(times + [at_ms for at_ms in planned if at_ms is not None]) - now_ms)

    def _take(self, item: Item) -> None:
        match item:
            case SourceEvent():
                self._accept(item)
            case TransportUp():
                now_ms = self._clock.mono_ms()
                self._timekeeper.linked(now_ms)
                self._forwarder.take(item, now_ms)
                self._conditions.end(CLOUD)
                self._publish_health()
            case TransportDown(fault=fault):
                self._forwarder.take(item, self._clock.mono_ms())
                error = NotConnected(fault.code, fault.message, hint=fault.hint)
                self._conditions.begin(CLOUD, error, lasting=fault.lasting)
            case Puback():
                self._forwarder.take(item, self._clock.mono_ms())
            case ReceiptArrived():
                self._guard("receipts", lambda: self._forwarder.take(item, self._clock.mono_ms()))
            case Question():
                item.answer.set_result(self.status())
            case Stop():
                self._stopping = True

    def _accept(self, event: SourceEvent) -> None:
        """The event as a row of the open group; its acknowledgement waits for the commit."""
        row_class, row = self._reader.read(event.row)
        quality = self._timekeeper.quality(row.received_ms, row.clock)
        if quality is not row.clock:
            row = msgspec.structs.replace(row, clock=quality)
        self._acceptance.offer(_new_row(row_class, row), event.ack, self._clock.mono_ms())

    def _add(self, event: Event) -> None:
        """A diagnostic of our own."""
        if not self._spool.seen(event.key):
            self._acceptance.add(_new_row(RowClass.DIAGNOSTIC, event), self._clock.mono_ms())

    def _send(self, now_ms: int) -> None:
        try:
            self._more = self._forwarder.pump(now_ms, most=MESSAGES_A_STEP)
        except StorageError as error:
            self._more, self._resume_ms = False, now_ms + PATIENCE_MS
            self._conditions.begin("sending", error)
        else:
            self._conditions.end("sending")

    def _keep_time(self, now_ms: int) -> None:
        """What is done by the clock."""
        if self._timekeeper.observe():
            _log.info("clock.set", boot=self._boot)
        if self._upkeep.passed(now_ms):
            self._guard("upkeep", self._spool.maintain)
            at_ms = self._clock.now_ms()
            for number, run in enumerate(self._spool.take_evicted()):
                self._forwarder.evicted(run)
                # a millisecond each: the store tells events of one series apart by their time
                self._add(reports.eviction_event(self._edge, run, at_ms=at_ms + number, clock=self._quality()))
        if self._report.passed(now_ms):
            self._publish_health()
        if self._history.passed(now_ms):
            self._add(reports.health_event(self.health(), clock=self._quality()))

    def _guard(self, condition: str, step: Callable[[], None]) -> None:
        """A step that the disk may refuse: it is a condition while it does, and comes again."""
        try:
            step()
        except StorageError as error:
            self._conditions.begin(condition, error)
        else:
            self._conditions.end(condition)

    def _quality(self) -> ClockQuality:
        return self._timekeeper.quality(self._clock.now_ms(), ClockQuality.SYNCED)

    def _publish_health(self) -> None:
        self._transport.publish_health(reports.encode(self.health()))

    def health(self, *, state: str = reports.ONLINE) -> Health:
        """What the edge says of itself now."""
        counters = self._spool.counters()
        outlook = self._delivery.outlook()
        return Health(
            edge=self._edge,
            state=state,
            boot=self._boot,
            spool_id=self._spool.spool_id,
            software=SOFTWARE,
            at_ms=self._clock.now_ms(),
            uptime_s=(self._clock.mono_ms() - self._started_ms) / 1000,
            clock=ClockQuality.SYNCED if self._timekeeper.is_set else ClockQuality.UNSYNCED,
            accepted=counters.accepted,
            stored=counters.stored,
            quarantined=counters.quarantined,
            evicted=counters.evicted,
            corrupt=counters.corrupt,
            spooled=counters.spooled,
            open_rows=self._spool.open_rows,
            source_accepted=self._acceptance.accepted,
            duplicates=self._acceptance.duplicates,
            source_connected=self._source.connected,
            messages=outlook.messages,
            window=outlook.window,
            deferred=outlook.deferred,
            held=outlook.held,
            rss_bytes=resident_bytes(),
            conditions=self._conditions.codes,
        )

    def status(self) -> dict[str, Any]:
        """The health report, and what only somebody on this host asks for."""
        health = self.health()
        now = datetime.fromtimestamp(health.at_ms / 1000, UTC).isoformat(timespec="milliseconds")
        return {
            **msgspec.to_builtins(health),
            "now": now,
            "link_connected": self._transport.connected,
            "reasons": self._conditions.reasons,
        }


def _new_row(row_class: RowClass, row: Row) -> NewRow:
    return NewRow(row_class, row.key, encode_row(row), row.received_ms, row.clock)
