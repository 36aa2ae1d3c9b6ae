"""A scenario as the watch would see it: the points of its rows in the order in which the store gets them."""

from collections.abc import Iterator
from functools import partial

from beffroi.bench.watch.host import Arrival, Host
from core.territory import Territory
from edge.intake import Intake
from simulator.devices.base import Fact
from simulator.fleet import Fleet
from simulator.network import Event
from simulator.outages import Cause
from simulator.scenario import Scenario

HEALTH_MS = 60_000  # the agent's default


def arrivals(
    territory: Territory, scenario: Scenario, fleet: Fleet, *, until_ms: int, health_ms: int = HEALTH_MS
) -> Iterator[Arrival | Fact]:
    """What arrives until then, and what really happens, each by its time."""
    intake = Intake()
    make = partial(Host, territory=territory, intake=intake, start_ms=scenario.start_ms, health_ms=health_ms)
    hosts = {edge: make(territory.sites[edge]) for edge in fleet.edges}
    for item in fleet.stream(scenario):
        at_ms = min(item.at_ms, until_ms)
        yield from _own_acts(hosts, at_ms)
        if item.at_ms > until_ms:
            return
        if isinstance(item, Event):
            yield from hosts[item.edge].take(item)
        else:
            yield item
            yield from _outage(hosts, item)


def _own_acts(hosts: dict[str, Host], until_ms: int) -> Iterator[Arrival]:
    """What the hosts do of their own accord up to then."""
    while True:
        due_ms, name = min(
            ((next_ms, name) for name, host in hosts.items() if (next_ms := host.next_ms) is not None),
            default=(until_ms, ""),
        )
        if due_ms >= until_ms:
            return
        yield from hosts[name].advance(due_ms)


def _outage(hosts: dict[str, Host], fact: Fact) -> Iterator[Arrival]:
    host = hosts.get(str(fact.detail.get("edge")))
    if host is None:
        return
    if fact.fact == "site_out":
        host.lose(
            fact.at_ms,
            power=fact.detail["cause"] == Cause.POWER,
            behind_ms=int(fact.detail["behind_ms"]),
            clock_until_ms=int(fact.detail["clock_until_ms"]),
        )
    elif fact.fact == "site_back":
        yield from host.regain(fact.at_ms)
