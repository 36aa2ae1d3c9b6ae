"""NAS UL20xx 1.1 where no vector is published: sentinels, older layouts, and payloads that are partly wrong."""

import math
import struct

import pytest

from core.quantities import is_urgent
from decoders import registry

HEAD = "01F37F205E00003209160000"  # status layout 1 up to an empty sensor block


def _decode(f_port: int, text: str) -> registry.Decoded:
    return registry.decode("nas_ul20xx", f_port, bytes.fromhex(text), 0)


def _values(decoded: registry.Decoded) -> dict[tuple[str, str], float | str]:
    return {(one.quantity, one.channel): one.value for one in decoded.readings}


@pytest.mark.parametrize(
    ("reason", "source", "step"),
    [
        (0x03, "profile", 3.0),
        (0x22, "calendar_night", None),
        (0x3F, "dawn_step", 15.0),
        (0x50, "dusk_step", 0.0),
        (0x70, "input_inactive", None),
        (0x87, "light_step", 7.0),
        (0xF6, "driver_not_found", None),
        (0xF8, "fallback", None),
        (0xFA, "ldr_active", None),
        (0xFC, "input_active", None),
        (0xFD, "manual", None),
        (0xFF, "unknown", None),
    ],
)
def test_the_reason_of_a_level(reason: int, source: str, step: float | None) -> None:
    """Each code of the table is a source, and a number where steps or profiles are counted."""
    values = _values(_decode(23, f"{HEAD}02{reason:02X}3200"))
    assert values["level_source", "dali_1"] == source
    assert values.get(("level_step", "dali_1")) == step
    assert values["level_pct", "dali_1"] == 50


@pytest.mark.parametrize(
    ("address", "channel"),
    [(0x01, "analog"), (0xFE, "dali_broadcast"), (0x00, "dali_0"), (0x7E, "dali_63"), (0x9E, "dali_group_15")],
)
def test_an_address_is_a_channel(address: int, channel: str) -> None:
    """Analog output, broadcast, the first and last short address, the last group."""
    assert ("level_pct", channel) in _values(_decode(23, f"{HEAD}{address:02X}213200"))


def test_a_level_of_no_address_is_left_out_and_said() -> None:
    """Its neighbours are read all the same."""
    decoded = _decode(23, f"{HEAD}0321320002213200")
    assert decoded.error == "decode.address"
    assert {channel for _, channel in _values(decoded)} == {"", "dali_1"}


def test_a_reason_that_nobody_knows_costs_only_itself() -> None:
    """The level beside it is read."""
    decoded = _decode(23, f"{HEAD}02993200")
    assert decoded.error == "decode.level_source"
    assert _values(decoded)["level_pct", "dali_1"] == 50


def test_not_available_is_absent() -> None:
    """No level (0xFF), a driver that did not answer (0xFF), no tilt, no light: nothing, never a zero."""
    values = _values(_decode(23, "01F37F205E00003209160005" + "08FF" + "03FFFF" + "02FDFFFF"))
    assert {quantity for quantity, channel in values if channel == "dali_1"} == {"level_source"}
    assert not any(quantity in ("tilt_deg", "illuminance_lx") for quantity, _ in values)


def test_sensors_of_the_newer_layout() -> None:
    """Tilt, and the light of a D4i sensor as a channel of its own."""
    values = _values(_decode(23, "01F37F205E00003209160005" + "0805" + "0394D5"))
    assert values["tilt_deg", ""] == 5
    assert values["illuminance_lx", "d4i"] == pytest.approx(10 ** (0x5594 / 4000) / 1000)


def test_a_sensor_cut_short_makes_the_status_unreadable() -> None:
    """The block says 1 byte, its sensor needs 2 more: nothing of this payload is trusted."""
    decoded = _decode(23, "01F37F205E0000320916000102")
    assert (decoded.readings, decoded.error) == ((), "decode.too_short")


def test_the_older_layout_may_carry_ldr_and_alerts() -> None:
    """Two bits say whether the LDR byte and the alerts follow."""
    values = _values(_decode(23, "00F37F205E14320916" + "16" + "4D" + "A0"))
    assert values["ldr_state", ""] == "on"
    assert values["input_state", ""] == "on"
    assert values["output_state", ""] == "on"
    assert values["ldr_raw", ""] == 0x4D
    assert values["lamp_alert_24h", ""] == "raised"
    assert values["power_factor_alert_24h", ""] == "raised"
    assert values["voltage_alert_24h", ""] == "clear"


