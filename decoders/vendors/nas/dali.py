"""Addresses and DALI status bytes, as every NAS controller writes them.

Source: docs.nasys.no/en/lcu/payloads, "Addressing" and "DALI status"; IEC 62386-102 (answer to QUERY STATUS).
"""

from functools import lru_cache

from core.model import Reading
from core.quantities.states import Answer, Health, Switch
from decoders.byteview import ByteView
from decoders.codec import Findings

ANALOG = "analog"
BROADCAST = "dali_broadcast"
STATUS_UNKNOWN = 0xFF

STATUS_QUANTITIES = (
    "driver_failure",
    "lamp_failure",
    "lamp_state",
    "limit_error",
    "fade_running",
    "driver_reset",
    "short_address_missing",
    "driver_power_failure",
)


def read_channel(view: ByteView, findings: Findings, *, all_of_them: str = "") -> str | None:
    """The channel of an address byte: `analog`, `dali_broadcast`, `dali_9`, `dali_group_3`.

    None, and a doubt, for a byte that is no address: what it goes with belongs to nobody.

    Args:
        all_of_them: what 0xFF means here ("internal" for the meter); "" where it is not an address.
    """
    address = view.u8()
    channel = _channel(address, all_of_them)
    if channel is None:
        findings.doubt("decode.address", f"0x{address:02X} is no address")
    return channel


def _channel(address: int, all_of_them: str) -> str | None:
    if address == 0x01:
        return ANALOG
    if address == 0xFE:
        return BROADCAST
    if address == 0xFF:
        return all_of_them or None
    if address & 0x01:
        return None
    if address & 0x80:
        return f"dali_group_{address >> 1 & 0x0F}"
    return f"dali_{address >> 1}"


def answer(bit: int) -> str:
    return (Answer.YES if bit else Answer.NO).value


def switch(bit: int) -> str:
    return (Switch.ON if bit else Switch.OFF).value


def health(bit: int) -> str:
    return (Health.FAULT if bit else Health.OK).value


def read_status(status: int, channel: str, findings: Findings) -> None:
    """The eight facts of a DALI status byte. 0xFF means that the driver did not answer: nothing is known."""
    if status != STATUS_UNKNOWN:
        findings.readings += _facts(status, channel)


@lru_cache(maxsize=1024)  # a thousand lamps say the same few things all night
def _facts(status: int, channel: str) -> tuple[Reading, ...]:
    return (
        Reading("driver_failure", health(status & 0x01), channel),
        Reading("lamp_failure", health(status & 0x02), channel),
        Reading("lamp_state", switch(status & 0x04), channel),
        Reading("limit_error", answer(status & 0x08), channel),
        Reading("fade_running", answer(status & 0x10), channel),
        Reading("driver_reset", answer(status & 0x20), channel),
        Reading("short_address_missing", answer(status & 0x40), channel),
        Reading("driver_power_failure", answer(status & 0x80), channel),
    )
