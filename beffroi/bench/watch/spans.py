"""Times as lists of [start, end), ordered and apart: what a fault had of time in which it was to be seen."""

from collections.abc import Iterable, Sequence

Times = Sequence[tuple[int, int]]


def merged(times: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Ordered, and joined where they touch."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(times):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        elif start < end:
            found.append((start, end))
    return found


def within(times: Times, others: Times) -> list[tuple[int, int]]:
    """What both have."""
    return [(max(start, a), min(end, b)) for start, end in times for a, b in others if max(start, a) < min(end, b)]


def without(times: Times, others: Times) -> list[tuple[int, int]]:
    """What the others do not have."""
    left = list(times)
    for a, b in others:
        left = [
            piece
            for start, end in left
            for piece in ((start, min(end, a)), (max(start, b), end))
            if piece[0] < piece[1]
        ]
    return left


def length(times: Times, *, until_ms: int | None = None) -> int:
    """How long they are together, up to an instant."""
    return sum(max(0, (end if until_ms is None else min(end, until_ms)) - start) for start, end in times)
