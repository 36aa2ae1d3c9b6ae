"""The uplink payloads of a traffic counter PMX TCR: values in, bytes out.

Written from the published tables, apart from the decoder of the same device: the two check each other.
A value outside its field's range raises `struct.error`: the simulator has a bug, no device sends it.
Source: PMX Systems, payload description of the PMX firmware for TCR, as in the vendor's decoder
(TheThingsNetwork/lorawan-devices vendor/pmx; actility/device-catalog vendors/pmx): big endian.
"""

import struct
from enum import IntEnum

import msgspec

DEVICE_PORT = 190
ALL_PORT = 13  # every detection
CATEGORY_PORTS = (14, 15, 16, 17)  # what passes the filter of category 1 to 4

_counts = struct.Struct(">BBBHBHBB")
_device = struct.Struct(">8B")


class Model(IntEnum):
    DC = 10  # TCR-DLI
    SOLAR = 12  # TCR-SLI


class Licence(IntEnum):
    BASIC = 0
    ADVANCED = 1
    PRO = 2


class SpeedClass(IntEnum):
    PEOPLE = 0
    LOW = 1
    HIGH = 2


class Counts(msgspec.Struct, frozen=True):
    """What passed in one interval; `hour`, `minute`: its end, by the device's clock. Speeds: mean, whole km/h.

    A direction nobody came from has a count and a speed of 0.
    """

    hour: int
    minute: int
    left_to_right: int
    left_to_right_kmh: int
    right_to_left: int
    right_to_left_kmh: int
    supply_v: float


def encode_counts(counts: Counts) -> bytes:
    """The payload of port 13, or of a category's port."""
    return _counts.pack(
        0xA2,
        counts.hour,
        counts.minute,
        counts.left_to_right,
        counts.left_to_right_kmh,
        counts.right_to_left,
        counts.right_to_left_kmh,
        round(counts.supply_v * 10),
    )


def encode_device(
    model: Model,
    *,
    licence: Licence = Licence.PRO,
    speed_class: SpeedClass = SpeedClass.HIGH,
    firmware: tuple[int, int, int] = (1, 1, 0),
    charger: tuple[int, int, int] = (4, 2, 0),
) -> bytes:
    """The payload of port 190, once after a join. Versions: major and minor 0 to 15, fix 0 to 255."""
    return _device.pack(0xD2, model, licence, speed_class, *_version(firmware), *_version(charger))


def _version(version: tuple[int, int, int]) -> tuple[int, int]:
    major, minor, fix = version
    return major << 4 | minor, fix
