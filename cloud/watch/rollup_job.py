"""Rolls the hours of one tenant's database up: readings → `hour` → `day`, of assets and of communes; those of communes
also into the operator's database.

Driven by hours that have ended and by marks (`cloud.dirty`). The outcome is a function of the stored readings: the same
whatever came when, in whatever order it was done, and after a kill -9 at any moment:

- hours are done from the oldest on; an hour whose fields change marks the next hour of the same assets (its counters
  start where this one's stood) *before* its own points are written, so that a kill in between loses no consequence;
- every hour that is done again has its days, its commune and the operator's copy done again, changed or not;
- a point of which a field must go is deleted before it is written;
- progress is kept only when all of that is durable; what is done twice comes out the same, and is not written again.

The job is a run of small pieces, so that whoever drives it can do something else in between.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Final

from cloud.dirty import HOUR_MS, Mark, mark_points, read_marks
from cloud.schema import UPLINK
from cloud.stores.base import Point, Store
from cloud.watch.days import day_bounds_ms
from cloud.watch.marks import MarkBook
from cloud.watch.model import Watched
from cloud.watch.rollup_before import Standing
from cloud.watch.rollup_days import sum_up
from cloud.watch.rollup_fields import Fields, Owner, Recipes, by_asset, of_gateways, repair
from cloud.watch.rollup_following import following
from cloud.watch.rollup_progress import Progress, ProgressKeeper
from cloud.watch.rollup_reading import DAY, HOUR, Reading, Scope
from cloud.watch.rollup_todo import ToDo
from cloud.watch.rollup_writing import copy, put, write
from core.territory import OPERATOR

_MANY: Final = 10_000  # assets; with more, an hour is done commune by commune
_ASSETS: Final = 20  # marked one by one; more are a mark of their commune
_EMPTY: Final = 24  # hours without a reading, before the next one is searched
_KEEP_MS: Final = 10_000  # of this machine's time, between two notes of the progress while there is more to do


class RollupJob:
    """Used by one thread.

    Args:
        reading, writing: the same store; a reader of its own never waits for the writer.
        watched: the declared assets of this database, by id.
        kept_ms: from which instant on the store still has every reading: hours before it stay as they are.
    """

    def __init__(
        self,
        database: str,
        recipes: Recipes,
        *,
        reading: Store,
        writing: Store,
        watched: Callable[[], Mapping[str, Watched]],
        now_ms: Callable[[], int],
        mono_ms: Callable[[], int],
        kept_ms: Callable[[], int] = lambda: 0,
    ) -> None:
        self.database = database
        self._recipes = recipes
        self._store, self._writing = reading, writing
        self._reading = Reading(reading, database)
        self._operators = Reading(reading, OPERATOR)
        self._watched = watched
        self._now_ms, self._mono_ms = now_ms, mono_ms
        self._kept_ms = kept_ms
        self._standing = Standing(self._reading)
        self._keeper = ProgressKeeper(reading, writing, database)
        self._began_ms = now_ms()  # whoever reads beside us has read all that was stored by then
        self._kept_at_ms = 0
        self._empty, self._found = 0, False  # hours in a row without a reading; whether this one has any
        self.until_ms: int | None = None  # every hour before it is rolled
        self.book: MarkBook | None = None
        self._todo = ToDo()
        self._owed: dict[tuple[str, int], set[str]] = defaultdict(set)  # to the operator: (measurement, ms) → communes

    @property
    def waiting(self) -> int:
        """Hours that were marked and are not done yet."""
        return len(self._todo.hours)

    def behind(self, ended_ms: int) -> int | None:
        """Hours that have ended and are not rolled; None: not known yet."""
        return None if self.until_ms is None else max(0, (ended_ms - self.until_ms) // HOUR_MS)

    def take_marks(self, now_ms: int, *, margin_ms: int) -> list[Mark]:
        """Look for marks; those that are told now (also to be used by others).

        Raises:
            LinkError, StorageError: the store's.
        """
        if self.book is None:
            kept = self._keeper.load()
            self.until_ms = None if kept is None else kept.until_ms
            since_us = max(0, min(self._began_ms, now_ms) - margin_ms) * 1000
            if kept is not None:
                since_us = min(since_us, kept.marks_us)
            self.book = MarkBook(self._store, self.database, since_us=since_us)
        told = self.book.look(now_ms, margin_ms=margin_ms)
        self._todo.mark(told)
        return told

    def pieces(self, ended_ms: int) -> Iterator[None]:
        """Do what is to be done, a piece between two yields, until all is done.

        Args:
            ended_ms: hours that end here or before have all their timely readings.

        Raises:
            LinkError, StorageError: the store's; begin again later.
        """
        if self.book is None or not ended_ms:
            return
        if self.until_ms is None:
            yield from self._find_beginning(ended_ms)
        todo = self._todo
        while self.until_ms is not None:
            if todo.hours:
                yield from self._do_marked(min(todo.hours))
            elif todo.days:
                day = min(todo.days)
                communes = todo.days[day]
                yield from self._roll_day(day, Scope(None if communes is None else frozenset(communes)))
                del todo.days[day]
                if communes is not None:
                    todo.gateway_days.add(day)
            elif todo.gateway_days:
                day = min(todo.gateway_days)
                yield from self._roll_day(day, Scope(gateways=True))
                todo.gateway_days.remove(day)
            elif self.until_ms + HOUR_MS <= ended_ms:
                if self._empty < _EMPTY:
                    yield from self._do_next(self.until_ms)
                else:
                    yield from self._hop(self.until_ms, ended_ms)
            else:
                break
            if not todo and self._mono_ms() - self._kept_at_ms >= _KEEP_MS:
                yield from self._settle()
        yield from self._settle()

    def _settle(self) -> Iterator[None]:
        """Give the operator what it is owed, then keep the progress."""
        self._kept_at_ms = self._mono_ms()
        while self._owed:
            measurement, start_ms = min(self._owed)
            communes = Scope(frozenset(self._owed[measurement, start_ms]))
            copy(self._reading, self._operators, self._writing, measurement, start_ms, communes)
            del self._owed[measurement, start_ms]
            yield
        if self.until_ms is not None and self.book is not None:
            self._keeper.keep(Progress(self.until_ms, self.book.safe_us), now_ms=self._now_ms())

    def _find_beginning(self, ended_ms: int) -> Iterator[None]:
        """With the oldest reading; where there is none yet, now: what comes later and is older has its marks."""
        oldest_ms = yield from self._reading.first_ms(self._recipes.measurements, 0, ended_ms)
        kept_ms = -(-self._kept_ms() // HOUR_MS) * HOUR_MS
        self.until_ms = ended_ms if oldest_ms is None else min(ended_ms, max(oldest_ms, kept_ms))

    def _hop(self, start_ms: int, ended_ms: int) -> Iterator[None]:
        """Over hours without any reading: a clock that was never set may have left some in 1970."""
        next_ms = yield from self._reading.first_ms(self._recipes.measurements, start_ms, ended_ms)
        self._todo.touch_all(start_ms - HOUR_MS)
        self.until_ms = ended_ms if next_ms is None else next_ms
        self._empty = 0

    def _do_marked(self, start_ms: int) -> Iterator[None]:
        communes = self._todo.hours.pop(start_ms)  # what is marked from now on is done again
        done = False
        try:
            if self._is_to_be_done_again(start_ms):
                whole = frozenset(commune for commune, assets in communes.items() if assets is None)
                if whole:
                    yield from self._roll_hour(start_ms, Scope(whole))
                for commune, assets in communes.items():
                    if assets is not None:
                        yield from self._roll_hour(start_ms, Scope(frozenset({commune}), frozenset(assets)))
                yield from self._roll_gateways(start_ms)
                self._todo.touch(start_ms, communes)
            done = True
        finally:
            if not done:
                for commune, assets in communes.items():
                    self._todo.add(start_ms, commune, assets)

    def _is_to_be_done_again(self, start_ms: int) -> bool:
        """Not an hour that is done in its turn, nor one whose readings are no longer all there."""
        return self.until_ms is not None and self._kept_ms() <= start_ms < self.until_ms

    def _do_next(self, start_ms: int) -> Iterator[None]:
        watched, self._found = self._watched(), False
        scopes = [Scope()]
        if len(watched) > _MANY:
            scopes = [Scope(frozenset({commune})) for commune in sorted({one.commune for one in watched.values()})]
        for scope in scopes:
            yield from self._roll_hour(start_ms, scope)
        if len(scopes) > 1:
            yield from self._roll_gateways(start_ms)
        self._empty = 0 if self._found else self._empty + 1
        self.until_ms = start_ms + HOUR_MS
        self._todo.end(self.until_ms)

    def _roll_hour(self, start_ms: int, scope: Scope) -> Iterator[None]:
        """Do an hour of these assets, and of their communes."""
        wanted: dict[Owner, Fields] = defaultdict(dict)
        for measurement in self._recipes.measurements:
            for points in self._reading.points(measurement, start_ms, scope):
                self._found = self._found or bool(points)
                yield
                if scope.is_whole and measurement == UPLINK:
                    wanted |= of_gateways(points)
                yield from self._compute(measurement, start_ms, points, scope, wanted)
        stored = self._reading.rolled(HOUR, start_ms, Scope(scope.communes))
        yield
        done = {owner: self._recipes.whole(fields) for owner, fields in wanted.items() if fields}
        before = {owner: fields for owner, fields in stored.items() if not owner.is_commune and scope.holds(owner)}
        yield from self._mark_following(start_ms, scope, done, before)
        rest = {owner: fields for owner, fields in stored.items() if owner.asset and not scope.holds(owner)}
        communes = {Owner(name): fields for name, fields in self._recipes.of_commune({**rest, **done}).items()}
        known = {owner: fields for owner, fields in stored.items() if owner.is_commune}
        change = repair(HOUR, start_ms, {**done, **communes}, {**before, **known})
        put(self._writing, self.database, HOUR, start_ms, change)
        self._owed[HOUR, start_ms] |= {owner.commune for owner in (*communes, *known)}
        self._standing.note(self._recipes, start_ms, done, before, is_next=start_ms == self.until_ms)
        yield

    def _roll_gateways(self, start_ms: int) -> Iterator[None]:
        """Do an hour of the gateways, where its assets are done in parts."""
        if UPLINK not in self._recipes.measurements:
            return
        (points,) = self._reading.points(UPLINK, start_ms, Scope())
        yield
        done = {owner: self._recipes.whole(fields) for owner, fields in of_gateways(points).items()}
        stored = self._reading.rolled(HOUR, start_ms, Scope(gateways=True))
        put(self._writing, self.database, HOUR, start_ms, repair(HOUR, start_ms, done, stored))
        yield

    def _compute(
        self, measurement: str, start_ms: int, points: list[Point], scope: Scope, wanted: dict[Owner, Fields]
    ) -> Iterator[None]:
        """Add what the rollups of a measurement make of its points."""
        watched = self._watched()
        assets = {
            owner: (found, one)
            for owner, found in by_asset(points)
            if (one := watched.get(owner.asset)) is not None and one.database == self.database
        }
        for rollup in self._recipes.rollups:
            mine = {owner: of for owner, of in assets.items() if rollup.measurement == measurement}
            mine = {owner: (found, one) for owner, (found, one) in mine.items() if rollup.concerns(one)}
            before = yield from self._standing.before(
                rollup, {owner.asset for owner in mine}, start_ms, scope, is_next=start_ms == self.until_ms
            )
            for number, (owner, (found, one)) in enumerate(mine.items()):
                made = rollup.hour(found, before.get(owner.asset, {}), one, start_ms)
                wanted[owner] |= {name: float(value) for name, value in made.items()}
                if number % 500 == 499:
                    yield

    def _mark_following(
        self, start_ms: int, scope: Scope, done: Mapping[Owner, Fields], before: Mapping[Owner, Fields]
    ) -> Iterator[None]:
        """Mark the next hour of each asset that has other fields now than others may have read."""
        if self.until_ms is None or start_ms + HOUR_MS >= self.until_ms:
            return  # none after it is done yet
        found = yield from following(
            self._reading, self._recipes, start_ms, scope, now=done, before=before, until_ms=self.until_ms
        )
        if found:
            named = {
                (commune, next_ms, asset)
                for (next_ms, commune), assets in found.items()
                for asset in (assets if len(assets) <= _ASSETS else ("",))
            }
            points = mark_points(named, now_ms=self._now_ms())
            write(self._writing, self.database, points)
            made = read_marks(points)
            if self.book is not None:
                self.book.know(made)
            self._todo.mark(made)

    def _roll_day(self, day: date, scope: Scope) -> Iterator[None]:
        """Do a day and its night, as far as they have ended and are rolled."""
        assert self.until_ms is not None
        dawn_ms = day_bounds_ms(day)[0]
        wanted = yield from sum_up(self._reading, self._recipes, day, scope, until_ms=self.until_ms)
        if wanted is not None:
            stored = self._reading.rolled(DAY, dawn_ms, scope)
            put(self._writing, self.database, DAY, dawn_ms, repair(DAY, dawn_ms, wanted, stored))
            self._owed[DAY, dawn_ms] |= {owner.commune for owner in (*wanted, *stored) if owner.is_commune}
        yield
