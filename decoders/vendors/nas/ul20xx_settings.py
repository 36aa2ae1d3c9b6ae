"""NAS UL20xx firmware 1.1, port 50: the settings that a controller confirms or was asked for.

Programmes (calendar, profiles, holidays, light sensor, input) are in `ul20xx_programmes`. A threshold or delay that
is switched off gives nothing. The text beside a stored position is checked, not kept; the keys of a multicast group
are passed over.

Source: docs.nasys.no/en/lcu/payloads/-configs.
"""

from collections.abc import Callable

from core.errors import DecodeError
from core.quantities.states import Answer, BluetoothMode, ClearedSetting, ControlInterface
from decoders.byteview import ByteView
from decoders.codec import Findings
from decoders.vendors.nas import ul20xx_programmes as programmes
from decoders.vendors.nas.dali import read_channel, switch
from decoders.vendors.nas.ul20xx_clock import is_set

QUANTITIES = (
    *programmes.QUANTITIES,
    "report_interval_s",
    "clock_from_network",
    "set_time_s",
    "usage_interval_s",
    "nominal_mains_v",
    "boot_delay_s",
    "status_led",
    "alert_min_power_w",
    "alert_max_power_w",
    "alert_min_mains_v",
    "alert_max_mains_v",
    "alert_min_power_factor",
    "fade_s",
    "dali_alerts",
    "level_correction",
    "bus_scan",
    "dali_monitor_s",
    "fallback_level_pct",
    "set_latitude_deg",
    "set_longitude_deg",
    "bluetooth_mode",
    "random_delay_s",
    "packet_limit_s",
    "control_interface",
    "multicast_address",
    "multicast_f_cnt",
    "setting_cleared",
    "serial_number",
)

Reader = Callable[[ByteView, Findings], None]

_OFF = 0xFF
_OFF_16 = 0xFFFF
_FADES_S = (0.5, 0.71, 1.0, 1.41, 2.0, 2.83, 4.0, 5.66, 8.0, 11.31, 16.0, 22.63, 32.0, 45.25, 64.0, 90.51)
_BLUETOOTH = tuple(BluetoothMode)  # in the order of the codes 0 to 3
_INTERFACES = tuple(ControlInterface)  # 0, 1
_MULTICAST_GROUPS = 4
_KEYS = 32  # bytes: NwkSKey and AppSKey
_CHAIN = 0xFE


def read(view: ByteView, findings: Findings) -> None:
    """One setting, or several chained ones."""
    kind = view.u8()
    if kind != _CHAIN:
        _read_one(kind, view, findings)
        return
    while view.left:
        _read_one(view.u8(), view, findings)


def _read_one(kind: int, view: ByteView, findings: Findings) -> None:
    reader = _READERS.get(kind)
    if reader is None:
        raise DecodeError("decode.header", f"port 50 knows no setting 0x{kind:02X}")
    reader(view, findings)


def _status_interval(view: ByteView, findings: Findings) -> None:
    findings.add("report_interval_s", view.u32())


def _time(view: ByteView, findings: Findings) -> None:
    seconds = view.u32()
    findings.add("clock_from_network", Answer.NO if seconds else Answer.YES)
    if is_set(seconds):
        findings.add("set_time_s", seconds)
    elif seconds:
        findings.doubt("decode.time", f"{seconds} s is before 2015")


def _usage_interval(view: ByteView, findings: Findings) -> None:
    findings.add("usage_interval_s", view.u32())
    mains = view.u8()
    if mains != _OFF:
        findings.add("nominal_mains_v", mains)


def _boot_delay(view: ByteView, findings: Findings) -> None:
    findings.add("boot_delay_s", view.u8() if view.left == 1 else view.u16())


def _led(view: ByteView, findings: Findings) -> None:
    findings.add("status_led", switch(view.u8() & 0x01))


def _alert_thresholds(view: ByteView, findings: Findings) -> None:
    header = view.u8()
    if header != 0x01:
        raise DecodeError("decode.header", f"metering thresholds have no type 0x{header:02X}")
    for quantity in ("alert_min_power_w", "alert_max_power_w", "alert_min_mains_v", "alert_max_mains_v"):
        threshold = view.u16()
        if threshold != _OFF_16:
            findings.add(quantity, threshold)
    hundredths = view.u8()
    if hundredths != _OFF:
        findings.add("alert_min_power_factor", hundredths / 100)


