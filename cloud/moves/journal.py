"""What the moves must not forget, in `<cloud folder>/journal.sqlite`:

- the placement that the store follows: each device's timeline, each site's commune (`placed`, `site`, `applied`);
- what is still to be looked through for misplaced points (`pending`);
- the points on their way (`batch`, `held`): they are in no database between their deletion and their rewriting.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Self

import msgspec

from cloud.moves.placing import Move
from cloud.schema import EVENT, UPLINK, origin_of
from cloud.sqlitefile import Layout, open_reader, open_writer, snapshot, transaction
from cloud.stores.base import Point
from core.model import RowClass
from core.territory.placements import Timeline

FILE_NAME: Final = "journal.sqlite"
_LAYOUT: Final = Layout(
    name="journal",
    application_id=0x4246524A,  # "BFRJ"
    version=1,
    tables=(
        "CREATE TABLE applied (digest TEXT NOT NULL)",
        "CREATE TABLE placed (dev_eui TEXT PRIMARY KEY, timeline TEXT NOT NULL) WITHOUT ROWID",
        "CREATE TABLE site (id TEXT PRIMARY KEY, commune TEXT NOT NULL, tenant TEXT NOT NULL) WITHOUT ROWID",
        "CREATE TABLE pending (id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, subject TEXT NOT NULL,"
        " start_us INTEGER NOT NULL, end_us INTEGER NOT NULL, databases TEXT NOT NULL, commune TEXT NOT NULL)",
        "CREATE TABLE batch (id INTEGER PRIMARY KEY AUTOINCREMENT, pending INTEGER NOT NULL, digest TEXT NOT NULL,"
        " deleted INTEGER NOT NULL)",
        "CREATE TABLE held (batch INTEGER NOT NULL, move TEXT NOT NULL)",
        "CREATE INDEX held_batch ON held (batch)",
    ),
)
_encode = msgspec.json.Encoder().encode
_move = msgspec.json.Decoder(Move)
_timeline = msgspec.json.Decoder(Timeline)
_names = msgspec.json.Decoder(tuple[str, ...])


class Kind(StrEnum):
    DEVICE = "device"
    SITE = "site"  # an edge's own events and health; then the unassigned devices it heard


class Pending(msgspec.Struct, frozen=True):
    """Points of one subject with start ≤ time < end, in these databases, that may not be where they belong.

    `subject`: a dev_eui or a site's id; empty: all sites. `commune`: of a site, before it moved; empty: not known.
    """

    id: int
    kind: Kind
    subject: str
    start_us: int
    end_us: int
    databases: tuple[str, ...]
    commune: str = ""


class SitePlace(msgspec.Struct, frozen=True):
    commune: str
    tenant: str


class Batch(msgspec.Struct, frozen=True):
    """Points on their way. `digest`: of the territory that sent them there. `deleted`: they are at no old place any
    more; none is at its new place before that."""

    id: int
    pending: int
    digest: str
    deleted: bool


class Journal:
    """Every method is one transaction, durable when it returns. Used by one thread at a time.

    Raises:
        StorageError: `journal.…`, from any method.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = open_writer(path, _LAYOUT)

    @classmethod
    def open(cls, folder: Path) -> Self:
        """The worker's journal, made when absent."""
        return cls(folder / FILE_NAME)

    def close(self) -> None:
        self._connection.close()

    def digest(self) -> str | None:
        """Of the territory that was applied last; None when none ever was."""
        row = self._one("SELECT digest FROM applied")
        return None if row is None else str(row[0])

    def timelines(self) -> dict[str, Timeline]:
        """Where each device was placed, when, by the territory that was applied last."""
        return {dev_eui: _timeline.decode(text) for dev_eui, text in self._all("SELECT dev_eui, timeline FROM placed")}

    def sites(self) -> dict[str, SitePlace]:
        return {name: SitePlace(*place) for name, *place in self._all("SELECT id, commune, tenant FROM site")}

    def apply(
        self,
        digest: str,
        *,
        placed: Mapping[str, Timeline],
        gone: Iterable[str],
        sites: Mapping[str, SitePlace],
        pending: Iterable[Pending],
    ) -> None:
        """From now on the store is to follow another territory.

        Args:
            placed: the devices whose timeline changed; `gone`: those that have none any more.
            sites: all of them.
            pending: what may be misplaced by the change; ids are given here.
        """
        with transaction(self._connection, self._path, _LAYOUT):
            run = self._connection.executemany
            run("DELETE FROM placed WHERE dev_eui = ?", [(dev_eui,) for dev_eui in gone])
            run("INSERT OR REPLACE INTO placed VALUES (?, ?)", [(name, _text(line)) for name, line in placed.items()])
            self._connection.execute("DELETE FROM site")
            run("INSERT INTO site VALUES (?, ?, ?)", [(name, at.commune, at.tenant) for name, at in sites.items()])
            self._connection.execute("DELETE FROM applied")
            self._connection.execute("INSERT INTO applied VALUES (?)", (digest,))
            self._add_pending(pending)

    def pending(self, *, limit: int) -> list[Pending]:
        """The oldest first."""
        rows = self._all("SELECT * FROM pending ORDER BY id LIMIT ?", limit)
        return [
            Pending(number, Kind(kind), subject, start_us, end_us, _names.decode(databases), commune)
            for number, kind, subject, start_us, end_us, databases, commune in rows
        ]

    def count_pending(self) -> int:
        return int(self._all("SELECT count(*) FROM pending")[0][0])

    def finish_pending(self, number: int, more: Iterable[Pending] = ()) -> None:
        """Everything of it is where it belongs; `more` follows from it."""
        with transaction(self._connection, self._path, _LAYOUT):
            self._connection.execute("DELETE FROM pending WHERE id = ?", (number,))
            self._add_pending(more)

    def hold(self, pending: int, digest: str, moves: Sequence[Move]) -> Batch:
        """Keep copies of points that are about to be deleted at their old place, with their new one."""
        with transaction(self._connection, self._path, _LAYOUT):
            number = self._connection.execute(
                "INSERT INTO batch (pending, digest, deleted) VALUES (?, ?, 0)", (pending, digest)
            ).lastrowid
            assert number is not None
            self._connection.executemany("INSERT INTO held VALUES (?, ?)", [(number, _text(move)) for move in moves])
        return Batch(number, pending, digest, deleted=False)

    def mark_deleted(self, batch: Batch) -> Batch:
        """They are at no old place any more."""
        with transaction(self._connection, self._path, _LAYOUT):
            self._connection.execute("UPDATE batch SET deleted = 1 WHERE id = ?", (batch.id,))
        return msgspec.structs.replace(batch, deleted=True)

    def release(self, batch: Batch, *, more: Iterable[Pending] = ()) -> None:
        """The points are in the store again; `more` is to be looked through because of it."""
        with transaction(self._connection, self._path, _LAYOUT):
            self._connection.execute("DELETE FROM held WHERE batch = ?", (batch.id,))
            self._connection.execute("DELETE FROM batch WHERE id = ?", (batch.id,))
            self._add_pending(more)

    def batches(self) -> list[Batch]:
        """What was on its way when the worker ended, or when a database refused."""
        return [Batch(row[0], row[1], row[2], bool(row[3])) for row in self._all("SELECT * FROM batch ORDER BY id")]

    def held(self, batch: Batch) -> list[Move]:
        rows = self._all("SELECT move FROM held WHERE batch = ? ORDER BY rowid", batch.id)
        return [_move.decode(row[0]) for row in rows]

    def _add_pending(self, pending: Iterable[Pending]) -> None:
        self._connection.executemany(
            "INSERT INTO pending (kind, subject, start_us, end_us, databases, commune) VALUES (?, ?, ?, ?, ?, ?)",
            [
                (str(one.kind), one.subject, one.start_us, one.end_us, _text(one.databases), one.commune)
                for one in pending
            ],
        )

    def _all(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with snapshot(self._connection, self._path, _LAYOUT):
            return self._connection.execute(query, values).fetchall()

    def _one(self, query: str) -> tuple[Any, ...] | None:
        return next(iter(self._all(query)), None)


def held_rows(folder: Path) -> frozenset[tuple[str, RowClass, int]]:
    """For another process: the rows (spool_id, class, seq) that are on their way and may be in no database now.

    Raises:
        StorageError: `journal.…`.
    """
    path = folder / FILE_NAME
    reader = open_reader(path, _LAYOUT)
    if reader is None:
        return frozenset()
    with closing(reader), snapshot(reader, path, _LAYOUT):
        points: list[Point] = [_move.decode(row[0]).located.point for row in reader.execute("SELECT move FROM held")]
    return frozenset(
        (origin.spool_id, origin.row_class, origin.seq)
        for point in points
        if point.measurement in (UPLINK, EVENT) and (origin := origin_of(point)) is not None
    )


def _text(value: object) -> str:
    return _encode(value).decode()
