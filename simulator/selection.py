"""Which devices of a territory are alive in a fleet."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from core.territory.model import Asset, Kind
from simulator.scenario import FleetName, random_of


@dataclass(frozen=True, slots=True)
class Selection:
    """How many of each kind of asset, about; None: all. A kind that is not named is left out.

    Lamps of one circuit live or rest together, so that a cabinet's lamps are whole; each commune is represented.
    """

    about: Mapping[Kind, int | None]

    def choose(self, assets: Iterable[Asset]) -> frozenset[str]:
        """The ids of the assets that live: the same whatever the seed, and in whatever order the assets come."""
        by_kind: dict[Kind, list[Asset]] = defaultdict(list)
        for asset in assets:
            if asset.kind in self.about:
                by_kind[asset.kind].append(asset)
        chosen: set[str] = set()
        for kind, found in by_kind.items():
            about = self.about[kind]
            chosen.update(one.id for one in found) if about is None else chosen.update(_choose(found, about))
        return frozenset(chosen)


# a real rural project begins with so many: about 435
SELECTIONS: Mapping[FleetName, Selection] = {
    FleetName.FULL: Selection(dict.fromkeys(Kind)),
    FleetName.CABINET: Selection({Kind.LAMP: 400, Kind.BIN: 25, Kind.COUNTER: 10}),
}


def _choose(assets: list[Asset], about: int) -> list[str]:
    """Groups that belong together, one of each commune first, then where the most are missing, up to about so many."""
    if len(assets) <= about:
        return [asset.id for asset in assets]
    waiting: dict[str, list[list[str]]] = {
        commune: _groups(found) for commune, found in sorted(_by_commune(assets).items())
    }
    share = about / len(assets)
    missing = {commune: share * sum(map(len, groups)) for commune, groups in waiting.items()}
    chosen: list[str] = []
    taken: Counter[str] = Counter()
    while True:
        # the communes without any first, however small their share
        commune = max(waiting, key=lambda one: (not taken[one], missing[one]), default=None)
        if commune is None or (taken[commune] and len(chosen) >= about):
            return chosen
        group = waiting[commune].pop()
        whole = len(chosen) + len(group) <= about * 1.05
        if not taken[commune] or whole:
            chosen.extend(group)
            taken[commune] += 1
            missing[commune] -= len(group)
        if not waiting[commune] or (taken[commune] and not whole):
            del waiting[commune]


def _by_commune(assets: list[Asset]) -> dict[str, list[Asset]]:
    found: dict[str, list[Asset]] = defaultdict(list)
    for asset in assets:
        found[asset.commune].append(asset)
    return found


def _groups(assets: list[Asset]) -> list[list[str]]:
    """The lamps of a circuit, or one asset alone; the smallest last, so that they are taken first."""
    groups: dict[str, list[str]] = defaultdict(list)
    for asset in assets:
        groups[asset.circuit if asset.kind is Kind.LAMP and asset.circuit else asset.id].append(asset.id)
    return [groups[name] for name in sorted(groups, key=lambda name: (-len(groups[name]), _rank(name)))]


def _rank(name: str) -> float:
    return random_of(0, name, "selection").random()
