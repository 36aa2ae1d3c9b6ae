"""Counters that run on (energy, hours) → what was counted between two samples, and in a period.

A counter of `width_bits` only rises, wraps from its end to 0, and starts again at 0 when its device loses it. From one
sample to the next in time:

- It rose: the difference. That is exact without a restart between them, else less than what was counted, never more.
- It fell: it wrapped or it restarted. A wrap would have counted `value + 2^width − before`; where that is more than
  the device can count in the time (`max_per_s`), it was a restart. A wrap is the likelier of two plausible answers,
  since a counter restarts anywhere, and seldom where it is about to wrap anyway; but a frame counter that fell too
  tells of a restart. After a restart the new value is what was counted since: again never more than the truth.
- It moved by more than the device can count, whichever way: it was set, or is another counter. Nothing is counted.

Lost frames make intervals longer and no count wrong, as long as none is so long that the counter wraps twice. Samples
may come in any order and more than once: only their times count. `max_per_s` must be a bound that no device of the
kind ever passes, or its truth would be taken for a jump; a generous one costs only the telling of a wrap from a
restart near the end of the counter.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import NamedTuple

JITTER_S = 60.0
"""How much longer than its samples are apart a device may have counted: it sends when the radio lets it."""


class Sample(NamedTuple):
    """A counter as it was read. `f_cnt` is the frame counter of its uplink, where it is known."""

    time_us: int
    value: float
    f_cnt: int | None = None


@dataclass(frozen=True, slots=True)
class Increment:
    """What was counted from one sample to the next; `restarted`: the counter did not run through."""

    start_us: int
    end_us: int
    amount: float
    restarted: bool = False


@dataclass(frozen=True, slots=True)
class Counter:
    """A counter: its width, and what it can count in a second at most."""

    width_bits: int
    max_per_s: float


_MAX_W = 5000  # the plausible end of `power_w`
COUNTERS: Mapping[str, Counter] = MappingProxyType(
    {
        # quantities that run on, with the widths that NAS UL20xx sends (usage, port 26)
        "energy_wh": Counter(32, _MAX_W / 3600),
        "load_energy_wh": Counter(32, _MAX_W / 3600),
        "driver_time_s": Counter(32, 1.01),  # a device's clock may run fast
        "lamp_time_s": Counter(32, 1.01),
    }
)


def increments(
    samples: Iterable[Sample], *, width_bits: int, max_per_s: float, jitter_s: float = JITTER_S
) -> list[Increment]:
    """What was counted between the samples of one counter of one device, in order of time.

    Args:
        samples: in any order; of several with one time the last is taken.
        width_bits: the counter wraps at 2^width_bits.
        max_per_s: more than it can ever count in a second.
        jitter_s: how much longer than between two samples it may have counted.
    """
    by_time = {sample.time_us: sample for sample in samples}
    ordered = [by_time[time_us] for time_us in sorted(by_time)]
    return [_between(before, after, 2**width_bits, max_per_s, jitter_s) for before, after in pairwise(ordered)]


def _between(before: Sample, after: Sample, modulus: int, max_per_s: float, jitter_s: float) -> Increment:
    start_us, end_us = before.time_us, after.time_us
    most = max_per_s * ((end_us - start_us) / 1_000_000 + jitter_s)
    risen = after.value - before.value
    if 0 <= risen <= most:
        return Increment(start_us, end_us, risen)
    if risen < 0:
        if 0 < risen + modulus <= most and not _session_restarted(before, after):
            return Increment(start_us, end_us, risen + modulus)
        if after.value <= most:
            return Increment(start_us, end_us, after.value, restarted=True)
    return Increment(start_us, end_us, 0.0, restarted=True)


def _session_restarted(before: Sample, after: Sample) -> bool:
    return before.f_cnt is not None and after.f_cnt is not None and after.f_cnt <= before.f_cnt


def total(counted: Iterable[Increment], *, start_us: int, end_us: int) -> float | None:
    """What was counted from `start_us` to `end_us`; None where no increment reaches into the period.

    An increment that crosses an end of the period counts with its share of the time, as if it had run evenly.
    """
    found: float | None = None
    for one in counted:
        inside_us = min(one.end_us, end_us) - max(one.start_us, start_us)
        if inside_us > 0:
            found = (found or 0.0) + one.amount * inside_us / (one.end_us - one.start_us)
    return found


def counted_in(quantity: str, samples: Iterable[Sample], *, start_us: int, end_us: int) -> float | None:
    """What a quantity of `COUNTERS` counted in a period, in its own unit. Give a sample before the period too.

    Raises:
        KeyError: the quantity is not one that runs on.
    """
    counter = COUNTERS[quantity]
    found = increments(samples, width_bits=counter.width_bits, max_per_s=counter.max_per_s)
    return total(found, start_us=start_us, end_us=end_us)
