"""Dingtek DF702 and DF703: level, temperature, tilt and alarms of a bin.

One frame format for both models. Its type (byte 3) and its length (byte 4, and of the payload) tell the layouts apart:
a measurement of 17 bytes, one of 25 with a position, and the settings that confirm a downlink.

- Tilt is given without its sign. Byte 9 (17) is 0 for one side; the published decoder compares it wrongly and makes
  every angle negative. How far a bin leans is what counts.
- Temperature is read as signed: unsigned, as published, −5 °C would be 251 °C, beyond what the electronics bears.
- A distance of 0 is none: the sensor cannot see what touches it. 65535 is out of range.
- A position is given only where the frame says that there is one, and never NaN or 0, 0.
- The alarms are those of the sensor's own thresholds; fire is urgent.
- It counts nothing that runs on. The frame counter in the reserved bytes of newer firmware repeats LoRaWAN's and is
  passed over.

Source: Dingtek, DF702 & DF703 Waste Bin Sensor, Protocol LoRaWAN V2.8 (2021-08-09);
TheThingsNetwork/lorawan-devices vendor/dingtek df702, df703.
"""

from collections.abc import Callable

from core.errors import DecodeError
from core.model import Domain
from core.quantities import version_number
from core.quantities.states import Alert, Switch
from decoders.byteview import ByteView
from decoders.codec import Codec, Findings, Frame
from decoders.position import add_position

_START, _END = 0x80, 0x81
_BIN_SENSOR = b"\x00\x01"
_PERIODIC, _ALARM, _SETTINGS = 1, 2, 3


def _measurement(view: ByteView, findings: Findings) -> None:
    distance_mm = view.u16()
    if distance_mm:
        findings.add("distance_mm", distance_mm)
    view.u8()  # no position
    _condition(view, findings)


def _measurement_with_position(view: ByteView, findings: Findings) -> None:
    distance_mm = view.u16()
    if distance_mm:
        findings.add("distance_mm", distance_mm)
    has_position = view.u8()
    position = ByteView(view.take(8), little=True)
    if has_position:
        longitude, latitude = position.f32(), position.f32()
        add_position(findings, latitude, longitude)
    _condition(view, findings)


def _condition(view: ByteView, findings: Findings) -> None:
    """Temperature, tilt and the four alarms, one a half byte."""
    findings.add("temperature_c", view.i8())
    view.u8()  # the side it leans to
    findings.add("tilt_deg", view.u8())
    full_fire, tilt_battery = view.u8(), view.u8()
    findings.add("full_alert", _alert(full_fire >> 4))
    findings.add("fire_alert", _alert(full_fire & 0x0F))
    findings.add("tilt_alert", _alert(tilt_battery >> 4))
    findings.add("battery_alert", _alert(tilt_battery & 0x0F))


def _alert(nibble: int) -> Alert:
    return Alert.RAISED if nibble else Alert.CLEAR


def _settings(view: ByteView, findings: Findings) -> None:
    findings.add("firmware_version", version_number(view.u8(), view.u8(), 0))
    findings.add("report_interval_s", view.u8() * 3600)
    findings.add("detection_interval_s", view.u8() * 60)
    findings.add("full_threshold_mm", view.u8() * 10)
    findings.add("fire_threshold_c", view.u8())
    findings.add("tilt_threshold_deg", view.u8())
    findings.add("tilt_detection", Switch.ON if view.u8() else Switch.OFF)
    findings.add("range_mm", 5000 if view.u8() else 2000)


_LAYOUTS: dict[tuple[int, int], Callable[[ByteView, Findings], None]] = {
    (_PERIODIC, 17): _measurement,
    (_ALARM, 17): _measurement,
    (_PERIODIC, 25): _measurement_with_position,
    (_ALARM, 25): _measurement_with_position,
    (_SETTINGS, 25): _settings,
}


def _decode(frame: Frame) -> Findings:
    view, findings = ByteView(frame.payload, little=False), Findings()
    start, device, kind, length = view.u8(), view.take(2), view.u8(), view.u8()
    if start != _START or device != _BIN_SENSOR:
        raise DecodeError("decode.header", f"{start:02X}{device.hex().upper()} does not begin a frame of a bin sensor")
    read = _LAYOUTS.get((kind, length))
    if read is None:
        raise DecodeError("decode.header", f"no frame has type {kind} and {length} bytes")
    if len(frame.payload) != length or frame.payload[-1] != _END:
        raise DecodeError("decode.length", f"a frame of {length} bytes is expected, {len(frame.payload)} are there")
    read(view, findings)
    return findings


CODEC = Codec(
    name="dingtek_df702",
    version="1",
    vendor="Dingtek",
    model="DF702, DF703",
    firmware="protocol 2.8",
    domain=Domain.BIN,
    ports={3: "measurements, alarms, confirmed settings"},
    quantities=frozenset(
        (
            "distance_mm",
            "temperature_c",
            "tilt_deg",
            "full_alert",
            "fire_alert",
            "tilt_alert",
            "battery_alert",
            "latitude_deg",
            "longitude_deg",
            "firmware_version",
            "report_interval_s",
            "detection_interval_s",
            "full_threshold_mm",
            "fire_threshold_c",
            "tilt_threshold_deg",
            "tilt_detection",
            "range_mm",
        )
    ),
    source="Dingtek, DF702 & DF703 Waste Bin Sensor, Protocol LoRaWAN V2.8; TheThingsNetwork/lorawan-devices",
    vectors=2,
    decode=_decode,
)
