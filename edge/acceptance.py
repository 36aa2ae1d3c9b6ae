"""Group commit: rows wait a moment for each other, are committed, and only then are their events acknowledged."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from core import log
from core.errors import StorageError
from core.model import RowClass
from edge.conditions import Conditions
from edge.spool.rows import NewRow, Run

GROUP_ROWS = 400  # more rows in one commit save nothing, and lie in memory
RETRY_MS = 1_000
_log = log.get(__name__)

Ack = Callable[[], None]


class Group(Protocol):
    """What acceptance needs of the spool."""

    @property
    def open_rows(self) -> int: ...

    def seen(self, key: str) -> bool: ...

    def is_open(self, key: str) -> bool: ...

    def append(self, row: NewRow) -> None: ...

    def commit(self) -> list[Run]: ...


@dataclass(frozen=True, slots=True)
class _Delivery:
    key: str
    ack: Ack
    is_new: bool


class Acceptance:
    """Takes rows in, one group after the other.

    Args:
        window: events the source lets be unacknowledged; when they are spent, waiting for more is pointless.
        linger_ms: how long the first row of a group waits for others.
        committed: is told the runs of each commit.
        resolved: is told how many events of the source were acknowledged.
    """

    def __init__(
        self,
        spool: Group,
        *,
        window: int,
        linger_ms: int,
        conditions: Conditions,
        committed: Callable[[Run], None],
        resolved: Callable[[int], None],
    ) -> None:
        self._spool = spool
        self._window = window
        self._linger_ms = linger_ms
        self._conditions = conditions
        self._committed = committed
        self._resolved = resolved
        # every delivery that waits for its acknowledgement, in the order received: MQTT asks for that order
        # [MQTT-4.6.0-2], and a broker that is strict about it closes the connection otherwise
        self._waiting: deque[_Delivery] = deque()
        self._due_ms: int | None = None
        self._pressing = False
        self._blocked = False
        self.accepted = 0  # events of the source since the start
        self.duplicates = 0

    @property
    def spent(self) -> bool:
        """True when no further row can be expected before a commit, or the group is large enough."""
        return len(self._waiting) >= min(self._window, GROUP_ROWS) or self._spool.open_rows >= GROUP_ROWS

    def offer(self, row: NewRow, ack: Ack, now_ms: int) -> None:
        """A row and its event. A redelivered event is not accepted twice; it is acknowledged in its turn."""
        is_new = not (self._spool.is_open(row.key) or self._spool.seen(row.key))
        self._waiting.append(_Delivery(row.key, ack, is_new))
        if is_new:
            self.add(row, now_ms)
        else:
            self.duplicates += 1
            self._acknowledge()

    def add(self, row: NewRow, now_ms: int) -> None:
        """A row of the edge itself: nobody waits for an acknowledgement."""
        self._spool.append(row)
        if self._due_ms is None:
            self._due_ms = now_ms + self._linger_ms
        self._pressing = self._pressing or row.row_class is RowClass.URGENT

    def next_commit(self, now_ms: int) -> int | None:
        """When the open group is to be committed; None when there is none."""
        if self._due_ms is None or self._blocked:
            return self._due_ms
        return now_ms if self._pressing or self.spent else self._due_ms

    def commit(self, now_ms: int) -> None:
        """Make the open group durable, then acknowledge its events. What the disk refuses is tried again later."""
        try:
            runs = self._spool.commit()
        except StorageError as error:
            runs = []
            self._blocked, self._due_ms = True, now_ms + RETRY_MS
            self._conditions.begin("spool", error)
        else:
            self._blocked, self._pressing, self._due_ms = False, False, None
            self._conditions.end("spool")
        self._acknowledge()  # also after a refusal: another class of the group may be on the disk
        for run in runs:
            self._committed(run)

    def _acknowledge(self) -> None:
        """Acknowledge what is durable, up to the first event that is not."""
        answered = 0
        while self._waiting and not self._spool.is_open(self._waiting[0].key):
            delivery = self._waiting.popleft()
            delivery.ack()
            self.accepted += delivery.is_new
            answered += 1
        if answered:
            self._resolved(answered)
