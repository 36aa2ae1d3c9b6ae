"""What a lamp did between two of its words: as planned, where both agree with the plan; else as it said. Pure.

- Both words agree with the plan (or are too near a switching time to tell): it did what the plan says.
- Both say the same, one against the plan: that is what it did all the time.
- They differ, one against the plan: half the time what the first says, half what the second does.
- Nothing was heard for too long: nobody knows, and it did what the plan says.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from cloud.watch.detectors.light_said import ON
from cloud.watch.detectors.light_story import is_settled
from cloud.watch.plan import Plan
from core.territory.model import Thresholds

_FULL_PCT: Final = 100.0


class Word(NamedTuple):
    """Whether it burned at an instant. `level_pct`: as it was told; -1: not said."""

    at_ms: int
    lit: int
    level_pct: float


class Lit(NamedTuple):
    """How long it burned, s; of that while nothing was expected; how long it was dark where it should burn.

    `full_s`: seconds at 100 % that take as much energy, at a power that follows the level.
    """

    expected_s: float = 0.0
    burning_s: float = 0.0
    unexpected_s: float = 0.0
    dark_s: float = 0.0
    full_s: float = 0.0

    def plus(self, other: "Lit") -> "Lit":
        return Lit(*(mine + its for mine, its in zip(self, other, strict=True)))


def between(first: Word, second: Word, plan: Plan, limits: Thresholds, *, is_planned: bool, unheard_ms: int) -> Lit:
    """What it did from one word to the next.

    Args:
        is_planned: whether the plan is its circuit's; else only the sun is known, and no word agrees with that.
        unheard_ms: longer without a word, nobody knows.
    """
    start_ms, end_ms = first.at_ms, second.at_ms
    follows = is_planned and _agrees(first, plan, limits) and _agrees(second, plan, limits)
    if follows or end_ms - start_ms >= unheard_ms:
        middle_ms = (start_ms + end_ms) // 2
        return _spent(first, plan, start_ms, middle_ms, as_planned=True).plus(
            _spent(second, plan, middle_ms, end_ms, as_planned=True)
        )
    if first.lit == second.lit:
        return _spent(first, plan, start_ms, end_ms, as_planned=False)
    middle_ms = (start_ms + end_ms) // 2
    return _spent(first, plan, start_ms, middle_ms, as_planned=is_planned and _agrees(first, plan, limits)).plus(
        _spent(second, plan, middle_ms, end_ms, as_planned=is_planned and _agrees(second, plan, limits))
    )


def _agrees(word: Word, plan: Plan, limits: Thresholds) -> bool:
    span = plan.span(word.at_ms)
    return (word.lit == ON) is (span.level_pct > 0) or not is_settled(span, word.at_ms, limits)


def _spent(word: Word, plan: Plan, start_ms: int, end_ms: int, *, as_planned: bool) -> Lit:
    """A stretch in which it did as planned, or what its word says."""
    expected = burning = unexpected = dark = full = 0.0
    said = plan.span(word.at_ms)
    for from_ms, until_ms, planned_pct in _pieces(plan, start_ms, end_ms):
        seconds = (until_ms - from_ms) / 1000
        is_due = planned_pct > 0
        lit = is_due if as_planned else word.lit == ON
        if is_due:
            expected += seconds
        if not lit:
            dark += seconds if is_due else 0.0
            continue
        burning += seconds
        if not is_due:
            unexpected += seconds
        level = planned_pct if is_due else _FULL_PCT
        if word.lit == ON and word.level_pct > 0 and (not as_planned or said.start_ms <= from_ms < said.end_ms):
            level = word.level_pct
        full += seconds * level / 100
    return Lit(expected, burning, unexpected, dark, full)


def _pieces(plan: Plan, start_ms: int, end_ms: int) -> Iterator[tuple[int, int, float]]:
    at_ms = start_ms
    while at_ms < end_ms:
        span = plan.span(at_ms)
        until_ms = min(span.end_ms, end_ms)
        yield at_ms, until_ms, span.level_pct
        at_ms = until_ms
