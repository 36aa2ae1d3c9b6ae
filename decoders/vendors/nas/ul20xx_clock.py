"""The device's clock in a NAS UL20xx uplink."""

from core.quantities.states import ClockState
from decoders.byteview import ByteView
from decoders.codec import Findings

_SET_SINCE_S = 1_420_070_400  # 2015-01-01: a device that was never set counts from 2000

QUANTITIES = ("clock_state", "device_time_s")


def is_set(seconds: int) -> bool:
    """True for a clock that somebody set; `seconds` since the Unix epoch."""
    return seconds >= _SET_SINCE_S


def read_clock(view: ByteView, findings: Findings) -> None:
    """Whether the clock is set, and what it shows: a fact of the device, not the time of the readings."""
    seconds = view.u32()
    if is_set(seconds):
        findings.add("clock_state", ClockState.SET)
        findings.add("device_time_s", seconds)
    else:
        findings.add("clock_state", ClockState.NOT_SET)
