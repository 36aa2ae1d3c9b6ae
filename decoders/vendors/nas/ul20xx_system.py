"""NAS UL20xx firmware 1.1, port 99: what a controller says of itself when it starts, and downlinks that it refused.

Source: docs.nasys.no/en/lcu/payloads/-uplinks, "Boot packet" and "Invalid downlink packet".
"""

from core.errors import DecodeError
from core.quantities import version_number
from core.quantities.states import BusState, ControllerType, PowerSource, Refusal
from decoders.byteview import ByteView
from decoders.codec import Findings
from decoders.vendors.nas.dali import answer
from decoders.vendors.nas.ul20xx_clock import read_clock

QUANTITIES = (
    "serial_number",
    "firmware_version",
    "controller_type",
    "input_fitted",
    "ldr_fitted",
    "output_fitted",
    "meter_fitted",
    "dali_supply_v",
    "dali_supply_state",
    "dali_power_source",
    "driver_count",
    "unaddressed_driver",
    "watchdog_reset",
    "soft_reset",
    "refused_f_port",
    "refusal",
)

_CONTROLLERS = tuple(ControllerType)  # in the order of the codes 0 to 7
_REFUSALS: dict[int, Refusal] = {
    0x02: Refusal.UNKNOWN_PORT,
    0x03: Refusal.TOO_SHORT,
    0x04: Refusal.TOO_LONG,
    0x05: Refusal.BAD_VALUE,
    0x06: Refusal.UNREADABLE,
    0x07: Refusal.RESERVED_FLAG,
    0x08: Refusal.FLAG_MIX,
    0x09: Refusal.FEATURE_ABSENT,
    0x0A: Refusal.UNKNOWN_HEADER,
    0x0B: Refusal.HARDWARE_UNREACHABLE,
    0x0C: Refusal.ADDRESS_ABSENT,
    0x0D: Refusal.INTERNAL_ERROR,
    0x0E: Refusal.BAD_SIZE,
    0x81: Refusal.PROFILE_SEQUENCE,
    0x82: Refusal.PROFILE_DESTINATION,
    0x83: Refusal.PROFILE_DAYS,
    0x84: Refusal.PROFILE_STEP_COUNT,
    0x85: Refusal.PROFILE_STEP_VALUE,
    0x86: Refusal.PROFILE_STEP_ORDER,
}
_BUS_STATES = {0x7E: BusState.HIGH, 0x7F: BusState.ERROR}


def read(view: ByteView, findings: Findings) -> None:
    match view.u8():
        case 0x00:
            _boot(view, findings)
        case 0x13:
            findings.add("refused_f_port", view.u8())
            reason = view.u8()
            if reason in _REFUSALS:
                findings.add("refusal", _REFUSALS[reason])
            else:
                findings.doubt("decode.refusal", f"0x{reason:02X} is no reason to refuse")
        case header:
            raise DecodeError("decode.header", f"port 99 knows no first byte 0x{header:02X}")


def _boot(view: ByteView, findings: Findings) -> None:
    findings.add("serial_number", view.u32())
    findings.add("firmware_version", version_number(view.u8(), view.u8(), view.u8()))
    read_clock(view, findings)
    controller = view.u8()
    if controller < len(_CONTROLLERS):
        findings.add("controller_type", _CONTROLLERS[controller])
    else:
        findings.doubt("decode.controller_type", f"{controller} is no type of controller")
    options = view.u8()
    findings.add("input_fitted", answer(options & 0x04))
    findings.add("ldr_fitted", answer(options & 0x08))
    findings.add("output_fitted", answer(options & 0x10))
    findings.add("meter_fitted", answer(options & 0x20))
    supply = view.u8()
    _dali_supply(supply & 0x7F, findings)
    findings.add("dali_power_source", PowerSource.EXTERNAL if supply & 0x80 else PowerSource.INTERNAL)
    drivers = view.u8()
    findings.add("driver_count", drivers & 0x7F)
    findings.add("unaddressed_driver", answer(drivers & 0x80))
    if view.left:
        reasons = view.u8()
        findings.add("watchdog_reset", answer(reasons & 0x02))
        findings.add("soft_reset", answer(reasons & 0x04))


def _dali_supply(value: int, findings: Findings) -> None:
    if value < 0x70:
        findings.add("dali_supply_v", value)
        findings.add("dali_supply_state", BusState.OK)
    elif value in _BUS_STATES:
        findings.add("dali_supply_state", _BUS_STATES[value])
    else:
        findings.doubt("decode.dali_supply", f"0x{value:02X} is no state of the DALI supply")
