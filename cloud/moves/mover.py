"""Makes the store follow the territory: finds what a change misplaced and moves it, a bounded batch a step.

The order, and why a kill -9 at any point of it loses nothing and shows nothing twice once it has come to rest:

1. `follow` writes the new placement and the windows it changed into the journal, in one transaction, before the first
   row is placed by the new territory. Killed before: the next start compares again and finds the same. Killed after:
   the windows are there, and a window can be looked through any number of times: what is home stays.
2. `hold`: copies of the misplaced points go into the journal. Killed: nothing was deleted yet; the copies are written
   back to where they still are, which changes nothing, and released; the window is looked through again.
3. They are deleted at their old places, unless only values change: those are written over. Killed in the middle: the
   copies are written back to where they were, so that the store is as before, and released; the window is looked
   through again. (A store that still deletes for a dead worker takes nothing until it is done: that is its own part.)
4. `mark_deleted`. From here on a restart no longer writes back, but home.
5. They are written where they belong, as the journal says. Killed: written there again, the same points.
   The hours that changed are marked at both places with them (`cloud.dirty`).
6. `release` drops the copies. If another territory came into force between 2. and now (an outage, a database that
   refused), what came home is looked through once more.

Between 3. and 5. a point is in the journal alone: shown nowhere for a moment rather than twice.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TypeVar

import msgspec

from cloud.dirty import mark_points
from cloud.moves.journal import Batch, Journal, Kind, Pending, SitePlace
from cloud.moves.placing import Deletion, Move, altered, by_database, plan
from cloud.moves.slices import Slice, read_slice
from cloud.schema import EVENT, UPLINK
from cloud.stores.base import TOO_OLD, Point, Rejected, Store
from cloud.stores.checks import MAX_TIME_US
from core import log
from core.errors import StorageError
from core.territory import OPERATOR, Territory
from core.territory.placements import Timeline, differences

_log = log.get(__name__)
_T = TypeVar("_T")
_SET_ASIDE_MS = 30_000  # how long a database that refuses is left alone
_LOOKED_AT = 100  # windows a step considers
_A_WINDOW = 20  # what a window costs that has nothing to move, in rows


class Step(msgspec.Struct, frozen=True):
    """How things stand. `refusing`: the databases for which windows wait, with what they said."""

    unfinished: bool
    refusing: Mapping[str, str]


class _Refused(Exception):  # noqa: N818 - never leaves this module
    def __init__(self, database: str) -> None:
        super().__init__(database)
        self.database = database


class Moves:
    """Used by the worker's thread alone, between two batches of rows: what it has read cannot change before it acts.

    Args:
        keep: takes a point that its new database refuses for good, durably (quarantine).
        now_ms: what time it is (UTC).
        rows: uplinks or events a step looks at, at most; each with all its points.
    """

    def __init__(
        self,
        store: Store,
        journal: Journal,
        *,
        keep: Callable[[str, Point, Rejected], None],
        now_ms: Callable[[], int],
        rows: int = 200,
    ) -> None:
        self._store = store
        self._journal = journal
        self._keep = keep
        self._now_ms = now_ms
        self._rows = rows
        self._applied: Mapping[str, Timeline] | None = None  # as in the journal; read once
        self._reached: dict[int, tuple[int, int]] = {}  # pending → database (its index) and time, further than on disk
        self._refusing: dict[str, tuple[int, StorageError]] = {}  # database → until when it is left alone, and why
        self._waiting: dict[int, str] = {}  # window → the database it waits for
        self._mono_ms = 0

    def follow(self, territory: Territory) -> int:
        """Take note, durably, of what this territory misplaces; the number of windows to look through.

        Call it before the first row is placed by this territory: at start, and at a reload between two batches.
        A store that never followed any is looked through as a whole.

        Raises:
            StorageError: nothing was noted; the old territory must stay in force.
        """
        digest = self._journal.digest()
        if digest == territory.digest:
            return 0
        before = self._applied if self._applied is not None else self._journal.timelines()
        after = territory.timelines
        sites = {site.id: SitePlace(site.commune, site.tenant) for site in territory.sites.values()}
        if digest is None:
            pending = list(self._everything())
        else:
            pending = [*_windows(before, after), *_site_moves(self._journal.sites(), sites)]
        self._journal.apply(
            territory.digest,
            placed={name: line for name, line in after.items() if before.get(name) != line},
            gone=before.keys() - after.keys(),
            sites=sites,
            pending=pending,
        )
        self._applied = after
        if pending:
            _log.info("moves.planned", windows=len(pending), territory=territory.digest)
        return len(pending)

    def step(self, territory: Territory, *, mono_ms: int) -> Step:
        """Move one batch: first what was on its way, then the oldest window that can go on.

        Args:
            territory: in force; the one last given to `follow`.

        Raises:
            LinkError: the store is down as a whole.
            StorageError: the journal's own (`journal.…`).
        """
        self._mono_ms = mono_ms
        self._refusing = {name: refusal for name, refusal in self._refusing.items() if refusal[0] > mono_ms}
        self._waiting = {window: name for window, name in self._waiting.items() if name in self._refusing}
        looked_at = 0
        for batch in self._journal.batches():
            if batch.pending not in self._waiting:
                looked_at += self._guarded(batch.pending, partial(self._bring_home, batch, territory))
        for pending in self._journal.pending(limit=_LOOKED_AT + len(self._waiting)):
            if looked_at >= self._rows:
                break
            if pending.id not in self._waiting:
                looked_at += self._guarded(pending.id, partial(self._look_through, pending, territory))
        refusing = {name: error.message for name, (_, error) in self._refusing.items()}
        return Step(bool(self._journal.count_pending() or self._journal.batches()), refusing)

    def _guarded(self, window: int, act: Callable[[], int]) -> int:
        """Do it; a tenant's database that refuses delays what needs it, nothing else."""
        try:
            return act()
        except _Refused as refused:
            self._waiting[window] = refused.database
            return 0

    def _look_through(self, pending: Pending, territory: Territory) -> int:
        """Go on with a window until it is done or enough points were looked at; how many."""
        looked_at = 0
        index, start_us = self._reached.get(pending.id, (0, pending.start_us))
        while looked_at < self._rows and index < len(pending.databases):
            database = pending.databases[index]
            piece = self._ask(database, partial(read_slice, self._store, database, pending, start_us, rows=self._rows))
            self._move(piece, pending, territory)
            looked_at += sum(len(one.located) + len(one.unclaimed) for one in piece.stretches)
            index, start_us = (
                (index, piece.next_us) if piece.next_us < pending.end_us else (index + 1, pending.start_us)
            )
            self._reached[pending.id] = (index, start_us)
        if index == len(pending.databases):
            self._journal.finish_pending(pending.id, self._follow_up(pending, territory))
            self._reached.pop(pending.id, None)
        return looked_at + _A_WINDOW

    def _move(self, piece: Slice, pending: Pending, territory: Territory) -> None:
        """The steps of the module's docstring, in their order."""
        held: list[Move] = []
        cuts: list[Deletion] = []
        for stretch in piece.stretches:
            found, cut = plan(stretch.located, stretch.unclaimed, territory)
            held += found
            cuts += cut
        if held:
            for database in {move.database for move in held}:
                self._try(database)
            batch = self._journal.hold(pending.id, territory.digest, held)
            for deletion in cuts:
                self._delete(deletion)
            self._bring_home(self._journal.mark_deleted(batch), territory)

    def _try(self, database: str) -> None:
        """A new place that refuses is found out before anything leaves its old one."""
        self._write(database, [])
        self._ask(database, partial(self._store.count, database, UPLINK, start_us=0, end_us=1))

    def _bring_home(self, batch: Batch, territory: Territory) -> int:
        """Write the points of a batch where they belong, or back to where they were when not all were deleted yet."""
        moves = self._journal.held(batch)
        if batch.deleted:
            homes = [(move.database, move.point) for move in moves]
        else:
            homes = [(move.located.database, move.located.point) for move in moves]
        writes = dict(by_database(homes))
        for database, hours in altered(moves).items():
            writes.setdefault(database, []).extend(mark_points(hours, now_ms=self._now_ms()))
        for database, points in writes.items():
            self._write(database, points)
        self._journal.release(batch, more=_again(moves) if batch.deleted and batch.digest != territory.digest else ())
        return len(moves)

    def _write(self, database: str, points: list[Point]) -> None:
        expired = 0
        for rejected in self._ask(database, partial(self._store.write, database, points)):
            if rejected.code == TOO_OLD:
                expired += 1
            else:
                self._keep(database, points[rejected.index], rejected)
        if expired:  # had they always been there, they would have been removed by now
            _log.warning("moves.expired", database=database, points=expired)

    def _delete(self, cut: Deletion) -> None:
        range_ = partial(self._store.delete_range, cut.database, cut.measurements, start_us=cut.start_us)
        self._ask(cut.database, partial(range_, end_us=cut.end_us, where=cut.where))

    def _ask(self, database: str, question: Callable[[], _T]) -> _T:
        """The store's answer. A database that has refused is left alone for a while."""
        if database in self._refusing:
            raise _Refused(database)
        try:
            return question()
        except StorageError as error:
            self._refusing[database] = (self._mono_ms + _SET_ASIDE_MS, error)
            raise _Refused(database) from error

    def _everything(self) -> Iterable[Pending]:
        """All devices that the store knows, and each database once for all edges."""
        databases = tuple(self._store.databases())
        devices: dict[str, list[str]] = {}
        for database in databases:
            try:
                found = self._devices(database, {})
            except StorageError as error:
                _log.error("moves.skipped", database=database, code=error.code, message=error.message)
                continue
            for device in found:
                devices.setdefault(device, []).append(database)
        for device, where in sorted(devices.items()):
            yield _window(device, 0, MAX_TIME_US, where)
        yield Pending(0, Kind.SITE, "", 0, MAX_TIME_US, databases)

    def _follow_up(self, pending: Pending, territory: Territory) -> list[Pending]:
        """A site that moved takes the unassigned devices along that it heard in its old commune. One that has another
        tenant now leaves nothing with the old one: any device stored there may have been heard by its edge."""
        if not pending.commune:
            return []
        heard = self._ask(OPERATOR, partial(self._devices, OPERATOR, {"commune": pending.commune, "asset": ""}))
        where = {device: [OPERATOR] for device in heard}
        site = territory.sites.get(pending.subject)
        for database in pending.databases:
            if site is not None and database not in (OPERATOR, site.tenant):
                known = self._ask(database, partial(self._devices, database, {}))
                where |= {device: [*where.get(device, []), database] for device in known}
        return [_window(device, 0, MAX_TIME_US, databases) for device, databases in sorted(where.items())]

    def _devices(self, database: str, where: Mapping[str, str]) -> set[str]:
        newest = [point for name in (UPLINK, EVENT) for point in self._store.latest(database, name, where)]
        return {point.tags["device"] for point in newest if "device" in point.tags}


