"""Follows the newest values of every series of the store. Blocking: it lives in the reader's thread.

Each measurement is read whole at the first poll and every half minute, one of them a poll; in between only what came
since. What is older than the margin when it arrives (a backlog after an outage) is on the map after half a minute.
Where reading it whole takes the store long (InfluxDB, thousands of series), it is left alone thirty times as long.
"""

import time
from collections.abc import Mapping

from cloud.page import words
from cloud.page.balance import add_up, silent_sites
from cloud.page.counter import COUNT
from cloud.page.ground import Ground
from cloud.page.kinds import LAYERS
from cloud.page.newest import Book, Series
from cloud.page.seen import Points
from cloud.page.state import Beside, Stranger
from cloud.stores.base import Point, Store
from core.model import Domain
from core.territory import OPERATOR

WHOLE_MS = 30_000  # of this machine's time, between two whole reads of a measurement, and at least:
WHOLE_SHARE = 30  # times what the last of them took
SUMS_MS = 10_000  # between two sums of the day
MARGIN_POLLS, MARGIN_MS = 5, 60_000  # how late a row may be and still be followed
DAY_MS = 24 * 3_600_000
_SUSPECT, _SITE, _UPLINK = "suspect", "site", "uplink"


class _Followed:
    def __init__(self, database: str, measurement: str) -> None:
        self.database, self.measurement = database, measurement
        self.series = Series()
        self.whole_at_ms: int | None = None
        self.whole_took_ms = 0.0

    @property
    def rests_ms(self) -> float:
        """How long after a whole read comes the next."""
        return max(WHOLE_MS, WHOLE_SHARE * self.whole_took_ms)


class Feed:
    """One for a reader.

    Args:
        tenant: read its database alone; None: every tenant's and the operator's.
        operator: name the devices that nobody declared.
    """

    def __init__(self, store: Store, *, tenant: str | None = None, operator: bool = False) -> None:
        self._store = store
        self._tenant = tenant
        self._names_strangers = operator
        self._followed: dict[tuple[str, str], _Followed] = {}
        self._book = Book()
        self._polled_ms: int | None = None
        self._summed: tuple[int, int] | None = None  # when, by this machine's time; since which midnight
        self._vehicles: dict[str, float] = {}

    def forget(self) -> None:
        """Read everything whole next time: the territory is another, and the worker moves what is stored."""
        self._followed.clear()
        self._book = Book()
        self._summed = None

    def read(self, ground: Ground, now_ms: int, *, mono_ms: int) -> tuple[Mapping[str, Points], Beside] | None:
        """The newest points of each asset, and what stands beside them; None while there is no database.

        Raises:
            LinkError, StorageError: the store cannot be read now.
        """
        databases = set(self._store.databases())
        if not databases:
            return None
        tenants = [name for name in ground.databases if name in databases]
        wanted = [(name, str(measurement)) for name in tenants for measurement in (*LAYERS, _SUSPECT)]
        owner = self._tenant or OPERATOR
        if self._tenant is None and OPERATOR in databases:
            wanted.append((OPERATOR, _UPLINK))
        self._follow(wanted, now_ms, mono_ms)
        self._polled_ms = now_ms
        reports = self._store.latest(owner, _SITE) if owner in databases else []
        road = add_up(report for report in reports if report.tags.get("site") in ground.sites)
        strangers = self._strangers(now_ms)
        beside = Beside(
            road=road,
            silent=() if road is None else silent_sites(reports, ground.sites, now_ms),
            unassigned=len(strangers),
            strangers=tuple(strangers) if self._names_strangers else (),
            vehicles=self._sum_vehicles(tenants, now_ms, mono_ms),
        )
        suspects = [one.series for (_, name), one in self._followed.items() if name == _SUSPECT]
        readings = [one.series for (_, name), one in self._followed.items() if name in LAYERS]
        return self._book.write(readings, suspects), beside

    def _follow(self, wanted: list[tuple[str, str]], now_ms: int, mono_ms: int) -> None:
        if not self._followed.keys() <= set(wanted):
            self.forget()  # a database is gone, and what it said
        self._followed = {place: self._followed.get(place) or _Followed(*place) for place in wanted}
        step_ms = now_ms - self._polled_ms if self._polled_ms is not None else 0
        margin_us = max(MARGIN_MS, MARGIN_POLLS * step_ms) * 1000
        overdue = min(self._followed.values(), key=lambda one: (one.whole_at_ms or 0) + one.rests_ms, default=None)
        for one in self._followed.values():
            since_us = one.series.since_us(now_ms * 1000, margin_us)
            is_due = one is overdue and one.whole_at_ms is not None and mono_ms - one.whole_at_ms >= one.rests_ms
            if one.whole_at_ms is None or since_us is None or is_due:
                begun = time.monotonic()
                one.series.replace(self._store.latest(one.database, one.measurement))
                one.whole_at_ms, one.whole_took_ms = mono_ms, (time.monotonic() - begun) * 1000
            else:
                one.series.follow(self._store.latest(one.database, one.measurement, since_us=since_us))

    def _strangers(self, now_ms: int) -> list[Stranger]:
        """Devices that nobody declared and that were heard in the last 24 hours."""
        followed = self._followed.get((OPERATOR, _UPLINK))
        newest: dict[str, Point] = {}
        for point in () if followed is None else followed.series:
            device = point.tags.get("device")
            is_new = device and (device not in newest or point.time_us > newest[device].time_us)
            if device and is_new and point.time_us >= (now_ms - DAY_MS) * 1000:
                newest[device] = point
        return [
            Stranger(device, point.tags.get("commune", ""), point.time_us // 1000)
            for device, point in sorted(newest.items())
        ]

    def _sum_vehicles(self, tenants: list[str], now_ms: int, mono_ms: int) -> dict[str, float]:
        """Vehicles of each counter since midnight; a counter that measured nothing is not in it."""
        midnight_ms = words.midnight_ms(now_ms)
        if self._summed is not None and self._summed[1] == midnight_ms and mono_ms - self._summed[0] < SUMS_MS:
            return self._vehicles
        found: dict[str, float] = {}
        for name in tenants:
            sums = self._store.sums(
                name, Domain.TRAFFIC.value, COUNT, start_us=midnight_ms * 1000, end_us=now_ms * 1000 + 1000
            )
            for tags, vehicles in sums:
                asset = tags.get("asset", "")
                if asset:
                    found[asset] = found.get(asset, 0.0) + vehicles
        self._summed = (mono_ms, midnight_ms)
        self._vehicles = found
        return found
