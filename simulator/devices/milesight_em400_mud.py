"""The uplink payloads of a distance sensor Milesight EM400-MUD: values in, bytes out.

Written from the published tables, apart from the decoder of the same device: the two check each other.
A value outside its field's range raises `struct.error`: the simulator has a bug, no device sends it.
Source: Milesight EM400-MUD user guide, "Device payload"; Milesight-IoT/SensorDecoders em-series/em400-mud, README
(items of channel, type and value, one after the other; all values little endian).
"""

import struct

import msgspec

PORT = 85
CLASS_A = 0

_battery = struct.Struct("<BBB")
_temperature = struct.Struct("<BBh")
_distance = struct.Struct("<BBH")
_position = struct.Struct("<BBB")
_temperature_alarm = struct.Struct("<BBhB")
_distance_alarm = struct.Struct("<BBHB")


class Report(msgspec.Struct, frozen=True):
    """What is None is not sent. Units: %, °C in steps of 0.1, mm.

    `temperature_alarm`, `distance_alarm`: the value that crossed its threshold, and whether the alarm begins or ends.
    """

    battery_pct: int | None = None
    temperature_c: float | None = None
    distance_mm: int | None = None
    tilted: bool | None = None
    temperature_alarm: tuple[float, bool] | None = None
    distance_alarm: tuple[int, bool] | None = None


def encode_report(report: Report) -> bytes:
    """The payload of a periodic report, of an alarm, or of both in one."""
    items = []
    if report.battery_pct is not None:
        items.append(_battery.pack(0x01, 0x75, report.battery_pct))
    if report.temperature_c is not None:
        items.append(_temperature.pack(0x03, 0x67, round(report.temperature_c * 10)))
    if report.distance_mm is not None:
        items.append(_distance.pack(0x04, 0x82, report.distance_mm))
    if report.tilted is not None:
        items.append(_position.pack(0x05, 0x00, report.tilted))
    if report.temperature_alarm is not None:
        celsius, raised = report.temperature_alarm
        items.append(_temperature_alarm.pack(0x83, 0x67, round(celsius * 10), raised))
    if report.distance_alarm is not None:
        distance_mm, raised = report.distance_alarm
        items.append(_distance_alarm.pack(0x84, 0x82, distance_mm, raised))
    return b"".join(items)


def encode_power_on(
    serial: bytes,
    *,
    hardware: tuple[int, int] = (1, 0),
    firmware: tuple[int, int] = (1, 1),
    device_class: int = CLASS_A,
) -> bytes:
    """What it says of itself after each join. `serial`: the 8 bytes of its serial number."""
    return (
        bytes((0xFF, 0x0B, 0xFF, 0xFF, 0x01, 0x01, 0xFF, 0x16))
        + struct.pack("8s", serial)
        + bytes((0xFF, 0x09, *hardware, 0xFF, 0x0A, *firmware, 0xFF, 0x0F, device_class))
    )
