"""The watch over one tenant: what is read of its database, what is found in it, what is written back."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from cloud.dirty import Mark
from cloud.schema import EVENT
from cloud.stores.base import Point, Store
from cloud.watch.feed import Feed
from cloud.watch.groups import Groups
from cloud.watch.model import Detector, Finding, FindingKey, Watched
from cloud.watch.sites import Sites
from cloud.watch.states import StateBook
from cloud.watch.watchman import Watchman
from core.territory import Territory

_BOOT: Final = {"type": "boot"}
_BOOTS_H: Final = 7 * 24.0  # how long a site's way back may have taken


class TenantWatch:
    """Used by one thread.

    Args:
        territory: this tenant's part of it (`part_of`).
        held: what was found before the watch ended, as far as it is known.
    """

    def __init__(
        self,
        store: Store,
        database: str,
        territory: Territory,
        detectors: Sequence[Detector[Any]],
        silence: Any,
        *,
        held: Iterable[Finding],
        now_ms: int,
    ) -> None:
        self.database = database
        self._store = store
        self._watchman = Watchman(territory, detectors, now_ms=now_ms)
        held = [one for one in held if one.database == database]
        self._groups = Groups(territory, silence, held)
        self._sites = Sites(territory)
        self._states: StateBook | None = None
        hours: dict[str, float] = {EVENT: _BOOTS_H}
        for detector in detectors:
            hours[detector.measurement] = max(detector.keep.hours, hours.get(detector.measurement, 0.0))
        self._feed = Feed(store, database, hours, where={EVENT: _BOOT})
        self._use_again_ms = _next_swap_ms(territory, now_ms)
        self._territory = territory
        self.findings: Mapping[FindingKey, Finding] = {one.key: one for one in held}  # until the first look

    @property
    def watched(self) -> Mapping[str, Watched]:
        """Its assets, by id."""
        return self._watchman.watched

    @property
    def is_ready(self) -> bool:
        return self._states is not None and self._feed.is_ready

    def use(self, territory: Territory, *, now_ms: int) -> None:
        """Another territory is in force."""
        self._territory = territory
        self._watchman.use(territory, now_ms=now_ms)
        self._groups.use(territory)
        self._sites.use(territory)
        self._use_again_ms = _next_swap_ms(territory, now_ms)

    def prepare(self, now_ms: int) -> Iterator[None]:
        """Read what is needed of the past, a piece between two yields; then it is ready.

        Raises:
            LinkError, StorageError: the store's.
        """
        if self._states is None:
            self._states = StateBook(self._store, self.database)
            yield
        for points in self._feed.past(now_ms):
            self._take(points)
            yield

    def take_reports(self, points: Sequence[Point]) -> None:
        """Points of `site`, of all sites: whether others report says whether one that does not is silent."""
        self._sites.take(points)

    def look(self, marks: Sequence[Mark], now_ms: int, *, margin_ms: int) -> Iterator[None]:
        """Read what is new, judge it; `findings` and `unwritten` are then those of `now_ms`.

        Raises:
            LinkError, StorageError: the store's; then they are as they were.
        """
        if now_ms >= self._use_again_ms:
            self.use(self._territory, now_ms=now_ms)
        self._feed.mark(marks)
        for points in self._feed.news(now_ms, margin_ms=margin_ms):
            self._take(points)
            yield
        for points in self._feed.again(now_ms):
            self._take(points)
            yield
        sight = self._watchman.look(now_ms)
        if self._states is not None:
            self._states.note(sight.changes, now_ms=now_ms)
        yield
        folded = self._groups.fold(sight.findings, self._watchman, self._sites, now_ms)
        self.findings = {key: finding for key, finding in folded.items() if key.database == self.database}

    def unwritten(self) -> list[Point]:
        """States to be written."""
        return [] if self._states is None else self._states.waiting()

    def written(self, points: Sequence[Point]) -> None:
        if self._states is not None:
            self._states.written(points)

    def _take(self, points: list[Point]) -> None:
        self._watchman.take(points)
        if points and points[0].measurement == EVENT:
            self._sites.take(points)


def part_of(territory: Territory) -> dict[str, Territory]:
    """For each tenant the territory with its own assets and sites alone; all else is the same."""
    tenant_of = {asset.id: territory.communes[asset.commune].tenant for asset in territory.assets.values()}
    assets: dict[str, dict[str, Any]] = {tenant: {} for tenant in territory.tenants}
    assignments: dict[str, list[Any]] = {tenant: [] for tenant in territory.tenants}
    for asset in territory.assets.values():
        assets[tenant_of[asset.id]][asset.id] = asset
    for one in territory.assignments:
        assignments[tenant_of[one.asset]].append(one)
    return {
        tenant: replace(
            territory,
            assets=assets[tenant],
            assignments=tuple(assignments[tenant]),
            sites={site.id: site for site in territory.sites.values() if site.tenant == tenant},
        )
        for tenant in territory.tenants
    }


def _next_swap_ms(territory: Territory, now_ms: int) -> int:
    """When a sensor is assigned, or is no longer, after now: then the assets have other ones."""
    edges = (at_ms for one in territory.assignments for at_ms in (one.start_ms, one.end_ms) if at_ms is not None)
    return min((at_ms for at_ms in edges if at_ms > now_ms), default=2**62)
