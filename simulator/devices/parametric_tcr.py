"""The uplink payloads of a traffic counter Parametric TCR of the first generation: values in, bytes out.

Written from the published tables, apart from the decoder of the same device: the two check each other.
A value outside its field's range raises `struct.error`: the simulator has a bug, no device sends it.
Source: Parametric, "TCR LoRaWAN payload description", firmware 1.3 (payload version 2; version 1 before): big endian.
"""

import struct
from enum import IntEnum

import msgspec

COUNT_PORT = 15
SETTINGS_PORT = 190

_VENDOR, _FAMILY = 0xBE, 0x02
_V1, _V2 = 0x01, 0x02

_v1 = struct.Struct(">BBBBHh")
_v2 = struct.Struct(">BBBHHh")
_class = struct.Struct(">HBHB")
_settings = struct.Struct(">BBB B3B BBB HHH BBB 8B")


class Model(IntEnum):
    """Payload version 2."""

    LOW_SPEED = 0
    LOW_SPEED_SOLAR = 1
    HIGH_SPEED = 2
    HIGH_SPEED_SOLAR = 3


class SpeedClass(msgspec.Struct, frozen=True):
    """What came from the left and from the right within one class of speed: counts, and mean speeds in whole km/h.

    A direction nobody came from has a count and a speed of 0.
    """

    left: int = 0
    left_kmh: int = 0
    right: int = 0
    right_kmh: int = 0


class Counts(msgspec.Struct, frozen=True):
    """What passed in one interval. Units: mW, °C in steps of 0.1.

    `battery_mv` of payload version 2; `battery_pct` of version 1, which is written when it is given.
    """

    classes: tuple[SpeedClass, ...]
    temperature_c: float
    solar_mw: int = 0
    battery_mv: int = 0
    battery_pct: int | None = None


def encode_counts(counts: Counts) -> bytes:
    """The payload of port 15."""
    celsius = round(counts.temperature_c * 10)
    if counts.battery_pct is None:
        head = _v2.pack(_VENDOR, _FAMILY, _V2, counts.battery_mv, counts.solar_mw, celsius)
    else:
        head = _v1.pack(_VENDOR, _FAMILY, _V1, counts.battery_pct, counts.solar_mw, celsius)
    return head + b"".join([_class.pack(one.left, one.left_kmh, one.right, one.right_kmh) for one in counts.classes])


class Settings(msgspec.Struct, frozen=True):
    """How it counts. `limits_kmh`: from and to of the four classes of speed; units as the names say."""

    model: Model
    interval_min: int
    limits_kmh: tuple[tuple[int, int], ...]
    firmware: tuple[int, int, int] = (1, 0, 4)
    link_check_min: int = 1440
    hold_off_s: int = 0
    sensitivity_pct: int = 80
    left_lane_m: int = 3
    right_lane_m: int = 6


def encode_settings(settings: Settings) -> bytes:
    """The payload of port 190 of firmware 1.0, once after a join: counts in intervals, class A, unconfirmed."""
    return _settings.pack(
        _VENDOR,
        _FAMILY,
        _V2,
        settings.model,
        *settings.firmware,
        0,  # mode: counts of an interval
        0,  # class A
        0,  # unconfirmed
        settings.interval_min,
        settings.link_check_min,
        settings.hold_off_s,
        settings.sensitivity_pct,
        settings.left_lane_m,
        settings.right_lane_m,
        *(limit for pair in settings.limits_kmh for limit in pair),
    )
