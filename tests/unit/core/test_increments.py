"""core.increments: the cases one by one, as a lamp's energy meets them."""

import pytest

from core import quantities
from core.increments import COUNTERS, Increment, Sample, counted_in, increments, total

HOUR_US = 3_600_000_000
U32 = 2.0**32


def _energy(*values: float, f_cnts: tuple[int, ...] = ()) -> list[Increment]:
    """Increments of hourly samples of an energy counter."""
    samples = [Sample(hour * HOUR_US, value, f_cnts[hour] if f_cnts else None) for hour, value in enumerate(values)]
    counter = COUNTERS["energy_wh"]
    return increments(samples, width_bits=counter.width_bits, max_per_s=counter.max_per_s)


def _amounts(found: list[Increment]) -> list[tuple[float, bool]]:
    return [(one.amount, one.restarted) for one in found]


def test_it_rises() -> None:
    """The difference; a repeated value is nothing counted, which is a measurement."""
    assert _amounts(_energy(1000, 1040, 1040)) == [(40, False), (0, False)]


def test_it_wraps() -> None:
    """From the end of 32 bits to 0: as much as a lamp can take in an hour."""
    assert _amounts(_energy(U32 - 30, 10)) == [(40, False)]


def test_it_restarts() -> None:
    """Far from the end a fall is no wrap: 4 GWh in an hour are not plausible. What the new value shows was counted."""
    assert _amounts(_energy(245_321, 25, 60)) == [(25, True), (35, False)]


def test_a_new_session_tells_a_restart_from_a_wrap() -> None:
    """Near the end both are plausible; the frame counter decides."""
    assert _amounts(_energy(U32 - 30, 10, f_cnts=(900, 901))) == [(40, False)]
    assert _amounts(_energy(U32 - 30, 10, f_cnts=(900, 0))) == [(10, True)]


def test_a_new_session_of_a_counter_that_went_on_is_no_restart() -> None:
    """A device joins again without losing its meter."""
    assert _amounts(_energy(1000, 1040, f_cnts=(900, 0))) == [(40, False)]


def test_a_jump_counts_nothing() -> None:
    """A meter that was set, or swapped, in either direction."""
    assert _amounts(_energy(1000, 900_000, 900_040)) == [(0, True), (40, False)]
    assert _amounts(_energy(900_000, 800_000, 800_040)) == [(0, True), (40, False)]


def test_lamp_hours_of_a_clock_that_runs_fast() -> None:
    """3,601 seconds lit in an hour: a lamp that burned all the time, not a jump."""
    samples = [Sample(0, 7200.0), Sample(HOUR_US, 10_801.0)]
    assert counted_in("lamp_time_s", samples, start_us=0, end_us=HOUR_US) == 3601.0


def test_a_frame_that_the_radio_held_back() -> None:
    """The first sample was sent a minute late: an hour and a minute of light between two samples an hour apart."""
    samples = [Sample(0, 7200.0), Sample(HOUR_US, 7200.0 + 3660.0)]
    assert counted_in("lamp_time_s", samples, start_us=0, end_us=HOUR_US) == 3660.0


def test_energy_since_midnight() -> None:
    """A sample before midnight gives the share of the hour that it crosses."""
    samples = [Sample(hour * HOUR_US, 1000.0 + 40 * hour) for hour in range(-2, 3)]
    midnight_us = HOUR_US // 2
    assert counted_in("energy_wh", samples, start_us=midnight_us, end_us=3 * HOUR_US) == pytest.approx(60.0)


def test_a_period_without_a_measurement_has_no_total() -> None:
    """None is not 0: nothing is known of it. One sample alone says nothing either."""
    found = _energy(1000, 1040)
    assert total(found, start_us=2 * HOUR_US, end_us=3 * HOUR_US) is None
    assert total(_energy(1000, 1000), start_us=0, end_us=HOUR_US) == 0.0
    assert counted_in("energy_wh", [Sample(0, 5.0)], start_us=0, end_us=HOUR_US) is None
    assert increments([], width_bits=32, max_per_s=1.0) == []


def test_the_counters_are_quantities_of_their_width() -> None:
    """The plausible end of each is that of its counter."""
    for name, counter in COUNTERS.items():
        assert quantities.lookup(name).high == 2**counter.width_bits - 1
    with pytest.raises(KeyError):
        counted_in("power_w", [], start_us=0, end_us=1)
