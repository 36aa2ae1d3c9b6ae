"""Points from an answer's rows. Pure.

MessagePack keeps what JSON does not: 3.0 is a float and 3 is not.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from cloud.stores.base import Point
from cloud.stores.influxdb.answers import Series
from cloud.stores.influxdb.lines import MARK, told_tag
from cloud.stores.influxdb.packs import is_pack, unpack
from cloud.stores.influxdb.queries import TAG_COLUMN


def points_of_table(measurement: str, table: Series, *, unpacked: bool = False) -> list[Point]:
    """The points of a table whose columns are time, fields and tags (`queries.points`), in its order.

    Args:
        unpacked: with the fields of packs, rather than with the packs themselves.
    """
    first_tag = next((at for at, name in enumerate(table.columns) if name.startswith(TAG_COLUMN)), len(table.columns))
    names = [None if name == MARK else name for name in table.columns[1:first_tag]]
    tag_names = [name.removeprefix(TAG_COLUMN) for name in table.columns[first_tag:]]
    unpacks = unpacked and any(name is not None and is_pack(name) for name in names)
    known: dict[tuple[Any, ...], dict[str, str]] = {}
    points = []
    for row in table.values:
        texts = tuple(row[first_tag:])
        tags = known.get(texts)
        if tags is None:
            tags = known[texts] = {name: told_tag(text) for name, text in zip(tag_names, texts, strict=True) if text}
        fields = {
            name: field
            for name, field in zip(names, row[1:first_tag], strict=True)
            if field is not None and name is not None
        }
        if unpacks:
            fields = unpack(fields)
        points.append(Point(measurement, tags.copy(), row[0] // 1000, fields))
    return points


def points_of_series(measurement: str, found: Sequence[Series]) -> Iterator[Point]:
    """The points of a query that was grouped by all tags, with packs as they are."""
    for series in found:
        tags = tags_of(series)
        for time_ns, *row in series.values:
            fields = {
                name: field
                for name, field in zip(series.columns[1:], row, strict=True)
                if field is not None and name != MARK
            }
            yield Point(measurement, tags.copy(), time_ns // 1000, fields)


def tags_of(series: Series) -> dict[str, str]:
    return {name: told_tag(text) for name, text in series.tags.items() if text}
