"""The kinds of assets: how each is judged, on which layer of the map it stands, which of its states need a person.

A *layer* is a domain: what a tile switches. Pure.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cloud.page import bin as bins
from cloud.page import cabinet, counter, lamp
from cloud.page.ground import Place
from cloud.page.seen import Hearing, Points, Seen
from core.model import Domain
from core.territory import Kind

SILENT, BARE = "silent", "bare"  # what every kind with a device calls these states


@dataclass(frozen=True, slots=True)
class Trade:
    """What the page knows of a kind. `to_report`: the states that need a person, the gravest first; `faults`: the
    quantities that say what is wrong, each with the word that says so."""

    domain: Domain
    states: type[StrEnum]
    judge: Callable[[Points, Place, Hearing], Seen]
    grown_old: Callable[[Seen, Place, int], Seen]
    to_report: tuple[StrEnum, ...]
    faults: Mapping[str, str]


TRADES: Final[Mapping[Kind, Trade]] = {
    Kind.LAMP: Trade(Domain.LIGHT, lamp.LampState, lamp.judge, lamp.grown_old, lamp.TO_REPORT, lamp.FAULTS),
    Kind.BIN: Trade(Domain.BIN, bins.BinState, bins.judge, bins.grown_old, bins.TO_REPORT, bins.FAULTS),
    Kind.COUNTER: Trade(
        Domain.TRAFFIC,
        counter.CounterState,
        counter.judge,
        counter.grown_old,
        counter.TO_REPORT,
        counter.FAULTS,
    ),
    Kind.CABINET: Trade(Domain.LIGHT, cabinet.CabinetState, cabinet.judge, cabinet.grown_old, cabinet.TO_REPORT, {}),
}
LAYERS: Final = (Domain.LIGHT, Domain.BIN, Domain.TRAFFIC)
MAIN: Final[Mapping[Domain, Kind]] = {Domain.LIGHT: Kind.LAMP, Domain.BIN: Kind.BIN, Domain.TRAFFIC: Kind.COUNTER}
