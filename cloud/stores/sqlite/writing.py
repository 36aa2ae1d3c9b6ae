"""The one writer of one database file."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from cloud.sqlitefile import open_writer, transaction
from cloud.stores.base import COLLISION, KEY, Field, Point, Rejected
from cloud.stores.checks import MAX_TIME_US, TAGS, fault
from cloud.stores.sqlite import reading
from cloud.stores.sqlite.layout import DECLARED, HOUR_US, LAYOUT, MAX_FIELDS, kind_of, quoted
from cloud.stores.sqlite.newest import Newest
from core.errors import StorageError

_MAX_KNOWN = 200_000  # series ids held in memory; then looked up again
_MAX_SHAPES = 10_000  # sets of fields held in memory
_Series = tuple[str, ...]  # measurement, then the tags in the order of TAGS
_Place = tuple[_Series, int, Field | None]  # series, time and whose the point is
_Shape = tuple[str, tuple[str, ...]]  # measurement and names of fields
_COLUMNS = ("measurement", *TAGS, "tags", "time_us", "fields", "older")
_INSERT_SERIES = f"INSERT INTO _series ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608
_FIND_SERIES = f"SELECT id FROM _series WHERE measurement = ? AND {' AND '.join(f'{tag} = ?' for tag in TAGS)}"  # noqa: S608


class DatabaseWriter:
    """Opens the file (made when absent) and writes to it, a transaction a call. Not thread-safe: `SqliteStore` is.

    After a `StorageError` the writer must be closed: what it remembers may not be what the file holds.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.connection = open_writer(path, LAYOUT)
        self._inode = _inode(path)
        self._kinds: dict[str, dict[str, str]] = {}
        self._shapes: set[tuple[str, tuple[str, ...], tuple[type, ...]]] = set()  # of points that fit the kinds
        self._known: dict[_Series, int] = {}
        self._upserts: dict[_Shape, str] = {}

    def write(self, points: Sequence[Point]) -> list[Rejected]:
        """Store the points, durably when it returns; those no file of this layout can hold are returned.

        Raises:
            StorageError: nothing was stored.
        """
        with self._transaction():
            merged, rejected = self._merge(points)
            newest: dict[int, Newest] = {}
            groups: dict[_Shape, list[tuple[_Place, int]]] = {}
            for (series, time_us, key), fields in merged.items():
                number = self._number(series, time_us, newest)
                groups.setdefault((series[0], tuple(fields)), []).append(((series, time_us, key), number))
            collided: set[_Place] = set()
            for shape, group in groups.items():
                collided |= self._put(shape, group, merged)
            for group in groups.values():
                for place, number in group:
                    if place not in collided:
                        self._note(number, place[1], merged[place], newest)
            if collided:
                rejected += self._collisions(points, collided)
            self.connection.executemany(
                "UPDATE _series SET time_us = ?, fields = ?, older = ? WHERE id = ?",
                [(*state.dump(), number) for number, state in newest.items()],
            )
        return rejected

    def delete_range(self, measurement: str, start_us: int, end_us: int, where: Mapping[str, str]) -> int:
        """Delete the points with start ≤ time < end of the series that match; how many."""
        with self._transaction():
            if not reading.field_kinds(self.connection, measurement):
                return 0
            start_us, end_us = reading.bounded(start_us, end_us)
            matching = list(reading.series_ids(self.connection, measurement, where))
            deleted = sum(
                self.connection.execute(
                    f"DELETE FROM {quoted(measurement)} WHERE _bucket = ?{reading.ids_condition(matching)}"  # noqa: S608
                    " AND _time_us >= ? AND _time_us < ?",
                    (bucket, start_us, end_us),
                ).rowcount
                for bucket in reading.buckets(self.connection, measurement, start_us, end_us)
            )
            if deleted:
                for number in matching:
                    self._renew(measurement, number, start_us, end_us)
        return deleted

    def close(self) -> None:
        self.connection.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All or nothing. The file is compared with the one that was opened, before and after the commit: what is
        written to a file that somebody has unlinked is gone, whatever SQLite says."""
        self._check_file()
        with transaction(self.connection, self._path, LAYOUT):
            yield
        self._check_file()

    def _check_file(self) -> None:
        if _inode(self._path) != self._inode:
            raise StorageError("store.replaced", f"{self._path.name} was replaced while it was open")

    def _merge(self, points: Sequence[Point]) -> tuple[dict[_Place, dict[str, Field]], list[Rejected]]:
        """The fit points, those of one series, time and key as one, and the others."""
        merged: dict[_Place, dict[str, Field]] = {}
        rejected: list[Rejected] = []
        for index, point in enumerate(points):
            wrong = fault(point) or self._learn(point)
            if wrong is not None:
                rejected.append(Rejected(index, *wrong))
                continue
            place = _place(point)
            known = merged.get(place)
            if known is None:
                merged[place] = dict(point.fields)
            else:
                known.update(point.fields)
        return merged, rejected

    def _learn(self, point: Point) -> tuple[str, str] | None:
        """Compare the kinds of the fields with those of the file and add the new ones; what is wrong, if anything."""
        shape = (point.measurement, tuple(point.fields), tuple(map(type, point.fields.values())))
        if shape in self._shapes:
            return None
        kinds = self._kinds.get(point.measurement)
        if kinds is None:
            kinds = self._kinds[point.measurement] = reading.field_kinds(self.connection, point.measurement)
        fresh: dict[str, str] = {}
        for name, field in point.fields.items():
            kind = kind_of(field)
            known = kinds.get(name)
            if known is None:
                fresh[name] = kind
            elif known != kind:
                return "point.type", f"{point.measurement}.{name} is {known}, not {kind}"
        if fresh:
            if len(kinds) + len(fresh) > MAX_FIELDS:
                return "point.fields", f"{point.measurement} already has {len(kinds)} fields"
            self._add_fields(point.measurement, fresh, is_new=not kinds)
            kinds.update(fresh)
        if len(self._shapes) >= _MAX_SHAPES:
            self._shapes.clear()
        self._shapes.add(shape)
        return None

    def _add_fields(self, measurement: str, fresh: Mapping[str, str], *, is_new: bool) -> None:
        columns = [f"{quoted(name)} {DECLARED[kind]}" for name, kind in fresh.items()]
        if is_new:
            self.connection.execute(
                f"CREATE TABLE {quoted(measurement)} (_bucket INTEGER NOT NULL, _series INTEGER NOT NULL,"
                f" _time_us INTEGER NOT NULL, {', '.join(columns)},"
                " PRIMARY KEY (_bucket, _series, _time_us)) WITHOUT ROWID"
            )
        else:
            for column in columns:
                self.connection.execute(f"ALTER TABLE {quoted(measurement)} ADD COLUMN {column}")
        self.connection.executemany(
            "INSERT INTO _field (measurement, name, kind) VALUES (?, ?, ?)",
            [(measurement, name, kind) for name, kind in fresh.items()],
        )

    def _put(
        self, shape: _Shape, group: Sequence[tuple[_Place, int]], merged: Mapping[_Place, Mapping[str, Field]]
    ) -> set[_Place]:
        """Insert or update the points of one shape; those whose place another key has, which changed nothing."""
        rows = [
            (place[1] // HOUR_US, number, place[1], *merged[place].values()) for place, number in group
        ]  # in the order of the statement's columns
        changed = self.connection.executemany(self._upsert(*shape), rows).rowcount
        if changed == len(group):
            return set()
        whose = f"SELECT {quoted(KEY)} FROM {quoted(shape[0])} WHERE _bucket = ? AND _series = ? AND _time_us = ?"  # noqa: S608
        return {
            place
            for (place, _), row in zip(group, rows, strict=True)
            if self.connection.execute(whose, row[:3]).fetchone()[0] != place[2]
        }

    def _collisions(self, points: Sequence[Point], collided: set[_Place]) -> list[Rejected]:
        return [
            Rejected(index, COLLISION, f"another {point.measurement} of the series has the time {point.time_us} µs")
            for index, point in enumerate(points)
            if KEY in point.fields and _place(point) in collided
        ]

    def _number(self, series: _Series, time_us: int, newest: dict[int, Newest]) -> int:
        """The id of the series, which this point makes when it is the first."""
        number = self._known.get(series)
        if number is None:
            found = self.connection.execute(_FIND_SERIES, series).fetchone()
            if found is None:
                state = Newest(time_us, {}, {})
                number = self.connection.execute(_INSERT_SERIES, (*series, _tags_json(series), *state.dump())).lastrowid
                assert number is not None
                newest[number] = state
            else:
                number = int(found[0])
            if len(self._known) >= _MAX_KNOWN:
                self._known.clear()
            self._known[series] = number
        return number

    def _note(self, number: int, time_us: int, fields: dict[str, Field], newest: dict[int, Newest]) -> None:
        """Take the point into the newest values of its series."""
        known = newest.get(number)
        if known is None:
            row = self.connection.execute(
                "SELECT time_us, fields, older FROM _series WHERE id = ?", (number,)
            ).fetchone()
            known = newest[number] = Newest.load(*row)
        known.add(time_us, fields)

    def _upsert(self, measurement: str, names: tuple[str, ...]) -> str:
        statement = self._upserts.get((measurement, names))
        if statement is None:
            columns = ", ".join(quoted(name) for name in names)
            values = ", ".join("?" * (len(names) + 3))
            changes = ", ".join(f"{quoted(name)} = excluded.{quoted(name)}" for name in names)
            mine = f"{quoted(measurement)}.{quoted(KEY)}"
            only = f" WHERE {mine} IS NULL OR {mine} = excluded.{quoted(KEY)}" if KEY in names else ""
            statement = (
                f"INSERT INTO {quoted(measurement)} (_bucket, _series, _time_us, {columns}) VALUES ({values})"  # noqa: S608
                f" ON CONFLICT DO UPDATE SET {changes}{only}"
            )
            if len(self._upserts) >= _MAX_SHAPES:
                self._upserts.clear()
            self._upserts[measurement, names] = statement
        return statement

    def _renew(self, measurement: str, number: int, start_us: int, end_us: int) -> None:
        """Bring the newest values of a series up to date after a deletion; forget a series without points."""
        row = self.connection.execute("SELECT time_us, fields, older FROM _series WHERE id = ?", (number,)).fetchone()
        before = Newest.load(*row)
        if not before.is_touched(start_us, end_us):
            return
        names = list(before.fields)
        columns = ", ".join(quoted(name) for name in names)
        query = (
            f"SELECT _time_us, {columns} FROM {quoted(measurement)} WHERE _bucket = ? AND _series = ?"  # noqa: S608
            " ORDER BY _time_us DESC"
        )
        kinds = self._kinds.get(measurement) or reading.field_kinds(self.connection, measurement)
        after: Newest | None = None
        for bucket in reading.buckets(self.connection, measurement, 0, MAX_TIME_US, newest_first=True):
            for time_us, *values in self.connection.execute(query, (bucket, number)):
                fields = {
                    name: bool(value) if kinds[name] == "bool" else value
                    for name, value in zip(names, values, strict=True)
                    if value is not None
                }
                if after is None:
                    after = Newest(time_us, fields, {})
                else:
                    after.add(time_us, fields)
                if len(after.fields) == len(names):
                    break
            if after is not None and len(after.fields) == len(names):
                break
        if after is None:
            self.connection.execute("DELETE FROM _series WHERE id = ?", (number,))
            self._known.clear()
        else:
            self.connection.execute(
                "UPDATE _series SET time_us = ?, fields = ?, older = ? WHERE id = ?", (*after.dump(), number)
            )


def _place(point: Point) -> _Place:
    tag = point.tags.get
    return (point.measurement, *[tag(name, "") for name in TAGS]), point.time_us, point.fields.get(KEY)


def _tags_json(series: _Series) -> str:
    return msgspec.json.encode({tag: text for tag, text in zip(TAGS, series[1:], strict=True) if text}).decode()


def _inode(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError as error:
        raise StorageError("store.replaced", f"{path.name} is gone: {error.strerror}") from error
    return status.st_dev, status.st_ino
