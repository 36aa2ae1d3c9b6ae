"""What the cloud answers to an edge: which rows it keeps, and which it could not.

A receipt says all; a PUBACK says nothing. The edge recomputes the checksum and settles only what matches.
"""

import msgspec

from core.envelope import Crc32
from core.errors import UNDECODABLE, EnvelopeError
from core.model import RowClass, Seq


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """Rows `first` to `last` of one class are durable: `stored` + `quarantined` = `last` - `first` + 1."""

    spool_id: str
    row_class: RowClass
    first: Seq
    last: Seq
    crc32: Crc32  # over the rows' stored bytes in order
    stored: Seq
    quarantined: Seq = 0


class Deferred(msgspec.Struct, frozen=True, kw_only=True):
    """Rows the cloud could not keep now; the edge leaves them out of its window and tries again later."""

    spool_id: str
    row_class: RowClass
    first: Seq
    last: Seq
    reason: str


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    version: int = 1
    kept: tuple[Kept, ...] = ()
    deferred: tuple[Deferred, ...] = ()


_decoder = msgspec.json.Decoder(Receipt)


def encode(receipt: Receipt) -> bytes:
    return msgspec.json.encode(receipt)


def decode(message: bytes) -> Receipt:
    """The receipt; unknown keys of a newer cloud are ignored.

    Raises:
        EnvelopeError: `receipt.unreadable`, also when the counts do not add up.
    """
    try:
        receipt = _decoder.decode(message)
    except UNDECODABLE as error:
        raise EnvelopeError("receipt.unreadable", str(error)) from error
    for kept in receipt.kept:
        if kept.last < kept.first or kept.stored + kept.quarantined != kept.last - kept.first + 1:
            raise EnvelopeError("receipt.unreadable", f"the counts of {kept.first} to {kept.last} do not add up")
    return receipt
