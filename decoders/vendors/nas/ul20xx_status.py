"""NAS UL20xx firmware 1.1, port 23: the status, in the layout of firmware 1.1.4 and the one before.

Source: docs.nasys.no/en/lcu/payloads/-uplinks, "Status packet".
"""

from functools import lru_cache

from core.errors import DecodeError
from core.model import Reading
from core.quantities.states import Alert, Contact, LevelSource
from decoders.byteview import ByteView
from decoders.codec import Findings
from decoders.vendors.nas.dali import STATUS_QUANTITIES, answer, health, read_channel, read_status, switch
from decoders.vendors.nas.ul20xx_clock import read_clock

QUANTITIES = (
    *STATUS_QUANTITIES,
    "dali_bus",
    "meter_link",
    "clock_chip",
    "relay_state",
    "ldr_state",
    "input_state",
    "output_state",
    "service_tool",
    "service_tool_since_boot",
    "downlink_rssi_dbm",
    "downlink_snr_db",
    "temperature_c",
    "voltage_alert_24h",
    "lamp_alert_24h",
    "power_alert_24h",
    "power_factor_alert_24h",
    "ldr_raw",
    "illuminance_lx",
    "tilt_deg",
    "level_source",
    "level_step",
    "level_pct",
)

_NOT_AVAILABLE = 0xFF
_LEVEL_SOURCES: dict[int, tuple[LevelSource, int | None]] = {
    **{number: (LevelSource.PROFILE, number) for number in range(8)},
    0x21: (LevelSource.CALENDAR_DAY, None),
    0x22: (LevelSource.CALENDAR_NIGHT, None),
    **{0x30 + step: (LevelSource.DAWN_STEP, step) for step in range(16)},
    **{0x50 + step: (LevelSource.DUSK_STEP, step) for step in range(16)},
    0x70: (LevelSource.INPUT_INACTIVE, None),
    0x71: (LevelSource.INPUT_ACTIVE, None),
    **{0x80 + step: (LevelSource.LIGHT_STEP, step) for step in range(8)},
    0xF5: (LevelSource.RELAY_OFF, None),
    0xF6: (LevelSource.DRIVER_NOT_FOUND, None),
    0xF8: (LevelSource.FALLBACK, None),
    0xFA: (LevelSource.LDR_ACTIVE, None),
    0xFC: (LevelSource.INPUT_ACTIVE, None),
    0xFD: (LevelSource.MANUAL, None),
    0xFF: (LevelSource.UNKNOWN, None),
}


def read(view: ByteView, findings: Findings) -> None:
    layout = view.u8()
    if layout > 1:
        raise DecodeError("decode.header", f"no status has layout {layout}")
    older = layout == 0  # before firmware 1.1.4
    read_clock(view, findings)
    findings.readings += _older_flags(view.u8()) if older else _flags(view.u8(), view.u8())
    findings.add("downlink_rssi_dbm", -view.u8())
    findings.add("downlink_snr_db", view.i8())
    findings.add("temperature_c", view.i8())
    if older:
        follows = view.u8()
        findings.add("output_state", switch(follows & 0x04))
        if follows & 0x02:
            findings.add("ldr_raw", view.u8())
        if follows & 0x10:
            findings.readings += _recent_alerts(view.u8())
    else:
        findings.readings += _recent_alerts(view.u8())
        _sensors(ByteView(view.take(view.u8()), little=True), findings)
    while view.left:
        _level(view, findings)


# Flags are the same for most lamps of a night: the readings they mean are made once. A reading never changes.


@lru_cache(maxsize=256)
def _older_flags(bits: int) -> tuple[Reading, ...]:
    return (
        *_common_flags(bits),
        Reading("ldr_state", switch(bits & 0x04)),
        Reading("input_state", switch(bits & 0x10)),
    )


@lru_cache(maxsize=256)
def _flags(bits: int, more: int) -> tuple[Reading, ...]:
    return (
        *_common_flags(bits),
        Reading("output_state", switch(more & 0x04)),
        Reading("service_tool", answer(more & 0x40)),
        Reading("service_tool_since_boot", answer(more & 0x80)),
    )


def _common_flags(bits: int) -> tuple[Reading, ...]:
    return (
        Reading("dali_bus", health(bits & 0x02)),
        Reading("meter_link", health(bits & 0x20)),
        Reading("clock_chip", health(bits & 0x40)),
        Reading("relay_state", (Contact.CLOSED if bits & 0x80 else Contact.OPEN).value),
    )


@lru_cache(maxsize=256)
def _recent_alerts(bits: int) -> tuple[Reading, ...]:
    return tuple(
        Reading(quantity, (Alert.RAISED if bits & bit else Alert.CLEAR).value)
        for quantity, bit in (
            ("voltage_alert_24h", 0x10),
            ("lamp_alert_24h", 0x20),
            ("power_alert_24h", 0x40),
            ("power_factor_alert_24h", 0x80),
        )
    )


def _sensors(view: ByteView, findings: Findings) -> None:
    """The sensor items of a status. The length of an unknown one is not known: the rest is left."""
    while view.left:
        match view.u8():
            case 0x01:
                findings.add("ldr_raw", view.u8())
            case 0x02:
                _light(view.u16(), "", findings)
            case 0x03:
                _light(view.u16(), "d4i", findings)
            case 0x04:
                findings.add("input_state", switch(view.u8() & 0x01))
            case 0x08:
                degrees = view.u8()
                if degrees != _NOT_AVAILABLE:
                    findings.add("tilt_deg", degrees)
            case item:
                findings.doubt("decode.sensor", f"no sensor has number 0x{item:02X}")
                return


def _light(raw: int, channel: str, findings: Findings) -> None:
    if raw != 0xFFFF:
        findings.add("illuminance_lx", 10 ** ((raw & 0x7FFF) / 4000) / 1000, channel)


def _level(view: ByteView, findings: Findings) -> None:
    """One dimming source: who is lit, how much, and why."""
    channel = read_channel(view, findings)
    reason, level, status = view.u8(), view.u8(), view.u8()
    if channel is None:
        return
    why = _why(reason, channel)
    if not why:
        findings.doubt("decode.level_source", f"0x{reason:02X} is no reason for a level")
    findings.readings += why
    if level != _NOT_AVAILABLE:
        findings.add("level_pct", level, channel)
    read_status(status, channel, findings)


@lru_cache(maxsize=1024)
def _why(reason: int, channel: str) -> tuple[Reading, ...]:
    """What a reason means; nothing for one that is none."""
    if reason not in _LEVEL_SOURCES:
        return ()
    source, step = _LEVEL_SOURCES[reason]
    said = Reading("level_source", source.value, channel)
    return (said,) if step is None else (said, Reading("level_step", float(step), channel))
