"""What the NAS vectors publish, in our quantities: the explicit table between their fields and our words.

`readings_of(expected)` gives every reading that a published object stands for, so that a test can ask for exactly
these: nothing missing, nothing more. Fields without a quantity are named in `NO_QUANTITY`.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

Found = dict[tuple[str, str], Any]  # (quantity, channel) → value

NO_QUANTITY = {
    "packet_type",
    "address",  # is the channel; or the text of a stored location
    # requests, and raw bytes of drivers
    "status_requested",
    "usage_requested",
    "dim_map_report_requested",
    "request_gnss_notification",
    "dali_command",
    "memory_bank",
    "memory_address",
    "memory_value",
    "read_size__bytes",
    # never given
    "nwkskey",
    "appskey",
}
FAULT, YES, ON = {True: "fault", False: "ok"}, {True: "yes", False: "no"}, {True: "on", False: "off"}
RAISED = {True: "raised", False: "clear"}

# published flag → (our quantity, our words)
FLAGS = {
    "dali_connection_error": ("dali_bus", FAULT),
    "metering_com_error": ("meter_link", FAULT),
    "ext_rtc_warning": ("clock_chip", FAULT),
    "internal_relay_closed": ("relay_state", {True: "closed", False: "open"}),
    "open_drain_output_on": ("output_state", ON),
    "lumalink_connected": ("service_tool", YES),
    "lumalink_connected_after_boot": ("service_tool_since_boot", YES),
    "ldr_input_on": ("ldr_state", ON),
    "dig_input_on": ("input_state", ON),
    "dig_input_1_on": ("input_state", ON),
    "voltage_alert_in_24h": ("voltage_alert_24h", RAISED),
    "lamp_error_alert_in_24h": ("lamp_alert_24h", RAISED),
    "power_alert_in_24h": ("power_alert_24h", RAISED),
    "power_factor_alert_in_24h": ("power_factor_alert_24h", RAISED),
    "driver_error": ("driver_failure", FAULT),
    "lamp_failure": ("lamp_failure", FAULT),
    "lamp_on": ("lamp_state", ON),
    "limit_error": ("limit_error", YES),
    "fade_running": ("fade_running", YES),
    "reset_state": ("driver_reset", YES),
    "missing_short_address": ("short_address_missing", YES),
    "power_failure": ("driver_power_failure", YES),
    "lamp_error_alert": ("lamp_alert", RAISED),
    "over_current_alert": ("over_current_alert", RAISED),
    "under_voltage_alert": ("under_voltage_alert", RAISED),
    "over_voltage_alert": ("over_voltage_alert", RAISED),
    "low_power_factor_alert": ("low_power_factor_alert", RAISED),
    "dig_input": ("input_fitted", YES),
    "ldr_input": ("ldr_fitted", YES),
    "open_drain_output": ("output_fitted", YES),
    "metering": ("meter_fitted", YES),
    "dali_unaddressed_driver_found": ("unaddressed_driver", YES),
    "calendar_prefers_meta_pos": ("stored_position", ON),
    "calendar_clamps_profiles": ("clamps_profiles", YES),
    "calendar_clamps_dig": ("clamps_input", YES),
    "ignore_gnss": ("ignores_gnss", YES),
    "notification_on_every_step": ("light_notify", ON),
    "light_sensor_clamps_profile": ("clamps_profiles", YES),
    "light_sensor_clamps_dig": ("clamps_input", YES),
    "interpolate_steps": ("light_interpolate", ON),
    "dig_mode_button": ("input_kind", {True: "button", False: "switch"}),
    "polarity_high_or_rising": ("input_polarity", {True: "high", False: "low"}),
    "signal_edge_rising": ("input_polarity", {True: "high", False: "low"}),
    "notification_on_activation": ("input_notify_on", ON),
    "notification_on_inactivation": ("input_notify_off", ON),
    "source_d4i_motion_sensor": ("input_motion", ON),
}
# published number → our quantity, when the published value is exact
NUMBERS = {
    "downlink_rssi__dBm": "downlink_rssi_dbm",
    "downlink_snr__dB": "downlink_snr_db",
    "mcu_temperature__C": "temperature_c",
    "ldr_input": "ldr_raw",
    "ldr_input_value": "ldr_raw",
    "dig_input_event_counter": "input_count",
    "dimming_level__percent": "level_pct",
    "active_energy__Wh": "energy_wh",
    "active_power__W": "power_w",
    "load_side_energy__Wh": "load_energy_wh",
    "load_side_power__W": "load_power_w",
    "power_factor": "power_factor",
    "mains_voltage__V": "mains_v",
    "power__W": "power_w",
    "voltage__V": "mains_v",
    "dali_min_level": "dali_min_level",
    "dali_max_level": "dali_max_level",
    "dali_addressed_driver_count": "driver_count",
    "downlink_from_fport": "refused_f_port",
    "fallback_dimming_level__percent": "fallback_level_pct",
    "status_interval__s": "report_interval_s",
    "usage_interval__s": "usage_interval_s",
    "boot_delay_range__s": "boot_delay_s",
    "fade_duration__s": "fade_s",
    "min_power__W": "alert_min_power_w",
    "max_power__W": "alert_max_power_w",
    "min_voltage__V": "alert_min_mains_v",
    "max_voltage__V": "alert_max_mains_v",
    "min_power_factor": "alert_min_power_factor",
    "measurement_duration__s": "light_measuring_s",
    "dig_enabled": "input_number",
    "on_delay__s": "input_on_delay_s",
    "off_delay__s": "input_off_delay_s",
    "light_on_duration__s": "input_off_delay_s",
    "active_dimming_level__percent": "active_level_pct",
    "inactive_dimming_level__percent": "inactive_level_pct",
    "ldr_off_threshold_high": "ldr_off_raw",
    "ldr_on_threshold_low": "ldr_on_raw",
}
# a published number that its codec rounded: quantity, our unit in theirs, half of their last digit in ours
ROUNDED = {
    "driver_operating_time__h": ("driver_time_s", 3600, 1800),
    "lamp_on_time__h": ("lamp_time_s", 3600, 180),
}
WORDS = {
    "device_config": "controller_type",
    "dali_power_source_external": "dali_power_source",
    "dimming_curve": "dimming_curve",
}
RENAMED = {
    ("location_status", "good_fix"): ("location_fix", "good"),
    ("error_reason", "unsupported_header"): ("refusal", "unknown_header"),
    ("access_mode", "first_commission"): ("bluetooth_mode", "first_commissioning"),
    ("access_mode", "always"): ("bluetooth_mode", "always"),
    ("interface_type", "analog_0_10v"): ("control_interface", "analog"),
    ("reset_target", "light_sensor_config"): ("setting_cleared", "light_sensor"),
    ("reset_target", "holiday_config"): ("setting_cleared", "holidays"),
    ("reset_target", "dig_input_config"): ("setting_cleared", "input"),
    ("reset_target", "multicast_config"): ("setting_cleared", "multicast"),
    ("reset_target", "factory_reset"): ("setting_cleared", "everything"),
}
ABSENT = {"n/a", "inactive", "alert_off", "disabled", "unknown"}
SOURCES = {
    "calendar_day": ("calendar_day", None),
    "relay_off": ("relay_off", None),
    "dig_active": ("input_active", None),
    "calendar_dusk_step": ("dusk_step", 1),
    "calendar_dawn_step": ("dawn_step", 1),
    "light_monitor_step": ("light_step", 1),
}


def channel_of(published: str) -> str:
    return {
        "analog_0_10v": "analog",
        "internal_measurement": "internal",
        "all_multicast_devices": "multicast_all",
    }.get(published, published.replace("dali_single_", "dali_"))


def seconds_of(published: str) -> float:
    return datetime.fromisoformat(published).timestamp()


def shown_number(text: str) -> Any:
    """A number published as text: right to half its last digit."""
    decimals = len(text.partition(".")[2])
    return pytest.approx(float(text), abs=0.5 * 10**-decimals + 1e-12)


def readings_of(expected: dict[str, Any]) -> Found:
    """Every reading of a published object; raises KeyError for a field that nobody mapped."""
    return dict(_object(expected, ""))


def _object(published: dict[str, Any], channel: str) -> Iterator[tuple[tuple[str, str], Any]]:
    kind = published.get("packet_type", "")
    if "address" in published and kind not in ("location_config_packet",):
        channel = channel_of(published["address"])
    if kind == "metering_alert":
        channel = "internal"
    if kind == "calendar_config_packet":
        channel = "calendar"
    if "multicast_device" in published:
        number = published["multicast_device"]
        channel = f"multicast_{number}" if isinstance(number, int) else channel_of(number)
    for field, value in published.items():
        yield from _field(kind, field, value, channel, published)


def _field(
    kind: str, field: str, value: Any, channel: str, published: dict[str, Any]
) -> Iterator[tuple[tuple[str, str], Any]]:
    if field in NO_QUANTITY or field == "multicast_device" or value in (None, [], {}):
        return
    if field in ("status", "active_alerts", "sensor_source", "optional_features"):
        if field == "sensor_source":
            yield from _sensors(value)
        else:
            yield from _object(value, channel)
    elif field == "trigger_alert_enabled":
        ours = "ldr_notify" if "ldr" in kind else "input_notify_on"
        yield (ours, channel), ON[value]
    elif field in FLAGS:
        ours, words = FLAGS[field]
        yield (ours, channel), words[value]
    elif field in ROUNDED:
        ours, unit, half = ROUNDED[field]
        yield (ours, channel), pytest.approx(value * unit, abs=half)
    elif field == "dimming_level__percent" and kind == "deprecated_dig_input_config_packet":
        yield ("active_level_pct", channel), value
    elif field == "mains_voltage__V" and kind == "usage_config_packet":
        yield ("nominal_mains_v", channel), value
    elif field in NUMBERS:
        if value not in ABSENT:
            yield (NUMBERS[field], channel), value
    elif field in WORDS:
        yield (WORDS[field], channel), value
    elif (field, value if isinstance(value, str) else "") in RENAMED:
        ours, state = RENAMED[field, value]
        yield (ours, channel), state
    else:
        yield from _special(kind, field, value, channel)


def _special(kind: str, field: str, value: Any, channel: str) -> Iterator[tuple[tuple[str, str], Any]]:
    match field:
        case "device_unix_epoch" if kind == "time_config_packet":
            asked = value == "force_lorawan_devicetimereq"
            yield ("clock_from_network", ""), YES[asked]
            if not asked:
                yield ("set_time_s", ""), seconds_of(value)
        case "device_unix_epoch":
            is_set = value != "invalid_timestamp"
            yield ("clock_state", ""), "set" if is_set else "not_set"
            if is_set:
                yield ("device_time_s", ""), seconds_of(value)
        case "dimming_source" | "consumption":
            for block in value:
                yield from _object(block, channel)
        case "drivers":
            for block in value:
                yield from _object(block, channel)
        case "reason":
            words, _, number = value.rpartition("_")
            source, steps = SOURCES[value] if value in SOURCES else SOURCES[words]
            yield ("level_source", channel), source
            if steps:
                yield ("level_step", channel), int(number)
        case "destination":
            for block in value:
                target = channel_of(block["address"])
                yield ("command_mode", target), "manual"
                yield ("command_level_pct", target), block["dimming_level__percent"]
                if "duration__minutes" in block:
                    yield ("command_duration_s", target), block["duration__minutes"] * 60
        case "query_data_raw":
            # address, query, answer; 0xA1 to 0xA4 are the levels that IEC 62386-102 names so
            names = {0xA1: "dali_max_level", 0xA2: "dali_min_level", 0xA3: "dali_power_on_level"}
            names[0xA4] = "dali_failure_level"
            raw = bytes.fromhex(value)
            for address, query, answer in zip(raw[::3], raw[1::3], raw[2::3], strict=True):
                if query in names:
                    yield (names[query], f"dali_{address // 2}"), answer
        case "device_serial":
            yield ("serial_number", ""), int(value, 16)
        case "firmware_version":
            major, minor, patch = map(int, value.split("."))
            yield ("firmware_version", ""), major * 1_000_000 + minor * 1000 + patch
        case "dali_supply_state__V":
            yield ("dali_supply_state", ""), value if isinstance(value, str) else "ok"
            if not isinstance(value, str):
                yield ("dali_supply_v", ""), value
        case "latitude__deg" | "longitude__deg":
            name = field.removesuffix("__deg") + "_deg"
            if kind == "location_notification":
                yield (name, ""), shown_number(value)
            else:
                yield (f"set_{name}", channel), value
        case "last_fix_utc_time":
            return  # the readings' own time: asserted by the test
        case "devaddr":
            yield ("multicast_address", channel), int(value, 16)
        case _:
            yield from _lists(kind, field, value, channel)


def _lists(kind: str, field: str, value: Any, channel: str) -> Iterator[tuple[tuple[str, str], Any]]:
    match field:
        case "holidays":
            yield ("holiday_count", ""), len(value)
            for place, day in enumerate(value):
                yield ("holiday", f"holiday_{place}"), int(day.replace("/", ""))
        case "sunrise_steps" | "sunset_steps":
            edge = "dawn" if field == "sunrise_steps" else "dusk"
            for place, step in enumerate(value):
                yield ("step_zenith_deg", f"{edge}_{place}"), shown_number(step["zenith_angle__deg"])
                yield ("step_level_pct", f"{edge}_{place}"), step["dimming_level__percent"]
        case "dim_steps":
            yield ("light_control", channel), "on"
            for place, step in enumerate(value):
                yield ("step_illuminance_lx", f"light_{place}"), shown_number(step["light_level__lx"])
                if step["dimming_level__percent"] not in ABSENT:
                    yield ("step_level_pct", f"light_{place}"), step["dimming_level__percent"]
        case "payloads":
            for part in value:
                yield from _object(part, "")
        case _:
            raise KeyError(f"no quantity is mapped to {kind}.{field}")


def _sensors(published: dict[str, Any]) -> Iterator[tuple[tuple[str, str], Any]]:
    for field, value in published.items():
        if field == "ldr_input":
            yield ("ldr_raw", ""), value
        elif field == "light_sensor__lx":
            yield ("illuminance_lx", ""), shown_number(value)
        elif field == "dig_input_1_on":
            yield ("input_state", ""), ON[value]
        else:
            raise KeyError(f"no quantity is mapped to sensor_source.{field}")
