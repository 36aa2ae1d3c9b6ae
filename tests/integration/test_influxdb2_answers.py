"""How the store speaks with 2.x, and with any server that is busy or drops connections."""

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from cloud.stores.base import Point
from cloud.stores.influxdb import InfluxStore
from core.errors import LinkError, StorageError, Throttled
from tests.servers.influxdb2_answers import Asked, Influx2Answers, Told

T0 = 1_700_000_000_000_000
LAMP = {"commune": "88383", "asset": "lamp-1", "device": "00000000000000a1"}


@pytest.fixture
def server() -> Iterator[Influx2Answers]:
    with Influx2Answers() as running:
        yield running


@pytest.fixture
def store(server: Influx2Answers, tmp_path: Path) -> Iterator[InfluxStore]:
    secrets = tmp_path / "secrets.toml"
    secrets.write_text('[influxdb.write]\nccpvm = "a-token"\n')
    secrets.chmod(0o600)
    with closing(InfluxStore.open(server.url, secrets=secrets, organisation="the region")) as opened:
        yield opened


def light(n: int, tags: dict[str, str] = LAMP, **fields: float) -> Point:
    return Point("light", tags, T0 + n, dict(fields) or {"power_w": float(n)})


def test_a_write_names_bucket_organisation_and_token(store: InfluxStore, server: Influx2Answers) -> None:
    """And one connection serves all."""
    for n in range(3):
        assert store.write("ccpvm", [light(n)]) == []
    write = server.of("/api/v2/write")[-1]
    assert write.query == {"org": "the region", "bucket": "ccpvm/raw", "precision": "ns"}
    assert write.token == "Token a-token"
    assert b"power_w=2.0 1700000000000002000" in write.body
    assert server.connections == 1


def test_a_malformed_line_leaves_nothing_stored_there(store: InfluxStore, server: Influx2Answers) -> None:
    """2.x refuses the request whole: the others are sent again without it."""
    stored: list[bytes] = []

    def answer(asked: Asked) -> Told | None:
        if asked.path != "/api/v2/write":
            return None
        lines = asked.body.split(b"\n")
        if any(b"power_w=7.0" in line for line in lines):
            return Told(400, {"code": "invalid", "message": "unable to parse 'light …': bad"})
        stored.extend(lines)
        return None

    server.answer = answer
    (rejected,) = store.write("ccpvm", [light(n) for n in range(16)])
    assert (rejected.index, rejected.code) == (7, "store.malformed")
    assert len(set(stored)) == 15


def test_a_deletion_spares_what_has_the_tag_that_should_be_absent(store: InfluxStore, server: Influx2Answers) -> None:
    """Its predicate cannot ask for that: what was deleted with it is written again."""
    left = {**LAMP, "channel": "left"}
    names = ["time", "_p", "power_w", "#device", "#asset", "#commune", "#channel"]

    def row(point: Point) -> list[object]:
        return [point.time_us * 1000, True, 1.0, *(point.tags.get(name[1:]) for name in names[3:])]

    def answer(asked: Asked) -> Told | None:
        text = asked.query.get("q", "")
        if "count(" in text:
            columns, values = ["time", "count", "count_1"], [[0, None, 1]]
        elif text.startswith("SELECT *::field"):
            columns, values = names, [row(light(1)), row(light(1, left))]
        else:
            return None
        return Told(
            200, {"results": [{"series": [{"name": "light", "columns": columns, "values": values}]}]}, packed=True
        )

    server.answer = answer
    where = {"device": LAMP["device"], "channel": ""}
    assert store.delete_range("ccpvm", "light", start_us=T0, end_us=T0 + 2, where=where) == 1
    (deleted,) = server.of("/api/v2/delete")
    assert deleted.query == {"org": "the region", "bucket": "ccpvm/raw"}
    assert msgspec.json.decode(deleted.body) == {
        "start": "2023-11-14T22:13:20.000000000Z",
        "stop": "2023-11-14T22:13:20.000001999Z",
        "predicate": '_measurement="light" AND device="00000000000000a1"',
    }
    (again,) = server.of("/api/v2/write")
    assert again.body.split(b" ")[0] == b"light,asset=lamp-1,channel=left,commune=88383,device=00000000000000a1"
    assert server.asked.index(again) > server.asked.index(deleted)


