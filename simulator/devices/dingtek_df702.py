"""The uplink payloads of a waste bin sensor Dingtek DF702 or DF703: values in, bytes out.

Written from the published tables, apart from the decoder of the same device: the two check each other.
A value outside its field's range raises `struct.error`: the simulator has a bug, no device sends it.
Source: Dingtek, "DF702 & DF703 Waste Bin Sensor, Protocol LoRaWAN" V2.8, as TheThingsNetwork/lorawan-devices
vendor/dingtek has it (big endian; the GPS's floats little endian).
"""

import struct

import msgspec

PORT = 3

_START, _END = 0x80, 0x81
_DEVICE_TYPE = 0x01
_PERIODIC, _ALARM = 0x01, 0x02
_BARE, _WITH_POSITION = 0x11, 0x19  # length of the whole frame

_head = struct.Struct(">BBBBBHB")
_position = struct.Struct("<ff")
_tail = struct.Struct(">bBBBB3xB")


class Report(msgspec.Struct, frozen=True):
    """A frame with data. Units: mm, whole °C, whole degrees (either way). `alarm`: sent for an alarm, not in its turn.

    `position`: longitude and latitude in degrees, of the model with a GPS.
    """

    distance_mm: int
    temperature_c: int
    angle_deg: int = 0
    full: bool = False
    fire: bool = False
    tilted: bool = False
    battery_low: bool = False
    alarm: bool = False
    position: tuple[float, float] | None = None


def encode_report(report: Report) -> bytes:
    """The payload of a periodic report or of an alarm: 17 bytes, 25 with a position."""
    return (
        _head.pack(
            _START,
            0x00,
            _DEVICE_TYPE,
            _ALARM if report.alarm else _PERIODIC,
            _BARE if report.position is None else _WITH_POSITION,
            report.distance_mm,
            report.position is not None,
        )
        + (b"" if report.position is None else _position.pack(*report.position))
        + _tail.pack(
            report.temperature_c,
            report.angle_deg < 0,
            abs(report.angle_deg),
            report.full << 4 | report.fire,
            report.tilted << 4 | report.battery_low,
            _END,
        )
    )
