"""Parametric TCR against its published vectors, on values; its layouts by port and length."""

import re
from typing import Any

import pytest

from decoders import registry
from tests.support.published import Found, error, fields, found, title, vectors

CODEC = "parametric_tcr"
VECTORS = vectors("parametric-tcr.json")


def _wanted(vector: dict[str, Any]) -> Found:
    """Each published field as the reading that it stands for; a mean of 0 over 0 vehicles stands for none."""
    wanted: Found = {}
    for name, value in fields(vector).items():
        if name == "solar_battery":
            wanted["battery_pct", ""] = value
        elif name == "solar_battery_volt":
            wanted["battery_v", ""] = value
        elif name == "solar_panel_power":
            wanted["solar_power_w", ""] = value / 1000  # published in mW
        elif name == "temperature":
            wanted["temperature_c", ""] = value
        elif total := re.fullmatch("(left|right)_(count|avg)", name):
            direction, what = total.groups()
            if what == "count":
                wanted["vehicles_count", direction] = value
            elif value:
                wanted["speed_kmh", direction] = value
        elif single := re.fullmatch(r"(left|right)_(count|avg)_class(\d)", name):
            channel = f"{single[1]}_{int(single[3]) + 1}"  # published from 0, ours from 1
            if single[2] == "count":
                wanted["class_vehicles_count", channel] = value
            elif value:
                wanted["class_speed_kmh", channel] = value
        else:
            pytest.fail(f"no reading for {name}")
    return wanted


@pytest.mark.parametrize("vector", VECTORS, ids=title)
def test_every_published_value_is_read_and_nothing_else(vector: dict[str, Any]) -> None:
    """Counts, means (14.5 km/h over four vehicles), battery and panel, of both versions of the payload."""
    decoded = registry.decode(CODEC, vector["fPort"], bytes.fromhex(vector["hex"]), 0)
    assert found(CODEC, vector["fPort"], vector["hex"]) == _wanted(vector)
    assert (decoded.codec, decoded.domain, decoded.error) == ("parametric_tcr@1", "traffic", "")


def test_the_declared_number_of_vectors_is_that_of_the_file() -> None:
    """`codecs list` tells how many."""
    assert registry.find(CODEC).vectors == len(VECTORS)


HEADS = {1: "BE0201 64 12C2 00B8", 2: "BE0202 0F3C 12C2 00B8"}


def _counts(version: int, *classes: str) -> str:
    return (HEADS[version] + "".join(classes)).replace(" ", "")


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("classes", [2, 4])
def test_two_or_four_classes_by_length_alone(version: int, classes: int) -> None:
    """LS sends two classes, HS four: no model is asked for."""
    values = found(CODEC, 15, _counts(version, *["000A 1E 0005 28"] * classes))
    assert values["vehicles_count", "left"] == 10 * classes
    assert values["vehicles_count", "right"] == 5 * classes
    assert {channel for name, channel in values if name == "class_vehicles_count"} == {
        f"{side}_{number}" for side in ("left", "right") for number in range(1, classes + 1)
    }
    assert ("battery_pct" if version == 1 else "battery_v", "") in values


def test_the_mean_is_weighed_by_vehicles() -> None:
    """One at 90 km/h among nine at 30 km/h: 36, not 60."""
    values = found(CODEC, 15, _counts(2, "0009 1E 0000 00", "0001 5A 0000 00"))
    assert values["speed_kmh", "left"] == 36.0
    assert ("speed_kmh", "right") not in values


def test_nobody_passed_is_a_count_of_zero_without_a_speed() -> None:
    """A count of 0 is a measurement, a mean of 0 is none; nor is one of vehicles whose speed was not measured."""
    quiet = found(CODEC, 15, _counts(2, "0000 00 0000 00", "0000 00 0000 00"))
    assert (quiet["vehicles_count", "left"], quiet["vehicles_count", "right"]) == (0.0, 0.0)
    assert not {name for name, _ in quiet} & {"speed_kmh", "class_speed_kmh"}
    unmeasured = found(CODEC, 15, _counts(2, "0007 00 0000 00", "0002 32 0000 00"))
    assert unmeasured["vehicles_count", "left"] == 9.0
    assert unmeasured["speed_kmh", "left"] == 50.0
    assert ("class_speed_kmh", "left_1") not in unmeasured


