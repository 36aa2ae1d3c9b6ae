"""Rows that were committed and of which no file is left to be read: counted by what the meta file says of them. Pure.

A seq of a segment that should be on the disk is one row. Of gone segments only ranges and counts are known (seq between
them may have been skipped): there the rows that are shown, quarantined or logged as evicted are named, and as many as
are missing from the count are lost.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from edge.spans import Spans
from edge.spool.reader import GoneRange, Ledger
from edge.spool.rows import Eviction, EvictionReason


@dataclass(slots=True)
class Unread:
    """What became of them. `stored`, `quarantined`: their seq; `unweighed`: those of them whose segment was settled
    whole and should still be there; `lost`: what to say of each."""

    stored: set[int] = field(default_factory=set)
    quarantined: set[int] = field(default_factory=set)
    unweighed: set[int] = field(default_factory=set)
    evicted: int = 0
    lost: list[str] = field(default_factory=list)


def count_unread(
    ledger: Ledger,
    evictions: Sequence[Eviction],
    *,
    read: Collection[int],
    shown: Collection[int],
    quarantined: Collection[int],
) -> Unread:
    """The rows of one spool and class that are not in `read`.

    Args:
        read: seq of the rows that are in a file, also of a copy of the spool.
        shown: seq that the store shows (or shows again in a moment); `quarantined`: that the quarantine holds.
    """
    return _Count(ledger, evictions, read, shown, quarantined).run()


class _Count:
    def __init__(
        self,
        ledger: Ledger,
        evictions: Sequence[Eviction],
        read: Collection[int],
        shown: Collection[int],
        quarantined: Collection[int],
    ) -> None:
        self._ledger = ledger
        self._read = read
        self._shown = shown
        self._quarantined = quarantined
        self._corrupt: Spans[None] = Spans()
        self._whole: list[Eviction] = []  # of whole segments
        for entry in evictions:
            if entry.reason is EvictionReason.CORRUPT:
                self._corrupt.add(entry.first, entry.last, None)
            else:
                self._whole.append(entry)
        self._is_damaged = ledger.is_damaged or self._corrupt.rows > 0  # settled rows may have gone with others
        self._found = Unread()

    def run(self) -> Unread:
        for first, last in self._ledger.segments:
            for seq in self._missing(range(first, last + 1)):
                if not self._is_kept(seq) and not self._is_evicted(seq):
                    self._found.lost.append(f"{seq}: no file has it, and no log says why")
        for entry in self._whole:
            self._count_evicted(entry)
        for gone in self._ledger.gone:
            self._count_gone(gone)
        return self._found

    def _count_evicted(self, entry: Eviction) -> None:
        """Of an evicted segment only `rows` were unsettled: the store or the quarantine must show the others."""
        left = [
            seq
            for seq in self._missing(range(entry.first, entry.last + 1))
            if not self._is_kept(seq) and not self._is_evicted(seq)
        ]
        self._found.evicted += min(len(left), entry.rows)
        if (lost := len(left) - entry.rows) > 0:
            self._lose(lost, f"{entry.first} to {entry.last}: settled rows of an evicted segment")

    def _count_gone(self, gone: GoneRange) -> None:
        given_up: Spans[None] = Spans()
        for entry in self._whole:
            if gone.first <= entry.first and entry.last <= gone.last:
                given_up.add(entry.first, entry.last, None)

        def is_mine(seq: int) -> bool:
            span = given_up.find(seq)
            return gone.first <= seq <= gone.last and (span is None or span.first != seq)

        left = gone.accepted - given_up.rows - sum(map(is_mine, self._read))
        for name, seqs in (("stored", self._shown), ("quarantined", self._quarantined)):
            for seq in sorted(self._missing(filter(is_mine, seqs))):
                if name == "quarantined" and seq in self._shown:
                    continue
                if left <= 0 and name == "stored" and not self._is_damaged:
                    continue  # more than were accepted
                left -= 1
                self._is_kept(seq)
                if not self._is_damaged:
                    self._found.unweighed.add(seq)
        for seq in _within(self._corrupt, gone):
            if left > 0 and is_mine(seq) and seq not in self._read and not self._is_kept(seq):
                self._found.evicted += 1
                left -= 1
        if left > 0:
            self._lose(left, f"{gone.first} to {gone.last}: accepted in segments that are gone")

    def _missing(self, seqs: Iterable[int]) -> Iterator[int]:
        return (seq for seq in seqs if seq not in self._read)

    def _is_kept(self, seq: int) -> bool:
        """Note it as stored or quarantined when it is."""
        if seq in self._shown:
            self._found.stored.add(seq)
        elif seq in self._quarantined:
            self._found.quarantined.add(seq)
        else:
            return False
        return True

    def _is_evicted(self, seq: int) -> bool:
        """Count it as evicted when it is one of those that could not be read."""
        span = self._corrupt.find(seq)
        is_logged = span is not None and span.first == seq
        self._found.evicted += is_logged
        return is_logged

    def _lose(self, rows: int, what: str) -> None:
        self._found.lost += [f"{what} (row {number} of {rows})" for number in range(1, rows + 1)]


def _within(spans: Spans[None], gone: GoneRange) -> Iterator[int]:
    for span in spans:
        yield from range(max(span.first, gone.first), min(span.last, gone.last) + 1)
