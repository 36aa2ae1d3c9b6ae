"""An agent without sockets: a clock one can turn, a source and a transport one can speak for."""

import contextlib
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from core import envelope, receipt
from core.envelope import Envelope
from core.errors import EnvelopeError, NotConnected, SpoolFull
from core.model import ClockQuality, Event, Row, RowClass, Uplink
from core.ports.link_events import LinkFault
from core.receipt import Deferred, Kept, Receipt
from edge.inbox import Inbox, Item
from edge.loop import Agent
from edge.sources.base import SourceEvent
from edge.spool import Run, Spool, SpoolLimits
from edge.timekeeper import Timekeeper
from edge.transports.base import Puback, ReceiptArrived, TransportDown, TransportEvent, TransportUp

NOON_MS = 1_780_000_000_000


class TurnedClock:
    """Stands still until it is turned."""

    def __init__(self, *, now_ms: int = NOON_MS, mono_ms: int = 100_000, synced: bool = True) -> None:
        self.wall_ms, self.mono = now_ms, mono_ms
        self.is_synced = synced

    def now_ms(self) -> int:
        return self.wall_ms

    def mono_ms(self) -> int:
        return self.mono

    def synced(self) -> bool:
        return self.is_synced

    def turn(self, ms: int) -> None:
        """Time passes."""
        self.wall_ms += ms
        self.mono += ms

    def set(self, now_ms: int) -> None:
        """A time server has set the clock."""
        self.wall_ms, self.is_synced = now_ms, True


class SpokenSource:
    """Delivers what a test says."""

    def __init__(self, on_event: Callable[[SourceEvent], None]) -> None:
        self._on_event = on_event
        self.acked: list[str] = []
        self.connected = True
        self.running = False

    def start(self) -> None:
        self.running = True

    def stop(self) -> None:
        self.running = False

    def deliver(self, row: Row) -> None:
        self._on_event(SourceEvent(row, lambda: self.acked.append(row.key)))


class HeardTransport:
    """Remembers every message; a test answers for the broker and the cloud."""

    def __init__(self, on_event: Callable[[TransportEvent], None]) -> None:
        self._on_event = on_event
        self.connected = False
        self.messages: list[Envelope] = []
        self.health: list[bytes] = []
        self._epoch = 0

    def start(self) -> None:
        pass

    def stop(self) -> None:
        self.connected = False

    def send(self, message: bytes) -> Puback:
        if not self.connected:
            raise NotConnected("link.down", "no connection")
        self.messages.append(envelope.unpack(message))
        return Puback(self._epoch, len(self.messages))

    def publish_health(self, document: bytes) -> None:
        if self.connected:
            self.health.append(document)

    def come_up(self) -> None:
        self.connected, self._epoch = True, self._epoch + 1
        self._on_event(TransportUp(self._epoch))

    def go_down(self) -> None:
        self.connected = False
        self._on_event(TransportDown(self._epoch, LinkFault("link.lost", "cut")))

    def answer(self, payload: bytes) -> None:
        """Something on the receipt topic."""
        with contextlib.suppress(EnvelopeError):
            self._on_event(ReceiptArrived(receipt.decode(payload)))

    def puback(self, number: int) -> None:
        """The broker has the message `number`, counted from 1."""
        self._on_event(Puback(self._epoch, number))

    def keep(self, message: Envelope, *, crc32: int | None = None) -> None:
        """The cloud keeps all rows of a message."""
        h = message.header
        kept = Kept(
            spool_id=h.spool_id,
            row_class=h.row_class,
            first=h.first,
            last=h.last,
            crc32=h.crc32 if crc32 is None else crc32,
            stored=h.last - h.first + 1,
        )
        self._on_event(ReceiptArrived(Receipt(kept=(kept,))))

    def defer(self, message: Envelope) -> None:
        h = message.header
        deferred = Deferred(spool_id=h.spool_id, row_class=h.row_class, first=h.first, last=h.last, reason="refused")
        self._on_event(ReceiptArrived(Receipt(deferred=(deferred,))))


class PlainReader:
    """Urgent is what says so in its name."""

    def read(self, row: Row) -> tuple[RowClass, Row]:
        if isinstance(row, Event):
            return RowClass.DIAGNOSTIC, row
        urgent = isinstance(row, Uplink) and row.device_name == "urgent"
        return (RowClass.URGENT if urgent else RowClass.MEASUREMENT), row


class ImpatientInbox(Inbox):
    """Never waits."""

    def take(self, timeout_s: float) -> Item | None:
        return super().take(0)


class RecordedLog:
    """Stands in for a module's logger; what was said, in order."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str, dict[str, object]]] = []

    def info(self, event: str, **facts: object) -> None:
        self.said.append(("info", event, facts))

    def warning(self, event: str, **facts: object) -> None:
        self.said.append(("warning", event, facts))

    def error(self, event: str, **facts: object) -> None:
        self.said.append(("error", event, facts))

    def events(self, level: str) -> list[str]:
        return [event for said, event, _ in self.said if said == level]


class FullableSpool(Spool):
    """A spool whose disk can be full."""

    full = False

    def commit(self) -> list[Run]:
        if self.full:
            raise SpoolFull("spool.full", "no room left")
        return super().commit()


def uplink(
    number: int, *, received_ms: int = NOON_MS, clock: ClockQuality = ClockQuality.SYNCED, name: str = "lamp"
) -> Uplink:
    """The event `number` of a lamp."""
    return Uplink(
        key=f"up:{number}",
        received_ms=received_ms,
        clock=clock,
        application="app",
        dev_eui=f"{number:016x}",
        device_name=name,
        payload=b"\x01",
    )


class Site:
    """An agent over doubles, its spool real, in `folder`."""

    def __init__(
        self,
        folder: Path,
        *,
        clock: TurnedClock | None = None,
        boot: str = "boot-1",
        window: int = 20,
        linger_ms: int = 250,
        base_ms: int | None = None,
    ) -> None:
        self.clock = clock or TurnedClock()
        self.inbox = ImpatientInbox(room=1_000)
        self.spool: FullableSpool = FullableSpool.open(  # type: ignore[assignment]  # it makes what it is called on
            folder / "spool", machine="m", boot=boot, clock=self.clock, limits=SpoolLimits(ballast_bytes=0)
        )
        self.source = SpokenSource(self.inbox.offer)
        self.transport = HeardTransport(self.inbox.put)
        self.timekeeper = Timekeeper(self.clock, boot=boot, wait_ms=600_000, base_ms=base_ms)
        closing = ExitStack()
        closing.callback(self.spool.close)
        self.agent = Agent(
            edge="e1",
            boot=boot,
            clock=self.clock,
            inbox=self.inbox,
            spool=self.spool,
            reader=PlainReader(),
            source=self.source,
            transport=self.transport,
            timekeeper=self.timekeeper,
            window=window,
            linger_ms=linger_ms,
            health_ms=60_000,
            on_beat=lambda: None,
            closing=closing,
        )

    def __enter__(self) -> "Site":
        self.agent.begin()
        self.settle_in()
        return self

    def __exit__(self, *_: object) -> None:
        self.agent.end()

    def settle_in(self) -> None:
        """Let the linger pass: the boot row is committed, and sent where there is a link."""
        self.step(250)

    def step(self, ms: int = 0) -> None:
        """Time passes, then the agent does what there is to do; it never waits."""
        self.clock.turn(ms)
        self.agent.step()
