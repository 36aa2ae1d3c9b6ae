"""What each answer of InfluxDB means, by version; bodies as the servers gave them."""

import msgspec
import pytest

from cloud.stores.influxdb.answers import MALFORMED, TOO_OLD, TYPE_CONFLICT, TooLarge, Unfit, asked, told, written
from core.errors import LinkError, StorageError, Throttled


def v1(message: str) -> bytes:
    return msgspec.json.encode({"error": message}) + b"\n"


def v2(message: str, code: str = "invalid") -> bytes:
    return msgspec.json.encode({"code": code, "message": message})


CONFLICT = 'partial write: field type conflict: input field "f" on measurement "m" is type string, already exists as '


@pytest.mark.parametrize(
    ("status", "body", "code", "dropped"),
    [
        (400, v1(CONFLICT + "type float dropped=1"), TYPE_CONFLICT, 1),
        (422, v2(f"failure writing points to database: {CONFLICT}type float dropped=3"), TYPE_CONFLICT, 3),
        (400, v1("partial write: unable to parse 'm,a=1 f=': missing field value dropped=0"), MALFORMED, 0),
        (400, v2("unable to parse 'm,a=1 f=': missing field value"), MALFORMED, 0),
        (400, v1("partial write: points beyond retention policy dropped=17"), TOO_OLD, 17),
        (422, v2("partial write: points beyond retention policy dropped=17", "unprocessable entity"), TOO_OLD, 17),
        (400, b"", MALFORMED, 0),
    ],
)
def test_some_lines_are_unfit(status: int, body: bytes, code: str, dropped: int) -> None:
    """Which ones is to be found out; how many, where the server says so."""
    answer = written(status, body, database="ccpvm")
    assert isinstance(answer, Unfit)
    assert (answer.code, answer.dropped) == (code, dropped)
    assert "dropped=" not in answer.message or code == MALFORMED


def test_only_204_is_durable() -> None:
    """A page of a proxy is not."""
    assert written(204, b"", database="ccpvm") is None
    assert written(413, v1("Request Entity Too Large"), database="ccpvm") is TooLarge.TOO_LARGE
    for status in (200, 201, 301, 302):
        with pytest.raises(LinkError):
            written(status, b"<html>", database="ccpvm")


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (401, v1("authorization failed"), "store.unauthorised"),
        (401, v2("unauthorized access", "unauthorized"), "store.unauthorised"),
        (403, v1('"r" user is not authorized to write to database "t"'), "store.forbidden"),
        (404, v1('database not found: "nodb"'), "store.no_database"),
        (404, v2('bucket "t/raw" not found', "not found"), "store.no_database"),
        (500, v1("retention policy not found: raw"), "store.no_policy"),
        (500, v1("[shard 12] write /x: corrupt"), "store.shard"),
        (500, v2("unexpected error writing points to database: [shard 12] open /x: corrupt"), "store.shard"),
        (
            400,
            v1("partial write: max-series-per-database limit exceeded: (1000000) dropped=4"),
            "store.too_many_series",
        ),
        (405, b"", "store.answer"),
    ],
)
def test_one_database_refuses(status: int, body: bytes, code: str) -> None:
    """The others go on; what an operator can do is said."""
    with pytest.raises(StorageError) as caught:
        written(status, body, database="ccpvm")
    assert caught.value.code == code
    assert "ccpvm" in caught.value.message
    if status in (401, 403, 404):
        assert "beffroi territory apply --only influxdb" in caught.value.hint


@pytest.mark.parametrize(
    ("status", "body"),
    [(500, v1("timeout")), (500, v1("write /wal/1.wal: no space left on device")), (502, b"<html>"), (504, b"")],
)
def test_the_store_is_down_as_a_whole(status: int, body: bytes) -> None:
    """It is tried again; nothing is quarantined or deferred."""
    with pytest.raises(LinkError):
        written(status, body, database="ccpvm")
    with pytest.raises(LinkError):
        asked(status, body, "application/json", database="ccpvm")


@pytest.mark.parametrize(("header", "wait_s"), [("7", 7.0), (None, 1.0), ("Wed, 21 Oct 2026 07:28:00 GMT", 1.0)])
@pytest.mark.parametrize("status", [429, 503])
def test_the_store_asks_for_time(status: int, header: str | None, wait_s: float) -> None:
    """As long as it says, where it says so in seconds."""
    with pytest.raises(Throttled) as caught:
        written(status, b"", database="ccpvm", retry_after=header)
    assert caught.value.wait_s == wait_s


def results(*found: object) -> bytes:
    return msgspec.msgpack.encode({"results": list(found)})


PACKED = "application/x-msgpack"


def test_questions_are_answered_with_series() -> None:
    """Each statement's; a database that does not exist has none."""
    series = {"name": "m", "columns": ["time", "f"], "values": [[1, 3.0]], "tags": {"device": ""}}
    first, second = asked(200, results({"series": [series]}, {"statement_id": 1}), PACKED, database="t")
    assert (first[0].values, first[0].tags, second) == ([[1, 3.0]], {"device": ""}, [])
    assert type(first[0].values[0][1]) is float
    assert asked(200, results({"error": "database not found: t"}), PACKED, database="t") == [[]]


@pytest.mark.parametrize(
    ("body", "content_type", "code"),
    [
        (results({"error": "retention policy not found: raw"}), PACKED, "store.no_policy"),
        (results({"error": "query interrupted"}), PACKED, "store.query"),
        (results({"series": [{"columns": [], "partial": True}]}), PACKED, "store.partial"),
        (results({"partial": True}), PACKED, "store.partial"),
        (b'{"results":[]}', "application/json", "store.answer"),
        (b"<html>", "", "store.answer"),
    ],
)
def test_what_is_no_whole_answer_is_none(body: bytes, content_type: str, code: str) -> None:
    """A cut answer is never taken for a short one, and JSON never for MessagePack: it cannot tell 3 from 3.0."""
    with pytest.raises(StorageError) as caught:
        asked(200, body, content_type, database="t")
    assert caught.value.code == code


def test_a_broken_answer_is_asked_for_again() -> None:
    """A connection that was cut in the middle."""
    for body in (b"", results({})[:-1], msgspec.msgpack.encode([1]), b"\x91" * 100_000):
        with pytest.raises(LinkError):
            asked(200, body, PACKED, database="t")


def test_what_was_said_is_found_whatever_wraps_it() -> None:
    """JSON of both versions, MessagePack, plain text, nothing."""
    assert told(v1("a")) == told(v2("a")) == told(msgspec.msgpack.encode({"error": "a"})) == told(b" a\n") == "a"
    assert told(b"") == ""
    assert len(told(b"x" * 5000)) == 300
