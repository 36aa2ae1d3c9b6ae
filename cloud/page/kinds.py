"""The kinds of assets: where the state of each comes from, on which layer of the map it stands, which states need a
person.

A *layer* is a domain: what a tile switches. Pure.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from cloud.page import bin as bins
from cloud.page import cabinet, counter, lamp
from cloud.page.ground import Place
from cloud.page.seen import Hearing, Points, Seen
from core.model import Domain
from core.territory import Kind

AWAITED, SILENT, BARE = "awaited", "silent", "bare"  # what every kind with a device calls these states


@dataclass(frozen=True, slots=True)
class Trade:
    """What the page knows of a kind. `heed`: its state as the watch has it; `judge`: as the page itself sees it, while
    nobody watches. `to_report`: the states that need a person, the gravest first; `faults`: the quantities that say
    what is wrong, each with the word that says so; `alarms`: what state an alarm means, by its kind."""

    domain: Domain
    states: type[StrEnum]
    heed: Callable[[Points, Place, Hearing], Seen]
    judge: Callable[[Points, Place, Hearing], Seen]
    grown_old: Callable[[Seen, Place, int], Seen]
    to_report: tuple[StrEnum, ...]
    faults: Mapping[str, str] = field(default_factory=dict)
    alarms: Mapping[str, str] = field(default_factory=dict)


TRADES: Final[Mapping[Kind, Trade]] = {
    Kind.LAMP: Trade(
        Domain.LIGHT,
        lamp.LampState,
        lamp.heed,
        lamp.judge,
        lamp.grown_old,
        lamp.TO_REPORT,
        lamp.FAULTS,
        lamp.ALARMS,
    ),
    Kind.BIN: Trade(
        Domain.BIN,
        bins.BinState,
        bins.heed,
        bins.judge,
        bins.grown_old,
        bins.TO_REPORT,
        bins.FAULTS,
        bins.ALARMS,
    ),
    Kind.COUNTER: Trade(
        Domain.TRAFFIC,
        counter.CounterState,
        counter.heed,
        counter.judge,
        counter.grown_old,
        counter.TO_REPORT,
        counter.FAULTS,
        counter.ALARMS,
    ),
    Kind.CABINET: Trade(
        Domain.LIGHT, cabinet.CabinetState, cabinet.heed, cabinet.judge, cabinet.grown_old, cabinet.TO_REPORT
    ),
}
NOUNS: Final[Mapping[Kind, str]] = {
    Kind.LAMP: "lampadaire",
    Kind.BIN: "bac",
    Kind.COUNTER: "compteur",
    Kind.CABINET: "armoire",
}
LAYERS: Final = (Domain.LIGHT, Domain.BIN, Domain.TRAFFIC)
MAIN: Final[Mapping[Domain, Kind]] = {Domain.LIGHT: Kind.LAMP, Domain.BIN: Kind.BIN, Domain.TRAFFIC: Kind.COUNTER}
