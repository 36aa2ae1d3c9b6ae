"""Writes a batch: every database its rows touch, then the quarantine; only then each row gets its verdict.

What a tenant's database or the quarantine cannot keep is deferred, and the rest goes on. The store's part runs in
threads of its own (`begin`), so that the worker reads on meanwhile and tenants do not wait for each other; all that
follows from it is the worker's thread's (`complete`).
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import NamedTuple

from cloud.alarms import Alarms
from cloud.backpressure import Refusals
from cloud.batch import Batch, Lot, RowRef
from cloud.counters import Counters
from cloud.dirty import marks
from cloud.quarantine import Quarantine
from cloud.receipts import QUARANTINED, STORED, Fate, Verdict
from cloud.schema import RowPoints
from cloud.stores.base import Point, Rejected, Store
from core import log
from core.errors import BeffroiError, LinkError, RejectedError, StorageError
from core.ports.clock import Clock
from core.territory import OPERATOR

_log = log.get(__name__)

_Unfit = tuple[RowRef, BeffroiError]
_RefusedPoint = tuple[RowRef, str, Point, RejectedError]  # its row, its database

STORE_REFUSES = "store.refuses"  # alarm, for one tenant
QUARANTINE_REFUSES = "quarantine.refuses"  # alarm
_THREADS = 4  # databases written to at a time


class Part(NamedTuple):
    """One database's share of a batch. `reason`: why it was not even asked."""

    database: str
    lot: Lot
    answer: "Future[list[Rejected]] | None"
    reason: str | None


class Writing:
    """A batch that the store was given, and what it answers."""

    def __init__(self, batch: Batch, parts: list[Part], alarms: list[RowPoints], on_done: Callable[[], None]) -> None:
        self.batch = batch
        self.parts = parts
        self.alarms = alarms
        answers = [part.answer for part in parts if part.answer is not None]
        self._waits_for = len(answers)
        self._lock = threading.Lock()
        self._on_done = on_done
        for answer in answers:
            answer.add_done_callback(self._note)

    @property
    def done(self) -> bool:
        """Whether the store has said all: `complete` will not wait for it."""
        return not self._waits_for

    def _note(self, _answer: "Future[list[Rejected]]") -> None:
        with self._lock:
            self._waits_for -= 1
            done = not self._waits_for
        if done:
            self._on_done()


