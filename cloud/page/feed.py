"""Follows the newest values of every series of the store. Blocking: it lives in the reader's thread.

Each measurement is read whole at the first poll and every half minute, one of them a poll; in between only what came
since. What is older than the margin when it arrives (a backlog after an outage) is on the map after half a minute.
Where reading it whole takes the store long (InfluxDB, thousands of series), it is left alone thirty times as long.
"""

import time
from collections.abc import Iterable, Mapping
from itertools import chain

from cloud.page import alarms as alarm
from cloud.page import words
from cloud.page.alarms import Alarm
from cloud.page.balance import SILENT_MS, add_up, silent_sites
from cloud.page.counter import COUNT
from cloud.page.ground import Ground
from cloud.page.kinds import LAYERS
from cloud.page.newest import Book, Series
from cloud.page.pulse import Pulses, Watch
from cloud.page.seen import Points
from cloud.page.state import Beside, Stranger
from cloud.stores.base import Point, Store
from core.model import Domain
from core.territory import OPERATOR

WHOLE_MS = 30_000  # of this machine's time, between two whole reads of a measurement, and at least:
WHOLE_SHARE = 30  # times what the last of them took
SUMS_MS = 10_000  # between two sums of the day
BEATS_MS = 5_000  # between two looks at the heartbeats
MARGIN_POLLS, MARGIN_MS = 5, 60_000  # how late a row may be and still be followed
MOST_BEGUN = 8  # tenants whose first reading is asked for in one poll
STILL_MARGINS = 5  # so many margins old, what the watch wrote is not read again
DAY_MS = 24 * 3_600_000
_SUSPECT, _SITE, _UPLINK = "suspect", "site", "uplink"
_STATE, _ALARM, _HEARTBEAT = "state", "alarm", "heartbeat"
_OF_THE_WATCH = (_STATE, _ALARM)


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
        operator: name the devices that nobody declared, and the operator's own alarms.
    """

    def __init__(self, store: Store, *, tenant: str | None = None, operator: bool = False) -> None:
        self._store = store
        self._tenant = tenant
        self._is_operator = operator
        self._followed: dict[tuple[str, str], _Followed] = {}
        self._book = Book()
        self._polled_ms: int | None = None
        self._summed: tuple[int, int] | None = None  # when, by this machine's time; since which midnight
        self._vehicles: dict[str, float] = {}
        self._pulses = Pulses()
        self._felt_ms: int | None = None  # the pulses, by this machine's time
        self._begun_ms: dict[str, int] = {}
        self._alarms: dict[str, list[Alarm]] = {}

    def forget(self) -> None:
        """Read everything whole next time: the territory is another, and the worker moves what is stored."""
        self._followed.clear()
        self._book = Book()
        self._summed = self._felt_ms = None
        self._begun_ms, self._alarms = {}, {}

    def read(self, ground: Ground, now_ms: int, *, mono_ms: int) -> tuple[Mapping[str, Points], Beside] | None:
        """The newest points of each asset, and what stands beside them; None while there is no database.

        Raises:
            LinkError, StorageError: the store cannot be read now.
        """
        databases = set(self._store.databases())
        if not databases:
            self._pulses.hear({}, mono_ms=mono_ms)
            return None
        tenants = [name for name in ground.databases if name in databases]
        measurements = (*map(str, LAYERS), _SUSPECT, _STATE, _ALARM)
        wanted = [(name, measurement) for name in tenants for measurement in measurements]
        owner = self._tenant or OPERATOR
        if self._tenant is None and OPERATOR in databases:
            wanted.append((OPERATOR, _UPLINK))
            if self._is_operator:
                wanted.append((OPERATOR, _ALARM))
        step_ms = 0 if self._polled_ms is None else now_ms - self._polled_ms
        late_ms = MARGIN_POLLS * step_ms  # in a scenario that is faster than life
        self._follow(wanted, now_ms, max(MARGIN_MS, late_ms) * 1000, mono_ms)
        self._polled_ms = now_ms
        reports = self._store.latest(owner, _SITE) if owner in databases else []
        road = add_up(report for report in reports if report.tags.get("site") in ground.sites)
        watch = self._feel(tenants, now_ms, mono_ms)
        strangers = self._strangers(now_ms)
        beside = Beside(
            road=road,
            silent=()
            if road is None or watch.is_awake  # then an alarm says it
            else silent_sites(reports, ground.sites, now_ms, patience_ms=max(SILENT_MS, late_ms)),
            unassigned=len(strangers),
            strangers=tuple(strangers) if self._is_operator else (),
            vehicles=self._sum_vehicles(tenants, now_ms, mono_ms),
            alarms=alarm.listed(self._all_alarms(), now_ms),
            watch=watch,
            begun_ms=self._begin(tenants, now_ms),
        )
        groups = [self._all(*map(str, LAYERS)), self._all(_SUSPECT), self._all(_STATE)]
        return self._book.write(*groups), beside

    def history(self, *, start_ms: int, end_ms: int) -> list[Alarm]:
        """The alarms that ended in a period, the last first.

        Raises:
            LinkError, StorageError: the store cannot be read now.
        """
        databases = [name for name, measurement in self._followed if measurement == _ALARM]
        found = [
            alarm.read(name, point)
            for name in databases
            for point in self._store.series(name, _ALARM, start_us=start_ms * 1000, end_us=end_ms * 1000)
        ]
        return alarm.episodes(one for one in found if one is not None)

    def _all(self, *measurements: str) -> list[Series]:
        return [one.series for (_, name), one in self._followed.items() if name in measurements]

    def _all_alarms(self) -> Iterable[Alarm]:
        """The newest word of every alarm there ever was, read anew where there is another."""
        for (database, measurement), followed in self._followed.items():
            if measurement == _ALARM and followed.series.take_changed():
                read = [alarm.read(database, point) for point in followed.series]
                self._alarms[database] = [one for one in read if one is not None]
        return chain.from_iterable(self._alarms.values())

    def _feel(self, tenants: list[str], now_ms: int, mono_ms: int) -> Watch:
        """Whether each tenant is watched."""
        if self._felt_ms is None or mono_ms - self._felt_ms >= BEATS_MS:
            self._pulses.hear({name: self._store.latest(name, _HEARTBEAT) for name in tenants}, mono_ms=mono_ms)
            self._felt_ms = mono_ms
        return self._pulses.at(now_ms, mono_ms=mono_ms)

    def _begin(self, tenants: list[str], now_ms: int) -> Mapping[str, int]:
        """When the first reading of each tenant was taken; a tenant without any, or not asked for yet, is not in it."""
        read = {
            name: layers
            for name in tenants
            if name not in self._begun_ms
            and (layers := [one for one in map(str, LAYERS) if self._followed[name, one].series.newest_us is not None])
        }
        for name, layers in list(read.items())[:MOST_BEGUN]:
            end_us = now_ms * 1000 + 1000
            firsts = [self._store.series(name, layer, start_us=0, end_us=end_us, limit=1) for layer in layers]
            if any(firsts):
                self._begun_ms[name] = min(points[0].time_us // 1000 for points in firsts if points)
        return self._begun_ms

    def _follow(self, wanted: list[tuple[str, str]], now_ms: int, margin_us: int, mono_ms: int) -> None:
        if not self._followed.keys() <= set(wanted):
            self.forget()  # a database is gone, and what it said
        self._followed = {place: self._followed.get(place) or _Followed(*place) for place in wanted}
        overdue = min(self._followed.values(), key=lambda one: (one.whole_at_ms or 0) + one.rests_ms, default=None)
        for one in self._followed.values():
            since_us = one.series.since_us(now_ms * 1000, margin_us)
            if since_us is not None and one.measurement in _OF_THE_WATCH:
                # what it said of thousands at once, at dusk, is not read again until the next change
                since_us = max(since_us, now_ms * 1000 - STILL_MARGINS * margin_us)
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
