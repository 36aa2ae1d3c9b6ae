"""The worker's loop: messages in, batches out, then receipts; between two batches a new territory, moves, counters.

One thread does all of it but the store's own part: while one batch is being written the next is made. What it cannot
follow waits at the broker (`cloud.inbox`), so that memory is bounded.
"""

import threading
from collections.abc import Callable

from cloud.alarms import Alarms
from cloud.backpressure import Pause
from cloud.batch import Batch
from cloud.counters import Counters
from cloud.inbox import Inbox
from cloud.ingest import UNKNOWN_EDGE, Ingest
from cloud.moves import Moves
from cloud.receipts import Receipts
from cloud.sources.base import Delivery
from cloud.writing import BatchWriter, Writing
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
_STUCK_MS = 600_000  # every request has a time of its own: many tenants' together stay below this
_COUNTERS_MS = 10_000
_SHOWN_FAULTS = 5
_DATABASES = 20  # may share a batch of `batch_points`; with more it grows: a write costs as much as hundreds of points
_MOST_POINTS = 50_000
_MOST_BYTES = 32 * 1024 * 1024  # of rows and refused messages in a batch


class Worker:
    """Moves rows from the inbox to the store until it is told to stop.

    Args:
        name: of this worker, under which its counters are stored.
        flush_ms: a batch is written when it is this old.
        batch_points: or when it has this many points (more where they go to many databases).
        on_beat: called at every turn, several times a second, unless the loop or the store is stuck.
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
        on_beat: Callable[[], None] = lambda: None,
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
        self._on_beat = on_beat
        self._store_down = Pause()
        self._writing: Writing | None = None  # what the store was given
        self._begun_ms = 0  # when that was
        self._unwritten: Batch | None = None  # what it could not take: first to go when it is back
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
    def writing(self) -> bool:
        """Whether the store was given a batch whose rows have no verdict yet."""
        return self._writing is not None

    @property
    def stuck(self) -> bool:
        """Whether the store has said nothing for far longer than it may: this loop turns, and nothing comes of it."""
        return self._writing is not None and self._clock.mono_ms() - self._begun_ms > _STUCK_MS

    @property
    def moving(self) -> bool:
        """Whether stored uplinks still have to move."""
        return self._moving

    def run(self, stopping: threading.Event) -> None:
        """Work until `stopping` is set; then write what is in hand. What is not acknowledged stays the broker's."""
        while not stopping.is_set():
            if not self.stuck:
                self._on_beat()
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
        if self._writing is not None and self._writing.done:
            self._finish()
        if self._is_due():
            if self._next_territory is not None:
                self.flush()
            elif self._finish():
                self._begin()
        mono_ms = self._clock.mono_ms()
        self._receipts.send(mono_ms=mono_ms)
        if mono_ms - self._chores_ms >= _CHORES_MS:
            self._chores_ms = mono_ms
            self._do_chores()
        if self._moving and not self._store_down and self._moves_wait.is_over(mono_ms) and self._finish():
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
        """Write all that is in hand, whatever its age; False when the store is down and it stays in hand.

        A territory that waits is taken over then: the batch was placed by the old one.
        """
        told = False  # alarms that the operator's database refuses are given to it once, not for ever
        while self._finish():
            rows = self._unwritten is not None or self._ingest.batch.since_ms is not None
            if not rows and (told or not self._alarms.unwritten()):
                self._end_pause()
                self._take_over()
                return True
            self._begin()
            told = True
        return False

    def _begin(self) -> None:
        """Give the store what is next in hand."""
        batch, self._unwritten = self._unwritten, None
        if batch is None:
            batch = self._ingest.batch
            self._ingest.start_batch()
        self._begun_ms = self._clock.mono_ms()
        self._writing = self._writer.begin(batch, on_done=self._inbox.wake)

    def _finish(self) -> bool:
        """Wait for what the store was given; False when the store is down: it is kept, to be given again."""
        writing, self._writing = self._writing, None
        if writing is None:
            return True
        try:
            self._writer.complete(writing)
        except LinkError as error:
            self._unwritten = writing.batch
            is_news = error.code != self._store_down.reason  # the same trouble has other words at each try
            self._store_down.lengthen(error.code, mono_ms=self._clock.mono_ms())
            if is_news:
                self._alarms.begin(STORE_DOWN, error.message, hint=error.hint)
            return False
        self._end_pause()
        return True

    def _end_pause(self) -> None:
        if self._store_down:
            self._store_down.end()
            self._alarms.end(STORE_DOWN)

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
        mono_ms = self._clock.mono_ms()
        if self._store_down:
            return self._store_down.is_over(mono_ms)
        batch = self._ingest.batch
        if batch.since_ms is None:
            return False
        if batch.held_bytes >= _MOST_BYTES:
            return True
        if batch.size >= max(self._batch_points, min(_MOST_POINTS, self._batch_points * len(batch.lots) / _DATABASES)):
            return True
        is_free = self._writing is None or self._writing.done
        return is_free and mono_ms - batch.since_ms >= self._flush_ms

    def _wait_s(self) -> float:
        mono_ms = self._clock.mono_ms()
        if self._moving and not self._store_down and self._moves_wait.is_over(mono_ms):
            return 0.0
        since_ms = self._ingest.batch.since_ms
        waits = self._store_down or self._writing is not None  # `Inbox.wake` tells when the store has answered
        flush_ms = None if waits or since_ms is None else since_ms + self._flush_ms
        due = [due_ms for due_ms in (self._receipts.next_ms(), flush_ms) if due_ms is not None]
        return min(_IDLE_S, max(0, min(due) - mono_ms) / 1000) if due else _IDLE_S


def _faults(error: ConfigError) -> str:
    """What is wrong, with file and line."""
    if not isinstance(error, TerritoryError):
        return error.message
    shown = "; ".join(str(fault) for fault in error.faults[:_SHOWN_FAULTS])
    more = len(error.faults) - _SHOWN_FAULTS
    return f"{shown}; and {more} more" if more > 0 else shown
