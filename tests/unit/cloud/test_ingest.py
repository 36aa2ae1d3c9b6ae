"""What becomes of each message: stored, quarantined, deferred or refused; and what its edge is told."""

import zlib

import msgspec
import pytest

from cloud.quarantine import Kind
from cloud.schema import uplink_of
from core import envelope, topics
from core.envelope import checksum
from core.errors import StorageError
from core.model import ClockQuality, Event, Unreadable, encode_row
from core.receipt import Receipt
from decoders import registry
from tests.unit.cloud.cloud_road import (
    EDGE,
    LAMP,
    NOON_MS,
    STOCK,
    STRANGER,
    Road,
    header,
    pack,
    territory,
    up,
    uplink,
)


def test_rows_are_stored_under_their_tenant_and_the_edge_gets_a_receipt_for_exactly_them(road: Road) -> None:
    """Message → rows → points → receipt with the checksum over the stored bytes → PUBACK, in this order."""
    rows = [encode_row(uplink(n)) for n in range(3)]
    road.deliver(pack(*rows))
    road.flush()
    assert [point.fields["power_w"] for point in road.store.points("ccpvm", "light")] == [40.0] * 3
    assert {point.tags["asset"] for point in road.store.points("ccpvm", "uplink")} == {"REM-1"}
    (kept,) = road.told().kept
    assert (kept.first, kept.last, kept.stored, kept.quarantined) == (1, 3, 3, 0)
    assert kept.crc32 == checksum(rows)
    assert [what for what, _ in road.said] == [topics.of_edge(EDGE, topics.RECEIPT), "ack"]
    assert road.store.databases() == ["ccpvm"]


def test_nothing_is_told_or_acknowledged_before_the_write(road: Road) -> None:
    """A message in hand is the broker's until it is durable."""
    road.deliver(pack(uplink(1)))
    road.receipts.send(mono_ms=road.clock.mono_ms(), all_now=True)
    assert road.said == []


def test_a_redelivered_message_changes_nothing_and_is_told_again(road: Road) -> None:
    """Writing the same uplink twice changes nothing; the edge may have missed the first receipt."""
    message = pack(uplink(1), uplink(2))
    for name in ("first", "again"):
        road.deliver(message, name=name)
        road.flush()
    assert len(road.store.points("ccpvm", "uplink")) == 2
    assert road.acked() == ["first", "again"]
    first, again = [what for topic, what in road.said if topic != "ack"]
    assert first == again


def test_a_device_nobody_assigned_is_stored_with_the_operator(road: Road) -> None:
    """Not an error: it is shown as unassigned."""
    road.deliver(pack(uplink(1, dev_eui=STOCK)))
    road.flush()
    (point,) = road.store.points("operator", "uplink")
    assert point.tags == {"device": STOCK, "commune": "88383"}
    assert road.told().kept[0].stored == 1


def test_an_event_of_the_edge_itself_belongs_to_its_site(road: Road) -> None:
    """No device: the site's tenant and commune."""
    road.deliver(pack(Event(key="e", received_ms=NOON_MS, type="health", detail={"spooled": 3.0})))
    road.flush()
    (point,) = road.store.points("ccpvm", "event")
    assert point.tags == {"commune": "88383", "type": "health"}


def test_the_offset_mends_the_time_of_an_unsynced_clock(road: Road) -> None:
    """The envelope's offset is added to the rows that need it, before the territory is asked."""
    row = msgspec.structs.replace(uplink(1), received_ms=5000, clock=ClockQuality.UNSYNCED)
    mended = msgspec.structs.replace(header(1), offset_ms=NOON_MS)
    road.deliver(envelope.pack(mended, [encode_row(row)]))
    road.flush()
    (point,) = road.store.points("ccpvm", "uplink")
    assert point.time_us == (NOON_MS + 5000) * 1000 + 1


