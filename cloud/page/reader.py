"""Reads the store and the territory for all browsers at once. Blocking: it lives in one thread, off the event loop."""

from collections.abc import Callable

from cloud.page import ground, state, story
from cloud.page.alarms import Alarm
from cloud.page.feed import Feed
from cloud.page.state import Changes, Snapshot, StoreState
from cloud.page.story import Story
from cloud.stores.base import Store
from core import log
from core.errors import ConfigError, LinkError, StorageError
from core.ports.clock import Clock
from core.territory import Territory

HISTORY_MS = 7 * 24 * 3_600_000
_log = log.get(__name__)


class Reader:
    """`poll` gives the newest snapshot, `story` what is known of one asset. Not safe from two threads at once.

    Args:
        territory: the territory in force.
        look: what changed in its files since, or their faults, or nothing (`cloud.territory_watch`).
        tenant: show this one alone, from its own database; None: all of them.
        operator: read what only the operator may see: devices, radio, raw payloads.

    Raises:
        ConfigError: `page.tenant`, the territory declares no such tenant.
    """

    def __init__(
        self,
        store: Store,
        territory: Territory,
        *,
        clock: Clock,
        look: Callable[[], Territory | ConfigError | None],
        tenant: str | None = None,
        operator: bool = False,
    ) -> None:
        check_tenant(territory, tenant)
        self._store = store
        self._territory = territory
        self._clock = clock
        self._look = look
        self._tenant = tenant
        self.is_operator = operator
        self._feed = Feed(store, tenant=tenant, operator=operator)
        self._failing = ""
        self._ground = ground.survey(territory, clock.now_ms(), tenant=tenant)
        self.snapshot = state.blank(self._ground, clock.now_ms(), StoreState.ABSENT)

    def poll(self) -> Changes:
        """Read what is new; afterwards `snapshot` is what to show. What changed since the poll before."""
        now_ms = self._clock.now_ms()
        self._follow_territory(now_ms)
        self.snapshot, changes = state.compare(self.snapshot, self._take(now_ms))
        return changes

    def story(self, asset: str) -> Story | None:
        """What is known of an asset; None when none of this id is declared here.

        Raises:
            LinkError, StorageError: the store cannot be read now.
        """
        place, seen = self._ground.places.get(asset), self.snapshot.seen.get(asset)
        declared = self._territory.assets.get(asset)
        if place is None or seen is None or declared is None:
            return None
        return story.tell(
            self._store,
            self._ground.zone_of(asset),
            asset=declared,
            ground=self._ground,
            seen=seen,
            alarms=self.snapshot.alarms_of(asset),
            thresholds=self._territory.tenants[self._ground.zone_of(asset)].thresholds,
            is_watched=self._ground.zone_of(asset) in self.snapshot.beside.watch.awake,
            now_ms=self._clock.now_ms(),
            with_uplink=self.is_operator,
        )

    def history(self) -> list[Alarm]:
        """The alarms that ended in the last days, the last first.

        Raises:
            LinkError, StorageError: the store cannot be read now.
        """
        now_ms = self._clock.now_ms()
        return self._feed.history(start_ms=now_ms - HISTORY_MS, end_ms=now_ms + 1)

    def _follow_territory(self, now_ms: int) -> None:
        match self._look():
            case Territory() as territory:
                try:
                    check_tenant(territory, self._tenant)
                except ConfigError as fault:
                    _log.error("territory.refused", fault=fault.message)
                    return
                self._territory = territory
                self._ground = ground.survey(territory, now_ms, tenant=self._tenant)
                self._feed.forget()
                _log.info("territory.reloaded", digest=territory.digest)
            case ConfigError() as fault:
                _log.error("territory.refused", fault=fault.message)  # the one in force goes on
            case None if not self._ground.holds_at(now_ms):
                self._ground = ground.survey(self._territory, now_ms, tenant=self._tenant)

    def _take(self, now_ms: int) -> Snapshot:
        try:
            read = self._feed.read(self._ground, now_ms, mono_ms=self._clock.mono_ms())
        except (LinkError, StorageError) as error:
            if error.code != self._failing:
                self._failing = error.code
                _log.warning("store.unreadable", code=error.code, message=error.message)
            return state.age(self.snapshot, self._ground, now_ms)
        self._failing = ""
        if read is None:
            return state.blank(self._ground, now_ms, StoreState.ABSENT)
        points, beside = read
        return state.picture(self._ground, now_ms, points, beside)


def check_tenant(territory: Territory, tenant: str | None) -> None:
    """Refuse a tenant that is not declared.

    Raises:
        ConfigError: `page.tenant`.
    """
    if tenant is not None and tenant not in territory.tenants:
        raise ConfigError(
            "page.tenant",
            f"the territory declares no tenant {tenant!r}",
            hint=f"it declares: {', '.join(sorted(territory.tenants))}",
        )
