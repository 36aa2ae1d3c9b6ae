"""What really happened, from the simulator's facts; and how much of it was to be seen from afar."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

import msgspec

from beffroi.bench.watch.spans import Times, merged, within, without
from core.sun import night_sun_ms
from core.territory import Supply, Territory
from core.territory.calendars import night_of
from simulator.devices.base import Fact
from simulator.devices.failures import Kind

DEAD = Kind.DEAD.value
_DAY_MS = 86_400_000
SUPPLY, GATEWAY, SITE = "supply", "gateway", "site"
_OUTAGES = {SUPPLY: "circuit", GATEWAY: "gateway", SITE: "edge"}
_OF_BINS = {"fire": Kind.FIRE.value, "tilted": Kind.KNOCKED_OVER.value}  # facts that begin such a failure


class Trouble(msgspec.Struct, frozen=True):
    """One failure or outage of `subject`. `kind`: of `simulator.devices.failures.Kind`, or supply, gateway, site."""

    kind: str
    subject: str
    start_ms: int
    end_ms: int


class Collection(msgspec.Struct, frozen=True):
    """The truck emptied a bin."""

    asset: str
    at_ms: int
    before_pct: float
    after_pct: float


class Truth:
    """Collects facts up to `end_ms`, the end of the scenario: what has not ended by then, ends there.

    Args:
        best_gateways: which gateway hears each asset best: without it, little is heard.
        edges: the site of each asset.
    """

    def __init__(
        self, territory: Territory, *, best_gateways: Mapping[str, str], edges: Mapping[str, str], end_ms: int
    ) -> None:
        self._territory = territory
        self._best_gateways = best_gateways
        self._edges = edges
        self._end_ms = end_ms
        self._levels: dict[str, list[tuple[int, float]]] = defaultdict(list)
        self._by: dict[tuple[str, str], list[Trouble]] = defaultdict(list)
        self.troubles: list[Trouble] = []
        self.collections: list[Collection] = []

    def note(self, fact: Fact) -> None:
        """A fact; they come by time."""
        detail, at_ms = fact.detail, fact.at_ms
        asset = str(detail.get("asset", ""))
        match fact.fact:
            case "level":
                self._levels[asset].append((at_ms, float(detail["level_pct"])))
            case "failure":
                self._add(str(detail["failure"]), asset, at_ms, int(detail["end_ms"]))
            case "fire" | "tilted" as what:
                self._add(_OF_BINS[what], asset, at_ms, int(detail["end_ms"]))
            case "supply_out" | "gateway_out" | "site_out" as what:
                kind = what.removesuffix("_out")
                self._add(kind, str(detail[_OUTAGES[kind]]), at_ms, int(detail["end_ms"]))
            case "collection":
                before, after = float(detail["fill_pct"]), float(detail["after_pct"])
                self.collections.append(Collection(asset, at_ms, before, after))
            case _:
                return

    def _add(self, kind: str, subject: str, start_ms: int, end_ms: int) -> None:
        trouble = Trouble(kind, subject, start_ms, min(end_ms, self._end_ms))
        self.troubles.append(trouble)
        self._by[kind, subject].append(trouble)

    def of(self, kinds: Iterable[str], subject: str) -> list[Trouble]:
        """What befell it of these kinds."""
        return [one for kind in kinds for one in self._by.get((kind, subject), ())]

    # what was to be seen

    def heard(self, asset: str, times: Times) -> list[tuple[int, int]]:
        """Of these times, those in which what the asset says comes in at once, when it has power."""
        site, gateway = self._edges.get(asset, ""), self._best_gateways.get(asset, "")
        out = [*self.of([SITE], site), *self.of([GATEWAY], gateway)]
        return without(times, merged((one.start_ms, one.end_ms) for one in out))

    def powered(self, asset: str, times: Times) -> list[tuple[int, int]]:
        """Of these times, those in which its circuit has power."""
        circuit = self._territory.assets[asset].circuit
        if circuit is None:
            return list(times)
        out = without(times, merged((one.start_ms, one.end_ms) for one in self.of([SUPPLY], circuit)))
        if self._territory.circuits[circuit].supply is Supply.SWITCHED:
            return within(out, self._level_times(asset, lit=True))
        return out

    def told_to_burn(self, asset: str, times: Times) -> list[tuple[int, int]]:
        return within(self.powered(asset, times), self._level_times(asset, lit=True))

    def told_to_be_off_by_day(self, asset: str, times: Times) -> list[tuple[int, int]]:
        off = within(self.powered(asset, times), self._level_times(asset, lit=False))
        commune = self._territory.communes[self._territory.assets[asset].commune]
        nights = {
            night_sun_ms(commune.lat, commune.lon, night_of(at_ms))
            for start_ms, end_ms in off
            for at_ms in range(start_ms, end_ms + _DAY_MS, _DAY_MS // 2)
        }
        return without(off, merged(nights))

    def circuit_expected(self, circuit: str, times: Times) -> list[tuple[int, int]]:
        """Of these times, those in which its lamps would be heard if it had supply."""
        lamp = next(one for one in self._edges if self._territory.assets[one].circuit == circuit)
        heard = self.heard(lamp, times)
        if self._territory.circuits[circuit].supply is Supply.SWITCHED:
            return within(heard, self._level_times(lamp, lit=True))
        return heard

    def alive(self, asset: str, times: Times) -> list[tuple[int, int]]:
        """Of these times, those in which its device was not dead."""
        return without(times, merged((one.start_ms, one.end_ms) for one in self.of([DEAD], asset)))

    def _level_times(self, asset: str, *, lit: bool) -> list[tuple[int, int]]:
        """Before its first change of level nobody knows what it was told."""
        levels = self._levels.get(asset, [])
        ends = [at_ms for at_ms, _ in levels[1:]] + [self._end_ms]
        return merged(
            (at_ms, end_ms) for (at_ms, level), end_ms in zip(levels, ends, strict=False) if (level > 0) is lit
        )