def test_a_payload_the_edge_could_not_decode_is_tried_again(road: Road) -> None:
    """An edge behind the cloud loses no reading: the worker's codecs read the raw payload."""
    calls: list[tuple[str, int, bytes, int]] = []

    def decode(codec: str, f_port: int, payload: bytes, at_ms: int) -> registry.Decoded:
        calls.append((codec, f_port, payload, at_ms))
        return registry.Decoded("nas-ul20xx-1.1@1", "light", uplink(1).readings)

    road.ingest._decode = decode
    behind = msgspec.structs.replace(
        uplink(1), codec="nas-ul20xx-1.1@0.9", error="codec.unknown", domain="", readings=()
    )
    road.deliver(pack(behind))
    road.flush()
    assert calls == [("nas-ul20xx-1.1", 25, b"\x01", behind.received_ms)]
    (point,) = road.store.points("ccpvm", "uplink")
    assert point.fields["error"] == ""
    assert [point.fields for point in road.store.points("ccpvm", "light")] == [{"power_w": 40.0}]


def test_a_payload_nobody_can_decode_is_stored_raw_with_its_error(road: Road) -> None:
    """The same road, its raw payload kept: a corrected codec can be run over it later."""
    row = msgspec.structs.replace(uplink(1), codec="mine@0123456789ab", error="codec.unknown", readings=(), domain="")
    road.deliver(pack(row))
    road.flush()
    (point,) = road.store.points("ccpvm", "uplink")
    assert point.fields["error"] == "codec.unknown"
    assert (uplink_of(point).codec, uplink_of(point).payload) == ("mine@0123456789ab", b"\x01")
    assert road.told().kept[0].stored == 1


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b'{"kind":"uplink","key":"k","received_ms":1,"application":"a","dev_eui":"x","wings":2}', "row.unreadable"),
        (b'{"kind":"comet"}', "row.unreadable"),
        (encode_row(Unreadable(key="k", received_ms=1, topic="t", error="source.binary", body=b"x")), "source.binary"),
        (encode_row(uplink(2, dev_eui=STRANGER)), "identity.foreign_device"),
        (encode_row(msgspec.structs.replace(uplink(2), domain="weather")), "row.domain"),
        (encode_row(msgspec.structs.replace(uplink(2), dev_eui="nobody")), "identity.eui"),
        (encode_row(Event(key="k", received_ms=1, type="A Type")), "row.type"),
    ],
)
def test_a_row_that_cannot_be_stored_is_quarantined_and_its_neighbours_are_stored(
    road: Road, row: bytes, reason: str
) -> None:
    """It counts in the receipt as quarantined; its bytes and identity are evidence."""
    road.deliver(pack(uplink(1), row, uplink(3)))
    road.flush()
    assert len(road.store.points("ccpvm", "uplink")) == 2
    (kept,) = road.told().kept
    assert (kept.first, kept.last, kept.stored, kept.quarantined) == (1, 3, 2, 1)
    (listed,) = road.quarantine.entries()
    entry = road.quarantine.show(listed.id)
    assert (entry.kind, entry.reason, entry.body) == (Kind.ROW, reason, row)
    assert (entry.edge, entry.spool_id, entry.seq, entry.boot) == (EDGE, "spool", 2, "boot")


def zip_bomb() -> bytes:
    body = zlib.compress(b"[" + b" " * (envelope.MAX_BODY + 1) + b"1]", 9)
    packed = pack(uplink(1))
    return packed[: envelope.unpack_header(packed)[1]] + body


def newer() -> bytes:
    packed = bytearray(pack(uplink(1)))
    packed[4] = envelope.VERSION + 1
    return bytes(packed)


def tampered() -> bytes:
    packed = pack(uplink(1))
    start = envelope.unpack_header(packed)[1]
    other = pack(uplink(1, power_w=41.0))
    return packed[:start] + other[envelope.unpack_header(other)[1] :]


