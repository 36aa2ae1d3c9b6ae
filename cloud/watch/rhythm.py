"""How often a device speaks, and how long it has not: what is silence for it. Pure.

Silence is counted in powered time: a lamp on a circuit that is switched at its cabinet owes nothing by day and during
extinction, but one uplink more for each time it gets power, because it starts then.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from math import ceil, log
from typing import NamedTuple

from cloud.watch.heard import Heard
from cloud.watch.model import Watched
from cloud.watch.plan import Plan, Span, plan_of
from core.territory.model import Thresholds

MONTH_MS = 28 * 86_400_000  # no plan is asked farther ahead
_MINUTE_MS = 60_000
_LOOK_MS = 4 * 86_400_000  # a plan is followed as far as it takes, so much at a time
_SLOWER, _FASTER = 5, 12  # gaps that show a device to be slower, or faster, than its profile
_MOST = 0.8  # of its gaps are not longer than what is learned from them
_REGULAR = 0.75  # a fifth of its gaps may be shorter than this part of the learned one: else it talks in bursts
_WEIGHT = 10  # gaps: what its profile promises of loss, against what it shows


class Rhythm(NamedTuple):
    """How often a device speaks, and how long it may not: `late_ms` and `silent_ms` of powered silence.

    `longest_ms`: between two of its uplinks, powered or not.
    """

    interval_ms: int
    late_ms: int
    silent_ms: int
    slack_ms: int
    longest_ms: int


class Quiet(NamedTuple):
    """What is not heard since an instant: how much of it was powered silence, a switching-on counted as one interval.

    `late_at_ms`, `silent_at_ms`: when that came to be late, and silent; None: not yet.
    `next_ms`: when any of this, or the power, will be another; None: never.
    """

    spent_ms: int
    late_at_ms: int | None
    silent_at_ms: int | None
    next_ms: int | None
    powered: bool = True


def limits_of(watched: Watched) -> Thresholds:
    """The constants of its tenant."""
    return watched.territory.tenants[watched.database].thresholds


def of_this_sensor(seen: Sequence[Heard], since_ms: int) -> Sequence[Heard]:
    """Without what the asset's former sensor said."""
    if seen and seen[0].at_ms < since_ms:
        return [one for one in seen if one.at_ms >= since_ms]
    return seen


def switched_plan(watched: Watched) -> Plan | None:
    """Of an asset whose power is switched."""
    if watched.asset.circuit is None:
        return None
    plan = plan_of(watched.territory, watched.asset)
    return plan if plan is not None and plan.switched else None


# how often it speaks


def rhythm_of(seen: Sequence[Heard], watched: Watched, plan: Plan | None, limits: Thresholds) -> Rhythm:
    """What is expected of a device: its profile, or what it does when that is another; and how long it may be silent.

    Learned from the gaps between uplinks, each divided by the frames sent in it (by the frame counter), so that loss
    makes no device slow; not from gaps with a time without power in them. Slower than the profile: at once. Faster:
    only when it is regular, so that a burst (start, alert, flicker) is not taken for its rhythm.
    """
    profile = watched.profile
    interval_ms = 0 if profile is None else profile.expected_interval_s * 1000
    gaps: list[int] = []
    odd = lossy = longest_ms = 0
    powered: Span | None = None
    older: Heard | None = None
    for newer in seen:
        if older is not None:
            gap_ms = newer.at_ms - older.at_ms
            if gap_ms > longest_ms:
                longest_ms = gap_ms
            if newer.session != older.session:
                odd += 1  # its counter began anew: nobody knows how many were lost
            else:
                if (frames := newer.f_cnt - older.f_cnt) > 1:
                    lossy += 1
                    gap_ms //= frames
                if plan is None:
                    gaps.append(gap_ms)
                else:
                    if powered is None or newer.at_ms >= powered.end_ms:
                        powered = plan.span(newer.at_ms)
                    if older.at_ms >= powered.start_ms and powered.level_pct:
                        gaps.append(gap_ms)
        older = newer
    many = len(gaps)
    if many >= _SLOWER:
        gaps.sort()
        learned_ms = gaps[ceil(_MOST * many) - 1]
        if learned_ms > interval_ms or (many >= _FASTER and gaps[int((1 - _MOST) * many)] >= _REGULAR * learned_ms):
            interval_ms = learned_ms
    intervals = _intervals(limits.silence_chance, limits.silence_loss_pct, lossy, max(0, len(seen) - 1 - odd))
    slack_ms = int(limits.silence_slack_min * _MINUTE_MS)
    silent_ms = int(max(limits.silence_intervals, intervals) * interval_ms) + slack_ms
    late_ms = min(silent_ms, int(limits.silence_late_intervals * interval_ms) + slack_ms)
    return Rhythm(interval_ms, late_ms, silent_ms, slack_ms, longest_ms)


