"""NAS UL20xx 1.1 against every published vector, on values, in both directions: nothing missing, nothing more."""

import json
from pathlib import Path
from typing import Any

import pytest

from decoders import registry
from tests.support.nas_published import channel_of, readings_of, seconds_of

FOLDER = Path(__file__).parents[2] / "vectors"
FILES = ("nas-ul20xx-fw1.1.json", "nas-ul20xx-fw1.1-more.json")
CODEC = registry.find("nas_ul20xx")


def _load() -> list[dict[str, Any]]:
    return [vector for name in FILES for vector in json.loads((FOLDER / name).read_text("utf-8"))]


VECTORS = _load()
REQUESTS = [vector for vector in VECTORS if vector["fPort"] == 49]
READ = [vector for vector in VECTORS if vector["fPort"] != 49]


def _name(vector: dict[str, Any]) -> str:
    return f"{vector['fPort']}-{vector['hex'][:12]}-{vector['description']}"


def _decode(vector: dict[str, Any]) -> registry.Decoded:
    return registry.decode("nas_ul20xx", vector["fPort"], bytes.fromhex(vector["hex"]), 0)


def _added_by_the_bytes(vector: dict[str, Any]) -> dict[tuple[str, str], Any]:
    """Readings that the published object has no field for: what the packet type itself says."""
    published = vector["expected"]["data"]
    match published["packet_type"]:
        case "driver_memory_write" if "address" in published:
            return {("memory_write", channel_of(published["address"])): "done"}
        case "driver_memory_write":
            return {("memory_write", ""): "failed"}
        case "restart_controller_command":
            return {("maintenance", ""): "restart"}
        case "dig_input_config_packet" | "deprecated_dig_input_config_packet":
            return {("input_control", "dali_broadcast"): "on"}
        case "boot_packet":
            reasons = published["reset_reason"]
            return {
                ("watchdog_reset", ""): "yes" if "watchdog_reset" in reasons else "no",
                ("soft_reset", ""): "yes" if "soft_reset" in reasons else "no",
            }
        case "profile_config_packet":
            return PROFILE
    return {}


# 210002FE3E00061421FF: profile 0, Monday to Friday, 01:00 20 %, 05:30 inactive
PROFILE = {
    ("profile_days", "profile_0_dali_broadcast"): 0b0011_1110,
    ("profile_steps", "profile_0_dali_broadcast"): 2,
    ("step_time_min", "profile_0_step_0"): 60,
    ("step_level_pct", "profile_0_step_0"): 20,
    ("step_time_min", "profile_0_step_1"): 330,
}
STATUS_UNKNOWN = "00F6E5853800340718000EF5FFFF"  # listed in tests/vectors/README.md
DALI_FACTS = {"driver_failure", "lamp_failure", "lamp_state", "limit_error", "fade_running", "driver_reset"}
DALI_FACTS |= {"short_address_missing", "driver_power_failure"}


@pytest.mark.parametrize("vector", READ, ids=_name)
def test_every_published_value_is_read_and_nothing_else(vector: dict[str, Any]) -> None:
    """The readings of a payload are exactly the published fields: numbers, states and addresses."""
    published = {name: value for name, value in vector["expected"]["data"].items() if name != "reset_reason"}
    if published["packet_type"] == "profile_config_packet":
        published = {"packet_type": "profile_config_packet"}
    wanted = readings_of(published) | _added_by_the_bytes(vector)
    if vector["hex"] == STATUS_UNKNOWN:
        wanted = {key: value for key, value in wanted.items() if key[0] not in DALI_FACTS}
    decoded = _decode(vector)
    assert {(one.quantity, one.channel): one.value for one in decoded.readings} == wanted
    assert decoded.error == ("decode.sensor" if vector["expected"]["errors"] else "")
    assert decoded.codec == "nas_ul20xx@1.1"
    assert decoded.domain == "light"


@pytest.mark.parametrize("vector", REQUESTS, ids=_name)
def test_a_request_is_never_sent_up(vector: dict[str, Any]) -> None:
    """Port 49 asks a device for a setting; the device answers on port 50. As an uplink it has no meaning."""
    assert _decode(vector).error == "decode.port"


def test_the_declared_number_of_vectors_is_that_of_the_files() -> None:
    """`codecs list` shows how many published payloads are held against a codec: those that are uplinks."""
    assert CODEC.vectors == len(READ)


def test_every_vector_names_its_source() -> None:
    """No vector is of our own making."""
    assert all(vector["source"].startswith("nasys/nas-codecs ") for vector in VECTORS)


def test_every_warning_that_the_vendor_publishes_is_a_reading() -> None:
    """Whoever drops warnings loses lamp failures: each has a quantity here, in its faulty state."""
    warned = {
        "dali_connection_error": ("dali_bus", "fault"),
        "lamp_error_alert_in_24h": ("lamp_alert_24h", "raised"),
        "metering_com_error": ("meter_link", "fault"),
        "metering_over_current": ("over_current_alert", "raised"),
        "invalid_timestamp": ("clock_state", "not_set"),
        "driver_memory_write_failed": ("memory_write", "failed"),
        "dali_single_1 lamp_failure": ("lamp_failure", "fault"),
        "downlink_error unsupported_header": ("refusal", "unknown_header"),
    }
    seen = set()
    for vector in VECTORS:
        for warning in vector["expected"]["warnings"]:
            seen.add(warning)
            assert warned[warning] in {(one.quantity, one.value) for one in _decode(vector).readings}
    assert seen == set(warned)


def test_a_satellite_fix_keeps_its_own_time() -> None:
    """Only a fix has a time of its own; every other reading has the time of its uplink."""
    for vector in READ:
        fixed = vector["expected"]["data"].get("last_fix_utc_time")
        for one in _decode(vector).readings:
            of_the_fix = fixed is not None and one.quantity in ("latitude_deg", "longitude_deg")
            assert one.measured_ms == (seconds_of(fixed) * 1000 if of_the_fix else None)
