"""What goes wrong with a street light, when, and until somebody repairs it."""

from collections.abc import Iterator
from enum import StrEnum
from random import Random

import msgspec

HOUR_MS = 3_600_000
_MEAN_REPAIR_H = 36.0


class Kind(StrEnum):
    """The failures of a lamp."""

    LAMP_FAILURE = "lamp_failure"  # the light source is dead, its driver says so
    DRIVER_ERROR = "driver_error"  # the driver is dead: nothing answers on its DALI line
    DAY_BURNING = "day_burning"  # a stuck relay: it burns whatever it is told; lamps on permanent supply only
    FLICKER = "flicker"  # the light source goes out and comes back


_WEIGHTS = {Kind.LAMP_FAILURE: 4, Kind.DRIVER_ERROR: 2, Kind.DAY_BURNING: 2, Kind.FLICKER: 1}


class Failure(msgspec.Struct, frozen=True):
    """From `start_ms` to `end_ms` (repaired)."""

    kind: Kind
    start_ms: int
    end_ms: int


def failures(rng: Random, *, start_ms: int, per_day: float, failing: float, permanent: bool) -> Iterator[Failure]:
    """The failures of one lamp, one after the other, without end (none at all when both rates are 0).

    Args:
        per_day: failures a lamp and day.
        failing: share of the lamps that are already failing at `start_ms`.
    """
    kinds = [kind for kind in Kind if permanent or kind is not Kind.DAY_BURNING]
    weights = [_WEIGHTS[kind] for kind in kinds]
    at_ms = start_ms
    broken = rng.random() < failing
    while broken or per_day > 0:
        if not broken:
            at_ms += round(rng.expovariate(per_day / 24.0) * HOUR_MS)
        end_ms = at_ms + round((0.5 + rng.expovariate(1.0 / _MEAN_REPAIR_H)) * HOUR_MS)
        yield Failure(rng.choices(kinds, weights)[0], at_ms, end_ms)
        at_ms, broken = end_ms, False
