"""Deleting a range: the two versions know different ways."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from cloud.stores.base import Point, Store
from cloud.stores.checks import MAX_TIME_US
from cloud.stores.influxdb import queries
from cloud.stores.influxdb.answers import Series
from cloud.stores.influxdb.lines import wire_tag

if TYPE_CHECKING:
    from cloud.stores.influxdb.client import Client

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Deletion(NamedTuple):
    """The points with start ≤ time < end whose tags match; an empty text: without this tag."""

    measurements: Sequence[str]
    start_us: int
    end_us: int
    where: Mapping[str, str]


def delete_v1(deletion: Deletion, ask: Callable[[str], list[Series]]) -> None:
    """InfluxQL. A condition on a tag that no measurement has is left out: what is named there and is a field would make
    the server refuse."""
    names = {str(name) for series in ask(queries.tag_names(*deletion.measurements)) for (name,) in series.values}
    where = {tag: text for tag, text in deletion.where.items() if text or tag in names}
    condition = queries.condition(start_us=deletion.start_us, end_us=deletion.end_us, where=where, cast="")
    ask(queries.deletion(*deletion.measurements, condition=condition))


def delete_v2(store: Store, database: str, deletion: Deletion, send: Callable[[str, bytes], None]) -> list[Point]:
    """`/api/v2/delete`. Its predicate knows equality alone: points that match but for a tag that they should lack are
    deleted too, and come back, to be written again at once."""
    return [
        point
        for measurement in deletion.measurements
        for point in _delete_v2(store, database, measurement, deletion, send)
    ]


def _delete_v2(
    store: Store, database: str, measurement: str, deletion: Deletion, send: Callable[[str, bytes], None]
) -> list[Point]:
    present = {tag: text for tag, text in deletion.where.items() if text}
    start_us, end_us = max(deletion.start_us, 0), deletion.end_us
    spared: list[Point] = []
    if len(present) < len(deletion.where):
        found = store.series(database, measurement, start_us=start_us, end_us=end_us, where=present)
        spared = [
            point for point in found if any(point.tags.get(tag, "") != text for tag, text in deletion.where.items())
        ]
    predicate = " AND ".join(
        [f'_measurement="{measurement}"', *(f"{tag}={_quoted(wire_tag(text))}" for tag, text in present.items())]
    )
    last_us = min(end_us, MAX_TIME_US + 1) - 1
    question = {"start": _rfc3339(start_us, 0), "stop": _rfc3339(last_us, 999), "predicate": predicate}
    send(measurement, msgspec.json.encode(question))
    return spared


def is_v2(client: "Client") -> bool:
    """Whether the server is of the second generation.

    Raises:
        LinkError: it does not answer.
    """
    answer = client.send("GET", "/health", b"", secret=None)
    found = re.search(rb'"version"\s*:\s*"v?(\d+)\.', answer.body)
    if found is not None:
        return int(found[1]) >= 2
    return client.send("GET", "/api/v2/setup", b"", secret=None).status == 200  # a build that does not know its version


def _rfc3339(time_us: int, more_ns: int) -> str:
    """The bounds of a deletion are both inside it."""
    at = _EPOCH + timedelta(microseconds=time_us)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond:06d}{more_ns:03d}Z"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
