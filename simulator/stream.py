"""All devices of a scenario as one lazy stream in order of time, with what the links do to it."""

from collections.abc import Iterable, Iterator
from heapq import heapify, heappop, heappush, heapreplace
from itertools import count

from msgspec.structs import replace

from simulator.devices.base import Fact
from simulator.faults import Cuts, FaultRates, lateness_ms, reordering_ms
from simulator.network import Event, Node, listen
from simulator.outages import Outages, SiteOutages
from simulator.scenario import random_of

_COPY_MS = 20_000  # a second delivery comes at most so much later

_Entry = tuple[int, int, Event | Fact, Iterator[Event | Fact] | None]


def stream(
    nodes: Iterable[Node], *, seed: int, start_ms: int, faults: FaultRates, outages: Outages | None = None
) -> Iterator[Event | Fact]:
    """Events and facts by `at_ms`, without end while a device lives. The same arguments give the same bytes.

    Args:
        outages: of the fleet, for their facts.
    """
    order = count()
    heap: list[_Entry] = []
    edges: set[str] = set()
    sites: dict[str, SiteOutages] = {}
    lives: list[Iterator[Event | Fact]] = [] if outages is None else [outages.facts()]
    for node in nodes:
        edges.add(node.edge)
        if node.outages is not None:
            sites[node.edge] = node.outages
        lives.append(listen(node))
    for told in lives:
        first = next(told, None)
        if first is not None:
            heap.append((first.at_ms, next(order), first, told))
    heapify(heap)
    cuts = {edge: Cuts(random_of(seed, edge, "cuts"), start_ms=start_ms, per_day=faults.cuts_per_day) for edge in edges}
    chance = random_of(seed, "deliveries", "faults")
    overtaken = faults.reordered + faults.late
    unruly = faults.duplicates + overtaken
    while heap:
        at_ms, _, item, life = heap[0]
        following = None if life is None else next(life, None)
        if following is None:
            heappop(heap)
        else:
            heapreplace(heap, (following.at_ms, next(order), following, life))
        if life is None or isinstance(item, Fact):
            yield item
            continue
        link = cuts[item.edge]
        cut = link.begun(at_ms)
        if cut is not None:
            yield Fact(at_ms, "cut", {"edge": item.edge, "start_ms": cut[0], "end_ms": cut[1]})
        until_ms = link.delay_until(at_ms)
        if sites and (site := sites.get(item.edge)) is not None:
            until_ms = max(site.delayed_until(at_ms) or 0, until_ms or 0) or None
        if until_ms is not None:
            heappush(heap, (until_ms, next(order), replace(item, at_ms=until_ms), None))
            continue
        drawn = chance.random()
        if drawn >= unruly:
            yield item
        elif drawn < overtaken:
            little = drawn < faults.reordered
            late_ms = at_ms + (reordering_ms(chance) if little else lateness_ms(chance))
            yield _fact(item, "reordered" if little else "late", {"until_ms": late_ms})
            heappush(heap, (late_ms, next(order), replace(item, at_ms=late_ms), None))
        else:
            yield item
            again_ms = at_ms + chance.randint(1, _COPY_MS)
            yield _fact(item, "duplicate", {"again_ms": again_ms})
            heappush(heap, (again_ms, next(order), replace(item, at_ms=again_ms, copy=True), None))


def _fact(event: Event, fact: str, detail: dict[str, str | int | float]) -> Fact:
    return Fact(event.at_ms, fact, {"dev_eui": event.dev_eui, "key": event.key, **detail})
