"""PMX TCR against its published vectors, on values; a count is an increment, and no vehicle has no speed."""

from typing import Any

import pytest

from core import quantities
from decoders import registry
from tests.support.published import Found, error, fields, found, title, vectors

CODEC = "pmx_tcr"
VECTORS = vectors("pmx-tcr.json")
LICENCES = {"BASIC": "basic", "ADVANCED": "advanced", "PRO": "pro"}
SPEED_RANGES = {"P": "pedestrian", "LS": "low_speed", "HS": "high_speed"}


def _wanted(vector: dict[str, Any]) -> Found:
    """Each published field as the reading that it stands for."""
    wanted: Found = {}
    for name, value in fields(vector).items():
        match name.split("_"):
            case ["volts"]:
                wanted["supply_v", ""] = value
            case ["typestr"]:
                wanted["counter_model", ""] = value.lower().replace("-", "_")
            case ["fu", "level"]:
                wanted["licence", ""] = LICENCES[value]
            case ["speedclass"]:
                wanted["speed_range", ""] = SPEED_RANGES[value]
            case ["fw", "version"]:
                wanted["firmware_version", ""] = quantities.version_number(*map(int, value.split(".")))
            case ["sbx", "version"]:
                wanted["charger_version", ""] = quantities.version_number(*map(int, value.split(".")))
            case [_, "time"]:
                wanted["local_time_min", ""] = value // 100 * 60 + value % 100  # published as 2010 for 20:10
            case [category, direction, "cnt"]:
                wanted["class_vehicles_count", f"{direction}_{category.removeprefix('cat')}"] = value
            case [category, direction, "spd"]:
                wanted["class_speed_kmh", f"{direction}_{category.removeprefix('cat')}"] = value
            case _:
                pytest.fail(f"no reading for {name}")
    return wanted


@pytest.mark.parametrize("vector", VECTORS, ids=title)
def test_every_published_value_is_read_and_nothing_else(vector: dict[str, Any]) -> None:
    """The expectation is Actility's. The Things Network publishes the same bytes on ports 14 to 17 with the fields of
    port 13 (`ud_…`), which its own decoder does not give: wrong, and not ours."""
    decoded = registry.decode(CODEC, vector["fPort"], bytes.fromhex(vector["hex"]), 0)
    assert found(CODEC, vector["fPort"], vector["hex"]) == _wanted(vector)
    assert (decoded.codec, decoded.domain, decoded.error) == ("pmx_tcr@1", "traffic", "")


def test_the_declared_number_of_vectors_is_that_of_the_file() -> None:
    """`codecs list` tells how many."""
    assert registry.find(CODEC).vectors == len(VECTORS)


COUNTS = "A2140A03E832044C3433"


def test_all_detections_are_the_traffic_and_a_category_is_not_counted_twice() -> None:
    """The sum of `vehicles_count` over all ports of an interval is that of port 13 alone."""
    assert found(CODEC, 13, COUNTS) == {
        ("vehicles_count", "ltr"): 1000.0,
        ("speed_kmh", "ltr"): 50.0,
        ("vehicles_count", "rtl"): 1100.0,
        ("speed_kmh", "rtl"): 52.0,
        ("local_time_min", ""): 1210.0,
        ("supply_v", ""): 5.1,
    }
    for f_port in (14, 15, 16, 17):
        names = {name for name, _ in found(CODEC, f_port, COUNTS)}
        assert not names & {"vehicles_count", "speed_kmh"}
        assert ("class_vehicles_count", f"ltr_{f_port - 13}") in found(CODEC, f_port, COUNTS)


def test_nobody_passed_is_a_count_of_zero_without_a_speed() -> None:
    """A mean over no vehicle is none; a count of 0 is a measurement."""
    values = found(CODEC, 13, "A2140A00000000000033")
    assert (values["vehicles_count", "ltr"], values["vehicles_count", "rtl"]) == (0.0, 0.0)
    assert not {channel for name, channel in values if name == "speed_kmh"}
    assert not {channel for name, channel in found(CODEC, 14, "A2140A00001E00020033") if name == "class_speed_kmh"}


def test_the_device_clock_is_a_fact_and_never_the_time_of_a_reading() -> None:
    """Hour and minute have no date and no zone (`found` asserts that no reading has a time); 25:61 is none at all."""
    assert quantities.lookup("local_time_min").show(found(CODEC, 13, COUNTS)["local_time_min", ""]) == "20:10"
    assert ("local_time_min", "") not in found(CODEC, 13, "A2193D0001320000003C")
    assert error(CODEC, 13, "A2193D0001320000003C") == "decode.time"
    assert found(CODEC, 13, "A2193D0001320000003C")["vehicles_count", "ltr"] == 1.0


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        ("C20101", {("class_state", ""): "on"}),
        ("C21100", {("class_state", "class_1"): "off"}),
        ("C2440014", {("class_min_speed_kmh", "class_4"): 20.0}),
        ("C2450082", {("class_max_speed_kmh", "class_4"): 130.0}),
        ("C2220064", {("class_min_size", "class_2"): 100.0}),
        ("C25202", {("licence", ""): "pro"}),
        ("C25301", {("speed_range", ""): "low_speed"}),
        ("C26101", {("radar_state", ""): "on"}),
        ("C26350", {("radar_sensitivity_pct", ""): 80.0}),
        ("C27101", {("confirmed_uplinks", ""): "on"}),
        ("C254000F", {}),  # an interval of an unpublished unit
    ],
)
def test_an_answer_says_what_a_setting_is(text: str, reading: Found) -> None:
    """One byte or two; the channel is the category."""
    assert (found(CODEC, 1, text), error(CODEC, 1, text)) == (reading, "")


@pytest.mark.parametrize(
    ("f_port", "text", "code"),
    [
        (13, "A2140A03E832044C34", "decode.too_short"),
        (13, COUNTS + "00", "decode.too_long"),
        (13, "D20A020211004200", "decode.header"),
        (190, COUNTS, "decode.header"),
        (12, COUNTS, "decode.port"),
        (18, COUNTS, "decode.port"),
        (1, "C2", "decode.too_short"),
        (1, "C201", "decode.too_short"),
        (1, "C2990000", "decode.setting"),
        (1, "C25209", "decode.licence"),
        (190, "D20E020211004200", "decode.counter_model"),
        (190, "D20A030211004200", "decode.licence"),
        (190, "D20A020311004200", "decode.speed_range"),
    ],
)
def test_what_cannot_be_read_is_said(f_port: int, text: str, code: str) -> None:
    """Each with its own code; what a newer firmware appends costs only itself."""
    assert error(CODEC, f_port, text) == code
    if code == "decode.too_long":
        assert found(CODEC, 13, text)["vehicles_count", "ltr"] == 1000.0


def test_a_charger_that_is_not_fitted_has_no_version() -> None:
    """Version 0.0.0 is none."""
    assert ("charger_version", "") not in found(CODEC, 190, "D20A020211000000")
