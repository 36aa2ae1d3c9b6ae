"""PMX TCR: radar counts of both directions, all detections and up to four categories of size and speed.

Each has a port of its own: 13 all detections, 14 to 17 the categories 1 to 4. A vehicle of a category is counted on
port 13 too, so that categories are `class_…` of `ltr_1`… and never add to `vehicles_count` of `ltr` and `rtl`.

- Counts are increments: of the measuring interval that the frame ends. The vendor's decoder calls the speed the mean
  "of all objects counted in this interval" and the time its end; there is no total since power-up. So a lost uplink
  loses its vehicles, and nothing wraps. A count of 0 is a reading: nobody passed.
- A mean speed of 0 is none: nobody passed, or the radar did not measure.
- Hour and minute are the end of the interval in the device's own local time, without a date or zone:
  `local_time_min` is a fact of the device, never the time of the readings.
- An answer on port 1 says what a setting now is; its value has one byte or two. The measuring interval (unit not
  published), the licence key and commands are passed over.
- A solar charger of version 0.0.0 is not fitted.

Source: PMX Systems AG, decoder of the TCR in actility/device-catalog vendors/pmx/drivers/pmx-tcr (its examples are
right; those of TheThingsNetwork/lorawan-devices vendor/pmx give the fields of port 13 for ports 14 to 17).
"""

from core.errors import DecodeError
from core.model import Domain
from core.quantities import version_number
from core.quantities.states import CounterModel, Licence, SpeedRange, Switch
from decoders.byteview import ByteView
from decoders.codec import Codec, Findings, Frame

_ALL_DETECTIONS = 13
_CHANNELS = {13: ("ltr", "rtl"), **{13 + number: (f"ltr_{number}", f"rtl_{number}") for number in range(1, 5)}}
_MODELS = tuple(model for model in CounterModel if model not in (CounterModel.TCR, CounterModel.TCR_S))
_LICENCES, _SPEED_RANGES = tuple(Licence), tuple(SpeedRange)
_CATEGORY_SETTINGS = {
    1: "class_state",
    2: "class_min_size",
    3: "class_max_size",
    4: "class_min_speed_kmh",
    5: "class_max_speed_kmh",
}
_DEVICE_SETTINGS = {
    0x52: "licence",
    0x53: "speed_range",
    0x61: "radar_state",
    0x62: "radar_channel",
    0x63: "radar_sensitivity_pct",
    0x64: "radar_autotuning",
    0x71: "confirmed_uplinks",
}
_PASSED_OVER = (0x51, 0x54, 0xCC, 0xCF, 0xDF, 0xEE)
_SWITCHES = {"class_state", "radar_state", "radar_autotuning", "confirmed_uplinks"}


def _counts(f_port: int, view: ByteView, findings: Findings) -> None:
    hour, minute = view.u8(), view.u8()
    if hour < 24 and minute < 60:
        findings.add("local_time_min", hour * 60 + minute)
    else:
        findings.doubt("decode.time", f"{hour}:{minute} is no time of day")
    prefix = "" if f_port == _ALL_DETECTIONS else "class_"
    for channel in _CHANNELS[f_port]:
        count, speed = view.u16(), view.u8()
        findings.add(prefix + "vehicles_count", count, channel)
        if count and speed:
            findings.add(prefix + "speed_kmh", speed, channel)
    findings.add("supply_v", view.u8() / 10)


def _device(_f_port: int, view: ByteView, findings: Findings) -> None:
    _add_one_of(_MODELS, "counter_model", view.u8(), findings)
    _add_one_of(_LICENCES, "licence", view.u8(), findings)
    _add_one_of(_SPEED_RANGES, "speed_range", view.u8(), findings)
    findings.add("firmware_version", _version(view))
    if charger_version := _version(view):
        findings.add("charger_version", charger_version)


def _version(view: ByteView) -> float:
    """Two half bytes and a byte: major, minor, patch."""
    major_minor = view.u8()
    return version_number(major_minor >> 4, major_minor & 0x0F, view.u8())


def _add_one_of(known: tuple[str, ...], quantity: str, number: int, findings: Findings) -> None:
    if number < len(known):
        findings.add(quantity, known[number])
    else:
        findings.doubt(f"decode.{quantity}", f"no {quantity} has number {number}")


def _answer(_f_port: int, view: ByteView, findings: Findings) -> None:
    """What a setting now is: key, and a value of one byte or two."""
    key = view.u8()
    value = view.u8() if view.left == 1 else view.u16()
    category = key >> 4
    quantity, channel = _DEVICE_SETTINGS.get(key, ""), ""
    if category <= 4:
        quantity, channel = _CATEGORY_SETTINGS.get(key & 0x0F, ""), f"class_{category}" if category else ""
    if quantity == "licence":
        _add_one_of(_LICENCES, quantity, value, findings)
    elif quantity == "speed_range":
        _add_one_of(_SPEED_RANGES, quantity, value, findings)
    elif quantity:
        findings.add(quantity, _switch(value) if quantity in _SWITCHES else value, channel)
    elif key not in _PASSED_OVER:
        findings.doubt("decode.setting", f"no setting has key 0x{key:02X}")


def _switch(value: int) -> Switch:
    return Switch.ON if value else Switch.OFF


_READERS = {
    1: (0xC2, _answer),
    **dict.fromkeys(_CHANNELS, (0xA2, _counts)),
    190: (0xD2, _device),
}


def _decode(frame: Frame) -> Findings:
    view, findings = ByteView(frame.payload, little=False), Findings()
    expected, read = _READERS[frame.f_port]
    first = view.u8()
    if first != expected:
        raise DecodeError("decode.header", f"port {frame.f_port} knows no frame 0x{first:02X}")
    read(frame.f_port, view, findings)
    if view.left:
        findings.doubt("decode.too_long", f"{view.left} bytes are left at the end")
    return findings


CODEC = Codec(
    name="pmx_tcr",
    version="1",
    vendor="PMX",
    model="TCR",
    firmware="1.x",
    domain=Domain.TRAFFIC,
    ports={
        1: "settings, answered",
        13: "counts and speeds of an interval, all detections",
        14: "the same, category 1",
        15: "the same, category 2",
        16: "the same, category 3",
        17: "the same, category 4",
        190: "what the device is, once after joining",
    },
    quantities=frozenset(
        (
            "vehicles_count",
            "speed_kmh",
            "class_vehicles_count",
            "class_speed_kmh",
            "local_time_min",
            "supply_v",
            "counter_model",
            "firmware_version",
            "charger_version",
            *_CATEGORY_SETTINGS.values(),
            *_DEVICE_SETTINGS.values(),
        )
    ),
    source="PMX Systems AG, decoder of the TCR in actility/device-catalog vendors/pmx/drivers/pmx-tcr",
    vectors=3,
    decode=_decode,
)
