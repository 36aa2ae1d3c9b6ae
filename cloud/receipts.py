"""What an edge is told: which of its rows are kept, and which could not be. Goes out coalesced, before the PUBACK.

A receipt that cannot be sent is dropped: the edge sends its rows again, and writing them again changes nothing.
"""

from collections.abc import Callable, Sequence
from enum import IntEnum
from itertools import groupby

import msgspec

from core import log, receipt, topics
from core.envelope import Header, checksum
from core.errors import NotConnected
from core.receipt import Deferred, Kept, Receipt

_log = log.get(__name__)


class Fate(IntEnum):
    """Where a row ended."""

    STORED = 0
    QUARANTINED = 1
    DEFERRED = 2


class Verdict(msgspec.Struct, frozen=True):
    fate: Fate
    reason: str = ""  # of a deferral


STORED = Verdict(Fate.STORED)
QUARANTINED = Verdict(Fate.QUARANTINED)


def answer(header: Header, rows: Sequence[bytes], verdicts: Sequence[Verdict]) -> Receipt:
    """The receipt of one message: a `Kept` for every run of kept rows, a `Deferred` for every run of one reason.

    Args:
        header: as `core.envelope.unpack` gave it: its checksum is that of the rows.
    """
    spool_id, row_class = header.spool_id, header.row_class
    if all(verdict is STORED for verdict in verdicts):
        whole = Kept(
            spool_id=spool_id,
            row_class=row_class,
            first=header.first,
            last=header.last,
            crc32=header.crc32,
            stored=len(rows),
        )
        return Receipt(kept=(whole,))
    kept: list[Kept] = []
    deferred: list[Deferred] = []
    start = 0
    for reason, run in groupby(verdicts, key=_deferral):
        end = start + len(list(run))
        first, last = header.first + start, header.first + end - 1
        if reason is None:
            quarantined = sum(verdict.fate is Fate.QUARANTINED for verdict in verdicts[start:end])
            kept.append(
                Kept(
                    spool_id=spool_id,
                    row_class=row_class,
                    first=first,
                    last=last,
                    crc32=checksum(rows[start:end]),
                    stored=end - start - quarantined,
                    quarantined=quarantined,
                )
            )
        else:
            deferred.append(Deferred(spool_id=spool_id, row_class=row_class, first=first, last=last, reason=reason))
        start = end
    return Receipt(kept=tuple(kept), deferred=tuple(deferred))


def _deferral(verdict: Verdict) -> str | None:
    return verdict.reason if verdict.fate is Fate.DEFERRED else None


class _Outgoing:
    def __init__(self, due_ms: int) -> None:
        self.due_ms = due_ms
        self.kept: list[Kept] = []
        self.deferred: list[Deferred] = []
        self.acks: list[Callable[[], None]] = []


class Receipts:
    """Collects what each edge is to be told and sends it at most every `pace_ms`, the first at once.

    Args:
        publish: hands a message to the broker; raises `NotConnected`.
        pace_ms: the shortest time between two receipts of one edge.
    """

    def __init__(self, publish: Callable[[str, bytes], None], *, pace_ms: int = 200) -> None:
        self._publish = publish
        self._pace_ms = pace_ms
        self._waiting: dict[str, _Outgoing] = {}
        self._sent_ms: dict[str, int] = {}

    def add(self, edge: str, told: Receipt, ack: Callable[[], None], *, mono_ms: int) -> None:
        """Tell the edge; `ack` (the PUBACK of its message) is called when that was handed to the broker."""
        outgoing = self._waiting.get(edge)
        if outgoing is None:
            due_ms = self._sent_ms.get(edge, mono_ms - self._pace_ms) + self._pace_ms
            outgoing = self._waiting[edge] = _Outgoing(due_ms)
        outgoing.kept += told.kept
        outgoing.deferred += told.deferred
        outgoing.acks.append(ack)

    def next_ms(self) -> int | None:
        """When the next receipt is due (monotonic), None when nobody waits for one."""
        return min((outgoing.due_ms for outgoing in self._waiting.values()), default=None)

    def send(self, *, mono_ms: int, all_now: bool = False) -> None:
        """Send the receipts that are due, and acknowledge the messages they answer."""
        for edge in [edge for edge, outgoing in self._waiting.items() if all_now or outgoing.due_ms <= mono_ms]:
            outgoing = self._waiting.pop(edge)
            self._sent_ms[edge] = mono_ms
            told = Receipt(kept=tuple(outgoing.kept), deferred=tuple(outgoing.deferred))
            try:
                self._publish(topics.of_edge(edge, topics.RECEIPT), receipt.encode(told))
            except NotConnected as error:
                _log.info("receipt.dropped", edge=edge, reason=error.code)
            for ack in outgoing.acks:
                ack()
