"""What a lamp did between two of its words: as planned, where both agree with the plan; else as it said. Pure.

- Both words agree with the plan (or are too near a switching time to tell): it did what the plan says.
- Both say the same, one against the plan: that is what it did all the time.
- They differ, one against the plan: half the time what the first says, half what the second does.
- Nothing was heard for too long: nobody knows, and it did what the plan says.
"""

from dataclasses import dataclass
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


@dataclass(slots=True)
class Lit:
    """How long it burned, s; of that while nothing was expected; how long it was dark where it should burn.

    `full_s`: seconds at 100 % that take as much energy, at a power that follows the level.
    """

    expected_s: float = 0.0
    burning_s: float = 0.0
    unexpected_s: float = 0.0
    dark_s: float = 0.0
    full_s: float = 0.0


class Between:
    """What the words of a lamp come to.

    Args:
        is_planned: whether the plan is its circuit's; else only the sun is known, and no word agrees with that.
        unheard_ms: longer without a word, nobody knows.
    """

    def __init__(self, plan: Plan, limits: Thresholds, *, is_planned: bool, unheard_ms: int) -> None:
        self._plan = plan
        self._limits = limits
        self._is_planned = is_planned
        self._unheard_ms = unheard_ms
        self.lit = Lit()

    def add(self, first: Word, second: Word) -> None:
        """What it did from one word to the next."""
        start_ms, end_ms = first.at_ms, second.at_ms
        before, after = self._agrees(first), self._agrees(second)
        if end_ms - start_ms >= self._unheard_ms:
            before = after = True
        elif first.lit == second.lit and not (before and after):
            self._spend(first, start_ms, end_ms, as_planned=False)
            return
        middle_ms = (start_ms + end_ms) // 2
        self._spend(first, start_ms, middle_ms, as_planned=before)
        self._spend(second, middle_ms, end_ms, as_planned=after)

    def _agrees(self, word: Word) -> bool:
        if not self._is_planned:
            return False
        span = self._plan.span(word.at_ms)
        return (word.lit == ON) is (span.level_pct > 0) or not is_settled(span, word.at_ms, self._limits)

    def _spend(self, word: Word, start_ms: int, end_ms: int, *, as_planned: bool) -> None:
        """A stretch in which it did as planned, or what its word says."""
        spent, plan, is_lit = self.lit, self._plan, word.lit == ON
        told_pct = word.level_pct if is_lit else 0.0
        at_ms = start_ms
        while at_ms < end_ms:
            span = plan.span(at_ms)
            until_ms = min(span.end_ms, end_ms)
            seconds = (until_ms - at_ms) / 1000
            at_ms = until_ms
            is_due = span.level_pct > 0
            if is_due:
                spent.expected_s += seconds
            if not (is_due if as_planned else is_lit):
                spent.dark_s += seconds if is_due else 0.0
                continue
            spent.burning_s += seconds
            if not is_due:
                spent.unexpected_s += seconds
            level_pct = span.level_pct if is_due else _FULL_PCT
            if told_pct > 0 and (not as_planned or span.start_ms <= word.at_ms < span.end_ms):
                level_pct = told_pct
            spent.full_s += seconds * level_pct / 100
