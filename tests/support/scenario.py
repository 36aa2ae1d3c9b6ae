"""The example territory's devices in a scenario of a fixed winter or summer day, for tests."""

from functools import cache
from itertools import takewhile
from pathlib import Path

from core import territory
from core.territory import Territory
from simulator import fleet
from simulator.devices.base import Fact
from simulator.faults import FaultRates
from simulator.network import Event
from simulator.scenario import Scenario
from simulator.stream import stream

EXAMPLE = Path(__file__).parents[2] / "territories" / "grand-est"
WINTER_MS = 1_795_528_800_000  # 2026-11-24T14:00:00Z
SUMMER_MS = 1_782_050_400_000  # 2026-06-21T14:00:00Z
HOUR_MS = 3_600_000


@cache
def example() -> Territory:
    return territory.load(EXAMPLE)


def scenario(*, seed: int = 1, start_ms: int = WINTER_MS, faults: float = 1.0) -> Scenario:
    return Scenario(territory=EXAMPLE, start_ms=start_ms, seed=seed, faults=FaultRates().scaled(faults))


def items(
    *, hours: float, seed: int = 1, start_ms: int = WINTER_MS, faults: float = 1.0, keep: int | None = None
) -> list[Event | Fact]:
    """Events and facts of the first hours; `keep`: of so many of the devices only, of all makers."""
    chosen = scenario(seed=seed, start_ms=start_ms, faults=faults)
    nodes = fleet.build(example(), chosen).nodes
    if keep is not None and keep < len(nodes):
        nodes = tuple(nodes[index * len(nodes) // keep] for index in range(keep))
    told = stream(nodes, seed=seed, start_ms=start_ms, faults=chosen.faults)
    end_ms = start_ms + round(hours * HOUR_MS)
    return list(takewhile(lambda item: item.at_ms <= end_ms, told))


def events(**options: float) -> list[Event]:
    return [item for item in items(**options) if isinstance(item, Event)]  # type: ignore[arg-type]