@lru_cache(maxsize=4096)
def _intervals(chance: float, sound_pct: float, lossy: int, gaps: int) -> int:
    """So many uplinks in a row are lost by this chance at most.

    A share p of gaps with a loss in them is what independent losses of p make, and one long outage is but one of them.
    """
    sound = sound_pct / 100
    share = max(sound, (_WEIGHT * sound + lossy) / (_WEIGHT + gaps))
    return ceil(log(chance) / log(share) - 1e-9)


# how long it has been silent


def quiet_since(since_ms: int, rhythm: Rhythm, plan: Plan | None, now_ms: int, *, starts: bool = True) -> Quiet:
    """The silence since an instant, as it stands at `now_ms`.

    Args:
        plan: of a switched circuit; None: it always has power.
        starts: whether a device that gets power owes an uplink for that.
    """
    if plan is None:
        late_at_ms, silent_at_ms = since_ms + rhythm.late_ms, since_ms + rhythm.silent_ms
        spent_ms = max(0, now_ms - since_ms)
        if now_ms < late_at_ms:
            return Quiet(spent_ms, None, None, late_at_ms)
        if now_ms < silent_at_ms:
            return Quiet(spent_ms, late_at_ms, None, silent_at_ms)
        return Quiet(spent_ms, late_at_ms, silent_at_ms, None)
    return _switched_quiet(since_ms, rhythm, plan, now_ms, starts)


def _switched_quiet(since_ms: int, rhythm: Rhythm, plan: Plan, now_ms: int, starts: bool) -> Quiet:
    spent_ms = 0
    late_at_ms: int | None = None
    owed_at_ms: int | None = None
    span = plan.span(now_ms)
    powered = span.level_pct > 0
    if powered and since_ms >= span.start_ms:  # all of it with power
        spent_ms, late_at_ms, silent_at_ms, next_ms, _ = quiet_since(since_ms, rhythm, None, now_ms)
        next_ms = None if next_ms is None else min(next_ms, span.end_ms)
        return Quiet(spent_ms, late_at_ms, silent_at_ms, next_ms)
    for start_ms, end_ms, switched_on in _powered_times(plan, since_ms, now_ms):
        at_ms, owed_at_ms = start_ms, None
        steps = [(end_ms, 0)]
        if switched_on and starts:
            owed_at_ms = start_ms + max(rhythm.slack_ms, rhythm.interval_ms)
            if owed_at_ms > end_ms and end_ms < now_ms and end_ms - start_ms >= rhythm.slack_ms:
                owed_at_ms = end_ms  # it had power for less than an interval
            if owed_at_ms <= end_ms:
                steps = [(owed_at_ms, rhythm.interval_ms), *steps]
        for until_ms, debt_ms in steps:
            after_ms = spent_ms + until_ms - at_ms
            if late_at_ms is None and after_ms + debt_ms >= rhythm.late_ms:
                late_at_ms = min(until_ms, at_ms + rhythm.late_ms - spent_ms)
            if after_ms + debt_ms >= rhythm.silent_ms:
                silent_at_ms = min(until_ms, at_ms + rhythm.silent_ms - spent_ms)
                return Quiet(after_ms + debt_ms, late_at_ms, silent_at_ms, None, powered)
            spent_ms, at_ms = after_ms + debt_ms, until_ms
    change_ms = min(span.end_ms, now_ms + MONTH_MS)
    if not powered:
        return Quiet(spent_ms, late_at_ms, None, change_ms, powered)
    next_ms = now_ms + (rhythm.late_ms if late_at_ms is None else rhythm.silent_ms) - spent_ms
    if owed_at_ms is not None and owed_at_ms > now_ms:
        next_ms = min(next_ms, owed_at_ms)
    return Quiet(spent_ms, late_at_ms, None, min(next_ms, change_ms), powered)


def _powered_times(plan: Plan, since_ms: int, now_ms: int) -> Iterator[tuple[int, int, bool]]:
    """The times with power since then: from, until, and whether it was switched on then."""
    before_ms: int | None = since_ms
    for from_ms in range(since_ms, now_ms, _LOOK_MS):
        for start_ms, end_ms in plan.powered_spans(from_ms, min(from_ms + _LOOK_MS, now_ms)):
            yield start_ms, end_ms, start_ms != before_ms
            before_ms = end_ms


def lost_by_chance(thresholds: Thresholds) -> int:
    """So many uplinks in a row a sound link does not lose."""
    return _intervals(thresholds.silence_chance, thresholds.silence_loss_pct, 0, 0)
