"""What the watch keeps of an uplink: when, by whom and how well it was heard. Pure.

Of the stored row only the keys that are needed are decoded, and what repeats (edge, session, gateways) is shared by
all that have it: there are as many of these as devices times the uplinks that a detector keeps of each.
"""

import sys
from functools import lru_cache
from typing import TypeVar

import msgspec

from cloud.schema import ORIGIN, ROW
from cloud.stores.base import Point

T = TypeVar("T")


class Heard(msgspec.Struct, frozen=True, gc=False):
    """One uplink. `rssi_dbm` and `snr_db` are the best reception's (the highest SNR); None: nobody said.

    `gateways`: all that heard it, the best first. `session`: the device's address, which is another after each join.
    """

    at_ms: int
    device: str
    edge: str
    session: str
    f_cnt: int
    spreading_factor: int  # 0: not LoRa, or unknown
    rssi_dbm: int | None
    snr_db: float | None
    gateways: tuple[str, ...]

    @property
    def channel(self) -> str:
        """An uplink has none."""
        return ""

    @property
    def gateway(self) -> str:
        """The best; "" when nobody said."""
        return self.gateways[0] if self.gateways else ""


class _Reception(msgspec.Struct, gc=False):
    gateway: str
    rssi_dbm: int = 0
    snr_db: float = 0.0


class _Row(msgspec.Struct, gc=False):
    f_cnt: int = 0
    spreading_factor: int = 0
    dev_addr: str = ""
    receptions: tuple[_Reception, ...] = ()


_decode = msgspec.json.Decoder(_Row).decode


class _Last:
    """The point that was read last: several detectors read the same one, and share what they keep of it."""

    __slots__ = ("heard", "point")

    def __init__(self) -> None:
        self.point: Point | None = None
        self.heard: Heard | None = None


_last = _Last()


def read_heard(point: Point) -> Heard | None:
    """What to keep of a point of `uplink`; None: it is none of an uplink that this version can read."""
    if point is _last.point:
        return _last.heard
    _last.point, _last.heard = point, _read(point)
    return _last.heard


def _read(point: Point) -> Heard | None:
    row = point.fields.get(ROW)
    if not isinstance(row, str):
        return None
    try:
        uplink = _decode(row)
    except (msgspec.MsgspecError, UnicodeError):
        return None
    receptions = uplink.receptions
    if not receptions:
        rssi_dbm = snr_db = None
        gateways: tuple[str, ...] = ()
    else:
        best = receptions[0]
        if len(receptions) > 1:
            receptions = tuple(sorted(receptions, key=_quality, reverse=True))
            best = receptions[0]
        rssi_dbm, snr_db = _shared(best.rssi_dbm), _shared(best.snr_db)
        gateways = _shared(tuple([one.gateway for one in receptions]))
    edge, _, _ = str(point.fields.get(ORIGIN, "")).partition("/")
    return Heard(
        point.time_us // 1000,
        sys.intern(point.tags.get("device", "")),
        sys.intern(edge),
        sys.intern(uplink.dev_addr),
        uplink.f_cnt,
        uplink.spreading_factor,
        rssi_dbm,
        snr_db,
        gateways,
    )


def _quality(reception: _Reception) -> tuple[float, int, str]:
    return reception.snr_db, reception.rssi_dbm, reception.gateway


@lru_cache(maxsize=16_384, typed=True)
def _shared(value: T) -> T:
    """The same object for equal values."""
    return value
