"""Dingtek DF702 and DF703 against their published vectors, on values; where the published decoder errs, it is said."""

import struct
from typing import Any

import pytest

from core import quantities
from decoders import registry
from tests.support.published import Found, error, fields, found, title, vectors

CODEC = "dingtek_df702"
VECTORS = vectors("dingtek-df702.json")
RAISED = {True: "raised", False: "clear"}
NUMBERS = {
    "level": ("distance_mm", 1),
    "temperature": ("temperature_c", 1),
    "angle": ("tilt_deg", 1),  # published with a sign that is always minus: a slip of precedence; ours has none
    "periodic_interval": ("report_interval_s", 3600),
    "detection_interval": ("detection_interval_s", 60),
    "full_alarm_threshold": ("full_threshold_mm", 10),
    "fire_alarm_threshold": ("fire_threshold_c", 1),
    "tilt_alarm_threshold": ("tilt_threshold_deg", 1),
    "ultrasonic_range": ("range_mm", 1),
}
STATES = {
    "full": ("full_alert", RAISED),
    "fire": ("fire_alert", RAISED),
    "tilt": ("tilt_alert", RAISED),
    "battery": ("battery_alert", RAISED),
    "tilt_enable": ("tilt_detection", {True: "on", False: "off"}),
}


def _wanted(vector: dict[str, Any]) -> Found:
    wanted: Found = {}
    for name, value in fields(vector).items():
        if name in STATES:
            quantity, words = STATES[name]
            wanted[quantity, ""] = words[value]
        else:
            quantity, factor = NUMBERS[name]
            wanted[quantity, ""] = float(value.split()[0]) * factor  # published as text with its unit
    if "periodic_interval" in fields(vector):
        wanted["firmware_version", ""] = quantities.version_number(1, 4, 0)  # named in the protocol, not in this object
    return wanted


@pytest.mark.parametrize("vector", VECTORS, ids=title)
def test_every_published_value_is_read_and_nothing_else(vector: dict[str, Any]) -> None:
    """Every published field is a reading; none is left without a quantity."""
    decoded = registry.decode(CODEC, vector["fPort"], bytes.fromhex(vector["hex"]), 0)
    assert found(CODEC, vector["fPort"], vector["hex"]) == _wanted(vector)
    assert (decoded.codec, decoded.domain, decoded.error) == ("dingtek_df702@1", "bin", "")


@pytest.mark.parametrize("vector", vectors("dingtek-df702.json", "downlink-encode"), ids=title)
def test_a_command_is_never_sent_up(vector: dict[str, Any]) -> None:
    """A downlink is text and is not echoed: as an uplink it is no frame of the sensor."""
    assert error(CODEC, 3, vector["hex"]) == "decode.header"


def test_the_declared_number_of_vectors_is_that_of_the_file() -> None:
    """Those that are uplinks."""
    assert registry.find(CODEC).vectors == len(VECTORS)


def _frame(
    *,
    distance_mm: int = 700,
    temperature: int = 12,
    tilt: tuple[int, int] = (0, 0),
    alarms: str = "0000",
    kind: int = 1,
) -> str:
    body = struct.pack(">HBBBB", distance_mm, 0, temperature, *tilt) + bytes.fromhex(alarms)
    return (bytes([0x80, 0, 1, kind, 17]) + body + bytes([0, 0, 0, 0x81])).hex()


def _with_position(longitude: float, latitude: float, *, present: int = 1) -> str:
    body = struct.pack(">HB", 700, present) + struct.pack("<ff", longitude, latitude) + bytes(5)
    return (bytes([0x80, 0, 1, 1, 25]) + body + bytes([0, 0, 0, 0x81])).hex()


@pytest.mark.parametrize(
    ("alarms", "raised"),
    [
        ("0000", set()),
        ("1000", {"full_alert"}),
        ("0100", {"fire_alert"}),
        ("0010", {"tilt_alert"}),
        ("0001", {"battery_alert"}),
        ("1111", {"full_alert", "fire_alert", "tilt_alert", "battery_alert"}),
    ],
)
def test_each_alarm_has_its_half_byte_and_is_clear_when_it_is_not_raised(alarms: str, raised: set[str]) -> None:
    """What is clear ends what was raised; an alarm frame (type 2) reads as a periodic one."""
    for kind in (1, 2):
        values = found(CODEC, 3, _frame(alarms=alarms, kind=kind))
        states = {name: value for (name, _), value in values.items() if name.endswith("_alert")}
        assert {name for name, value in states.items() if value == "raised"} == raised
        assert len(states) == 4


def test_only_fire_is_urgent() -> None:
    """A bin on fire reaches the commune before everything else; a full one waits for its turn."""
    assert quantities.is_urgent("fire_alert", "raised")
    assert not quantities.is_urgent("fire_alert", "clear")
    for other in ("full_alert", "tilt_alert", "battery_alert"):
        assert not quantities.is_urgent(other, "raised")


@pytest.mark.parametrize("side", [0, 1])
def test_tilt_is_how_far_it_leans_whichever_side(side: int) -> None:
    """The published decoder gives −45 ° for both: its sign cannot be trusted, the angle can."""
    assert found(CODEC, 3, _frame(tilt=(side, 45)))["tilt_deg", ""] == 45.0


def test_frost_is_not_fire() -> None:
    """The published decoder reads −5 °C as 251 °C."""
    assert found(CODEC, 3, _frame(temperature=0xFB))["temperature_c", ""] == -5.0


def test_a_distance_of_zero_is_no_measurement() -> None:
    """…and one of 65535 is never shown as truth."""
    assert ("distance_mm", "") not in found(CODEC, 3, _frame(distance_mm=0))
    assert not quantities.is_plausible("distance_mm", found(CODEC, 3, _frame(distance_mm=0xFFFF))["distance_mm", ""])


def test_a_position_is_given_where_there_is_one() -> None:
    """In degrees, as the published example of the protocol: longitude first."""
    values = found(CODEC, 3, _with_position(116.50743, 40.038998))
    assert values["longitude_deg", ""] == pytest.approx(116.50743)
    assert values["latitude_deg", ""] == pytest.approx(40.038998)
    assert values["distance_mm", ""] == 700.0


@pytest.mark.parametrize(
    "text",
    [
        _with_position(float("nan"), 40.0),
        _with_position(116.5, float("nan")),
        _with_position(float("inf"), 40.0),
        _with_position(0.0, 0.0),
        _with_position(116.5, 40.0, present=0),
    ],
)
def test_a_position_that_is_none_gives_none(text: str) -> None:
    """NaN, infinity, 0 0, or a frame that says that it has none: the rest is read, and nothing is wrong with it."""
    values = found(CODEC, 3, text)
    assert not {"longitude_deg", "latitude_deg"} & {name for name, _ in values}
    assert values["distance_mm", ""] == 700.0
    assert error(CODEC, 3, text) == ""


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("80", "decode.too_short"),
        (_frame()[:-2], "decode.length"),
        (_frame() + "00", "decode.length"),
        (_frame()[:-2] + "00", "decode.length"),  # no end mark
        ("81" + _frame()[2:], "decode.header"),
        (_frame(kind=4), "decode.header"),
        (_frame(kind=3), "decode.header"),  # settings have 25 bytes
        ("800002011107D000190000000000000081", "decode.header"),  # a DC500
    ],
)
def test_a_frame_that_is_not_whole_is_not_read(text: str, code: str) -> None:
    """Cut, too long, or of another device."""
    assert (found(CODEC, 3, text), error(CODEC, 3, text)) == ({}, code)
