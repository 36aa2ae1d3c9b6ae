"""The encoders of simulated bins and counters against payloads their vendors published."""

import struct

import pytest

from simulator.devices import dingtek_df702, milesight_em400_mud, parametric_tcr, pmx_tcr
from simulator.devices.parametric_tcr import SpeedClass


def test_an_em400_mud_report_is_the_published_bytes() -> None:
    """The vendor's example (SensorDecoders em400-mud, README): 92 %, 25.7 °C, 2116 mm, tilted."""
    report = milesight_em400_mud.Report(battery_pct=92, temperature_c=25.7, distance_mm=2116, tilted=True)
    assert milesight_em400_mud.encode_report(report).hex() == "01755c0367010104824408050001"


def test_an_em400_mud_report_with_alarms_is_the_published_bytes() -> None:
    """Actility's example: the same, then a temperature of 23.2 °C and a distance of 1601 mm that raised an alarm."""
    report = milesight_em400_mud.Report(
        battery_pct=92,
        temperature_c=25.7,
        distance_mm=2116,
        tilted=True,
        temperature_alarm=(23.2, True),
        distance_alarm=(1601, True),
    )
    assert milesight_em400_mud.encode_report(report).hex() == ("01755c03670101048244080500018367e800018482410601")


def test_an_em400_mud_alarm_alone_is_the_published_bytes() -> None:
    """The vendor's example of an alarm packet: two items and nothing else."""
    report = milesight_em400_mud.Report(temperature_alarm=(23.2, True), distance_alarm=(1601, True))
    assert milesight_em400_mud.encode_report(report).hex() == "8367e800018482410601"


def test_an_em400_mud_power_on_is_the_published_bytes() -> None:
    """The example of the user guide: power on, protocol, serial number, hardware 1.0, software 1.1, class A."""
    assert milesight_em400_mud.encode_power_on(bytes.fromhex("6329c42503920003")).hex() == (
        "ff0bffff0101ff166329c42503920003ff090100ff0a0101ff0f00"
    )


def test_frost_is_negative() -> None:
    """Both bin sensors count below zero."""
    assert milesight_em400_mud.encode_report(milesight_em400_mud.Report(temperature_c=-7.3)).hex() == "0367b7ff"
    frozen = dingtek_df702.encode_report(dingtek_df702.Report(distance_mm=900, temperature_c=-7))
    assert frozen[8] == 0xF9


def test_a_df702_report_is_the_published_bytes() -> None:
    """The vendor's example of a heartbeat without GPS: 2000 mm, 25 °C, no alarm."""
    report = dingtek_df702.Report(distance_mm=2000, temperature_c=25)
    assert dingtek_df702.encode_report(report).hex().upper() == "800001011107D000190000000000000081"


def test_a_df702_says_each_alarm_in_its_own_nibble() -> None:
    """Full and fire share a byte, tilt and battery the next one; an alarm has another report type."""
    report = dingtek_df702.Report(
        distance_mm=150,
        temperature_c=25,
        angle_deg=-48,
        full=True,
        fire=True,
        tilted=True,
        battery_low=True,
        alarm=True,
    )
    assert dingtek_df702.encode_report(report).hex() == "80000102110096001901301111000000" + "81"
    assert dingtek_df702.encode_report(dingtek_df702.Report(150, 25, full=True))[11:13] == b"\x10\x00"
    assert dingtek_df702.encode_report(dingtek_df702.Report(150, 25, tilted=True))[11:13] == b"\x00\x10"


def test_a_df702_with_gps_is_eight_bytes_longer() -> None:
    """Length, presence and two little-endian floats before the temperature."""
    payload = dingtek_df702.encode_report(dingtek_df702.Report(2000, 25, position=(6.5882, 48.0175)))
    assert (len(payload), payload[4], payload[7], payload[16], payload[-1]) == (25, 0x19, 1, 25, 0x81)
    assert struct.unpack("<ff", payload[8:16]) == pytest.approx((6.5882, 48.0175))


def test_pmx_counts_are_the_published_bytes() -> None:
    """Actility's example of a category: 20:10, 1000 at 50 km/h and 1100 at 52 km/h, 5.1 V."""
    counts = pmx_tcr.Counts(
        hour=20,
        minute=10,
        left_to_right=1000,
        left_to_right_kmh=50,
        right_to_left=1100,
        right_to_left_kmh=52,
        supply_v=5.1,
    )
    assert pmx_tcr.encode_counts(counts).hex().upper() == "A2140A03E832044C3433"


def test_a_pmx_device_uplink_is_the_published_bytes() -> None:
    """Actility's example: TCR-DLI, professional licence, high speed, firmware 1.1.0, charger 4.2.0."""
    assert pmx_tcr.encode_device(pmx_tcr.Model.DC).hex().upper() == "D20A020211004200"


CLASSES = (
    SpeedClass(right=1, right_kmh=6),
    SpeedClass(right=2, right_kmh=11),
    SpeedClass(right=1, right_kmh=30),
    SpeedClass(),
)


def test_parametric_counts_are_the_published_bytes() -> None:
    """ELEMENT's examples of both payload versions: nobody from the left, four from the right in three classes."""
    first = parametric_tcr.Counts(CLASSES, temperature_c=632.8, solar_mw=4802, battery_pct=100)
    assert parametric_tcr.encode_counts(first).hex().upper() == (
        "BE02016412C218B800000000010600000000020B00000000011E000000000000"
    )
    second = parametric_tcr.Counts(CLASSES, temperature_c=632.8, solar_mw=4802, battery_mv=25_700)
    assert parametric_tcr.encode_counts(second).hex().upper() == (
        "BE0202646412C218B800000000010600000000020B00000000011E000000000000"
    )


def test_parametric_settings_are_27_bytes() -> None:
    """As its table of port 190 has them: versions, mode, interval, lanes, limits of the classes."""
    settings = parametric_tcr.Settings(
        parametric_tcr.Model.HIGH_SPEED_SOLAR, interval_min=10, limits_kmh=((5, 30), (30, 50), (50, 70), (70, 200))
    )
    payload = parametric_tcr.encode_settings(settings)
    assert len(payload) == 27
    assert payload[:7].hex() == "be020203010004"
    assert payload[10:12] == b"\x00\x0a"
    assert list(payload[19:]) == [5, 30, 30, 50, 50, 70, 70, 200]


def test_what_no_device_can_say_is_refused() -> None:
    """A count of 70,000 in an interval is a bug of the simulator, not a payload."""
    with pytest.raises(struct.error):
        parametric_tcr.encode_counts(parametric_tcr.Counts((SpeedClass(left=70_000),), temperature_c=20))
