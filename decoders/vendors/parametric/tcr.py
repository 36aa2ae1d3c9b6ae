"""Parametric TCR, generation 1: radar counts of both directions in two (LS) or four (HS) classes of speed.

Port and length tell the layouts apart: on port 15 the payload of version 1 (battery in %) and 2 (in mV), each with two
or four classes; on port 190, once after joining, the settings of firmware 1.0, 1.1 (lanes in cm) and 1.3 (autotuning).

- Counts are increments: what passed since the uplink before. The TCR has no total since power-up, its radar for people
  (PCR2) of the same family has both and calls the first "since last uplink transmit" (PCR2 guide, payload table); the
  TCR sends in regular intervals (payload V1.3). So a lost uplink loses its vehicles, and nothing wraps.
- `vehicles_count` and `speed_kmh` of `left` and `right` are the sums and the mean over all classes, weighed by their
  vehicles; `class_…` of `left_1`… are the classes. A count of 0 is a reading: nobody passed.
- A mean speed of 0 is none: nobody passed, or the lane's distance is not set (users' manual: it must be known).
- Battery and solar panel belong to the charger; where it is not fitted all its fields are 0, and give nothing. A
  battery at 0 would not have sent.
- Lane distances of firmware 1.0 are one byte without a published unit; class of LoRaWAN is the profile's: passed over.

Source: parametric.ch docs tcr_payload_v1, tcr_app_payload_v2, tcr_config_payload_v2 and _v3;
docs.pmx.systems tcr lora_payload_v1.3; ZennerIoT/element-parsers lib/parametric_tcr.ex.
"""

import struct

from core.errors import DecodeError
from core.model import Domain
from core.quantities import version_number
from core.quantities.states import CounterModel, CountingMode, Switch
from decoders.byteview import ByteView
from decoders.codec import Codec, Findings, Frame

_DIRECTIONS = ("left", "right")
_CLASS_CHANNELS = tuple(tuple(f"{direction}_{number}" for direction in _DIRECTIONS) for number in range(1, 5))
_CLASS = struct.Struct(">HBHB")  # count and mean speed from the left, and from the right
_TCR = b"\xbe\x02"
_COUNTS = {20: 1, 32: 1, 21: 2, 33: 2}  # length → version of the payload
_SETTINGS = {27: (1, 2), 29: (2,), 30: (3,)}  # length → versions that have it
_LANES_IN_CM = 29  # from this length on; one byte each, of an unpublished unit, before
_AUTOTUNING = 30
_MODELS = {
    1: (CounterModel.TCR, CounterModel.TCR_S),
    2: (CounterModel.TCR_LS, CounterModel.TCR_LSS, CounterModel.TCR_HS, CounterModel.TCR_HSS),
}


def _decode(frame: Frame) -> Findings:
    view, findings = ByteView(frame.payload, little=False), Findings()
    header, version, length = view.take(2), view.u8(), len(frame.payload)
    if header != _TCR:
        raise DecodeError("decode.header", f"{header.hex().upper()} is not of a TCR")
    versions = (_COUNTS.get(length, 0),) if frame.f_port == 15 else _SETTINGS.get(length, ())
    if version not in versions:
        raise DecodeError("decode.length", f"no payload of version {version} has {length} bytes on port {frame.f_port}")
    if frame.f_port == 190:
        _settings(version, length, view, findings)
    else:
        _measurement(version, view, findings)
    return findings


def _measurement(version: int, view: ByteView, findings: Findings) -> None:
    battery = view.u8() if version == 1 else view.u16() / 1000
    solar_mw = view.u16()
    if battery:
        findings.add("battery_pct" if version == 1 else "battery_v", battery)
        findings.add("solar_power_w", solar_mw / 1000)
    findings.add("temperature_c", view.i16() / 10)
    _counts(view, findings)


def _counts(view: ByteView, findings: Findings) -> None:
    """The classes, and over them the total of each direction."""
    passed, measured, weighed = [0, 0], [0, 0], [0, 0]
    for number, (count_left, speed_left, count_right, speed_right) in enumerate(
        _CLASS.iter_unpack(view.take(view.left))
    ):
        for side, count, speed in ((0, count_left, speed_left), (1, count_right, speed_right)):
            channel = _CLASS_CHANNELS[number][side]
            findings.add("class_vehicles_count", count, channel)
            if count:
                passed[side] += count
                if speed:
                    findings.add("class_speed_kmh", speed, channel)
                    measured[side] += count
                    weighed[side] += count * speed
    for side, direction in enumerate(_DIRECTIONS):
        findings.add("vehicles_count", passed[side], direction)
        if measured[side]:
            findings.add("speed_kmh", weighed[side] / measured[side], direction)


def _settings(version: int, length: int, view: ByteView, findings: Findings) -> None:
    models, model = _MODELS.get(version, _MODELS[2]), view.u8()
    if model < len(models):
        findings.add("counter_model", models[model])
    else:
        findings.doubt("decode.counter_model", f"no TCR has type {model}")
    findings.add("firmware_version", version_number(view.u8(), view.u8(), view.u8()))
    findings.add("counting_mode", CountingMode.TRIGGER if view.u8() else CountingMode.INTERVAL)
    view.u8()  # class of LoRaWAN
    findings.add("confirmed_uplinks", _switch(view.u8()))
    findings.add("report_interval_s", view.u16() * 60)
    if link_check_min := view.u16():
        findings.add("link_check_s", link_check_min * 60)
    findings.add("hold_off_s", view.u16())
    if length >= _AUTOTUNING:
        findings.add("radar_autotuning", _switch(view.u8()))
    findings.add("radar_sensitivity_pct", view.u8())
    if length >= _LANES_IN_CM:
        for direction in _DIRECTIONS:
            if lane_cm := view.u16():
                findings.add("lane_distance_mm", lane_cm * 10, direction)
    else:
        view.take(2)
    for number in range(1, 5):
        findings.add("class_min_speed_kmh", view.u8(), f"class_{number}")
        findings.add("class_max_speed_kmh", view.u8(), f"class_{number}")


def _switch(byte: int) -> Switch:
    return Switch.ON if byte else Switch.OFF


CODEC = Codec(
    name="parametric_tcr",
    version="1",
    vendor="Parametric",
    model="TCR",
    firmware="1.0 to 1.3",
    domain=Domain.TRAFFIC,
    ports={15: "counts and speeds since the uplink before", 190: "settings, once after joining"},
    quantities=frozenset(
        (
            "vehicles_count",
            "speed_kmh",
            "class_vehicles_count",
            "class_speed_kmh",
            "battery_pct",
            "battery_v",
            "solar_power_w",
            "temperature_c",
            "counter_model",
            "firmware_version",
            "counting_mode",
            "confirmed_uplinks",
            "report_interval_s",
            "link_check_s",
            "hold_off_s",
            "radar_autotuning",
            "radar_sensitivity_pct",
            "lane_distance_mm",
            "class_min_speed_kmh",
            "class_max_speed_kmh",
        )
    ),
    source="parametric.ch docs/tcr (payload V1, V2; configuration V2, V3); ZennerIoT/element-parsers parametric_tcr.ex",
    vectors=2,
    decode=_decode,
)