def test_a_usage_of_unknown_power_factor_has_none() -> None:
    """0xFF is not 2.55."""
    assert _values(_decode(26, "0002" + "12" + "2A00" + "FF")) == {("power_w", "dali_1"): 42.0}


def test_a_usage_of_no_address_is_read_over() -> None:
    """The next block is read all the same."""
    decoded = _decode(26, "0003020100" + "02022A00")
    assert decoded.error == "decode.address"
    assert _values(decoded) == {("power_w", "dali_1"): 42.0}


def test_both_lengths_of_the_input_notification() -> None:
    """Two or four bytes of counter; any other length is an error."""
    assert _values(_decode(61, "80200700")) == {("input_count", ""): 7.0}
    assert _decode(61, "80300700").error == "decode.length"
    assert _decode(61, "81300079").error == "decode.length"


def test_the_meter_alert_is_urgent_and_clears() -> None:
    """All five alerts are given: the next notification ends what is over."""
    raised = _decode(61, "84015900E500FF")
    assert [one.quantity for one in raised.readings if is_urgent(one.quantity, one.value)] == ["lamp_alert"]
    assert ("power_factor", "internal") not in _values(raised)
    assert _values(_decode(61, "84005900E50056"))["lamp_alert", "internal"] == "clear"


@pytest.mark.parametrize(("status", "fix"), [("01", "none"), ("02", "error"), ("FF", "error")])
def test_no_satellite_fix(status: str, fix: str) -> None:
    """The state is given, and no position."""
    assert _values(_decode(61, f"86{status}")) == {("location_fix", ""): fix}


def test_a_fix_without_a_set_clock_has_the_time_of_its_uplink() -> None:
    """A time before 2015 is no time."""
    decoded = _decode(61, "8600" + struct.pack("<ffI", 48.25, 6.5, 1000).hex())
    assert {one.measured_ms for one in decoded.readings} == {None}


def test_a_position_that_is_not_a_number_stops_here() -> None:
    """Half a position is none."""
    decoded = _decode(61, "8600" + struct.pack("<ffI", math.nan, 6.5, 1_600_000_000).hex())
    assert (decoded.readings, decoded.error) == ((), "decode.not_finite")


def test_the_level_of_a_light_step_that_is_not_finite_stops_here() -> None:
    """The registry drops the one number and keeps the rest."""
    decoded = _decode(50, "29010E3CFE" + struct.pack("<f", math.inf).hex() + "32")
    assert decoded.error == "quantity.not_finite"
    assert _values(decoded)["step_level_pct", "light_0"] == 50
    assert not any(quantity == "step_illuminance_lx" for quantity, _ in _values(decoded))


@pytest.mark.parametrize(
    ("supply", "readings"),
    [
        ("10", {"dali_supply_v": 16.0, "dali_supply_state": "ok", "dali_power_source": "internal"}),
        ("FE", {"dali_supply_state": "bus_high", "dali_power_source": "external"}),
        ("7F", {"dali_supply_state": "bus_error", "dali_power_source": "internal"}),
    ],
)
def test_the_dali_supply_at_boot(supply: str, readings: dict[str, float | str]) -> None:
    """Volts, or a state of the bus; inside or outside supply."""
    values = _values(_decode(99, f"000D008350010104F37F205E0000{supply}82"))
    assert {name: value for (name, _), value in values.items() if name.startswith("dali_")} == readings
    assert values["driver_count", ""] == 2
    assert values["unaddressed_driver", ""] == "yes"
    assert values["firmware_version", ""] == 1_001_004
    assert ("watchdog_reset", "") not in values  # an older firmware does not say


def test_codes_that_no_table_lists_are_said() -> None:
    """Each closed set has its own error code."""
    assert _decode(99, "000D008350010101F37F205E08007582").error == "decode.controller_type"
    assert _decode(99, "000D008350010101F37F205E00007582").error == "decode.dali_supply"
    assert _decode(99, "133277").error == "decode.refusal"
    assert _decode(61, "8605").error == "decode.location_fix"
    assert _decode(50, "2220").error == "decode.fade"
    assert _decode(50, "2704").error == "decode.bluetooth_mode"
    assert _decode(50, "2B09").error == "decode.control_interface"
    assert _decode(50, "0901000000").error == "decode.time"
    assert _decode(50, "2301020E1F").error == "decode.too_long"
    assert _decode(50, "230102 1E").error == "decode.date"
    assert _decode(50, "5204" + "00" * 36).error == "decode.multicast"


