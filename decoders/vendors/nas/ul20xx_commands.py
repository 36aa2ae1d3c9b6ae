"""NAS UL20xx firmware 1.1, ports 60 and 51: commands as the device confirms them, and its answers.

Source: docs.nasys.no/en/lcu/payloads/-commands; IEC 62386-102 (numbers of the DALI queries).
"""

from core.errors import DecodeError
from core.quantities.states import CommandMode, DimmingCurve, Maintenance, Outcome
from decoders.byteview import ByteView
from decoders.codec import Findings
from decoders.vendors.nas.dali import read_channel, switch

QUANTITIES = (
    "command_level_pct",
    "command_mode",
    "command_duration_s",
    "dali_level",
    "dali_min_level",
    "dali_max_level",
    "dali_power_on_level",
    "dali_failure_level",
    "dimming_curve",
    "memory_read",
    "memory_write",
    "output_state",
    "maintenance",
)

_RESUME = 0xFF
_DIM_MAP = 0x04
# DALI queries whose answer is a level; any other is read over
_LEVEL_QUERIES = {
    0xA0: "dali_level",
    0xA1: "dali_max_level",
    0xA2: "dali_min_level",
    0xA3: "dali_power_on_level",
    0xA4: "dali_failure_level",
}


def read(view: ByteView, findings: Findings) -> None:
    """A command on port 60."""
    match view.u8():
        case 0x01:
            while view.left:
                _command(view, findings, timed=False)
        case 0x09:
            while view.left:
                _command(view, findings, timed=True)
        case 0x03:
            _queries(view, findings)
        case 0x04:
            view.take(max(1, view.left))  # raw DALI commands: at least one byte, nothing to measure
        case 0x05:
            _request(view, findings)
        case 0x07:
            _memory_read(view, findings)
        case 0x08:
            _memory_write(view, findings)
        case 0x0A:
            read_channel(view, findings, all_of_them="all")
        case 0x0B:
            pass  # identify: the lamp blinks
        case 0x0C:
            findings.add("output_state", switch(view.u8() & 0x01))
        case header:
            raise DecodeError("decode.header", f"port 60 knows no command 0x{header:02X}")


def read_maintenance(view: ByteView, findings: Findings) -> None:
    """A confirmation on port 51."""
    match view.u8():
        case 0xFE:
            findings.add("maintenance", Maintenance.RESTART)
        case 0xFF:
            findings.add("maintenance", Maintenance.FIRMWARE_UPDATE)
        case header:
            raise DecodeError("decode.header", f"port 51 knows no command 0x{header:02X}")


def _command(view: ByteView, findings: Findings, *, timed: bool) -> None:
    channel = read_channel(view, findings, all_of_them="all")
    level = view.u8()
    minutes = view.u8() if timed else 0
    if channel is None:
        return
    if level == _RESUME:
        findings.add("command_mode", CommandMode.AUTOMATIC, channel)
        return
    findings.add("command_mode", CommandMode.MANUAL, channel)
    findings.add("command_level_pct", level, channel)
    if timed:
        findings.add("command_duration_s", minutes * 60, channel)


def _queries(view: ByteView, findings: Findings) -> None:
    """Raw DALI queries: (address, query) pairs when confirmed, with a byte more each when answered.

    Nothing but the length tells them apart. A length that fits both (6, 12, …) is taken for a confirmation: an
    answer is lost rather than invented.
    """
    if view.left == 0:
        raise DecodeError("decode.too_short", "a DALI query names a driver and a query")
    answered = view.left % 2 == 1
    if answered and view.left % 3:
        raise DecodeError("decode.length", f"{view.left} bytes are neither queries nor answers")
    while view.left:
        channel = read_channel(view, findings)
        query = view.u8()
        quantity = _LEVEL_QUERIES.get(query, "")
        if answered:
            level = view.u8()
            if channel is not None and quantity:
                findings.add(quantity, level, channel)


def _request(view: ByteView, findings: Findings) -> None:
    """A request for a status, a usage, a dim map or a position; the dim map is answered here."""
    bits = view.u8()
    if not bits & _DIM_MAP:
        return
    while view.left:
        channel = read_channel(view, findings)
        lowest, highest, curve = view.u8(), view.u8(), view.u8()
        if channel is not None:
            findings.add("dali_min_level", lowest, channel)
            findings.add("dali_max_level", highest, channel)
            findings.add("dimming_curve", DimmingCurve.LINEAR if curve else DimmingCurve.LOGARITHMIC, channel)


def _memory_read(view: ByteView, findings: Findings) -> None:
    """Confirmed: address, bank, offset, size. Answered: the bytes too. A lone header: it failed."""
    if not view.left:
        findings.add("memory_read", Outcome.FAILED)
        return
    channel = read_channel(view, findings)
    _bank, _offset, size = view.u8(), view.u8(), view.u8()
    if view.left:
        view.take(size)
        if channel is not None:
            findings.add("memory_read", Outcome.DONE, channel)


def _memory_write(view: ByteView, findings: Findings) -> None:
    """Address, bank, offset and the bytes, written. A lone header: it failed."""
    if not view.left:
        findings.add("memory_write", Outcome.FAILED)
        return
    channel = read_channel(view, findings)
    _bank, _offset = view.u8(), view.u8()
    view.take(view.left)
    if channel is not None:
        findings.add("memory_write", Outcome.DONE, channel)
