"""What an answer of InfluxDB means for the caller, by version. Pure.

| To a write | 1.8 to 1.12 | 2.x | Means |
|---|---|---|---|
| all is durable | 204 | 204 | done; nothing else is |
| a type conflict | 400 `partial write: … dropped=N`, others stored | 422, others stored | find the line |
| a malformed line | 400 `… unable to parse …`, others stored | 400, **nothing** stored | find it |
| older than the retention | 400 `… beyond retention policy dropped=N` | 422, the same words | find it |
| no such database or bucket | 404 | 404 | this database refuses |
| no such policy | **500** `retention policy not found` | 404 | this database refuses |
| no or wrong credentials, no right | 401, 403 | 401, 403 | this database refuses |
| too many series or tag values | 400 `max-…-per-… limit exceeded … dropped=N` | - | this database refuses |
| body too large | 413 | 413 | send it in parts |
| 429, 503 | | | the store asks for time |
| a shard fails | 500 `[shard N] …` | 500 `unexpected error …: [shard N] …` | this database refuses |
| any other 5xx, no answer | | | the store is down |

That the others of a request were stored is not relied upon: of writes to several shards only the first failure is told,
and it is told before all are done. What is not in a request answered by 204 is sent again.

**Source**: measured, `InfluxDB and Telegraf run side by side`; the server's `points_writer.go`, `shard.go` (1.8.10).
"""

import re
from enum import Enum
from typing import Any, Final

import msgspec

from cloud.stores.base import TOO_OLD as TOO_OLD
from core.errors import UNDECODABLE, NotConnected, StorageError, Throttled

APPLY: Final = "`beffroi territory apply --only influxdb` makes databases, accounts and secrets what they should be"
TYPE_CONFLICT: Final = "store.type_conflict"
MALFORMED: Final = "store.malformed"
_DROPPED = re.compile(r" ?dropped=(\d+)\s*$")
_LIMIT = re.compile(r"max-(series-per-database|values-per-tag) limit exceeded")
_SHOWN = 300  # characters of what a server said
_BUSY_S = 1.0


class TooLarge(Enum):
    """The request has to be sent in parts."""

    TOO_LARGE = "too large"


class Unfit(msgspec.Struct, frozen=True):
    """Some lines of the request are unfit. `dropped`: how many, where the server says so (0: it does not)."""

    code: str
    message: str
    dropped: int


def written(status: int, body: bytes, *, database: str, retry_after: str | None = None) -> Unfit | TooLarge | None:
    """Judge the answer to a write; None: every line is durable.

    Raises:
        LinkError: the store as a whole cannot take it now.
        StorageError: this database refuses.
    """
    if status == 204:
        return None
    if status == 413:
        return TooLarge.TOO_LARGE
    said = told(body)
    if status in (400, 422):
        if _LIMIT.search(said):
            raise StorageError(
                "store.too_many_series",
                f"{database}: {said}",
                hint="raise max-series-per-database or max-values-per-tag in the [data] table of influxdb.conf",
            )
        return _unfit(said)
    raise _failure(status, said, database, retry_after)


def _unfit(said: str) -> Unfit:
    found = _DROPPED.search(said)
    dropped = int(found[1]) if found else 0
    if "beyond retention policy" in said:
        return Unfit(TOO_OLD, "it is older than the database keeps points", dropped)
    if "field type conflict" in said:
        return Unfit(TYPE_CONFLICT, _DROPPED.sub("", said.removeprefix("partial write: ")), dropped)
    return Unfit(MALFORMED, said, dropped)


def asked(
    status: int, body: bytes, content_type: str, *, database: str, retry_after: str | None = None
) -> "list[list[Series]]":
    """Judge the answer to a query: the series of each statement, as the server gives them; [] for a database that does
    not exist.

    Raises:
        LinkError: the store as a whole cannot answer now.
        StorageError: this database refuses.
    """
    if status != 200:
        raise _failure(status, told(body), database, retry_after)
    if "msgpack" not in content_type:
        raise StorageError(
            "store.answer",
            f"{database}: the store answered with {content_type or 'nothing known'} instead of MessagePack",
            hint="is the URL that of InfluxDB 1.8 or later itself?",
        )
    try:
        results = _decode(body).results
    except UNDECODABLE as error:
        raise NotConnected("store.answer", f"{database}: the store's answer cannot be read: {error}") from error
    return [_series_of(result, database) for result in results]


class Series(msgspec.Struct):
    """Rows of one series, or of a table."""

    columns: list[str]
    values: list[list[Any]] = []
    tags: dict[str, str] = {}
    partial: bool = False


class _Result(msgspec.Struct):
    series: list[Series] | None = None
    error: str = ""
    partial: bool = False


class _Results(msgspec.Struct):
    results: list[_Result]


_decode = msgspec.msgpack.Decoder(_Results).decode


def _series_of(result: _Result, database: str) -> list[Series]:
    if result.error:
        said = result.error[:_SHOWN]
        if said.startswith("database not found"):
            return []
        if said.startswith("retention policy not found"):
            raise _no_policy(database, said)
        raise StorageError("store.query", f"{database}: {said}")
    found = result.series or []
    if result.partial or any(series.partial for series in found):
        raise StorageError(
            "store.partial", f"{database}: the answer was cut", hint="set max-row-limit = 0 in influxdb.conf"
        )
    return found


def _failure(status: int, said: str, database: str, retry_after: str | None) -> NotConnected | Throttled | StorageError:
    match status:
        case 401:
            return StorageError("store.unauthorised", f"{database}: its credentials are refused: {said}", hint=APPLY)
        case 403:
            return StorageError("store.forbidden", f"{database}: its account may not: {said}", hint=APPLY)
        case 404:
            return StorageError("store.no_database", f"{database} does not exist: {said}", hint=APPLY)
        case 429 | 503:
            return Throttled("store.busy", f"the store asks for time: {said}", wait_s=_wait_s(retry_after))
        case 500 if said.startswith("retention policy not found"):
            return _no_policy(database, said)
        case 500 if "[shard " in said:  # 2.x says where it was first
            return StorageError("store.shard", f"{database}: {said}", hint="see the log of InfluxDB")
        case _ if status >= 500:
            return NotConnected("store.failed", f"the store fails: {status} {said}", hint="see the log of InfluxDB")
        case _ if status >= 400:
            return StorageError("store.answer", f"{database}: the store refuses with {status} {said}")
        case _:
            return NotConnected(
                "store.answer",
                f"the store answers with {status} {said}",
                hint="is the URL that of InfluxDB itself, and no proxy's page?",
            )


def _no_policy(database: str, said: str) -> StorageError:
    return StorageError("store.no_policy", f"{database}: {said}", hint=APPLY)


def _wait_s(retry_after: str | None) -> float:
    """Seconds of a `Retry-After`; a date there is rare, and the next try will tell."""
    return float(retry_after) if retry_after is not None and retry_after.strip().isdigit() else _BUSY_S


class _Told(msgspec.Struct):
    error: str = ""
    message: str = ""


def told(body: bytes) -> str:
    """The sentence in an error's body, whatever wraps it."""
    for decode in (msgspec.json.decode, msgspec.msgpack.decode):
        try:
            said = decode(body, type=_Told)
        except UNDECODABLE:
            continue
        if said.message or said.error:
            return (said.message or said.error)[:_SHOWN]
    return body[:_SHOWN].decode("utf-8", "replace").strip()
