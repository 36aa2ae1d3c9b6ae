"""What stands where: the lamps, communes and zones of a territory at one instant. Pure.

A *zone* is a tenant with its communes: the part of the map that is looked at in one go.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from core.territory.model import Asset, Kind, Supply, Territory
from core.territory.placements import END_MS

QUIET_TALKERS, QUIET_INTERVALS = 3, 1.25  # so many devices are never quiet together for so long by chance
STALE_MS = 15 * 60_000  # all lamps together speak more often than this, unless each speaks more rarely


@dataclass(frozen=True, slots=True)
class Lamp:
    """A declared lamp. `equipped`: a device is assigned to it now.

    `silent_after_ms`: age at which its last reading no longer speaks for it. `circuit`: where its power is switched
    off at a cabinet, "" where it is permanent; `unpowered_after_ms`: that circuit is without power when none of its
    devices spoke for so long.
    """

    asset: str
    commune: str
    lat: float
    lon: float
    equipped: bool
    silent_after_ms: int
    circuit: str = ""
    unpowered_after_ms: int = 0


@dataclass(frozen=True, slots=True)
class Commune:
    insee: str
    name: str
    zone: str


@dataclass(frozen=True, slots=True)
class Zone:
    """`lamps`: how many are declared there."""

    id: str
    name: str
    communes: tuple[str, ...]
    lamps: int


@dataclass(frozen=True)
class Ground:
    """`digest` names the territory's files; `valid_until_ms`: when the next device comes or goes; `pace_ms`: how
    often the most talkative kind of lamp is expected to speak, None without any."""

    title: str
    lamps: Mapping[str, Lamp]
    communes: Mapping[str, Commune]
    zones: tuple[Zone, ...]
    databases: tuple[str, ...]
    digest: str
    valid_from_ms: int
    valid_until_ms: int
    pace_ms: int | None
    sites: int  # declared: each should report the road's counters

    def zone_of(self, asset: str) -> str:
        return self.communes[self.lamps[asset].commune].zone

    def is_late(self, age_ms: int) -> bool:
        """True when the newest of many lamps' readings should not be this old."""
        return age_ms > max(STALE_MS, self.pace_ms or 0)

    def holds_at(self, now_ms: int) -> bool:
        return self.valid_from_ms <= now_ms < self.valid_until_ms


def survey(territory: Territory, now_ms: int) -> Ground:
    """The ground as the territory declares it at `now_ms`. The zone with most lamps comes first."""
    intervals = _expected_intervals_ms(territory, now_ms)
    assets = [asset for asset in territory.assets.values() if asset.kind is Kind.LAMP]
    talkers = Counter(asset.circuit for asset in assets if asset.id in intervals)
    lamps = {asset.id: _lamp(territory, asset, intervals.get(asset.id), talkers[asset.circuit]) for asset in assets}
    counts: dict[str, int] = {}
    for lamp in lamps.values():
        zone = territory.communes[lamp.commune].tenant
        counts[zone] = counts.get(zone, 0) + 1
    zones = sorted(
        (Zone(t.id, t.name, t.communes, counts.get(t.id, 0)) for t in territory.tenants.values()),
        key=lambda zone: (-zone.lamps, zone.name),
    )
    valid_from_ms, valid_until_ms = _validity(territory, now_ms)
    return Ground(
        title=territory.operator.name,
        lamps=lamps,
        communes={c.insee: Commune(c.insee, c.name, c.tenant) for c in territory.communes.values()},
        zones=tuple(zones),
        databases=tuple(territory.tenants),
        digest=territory.digest,
        valid_from_ms=valid_from_ms,
        valid_until_ms=valid_until_ms,
        sites=len(territory.sites),
        pace_ms=min((intervals[asset] for asset in lamps if asset in intervals), default=None),
    )


def _lamp(territory: Territory, asset: Asset, interval_ms: int | None, talkers: int) -> Lamp:
    """`talkers`: lamps of its circuit that have a device."""
    thresholds = territory.tenants[territory.communes[asset.commune].tenant].thresholds
    circuit = territory.circuits.get(asset.circuit or "")
    is_switched = circuit is not None and circuit.supply is Supply.SWITCHED
    patience = QUIET_INTERVALS if talkers >= QUIET_TALKERS else thresholds.silence_intervals
    return Lamp(
        asset.id,
        asset.commune,
        asset.lat,
        asset.lon,
        equipped=interval_ms is not None,
        silent_after_ms=int((interval_ms or 0) * thresholds.silence_intervals),
        circuit=circuit.id if circuit is not None and is_switched else "",
        unpowered_after_ms=int((interval_ms or 0) * patience) if is_switched else 0,
    )


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
