"""Queries on one database file, for the writer's connection and for the short read-only ones."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from cloud.stores.base import Field, Point
from cloud.stores.checks import MAX_TIME_US, TAGS, is_name
from cloud.stores.sqlite.layout import HOUR_US, quoted
from cloud.stores.sqlite.newest import Newest

_FEW = 64  # series: up to here each is sought; above, the hours are read through
Tags = dict[str, str]
_decode_fields = msgspec.json.Decoder(dict[str, float | int | str | bool]).decode
_decode_tags = msgspec.json.Decoder(Tags).decode


def latest(
    connection: sqlite3.Connection, measurement: str, where: Mapping[str, str], since_us: int | None
) -> list[Point]:
    condition, texts = _condition(measurement, where)
    if since_us is None:
        rows = connection.execute(f"SELECT tags, time_us, fields FROM _series WHERE {condition}", texts)  # noqa: S608
        return [Point(measurement, _decode_tags(tags), at_us, _decode_fields(fields)) for tags, at_us, fields in rows]
    condition += " AND time_us >= ?"
    rows = connection.execute(
        f"SELECT tags, time_us, fields, older FROM _series WHERE {condition}",  # noqa: S608
        (*texts, min(since_us, MAX_TIME_US + 1)),
    )
    return [
        Point(measurement, _decode_tags(tags), at_us, Newest.load(at_us, fields, older).since(since_us))
        for tags, at_us, fields, older in rows
    ]


def sums(
    connection: sqlite3.Connection, measurement: str, field: str, start_us: int, end_us: int, where: Mapping[str, str]
) -> list[tuple[Tags, float]]:
    if field_kinds(connection, measurement).get(field) not in ("float", "int"):
        return []
    start_us, end_us = bounded(start_us, end_us)
    matching = series_ids(connection, measurement, where)
    few = ids_condition(matching) if len(matching) <= _FEW else ""
    rows = connection.execute(
        f"SELECT _series, total({quoted(field)}) FROM {quoted(measurement)}"  # noqa: S608
        f" WHERE _bucket BETWEEN ? AND ?{few} AND _time_us >= ? AND _time_us < ? AND {quoted(field)} IS NOT NULL"
        " GROUP BY _series",
        (start_us // HOUR_US, end_us // HOUR_US, start_us, end_us),
    )
    return [(matching[series], total) for series, total in rows if series in matching]


def series_ids(connection: sqlite3.Connection, measurement: str, where: Mapping[str, str]) -> dict[int, Tags]:
    """The series that match, by id."""
    condition, texts = _condition(measurement, where)
    rows = connection.execute(f"SELECT id, tags FROM _series WHERE {condition}", texts)  # noqa: S608
    return {number: _decode_tags(tags) for number, tags in rows}


def points(
    connection: sqlite3.Connection, measurement: str, start_us: int, end_us: int, where: Mapping[str, str]
) -> Iterator[Point]:
    """The points with start ≤ time < end, by time; read hour by hour, so that a long range costs no memory."""
    kinds = field_kinds(connection, measurement)
    if not kinds:
        return
    start_us, end_us = bounded(start_us, end_us)
    matching = series_ids(connection, measurement, where)
    few = ids_condition(matching) if len(matching) <= _FEW else ""
    names = list(kinds)
    flags = [name for name, kind in kinds.items() if kind == "bool"]
    columns = ", ".join(quoted(name) for name in names)
    query = (
        f"SELECT _series, _time_us, {columns} FROM {quoted(measurement)} WHERE _bucket = ?{few}"  # noqa: S608
        " AND _time_us >= ? AND _time_us < ? ORDER BY _time_us, _series"
    )
    for bucket in buckets(connection, measurement, start_us, end_us):
        for series, time_us, *row in connection.execute(query, (bucket, start_us, end_us)).fetchall():
            tags = matching.get(series)
            if tags is None:
                continue
            fields: dict[str, Field] = {
                name: field for name, field in zip(names, row, strict=True) if field is not None
            }
            for flag in flags:
                if flag in fields:
                    fields[flag] = bool(fields[flag])
            yield Point(measurement, tags, time_us, fields)


def count(connection: sqlite3.Connection, measurement: str, start_us: int, end_us: int) -> int:
    if not field_kinds(connection, measurement):
        return 0
    start_us, end_us = bounded(start_us, end_us)
    (number,) = connection.execute(
        f"SELECT count(*) FROM {quoted(measurement)} WHERE _bucket BETWEEN ? AND ? AND _time_us >= ? AND _time_us < ?",  # noqa: S608
        (start_us // HOUR_US, end_us // HOUR_US, start_us, end_us),
    ).fetchone()
    return int(number)


def field_kinds(connection: sqlite3.Connection, measurement: str) -> dict[str, str]:
    """Kind of each field of a measurement; empty when there is no such measurement."""
    if not is_name(measurement):
        return {}
    return dict(connection.execute("SELECT name, kind FROM _field WHERE measurement = ?", (measurement,)).fetchall())


def buckets(
    connection: sqlite3.Connection, measurement: str, start_us: int, end_us: int, *, newest_first: bool = False
) -> Iterator[int]:
    """The hours that hold points, hopping over the empty ones."""
    first, last = start_us // HOUR_US, (end_us - 1) // HOUR_US
    choice = "max" if newest_first else "min"
    query = f"SELECT {choice}(_bucket) FROM {quoted(measurement)} WHERE _bucket BETWEEN ? AND ?"  # noqa: S608
    while first <= last:
        (bucket,) = connection.execute(query, (first, last)).fetchone()
        if bucket is None:
            return
        yield bucket
        if newest_first:
            last = bucket - 1
        else:
            first = bucket + 1


def bounded(start_us: int, end_us: int) -> tuple[int, int]:
    """The range inside what a store can hold: callers use 2**53 ms for an open end."""
    return max(start_us, 0), min(end_us, MAX_TIME_US + 1)


def ids_condition(ids: Mapping[int, Tags] | Sequence[int]) -> str:
    return f" AND _series IN ({', '.join(str(number) for number in ids)})"


def _condition(measurement: str, where: Mapping[str, str]) -> tuple[str, list[str]]:
    unknown = where.keys() - set(TAGS)
    if unknown:
        raise ValueError(f"no such tag: {', '.join(sorted(unknown))}")
    return " AND ".join(["measurement = ?", *(f"{quoted(tag)} = ?" for tag in where)]), [measurement, *where.values()]
