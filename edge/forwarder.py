"""Rows out, receipts in: does what `edge.delivery` decides, and tells it what came of it."""

from collections.abc import Callable
from typing import Protocol

from core import envelope, log
from core.envelope import Header
from core.errors import NotConnected
from core.model import ClockQuality, RowClass
from core.receipt import Kept
from edge.delivery import Delivery, Plan
from edge.spool.rows import Offset, Run, StoredRow
from edge.transports.base import Puback, ReceiptArrived, Transport, TransportDown, TransportEvent, TransportUp

MESSAGE_BYTES = 256 * 1024  # of rows, unless a single one is larger
SUMS = 1024  # twice the window
_log = log.get(__name__)

_Range = tuple[str, RowClass, int, int]  # spool_id, class, first, last
Verdict = Callable[[str, int], Offset | None]  # (boot, now_ms) → its offset; None: wait


class Rows(Protocol):
    """What the forwarder needs of the spool."""

    def read(self, spool_id: str, row_class: RowClass, first: int, last: int, *, max_bytes: int) -> list[StoredRow]:
        """Consecutive rows; it stops before a hole."""
        ...

    def settle(self, kept: Kept, *, sent_crc32: int | None = None) -> bool: ...

    def offset(self, boot: str) -> Offset | None: ...

    def freeze_offset(self, boot: str, offset_ms: int | None, estimated: bool) -> Offset: ...


class Forwarder:
    """Sends and settles; single-threaded, in the agent's loop.

    Args:
        verdict: the clock offset of a boot, as the timekeeper knows it now.
    """

    def __init__(self, *, edge: str, rows: Rows, delivery: Delivery, transport: Transport, verdict: Verdict) -> None:
        self._edge = edge
        self._rows = rows
        self._delivery = delivery
        self._transport = transport
        self._verdict = verdict
        self._frozen: dict[str, Offset] = {}
        self._holding: set[str] = set()  # boots whose rows wait for the clock
        self._sums: dict[_Range, int] = {}  # checksums of the newest messages, the oldest first

    def committed(self, run: Run) -> None:
        """New rows of the spool, or those it had at start."""
        self._delivery.committed(run.spool_id, run.row_class, run.first, run.last, run.boot)

    def evicted(self, run: Run) -> None:
        """Rows that left the spool undelivered."""
        self._delivery.evicted(run.spool_id, run.row_class, run.first, run.last)

    def take(self, event: TransportEvent, now_ms: int) -> None:
        """What the transport tells."""
        match event:
            case TransportUp():
                self._delivery.connected()
                _log.info("link.made")
            case TransportDown():
                self._delivery.disconnected()
            case Puback():
                self._delivery.puback(event, now_ms)
            case ReceiptArrived(receipt=receipt):
                for kept in receipt.kept:
                    self._settle(kept, now_ms)
                for d in receipt.deferred:
                    self._delivery.deferred(d.spool_id, d.row_class, d.first, d.last, now_ms)
                    _log.warning("rows.deferred", row_class=d.row_class, first=d.first, last=d.last, reason=d.reason)

    def _settle(self, kept: Kept, now_ms: int) -> None:
        sent_crc32 = self._sums.pop((kept.spool_id, kept.row_class, kept.first, kept.last), None)
        if self._rows.settle(kept, sent_crc32=sent_crc32):
            self._delivery.kept(kept.spool_id, kept.row_class, kept.first, kept.last, now_ms)
        else:
            _log.warning("receipt.mismatched", row_class=kept.row_class, first=kept.first, last=kept.last)

    def pump(self, now_ms: int, *, most: int) -> bool:
        """Send what can go now, `most` messages; True when more may be waiting.

        Raises:
            StorageError: the spool cannot be read.
        """
        for boot in [boot for boot in self._holding if self._verdict(boot, now_ms) is not None]:
            self._holding.remove(boot)
            self._delivery.release(boot)
        for _ in range(most):
            plan = self._delivery.next_send(now_ms)
            if plan is None or not self._send(plan, now_ms):
                return False
        return True

    def _send(self, plan: Plan, now_ms: int) -> bool:
        """Send, or tell why not; False when the connection has gone."""
        rows = self._rows.read(plan.spool_id, plan.row_class, plan.first, plan.last, max_bytes=MESSAGE_BYTES)
        start = rows[0].seq if rows else plan.last + 1
        if start > plan.first:  # evicted, or not to be read: the spool has counted and logged them
            self._delivery.evicted(plan.spool_id, plan.row_class, plan.first, start - 1)
            return True
        timeless = [row.clock is ClockQuality.UNSYNCED for row in rows]
        offset = self._offset(plan.boot, now_ms, needed=True in timeless)
        if offset is None:  # rows whose time is not known yet stay here
            ready = timeless.index(True) if True in timeless else len(rows)
            if ready == 0:
                waiting = timeless.index(False) if not all(timeless) else len(rows)
                self._holding.add(plan.boot)
                self._delivery.hold(plan.spool_id, plan.row_class, plan.first, plan.first + waiting - 1)
                return True
            rows = rows[:ready]
        last = rows[-1].seq
        header = Header(
            edge=self._edge,
            spool_id=plan.spool_id,
            row_class=plan.row_class,
            first=plan.first,
            last=last,
            boot=plan.boot,
            offset_ms=None if offset is None else offset.offset_ms,
        )
        message = envelope.pack(header, [row.stored for row in rows])
        try:
            puback = self._transport.send(message)
        except NotConnected:
            return False  # the transport will say so; the plan stays
        self._remember((plan.spool_id, plan.row_class, plan.first, last), message)
        self._delivery.sent(plan, last, puback, now_ms)
        return True

    def _remember(self, rows: _Range, message: bytes) -> None:
        """The checksum of what was read to be sent: its receipt need not have the rows read again."""
        self._sums[rows] = envelope.unpack_header(message)[0].crc32
        if len(self._sums) > SUMS:
            del self._sums[next(iter(self._sums))]

    def _offset(self, boot: str, now_ms: int, *, needed: bool) -> Offset | None:
        """The offset of a boot, frozen when the first row that needs it is about to leave; None: not known."""
        offset = self._frozen.get(boot) or self._rows.offset(boot)
        if offset is None and needed:
            offset = self._verdict(boot, now_ms)
            if offset is not None:
                offset = self._rows.freeze_offset(boot, offset.offset_ms, offset.estimated)
                _log.info("clock.offset_frozen", boot=boot, offset_ms=offset.offset_ms, estimated=offset.estimated)
        if offset is not None:
            self._frozen[boot] = offset
        return offset