class _Attempt:
    """At one batch. Once the store is found down, the databases that were not asked yet are not asked: each may be a
    silence as long as a request may last."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._down: LinkError | None = None

    def write(self, database: str, points: Sequence[Point]) -> list[Rejected]:
        if self._down is not None:
            raise self._down
        try:
            return self._store.write(database, points)
        except LinkError as error:
            self._down = error
            raise


class BatchWriter:
    """Used by the worker's thread alone; `close` it.

    Args:
        probe: asked when a database refuses; raises `LinkError` when the store is down as a whole.
        counters: of the worker; what is written here is counted there.
    """

    def __init__(
        self,
        store: Store,
        quarantine: Quarantine,
        *,
        refusals: Refusals,
        alarms: Alarms,
        counters: Counters,
        clock: Clock,
        probe: Callable[[], None],
    ) -> None:
        self._store = store
        self._quarantine = quarantine
        self._refusals = refusals
        self._alarms = alarms
        self._counters = counters
        self._clock = clock
        self._probe = probe
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="store")

    def close(self) -> None:
        self._threads.shutdown()

    def write(self, batch: Batch) -> None:
        """Write all, then finish each message with the verdicts of its rows.

        Raises:
            LinkError: the store is down as a whole; nothing was finished, the same batch can be written again.
        """
        self.complete(self.begin(batch))

    def begin(self, batch: Batch, *, on_done: Callable[[], None] = lambda: None) -> Writing:
        """Hand the batch to the store; what alarms have to say goes along. Complete it before the next is begun.

        Args:
            on_done: called from another thread, when `Writing.done` has become true.
        """
        mono_ms, now_ms = self._clock.mono_ms(), self._clock.now_ms()
        alarms = self._alarms.unwritten()
        lots = [(name, lot) for name, lot in batch.lots.items() if lot.points]
        if alarms:
            told = Lot()
            for made in alarms:
                told.add(made.points, None)
            lots.append((OPERATOR, told))
        parts: list[Part] = []
        attempt = _Attempt(self._store)
        for database, lot in lots:
            reason = self._refusals.reason(database, mono_ms=mono_ms)
            answer = None
            if reason is None:  # what was late before is still late: each attempt is marked with its own time
                points = [*lot.points, *marks(lot.points, now_ms=now_ms)]
                answer = self._threads.submit(attempt.write, database, points)
            parts.append(Part(database, lot, answer, reason))
        return Writing(batch, parts, alarms, on_done)

    def complete(self, writing: Writing) -> None:
        """Wait for the store, keep what it refused, then finish each message with the verdicts of its rows.

        Raises:
            LinkError: as `write`.
        """
        batch = writing.batch
        wait([part.answer for part in writing.parts if part.answer is not None])
        unfit, refused = list(batch.unfit), list[_RefusedPoint]()
        for part in writing.parts:
            self._take_answer(part, unfit, refused)
        if writing.alarms and not self._refusals.is_refusing(OPERATOR):
            self._alarms.written(writing.alarms)
        self._keep(unfit, refused, batch)
        self._counters.points_refused += len(refused)
        self._count(batch)
        for message in batch.messages:
            message.finish()
        for refusal in batch.refusals:
            refusal.finish()
        for ack in batch.acks:
            ack()

    def _take_answer(self, part: Part, unfit: list[_Unfit], refused: list[_RefusedPoint]) -> None:
        database, lot, reason = part.database, part.lot, part.reason
        rejected: list[Rejected] = []
        if part.answer is not None:
            try:
                rejected = part.answer.result()
            except StorageError as error:
                self._probe()
                reason = error.code
                self._refusals.refused(database, error, mono_ms=self._clock.mono_ms())
                self._alarms.begin(STORE_REFUSES, error.message, hint=error.hint, tenant=database)
            else:
                if self._refusals.accepted(database):
                    self._alarms.end(STORE_REFUSES, tenant=database)
        verdict = STORED if reason is None else Verdict(Fate.DEFERRED, reason)
        for owner in lot.owners:
            if owner is not None:
                owner.judge(verdict)
        for line in rejected:
            guilty = RejectedError(line.code, line.message)
            if line.index >= len(lot.points):
                _log.error("mark.refused", database=database, code=line.code, message=line.message)
                continue
            owner, is_own = lot.owner(line.index)
            if owner is None:
                _log.error("point.refused", database=database, code=line.code, message=line.message)
            elif is_own:
                unfit.append((owner, guilty))
            else:
                refused.append((owner, database, lot.points[line.index], guilty))

    def _keep(self, unfit: list[_Unfit], refused: list[_RefusedPoint], batch: Batch) -> None:
        """Commit the evidence. A row that the quarantine cannot take is deferred; a message or point it cannot take
        is only counted: the edge keeps the one, the row's `uplink` has the payload of the other."""
        if not (unfit or refused or batch.refusals):
            return
        now_ms = self._clock.now_ms()
        failures: list[StorageError] = []
        for ref, error in unfit:
            try:
                self._quarantine.add_row(ref.origin, ref.stored, error, now_ms=now_ms)
            except StorageError as failure:
                failures.append(failure)
                ref.judge(Verdict(Fate.DEFERRED, failure.code))
            else:
                ref.judge(QUARANTINED)
        for ref, database, point, error in refused:
            try:
                self._quarantine.add_point(ref.origin, database, point, error, now_ms=now_ms)
            except StorageError as failure:
                failures.append(failure)
                self._counters.evidence_lost += 1
        for refusal in batch.refusals:
            try:
                self._quarantine.add_message(refusal.topic, refusal.body, refusal.error, now_ms=now_ms)
            except StorageError as failure:
                failures.append(failure)
                self._counters.evidence_lost += 1
        try:
            self._quarantine.commit()
        except StorageError as failure:
            failures.append(failure)
            for ref, _ in unfit:
                ref.judge(Verdict(Fate.DEFERRED, failure.code))
        if failures:
            self._alarms.begin(QUARANTINE_REFUSES, failures[-1].message, hint=failures[-1].hint)
        else:
            self._alarms.end(QUARANTINE_REFUSES)

    def _count(self, batch: Batch) -> None:
        counters = self._counters
        counters.messages += len(batch.messages) + len(batch.refusals) + len(batch.acks)
        counters.messages_refused += len(batch.refusals)
        for message in batch.messages:
            deferred = sum(verdict.fate is Fate.DEFERRED for verdict in message.verdicts)
            quarantined = sum(verdict.fate is Fate.QUARANTINED for verdict in message.verdicts)
            counters.rows_deferred += deferred
            counters.rows_quarantined += quarantined
            counters.rows_stored += len(message.verdicts) - deferred - quarantined
