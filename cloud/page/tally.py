"""How many assets are in which state: by commune and kind, and all together. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cloud.page.ground import Ground
from cloud.page.kinds import AWAITED, BARE, SILENT
from cloud.page.seen import Seen
from core.territory import Kind


@dataclass(frozen=True, slots=True)
class Tally:
    """`declared`: all of a kind; `newest_ms`: the last reading of any of them; `unpowered`: lamps that are off because
    their circuit is cut."""

    declared: int = 0
    by_state: Mapping[str, int] = field(default_factory=dict)
    newest_ms: int | None = None
    unpowered: int = 0

    def __getitem__(self, state: str) -> int:
        return self.by_state.get(state, 0)

    @property
    def equipped(self) -> int:
        return self.declared - self[BARE]

    @property
    def heard(self) -> int:
        """Those of which the page knows a present state."""
        return self.equipped - self[SILENT] - self[AWAITED]

    @property
    def is_cut(self) -> bool:
        """True when no lamp has power that could tell anything: its age is no trouble."""
        return 0 < self.unpowered == self["off"] and not self["lit"]


NONE = Tally()
Tallies = Mapping[Kind, Tally]


def count(seen: Iterable[Seen]) -> Tally:
    """One kind's."""
    by_state: dict[str, int] = {}
    newest_ms = None
    unpowered = 0
    for one in seen:
        unpowered += one.unpowered
        by_state[one.state] = by_state.get(one.state, 0) + 1
        if one.at_ms is not None and (newest_ms is None or one.at_ms > newest_ms):
            newest_ms = one.at_ms
    return Tally(sum(by_state.values()), by_state, newest_ms, unpowered)


def by_commune(ground: Ground, seen: Mapping[str, Seen]) -> dict[str, Tallies]:
    """Of each commune the kinds that stand there."""
    groups: dict[tuple[str, Kind], list[Seen]] = {}
    for asset, one in seen.items():
        place = ground.places[asset]
        groups.setdefault((place.commune, place.kind), []).append(one)
    tallies: dict[str, dict[Kind, Tally]] = {insee: {} for insee in ground.communes}
    for (insee, kind), group in groups.items():
        tallies[insee][kind] = count(group)
    return dict(tallies)


def total(tallies: Iterable[Tallies]) -> dict[Kind, Tally]:
    """All communes together."""
    sums: dict[Kind, Tally] = dict.fromkeys(Kind, NONE)
    for one in tallies:
        for kind, tally in one.items():
            sums[kind] = _plus(sums[kind], tally)
    return sums


def _plus(a: Tally, b: Tally) -> Tally:
    times = [at_ms for at_ms in (a.newest_ms, b.newest_ms) if at_ms is not None]
    states = {state: a[state] + b[state] for state in {**a.by_state, **b.by_state}}
    return Tally(a.declared + b.declared, states, max(times, default=None), a.unpowered + b.unpowered)