def test_a_refused_deletion_is_a_refusal(store: InfluxStore, server: Influx2Answers) -> None:
    """Never taken for done."""
    counted = {"results": [{"series": [{"columns": ["time", "count"], "values": [[0, 1]]}]}]}

    def answer(asked: Asked) -> Told | None:
        if asked.path == "/api/v2/delete":
            return Told(400, {"code": "invalid", "message": "predicate"})
        return Told(200, counted, packed=True) if "count(" in asked.query.get("q", "") else None

    server.answer = answer
    with pytest.raises(StorageError) as caught:
        store.delete_range("ccpvm", "light", start_us=T0, end_us=T0 + 1, where=LAMP)
    assert caught.value.code == "store.delete"


def test_a_busy_server_says_how_long(store: InfluxStore, server: Influx2Answers) -> None:
    """429 and 503 with `Retry-After`: the store as a whole, tried again then."""
    server.answer = lambda asked: Told(429, headers=(("Retry-After", "9"),)) if asked.path == "/api/v2/write" else None
    with pytest.raises(Throttled) as caught:
        store.write("ccpvm", [light(1)])
    assert caught.value.wait_s == 9


def test_a_connection_that_was_closed_meanwhile_is_no_failure(store: InfluxStore, server: Influx2Answers) -> None:
    """A server ends idle connections without a word: the request is sent once more, on a fresh one."""
    server.answer = lambda asked: server.at_rest(asked)._replace(close=True)
    for n in range(5):
        assert store.write("ccpvm", [light(n)]) == []
    assert server.connections == len(server.asked)


def test_a_fresh_connection_that_breaks_is_one(store: InfluxStore, server: Influx2Answers) -> None:
    """Nothing is tried for ever."""
    store.write("ccpvm", [light(1)])
    server._server.shutdown()
    server._server.server_close()
    for connection in store._client._idle:
        connection.close()
    with pytest.raises(LinkError):
        store.write("ccpvm", [light(2)])
    server._thread.join()


def many() -> list[Point]:
    return [light(n, {**LAMP, "channel": str(n % 20)}, power_w=float(n)) for n in range(4_000)]


def test_a_large_write_makes_two_requests_at_once(store: InfluxStore, server: Influx2Answers) -> None:
    """Each waits for the other here; together they have every line once."""
    both = threading.Barrier(2)
    sent: list[bytes] = []

    def answer(asked: Asked) -> Told | None:
        if asked.path == "/api/v2/write" and asked.body:
            both.wait(10)
            sent.extend(asked.body.split(b"\n"))
        return None

    server.answer = answer
    assert store.write("ccpvm", many()) == []
    assert len(sent) == len(set(sent)) == 4_000


def test_a_large_write_ends_when_both_requests_have(store: InfluxStore, server: Influx2Answers) -> None:
    """Also where one fails at once: nothing goes on behind the caller's back."""
    first, is_refused = threading.Lock(), threading.Event()
    ended: list[str] = []

    def answer(asked: Asked) -> Told | None:
        if asked.path != "/api/v2/write" or not asked.body:
            return None
        if first.acquire(blocking=False):
            is_refused.set()
            ended.append("refused")
            return Told(503)
        is_refused.wait(10)
        ended.append("stored")
        return None

    server.answer = answer
    with pytest.raises(Throttled):
        store.write("ccpvm", many())
    assert sorted(ended) == ["refused", "stored"]


def test_a_rollup_is_deleted_in_its_own_bucket(store: InfluxStore, server: Influx2Answers) -> None:
    """And written there."""
    counted = {"results": [{"series": [{"columns": ["time", "count"], "values": [[0, 1]]}]}]}
    server.answer = lambda asked: Told(200, counted, packed=True) if "count(" in asked.query.get("q", "") else None
    assert store.write("ccpvm", [Point("hour", LAMP, T0, {"energy_wh": 1.0})]) == []
    store.delete_range("ccpvm", ("light", "hour"), start_us=T0, end_us=T0 + 1, where=LAMP)
    assert [asked.query["bucket"] for asked in server.of("/api/v2/write") if asked.body] == ["ccpvm/long"]
    assert [asked.query["bucket"] for asked in server.of("/api/v2/delete")] == ["ccpvm/raw", "ccpvm/long"]
