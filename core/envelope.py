"""One message from an edge: a plain header, then 1 to 100 rows in zlib.

    b"BFRI" | version u8 | header length u16 (big endian) | header JSON | zlib(JSON array of the rows' stored bytes)

The rows travel as their stored bytes, untouched: the cloud computes the same checksum over them as the edge.
"""

import struct
import zlib
from collections.abc import Iterable, Sequence
from typing import Annotated

import msgspec

from core.errors import UNDECODABLE, EnvelopeError
from core.model import RowClass, Seq

MAGIC = b"BFRI"
VERSION = 1
MAX_ROWS = 100
MAX_BODY = 8 * 1024 * 1024  # bytes after decompression: a zip bomb stops here
_PREFIX = struct.Struct(">4sBH")
_CENTURY_MS = 100 * 31_557_600_000  # a clock that was never set starts in 1970
Crc32 = Annotated[int, msgspec.Meta(ge=0, le=2**32 - 1)]
OffsetMs = Annotated[int, msgspec.Meta(ge=-_CENTURY_MS, le=_CENTURY_MS)]


class Header(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a message says of itself without being opened.

    `first` to `last` is one run of consecutive seq of one class and one boot; `crc32` is over the rows' stored
    bytes in order; `offset_ms` mends the rows of an unsynced clock (null: it never was synced).
    """

    edge: str
    spool_id: str
    row_class: RowClass
    first: Seq
    last: Seq
    boot: str
    offset_ms: OffsetMs | None = None
    crc32: Crc32 = 0


class Envelope(msgspec.Struct, frozen=True):
    header: Header
    rows: tuple[bytes, ...]  # stored bytes, in order of seq


_encode = msgspec.json.Encoder().encode
_headers = msgspec.json.Decoder(Header)
_bodies: msgspec.json.Decoder[list[msgspec.Raw]] = msgspec.json.Decoder(list[msgspec.Raw])


def checksum(rows: Iterable[bytes]) -> int:
    """crc32 over the stored bytes of rows in order."""
    crc = 0
    for row in rows:
        crc = zlib.crc32(row, crc)
    return crc


def pack(header: Header, rows: Sequence[bytes]) -> bytes:
    """The message of these rows. `header.crc32` is filled in here."""
    if not 1 <= len(rows) <= MAX_ROWS or header.last - header.first + 1 != len(rows):
        raise ValueError(f"{len(rows)} rows for seq {header.first} to {header.last}")
    head = _encode(msgspec.structs.replace(header, crc32=checksum(rows)))
    body = zlib.compress(b"[" + b",".join(rows) + b"]", 1)
    return _PREFIX.pack(MAGIC, VERSION, len(head)) + head + body


def unpack_header(message: bytes) -> tuple[Header, int]:
    """The header, and where the body starts.

    Raises:
        EnvelopeError: `envelope.garbage`, `envelope.newer_version`, `envelope.header`.
    """
    if len(message) < _PREFIX.size or not message.startswith(MAGIC):
        raise EnvelopeError("envelope.garbage", "the message is not an envelope of beffroi")
    _, version, length = _PREFIX.unpack_from(message)
    if version > VERSION:
        raise EnvelopeError(
            "envelope.newer_version", f"version {version}, this worker reads up to {VERSION}", hint="upgrade the cloud"
        )
    start = _PREFIX.size + length
    try:
        header = _headers.decode(message[_PREFIX.size : start])
    except UNDECODABLE as error:
        raise EnvelopeError("envelope.header", str(error)) from error
    if not 0 <= header.last - header.first < MAX_ROWS:
        raise EnvelopeError("envelope.header", f"seq {header.first} to {header.last} is not 1 to {MAX_ROWS} rows")
    return header, start


def unpack(message: bytes) -> Envelope:
    """The header and the rows' stored bytes.

    Raises:
        EnvelopeError: as `unpack_header`, and `envelope.zip_bomb`, `envelope.body`, `envelope.checksum`.
    """
    header, start = unpack_header(message)
    inflate = zlib.decompressobj()
    try:
        body = inflate.decompress(message[start:], MAX_BODY)
    except zlib.error as error:
        raise EnvelopeError("envelope.body", str(error)) from error
    if inflate.unconsumed_tail:
        raise EnvelopeError("envelope.zip_bomb", f"the rows are larger than {MAX_BODY} bytes")
    if not inflate.eof:
        raise EnvelopeError("envelope.body", "the message is cut short")
    try:
        rows = tuple(bytes(raw) for raw in _bodies.decode(body))
    except UNDECODABLE as error:
        raise EnvelopeError("envelope.body", str(error)) from error
    if len(rows) != header.last - header.first + 1:
        raise EnvelopeError("envelope.body", f"{len(rows)} rows for seq {header.first} to {header.last}")
    if checksum(rows) != header.crc32:
        raise EnvelopeError("envelope.checksum", "the rows are not those the edge sent")
    return Envelope(header, rows)
