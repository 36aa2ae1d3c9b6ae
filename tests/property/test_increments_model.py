"""Increments against a device that counts, wraps, reboots, and whose frames are lost, doubled and late."""

from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.increments import JITTER_S, Increment, Sample, increments, total

WIDTH_BITS = 16
MODULUS = 2**WIDTH_BITS
MAX_PER_S = 2.0


@dataclass(frozen=True)
class Told:
    """A frame, and what only the device knows."""

    sample: Sample
    counted: int  # since the beginning, never wrapped
    reboots: int


# how long it counted (s), what share of the most it can (%), whether it reboots then, how often the frame arrives
steps = st.lists(
    st.tuples(st.integers(1, 600), st.integers(0, 100), st.booleans(), st.sampled_from([0, 1, 1, 2])),
    min_size=2,
    max_size=40,
)
starts = st.one_of(st.integers(0, MODULUS - 1), st.integers(MODULUS - 500, MODULUS - 1), st.integers(0, 50))


def run_device(start: int, moves: list[tuple[int, int, bool, int]], *, reboots: bool, f_cnt: bool) -> list[Told]:
    """The frames that arrive, in the order of sending; at most 48,000 are counted: it never wraps twice."""
    value, counted, restarts, frame, time_us = start, 0, 0, 0, 1_000_000
    told: list[Told] = []
    for seconds, percent, reboot, copies in moves:
        amount = int(seconds * MAX_PER_S) * percent // 100
        value, counted, time_us = (value + amount) % MODULUS, counted + amount, time_us + seconds * 1_000_000
        if reboot and reboots:
            value, restarts, frame = 0, restarts + 1, 0
        sample = Sample(time_us, float(value), frame if f_cnt else None)
        told += [Told(sample, counted, restarts)] * copies
        frame += 1
    return told


def _found(told: list[Told]) -> list[Increment]:
    return increments([one.sample for one in told], width_bits=WIDTH_BITS, max_per_s=MAX_PER_S)


def _arrived(told: list[Told]) -> list[Told]:
    return list({one.sample.time_us: one for one in told}.values())


@given(starts, steps, st.booleans())
@example(MODULUS - 1, [(1, 100, False, 1), (600, 100, False, 1)], False)
def test_without_a_reboot_every_increment_is_exact(
    start: int, moves: list[tuple[int, int, bool, int]], f_cnt: bool
) -> None:
    """Across wraps and lost frames; none is called a restart, and they follow one another without a gap."""
    told = run_device(start, moves, reboots=False, f_cnt=f_cnt)
    found = _found(told)
    for (before, after), one in zip(pairwise(_arrived(told)), found, strict=True):
        assert one == Increment(before.sample.time_us, after.sample.time_us, after.counted - before.counted)
    if found:
        arrived = _arrived(told)
        whole = total(found, start_us=0, end_us=2**60)
        assert whole == pytest.approx(arrived[-1].counted - arrived[0].counted)


@given(starts, steps)
def test_a_reboot_never_counts_more_than_was_counted(start: int, moves: list[tuple[int, int, bool, int]]) -> None:
    """With the frame counter: exact where there was no reboot, else at most the truth, and at least what the new value
    shows when it fell. A restart is called one only where there was one."""
    told = run_device(start, moves, reboots=True, f_cnt=True)
    for (before, after), one in zip(pairwise(_arrived(told)), _found(told), strict=True):
        truth = after.counted - before.counted
        if after.reboots == before.reboots:
            assert (one.amount, one.restarted) == (truth, False)
            continue
        fell = after.sample.value < before.sample.value
        new_session = (after.sample.f_cnt or 0) <= (before.sample.f_cnt or 0)
        if fell and not new_session:  # it sent more frames since than before: a wrap cannot be ruled out
            assert one.amount <= MAX_PER_S * ((one.end_us - one.start_us) / 1e6 + JITTER_S)
        else:
            assert 0 <= one.amount <= truth
            assert one.restarted == fell
            if fell:
                assert one.amount == after.sample.value


@given(starts, steps)
def test_without_a_frame_counter_no_increment_is_more_than_can_be(
    start: int, moves: list[tuple[int, int, bool, int]]
) -> None:
    """A restart near the end of the counter may be taken for a wrap: wrong by what the time allows, no more."""
    told = run_device(start, moves, reboots=True, f_cnt=False)
    for (before, after), one in zip(pairwise(_arrived(told)), _found(told), strict=True):
        assert 0 <= one.amount <= MAX_PER_S * ((one.end_us - one.start_us) / 1e6 + JITTER_S)
        if after.reboots == before.reboots:
            assert one.amount == after.counted - before.counted


@given(starts, steps, st.randoms(use_true_random=False), st.booleans())
def test_the_order_of_arrival_says_nothing(
    start: int, moves: list[tuple[int, int, bool, int]], chance: object, reboots: bool
) -> None:
    """Late and doubled frames change no increment."""
    told = run_device(start, moves, reboots=reboots, f_cnt=True)
    mixed = told * 2
    chance.shuffle(mixed)  # type: ignore[attr-defined]
    assert _found(mixed) == _found(told)


@given(starts, steps, st.lists(st.integers(0, 30_000_000_000), min_size=1, max_size=5))
def test_the_parts_of_a_period_make_its_whole(
    start: int, moves: list[tuple[int, int, bool, int]], cuts: list[int]
) -> None:
    """Wherever a day is cut (midnight falls between two samples), nothing is counted twice or lost."""
    found = _found(run_device(start, moves, reboots=True, f_cnt=True))
    borders = sorted({0, *cuts, 2**60})
    parts = [total(found, start_us=a, end_us=b) or 0.0 for a, b in pairwise(borders)]
    assert sum(parts) == pytest.approx(total(found, start_us=0, end_us=2**60) or 0.0)
