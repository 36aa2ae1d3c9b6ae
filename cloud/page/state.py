"""What the page shows: from points, ground and *now* to one snapshot, and what changed since the one before. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property

import msgspec

from cloud.page import tally
from cloud.page.alarms import Alarm
from cloud.page.balance import Road, SiteNews
from cloud.page.ground import Ground
from cloud.page.kinds import LAYERS, TRADES
from cloud.page.pulse import Watch
from cloud.page.seen import Hearing, Points, Seen, heard_until
from cloud.page.tally import Tallies, Tally
from core.model import Domain
from core.territory import Kind

_NOTHING = Points()
_RANKS = {(kind, state): rank for kind, trade in TRADES.items() for rank, state in enumerate(trade.to_report)}


class StoreState(StrEnum):
    """`absent`: no store yet; `empty`: nothing of an asset in it; `failing`: it was read before and cannot be now."""

    ABSENT = "absent"
    EMPTY = "empty"
    READY = "ready"
    FAILING = "failing"


@dataclass(frozen=True, slots=True)
class Stranger:
    """A device that speaks and that nobody declared; only the operator is told which."""

    dev_eui: str
    commune: str
    at_ms: int


@dataclass(frozen=True)
class Beside:
    """What the page shows beside the assets. `vehicles`: of each counter since midnight, None where the store was not
    asked; `silent`: sites without news, while nobody watches; `unassigned`: devices that speak and that nobody
    declared; `alarms`: those that hold and those that ended not long ago; `watch`: which tenants are watched;
    `begun_ms`: of each tenant its first reading."""

    road: Road | None = None
    silent: tuple[SiteNews, ...] = ()
    unassigned: int = 0
    strangers: tuple[Stranger, ...] = ()
    vehicles: Mapping[str, float] = field(default_factory=dict)
    alarms: tuple[Alarm, ...] = ()
    watch: Watch = field(default_factory=Watch)
    begun_ms: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Snapshot:
    """Everything the page shows at `now_ms`. `revision` grows when an asset's state changes; `expected_lit`: lamps
    that should be lit now, `is_day`: while the sun is up."""

    now_ms: int
    store: StoreState
    ground: Ground
    seen: Mapping[str, Seen] = field(default_factory=dict)
    tallies: Mapping[str, Tallies] = field(default_factory=dict)
    totals: Tallies = field(default_factory=dict)
    expected_lit: int = 0
    is_day: bool = False
    beside: Beside = Beside()
    revision: int = 0

    @property
    def newest_ms(self) -> int | None:
        """The last reading of any asset."""
        return max((t.newest_ms for t in self.totals.values() if t.newest_ms is not None), default=None)

    def alarms_of(self, asset: str) -> list[Alarm]:
        """Those that hold about an asset, the gravest first."""
        return [one for one in self.beside.alarms if one.is_open and one.asset == asset]

    def total(self, kind: Kind) -> Tally:
        return self.totals.get(kind, tally.NONE)

    @cached_property
    def to_report(self) -> Mapping[Domain, Sequence[str]]:
        """The assets that need a person, by layer: the gravest state first, then by id."""
        found: dict[Domain, list[tuple[int, str]]] = {domain: [] for domain in LAYERS}
        for asset, seen in self.seen.items():
            kind = self.ground.places[asset].kind
            rank = _RANKS.get((kind, seen.state))
            if rank is not None:
                found[TRADES[kind].domain].append((rank, asset))
        return {domain: [asset for _, asset in sorted(ranked)] for domain, ranked in found.items()}


@dataclass(frozen=True, slots=True)
class Changes:
    """From revision `base` to `revision`: the assets whose state is another. `redraw`: other assets, or other
    places."""

    base: int
    revision: int
    states: Mapping[str, StrEnum]
    redraw: bool = False


def picture(ground: Ground, now_ms: int, points: Mapping[str, Points], beside: Beside = Beside()) -> Snapshot:
    """The snapshot of a store that answers.

    Args:
        points: of each asset, the newest of all its series.
    """
    newest_ms = _newest(ground, points)
    awake = beside.watch.awake
    powered = {
        zone.id: Hearing(heard_until(newest_ms.get(zone.id), now_ms), since_ms=beside.begun_ms.get(zone.id, now_ms))
        for zone in ground.zones
    }
    watched = {zone: now._replace(until_ms=now_ms) for zone, now in powered.items() if zone in awake}
    seen: dict[str, Seen] = {}
    for asset, place in ground.places.items():
        zone, told = ground.communes[place.commune].zone, points.get(asset, _NOTHING)
        if zone in watched:
            seen[asset] = TRADES[place.kind].heed(told, place, watched[zone])
            continue
        now = powered[zone]
        if place.circuit:
            now = now._replace(circuit_ms=newest_ms.get(place.circuit))
        seen[asset] = TRADES[place.kind].judge(told, place, now)
    for alarm in beside.alarms:
        if alarm.is_open and alarm.asset in seen and alarm.database in awake:
            seen[alarm.asset] = _alarmed(seen[alarm.asset], ground.places[alarm.asset].kind, alarm)
    snapshot = _counted(Snapshot(now_ms, StoreState.READY, ground, beside=beside), seen)
    return snapshot if snapshot.newest_ms is not None else replace(snapshot, store=StoreState.EMPTY)


def _alarmed(seen: Seen, kind: Kind, alarm: Alarm) -> Seen:
    """The map never shows an asset as better than its alarms say."""
    word = TRADES[kind].alarms.get(alarm.kind)
    if word is None:
        return seen
    state = TRADES[kind].states(word)
    is_graver = _RANKS[kind, state] < _RANKS.get((kind, seen.state), len(_RANKS))
    return msgspec.structs.replace(seen, state=state) if is_graver else seen


def blank(ground: Ground, now_ms: int, store: StoreState) -> Snapshot:
    """The snapshot without a store: the declared assets, nothing heard of any."""
    return replace(picture(ground, now_ms, {}), store=store)


def age(snapshot: Snapshot, ground: Ground, now_ms: int) -> Snapshot:
    """The same facts at a later instant, while the store cannot be read: nothing is forgotten, nothing is new."""
    if snapshot.store in (StoreState.ABSENT, StoreState.EMPTY) or snapshot.ground is not ground:
        return blank(ground, now_ms, StoreState.FAILING)
    until_ms = heard_until(snapshot.newest_ms, now_ms)
    seen = {
        asset: TRADES[(place := ground.places[asset]).kind].grown_old(one, place, until_ms)
        for asset, one in snapshot.seen.items()
    }
    return _counted(replace(snapshot, now_ms=now_ms, store=StoreState.FAILING), seen)


def compare(old: Snapshot, new: Snapshot) -> tuple[Snapshot, Changes]:
    """The new snapshot with its revision, and what leads from the old one to it."""
    redraw = old.ground.digest != new.ground.digest or old.seen.keys() != new.seen.keys()
    states = {
        asset: seen.state for asset, seen in new.seen.items() if redraw or old.seen[asset].state is not seen.state
    }
    revision = old.revision + 1 if redraw or states else old.revision
    return replace(new, revision=revision), Changes(old.revision, revision, states, redraw)


def _counted(snapshot: Snapshot, seen: Mapping[str, Seen]) -> Snapshot:
    ground = snapshot.ground
    tallies = tally.by_commune(ground, seen)
    return replace(
        snapshot,
        seen=seen,
        tallies=tallies,
        totals=tally.total(tallies.values()),
        expected_lit=ground.expected_lit(snapshot.now_ms),
        is_day=ground.is_day(snapshot.now_ms),
    )


def _newest(ground: Ground, points: Mapping[str, Points]) -> dict[str, int]:
    """When an asset of each zone, and of each switched circuit, was last read (ms)."""
    newest: dict[str, int] = {}
    for asset, told in points.items():
        place = ground.places.get(asset)
        if place is not None and place.equipped and told.at_ms is not None:
            at_ms = told.at_ms
            for name in (ground.communes[place.commune].zone, place.circuit):
                if at_ms > newest.get(name, 0):
                    newest[name] = at_ms
    return newest
