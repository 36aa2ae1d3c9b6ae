"""All that is watched, as long as the watch is this process's: every tenant, the road, and the rollups.

A pass reads what is new, judges, and writes states, alarms and a heartbeat. A database that refuses holds up only
itself: what was found in it last stays found, and its heartbeat stops.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from typing import Final, NamedTuple, Protocol

from cloud.backpressure import Refusals
from cloud.dirty import HOUR_MS, LATE_MS
from cloud.stores.base import Point, Store
from cloud.watch.all import new_detectors, new_rollups
from cloud.watch.model import Finding, FindingKey
from cloud.watch.operator import OperatorWatch
from cloud.watch.rollup_fields import Recipes
from cloud.watch.rollup_job import RollupJob
from cloud.watch.tenant import TenantWatch, part_of
from core import log
from core.errors import StorageError
from core.territory import OPERATOR, Territory

_log = log.get(__name__)
HEARTBEAT: Final = "heartbeat"
_BEAT_TAGS: Final = {"kind": "watch"}
_MINUTE_MS: Final = 60_000
_DAY_MS: Final = 24 * HOUR_MS
_LONGEST_LAG_MS: Final = 2 * HOUR_MS
_WRITE_MS: Final = 5_000  # of this machine's time: so long a write may last before what it wrote is seen


class Stores(NamedTuple):
    """The same store: `reading` may be a reader of its own, which never waits for who writes."""

    reading: Store
    writing: Store


class Times(Protocol):
    """What a round needs of a clock."""

    def now_ms(self) -> int: ...

    def mono_ms(self) -> int: ...


class AlarmDesk(Protocol):
    """What a round needs of `cloud.watch.alarms.desk`."""

    def look(
        self, findings: Mapping[FindingKey, Finding], territory: Territory, now_ms: int
    ) -> list[tuple[str, Point]]: ...

    def written(self, points: Iterable[tuple[str, Point]]) -> None: ...


class Pass(NamedTuple):
    """What a pass came to."""

    now_ms: int
    looked: tuple[str, ...]  # tenants
    assets: int
    findings: int
    states: int  # written


class Round:
    """Used by one thread.

    Args:
        conditions: what the worker says of itself.
        held: findings of before, where they are known.
        is_ours: asked before anything is written.
    """

    def __init__(
        self,
        stores: Stores,
        territory: Territory,
        *,
        clock: Times,
        desk: AlarmDesk,
        conditions: Callable[[], Iterable[Finding]],
        held: Iterable[Finding],
        is_ours: Callable[[], bool],
    ) -> None:
        self._stores = stores
        self._clock = clock
        self._desk = desk
        self._conditions = conditions
        self._is_ours = is_ours
        self.territory = territory
        self._detectors = new_detectors()
        self._recipes = Recipes(new_rollups())
        self._refusals = Refusals()  # of passes
        self._idle = Refusals()  # of what is done between them
        held = list(held)
        self._held = [one for one in held if one.database == OPERATOR]  # until the operator's database is read
        now_ms = clock.now_ms()
        self._operator = OperatorWatch(stores.reading, now_ms=now_ms, margin_ms=_DAY_MS)
        self.tenants = {
            name: TenantWatch(
                stores.reading, name, part, self._detectors.every, self._detectors.silence, held=held, now_ms=now_ms
            )
            for name, part in part_of(territory).items()
        }
        self.jobs = {name: self._new_job(name) for name in self.tenants}
        self._work: dict[str, Iterator[None]] = {}
        self._next: list[str] = []  # whose turn it is
        self.failing: dict[str, str] = {}  # database → what it said last
        self.is_awaited = False  # something is ready that no pass has looked at

    def _new_job(self, name: str) -> RollupJob:
        def kept_ms() -> int:
            days = self.territory.tenants[name].retention.raw_days
            return 0 if days is None else self._clock.now_ms() - (days - 1) * _DAY_MS

        return RollupJob(
            name,
            self._recipes,
            reading=self._stores.reading,
            writing=self._stores.writing,
            watched=lambda: self.tenants[name].watched,
            now_ms=self._clock.now_ms,
            mono_ms=self._clock.mono_ms,
            kept_ms=kept_ms,
        )

    def use(self, territory: Territory) -> bool:
        """Take over a changed territory; False where it has other tenants: that is a round of its own."""
        if territory.tenants.keys() != self.tenants.keys():
            return False
        self.territory = territory
        now_ms = self._clock.now_ms()
        for name, part in part_of(territory).items():
            self.tenants[name].use(part, now_ms=now_ms)
        return True

    # a pass

    def look(self, now_ms: int, *, speed: float) -> Iterator[Pass | None]:
        """Look at all that is ready; None between two pieces, at last what it came to.

        Args:
            speed: how much faster than this machine's time the clock runs.

        Raises:
            LinkError: the store is away as a whole.
        """
        self.is_awaited = False
        begun_ms = self._clock.mono_ms()
        lag_ms = min(_LONGEST_LAG_MS, int(_WRITE_MS * speed))
        margin_ms, marks_ms = LATE_MS + _MINUTE_MS + lag_ms, 2 * _MINUTE_MS + lag_ms
        yield from self._guarded(OPERATOR, self._hear(now_ms, margin_ms, marks_ms))
        looked = []
        for name, tenant in self.tenants.items():
            if not (tenant.is_ready and self._operator.is_ready):
                continue
            if (yield from self._guarded(name, self._look_at(tenant, now_ms, margin_ms, marks_ms))):
                looked.append(name)
        findings = self._all_findings(now_ms)
        alarms = self._desk.look(findings, self.territory, now_ms)
        yield None
        states = 0
        for name in (*looked, OPERATOR):
            if not self._is_ours():
                return
            if self._refusals.reason(name, mono_ms=self._clock.mono_ms()) is not None:
                continue
            states += self._write(name, alarms, findings, now_ms, begun_ms)
            yield None
        yield Pass(now_ms, tuple(looked), sum(len(one.watched) for one in self.tenants.values()), len(findings), states)

    def say_away(self, now_ms: int) -> None:
        """The store cannot be read: people hear of what was found last, and of the store."""
        self._desk.look(self._all_findings(now_ms), self.territory, now_ms)

    def _all_findings(self, now_ms: int) -> dict[FindingKey, Finding]:
        found = {key: finding for tenant in self.tenants.values() for key, finding in tenant.findings.items()}
        own = self._operator.findings(self.territory, now_ms) if self._operator.is_ready else self._held
        return found | {finding.key: finding for finding in (*own, *self._conditions())}

    def _hear(self, now_ms: int, margin_ms: int, marks_ms: int) -> Iterator[None]:
        if self._operator.is_ready:
            for points in self._operator.news(now_ms, margin_ms=margin_ms, marks_ms=marks_ms):
                self._report(points)
                yield

    def _report(self, points: list[Point]) -> None:
        for tenant in self.tenants.values():
            tenant.take_reports(points)

    def _look_at(self, tenant: TenantWatch, now_ms: int, margin_ms: int, marks_ms: int) -> Iterator[None]:
        marks = self.jobs[tenant.database].take_marks(now_ms, margin_ms=marks_ms)
        yield from tenant.look(marks, now_ms, margin_ms=margin_ms)

    def _guarded(self, name: str, act: Iterator[None]) -> Generator[None, None, bool]:
        """Do it, unless this database refused a moment ago; whether it was done."""
        if self._refusals.reason(name, mono_ms=self._clock.mono_ms()) is not None:
            return False
        try:
            yield from act
        except StorageError as error:
            self._refused(name, error)
            return False
        return True

    def _refused(self, name: str, error: StorageError) -> None:
        self._refusals.refused(name, error, mono_ms=self._clock.mono_ms())
        if name not in self.failing:
            _log.warning("watch.refused", database=name, code=error.code, message=error.message)
        self.failing[name] = error.message

    def _write(
        self,
        name: str,
        alarms: list[tuple[str, Point]],
        findings: Mapping[FindingKey, Finding],
        now_ms: int,
        begun_ms: int,
    ) -> int:
        """Write to one database what the pass has for it; how many states."""
        tenant = self.tenants.get(name)
        states = [] if tenant is None else tenant.unwritten()
        mine = [one for one in alarms if one[0] == name]
        watched = sum(len(one.watched) for one in self.tenants.values()) if tenant is None else len(tenant.watched)
        beat = Point(
            HEARTBEAT,
            _BEAT_TAGS,
            now_ms * 1000,
            {
                "pass_ms": float(self._clock.mono_ms() - begun_ms),
                "assets": watched,
                "findings": len(findings) if tenant is None else len(tenant.findings),
            },
        )
        try:
            for refused in self._stores.writing.write(name, [*states, *(point for _, point in mine), beat]):
                _log.error("watch.point_refused", database=name, code=refused.code, message=refused.message)
        except StorageError as error:
            self._refused(name, error)
            return 0
        self._refusals.accepted(name)
        if self.failing.pop(name, None) is not None:
            _log.info("watch.resumed", database=name)
        if tenant is not None:
            tenant.written(states)
        self._desk.written(mine)
        return len(states)

    # between two passes

    def do_some(self, ended_ms: int) -> bool:
        """A piece of what is to be done beside: reading the past, then rollups. False when there is nothing to do.

        Args:
            ended_ms: hours that end here or before have all their timely readings.

        Raises:
            LinkError: the store is away as a whole.
        """
        for _ in range(len(self.tenants) + 1):
            if not self._next:
                self._next = [OPERATOR, *self.tenants]
            name = self._next.pop(0)
            if self._idle.reason(name, mono_ms=self._clock.mono_ms()) is not None:
                continue
            work = self._work.pop(name, None) or self._work_of(name, ended_ms)
            try:
                next(work)
            except StopIteration:
                self._idle.accepted(name)
                continue
            except StorageError as error:
                _log.warning("watch.delayed", database=name, code=error.code, message=error.message)
                self._idle.refused(name, error, mono_ms=self._clock.mono_ms())
                continue
            self._work[name] = work
            return True
        return False

    def _work_of(self, name: str, ended_ms: int) -> Iterator[None]:
        if name == OPERATOR:
            if not self._operator.is_ready:
                for points in self._operator.past(self._clock.now_ms()):
                    self._report(points)
                    yield
                self.is_awaited = True
        elif not (tenant := self.tenants[name]).is_ready:
            yield from tenant.prepare(self._clock.now_ms())
            self.is_awaited = True
        else:
            yield from self.jobs[name].pieces(ended_ms)
