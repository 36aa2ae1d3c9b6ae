"""NAS UL20xx firmware 1.1, port 50: what decides the level of a lamp: calendar, profiles, holidays, sensor, input.

Lists are told apart by channel: `dawn_0`, `dusk_0` (calendar), `profile_2_step_0`, `light_0` (light sensor),
`output_step_0`, `holiday_0`. A step whose level is "inactive" gives no level.

Source: docs.nasys.no/en/lcu/payloads/-configs.
"""

from core.errors import DecodeError
from core.quantities.states import InputKind, Polarity, Switch
from decoders.byteview import ByteView
from decoders.codec import Findings
from decoders.vendors.nas.dali import answer, read_channel, switch

QUANTITIES = (
    "stored_position",
    "clamps_profiles",
    "clamps_input",
    "ignores_gnss",
    "set_latitude_deg",
    "set_longitude_deg",
    "step_zenith_deg",
    "step_level_pct",
    "step_time_min",
    "step_illuminance_lx",
    "step_output",
    "profile_days",
    "profile_steps",
    "holiday_count",
    "holiday",
    "light_control",
    "light_notify",
    "light_interpolate",
    "light_measuring_s",
    "ldr_off_raw",
    "ldr_on_raw",
    "ldr_notify",
    "input_control",
    "input_number",
    "input_kind",
    "input_polarity",
    "input_notify_on",
    "input_notify_off",
    "input_motion",
    "active_level_pct",
    "inactive_level_pct",
    "input_on_delay_s",
    "input_off_delay_s",
)

_OFF = 0xFF
_OFF_16 = 0xFFFF
_MONTH_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def _step_level(view: ByteView, channel: str, findings: Findings) -> None:
    level = view.u8()
    if level != _OFF:
        findings.add("step_level_pct", level, channel)


def read_calendar(view: ByteView, findings: Findings) -> None:
    """The calendar by zenith angle. Its position is that of channel `calendar`; angles are degrees from the zenith."""
    counts, flags = view.u8(), view.u8()
    findings.add("stored_position", switch(flags & 0x01), "calendar")
    findings.add("clamps_profiles", answer(flags & 0x02), "calendar")
    findings.add("clamps_input", answer(flags & 0x04), "calendar")
    findings.add("ignores_gnss", answer(flags & 0x08), "calendar")
    findings.add("set_latitude_deg", view.i16() / 100, "calendar")
    findings.add("set_longitude_deg", view.i16() / 100, "calendar")
    for edge, count in (("dawn", counts & 0x0F), ("dusk", counts >> 4)):
        for step in range(count):
            findings.add("step_zenith_deg", view.i8() / 6 + 90, f"{edge}_{step}")
            _step_level(view, f"{edge}_{step}", findings)


def read_profile(view: ByteView, findings: Findings) -> None:
    """One profile (number 255: none), its days (bit 0 holidays, 1 Monday … 7 Sunday) and its steps by time of day.

    Its channel is `profile_2_dali_broadcast`: several may be confirmed at once for one address.
    """
    number, count = view.u8(), view.u8()
    channel = read_channel(view, findings, all_of_them="all")
    days, _reserved = view.u8(), view.u8()
    if channel is not None:
        findings.add("profile_days", days, f"profile_{number}_{channel}")
        findings.add("profile_steps", count, f"profile_{number}_{channel}")
    for step in range(count):
        findings.add("step_time_min", view.u8() * 10, f"profile_{number}_step_{step}")
        _step_level(view, f"profile_{number}_step_{step}", findings)


def read_holidays(view: ByteView, findings: Findings) -> None:
    """The days that follow the holiday profile."""
    count = view.u8()
    findings.add("holiday_count", count)
    for place in range(count):
        month, day = view.u8(), view.u8()
        if not 1 <= month <= 12 or not 1 <= day <= _MONTH_DAYS[month - 1]:
            raise DecodeError("decode.date", f"month {month}, day {day} is no date")
        findings.add("holiday", month * 100 + day, f"holiday_{place}")


def read_light_sensor(view: ByteView, findings: Findings) -> None:
    """Levels by measured light; a first byte 0xFF: the sensor decides nothing."""
    count = view.u8()
    if count == _OFF:
        findings.add("light_control", Switch.OFF)
        return
    flags, measuring = view.u8(), view.u8()
    channel = read_channel(view, findings, all_of_them="all")
    if channel is not None:
        findings.add("light_control", Switch.ON, channel)
        findings.add("light_notify", switch(flags & 0x01), channel)
        findings.add("clamps_profiles", answer(flags & 0x02), channel)
        findings.add("clamps_input", answer(flags & 0x04), channel)
        findings.add("light_interpolate", switch(flags & 0x08), channel)
        findings.add("light_measuring_s", measuring, channel)
    for step in range(count):
        findings.add("step_illuminance_lx", view.f32(), f"light_{step}")
        _step_level(view, f"light_{step}", findings)


def read_input(view: ByteView, findings: Findings) -> None:
    """What the digital input does; number 0xFF: nothing."""
    number = view.u8()
    if number == _OFF:
        findings.add("input_control", Switch.OFF)
        return
    flags = view.u8()
    channel = read_channel(view, findings, all_of_them="all")
    active, inactive, on_delay, off_delay = view.u8(), view.u8(), view.u16(), view.u16()
    if channel is None:
        return
    findings.add("input_control", Switch.ON, channel)
    findings.add("input_number", number, channel)
    findings.add("input_kind", InputKind.BUTTON if flags & 0x01 else InputKind.SWITCH, channel)
    findings.add("input_polarity", Polarity.HIGH if flags & 0x02 else Polarity.LOW, channel)
    findings.add("input_notify_on", switch(flags & 0x04), channel)
    findings.add("input_notify_off", switch(flags & 0x08), channel)
    findings.add("input_motion", switch(flags & 0x80), channel)
    if active != _OFF:
        findings.add("active_level_pct", active, channel)
    if inactive != _OFF:
        findings.add("inactive_level_pct", inactive, channel)
    findings.add("input_on_delay_s", on_delay, channel)
    findings.add("input_off_delay_s", off_delay, channel)


def read_ldr(view: ByteView, findings: Findings) -> None:
    """Deprecated: thresholds of the light-dependent resistor."""
    for quantity in ("ldr_off_raw", "ldr_on_raw"):
        threshold = view.u8()
        if threshold != _OFF:
            findings.add(quantity, threshold)
    findings.add("ldr_notify", switch(view.u8() & 0x04))


def read_old_input(view: ByteView, findings: Findings) -> None:
    """Deprecated: the digital input that lights a lamp for a while (0xFFFF: it does nothing)."""
    duration, flags = view.u16(), view.u8()
    channel = read_channel(view, findings, all_of_them="all")
    level = view.u8()
    if channel is None:
        return
    if duration == _OFF_16:
        findings.add("input_control", Switch.OFF, channel)
    else:
        findings.add("input_control", Switch.ON, channel)
        findings.add("input_off_delay_s", duration, channel)
    findings.add("input_polarity", Polarity.HIGH if flags & 0x02 else Polarity.LOW, channel)
    findings.add("input_notify_on", switch(flags & 0x04), channel)
    if level != _OFF:
        findings.add("active_level_pct", level, channel)


def read_output_steps(view: ByteView, findings: Findings) -> None:
    """Deprecated: when the open-drain output switches."""
    step = 0
    while view.left:
        findings.add("step_time_min", view.u8() * 10, f"output_step_{step}")
        findings.add("step_output", switch(view.u8()), f"output_step_{step}")
        step += 1
