"""When a bin was emptied, from what its sensor sees: a fall of its level that a second look confirms. Pure.

A sensor takes a wrong echo now and then, twice in one minute where it warns of what it took for a full bin; a truck
holds a bin up, and its bottom up, for a minute; a bin that fell over, or burnt, has lost its content too. So:

- The level is the lower of the last two looks; looks within `bin_confirm_min` are one.
- A fall of `emptied_drop_pct` or more, to `emptied_below_pct` or less, is believed when the next look apart from it is
  nearer to the low than to the level before, or at once when the truck was seen: the bin hung for less than
  `bin_tilted_min`. A look that is high again shows that it was a wrong echo.
- After lying for longer, or burning, a bin has a new level and was not emptied.
- What is looked at while it hangs, lies or burns says nothing of the level, nor does a distance without a fill.

The detector goes through its window with a new `Level`; the hour rollup goes on with that of the hour before: what a
`Level` knows is a few numbers (`numbers`, `of_numbers`).
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from cloud.stores.base import Point
from core.quantities.states import Alert
from core.territory.model import Thresholds, threshold_bounds

MINUTE_MS: Final = 60_000
MEASURED: Final = 1  # there is a distance or a fill, whether or not the one gives the other
UPRIGHT: Final = 2
TILTED: Final = 4
NO_FIRE: Final = 8
FIRE: Final = 16
NOT_FULL: Final = 32  # as the sensor's own threshold has it
FULL: Final = 64
WARM: Final = 128  # so warm that a territory may call it fire: at least `bin_fire_c` can be
ODD: Final = TILTED | FIRE | WARM
_WARM_C: Final = threshold_bounds()["bin_fire_c"].low


class Look(msgspec.Struct, frozen=True, gc=False):
    """What the sensor of a bin told at once. `told`: the flags above; of a matter that it did not speak of, none."""

    at_ms: int
    channel: str
    fill_pct: float | None
    told: int
    temperature_c: float | None


def read_look(point: Point) -> Look | None:
    """A point of `bin`; None where it speaks of settings alone."""
    field = point.fields.get
    fill, celsius = field("fill_pct"), field("temperature_c")
    told = 0
    if isinstance(fill, float):
        told = MEASURED
    else:
        fill = None
        if "distance_mm" in point.fields:
            told = MEASURED
    for name, clear, raised in _ALERTS:
        state = field(name)
        if state is not None:
            told |= raised if state == Alert.RAISED else clear
    if not isinstance(celsius, float):
        celsius = None
    elif celsius >= _WARM_C:
        told |= WARM
    if not told and celsius is None:
        return None
    return Look(point.time_us // 1000, point.tags.get("channel", ""), fill, told, celsius)


_ALERTS: Final = (("tilt_alert", UPRIGHT, TILTED), ("fire_alert", NO_FIRE, FIRE), ("full_alert", NOT_FULL, FULL))


class Emptying(msgspec.Struct, frozen=True, gc=False):
    """It was emptied, from → to percent. `at_ms`: when it was first seen empty, or hanging more than minutes before."""

    at_ms: int
    before_pct: float
    after_pct: float
    known_ms: int  # the look that confirmed it


class Level:
    """The level of a bin, look after look, in order of time.

    `older_pct`, `newer_pct`: of the last two looks apart; `newer_ms`: of the newer. `low_pct` at `low_ms`: a fall that
    is not confirmed; `hung_ms`: when the truck held the bin before it. `tilt_ms` to `tilted_ms`: the looks at which it
    hung or lay, until one is upright. `burnt`: it burnt since the last look at its content.
    """

    __slots__ = (
        "_below_pct",
        "_confirm_ms",
        "_drop_pct",
        "_fire_c",
        "_tilted_ms",
        "burnt",
        "hung_ms",
        "low_ms",
        "low_pct",
        "newer_ms",
        "newer_pct",
        "older_pct",
        "tilt_ms",
        "tilted_ms",
    )

    def __init__(self, thresholds: Thresholds) -> None:
        self._drop_pct = thresholds.emptied_drop_pct
        self._below_pct = thresholds.emptied_below_pct
        self._confirm_ms = thresholds.bin_confirm_min * MINUTE_MS
        self._tilted_ms = thresholds.bin_tilted_min * MINUTE_MS
        self._fire_c = thresholds.bin_fire_c
        self.older_pct: float | None = None
        self.newer_pct: float | None = None
        self.newer_ms = 0
        self.low_pct: float | None = None
        self.low_ms = 0
        self.hung_ms: int | None = None
        self.tilt_ms: int | None = None
        self.tilted_ms = 0
        self.burnt = False

    @property
    def pct(self) -> float | None:
        """The level that is believed; None before there was any."""
        newer, older = self.newer_pct, self.older_pct
        return newer if newer is None or older is None or newer < older else older

    def take(self, look: Look) -> Emptying | None:
        """The emptying that this look makes certain."""
        told, fill = look.told, look.fill_pct
        if (told & ODD or self.tilt_ms is not None) and self._is_odd(look, told):
            return None
        if fill is None:
            return None
        at_ms = look.at_ms
        if self.low_pct is not None:
            made = self._confirm(fill, at_ms, self.low_pct)
            if made is not None or self.low_pct is not None:
                return made
        newer = self.newer_pct
        if newer is None:
            self.newer_pct, self.newer_ms = fill, at_ms
            return None
        if newer - fill >= self._drop_pct and fill <= self._below_pct:
            older = self.older_pct
            if older is not None and older - fill >= self._drop_pct:
                return self._fall(fill, at_ms, min(older, newer))
        self.tilt_ms, self.burnt = None, False
        if at_ms - self.newer_ms >= self._confirm_ms:
            self.older_pct, self.newer_pct, self.newer_ms = newer, fill, at_ms
        elif fill < newer:
            self.newer_pct = fill
        return None

    def _is_odd(self, look: Look, told: int) -> bool:
        """Whether it hangs, lies or burns: what it sees then is not its content."""
        if told & TILTED:
            if self.tilt_ms is None:
                self.tilt_ms = look.at_ms
            self.tilted_ms = look.at_ms
            return True
        if self.tilt_ms is not None and not told & UPRIGHT:
            return True
        if told & FIRE or (told & WARM and look.temperature_c is not None and look.temperature_c >= self._fire_c):
            self.burnt = True
            return True
        return False

    def _fall(self, fill: float, at_ms: int, before: float) -> Emptying | None:
        """It is much emptier than it was."""
        tilt_ms, burnt = self.tilt_ms, self.burnt
        self.tilt_ms, self.burnt = None, False
        fell = tilt_ms is not None and self.tilted_ms - tilt_ms >= self._tilted_ms
        if burnt or fell:
            self.older_pct = self.newer_pct = fill
            self.newer_ms = at_ms
            return None
        if tilt_ms is not None and at_ms - tilt_ms < self._tilted_ms:
            self.older_pct = self.newer_pct = fill
            self.newer_ms = at_ms
            return Emptying(at_ms, before, fill, at_ms)
        self.low_pct, self.low_ms, self.hung_ms = fill, at_ms, tilt_ms
        return None

    def _confirm(self, fill: float, at_ms: int, low: float) -> Emptying | None:
        """A low was seen: it stays while this look is too near to tell, and goes when it is certain or refuted."""
        before = self.pct
        if before is not None and fill - low <= (before - low) / 2:
            if at_ms - self.low_ms < self._confirm_ms:
                return None
            self.low_pct, self.tilt_ms = None, None
            self.older_pct, self.newer_pct, self.newer_ms = low, fill, at_ms
            return Emptying(self.low_ms if self.hung_ms is None else self.hung_ms, before, low, at_ms)
        self.low_pct = None
        return None

    def numbers(self) -> dict[str, float]:
        """What it knows, for the hour that follows; of what does not hold, nothing."""
        pending, tilting = self.low_pct is not None, self.tilt_ms is not None
        told = {
            "fill_pct": self.newer_pct,
            "fill_before_pct": self.older_pct,
            "fill_ms": self.newer_ms if self.newer_pct is not None else None,
            "bin_low_pct": self.low_pct,
            "bin_low_ms": self.low_ms if pending else None,
            "bin_hung_ms": self.hung_ms if pending else None,
            "bin_tilt_ms": self.tilt_ms,
            "bin_tilted_ms": self.tilted_ms if tilting else None,
            "bin_burnt": 1.0 if self.burnt else None,
        }
        return {name: float(number) for name, number in told.items() if number is not None}

    @classmethod
    def of_numbers(cls, thresholds: Thresholds, numbers: Mapping[str, float]) -> "Level":
        """A level that goes on from `numbers`."""
        level, told = cls(thresholds), numbers.get
        level.newer_pct, level.older_pct, level.low_pct = told("fill_pct"), told("fill_before_pct"), told("bin_low_pct")
        level.newer_ms, level.low_ms = int(told("fill_ms", 0)), int(told("bin_low_ms", 0))
        hung_ms, tilt_ms = told("bin_hung_ms"), told("bin_tilt_ms")
        level.hung_ms = None if hung_ms is None else int(hung_ms)
        level.tilt_ms = None if tilt_ms is None else int(tilt_ms)
        level.tilted_ms = int(told("bin_tilted_ms", 0))
        level.burnt = "bin_burnt" in numbers
        return level


NUMBERS: Final = (
    "fill_pct",
    "fill_before_pct",
    "fill_ms",
    "bin_low_pct",
    "bin_low_ms",
    "bin_hung_ms",
    "bin_tilt_ms",
    "bin_tilted_ms",
    "bin_burnt",
)
"""The names that `Level.numbers` may give."""
