"""What stands where: the assets, communes, zones and sites of a territory at one instant. Pure.

A *zone* is a tenant with its communes: the part of the map that is looked at in one go.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cloud.watch.plan import Plan, plan_of, sun_of
from core.territory.model import Asset, Geometry, Kind, Supply, Territory
from core.territory.placements import END_MS

QUIET_TALKERS, QUIET_INTERVALS = 3, 1.25  # so many devices are never quiet together for so long by chance
STALE_MS = 15 * 60_000  # all assets of a kind together speak more often than this, unless each speaks more rarely


@dataclass(frozen=True, slots=True)
class Place:
    """A declared asset. `name`: its street, "" where none is declared; `equipped`: a device is assigned to it now.

    `silent_after_ms`: age at which its last reading no longer speaks for it. Of a lamp: `circuit`, where its power is
    switched off at a cabinet ("" where it is permanent); `unpowered_after_ms`: that circuit is without power when
    none of its devices spoke for so long; `plan`: what it shall do. Of a bin:
    `full_pct`, from which fill it is to be emptied, and its geometry.
    """

    asset: str
    kind: Kind
    commune: str
    lat: float
    lon: float
    name: str
    equipped: bool
    silent_after_ms: int
    circuit: str = ""
    unpowered_after_ms: int = 0
    plan: Plan | None = None
    full_pct: float = 100.0
    geometry: Geometry | None = None

    @property
    def label(self) -> str:
        """What people call it."""
        return self.name or self.asset


@dataclass(frozen=True, slots=True)
class Commune:
    insee: str
    name: str
    zone: str


@dataclass(frozen=True, slots=True)
class Zone:
    """`assets`: how many are declared there."""

    id: str
    name: str
    communes: tuple[str, ...]
    assets: int


@dataclass(frozen=True)
class Ground:
    """`digest` names the territory's files; `valid_until_ms`: when the next device comes or goes; `paces_ms`: how
    often the most talkative device of each kind is expected to speak; `sites`: id → name, each reports its counters;
    `plans`: how many equipped lamps follow each plan."""

    title: str
    places: Mapping[str, Place]
    communes: Mapping[str, Commune]
    zones: tuple[Zone, ...]
    databases: tuple[str, ...]
    digest: str
    valid_from_ms: int
    valid_until_ms: int
    paces_ms: Mapping[Kind, int]
    sites: Mapping[str, str]
    plans: Mapping[Plan, int] = field(default_factory=dict)

    def zone_of(self, asset: str) -> str:
        return self.communes[self.places[asset].commune].zone

    def commune_of(self, asset: str) -> str:
        return self.communes[self.places[asset].commune].name

    def is_late(self, kind: Kind, age_ms: int) -> bool:
        """True when the newest reading of many assets of a kind should not be this old."""
        return age_ms > max(STALE_MS, self.paces_ms.get(kind, 0))

    def holds_at(self, now_ms: int) -> bool:
        return self.valid_from_ms <= now_ms < self.valid_until_ms

    def expected_lit(self, now_ms: int) -> int:
        """Lamps with a device whose calendar and sun want them lit now."""
        return sum(lamps for plan, lamps in self.plans.items() if plan.level_pct(now_ms) > 0)

    def is_day(self, now_ms: int) -> bool:
        """True while the sun is up over every commune that has lamps with a device."""
        return bool(self.plans) and all(plan.is_day(now_ms) for plan in self.plans)


def survey(territory: Territory, now_ms: int, *, tenant: str | None = None) -> Ground:
    """The ground as the territory declares it at `now_ms`. The zone with most assets comes first.

    Args:
        tenant: this one alone; None: all of them.
    """
    tenants = [one for one in territory.tenants.values() if tenant in (None, one.id)]
    communes = {c.insee: Commune(c.insee, c.name, c.tenant) for c in territory.communes.values()}
    if tenant is not None:
        communes = {insee: commune for insee, commune in communes.items() if commune.zone == tenant}
    assets = [asset for asset in territory.assets.values() if asset.commune in communes]
    intervals = _expected_intervals_ms(territory, now_ms)
    places = _places(territory, assets, intervals)
    counts = Counter(communes[asset.commune].zone for asset in assets)
    zones = [Zone(t.id, t.name, t.communes, counts[t.id]) for t in tenants]
    valid_from_ms, valid_until_ms = _validity(territory, now_ms)
    paces_ms: dict[Kind, int] = {}
    for asset in assets:
        if asset.id in intervals:
            paces_ms[asset.kind] = min(intervals[asset.id], paces_ms.get(asset.kind, END_MS))
    return Ground(
        title=territory.operator.name if tenant is None else territory.tenants[tenant].name,
        places=places,
        communes=communes,
        zones=tuple(sorted(zones, key=lambda zone: (-zone.assets, zone.name))),
        databases=tuple(one.id for one in tenants),
        digest=territory.digest,
        valid_from_ms=valid_from_ms,
        valid_until_ms=valid_until_ms,
        paces_ms=paces_ms,
        sites={site.id: site.name for site in territory.sites.values() if site.commune in communes},
        plans=Counter(place.plan for place in places.values() if place.plan is not None and place.equipped),
    )


def _places(territory: Territory, assets: Sequence[Asset], intervals: Mapping[str, int]) -> dict[str, Place]:
    talkers = Counter(asset.circuit for asset in assets if asset.id in intervals)
    places: dict[str, Place] = {}
    for asset in assets:
        thresholds = territory.tenants[territory.communes[asset.commune].tenant].thresholds
        interval_ms = intervals.get(asset.id)
        circuit = territory.circuits.get(asset.circuit or "")
        is_switched = circuit is not None and circuit.supply is Supply.SWITCHED
        patience = QUIET_INTERVALS if talkers[asset.circuit] >= QUIET_TALKERS else thresholds.silence_intervals
        places[asset.id] = Place(
            asset=asset.id,
            kind=asset.kind,
            commune=asset.commune,
            lat=asset.lat,
            lon=asset.lon,
            name=asset.street or "",
            equipped=interval_ms is not None,
            silent_after_ms=int((interval_ms or 0) * thresholds.silence_intervals),
            circuit=circuit.id if circuit is not None and is_switched else "",
            unpowered_after_ms=int((interval_ms or 0) * patience) if is_switched else 0,
            plan=(plan_of(territory, asset) or sun_of(territory, asset)) if asset.kind is Kind.LAMP else None,
            full_pct=thresholds.bin_full_pct,
            geometry=asset.geometry,
        )
    return places


def _expected_intervals_ms(territory: Territory, now_ms: int) -> dict[str, int]:
    """For each asset with a device now, how often its slowest device is expected to speak."""
    intervals: dict[str, int] = {}
    for assignment in territory.assignments:
        if assignment.start_ms <= now_ms and (assignment.end_ms is None or now_ms < assignment.end_ms):
            device = territory.devices[assignment.dev_eui]
            interval_ms = territory.profiles[device.profile].expected_interval_s * 1000
            intervals[assignment.asset] = max(interval_ms, intervals.get(assignment.asset, 0))
    return intervals


def _validity(territory: Territory, now_ms: int) -> tuple[int, int]:
    valid_from_ms, valid_until_ms = 0, END_MS
    for assignment in territory.assignments:
        for turn_ms in (assignment.start_ms, assignment.end_ms):
            if turn_ms is None:
                continue
            if turn_ms <= now_ms:
                valid_from_ms = max(valid_from_ms, turn_ms)
            else:
                valid_until_ms = min(valid_until_ms, turn_ms)
    return valid_from_ms, valid_until_ms
