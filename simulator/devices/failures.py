"""What goes wrong with a device or what it is fixed to, when, and until somebody sees to it."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from random import Random

import msgspec

HOUR_MS = 3_600_000


class Kind(StrEnum):
    # of a lamp
    LAMP_FAILURE = "lamp_failure"  # the light source is dead, its driver says so
    DRIVER_ERROR = "driver_error"  # the driver is dead: nothing answers on its DALI line
    DAY_BURNING = "day_burning"  # a stuck relay: it burns whatever it is told; lamps on permanent supply only
    FLICKER = "flicker"  # the light source goes out and comes back
    STAYS_OFF = "stays_off"  # its programme is lost: it does not light, and says so
    # of a bin
    KNOCKED_OVER = "knocked_over"  # it lies on its side until somebody rights it
    FIRE = "fire"  # its content burns
    # of any device
    DEAD = "dead"  # its fuse, its battery, its electronics: it says nothing until somebody comes
    RESTART = "restart"  # a watchdog, a loose battery: it joins again and has forgotten what it counted


# how often each befalls, against the others
SWITCHED_LAMP: Mapping[Kind, int] = {Kind.LAMP_FAILURE: 4, Kind.DRIVER_ERROR: 2, Kind.FLICKER: 1, Kind.STAYS_OFF: 1}
LAMP: Mapping[Kind, int] = {**SWITCHED_LAMP, Kind.DAY_BURNING: 2}
BIN: Mapping[Kind, int] = {Kind.KNOCKED_OVER: 5, Kind.FIRE: 1, Kind.RESTART: 2}
COUNTER: Mapping[Kind, int] = {Kind.RESTART: 1}

_REPAIR_H = {Kind.FIRE: (0.25, 0.25), Kind.KNOCKED_OVER: (0.5, 8.0), Kind.RESTART: (0.01, 0.01)}
_USUAL_REPAIR_H = (0.5, 36.0)  # at least, and so much more on average


class Failure(msgspec.Struct, frozen=True):
    """From `start_ms` to `end_ms` (repaired)."""

    kind: Kind
    start_ms: int
    end_ms: int


def failures(
    rng: Random, *, start_ms: int, per_day: float, failing: float, kinds: Mapping[Kind, int], deaths: float = 0.0
) -> Iterator[Failure]:
    """The failures of one device, one after the other, without end (none at all when both rates are 0).

    Args:
        per_day: failures a device and day.
        failing: share of the devices that are already failing at `start_ms`.
        kinds: which there are, with their weights.
        deaths: share of the failures that are none of these: the device is dead.
    """
    choice, weights = list(kinds), list(kinds.values())
    at_ms = start_ms
    broken = rng.random() < failing
    while broken or per_day > 0:
        if not broken:
            at_ms += round(rng.expovariate(per_day / 24.0) * HOUR_MS)
        drawn = rng.expovariate(1.0)
        kind = Kind.DEAD if deaths and rng.random() < deaths else rng.choices(choice, weights)[0]
        least_h, more_h = _REPAIR_H.get(kind, _USUAL_REPAIR_H)
        end_ms = at_ms + round((least_h + drawn * more_h) * HOUR_MS)
        yield Failure(kind, at_ms, end_ms)
        at_ms, broken = end_ms, False
