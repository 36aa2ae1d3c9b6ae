"""The words of the road: what a row is, from the network server's event to the store.

A *row* is one entry of an edge's spool: an `Uplink`, an `Event` of the network server or of the edge
itself, or what the source could not be read as (`Unreadable`). Rows are frozen at intake; their encoded
bytes never change afterwards, so that checksums and resends agree.
Times are integers in milliseconds since the Unix epoch, UTC; the unit is in the name (`_ms`).
"""

import re
import zlib
from enum import StrEnum
from typing import Annotated

import msgspec

from core.errors import UNDECODABLE, UnreadableError

_EUI = re.compile(r"[0-9a-f]{16}")
_MAX_EXACT = 2**53  # what every reader of JSON keeps exactly; the borders keep arithmetic and storage inside 64 bits
Seq = Annotated[int, msgspec.Meta(ge=0, le=_MAX_EXACT)]
Instant = Annotated[int, msgspec.Meta(ge=-_MAX_EXACT, le=_MAX_EXACT)]  # ms; a host's clock may say anything
Whole = Annotated[int, msgspec.Meta(ge=-_MAX_EXACT, le=_MAX_EXACT)]


def parse_eui(text: str) -> str:
    """The EUI (of a device or gateway) as 16 lower-case hex digits; colons, dashes and spaces are allowed.

    Raises:
        UnreadableError: `model.eui`, when it is anything but 16 hex digits.
    """
    eui = re.sub(r"[:\- ]", "", text).lower()
    if not _EUI.fullmatch(eui):
        raise UnreadableError("model.eui", f"{text!r} is not an EUI", hint="an EUI has 16 hexadecimal digits")
    return eui


class RowClass(StrEnum):
    """Delivery class of a row, the most pressing first."""

    URGENT = "urgent"
    MEASUREMENT = "measurement"
    DIAGNOSTIC = "diagnostic"


class ClockQuality(StrEnum):
    """How far the time of a row can be trusted."""

    GPS = "gps"
    SYNCED = "synced"
    UNSYNCED = "unsynced"  # the host's clock was not set yet: the envelope's offset mends it
    ESTIMATED = "estimated"  # it never was: the cloud stores the raw time and says so


class Domain(StrEnum):
    """The domains of the hyperviseur; also the names of their measurements in the store."""

    LIGHT = "light"
    BIN = "bin"
    TRAFFIC = "traffic"
    CABINET = "cabinet"


class Reading(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One measured value.

    `quantity` is a name of `core.quantities`; `value` a finite float or a state of the quantity's enum;
    `channel` tells the outputs or classes of one device apart ("" when there is one);
    `measured_ms` is set only where the payload itself gives a time (else the uplink's time holds).
    """

    quantity: str
    value: float | str
    channel: str = ""
    measured_ms: Instant | None = None


class Reception(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One gateway that heard the uplink. Units: dBm, dB. Source: ChirpStack `rxInfo` (absent means 0)."""

    gateway: str
    rssi_dbm: Whole = 0
    snr_db: float = 0.0
    channel: Whole = 0


class _Row(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    tag_field="kind",
    gc=False,
):
    key: str  # the event key: what makes a redelivered event the same event
    received_ms: Instant
    clock: ClockQuality = ClockQuality.SYNCED


class Uplink(_Row, frozen=True, kw_only=True, tag="uplink"):
    """A data frame of a device, decoded as far as its codec could.

    `codec` is `name@declared version` (native) or `name@digest` (JavaScript), "" when none was declared.
    `error` is the code of what kept it from being decoded; `payload` is always kept.
    """

    application: str
    dev_eui: str
    device_name: str = ""
    profile: str = ""
    dev_addr: str = ""
    f_port: Whole = 0
    f_cnt: Whole = 0
    dr: Whole = 0
    confirmed: bool = False
    frequency_hz: Whole = 0
    spreading_factor: Whole = 0
    payload: bytes = b""
    receptions: tuple[Reception, ...] = ()
    codec: str = ""
    domain: str = ""  # of the codec; names the measurement of its readings
    error: str = ""
    readings: tuple[Reading, ...] = ()


class Event(_Row, frozen=True, kw_only=True, tag="event"):
    """A diagnostic: join, status, log, ack, txack, location of the network server; health, eviction of the edge.

    `detail` holds the event's own facts, flat, finite, in the field's words.
    """

    type: str
    application: str = ""
    dev_eui: str = ""
    device_name: str = ""
    profile: str = ""
    detail: dict[str, float | str | bool] = {}


class Unreadable(_Row, frozen=True, kw_only=True, tag="unreadable"):
    """What the source delivered and nobody could read; the cloud quarantines it."""

    topic: str
    error: str
    hint: str = ""
    body: bytes = b""


Row = Uplink | Event | Unreadable

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Row] = msgspec.json.Decoder(Row)


def encode_row(row: Row) -> bytes:
    """The row's stored bytes: compact JSON, the same for the same row."""
    return _encoder.encode(row)


def decode_row(stored: bytes | msgspec.Raw) -> Row:
    """The row of its stored bytes.

    Raises:
        UnreadableError: `row.unreadable`, also for a key this version does not know: it is never dropped silently.
    """
    try:
        return _decoder.decode(stored)
    except UNDECODABLE as error:
        raise UnreadableError(
            "row.unreadable", str(error), hint="a newer edge? upgrade the cloud, then replay"
        ) from error


class RowId(msgspec.Struct, frozen=True, order=True):
    """Identity of an accepted row inside its edge. `seq` counts per class and is never reused."""

    spool_id: str
    row_class: RowClass
    seq: int


def row_time_us(row: Row, offset_ms: int | None) -> int:
    """The instant (µs) under which the store keeps the row: its ms + a tie-breaker below the millisecond.

    The tie-breaker keeps two rows of one millisecond apart: f_cnt mod 1000 for an uplink, else crc32 of the key.
    Args:
        offset_ms: the envelope's clock offset; added only to rows of an unsynced clock.
    """
    ms = row.received_ms
    if row.clock is ClockQuality.UNSYNCED and offset_ms is not None:
        ms += offset_ms
    tie = row.f_cnt if isinstance(row, Uplink) else zlib.crc32(row.key.encode())
    return ms * 1000 + tie % 1000