def _windows(before: Mapping[str, Timeline], after: Mapping[str, Timeline]) -> Iterable[Pending]:
    """Where a device was placed otherwise: its points are in the databases of its old spots, or the operator's."""
    for change in differences(before, after):
        timeline = before.get(change.dev_eui)
        tenants = {spot.tenant for spot in timeline.spots if spot is not None} if timeline is not None else set()
        yield _window(change.dev_eui, change.start_ms * 1000, change.end_ms * 1000, sorted({*tenants, OPERATOR}))


def _window(device: str, start_us: int, end_us: int, databases: Iterable[str]) -> Pending:
    return Pending(0, Kind.DEVICE, device, start_us, min(end_us, MAX_TIME_US), tuple(databases))


def _site_moves(before: Mapping[str, SitePlace], after: Mapping[str, SitePlace]) -> Iterable[Pending]:
    for site, place in before.items():
        if site in after and after[site] != place:
            databases = tuple(sorted({place.tenant, OPERATOR}))
            yield Pending(0, Kind.SITE, site, 0, MAX_TIME_US, databases, place.commune)


def _again(moves: Iterable[Move]) -> Iterable[Pending]:
    """What came home late, when another territory was in force already: its windows may have been looked through."""
    rows: dict[tuple[Kind, str, str], list[int]] = {}
    databases: dict[tuple[Kind, str, str], set[str]] = {}
    for move in moves:
        device = move.tags.get("device", "")
        subject = (Kind.DEVICE, device, "") if device else (Kind.SITE, move.located.edge, move.tags.get("commune", ""))
        rows.setdefault(subject, []).append(move.located.row_us)
        databases.setdefault(subject, set()).add(move.database)
    for subject, times in rows.items():
        kind, name, commune = subject
        yield Pending(0, kind, name, min(times), max(times) + 1, tuple(sorted(databases[subject])), commune)
