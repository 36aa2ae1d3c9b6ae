"""The settings of one run."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from random import Random

from simulator.clock import DAY_MS
from simulator.faults import FaultRates

AGO_MS = 2 * DAY_MS  # a scenario starts so long before now
FILL_MS = DAY_MS  # and fills so much at full speed


class FleetName(StrEnum):
    """Which of the declared devices live. `fleet.SELECTIONS` says what each means."""

    FULL = "full"
    CABINET = "cabinet"


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is simulated: the same scenario gives the same bytes, on any day and at any speed.

    `start_ms`: first instant (ms UTC). `speed`: scenario seconds a real second once the first day is filled.
    `for_s`: real seconds until it stops by itself; None: when it is told to.
    """

    territory: Path
    start_ms: int
    seed: int = 1
    speed: float = 60.0
    fleet: FleetName = FleetName.CABINET
    faults: FaultRates = field(default_factory=FaultRates)
    for_s: float | None = None


def random_of(seed: int, who: str, what: str) -> Random:
    """A source of chance of its own for each device and matter: one more draw in one changes nothing in another."""
    return Random(f"{seed}/{who}/{what}")  # noqa: S311 - repeatable on purpose, guards nothing
