"""core.quantities: a closed vocabulary with units, ranges, states and French words."""

import math
import re
from enum import StrEnum

import pytest

from core import quantities
from core.errors import DecodeError, UnreadableError
from core.model import Domain
from core.quantities import QUANTITIES, is_plausible, is_urgent, lookup, states

UNITS = {
    "v": "V",
    "pct": "%",
    "c": "°C",
    "deg": "°",
    "dbm": "dBm",
    "db": "dB",
    "s": "s",
    "min": "min",
    "w": "W",
    "wh": "Wh",
    "lx": "lx",
    "mm": "mm",
    "kmh": "km/h",
}


@pytest.mark.parametrize("quantity", QUANTITIES.values(), ids=lambda one: one.name)
def test_a_quantity_is_complete(quantity: quantities.Quantity) -> None:
    """A name in words, a French label, and either a range in the unit of its name or a set of states."""
    assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", quantity.name)
    assert quantity.label
    if quantity.is_state:
        assert not quantity.unit
        assert quantity.urgent <= quantity.states
        assert all(quantities.state_label(one) for one in quantity.states)
    else:
        assert quantity.low < quantity.high
        assert not quantity.urgent
        ending = quantity.name.rpartition("_")[2]
        assert quantity.unit == UNITS.get(ending, "")


def test_every_state_has_a_french_word_and_no_word_is_left_over() -> None:
    """The page never shows an English state."""
    kinds = [kind for kind in vars(states).values() if isinstance(kind, type) and issubclass(kind, StrEnum)]
    declared = {str(one) for kind in kinds for one in kind}
    assert declared == set(states.FRENCH)


def test_labels_are_unique() -> None:
    """Two quantities are never shown under one name."""
    labels = [one.label for one in QUANTITIES.values()]
    assert len(set(labels)) == len(labels)


def test_an_unknown_quantity_is_refused_with_the_closest_names() -> None:
    """The vocabulary is closed."""
    with pytest.raises(UnreadableError, match="power_watts") as caught:
        lookup("power_watts")
    assert caught.value.code == "quantity.unknown"
    assert "power_w" in caught.value.hint


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_finite_is_refused(value: float) -> None:
    """NaN and infinity are never values."""
    with pytest.raises(DecodeError) as caught:
        is_plausible("power_w", value)
    assert caught.value.code == "quantity.not_finite"


def test_a_range_includes_its_ends() -> None:
    """0 % and 100 % are plausible, 100.5 % is not."""
    assert is_plausible("level_pct", 0.0)
    assert is_plausible("level_pct", 100.0)
    assert not is_plausible("level_pct", 100.5)
    assert not is_plausible("level_pct", -1.0)


def test_a_state_is_one_of_its_own_set() -> None:
    """States and numbers are never taken for each other."""
    assert is_plausible("lamp_failure", "fault")
    with pytest.raises(DecodeError) as caught:
        is_plausible("lamp_failure", "raised")
    assert caught.value.code == "quantity.state"
    with pytest.raises(DecodeError):
        is_plausible("lamp_failure", 1.0)
    with pytest.raises(DecodeError) as caught:
        is_plausible("power_w", "42")
    assert caught.value.code == "quantity.type"


def test_only_the_faulty_state_is_urgent() -> None:
    """A lamp that reports "ok" is no emergency, nor is any number."""
    assert is_urgent("lamp_failure", "fault")
    assert not is_urgent("lamp_failure", "ok")
    assert not is_urgent("power_w", 0.0)


def test_domains() -> None:
    """Common quantities belong to every domain."""
    assert lookup("battery_v").domain is None
    assert lookup("power_w").domain is Domain.LIGHT
    assert lookup("fill_pct").domain is Domain.BIN
    assert lookup("speed_kmh").domain is Domain.TRAFFIC


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("power_w", 42.0, "42 W"),
        ("power_factor", 0.93, "0.93"),
        ("serial_number", float(0x51123456), "51123456"),
        ("firmware_version", quantities.version_number(1, 0, 22), "1.0.22"),
        ("device_time_s", 1_579_188_211.0, "2020-01-16 15:23:31Z"),
        ("holiday", 714.0, "07-14"),
        ("step_time_min", 330.0, "05:30"),
        ("lamp_failure", "fault", "fault"),
    ],
)
def test_a_value_is_shown_in_its_notation(name: str, value: float | str, shown: str) -> None:
    """With its unit, or as labels and people write it."""
    assert lookup(name).show(value) == shown