UNKNOWN = [
    (23, "02"),
    (26, "01"),
    (50, "99"),
    (50, "1602"),
    (50, "FF99"),
    (51, "01"),
    (60, "99"),
    (61, "9900"),
    (99, "01"),
]


@pytest.mark.parametrize(("f_port", "text"), UNKNOWN)
def test_an_unknown_first_byte_is_an_error(f_port: int, text: str) -> None:
    """Nothing is read of a packet that nobody knows."""
    decoded = _decode(f_port, text)
    assert (decoded.readings, decoded.error) == ((), "decode.header")


def test_a_resumed_lamp_is_automatic() -> None:
    """Level 0xFF ends a manual command."""
    assert _values(_decode(60, "01FEFF")) == {("command_mode", "dali_broadcast"): "automatic"}
    assert _values(_decode(60, "09FFFF05")) == {("command_mode", "all"): "automatic"}


def test_queries_and_answers_are_told_apart_by_their_length() -> None:
    """Twelve bytes fit both: then nothing is read, rather than a level invented."""
    assert _values(_decode(60, "0348A1FE")) == {("dali_max_level", "dali_36"): 254.0}
    assert _values(_decode(60, "0348A1")) == {}
    ambiguous = _decode(60, "03" + "48A1FE" * 4)
    assert (ambiguous.readings, ambiguous.error) == ((), "decode.address")
    assert _decode(60, "0348A1FE48A1").error == "decode.length"
    assert _decode(60, "03").error == "decode.too_short"


def test_the_other_commands_are_checked_and_give_nothing() -> None:
    """Requests, raw DALI and memory have no quantity; an outcome has."""
    for text in ("0B", "0AFF", "0A12", "0502", "040102", "07040003 06"):
        assert (_decode(60, text).readings, _decode(60, text).error) == ((), "")
    assert _decode(60, "04").error == "decode.too_short"
    assert _decode(60, "0A03").error == "decode.address"
    assert _values(_decode(60, "0C01")) == {("output_state", ""): "on"}
    assert _values(_decode(60, "070400030201AB")) == {("memory_read", "dali_2"): "done"}
    assert _values(_decode(60, "07")) == {("memory_read", ""): "failed"}
    assert _values(_decode(51, "FF")) == {("maintenance", ""): "firmware_update"}


def test_settings_without_a_vector() -> None:
    """DALI monitor, sending, multicast counter, LED, fade off, sensors off, output steps."""
    assert _values(_decode(50, "24050A00")) == {
        ("dali_alerts", ""): "on",
        ("level_correction", ""): "off",
        ("bus_scan", ""): "on",
        ("dali_monitor_s", ""): 10.0,
    }
    assert ("dali_monitor_s", "") not in _values(_decode(50, "24000000"))
    assert _values(_decode(50, "2A0602")) == {("random_delay_s", ""): 30.0, ("packet_limit_s", ""): 120.0}
    assert _values(_decode(50, "2AFF02")) == {("packet_limit_s", ""): 120.0}
    assert _values(_decode(50, "5302E8030000")) == {("multicast_f_cnt", "multicast_2"): 1000.0}
    assert _values(_decode(50, "1501")) == {("status_led", ""): "on"}
    assert _values(_decode(50, "22FF")) == {}
    assert _values(_decode(50, "29FF")) == {("light_control", ""): "off"}
    assert _values(_decode(50, "28FF")) == {("input_control", ""): "off"}
    assert _values(_decode(50, "FF21FF")) == {("setting_cleared", "all"): "profile"}
    assert _values(_decode(50, "05060121FF")) == {
        ("step_time_min", "output_step_0"): 60.0,
        ("step_output", "output_step_0"): "on",
        ("step_time_min", "output_step_1"): 330.0,
        ("step_output", "output_step_1"): "on",
    }
    assert _values(_decode(50, "03FFFF02FEFF"))["input_control", "dali_broadcast"] == "off"


def test_multicast_keys_are_never_given() -> None:
    """The only reading of a multicast setting is its address."""
    decoded = _decode(50, "5201" + "44332211" + "11" * 32)
    assert _values(decoded) == {("multicast_address", "multicast_1"): float(0x11223344)}


def test_what_is_left_at_the_end_is_said_and_the_rest_kept() -> None:
    """A newer firmware may append bytes: what is known is not lost."""
    decoded = _decode(50, "07100E0000FF")
    assert decoded.error == "decode.too_long"
    assert _values(decoded) == {("report_interval_s", ""): 3600.0}
