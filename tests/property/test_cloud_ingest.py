"""Whatever arrives, the worker goes on; whatever became of the rows, the edge is told exactly that."""

import json
import tempfile
import zlib
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud.receipts import QUARANTINED, STORED, Fate, Verdict, answer
from cloud.schema import origin_of
from cloud.stores.base import Point
from core import envelope, topics
from core.envelope import Header, checksum
from core.model import RowClass
from tests.unit.cloud.cloud_road import EDGE, LAMP, NOON_MS, Road, header, pack, uplink

DEEP = b"[" * 3000 + b"]" * 3000
DEEPER = b"[" * 200_000 + b"]" * 200_000  # deflates to a few hundred bytes
VERDICTS = st.sampled_from([STORED, QUARANTINED, Verdict(Fate.DEFERRED, "a.b"), Verdict(Fate.DEFERRED, "c.d")])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)


def is_500(point: Point) -> bool:
    origin = origin_of(point)
    return origin is not None and origin.seq == 500


@given(verdicts=st.lists(VERDICTS, min_size=1, max_size=100), first=st.integers(0, 2**50))
def test_a_receipt_says_each_row_once_and_what_became_of_it(verdicts: list[Verdict], first: int) -> None:
    """Kept and deferred ranges together are the message's rows; counts add up; checksums are of the kept rows."""
    rows = [str(number).encode() for number in range(len(verdicts))]
    last = first + len(rows) - 1
    said = Header(
        edge="e", spool_id="s", row_class=RowClass.URGENT, first=first, last=last, boot="b", crc32=checksum(rows)
    )
    told = answer(said, rows, verdicts)
    spoken: dict[int, str] = {}
    for kept in told.kept:
        inside = verdicts[kept.first - first : kept.last - first + 1]
        assert kept.stored == inside.count(STORED)
        assert kept.quarantined == inside.count(QUARANTINED)
        assert kept.stored + kept.quarantined == kept.last - kept.first + 1
        assert kept.crc32 == checksum(rows[kept.first - first : kept.last - first + 1])
        spoken |= dict.fromkeys(range(kept.first, kept.last + 1), "")
    for deferred in told.deferred:
        spoken |= dict.fromkeys(range(deferred.first, deferred.last + 1), deferred.reason)
    assert spoken == {first + number: verdict.reason for number, verdict in enumerate(verdicts)}
    assert sum(part.last - part.first + 1 for part in (*told.kept, *told.deferred)) == len(rows)


def damaged(draw: st.DrawFn) -> bytes:
    """A good message with some bytes changed or cut."""
    message = bytearray(pack(uplink(1), uplink(2)))
    for _ in range(draw(st.integers(1, 4))):
        message[draw(st.integers(0, len(message) - 1))] = draw(st.integers(0, 255))
    return bytes(message[: draw(st.integers(0, len(message)))])


def strange_rows(draw: st.DrawFn) -> bytes:
    """A good envelope around any JSON."""
    rows = [json.dumps(row).encode() for row in draw(st.lists(JSON, min_size=1, max_size=3))]
    return envelope.pack(header(len(rows)), rows)


def strange_body(draw: st.DrawFn) -> bytes:
    """A good header before any bytes, deflated."""
    message = pack(uplink(1))
    return message[: envelope.unpack_header(message)[1]] + zlib.compress(draw(st.binary(max_size=200)))


MESSAGES = st.one_of(
    st.binary(max_size=300), st.composite(damaged)(), st.composite(strange_rows)(), st.composite(strange_body)()
)
TOPICS = st.one_of(
    st.text(max_size=60),
    st.sampled_from([topics.of_edge(edge, leaf) for edge in (EDGE, "nowhere") for leaf in ("up", "health", "down")]),
)


@settings(max_examples=60, deadline=None)
@given(arriving=st.lists(st.tuples(TOPICS, MESSAGES), min_size=1, max_size=5))
def test_nothing_that_arrives_stops_the_worker_or_its_neighbours(arriving: list[tuple[str, bytes]]) -> None:
    """Every message is acknowledged once, evidence is kept, and the good message after it is stored and told."""
    with tempfile.TemporaryDirectory() as folder:
        road = Road(Path(folder))
        for topic, message in arriving:
            road.deliver(message, topic=topic, name="strange")
        road.deliver(pack(uplink(500), first=500), name="good")
        road.flush()
        assert sorted(road.acked()) == sorted(["strange"] * len(arriving) + ["good"])
        assert any(is_500(point) for point in road.store.points("ccpvm", "uplink"))
        road.quarantine.close()


def row_with(**said: object) -> bytes:
    """A row whose times or counts are beyond what anything can hold."""
    row = {"kind": "uplink", "key": "k", "received_ms": NOON_MS, "application": "a", "dev_eui": LAMP, **said}
    return json.dumps(row).encode()


def up_saying(**said: object) -> bytes:
    """An envelope with an unfit row, whose header says this."""
    return envelope.pack(msgspec.structs.replace(header(1), **said), [b"{}"])


HUGE = 10**4299  # the longest integer that msgspec reads
POISON = {
    "health, nested": ("health", b'{"a":' + DEEP + b"}"),
    "health, nested tables": ("health", b'{"a":' * 900 + b"1" + b"}" * 900),
    "health, 400 digits": ("health", b'{"a":' + b"1" * 400 + b"}"),
    "row, nested": ("up", pack(DEEP)),
    "row, nested deeper": ("up", pack(DEEPER)),
    "row, nested inside": ("up", pack(b'{"kind":"event","key":"k","received_ms":1,"type":"t","detail":' + DEEP + b"}")),
    "row, received": ("up", pack(row_with(received_ms=HUGE))),
    "row, received before": ("up", pack(row_with(received_ms=-HUGE))),
    "row, f_cnt": ("up", pack(row_with(f_cnt=HUGE))),
    "row, measured": (
        "up",
        pack(row_with(domain="light", readings=[{"quantity": "power_w", "value": 1.0, "measured_ms": HUGE}])),
    ),
    "header, first": ("up", up_saying(first=2**63, last=2**63)),
    "header, offset": ("up", up_saying(offset_ms=2**63)),
    "header, offset before": ("up", up_saying(offset_ms=-(2**63) - 1)),
    "header, nested": ("up", b"BFRI\x01" + len(DEEP).to_bytes(2) + DEEP + zlib.compress(b"[]")),
}


@pytest.mark.parametrize("name", POISON)
def test_a_poison_message_is_evidence_and_its_neighbours_flow(name: str, tmp_path: Path) -> None:
    """A small message that no reader can hold, which the broker would deliver again and again, stops nobody."""
    leaf, message = POISON[name]
    road = Road(tmp_path)
    road.deliver(message, topic=topics.of_edge(EDGE, leaf), name="poison")
    road.deliver(pack(uplink(500), first=500), name="good")
    road.flush()
    assert sorted(road.acked()) == ["good", "poison"]
    assert any(is_500(point) for point in road.store.points("ccpvm", "uplink"))
    if leaf == "up":
        assert len(road.reasons()) == 1
    road.quarantine.close()
