"""Removes from an embedded store what its tenant keeps no longer. A server does that by itself (its policies).

An hour of a measurement at a time, so that no write waits long for it.
"""

from collections.abc import Iterable
from typing import Final

from cloud.dirty import DIRTY
from cloud.schema import ALARM, OF_DEVICES, SITE
from cloud.stores.base import ROLLUPS, Store
from cloud.watch.rollup_progress import ROLLED
from cloud.watch.round import HEARTBEAT
from cloud.watch.states import STATE
from core import log
from core.errors import LinkError, StorageError
from core.territory import OPERATOR, Territory
from core.territory.model import Retention

_log = log.get(__name__)
RAW: Final = (*OF_DEVICES, SITE, ALARM, STATE, HEARTBEAT, DIRTY, ROLLED)
LONG: Final = tuple(sorted(ROLLUPS))
_HOUR_US: Final = 3_600_000_000
_DAY_US: Final = 24 * _HOUR_US
_REST_MS: Final = 10 * 60_000  # after all was looked at


class Expiry:
    """Used by one thread."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._left: list[tuple[str, str, int]] = []  # database, measurement, and before which instant (µs) points go
        self._rests_until_ms = 0
        self._refused: set[str] = set()

    def step(self, territory: Territory, *, now_ms: int) -> int:
        """Remove at most an hour of one measurement; how many points that were.

        Args:
            territory: says how long each tenant keeps what.
        """
        if not self._left:
            if 0 <= self._rests_until_ms - now_ms <= _REST_MS:
                return 0
            self._left = list(_expired(territory, now_ms))
            self._rests_until_ms = now_ms + _REST_MS
        while self._left:
            database, measurement, end_us = self._left[-1]
            try:
                removed = self._remove(database, measurement, end_us)
            except (LinkError, StorageError) as error:
                if database not in self._refused:
                    self._refused.add(database)
                    _log.warning("expiry.refused", database=database, code=error.code, message=error.message)
                removed = 0
            else:
                self._refused.discard(database)
            if removed:
                return removed
            self._left.pop()
        return 0

    def _remove(self, database: str, measurement: str, end_us: int) -> int:
        oldest = self._store.series(database, measurement, start_us=0, end_us=end_us, limit=1)
        if not oldest:
            return 0
        hour_us = (oldest[0].time_us // _HOUR_US + 1) * _HOUR_US
        return self._store.delete_range(database, measurement, start_us=0, end_us=min(hour_us, end_us), where={})


def _expired(territory: Territory, now_ms: int) -> Iterable[tuple[str, str, int]]:
    kept = [tenant.retention for tenant in territory.tenants.values()]
    longest = Retention(
        _longest(one.raw_days for one in kept), _longest(one.long_days for one in kept)
    )  # what nobody declared may turn out to be any tenant's
    for name, retention in [(tenant.id, tenant.retention) for tenant in territory.tenants.values()] + [
        (OPERATOR, longest)
    ]:
        for names, days in ((RAW, retention.raw_days), (LONG, retention.long_days)):
            if days is not None:
                end_us = (now_ms * 1000 - days * _DAY_US) // _HOUR_US * _HOUR_US
                yield from ((name, measurement, end_us) for measurement in names)


def _longest(days: Iterable[int | None]) -> int | None:
    known = list(days)
    return None if None in known or not known else max(day for day in known if day is not None)
