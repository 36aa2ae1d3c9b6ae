"""What the page shows: from points, ground and *now* to one snapshot, and what changed since the one before. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from cloud.page import lamp
from cloud.page.balance import Road
from cloud.page.ground import Ground
from cloud.page.lamp import LampState, Seen
from cloud.stores.base import Point


class StoreState(StrEnum):
    """`absent`: no store yet; `empty`: nothing of a lamp in it; `failing`: it was read before and cannot be now."""

    ABSENT = "absent"
    EMPTY = "empty"
    READY = "ready"
    FAILING = "failing"


@dataclass(frozen=True, slots=True)
class Tally:
    """How many lamps are in which state. `declared`: all of them; `newest_ms`: the last reading of any of them;
    `unpowered`: those that are off because their circuit is cut."""

    declared: int = 0
    by_state: Mapping[LampState, int] = field(default_factory=dict)
    newest_ms: int | None = None
    unpowered: int = 0

    def __getitem__(self, state: LampState) -> int:
        return self.by_state.get(state, 0)

    @property
    def equipped(self) -> int:
        return self.declared - self[LampState.BARE]

    @property
    def heard(self) -> int:
        """Lamps of which the page knows a present state."""
        return self.equipped - self[LampState.SILENT]

    @property
    def is_cut(self) -> bool:
        """True when no lamp has power that could tell anything: its age is no trouble."""
        return 0 < self.unpowered == self[LampState.OFF] and not self[LampState.LIT]


@dataclass(frozen=True)
class Snapshot:
    """Everything the page shows at `now_ms`. `revision` grows when a lamp's state changes; `unassigned`: devices
    that speak and that nobody declared."""

    now_ms: int
    store: StoreState
    ground: Ground
    lamps: Mapping[str, Seen] = field(default_factory=dict)
    tallies: Mapping[str, Tally] = field(default_factory=dict)
    total: Tally = Tally()
    road: Road | None = None
    unassigned: int = 0
    revision: int = 0


@dataclass(frozen=True, slots=True)
class Changes:
    """From revision `base` to `revision`: the lamps whose state is another. `redraw`: other lamps, or other places."""

    base: int
    revision: int
    states: Mapping[str, LampState]
    redraw: bool = False


def picture(
    ground: Ground,
    now_ms: int,
    *,
    readings: Iterable[Point],
    suspects: Iterable[Point],
    road: Road | None,
    unassigned: int,
) -> Snapshot:
    """The snapshot of a store that answers.

    Args:
        readings: the newest `light` point of each series, of all tenants.
        suspects: the same of `suspect`.
    """
    good, doubtful = _by_asset(readings), _by_asset(suspects)
    newest_ms = _newest(ground, good, doubtful)
    until_ms = {zone.id: lamp.heard_until(newest_ms.get(zone.id), now_ms) for zone in ground.zones}
    lamps = {
        asset: lamp.judge(
            spot,
            good.get(asset, ()),
            doubtful.get(asset, ()),
            until_ms[ground.zone_of(asset)],
            circuit_ms=newest_ms.get(spot.circuit) if spot.circuit else None,
        )
        for asset, spot in ground.lamps.items()
    }
    total = _count(lamps.values())
    return Snapshot(
        now_ms=now_ms,
        store=StoreState.EMPTY if total.newest_ms is None else StoreState.READY,
        ground=ground,
        lamps=lamps,
        tallies=_tallies(ground, lamps),
        total=total,
        road=road,
        unassigned=unassigned,
    )


def blank(ground: Ground, now_ms: int, store: StoreState) -> Snapshot:
    """The snapshot without a store: the declared lamps, nothing heard of any."""
    return replace(picture(ground, now_ms, readings=(), suspects=(), road=None, unassigned=0), store=store)


def age(snapshot: Snapshot, ground: Ground, now_ms: int) -> Snapshot:
    """The same facts at a later instant, while the store cannot be read: nothing is forgotten, nothing is new."""
    if snapshot.store in (StoreState.ABSENT, StoreState.EMPTY) or snapshot.ground is not ground:
        return blank(ground, now_ms, StoreState.FAILING)
    until_ms = lamp.heard_until(snapshot.total.newest_ms, now_ms)
    lamps = {asset: lamp.grown_old(ground.lamps[asset], seen, until_ms) for asset, seen in snapshot.lamps.items()}
    return replace(
        snapshot,
        now_ms=now_ms,
        store=StoreState.FAILING,
        lamps=lamps,
        tallies=_tallies(ground, lamps),
        total=_count(lamps.values()),
    )


def compare(old: Snapshot, new: Snapshot) -> tuple[Snapshot, Changes]:
    """The new snapshot with its revision, and what leads from the old one to it."""
    redraw = old.ground.digest != new.ground.digest or old.lamps.keys() != new.lamps.keys()
    states = {
        asset: seen.state for asset, seen in new.lamps.items() if redraw or old.lamps[asset].state is not seen.state
    }
    revision = old.revision + 1 if redraw or states else old.revision
    return replace(new, revision=revision), Changes(old.revision, revision, states, redraw)


def _newest(ground: Ground, *groups: Mapping[str, Sequence[Point]]) -> dict[str, int]:
    """When a lamp of each zone, and of each switched circuit, was last read (ms)."""
    newest: dict[str, int] = {}
    for group in groups:
        for asset, points in group.items():
            spot = ground.lamps.get(asset)
            if spot is not None and spot.equipped:
                at_ms = max(point.time_us for point in points) // 1000
                for name in (ground.zone_of(asset), spot.circuit):
                    newest[name] = max(newest.get(name, 0), at_ms)
    return newest


def _by_asset(points: Iterable[Point]) -> dict[str, list[Point]]:
    grouped: dict[str, list[Point]] = {}
    for point in points:
        asset = point.tags.get("asset")
        if asset:
            grouped.setdefault(asset, []).append(point)
    return grouped


def _tallies(ground: Ground, lamps: Mapping[str, Seen]) -> dict[str, Tally]:
    by_commune: dict[str, list[Seen]] = {insee: [] for insee in ground.communes}
    for asset, seen in lamps.items():
        by_commune[ground.lamps[asset].commune].append(seen)
    return {insee: _count(seen) for insee, seen in by_commune.items()}


def _count(seen: Iterable[Seen]) -> Tally:
    by_state: dict[LampState, int] = {}
    newest_ms = None
    unpowered = 0
    for one in seen:
        unpowered += one.unpowered
        by_state[one.state] = by_state.get(one.state, 0) + 1
        if one.at_ms is not None and (newest_ms is None or one.at_ms > newest_ms):
            newest_ms = one.at_ms
    return Tally(sum(by_state.values()), by_state, newest_ms, unpowered)


def to_report(snapshot: Snapshot) -> list[str]:
    """The lamps that need a person: the gravest state first, then by id."""
    rank = {state: index for index, state in enumerate(lamp.TO_REPORT)}
    return sorted(
        (asset for asset, seen in snapshot.lamps.items() if seen.state in rank),
        key=lambda asset: (rank[snapshot.lamps[asset].state], asset),
    )
