"""The uplink payloads of a street light controller NAS UL20xx, firmware 1.1: values in, bytes out.

Written from the published tables, apart from the decoder of the same device: the two check each other.
A value outside its field's range raises `struct.error`: the simulator has a bug, no device sends it.
Source: docs.nasys.no/en/lcu/payloads, firmware 1.1 (all multi-byte values little endian).
"""

import struct
from collections.abc import Iterable
from enum import IntEnum, IntFlag
from functools import lru_cache

import msgspec

STATUS_PORT, USAGE_PORT, NOTIFICATION_PORT, SYSTEM_PORT = 23, 26, 61, 99

BROADCAST = 0xFE  # address: all drivers of the controller
INTERNAL_METER = 0xFF  # address in a usage block: the controller's own meter

_LAYOUT_1 = 0x01  # of the status, since firmware 1.1.4
_USAGE = 0x00
_DALI_ALERT = 0x83
_BOOT = 0x00
_NOT_AVAILABLE = 0xFF

_status = struct.Struct("<BIBBBbbBB")
_source = struct.Struct("<BBBB")
_boot = struct.Struct("<BI3BIBBBB")


class DaliStatus(IntFlag):
    """What a driver says of itself; `UNKNOWN` (all ones) is the controller's word when no driver answers."""

    NONE = 0x00
    DRIVER_ERROR = 0x01
    LAMP_FAILURE = 0x02
    LAMP_ON = 0x04
    LIMIT_ERROR = 0x08
    FADE_RUNNING = 0x10
    RESET_STATE = 0x20
    MISSING_SHORT_ADDRESS = 0x40
    POWER_FAILURE = 0x80
    UNKNOWN = 0xFF


class Reason(IntEnum):
    """Why an output has its level."""

    PROFILE_0 = 0x00
    CALENDAR_DAY = 0x21
    CALENDAR_NIGHT = 0x22
    DUSK_STEP_0 = 0x50
    DRIVER_NOT_FOUND = 0xF6


class StatusBits(IntFlag):
    NONE = 0x00
    DALI_CONNECTION_ERROR = 0x02
    METER_LINK_ERROR = 0x20
    RTC_WARNING = 0x40
    RELAY_CLOSED = 0x80


class OutputBits(IntFlag):
    NONE = 0x00
    OPEN_DRAIN_ON = 0x04
    TOOL_CONNECTED = 0x40
    TOOL_SEEN_SINCE_BOOT = 0x80


class AlertBits(IntFlag):
    """Alerts of the last 24 h."""

    NONE = 0x00
    VOLTAGE = 0x10
    LAMP_ERROR = 0x20
    POWER = 0x40
    POWER_FACTOR = 0x80


class DimmingSource(msgspec.Struct, frozen=True):
    """One output. `level_pct` 0 to 100, None when the driver does not tell it."""

    reason: int
    level_pct: int | None
    dali: int
    address: int = BROADCAST


class Status(msgspec.Struct, frozen=True):
    """Port 23. `clock_s`: the device's own clock, Unix s. The downlink's RSSI is in dBm (0 to -255), its SNR in dB."""

    clock_s: int
    temperature_c: int
    sources: tuple[DimmingSource, ...]
    bits: int = StatusBits.NONE
    outputs: int = OutputBits.NONE
    alerts: int = AlertBits.NONE
    downlink_rssi_dbm: int = 0
    downlink_snr_db: int = 0
    sensors: tuple[tuple[int, bytes], ...] = ()  # (item id, its bytes)


def encode_status(status: Status) -> bytes:
    """The payload of port 23, layout 1."""
    sensors = b"".join([bytes((item,)) + value for item, value in status.sensors])
    head = _status.pack(
        _LAYOUT_1,
        status.clock_s,
        status.bits,
        status.outputs,
        -status.downlink_rssi_dbm,
        status.downlink_snr_db,
        status.temperature_c,
        status.alerts,
        len(sensors),
    )
    return (
        head
        + sensors
        + b"".join(
            [
                _source.pack(
                    source.address,
                    source.reason,
                    _NOT_AVAILABLE if source.level_pct is None else source.level_pct,
                    source.dali,
                )
                for source in status.sources
            ]
        )
    )


class Usage(msgspec.Struct, frozen=True):
    """One block of port 26; what is None is not sent. Units: Wh, W, V, s; `power_factor` 0 to 1 in steps of 0.01."""

    address: int = INTERNAL_METER
    active_energy_wh: int | None = None
    active_power_w: int | None = None
    load_energy_wh: int | None = None
    load_power_w: int | None = None
    power_factor: float | None = None
    mains_v: int | None = None
    operating_s: int | None = None
    lamp_on_s: int | None = None


def encode_usage(blocks: Iterable[Usage]) -> bytes:
    """The payload of port 26."""
    payload = bytes((_USAGE,))
    for block in blocks:
        values = (
            block.active_energy_wh,
            block.active_power_w,
            block.load_energy_wh,
            block.load_power_w,
            None if block.power_factor is None else round(block.power_factor * 100),
            block.mains_v,
            block.operating_s,
            block.lamp_on_s,
        )
        mask, given = 0, []
        for bit, value in enumerate(values):
            if value is not None:
                mask |= 1 << bit
                given.append(value)
        payload += _usage(mask).pack(block.address, mask, *given)
    return payload


@lru_cache(maxsize=256)
def _usage(mask: int) -> struct.Struct:
    """A block with the fields of this mask."""
    return struct.Struct("<BB" + "".join(code for bit, code in enumerate("IHIHBBII") if mask >> bit & 1))


def encode_dali_alert(pairs: Iterable[tuple[int, int]]) -> bytes:
    """The payload of port 61 that says which (address, DALI status) changed."""
    body = b"".join(bytes(pair) for pair in pairs)
    return bytes((_DALI_ALERT, len(body) << 4)) + body


class Hardware(IntEnum):
    DALI = 0
    DALI_NC = 1
    DALI_NO = 2
    ANALOG_NC = 3
    ANALOG_NO = 4


class Option(IntFlag):
    NONE = 0x00
    DIGITAL_INPUT = 0x04
    LIGHT_DEPENDENT_RESISTOR = 0x08
    OPEN_DRAIN = 0x10
    METERING = 0x20


class ResetReason(IntFlag):
    NONE = 0x00
    WATCHDOG = 0x02
    SOFT_RESET = 0x04


class Boot(msgspec.Struct, frozen=True):
    """Port 99, message 0. `serial` 32 bits; `clock_s` Unix s; the DALI supply in volts (0 to 111)."""

    serial: int
    firmware: tuple[int, int, int]
    clock_s: int
    hardware: int = Hardware.DALI
    options: int = Option.METERING
    dali_supply_v: int = 16
    drivers: int = 1
    reset_reason: int = ResetReason.NONE


def encode_boot(boot: Boot) -> bytes:
    """The payload of port 99 after a start."""
    return _boot.pack(
        _BOOT,
        boot.serial,
        *boot.firmware,
        boot.clock_s,
        boot.hardware,
        boot.options,
        boot.dali_supply_v,
        boot.drivers,
    ) + bytes((boot.reset_reason,))