@pytest.mark.parametrize(
    ("message", "reason", "told"),
    [
        (b"hello", "envelope.garbage", False),
        (b"\xff" * 50, "envelope.garbage", False),
        (b"x" * 1_000_000, "envelope.garbage", False),
        (newer(), "envelope.newer_version", False),
        (pack(uplink(1), edge="esternay"), "envelope.foreign_edge", False),
        (zip_bomb(), "envelope.zip_bomb", True),
        (tampered(), "envelope.checksum", True),
        (pack(uplink(1))[:-3], "envelope.body", True),
    ],
    ids=["text", "binary", "1 MB", "newer", "foreign edge", "zip bomb", "tampered", "cut"],
)
def test_a_message_that_cannot_be_opened_is_evidence_and_neighbours_are_stored(
    tmp_path: object, request: pytest.FixtureRequest, message: bytes, reason: str, told: bool
) -> None:
    """Quarantined as a message, PUBACKed, never a receipt; deferred where its header can be read and is its topic's."""
    road = Road(request.getfixturevalue("tmp_path"), quarantine_bytes=4_000_000)
    for name in ("bad", "bad again"):
        road.deliver(message, name=name)
        road.deliver(pack(uplink(7), first=7), name="good")
    road.flush()
    assert road.acked().count("good") == 2
    assert {"bad", "bad again"} <= set(road.acked())
    assert len(road.store.points("ccpvm", "uplink")) == 1
    receipts = [what for topic, what in road.said if topic != "ack"]
    deferred = [part for receipt in receipts if isinstance(receipt, Receipt) for part in receipt.deferred]
    kept = [part for receipt in receipts if isinstance(receipt, Receipt) for part in receipt.kept]
    assert [(part.first, part.last, part.reason) for part in deferred] == [(1, 1, reason)] * 2 * told
    assert {(part.first, part.last) for part in kept} == {(7, 7)}
    (entry,) = road.quarantine.entries()
    assert (entry.kind, entry.reason, entry.seen) == (Kind.MESSAGE, reason, 2)
    assert road.quarantine.identities() == frozenset()  # outside the balance
    road.quarantine.close()


@pytest.mark.parametrize("topic", ["beffroi/v1/3/esternay/up", "elsewhere", "beffroi/v1/x", "\udcff/up"])
def test_a_foreign_topic_is_evidence(road: Road, topic: str) -> None:
    """Also a topic whose shard is not its edge's, and one that no UTF-8 has."""
    road.deliver(pack(uplink(1)), topic=topic)
    road.flush()
    assert road.reasons() == ["topic.foreign"]
    assert road.said == [("ack", "m")]


def test_an_edge_that_no_site_declares_keeps_its_rows_until_the_operator_adds_it(road: Road) -> None:
    """`identity.unknown_edge`: deferred and alarmed; with the site declared the rows flow and the alarm ends."""
    road.ingest.territory = territory(sites=("esternay",))
    message = pack(uplink(1))
    road.deliver(message)
    road.flush()
    (deferred,) = road.told().deferred
    assert deferred.reason == "identity.unknown_edge"
    assert road.reasons() == ["identity.unknown_edge"]
    assert [(alarm.code, alarm.site) for alarm in road.alarms.holding()] == [("identity.unknown_edge", EDGE)]
    road.ingest.territory = territory()
    road.said.clear()
    road.deliver(message)
    road.flush()
    assert road.told().kept[0].stored == 1
    assert road.alarms.holding() == []


def test_a_newer_version_is_alarmed_until_the_edge_speaks_ours(road: Road) -> None:
    """Somebody must upgrade the cloud; meanwhile the edge keeps everything."""
    road.deliver(newer())
    road.flush()
    assert [alarm.code for alarm in road.alarms.holding()] == ["envelope.newer_version"]
    road.clock.advance(1000)
    road.deliver(pack(uplink(1)))
    road.flush()
    assert road.alarms.holding() == []
    points = road.store.points("operator", "alarm")
    assert [(point.tags["site"], point.fields["active"]) for point in points] == [(EDGE, True), (EDGE, False)]


