"""The envelope: what goes in comes out, and nothing wrong is let through."""

import json
import zlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import envelope, receipt
from core.errors import EnvelopeError
from core.model import ClockQuality, Event, Reading, Reception, RowClass, Unreadable, Uplink, decode_row, encode_row

HEADER = envelope.Header(
    edge="saint-ame", spool_id="a1b2", row_class=RowClass.MEASUREMENT, first=7, last=7, boot="boot-1", offset_ms=None
)
UPLINK = Uplink(
    key="up/0102030405060708/x",
    received_ms=1_795_000_000_123,
    clock=ClockQuality.GPS,
    application="app",
    dev_eui="0102030405060708",
    f_port=23,
    f_cnt=70000,
    payload=b"\x00\xff",
    receptions=(Reception(gateway="0016c001f1000003"),),
    codec="nas_ul20xx@1.1",
    domain="light",
    readings=(Reading("power_w", 42.0), Reading("lamp_state", "on", channel="dali_9")),
)

rows = st.lists(
    st.one_of(
        st.builds(
            Uplink,
            key=st.text(),
            received_ms=st.integers(0, 2**50),
            application=st.text(),
            dev_eui=st.text(),
            payload=st.binary(max_size=60),
            f_cnt=st.integers(0, 2**32 - 1),
        ),
        st.builds(
            Event,
            key=st.text(),
            received_ms=st.integers(0, 2**50),
            type=st.text(),
            detail=st.dictionaries(
                st.text(), st.one_of(st.booleans(), st.text(), st.floats(allow_nan=False, allow_infinity=False))
            ),
        ),
        st.builds(Unreadable, key=st.text(), received_ms=st.integers(0, 2**50), topic=st.text(), error=st.text()),
    ),
    min_size=1,
    max_size=100,
)


@given(rows)
def test_pack_then_unpack_is_identity(given_rows: list[Uplink | Event | Unreadable]) -> None:
    """unpack ∘ pack gives the stored bytes, and they decode to the same rows."""
    stored = [encode_row(row) for row in given_rows]
    header = envelope.Header(
        edge="e", spool_id="s", row_class=RowClass.DIAGNOSTIC, first=3, last=2 + len(stored), boot="b", offset_ms=-5
    )
    opened = envelope.unpack(envelope.pack(header, stored))
    assert list(opened.rows) == stored
    assert [decode_row(row) for row in opened.rows] == given_rows
    assert opened.header.crc32 == envelope.checksum(stored)


@given(st.binary(max_size=300))
def test_any_bytes_are_an_envelope_or_an_envelope_error(message: bytes) -> None:
    """Garbage never raises anything but EnvelopeError."""
    for candidate in (message, envelope.MAGIC + message, envelope.MAGIC + b"\x01\x00\x10" + message):
        with pytest.raises(EnvelopeError):
            envelope.unpack(candidate)


@given(st.data())
def test_a_damaged_message_is_refused(data: st.DataObject) -> None:
    """One flipped bit anywhere gives an EnvelopeError, or leaves header and rows as they were."""
    message = bytearray(envelope.pack(HEADER, [encode_row(UPLINK)]))
    at = data.draw(st.integers(0, len(message) - 1))
    message[at] ^= 1 << data.draw(st.integers(0, 7))
    try:
        opened = envelope.unpack(bytes(message))
    except EnvelopeError:
        return
    assert opened.rows == (encode_row(UPLINK),)


def test_a_newer_version_is_named() -> None:
    """A message of a newer edge is told apart from garbage, with what to do."""
    message = bytearray(envelope.pack(HEADER, [encode_row(UPLINK)]))
    message[4] = envelope.VERSION + 1
    with pytest.raises(EnvelopeError) as caught:
        envelope.unpack(bytes(message))
    assert caught.value.code == "envelope.newer_version"
    assert "upgrade" in caught.value.hint


def test_a_zip_bomb_stops_at_the_limit() -> None:
    """A body that would inflate past the limit is refused without being inflated."""
    good = envelope.pack(HEADER, [encode_row(UPLINK)])
    _, start = envelope.unpack_header(good)
    bomb = good[:start] + zlib.compress(b"[" + b" " * (envelope.MAX_BODY + 10) + b"]")
    with pytest.raises(EnvelopeError) as caught:
        envelope.unpack(bomb)
    assert caught.value.code == "envelope.zip_bomb"


def test_the_header_counts_the_rows() -> None:
    """A header that names more rows than the body holds is refused."""
    message = envelope.pack(HEADER, [encode_row(UPLINK)])
    with pytest.raises(ValueError, match="rows for seq"):
        envelope.pack(HEADER, [encode_row(UPLINK)] * 2)
    forged = message.replace(b'"last":7', b'"last":8')
    with pytest.raises(EnvelopeError) as caught:
        envelope.unpack(forged)
    assert caught.value.code == "envelope.body"


def test_a_receipt_must_add_up() -> None:
    """A receipt whose counts contradict its range settles nothing."""
    kept = receipt.Kept(spool_id="s", row_class=RowClass.URGENT, first=1, last=3, crc32=1, stored=2, quarantined=1)
    assert receipt.decode(receipt.encode(receipt.Receipt(kept=(kept,)))).kept == (kept,)
    wrong = receipt.Kept(spool_id="s", row_class=RowClass.URGENT, first=1, last=3, crc32=1, stored=2, quarantined=0)
    with pytest.raises(EnvelopeError):
        receipt.decode(receipt.encode(receipt.Receipt(kept=(wrong,))))
    with pytest.raises(EnvelopeError):
        receipt.decode(b"\xff{")


@pytest.mark.parametrize(
    "said",
    [
        b'{"kept":' + b"[" * 3000 + b"]" * 3000 + b"}",
        b'{"later":' + b"[" * 200_000 + b"]" * 200_000 + b"}",  # an unknown key is skipped, not read
        b'{"deferred":[{"spool_id":"s","row_class":"urgent","first":9223372036854775808,"last":1,"reason":"r"}]}',
        b'{"kept":[{"spool_id":"s","row_class":"urgent","first":1,"last":1,"crc32":4294967296,"stored":1}]}',
        b'{"kept":[{"spool_id":"s","row_class":"urgent","first":1,"last":1,"crc32":1,"stored":2,"quarantined":-1}]}',
    ],
)
def test_a_receipt_that_nobody_can_hold_is_an_envelope_error(said: bytes) -> None:
    """Nested without end, or with numbers that no row has: nothing else ever escapes into the edge's link."""
    with pytest.raises(EnvelopeError):
        receipt.decode(said)


@pytest.mark.parametrize("field", ["first", "offset_ms", "crc32"])
def test_a_header_is_bounded(field: str) -> None:
    """What no store can hold is said of the header, before anything is made of it."""
    message = envelope.pack(HEADER, [encode_row(UPLINK)])
    head = message[7 : 7 + int.from_bytes(message[5:7])]
    said = json.dumps({**json.loads(head), field: 2**63}).encode()
    with pytest.raises(EnvelopeError) as caught:
        envelope.unpack_header(message[:5] + len(said).to_bytes(2) + said)
    assert caught.value.code == "envelope.header"
    assert field in caught.value.message


@pytest.mark.parametrize("start_ms", [0, 86_400_000])
def test_a_clock_that_starts_in_1970_can_be_mended(start_ms: int) -> None:
    """Its offset is more than half a century, and still a header's."""
    mended = msgspec.structs.replace(HEADER, offset_ms=UPLINK.received_ms - start_ms)
    assert envelope.unpack(envelope.pack(mended, [encode_row(UPLINK)])).header.offset_ms == mended.offset_ms