def _fade(view: ByteView, findings: Findings) -> None:
    number = view.u8()
    if number < len(_FADES_S):
        findings.add("fade_s", _FADES_S[number])
    elif number != _OFF:
        findings.doubt("decode.fade", f"there is no fade {number}")


def _dali_monitor(view: ByteView, findings: Findings) -> None:
    bits = view.u8()
    findings.add("dali_alerts", switch(bits & 0x01))
    findings.add("level_correction", switch(bits & 0x02))
    findings.add("bus_scan", switch(bits & 0x04))
    interval = view.u16()
    if interval:
        findings.add("dali_monitor_s", interval)


def _fallback_level(view: ByteView, findings: Findings) -> None:
    findings.add("fallback_level_pct", view.u8())


def _position(view: ByteView, findings: Findings) -> None:
    size = view.u8()
    findings.add("set_latitude_deg", view.i32() / 10_000_000)
    findings.add("set_longitude_deg", view.i32() / 10_000_000)
    view.text(size)


def _bluetooth(view: ByteView, findings: Findings) -> None:
    mode = view.u8()
    if mode < len(_BLUETOOTH):
        findings.add("bluetooth_mode", _BLUETOOTH[mode])
    else:
        findings.doubt("decode.bluetooth_mode", f"there is no Bluetooth mode {mode}")


def _sending(view: ByteView, findings: Findings) -> None:
    delay = view.u8()
    if delay != _OFF:
        findings.add("random_delay_s", delay * 5)
    findings.add("packet_limit_s", view.u8() * 60)


def _interface(view: ByteView, findings: Findings) -> None:
    kind = view.u8()
    if kind < len(_INTERFACES):
        findings.add("control_interface", _INTERFACES[kind])
    else:
        findings.doubt("decode.control_interface", f"there is no interface {kind}")


def _group(view: ByteView) -> str:
    group = view.u8()
    if group >= _MULTICAST_GROUPS:
        raise DecodeError("decode.multicast", f"there is no multicast group {group}")
    return f"multicast_{group}"


def _multicast(view: ByteView, findings: Findings) -> None:
    channel = _group(view)
    findings.add("multicast_address", view.u32(), channel)
    view.take(_KEYS)


def _multicast_counter(view: ByteView, findings: Findings) -> None:
    channel = _group(view)
    findings.add("multicast_f_cnt", view.u32(), channel)


def _clear(view: ByteView, findings: Findings) -> None:
    match view.u8():
        case 0x21:
            channel = read_channel(view, findings, all_of_them="all")
            if channel is not None:
                findings.add("setting_cleared", ClearedSetting.PROFILE, channel)
        case 0x23:
            findings.add("setting_cleared", ClearedSetting.HOLIDAYS)
        case 0x28:
            findings.add("setting_cleared", ClearedSetting.INPUT)
        case 0x29:
            findings.add("setting_cleared", ClearedSetting.LIGHT_SENSOR)
        case 0x52:
            group = view.u8()
            channel = "multicast_all" if group == _OFF else f"multicast_{group}"
            findings.add("setting_cleared", ClearedSetting.MULTICAST, channel)
        case 0xFF:
            findings.add("setting_cleared", ClearedSetting.EVERYTHING)
            findings.add("serial_number", view.u32())
        case target:
            raise DecodeError("decode.header", f"no setting 0x{target:02X} can be cleared")


_READERS: dict[int, Reader] = {
    0x01: programmes.read_ldr,
    0x03: programmes.read_old_input,
    0x05: programmes.read_output_steps,
    0x07: _status_interval,
    0x09: _time,
    0x0B: _usage_interval,
    0x0D: _boot_delay,
    0x15: _led,
    0x16: _alert_thresholds,
    0x20: programmes.read_calendar,
    0x21: programmes.read_profile,
    0x22: _fade,
    0x23: programmes.read_holidays,
    0x24: _dali_monitor,
    0x25: _fallback_level,
    0x26: _position,
    0x27: _bluetooth,
    0x28: programmes.read_input,
    0x29: programmes.read_light_sensor,
    0x2A: _sending,
    0x2B: _interface,
    0x52: _multicast,
    0x53: _multicast_counter,
    0xFF: _clear,
}
