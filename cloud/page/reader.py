"""Reads the store and the territory for all browsers at once. Blocking: it lives in one thread, off the event loop."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cloud.page import ground, lamp, state
from cloud.page.balance import add_up
from cloud.page.state import Changes, Snapshot, StoreState
from cloud.stores.base import Point, Store
from core import log
from core.errors import ConfigError, LinkError, StorageError
from core.model import Domain
from core.ports.clock import Clock
from core.territory import OPERATOR, Asset, Territory

_log = log.get(__name__)
_LIGHT, _SUSPECT, _SITE = Domain.LIGHT.value, "suspect", "site"
DAY_US = 24 * 3_600_000_000


@dataclass(frozen=True)
class Story:
    """What is known of one lamp: as declared; the newest points and doubtful readings of its last device; its last 24
    hours, whatever device measured them. `gap_ms`: a silence longer than this breaks the curve."""

    asset: Asset
    commune: str
    seen: lamp.Seen
    now_ms: int
    gap_ms: int
    latest: Sequence[Point]
    day: Sequence[Point]
    suspects: Sequence[Point]


class Reader:
    """`poll` gives the newest snapshot, `story` what is known of one lamp. Not safe from two threads at once.

    Args:
        territory: the territory in force.
        look: what changed in its files since, or their faults, or nothing (`cloud.territory_watch`).
    """

    def __init__(
        self,
        store: Store,
        territory: Territory,
        *,
        clock: Clock,
        look: Callable[[], Territory | ConfigError | None],
    ) -> None:
        self._store = store
        self._territory = territory
        self._clock = clock
        self._look = look
        self._failing = ""
        self._ground = ground.survey(territory, clock.now_ms())
        self.snapshot = state.blank(self._ground, clock.now_ms(), StoreState.ABSENT)

    def poll(self) -> Changes:
        """Read everything again; afterwards `snapshot` is what to show. What changed since the poll before."""
        now_ms = self._clock.now_ms()
        self._follow_territory(now_ms)
        self.snapshot, changes = state.compare(self.snapshot, self._take(now_ms))
        return changes

    def story(self, asset: str) -> Story | None:
        """What is known of a lamp; None when none of this id is declared.

        Raises:
            LinkError, StorageError: the store cannot be read now.
        """
        spot, seen = self._ground.lamps.get(asset), self.snapshot.lamps.get(asset)
        declared = self._territory.assets.get(asset)
        if spot is None or seen is None or declared is None:
            return None
        database = self._territory.communes[spot.commune].tenant
        now_ms = self._clock.now_ms()
        where = {"asset": asset}
        newest = self._store.latest(database, _LIGHT, where)
        start_us, end_us = now_ms * 1000 - DAY_US, now_ms * 1000 + 1000
        day = self._store.series(database, _LIGHT, start_us=start_us, end_us=end_us, where=where)
        doubtful = self._store.series(database, _SUSPECT, start_us=start_us, end_us=end_us, where=where)
        latest, suspects = lamp.of_last_device(newest, doubtful)
        return Story(
            asset=declared,
            commune=self._ground.communes[spot.commune].name,
            seen=seen,
            now_ms=now_ms,
            gap_ms=max(spot.silent_after_ms, 3_600_000),
            latest=latest,
            day=day,
            suspects=suspects,
        )

    def _follow_territory(self, now_ms: int) -> None:
        match self._look():
            case Territory() as territory:
                self._territory = territory
                self._ground = ground.survey(territory, now_ms)
                _log.info("territory.reloaded", digest=territory.digest)
            case ConfigError() as fault:
                _log.error("territory.refused", fault=fault.message)  # the one in force goes on
            case None if not self._ground.holds_at(now_ms):
                self._ground = ground.survey(self._territory, now_ms)

    def _take(self, now_ms: int) -> Snapshot:
        try:
            databases = self._store.databases()
            if not databases:
                return state.blank(self._ground, now_ms, StoreState.ABSENT)
            taken = self._read(now_ms, databases)
        except (LinkError, StorageError) as error:
            if error.code != self._failing:
                self._failing = error.code
                _log.warning("store.unreadable", code=error.code, message=error.message)
            return state.age(self.snapshot, self._ground, now_ms)
        self._failing = ""
        return taken

    def _read(self, now_ms: int, databases: list[str]) -> Snapshot:
        tenants = [name for name in self._ground.databases if name in databases]
        has_operator = OPERATOR in databases
        return state.picture(
            self._ground,
            now_ms,
            readings=[point for name in tenants for point in self._store.latest(name, _LIGHT)],
            suspects=[point for name in tenants for point in self._store.latest(name, _SUSPECT)],
            road=add_up(self._store.latest(OPERATOR, _SITE)) if has_operator else None,
            unassigned=self._unassigned() if has_operator else 0,
        )

    def _unassigned(self) -> int:
        """Devices that nobody declared and that were heard in the last 24 hours."""
        since_us = self._clock.now_ms() * 1000 - DAY_US
        points = self._store.latest(OPERATOR, "uplink")
        return len({point.tags.get("device") for point in points if point.time_us >= since_us})
