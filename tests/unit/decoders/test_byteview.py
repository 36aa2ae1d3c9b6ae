"""ByteView: bytes in order, and never one too many."""

import struct

import pytest

from core.errors import DecodeError
from decoders.byteview import ByteView


def test_numbers_little_endian() -> None:
    """Every width, signed and unsigned, least significant byte first."""
    view = ByteView(struct.pack("<BbHhIif", 200, -3, 65000, -2, 4_000_000_000, -7, 0.5), little=True)
    assert [view.u8(), view.i8(), view.u16(), view.i16(), view.u32(), view.i32(), view.f32()] == [
        200, -3, 65000, -2, 4_000_000_000, -7, 0.5,
    ]  # fmt: skip
    assert view.left == 0


def test_numbers_big_endian() -> None:
    """The same readers, most significant byte first."""
    view = ByteView(struct.pack(">HIf", 0x0102, 0x01020304, -1.5), little=False)
    assert [view.u16(), view.u32(), view.f32()] == [0x0102, 0x01020304, -1.5]


@pytest.mark.parametrize("read", ["u8", "i8", "u16", "i16", "u32", "i32", "f32"])
def test_reading_beyond_the_end_is_refused(read: str) -> None:
    """The message says where and how much is missing, and nothing was moved."""
    view = ByteView(b"", little=True)
    with pytest.raises(DecodeError, match="offset 0, 0 are there") as caught:
        getattr(view, read)()
    assert caught.value.code == "decode.too_short"


def test_taking_and_text() -> None:
    """Raw bytes and UTF-8; broken text and too few bytes are refused."""
    view = ByteView("xxÖ".encode() + b"\xff", little=True)
    assert view.take(2) == b"xx"
    assert view.text(2) == "Ö"
    with pytest.raises(DecodeError) as caught:
        view.text(1)
    assert caught.value.code == "decode.text"
    with pytest.raises(DecodeError):
        ByteView(b"ab", little=True).take(3)
