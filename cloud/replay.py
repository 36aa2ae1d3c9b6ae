"""Replay: what was quarantined goes the normal road again, with its own identity and time.

A row that is stored then leaves the quarantine's balance; what is refused again stays, with its first reason.
"""

import msgspec

from cloud.batch import RowsInHand
from cloud.ingest import Ingest
from cloud.quarantine import Entry, Kind, Quarantine
from cloud.receipts import Fate
from cloud.sources.base import Delivery
from cloud.writing import BatchWriter
from core.envelope import Header
from core.errors import OperatorError
from core.model import RowClass
from core.ports.clock import Clock

STEP = 500  # entries at a time: live messages flow between two steps


class Replayed(msgspec.Struct, frozen=True):
    """What became of some entries. `after`: the last entry looked at, 0 when there are no more."""

    replayed: int
    refused: int
    skipped: int  # refused points: their row is stored, with its payload
    after: int


class Replay:
    """Used by the worker's thread, between two batches.

    Args:
        ingest: with an empty batch.
    """

    def __init__(self, ingest: Ingest, writer: BatchWriter, quarantine: Quarantine, clock: Clock) -> None:
        self._ingest = ingest
        self._writer = writer
        self._quarantine = quarantine
        self._clock = clock

    def one(self, number: int) -> Replayed:
        """Replay an entry.

        Raises:
            OperatorError: `quarantine.unknown`, `quarantine.replayed`.
            LinkError: the store is down; nothing changed.
        """
        entry = self._quarantine.show(number)
        if entry.replayed_ms is not None:
            raise OperatorError("quarantine.replayed", f"entry {number} was replayed before")
        return self._run([entry], after=0)

    def some(self, *, reason: str = "", after: int = 0) -> Replayed:
        """Replay the next entries after `after`, of one reason or all; again with what it answers until `after` is 0.

        Raises:
            LinkError: the store is down; nothing changed.
        """
        listed = self._quarantine.entries(limit=STEP, reason=reason, after=after)
        entries = [self._quarantine.show(entry.id) for entry in listed if entry.kind is not Kind.POINT]
        done = self._run(entries, after=listed[-1].id if len(listed) == STEP else 0)
        return msgspec.structs.replace(done, skipped=len(listed) - len(entries))

    def _run(self, entries: list[Entry], *, after: int) -> Replayed:
        taken = [(entry.id, message) for entry in entries if (message := self._take(entry)) is not None]
        try:
            self._writer.write(self._ingest.batch)
        finally:
            self._ingest.start_batch()
        stored = [
            number for number, message in taken if all(verdict.fate is Fate.STORED for verdict in message.verdicts)
        ]
        self._quarantine.mark_replayed(stored, now_ms=self._clock.now_ms())
        skipped = sum(entry.kind is Kind.POINT for entry in entries)
        return Replayed(len(stored), len(entries) - len(stored) - skipped, skipped, after)

    def _take(self, entry: Entry) -> RowsInHand | None:
        """The rows of the entry, on their way; None when it cannot be taken (again)."""
        match entry.kind:
            case Kind.ROW:
                return self._take_row(entry)
            case Kind.MESSAGE:
                return self._take_message(entry)
            case Kind.POINT:
                return None

    def _take_row(self, entry: Entry) -> RowsInHand | None:
        if entry.edge not in self._ingest.territory.sites:
            return None
        header = Header(
            edge=entry.edge,
            spool_id=entry.spool_id,
            row_class=RowClass(entry.row_class),
            first=entry.seq,
            last=entry.seq,
            boot=entry.boot,
            offset_ms=entry.offset_ms,
        )
        message = RowsInHand(header, [entry.body], topic=entry.topic, finished=lambda _: None)
        self._ingest.take_rows(message)
        return message

    def _take_message(self, entry: Entry) -> RowsInHand | None:
        batch = self._ingest.batch
        before = len(batch.messages)
        self._ingest.take(Delivery(entry.topic, entry.body, ack=lambda: None))
        batch.refusals.clear()  # it is in the quarantine already
        return batch.messages[-1] if len(batch.messages) > before else None
