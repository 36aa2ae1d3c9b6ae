"""Sets of consecutive seq: a million unsettled rows are a handful of spans.

A span is (first, last, tag), both ends included. Spans of one set never overlap; neighbours with the same tag are
one span. Finding a place is a binary search; inserting and removing move pointers of one list, nothing per row.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class Span(NamedTuple, Generic[T]):
    first: int
    last: int
    tag: T

    @property
    def rows(self) -> int:
        return self.last - self.first + 1


class Spans(Generic[T]):
    """Disjoint spans in order of seq. `rows` is how many seq they hold together."""

    __slots__ = ("_firsts", "_lasts", "_tags", "rows")

    def __init__(self) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        self._tags: list[T] = []
        self.rows = 0

    def __len__(self) -> int:
        return len(self._firsts)

    def __iter__(self) -> Iterator[Span[T]]:
        return map(Span[T], self._firsts, self._lasts, self._tags)

    def head(self) -> Span[T] | None:
        """The span of the smallest seq."""
        return Span(self._firsts[0], self._lasts[0], self._tags[0]) if self._firsts else None

    def find(self, seq: int) -> Span[T] | None:
        """What holds `seq` or, when nothing does, the next span after it; cut off below `seq`."""
        i = bisect_left(self._lasts, seq)
        return Span(max(seq, self._firsts[i]), self._lasts[i], self._tags[i]) if i < len(self._firsts) else None

    def add(self, first: int, last: int, tag: T) -> None:
        """Put `first` to `last` in; what was there under another tag is replaced."""
        if first > last:
            raise ValueError(f"{first} to {last} is not a span")
        self.cut(first, last)
        i = bisect_right(self._firsts, first)
        self.rows += last - first + 1
        joins_before = i > 0 and self._lasts[i - 1] == first - 1 and self._tags[i - 1] == tag
        joins_after = i < len(self._firsts) and self._firsts[i] == last + 1 and self._tags[i] == tag
        if joins_before and joins_after:
            self._lasts[i - 1] = self._lasts[i]
            self._delete(i, i + 1)
        elif joins_before:
            self._lasts[i - 1] = last
        elif joins_after:
            self._firsts[i] = first
        else:
            self._firsts.insert(i, first)
            self._lasts.insert(i, last)
            self._tags.insert(i, tag)

    def cut(self, first: int, last: int) -> list[Span[T]]:
        """Take `first` to `last` out; the pieces that were there, in order."""
        if not self._firsts:
            return []
        start = bisect_left(self._lasts, first)
        end = bisect_right(self._firsts, last)
        if start >= end:
            return []
        touched = [Span(self._firsts[i], self._lasts[i], self._tags[i]) for i in range(start, end)]
        pieces = [Span(max(s.first, first), min(s.last, last), s.tag) for s in touched]
        rest = [Span(s.first, first - 1, s.tag) for s in touched[:1] if s.first < first]
        rest += [Span(last + 1, s.last, s.tag) for s in touched[-1:] if s.last > last]
        self._firsts[start:end] = [s.first for s in rest]
        self._lasts[start:end] = [s.last for s in rest]
        self._tags[start:end] = [s.tag for s in rest]
        self.rows -= sum(piece.rows for piece in pieces)
        return pieces

    def drain(self) -> list[Span[T]]:
        """Take everything out."""
        spans = list(self)
        self._delete(0, len(self._firsts))
        self.rows = 0
        return spans

    def _delete(self, start: int, end: int) -> None:
        del self._firsts[start:end], self._lasts[start:end], self._tags[start:end]
