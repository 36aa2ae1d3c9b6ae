"""NAS UL20xx firmware 1.1, port 61: what a controller announces at once.

Source: docs.nasys.no/en/lcu/payloads/-uplinks, "Notifications".
"""

import math

from core.errors import DecodeError
from core.quantities.states import Alert, LocationFix
from decoders.byteview import ByteView
from decoders.codec import Findings
from decoders.vendors.nas.dali import read_channel, read_status, switch
from decoders.vendors.nas.ul20xx_clock import is_set

QUANTITIES = (
    "input_state",
    "input_count",
    "ldr_state",
    "ldr_raw",
    "lamp_alert",
    "over_current_alert",
    "under_voltage_alert",
    "over_voltage_alert",
    "low_power_factor_alert",
    "power_w",
    "mains_v",
    "power_factor",
    "light_step",
    "location_fix",
    "latitude_deg",
    "longitude_deg",
)

_ALERTS = (
    ("lamp_alert", 0x01),
    ("over_current_alert", 0x02),
    ("under_voltage_alert", 0x04),
    ("over_voltage_alert", 0x08),
    ("low_power_factor_alert", 0x10),
)
_METER = "internal"


def read(view: ByteView, findings: Findings) -> None:
    """One notification: type, then length (high nibble) and flags (low nibble), then its body."""
    kind, second = view.u8(), view.u8()
    length, flags = second >> 4, second & 0x0F
    match kind:
        case 0x80:
            _input(length, flags, view, findings)
        case 0x81:
            if length != 2:
                raise _bad_length(kind, length)
            findings.add("ldr_state", switch(view.u8() & 0x01))
            findings.add("ldr_raw", view.u8())
        case 0x83:
            _drivers(view, findings)
        case 0x84:
            _meter(second, view, findings)
        case 0x85:
            findings.add("light_step", second)
        case 0x86:
            _location(second, view, findings)
        case _:
            raise DecodeError("decode.header", f"port 61 knows no notification 0x{kind:02X}")


def _bad_length(kind: int, length: int) -> DecodeError:
    return DecodeError("decode.length", f"a notification 0x{kind:02X} has no length {length}")


def _input(length: int, flags: int, view: ByteView, findings: Findings) -> None:
    match length:
        case 2:
            findings.add("input_count", view.u16())
        case 4:
            findings.add("input_state", switch(flags & 0x01))
            findings.add("input_count", view.u32())
        case _:
            raise _bad_length(0x80, length)


def _drivers(view: ByteView, findings: Findings) -> None:
    while view.left:
        channel, status = read_channel(view, findings), view.u8()
        if channel is not None:
            read_status(status, channel, findings)


def _meter(bits: int, view: ByteView, findings: Findings) -> None:
    """An alert of the meter. All five are given: what is clear ends what was raised before."""
    for quantity, bit in _ALERTS:
        findings.add(quantity, Alert.RAISED if bits & bit else Alert.CLEAR, _METER)
    findings.add("power_w", view.u16(), _METER)
    findings.add("mains_v", view.u16(), _METER)
    hundredths = view.u8()
    if hundredths != 0xFF:
        findings.add("power_factor", hundredths / 100, _METER)


def _location(status: int, view: ByteView, findings: Findings) -> None:
    """A satellite fix keeps the time it was made at."""
    match status:
        case 0x00:
            latitude, longitude, seconds = view.f32(), view.f32(), view.u32()
            if not (math.isfinite(latitude) and math.isfinite(longitude)):
                raise DecodeError("decode.not_finite", "the position is not a number")
            fixed_ms = seconds * 1000 if is_set(seconds) else None
            findings.add("location_fix", LocationFix.GOOD)
            findings.add("latitude_deg", latitude, measured_ms=fixed_ms)
            findings.add("longitude_deg", longitude, measured_ms=fixed_ms)
        case 0x01:
            findings.add("location_fix", LocationFix.NONE)
        case 0x02 | 0xFF:
            findings.add("location_fix", LocationFix.ERROR)
        case _:
            findings.doubt("decode.location_fix", f"{status} is no state of a satellite fix")