def test_health_is_seen_by_the_tenant_and_the_operator(road: Road) -> None:
    """A `site` point in both databases, PUBACKed, no receipt; the last will too."""
    topic = topics.of_edge(EDGE, topics.HEALTH)
    road.deliver(b'{"online": true, "accepted": {"urgent": 2}}', topic=topic, name="alive")
    road.flush()
    road.clock.advance(1000)
    road.deliver(b'{"online": false}', topic=topic, name="gone")
    road.flush()
    for database in ("ccpvm", "operator"):
        assert [point.fields.get("online") for point in road.store.points(database, "site")] == [True, False]
    assert road.store.points("ccpvm", "site")[0].fields["accepted_urgent"] == 2.0
    assert road.said == [("ack", "alive"), ("ack", "gone")]


def test_health_keeps_its_own_time_where_that_can_be_trusted(road: Road) -> None:
    """A report that waited at the broker or is retained there is no news; an unset clock is no time."""
    topic = topics.of_edge(EDGE, topics.HEALTH)
    for at_ms, clock in ((NOON_MS - 60_000, "synced"), (5000, "unsynced"), (NOON_MS + 60_000, "synced")):
        document = f'{{"at_ms": {at_ms}, "clock": "{clock}", "spooled": 1}}'
        road.clock.advance(1)
        road.deliver(document.encode(), topic=topic)
        road.flush()
    times = [point.time_us // 1000 for point in road.store.points("operator", "site")]
    assert times == [NOON_MS - 60_000, NOON_MS + 2, NOON_MS + 3]


@pytest.mark.parametrize("document", [b"no", b"[]", b"\xff", b'{"a":'])
def test_health_that_cannot_be_read_is_evidence(road: Road, document: bytes) -> None:
    """Not silently dropped, and nothing else is."""
    road.deliver(document, topic=topics.of_edge(EDGE, topics.HEALTH))
    road.flush()
    assert road.reasons() == ["health.unreadable"]
    assert road.said == [("ack", "m")]


def test_a_cleared_or_unknown_health_is_acknowledged(road: Road) -> None:
    """An empty payload clears a retained one; an unknown edge raises the alarm its rows would."""
    road.deliver(b"", topic=topics.of_edge(EDGE, topics.HEALTH))
    road.deliver(b'{"online": true}', topic=topics.of_edge("nowhere", topics.HEALTH))
    road.flush()
    assert road.acked() == ["m", "m"]
    assert road.store.points("ccpvm", "site") == []
    assert [(alarm.code, alarm.site) for alarm in road.alarms.holding()] == [("identity.unknown_edge", "nowhere")]


def test_the_worker_counts_what_it_did(road: Road) -> None:
    """Rows by fate and messages; the numbers go on from the last run's point."""
    road.store.refusing["operator"] = StorageError("store.full", "full")
    road.deliver(pack(uplink(1), uplink(2, dev_eui=STOCK), uplink(3, dev_eui=STRANGER)))
    road.deliver(b"garbage")
    road.flush()
    counted = road.counters.as_json()
    assert counted == {
        "messages": 2,
        "messages_refused": 1,
        "rows_stored": 1,
        "rows_quarantined": 1,
        "rows_deferred": 1,
        "points_refused": 0,
        "evidence_lost": 0,
    }
    (made,) = road.counters.points("beffroi-cloud", at_ms=NOON_MS)
    assert made.database == "operator"
    fresh = type(road.counters)()
    fresh.go_on_from(made.points)
    assert fresh.as_json() == counted


def test_lamp_is_of_the_tenant() -> None:
    """The doubles say what the tests assume."""
    assert territory().place(LAMP, NOON_MS, site=EDGE).database == "ccpvm"
    assert up().startswith("beffroi/v1/")
