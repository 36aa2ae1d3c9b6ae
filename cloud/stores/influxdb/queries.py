# ruff: noqa: S608 - this is where queries are made; every name and text goes through `_name` or `_text`
"""InfluxQL: the only place where its text is made. Pure.

What a query reads costs by the series and field it *could* find, per shard, before it finds anything: 6,000 series of
30 fields are 180,000 cursors. So: no more fields than needed, bounds on the time, and selectors (`last`) over
`GROUP BY *` only where few series are asked.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from cloud.stores.base import KEY, ROLLUPS
from cloud.stores.checks import MAX_TIME_US, TAGS
from cloud.stores.influxdb.lines import MARK, MAX_TIME_NS, wire_tag

RAW: Final = "raw"
LONG: Final = "long"
TAG_COLUMN: Final = "#"  # before the name of a tag in a result's columns: no field has such a name
MARKS: Final = (KEY, MARK)  # every point has one of them
_TAG_COLUMNS: Final = ", ".join(f'"{tag}"::tag AS "{TAG_COLUMN}{tag}"' for tag in TAGS)


def databases() -> str:
    return "SHOW DATABASES"


def running() -> str:
    """What the server is doing, also for clients that are gone."""
    return "SHOW QUERIES"


def field_kinds(measurement: str) -> str:
    return f"SHOW FIELD KEYS FROM {_source(measurement)}"


def policy(measurement: str) -> str:
    """Where the points of a measurement are."""
    return LONG if measurement in ROLLUPS else RAW


def tag_names(*measurements: str) -> str:
    return f"SHOW TAG KEYS FROM {_sources(measurements)}"


def points(measurement: str, condition: str, *, limit: int | None = None) -> str:
    """Time, all fields and all tags of each point, by time."""
    return f"SELECT *::field, {_TAG_COLUMNS} FROM {_source(measurement)}{condition}{_limit(limit)}"


def places(measurement: str, condition: str, *, marks: Iterable[str], limit: int) -> str:
    """Time and tags of each point that has one of the marks, the newest first."""
    columns = ", ".join([*(f"{_name(mark)}::field" for mark in marks), _TAG_COLUMNS])
    return f"SELECT {columns} FROM {_source(measurement)}{condition} ORDER BY time DESC{_limit(limit)}"


def newest_points(measurement: str, condition: str, fields: Iterable[str] = ()) -> str:
    """The newest point of each series, or the newest that has one of these fields."""
    columns = ", ".join(f"{_name(field)}::field" for field in fields) or "*::field"
    return f"SELECT {columns} FROM {_source(measurement)}{condition} GROUP BY * ORDER BY time DESC LIMIT 1"


def sums(measurement: str, field: str, condition: str) -> str:
    return f"SELECT sum({_name(field)}) FROM {_source(measurement)}{condition} GROUP BY *"


def count(*measurements: str, condition: str) -> str:
    """How many points; each has a key or a mark."""
    counts = ", ".join(f"count({_name(mark)})" for mark in MARKS)
    return f"SELECT {counts} FROM {_sources(measurements)}{condition}"


def deletion(*measurements: str, condition: str) -> str:
    """In all policies: InfluxQL knows no other deletion."""
    return f"DELETE FROM {', '.join(map(_name, measurements))}{condition}"


def condition(
    *,
    start_us: int | None = None,
    end_us: int | None = None,
    where: Mapping[str, str] | None = None,
    any_of: Iterable[Mapping[str, str]] = (),
    cast: str = "::tag",
) -> str:
    """` WHERE …` for start ≤ time < end and these tags; empty where nothing is asked.

    Args:
        where: an empty text means that the series lacks the tag.
        any_of: series, one of which it must be.
        cast: says that a name is a tag's; a deletion knows no casts.

    Raises:
        ValueError: no such tag.
    """
    parts = []
    if start_us is not None and start_us > 0:
        parts.append(f"time >= {min(start_us * 1000, MAX_TIME_NS + 1)}")
    if end_us is not None and end_us <= MAX_TIME_US:
        parts.append(f"time < {max(end_us, 0) * 1000}")
    parts += _tags(where or {}, cast)
    series = [f"({' AND '.join(_tags(tags, cast))})" for tags in any_of]
    if series:
        parts.append(f"({' OR '.join(dict.fromkeys(series))})")
    return f" WHERE {' AND '.join(parts)}" if parts else ""


def is_empty(start_us: int, end_us: int) -> bool:
    """Whether no time that a store can hold is in start ≤ time < end."""
    return max(start_us, 0) >= min(end_us, MAX_TIME_US + 1)


def _tags(where: Mapping[str, str], cast: str) -> list[str]:
    unknown = where.keys() - set(TAGS)
    if unknown:
        raise ValueError(f"no such tag: {', '.join(sorted(unknown))}")
    return [f'"{tag}"{cast} = {_text(wire_tag(text))}' for tag, text in where.items()]


def _text(text: str) -> str:
    """Text in single quotes. Tags have no control characters (`checks.fault`), so that no more is needed."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"


def _name(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _source(measurement: str) -> str:
    return f'"{policy(measurement)}".{_name(measurement)}'


def _sources(measurements: Iterable[str]) -> str:
    return ", ".join(map(_source, measurements))


def _limit(limit: int | None) -> str:
    return "" if limit is None else f" LIMIT {limit}"
