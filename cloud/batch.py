"""What the worker has in hand between two writes: points by database, and the rows they belong to. Pure."""

from bisect import bisect_right
from collections.abc import Callable, Sequence

from cloud.quarantine import Origin
from cloud.receipts import Fate, Verdict
from cloud.schema import RowPoints
from cloud.stores.base import Point
from core.envelope import Header
from core.errors import BeffroiError
from core.model import RowId

_UNJUDGED = Verdict(Fate.DEFERRED, "unjudged")


class RowsInHand:
    """The rows of one message on their way. `finished` is called with a verdict for each, when all is durable."""

    __slots__ = ("_finished", "header", "rows", "topic", "verdicts")

    def __init__(
        self, header: Header, rows: Sequence[bytes], *, topic: str, finished: Callable[[Sequence[Verdict]], None]
    ) -> None:
        self._finished = finished
        self.header = header
        self.rows = rows
        self.topic = topic
        self.verdicts: list[Verdict] = [_UNJUDGED] * len(rows)

    def finish(self) -> None:
        """Every row has its verdict.

        Raises:
            ValueError: one has not: a receipt for it would be a lie.
        """
        if _UNJUDGED in self.verdicts:
            raise ValueError(f"a row of {self.header} was neither kept nor deferred")
        self._finished(self.verdicts)


class RowRef:
    """One row of a message."""

    __slots__ = ("index", "message", "topic")

    def __init__(self, message: RowsInHand, index: int) -> None:
        self.message = message
        self.index = index
        self.topic = message.topic

    @property
    def row_id(self) -> RowId:
        header = self.message.header
        return RowId(header.spool_id, header.row_class, header.first + self.index)

    @property
    def stored(self) -> bytes:
        return self.message.rows[self.index]

    @property
    def origin(self) -> Origin:
        """For the quarantine. `topic` is the source's where that could not read the row."""
        header = self.message.header
        return Origin(
            edge=header.edge, row_id=self.row_id, boot=header.boot, offset_ms=header.offset_ms, topic=self.topic
        )

    def judge(self, verdict: Verdict) -> None:
        self.message.verdicts[self.index] = verdict


class Refusal:
    """A message that could not be taken as rows: its evidence is kept, then `finish` is called."""

    __slots__ = ("body", "error", "finish", "topic")

    def __init__(self, topic: str, body: bytes, error: BeffroiError, finish: Callable[[], None]) -> None:
        self.topic = topic
        self.body = body
        self.error = error
        self.finish = finish


class Lot:
    """The points for one database, and whose they are; None for what is no row's (health, counters, alarms)."""

    __slots__ = ("owners", "points", "starts")

    def __init__(self) -> None:
        self.points: list[Point] = []
        self.starts: list[int] = []
        self.owners: list[RowRef | None] = []

    def add(self, points: Sequence[Point], owner: RowRef | None) -> None:
        self.starts.append(len(self.points))
        self.owners.append(owner)
        self.points += points

    def owner(self, index: int) -> tuple[RowRef | None, bool]:
        """Whose the point at `index` is, and whether it is the row's own (its `uplink` or `event`)."""
        at = bisect_right(self.starts, index) - 1
        return self.owners[at], self.starts[at] == index


class Batch:
    """Collected until it is written. `since_ms`: monotonic time of the first thing in it."""

    def __init__(self) -> None:
        self.lots: dict[str, Lot] = {}
        self.messages: list[RowsInHand] = []
        self.refusals: list[Refusal] = []
        self.unfit: list[tuple[RowRef, BeffroiError]] = []  # rows for the quarantine, known before the write
        self.acks: list[Callable[[], None]] = []  # of messages that need no receipt
        self._points = 0
        self.held_bytes = 0  # of rows and refused messages: they stay in memory until all is durable
        self.since_ms: int | None = None

    def begin(self, mono_ms: int) -> None:
        if self.since_ms is None:
            self.since_ms = mono_ms

    def add(self, made: RowPoints, owner: RowRef | None = None) -> None:
        lot = self.lots.get(made.database)
        if lot is None:
            lot = self.lots[made.database] = Lot()
        lot.add(made.points, owner)
        self._points += len(made.points)

    @property
    def size(self) -> int:
        """Points, and what is kept as evidence: what a batch holds in memory."""
        return self._points + len(self.refusals) + len(self.unfit)