def test_a_sum_of_full_counters_does_not_wrap() -> None:
    """Four classes of 65535."""
    assert found(CODEC, 15, _counts(2, *["FFFF 32 0000 00"] * 4))["vehicles_count", "left"] == 262_140.0


def test_without_a_charger_there_is_no_battery_and_no_panel() -> None:
    """All fields of the charger are 0 where it is not fitted; a panel at night gives 0 W beside a battery."""
    without = found(CODEC, 15, "BE0202 0000 0000 00B8 000A1E000528 000A1E000528".replace(" ", ""))
    assert not {name for name, _ in without} & {"battery_v", "battery_pct", "solar_power_w"}
    night = found(CODEC, 15, "BE0202 0F3C 0000 FFCE 000A1E000528 000A1E000528".replace(" ", ""))
    assert (night["battery_v", ""], night["solar_power_w", ""], night["temperature_c", ""]) == (3.9, 0.0, -5.0)


SETTINGS = "00 010000 00 00 00 0003 05A0 0000"
CLASSES = "0107 0819 1A31 3278"
BY_LENGTH = {
    27: ("BE0201" + SETTINGS + "64 00 00" + CLASSES, {}),
    29: ("BE0202" + SETTINGS + "64 012C 0000" + CLASSES, {("lane_distance_mm", "left"): 3000.0}),
    30: (
        "BE0203" + SETTINGS + "01 64 012C 0320" + CLASSES,
        {
            ("radar_autotuning", ""): "on",
            ("lane_distance_mm", "left"): 3000.0,
            ("lane_distance_mm", "right"): 8000.0,
        },
    ),
}


@pytest.mark.parametrize("length", BY_LENGTH)
def test_the_settings_of_three_firmwares_by_length(length: int) -> None:
    """Documents of configuration V1 (as element-parsers reads it), V2 and V3; class of LoRaWAN is the profile's."""
    text, own = BY_LENGTH[length]
    text = text.replace(" ", "")
    assert len(bytes.fromhex(text)) == length
    assert found(CODEC, 190, text) == {
        ("counter_model", ""): "tcr" if length == 27 else "tcr_ls",
        ("firmware_version", ""): 1_000_000.0,
        ("counting_mode", ""): "interval",
        ("confirmed_uplinks", ""): "off",
        ("report_interval_s", ""): 180.0,
        ("link_check_s", ""): 86_400.0,
        ("hold_off_s", ""): 0.0,
        ("radar_sensitivity_pct", ""): 100.0,
        **{("class_min_speed_kmh", f"class_{n}"): v for n, v in enumerate((1.0, 8.0, 26.0, 50.0), 1)},
        **{("class_max_speed_kmh", f"class_{n}"): v for n, v in enumerate((7.0, 25.0, 49.0, 120.0), 1)},
        **own,
    }
    assert error(CODEC, 190, text) == ""


@pytest.mark.parametrize(
    ("f_port", "text", "code"),
    [
        (15, _counts(2, "000A 1E 0005 28"), "decode.length"),  # one class
        (15, _counts(2, *["000A 1E 0005 28"] * 4) + "00", "decode.length"),
        (15, _counts(2, *["000A 1E 0005 28"] * 4)[:-2], "decode.length"),
        (15, "BE0201" + _counts(2, *["000A 1E 0005 28"] * 4)[6:], "decode.length"),  # version 1, length of version 2
        (15, "BE0104000000000001000064000CE40139", "decode.header"),  # a PCR2
        (15, "BE", "decode.too_short"),
        (190, _counts(2, *["000A 1E 0005 28"] * 4), "decode.length"),
        (14, _counts(2, *["000A 1E 0005 28"] * 4), "decode.port"),
        (190, ("BE0202 09" + SETTINGS[2:] + "64 012C 0000" + CLASSES).replace(" ", ""), "decode.counter_model"),
    ],
)
def test_what_cannot_be_read_is_said(f_port: int, text: str, code: str) -> None:
    """A payload whose length and version do not agree gives nothing."""
    assert error(CODEC, f_port, text) == code
    assert bool(found(CODEC, f_port, text)) == (code == "decode.counter_model")
