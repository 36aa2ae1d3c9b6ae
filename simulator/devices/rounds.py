"""When the truck passes: the collections of a commune, the same whatever the seed."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from core.territory.calendars import PARIS
from core.territory.model import Commune
from simulator.almanac import is_public_holiday, local_ms
from simulator.scenario import random_of

_WEEKS = {1: ((0,), (1,), (2,), (3,), (4,)), 2: ((0, 3), (1, 4), (2, 5)), 3: ((0, 2, 4), (1, 3, 5))}
_BEGINS_MIN, _LASTS_MIN = 5 * 60 + 30, 210  # a round, local time


@dataclass(frozen=True, slots=True)
class Rounds:
    """`weekdays` (0 is Monday); `minute`: when the truck is at this bin, minutes after local midnight.

    On a public holiday nobody passes.
    """

    weekdays: tuple[int, ...]
    minute: float

    def next_ms(self, after_ms: int) -> int:
        """The first passage after an instant."""
        day = datetime.fromtimestamp(after_ms / 1000, UTC).astimezone(PARIS).date()
        while True:
            if day.weekday() in self.weekdays and not is_public_holiday(day):
                at_ms = local_ms(day, self.minute)
                if at_ms > after_ms:
                    return at_ms
            day += timedelta(days=1)

    def last_ms(self, before_ms: int) -> int:
        """The last passage at or before an instant, within the two weeks before it."""
        at_ms = self.next_ms(before_ms - 14 * 86_400_000)
        while (following_ms := self.next_ms(at_ms)) <= before_ms:
            at_ms = following_ms
        return at_ms

    @property
    def apart_days(self) -> float:
        """Between two passages, on average."""
        return 7.0 / len(self.weekdays)


def rounds_of(commune: Commune, asset: str) -> Rounds:
    """When the bin `asset` is emptied: the days are its commune's, the minute its place in the round."""
    a_week = 1 if commune.population < 1_500 else 2 if commune.population < 5_000 else 3
    weekdays = random_of(0, commune.insee, "rounds").choice(_WEEKS[a_week])
    return Rounds(weekdays, round(_BEGINS_MIN + random_of(0, asset, "round").random() * _LASTS_MIN, 2))


def market_of(commune: Commune) -> int | None:
    """The weekday of the commune's market; None: it is too small for one."""
    if commune.population < 1_000:
        return None
    return random_of(0, commune.insee, "market").randint(1, 6)
