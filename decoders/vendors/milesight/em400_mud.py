"""Milesight EM400-MUD: ultrasonic distance, temperature and position of a bin.

Items of channel, type and value, in any order and number. The length of an unknown item is not known: what came
before it is kept, the rest is doubted. f_port is a setting of the device: 85 as it is delivered (user guide 6.1),
100 in Actility's catalogue.

- A distance of 0 is none: the sensor measures from 30 mm on. No other sentinel is published; 65535 is out of range.
- `tilt_alert` is its position: raised from 20° on. `distance_alert` and `temperature_alert` come and go with the
  thresholds set in it (a change of 5 °C for the temperature); only the uplink that raises or ends one carries it.
- It does not count anything.
- A confirmed setting (channel FE or FF) says what the device now holds; those without a word here are passed over, and
  so are protocol, class (the profile declares it), reset and the serial number (16 digits: more than a number keeps).

Source: Milesight EM400-MUD user guide, 6.1 to 6.3; Milesight-IoT/SensorDecoders em-series/em400-mud.
"""

from collections.abc import Callable

from core.model import Domain
from core.quantities import version_number
from core.quantities.states import Alert, Answer, Maintenance
from decoders.byteview import ByteView
from decoders.codec import Codec, Findings, Frame
from decoders.position import add_position

_RESPONSE = 0xFE  # a setting, confirmed on this channel or on FF
_PASSED_OVER = {0x01: 1, 0x06: 9, 0x0F: 1, 0x13: 1, 0x16: 8, 0x1C: 2, 0x28: 1, 0x3E: 1, 0x4A: 1, 0x56: 1, 0x70: 2}
_PASSED_OVER |= {0x71: 1, 0xFE: 1, 0xFF: 2}
_UNKNOWN = 0xFFFFFFFF


def _alert(view: ByteView, findings: Findings, quantity: str) -> None:
    match view.u8():
        case 0:
            findings.add(quantity, Alert.CLEAR)
        case 1:
            findings.add(quantity, Alert.RAISED)
        case code:
            findings.doubt("decode.alert", f"{quantity} has no state {code}")


def _distance(view: ByteView, findings: Findings) -> None:
    if distance_mm := view.u16():
        findings.add("distance_mm", distance_mm)


def _temperature(view: ByteView, findings: Findings) -> None:
    findings.add("temperature_c", view.i16() / 10)


def _distance_alarm(view: ByteView, findings: Findings) -> None:
    _distance(view, findings)
    _alert(view, findings, "distance_alert")


def _temperature_alarm(view: ByteView, findings: Findings) -> None:
    _temperature(view, findings)
    _alert(view, findings, "temperature_alert")


def _position(view: ByteView, findings: Findings) -> None:
    """Only the NB-IoT variant sends it: longitude, latitude, motion."""
    longitude, latitude, _motion = view.u32(), view.u32(), view.u8()
    if _UNKNOWN not in (longitude, latitude):
        add_position(findings, _signed(latitude) / 1_000_000, _signed(longitude) / 1_000_000)


def _signed(value: int) -> int:
    return value - 2**32 if value & 2**31 else value


def _decimal(byte: int) -> int:
    """Two decimal digits in one byte: 0x14 is 14."""
    return (byte >> 4) * 10 + (byte & 0x0F)


def _hardware(view: ByteView, findings: Findings) -> None:
    findings.add("hardware_version", version_number(_decimal(view.u8()), view.u8() >> 4, 0))


def _firmware(view: ByteView, findings: Findings) -> None:
    findings.add("firmware_version", version_number(_decimal(view.u8()), _decimal(view.u8()), 0))


def _power_on(view: ByteView, findings: Findings) -> None:
    view.u8()
    findings.add("power_on", Answer.YES)


def _restart(view: ByteView, findings: Findings) -> None:
    view.u8()
    findings.add("maintenance", Maintenance.RESTART)


_ITEMS: dict[tuple[int, int], Callable[[ByteView, Findings], None]] = {
    (0x01, 0x75): lambda view, findings: findings.add("battery_pct", view.u8()),
    (0x03, 0x67): _temperature,
    (0x04, 0x82): _distance,
    (0x05, 0x00): lambda view, findings: _alert(view, findings, "tilt_alert"),
    (0x06, 0x88): _position,
    (0x83, 0x67): _temperature_alarm,
    (0x84, 0x82): _distance_alarm,
}
_SETTINGS: dict[int, Callable[[ByteView, Findings], None]] = {
    0x02: lambda view, findings: findings.add("detection_interval_s", view.u16()),
    0x03: lambda view, findings: findings.add("report_interval_s", view.u16()),
    0x09: _hardware,
    0x0A: _firmware,
    0x0B: _power_on,
    0x10: _restart,
    0x77: lambda view, findings: findings.add("mounting_height_mm", view.u16()),
}


def _decode(frame: Frame) -> Findings:
    view, findings = ByteView(frame.payload, little=True), Findings()
    while view.left:
        channel, kind = view.u8(), view.u8()
        setting = channel >= _RESPONSE
        read = _SETTINGS.get(kind) if setting else _ITEMS.get((channel, kind))
        if read is not None:
            read(view, findings)
        elif setting and kind in _PASSED_OVER:
            view.take(_PASSED_OVER[kind])
        else:
            findings.doubt("decode.channel", f"no item is 0x{channel:02X} 0x{kind:02X}; {view.left} bytes are left")
            break
    return findings


CODEC = Codec(
    name="milesight_em400_mud",
    version="1",
    vendor="Milesight",
    model="EM400-MUD",
    firmware="1.x",
    domain=Domain.BIN,
    ports={85: "measurements, alarms, start, confirmed settings", 100: "the same, with the port of Actility"},
    quantities=frozenset(
        (
            "distance_mm",
            "temperature_c",
            "battery_pct",
            "tilt_alert",
            "distance_alert",
            "temperature_alert",
            "latitude_deg",
            "longitude_deg",
            "hardware_version",
            "firmware_version",
            "power_on",
            "maintenance",
            "detection_interval_s",
            "report_interval_s",
            "mounting_height_mm",
        )
    ),
    source="Milesight EM400-MUD user guide, 6.1 to 6.3; Milesight-IoT/SensorDecoders em-series/em400-mud",
    vectors=2,
    decode=_decode,
)
