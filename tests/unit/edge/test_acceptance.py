"""Group commit: what is acknowledged when, also when the disk takes a part of a group only."""

from core.errors import SpoolFull
from core.model import ClockQuality, RowClass
from edge.acceptance import GROUP_ROWS, RETRY_MS, Acceptance
from edge.conditions import Conditions
from edge.spool.rows import NewRow, Run

M, D, U = RowClass.MEASUREMENT, RowClass.DIAGNOSTIC, RowClass.URGENT


class HalfFullSpool:
    """Takes the classes it has room for, as the spool does: one after the other."""

    def __init__(self) -> None:
        self.open: dict[str, NewRow] = {}
        self.accepted: set[str] = set()
        self.refuses: set[RowClass] = set()

    @property
    def open_rows(self) -> int:
        return len(self.open)

    def seen(self, key: str) -> bool:
        return key in self.open or key in self.accepted

    def is_open(self, key: str) -> bool:
        return key in self.open

    def append(self, row: NewRow) -> None:
        self.open[row.key] = row

    def commit(self) -> list[Run]:
        for key, row in list(self.open.items()):
            if row.row_class not in self.refuses:
                self.accepted.add(key)
                del self.open[key]
        if self.open:
            raise SpoolFull("spool.full", "no room left")
        return [Run("s", M, 1, 1, "b")]


class Desk:
    def __init__(self, *, window: int = 10) -> None:
        self.spool = HalfFullSpool()
        self.acked: list[str] = []
        self.resolved = 0
        self.runs: list[Run] = []
        self.conditions = Conditions()
        self.acceptance = Acceptance(
            self.spool,
            window=window,
            linger_ms=250,
            conditions=self.conditions,
            committed=self.runs.append,
            resolved=self._resolve,
        )

    def _resolve(self, events: int) -> None:
        self.resolved += events

    def offer(self, key: str, row_class: RowClass = M, now_ms: int = 0) -> None:
        row = NewRow(row_class, key, b"{}", 0, ClockQuality.SYNCED)
        self.acceptance.offer(row, lambda: self.acked.append(key), now_ms)


def test_the_linger_begins_with_the_first_row_of_a_group() -> None:
    """Later rows do not put the commit off."""
    desk = Desk()
    assert desk.acceptance.next_commit(0) is None
    desk.offer("a", now_ms=100)
    desk.offer("b", now_ms=300)
    assert desk.acceptance.next_commit(300) == 350
    desk.acceptance.commit(350)
    assert desk.acked == ["a", "b"]
    assert desk.acceptance.next_commit(350) is None
    assert len(desk.runs) == 1


def test_urgent_rows_and_a_spent_window_do_not_linger() -> None:
    """Both are due now."""
    desk = Desk(window=2)
    desk.offer("a", U)
    assert desk.acceptance.next_commit(0) == 0
    desk.acceptance.commit(0)
    desk.offer("b")
    assert desk.acceptance.next_commit(0) == 250
    desk.offer("c")
    assert desk.acceptance.next_commit(0) == 0


def test_a_group_is_bounded_whatever_the_window() -> None:
    """A broker without limits does not fill the memory."""
    desk = Desk(window=60_000)
    for number in range(GROUP_ROWS):
        desk.offer(str(number))
    assert desk.acceptance.spent


def test_what_a_failing_disk_took_is_acknowledged_and_the_rest_is_not() -> None:
    """One class was on the disk when another failed: its events are ours, the others' stay the broker's."""
    desk = Desk()
    desk.spool.refuses = {D}
    desk.offer("a", M)
    desk.offer("b", D)
    desk.acceptance.commit(0)
    assert desk.acked == ["a"]
    assert desk.resolved == 1
    assert desk.conditions.codes == {"spool": "spool.full"}
    assert desk.acceptance.next_commit(0) == RETRY_MS
    desk.spool.refuses = set()
    desk.acceptance.commit(RETRY_MS)
    assert desk.acked == ["a", "b"]
    assert desk.conditions.codes == {}
    assert desk.acceptance.accepted == 2


def test_every_delivery_of_an_event_is_resolved() -> None:
    """Copies too: each holds a place in the broker's window, and one in our memory."""
    desk = Desk()
    for _ in range(3):
        desk.offer("a")
    assert desk.resolved == 0
    desk.acceptance.commit(0)
    desk.offer("a")
    assert desk.resolved == 4
    assert (desk.acceptance.accepted, desk.acceptance.duplicates) == (1, 3)
