"""A payload read from front to back, never beyond its end."""

import struct

from core.errors import DecodeError

_LITTLE = {code: struct.Struct("<" + code) for code in "BbHhIif"}
_BIG = {code: struct.Struct(">" + code) for code in "BbHhIif"}


class ByteView:
    """Bytes with a position. Every read moves on, and refuses to read what is not there.

    Args:
        little: least significant byte first (else most significant first).

    Every method raises `DecodeError` `decode.too_short` when fewer bytes are left than it needs.
    """

    __slots__ = ("_at", "_end", "_payload", "_structs")

    def __init__(self, payload: bytes, *, little: bool) -> None:
        self._payload = payload
        self._at = 0
        self._end = len(payload)
        self._structs = _LITTLE if little else _BIG

    @property
    def left(self) -> int:
        """How many bytes are still to be read."""
        return self._end - self._at

    def _short(self, wanted: int) -> DecodeError:
        return DecodeError(
            "decode.too_short", f"{wanted} bytes are expected at offset {self._at}, {self.left} are there"
        )

    def _number(self, code: str) -> int:
        layout = self._structs[code]
        at = self._at
        after = at + layout.size
        if after > self._end:
            raise self._short(layout.size)
        self._at = after
        value: int = layout.unpack_from(self._payload, at)[0]
        return value

    def u8(self) -> int:
        at = self._at
        if at >= self._end:
            raise self._short(1)
        self._at = at + 1
        return self._payload[at]

    def i8(self) -> int:
        return self._number("b")

    def u16(self) -> int:
        return self._number("H")

    def i16(self) -> int:
        return self._number("h")

    def u32(self) -> int:
        return self._number("I")

    def i32(self) -> int:
        return self._number("i")

    def f32(self) -> float:
        """A 32-bit float; it may be NaN or infinite, which the registry stops."""
        return float(self._number("f"))

    def take(self, size: int) -> bytes:
        """The next `size` bytes as they are."""
        if self.left < size:
            raise self._short(size)
        part = self._payload[self._at : self._at + size]
        self._at += size
        return part

    def text(self, size: int) -> str:
        """The next `size` bytes as UTF-8.

        Raises:
            DecodeError: also `decode.text`.
        """
        try:
            return self.take(size).decode()
        except UnicodeDecodeError as error:
            raise DecodeError("decode.text", f"the text is not UTF-8: {error.reason}") from error
