"""How often things go wrong, and the record of what really happened."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Self

import msgspec

HOUR_MS = 3_600_000
_REORDERED_MS = 45_000  # the longest an event is overtaken by others
_LATE_MS = (15 * 60_000, 3 * HOUR_MS)  # a site that had to keep single events


@dataclass(frozen=True, slots=True)
class FaultRates:
    """Shares (0 to 1) of events or devices, and rates a day.

    `duplicates`: an event is delivered twice. `loss`: a frame nobody hears, beside those too weak. `reordered`: an
    event is overtaken by later ones. `late_copies`: a second gateway's copy comes after the deduplication window.
    `cuts_per_day`: a site's network server is cut from the broker for minutes, and delivers late what it has kept.
    `failing`: devices already failing at the start; `failures_per_day`: new failures a device and day.
    `odd_echoes`: a bin's sensor takes another echo for its content; `missed_rounds`: the truck leaves a bin as it is.
    `deaths`: failures that are a dead device. `late`: an event is held back by a quarter of an hour to three hours.
    `site_outages_per_week`: of all sites together, 2 h each; `gateway_outages_per_week`, of each gateway, and
    `supply_failures_per_week`, of each circuit (`simulator.outages`).
    """

    duplicates: float = 0.01
    loss: float = 0.02
    reordered: float = 0.005
    late_copies: float = 0.003
    cuts_per_day: float = 1.0
    failing: float = 0.02
    failures_per_day: float = 0.01
    odd_echoes: float = 0.004
    missed_rounds: float = 0.03
    deaths: float = 0.0
    late: float = 0.0
    site_outages_per_week: float = 0.0
    gateway_outages_per_week: float = 0.0
    supply_failures_per_week: float = 0.0

    def scaled(self, factor: float) -> "FaultRates":
        """All rates times `factor` (0: a perfect world); shares stay at most 0.9."""
        values = {field.name: getattr(self, field.name) * factor for field in fields(self)}
        rates = ("per_day", "per_week")
        shares = {name: value if name.endswith(rates) else min(0.9, value) for name, value in values.items()}
        return replace(self, **shares)


HARD = FaultRates(
    duplicates=0.05,
    loss=0.10,
    reordered=0.02,
    late_copies=0.01,
    cuts_per_day=2.0,
    failing=0.03,
    failures_per_day=0.03,
    odd_echoes=0.01,
    missed_rounds=0.05,
    deaths=0.25,
    late=0.01,
    site_outages_per_week=2.0,
    gateway_outages_per_week=0.2,
    supply_failures_per_week=0.25,
)
"""What the watch is measured on: every road and every kind of trouble, all the time."""

SCENARIOS = {"usual": FaultRates(), "hard": HARD}


class Cuts:
    """When one site's network server is cut from the broker: an event of that time comes when it is over.

    Windows never overlap; they are drawn as the time comes, in order, so that they depend on the seed alone.
    """

    def __init__(self, rng: Random, *, start_ms: int, per_day: float) -> None:
        self._windows = _windows(rng, start_ms, per_day)
        self._current = next(self._windows, None)
        self._told: tuple[int, int] | None = None

    def delay_until(self, at_ms: int) -> int | None:
        """The end of the cut that holds at `at_ms`, None when the link is up. Ask in order of time."""
        while self._current is not None and self._current[1] <= at_ms:
            self._current = next(self._windows, None)
        if self._current is None or at_ms < self._current[0]:
            return None
        return self._current[1]

    def begun(self, at_ms: int) -> tuple[int, int] | None:
        """The cut that holds at `at_ms`, the first time it is asked for; else None."""
        if self.delay_until(at_ms) is None or self._current == self._told:
            return None
        self._told = self._current
        return self._told


def _windows(rng: Random, start_ms: int, per_day: float) -> Iterator[tuple[int, int]]:
    at_ms = start_ms
    while per_day > 0:
        at_ms += round(rng.expovariate(per_day / 24.0) * HOUR_MS)
        end_ms = at_ms + rng.randint(60_000, 15 * 60_000)
        yield at_ms, end_ms
        at_ms = end_ms


def reordering_ms(rng: Random) -> int:
    """How long a reordered event is held back."""
    return rng.randint(200, _REORDERED_MS)


def lateness_ms(rng: Random) -> int:
    """How long a late event is held back."""
    return rng.randint(*_LATE_MS)


class TruthFile:
    """One JSON object a line: `at_ms`, `fact`, and what belongs to it. Written as it happens, not before.

    Facts: level (of a lamp), failure, repair, restart; fill_pct, collection, missed_round, tilted, fire (of a bin);
    vehicles (of a counter); lost, unheard (nobody could hear it), duplicate, reordered, late, late_copy (of an event);
    cut (of a site); supply_out, gateway_out, site_out, and …_back (of the world).
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("wb")
        self._encode = msgspec.json.Encoder().encode

    def write(self, at_ms: int, fact: str, detail: dict[str, str | int | float]) -> None:
        self._file.write(self._encode({"at_ms": at_ms, "fact": fact, **detail}) + b"\n")

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
