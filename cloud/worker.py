"""The worker's loop: messages in, batches out, then receipts; between two batches a new territory, moves, counters.

One thread does all of it. What it cannot follow waits at the broker (`cloud.inbox`), so that memory is bounded.
"""

import threading

from cloud.alarms import Alarms
from cloud.backpressure import Pause
from cloud.counters import Counters
from cloud.inbox import Inbox
from cloud.ingest import UNKNOWN_EDGE, Ingest
from cloud.moves import Moves
from cloud.receipts import Receipts
from cloud.sources.base import Delivery
from cloud.writing import BatchWriter
from core import log
from core.errors import ConfigError, LinkError, StorageError
from core.ports.clock import Clock
from core.territory import Territory, TerritoryError

_log = log.get(__name__)

STORE_DOWN = "store.down"  # alarm
TERRITORY_INVALID = "territory.invalid"  # alarm
MOVES_WAIT = "moves.wait"  # alarm
_IDLE_S = 0.2  # how long a signal to stop may wait
_CHORES_MS = 1000
_COUNTERS_MS = 10_000
_SHOWN_FAULTS = 5


class Worker:
    """Moves rows from the inbox to the store until it is told to stop.

    Args:
        name: of this worker, under which its counters are stored.
        flush_ms: a batch is written when it is this old.
        batch_points: or when it has this many points.
    """

    def __init__(
        self,
        *,
        name: str,
        inbox: Inbox,
        ingest: Ingest,
        writer: BatchWriter,
        receipts: Receipts,
        alarms: Alarms,
        counters: Counters,
        moves: Moves,
        clock: Clock,
        flush_ms: int,
        batch_points: int,
    ) -> None:
        self._name = name
        self._inbox = inbox
        self._ingest = ingest
        self._writer = writer
        self._receipts = receipts
        self._alarms = alarms
        self._counters = counters
        self._moves = moves
        self._clock = clock
        self._flush_ms = flush_ms
        self._batch_points = batch_points
        self._store_down = Pause()
        self._moves_wait = Pause(first_ms=200, longest_ms=2000)
        self._moving = True  # an earlier run may have left moves
        self._next_territory: Territory | None = None
        self._chores_ms = self._counted_ms = clock.mono_ms()
        self._counted = counters.as_json()

    @property
    def paused(self) -> str:
        """Why nothing is written now; empty while all is well."""
        return self._store_down.reason

    @property
    def moving(self) -> bool:
        """Whether stored uplinks still have to move."""
        return self._moving

    def run(self, stopping: threading.Event) -> None:
        """Work until `stopping` is set; then write what is in hand. What is not acknowledged stays the broker's."""
        while not stopping.is_set():
            self.turn(self._wait_s())
        if not self._store_down and self.flush():
            self._note_counters()
            self.flush()
        self._receipts.send(mono_ms=self._clock.mono_ms(), all_now=True)

    def turn(self, wait_s: float) -> None:
        """Take what is there, waiting at most `wait_s` for it; write, tell and look after things where it is time."""
        item = self._inbox.take(wait_s, messages=not self._store_down)
        while item is not None:
            if isinstance(item, Delivery):
                self._ingest.take(item)
            else:
                item()
            item = None if self._is_due() else self._inbox.take(0, messages=not self._store_down)
        mono_ms = self._clock.mono_ms()
        if self._is_due():
            self.flush()
        self._receipts.send(mono_ms=mono_ms)
        if mono_ms - self._chores_ms >= _CHORES_MS:
            self._chores_ms = mono_ms
            self._do_chores()
        if self._moving and not self._store_down and self._moves_wait.is_over(mono_ms):
            self._move()

    def use(self, found: Territory | ConfigError) -> None:
        """Take over a changed territory between two batches, or say what is wrong with it and keep the old one."""
        if isinstance(found, ConfigError):
            self._alarms.begin(TERRITORY_INVALID, _faults(found), hint=found.hint)
            return
        self._alarms.end(TERRITORY_INVALID)
        self._next_territory = found
        self.flush()

    def flush(self) -> bool:
        """Write what is in hand, whatever its age; False when the store is down and it stays in hand.

        A territory that waits is taken over then: the batch was placed by the old one.
        """
        if self._ingest.batch.since_ms is not None or self._alarms.unwritten():
            try:
                self._writer.write(self._ingest.batch)
            except LinkError as error:
                self._store_down.lengthen(error.code, mono_ms=self._clock.mono_ms())
                self._alarms.begin(STORE_DOWN, error.message, hint=error.hint)
                return False
            self._ingest.start_batch()
        if self._store_down:
            self._store_down.end()
            self._alarms.end(STORE_DOWN)
        self._take_over()
        return True

    def _take_over(self) -> None:
        territory, self._next_territory = self._next_territory, None
        if territory is None or territory.digest == self._ingest.territory.digest:
            return
        try:
            windows = self._moves.follow(territory)
        except StorageError as error:
            self._next_territory = territory  # tried again after the next batch
            self._alarms.begin(MOVES_WAIT, error.message, hint=error.hint)
            return
        self._alarms.end(MOVES_WAIT)
        self._ingest.territory = territory
        self._moving = True
        for site in self._alarms.sites(UNKNOWN_EDGE):
            if site in territory.sites:
                self._alarms.end(UNKNOWN_EDGE, site=site)
        _log.info("territory.applied", digest=territory.digest, windows=windows)

    def _move(self) -> None:
        """Move some of what the territory places otherwise now; what a database refuses waits, the rest goes on."""
        mono_ms = self._clock.mono_ms()
        try:
            step = self._moves.step(self._ingest.territory, mono_ms=mono_ms)
        except (LinkError, StorageError) as error:
            self._moves_wait.lengthen(error.code, mono_ms=mono_ms)
            self._alarms.begin(MOVES_WAIT, error.message, hint=error.hint)
            return
        self._moving = step.unfinished
        if not step.refusing:
            self._moves_wait.end()
            self._alarms.end(MOVES_WAIT)
            return
        self._alarms.begin(MOVES_WAIT, "; ".join(step.refusing.values()), hint="they move when it works again")
        self._moves_wait.lengthen(next(iter(step.refusing)), mono_ms=mono_ms)

    def _do_chores(self) -> None:
        if self._clock.mono_ms() - self._counted_ms >= _COUNTERS_MS:
            self._note_counters()
        if self._next_territory is not None and not self._store_down:
            self.flush()

    def _note_counters(self) -> None:
        counted = self._counters.as_json()
        self._counted_ms = self._clock.mono_ms()
        if counted != self._counted:
            self._counted = counted
            self._ingest.batch.begin(self._counted_ms)
            for made in self._counters.points(self._name, at_ms=self._clock.now_ms()):
                self._ingest.batch.add(made)

    def _is_due(self) -> bool:
        batch = self._ingest.batch
        mono_ms = self._clock.mono_ms()
        if self._store_down:
            return self._store_down.is_over(mono_ms)
        if batch.since_ms is None:
            return False
        return batch.size >= self._batch_points or mono_ms - batch.since_ms >= self._flush_ms

    def _wait_s(self) -> float:
        mono_ms = self._clock.mono_ms()
        if self._moving and not self._store_down and self._moves_wait.is_over(mono_ms):
            return 0.0
        since_ms = self._ingest.batch.since_ms
        flush_ms = None if since_ms is None or self._store_down else since_ms + self._flush_ms
        due = [due_ms for due_ms in (self._receipts.next_ms(), flush_ms) if due_ms is not None]
        return min(_IDLE_S, max(0, min(due) - mono_ms) / 1000) if due else _IDLE_S


def _faults(error: ConfigError) -> str:
    """What is wrong, with file and line."""
    if not isinstance(error, TerritoryError):
        return error.message
    shown = "; ".join(str(fault) for fault in error.faults[:_SHOWN_FAULTS])
    more = len(error.faults) - _SHOWN_FAULTS
    return f"{shown}; and {more} more" if more > 0 else shown
