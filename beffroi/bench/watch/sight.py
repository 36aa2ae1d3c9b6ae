"""The watch as its loop has it, without store and clock: of each tenant every detector, its groups and its sites."""

from collections import defaultdict
from collections.abc import Iterable

from cloud.schema import EVENT, SITE
from cloud.stores.base import Point
from cloud.watch.all import new_detectors
from cloud.watch.groups import Groups
from cloud.watch.model import Finding, FindingKey
from cloud.watch.sites import Sites
from cloud.watch.tenant import part_of
from cloud.watch.watchman import Change, Sight, Watchman
from core.territory import Territory


class _Tenant:
    def __init__(self, territory: Territory, *, now_ms: int) -> None:
        detectors = new_detectors()
        self.watchman = Watchman(territory, detectors.every, now_ms=now_ms)
        self.groups = Groups(territory, detectors.silence)
        self.sites = Sites(territory)


class Eyes:
    """Everything that looks. Used by one thread."""

    def __init__(self, territory: Territory, *, now_ms: int) -> None:
        self._tenants = {name: _Tenant(part, now_ms=now_ms) for name, part in part_of(territory).items()}
        self._tenant_of = {insee: commune.tenant for insee, commune in territory.communes.items()}

    def take(self, points: Iterable[Point]) -> None:
        """Points of a pass that is looked at later, of any database of a tenant."""
        sorted_out: dict[str, list[Point]] = defaultdict(list)
        reports: list[Point] = []
        for point in points:
            if point.measurement == SITE:
                reports.append(point)
            else:
                sorted_out[self._tenant_of[point.tags["commune"]]].append(point)
        for name, found in sorted_out.items():
            tenant = self._tenants[name]
            tenant.watchman.take(found)
            tenant.sites.take([point for point in found if point.measurement == EVENT])
        if reports:
            for tenant in self._tenants.values():
                tenant.sites.take(reports)

    def look(self, points: Iterable[Point], now_ms: int) -> Sight:
        """What is known after one more pass, each matter once."""
        self.take(points)
        changes: list[Change] = []
        findings: dict[FindingKey, Finding] = {}
        for tenant in self._tenants.values():
            sight = tenant.watchman.look(now_ms)
            changes += sight.changes
            findings.update(tenant.groups.fold(sight.findings, tenant.watchman, tenant.sites, now_ms))
        return Sight(changes, findings)
