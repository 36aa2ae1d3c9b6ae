"""Milesight EM400-MUD against its published vectors, on values, and what its manual says beside them."""

from typing import Any

import pytest

from decoders import registry
from tests.support.published import Found, error, fields, found, title, vectors

CODEC = "milesight_em400_mud"
VECTORS = vectors("milesight-em400-mud.json")
RAISED = {True: "raised", False: "clear"}

# published field → (our quantity, our value of it)
TABLE = {
    "battery": ("battery_pct", lambda value: value),
    "temperature": ("temperature_c", lambda value: value),
    "distance": ("distance_mm", lambda value: value),
    "position": ("tilt_alert", {"normal": "clear", "tilt": "raised"}.get),
    "temperature_abnormal": ("temperature_alert", RAISED.get),
    "distance_alarming": ("distance_alert", RAISED.get),
}


def _wanted(vector: dict[str, Any]) -> Found:
    return {(TABLE[name][0], ""): TABLE[name][1](value) for name, value in fields(vector).items()}


@pytest.mark.parametrize("vector", VECTORS, ids=title)
def test_every_published_value_is_read_and_nothing_else(vector: dict[str, Any]) -> None:
    """Every published field is a reading: none is left without a quantity. Ports 85 and 100 read the same."""
    for f_port in (85, 100):
        decoded = registry.decode(CODEC, f_port, bytes.fromhex(vector["hex"]), 0)
        assert found(CODEC, f_port, vector["hex"]) == _wanted(vector)
        assert (decoded.codec, decoded.domain, decoded.error) == ("milesight_em400_mud@1", "bin", "")


def test_the_declared_number_of_vectors_is_that_of_the_file() -> None:
    """`codecs list` tells how many."""
    assert registry.find(CODEC).vectors == len(VECTORS)


def test_what_came_before_an_unknown_channel_is_kept() -> None:
    """The length of an unknown item is not known, so that nothing after it can be trusted."""
    text = "01755C 03670101 20CE00112233 04824408".replace(" ", "")
    assert found(CODEC, 85, text) == {("battery_pct", ""): 92.0, ("temperature_c", ""): 25.7}
    assert error(CODEC, 85, text) == "decode.channel"


def test_a_cut_payload_gives_nothing() -> None:
    """A value that was cut short may be any value."""
    assert (found(CODEC, 85, "01755C048244"), error(CODEC, 85, "01755C048244")) == ({}, "decode.too_short")
    assert error(CODEC, 85, "01755C04") == "decode.too_short"


def test_a_distance_of_zero_is_no_measurement() -> None:
    """The sensor measures from 30 mm on: neither a full bin nor an empty one may be read from it."""
    assert found(CODEC, 85, "01755C04820000") == {("battery_pct", ""): 92.0}
    assert found(CODEC, 85, "8482000001") == {("distance_alert", ""): "raised"}


def test_an_alarm_that_ends_is_clear_and_an_unknown_one_is_doubted() -> None:
    """The distance of the alarm is a reading in each case."""
    assert found(CODEC, 85, "8482410600") == {("distance_mm", ""): 1601.0, ("distance_alert", ""): "clear"}
    assert found(CODEC, 85, "8482410602") == {("distance_mm", ""): 1601.0}
    assert error(CODEC, 85, "8482410602") == "decode.alert"


def test_frost_is_below_zero() -> None:
    """Temperatures are signed."""
    assert found(CODEC, 85, "0367CEFF") == {("temperature_c", ""): -5.0}


def test_the_start_as_the_manual_shows_it() -> None:
    """User guide 6.1.1: versions and that it was switched on; protocol, serial number and class give nothing."""
    assert found(CODEC, 85, "FF0BFFFF0101FF166329C42503920003FF090100FF0A0101FF0F00") == {
        ("power_on", ""): "yes",
        ("hardware_version", ""): 1_000_000.0,
        ("firmware_version", ""): 1_001_000.0,
    }
    assert found(CODEC, 85, "FF090140FF0A0114") == {  # 1.4 and 1.14 there: each half byte is a decimal digit
        ("hardware_version", ""): 1_004_000.0,
        ("firmware_version", ""): 1_014_000.0,
    }


def test_a_confirmed_setting_is_a_reading() -> None:
    """On channel FE or FF; settings without a word are passed over, and what follows them is read."""
    assert found(CODEC, 85, "FE03B004FF025802FE77DC05FF10FF") == {
        ("report_interval_s", ""): 1200.0,
        ("detection_interval_s", ""): 600.0,
        ("mounting_height_mm", ""): 1500.0,
        ("maintenance", ""): "restart",
    }
    assert found(CODEC, 85, "FF068CC800200300000000017564") == {("battery_pct", ""): 100.0}
    assert error(CODEC, 85, "FF9900") == "decode.channel"


def test_a_position_that_is_unknown_or_zero_is_none() -> None:
    """User guide 6.2.2: millionths of a degree, FFFFFFFF unknown."""
    assert found(CODEC, 85, "0688FFFFFFFFFFFFFFFF20") == {}
    assert found(CODEC, 85, "0688000000000000000020") == {}
    assert found(CODEC, 85, "06889CFF0807C0F1E1FE22") == {
        ("longitude_deg", ""): 118.030236,
        ("latitude_deg", ""): -18.746944,
    }
