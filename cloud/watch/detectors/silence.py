"""Which devices are silent that should speak, each by itself. Power-aware; what several have in common: `watch.groups`.

Silence is counted in powered time: a lamp on a circuit that is switched at its cabinet owes nothing by day and during
extinction, but one uplink more each time it gets power, because it starts then. A device is *late* after some expected
intervals; it is *silent* when uplinks lost on the way do not explain it any more.
"""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from functools import lru_cache
from math import ceil, log
from typing import Final, NamedTuple

from cloud.schema import UPLINK
from cloud.stores.base import Field, Point
from cloud.watch.heard import Heard, read_heard
from cloud.watch.model import About, Finding, Judgement, Keep, Severity, State, Watched
from cloud.watch.plan import Plan, Span, plan_of
from core.territory import DeviceState
from core.territory.model import Thresholds

KIND: Final = "silence.device"
STATE: Final = "silence"

_MINUTE_MS = 60_000
_LOOK_MS = 4 * 86_400_000  # a plan is followed as far as it takes, so much at a time
_MONTH_MS = 28 * 86_400_000
_SLOWER, _FASTER = 5, 12  # gaps that show a device to be slower, or faster, than its profile
_MOST = 0.8  # of its gaps are not longer than what is learned from them
_REGULAR = 0.75  # a fifth of its gaps may be shorter than this part of the learned one: else it talks in bursts
_WEIGHT = 10  # gaps: what its profile promises of loss, against what it shows


class Word(StrEnum):
    HEARD = "heard"
    LATE = "late"
    SILENT = "silent"
    UNPOWERED = "unpowered"


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


class Standing(NamedTuple):
    """How a device stands. `since_ms`: when it spoke last, or was put up. `spoke`: it ever did, where it is now."""

    spoke: bool
    since_ms: int
    rhythm: Rhythm
    quiet: Quiet


_HEARD = Word.HEARD.value  # members of an enumeration are slow to reach
_INSTALLED = DeviceState.INSTALLED


class Silence:
    """The detector of one device's silence: of every asset with a sensor that is in service."""

    measurement = UPLINK
    keep = Keep(last=16, hours=72)

    def concerns(self, watched: Watched) -> bool:
        return watched.profile is not None and watched.device is not None and watched.device.state is _INSTALLED

    def read(self, point: Point) -> Heard | None:
        return read_heard(point)

    def judge(self, seen: Sequence[Heard], watched: Watched, now_ms: int) -> Judgement:
        seen = _of_this_sensor(seen, watched.since_ms)
        plan, limits = _plan(watched), limits_of(watched)
        rhythm = rhythm_of(seen, watched, plan, limits)
        since_ms = seen[-1].at_ms if seen else watched.since_ms
        quiet = quiet_since(since_ms, rhythm, plan, now_ms)
        silent_at_ms, next_ms = quiet.silent_at_ms, quiet.next_ms
        site = seen[-1].edge if seen else ""
        if (ended := _hardly_ended(seen, rhythm, plan, int(limits.silence_clear_uplinks))) is not None:
            before, silent_at_ms = ended
            since_ms, site, next_ms = before.at_ms, before.edge, None  # the next uplink decides
        if silent_at_ms is None:
            return Judgement(_state(seen, plan, rhythm, quiet, now_ms), (), next_ms)
        facts: dict[str, Field] = {"expected_s": rhythm.interval_ms / 1000, "silent_ms": silent_at_ms}
        if watched.device is not None:
            facts["device"] = watched.device.dev_eui
        if seen:
            facts["heard_ms"] = since_ms
            facts["site"] = site
        states = (State(STATE, Word.SILENT.value, silent_at_ms),) if seen else ()
        finding = Finding(
            KIND, Severity.NOTICE, watched.database, watched.commune, About.ASSET, watched.id, since_ms, facts
        )
        return Judgement(states, (finding,), next_ms)


def limits_of(watched: Watched) -> Thresholds:
    """The constants of its tenant."""
    return watched.territory.tenants[watched.database].thresholds


def standing(seen: Sequence[Heard], watched: Watched, now_ms: int) -> Standing:
    """How a device stands that has a profile; what was heard after `now_ms` is passed over."""
    if seen and seen[-1].at_ms > now_ms:
        seen = [one for one in seen if one.at_ms <= now_ms]
    seen = _of_this_sensor(seen, watched.since_ms)
    plan = _plan(watched)
    rhythm = rhythm_of(seen, watched, plan, limits_of(watched))
    since_ms = seen[-1].at_ms if seen else watched.since_ms
    return Standing(bool(seen), since_ms, rhythm, quiet_since(since_ms, rhythm, plan, now_ms))


def _of_this_sensor(seen: Sequence[Heard], since_ms: int) -> Sequence[Heard]:
    """Without what the asset's former sensor said."""
    if seen and seen[0].at_ms < since_ms:
        return [one for one in seen if one.at_ms >= since_ms]
    return seen


def _plan(watched: Watched) -> Plan | None:
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


def quiet_since(since_ms: int, rhythm: Rhythm, plan: Plan | None, now_ms: int) -> Quiet:
    """The silence since an instant, as it stands at `now_ms`.

    Args:
        plan: of a switched circuit; None: it always has power.
    """
    if plan is None:
        late_at_ms, silent_at_ms = since_ms + rhythm.late_ms, since_ms + rhythm.silent_ms
        spent_ms = max(0, now_ms - since_ms)
        if now_ms < late_at_ms:
            return Quiet(spent_ms, None, None, late_at_ms)
        if now_ms < silent_at_ms:
            return Quiet(spent_ms, late_at_ms, None, silent_at_ms)
        return Quiet(spent_ms, late_at_ms, silent_at_ms, None)
    return _switched_quiet(since_ms, rhythm, plan, now_ms)


def _switched_quiet(since_ms: int, rhythm: Rhythm, plan: Plan, now_ms: int) -> Quiet:
    spent_ms = 0
    late_at_ms: int | None = None
    owed_at_ms: int | None = None
    span = plan.span(now_ms)
    powered = span.level_pct > 0
    for start_ms, end_ms, switched_on in _powered_times(plan, since_ms, now_ms):
        owed_at_ms = start_ms + rhythm.slack_ms if switched_on else None
        at_ms = start_ms
        steps = [(end_ms, 0)]
        if owed_at_ms is not None and owed_at_ms <= end_ms:
            steps = [(owed_at_ms, rhythm.interval_ms), *steps]
        for until_ms, debt_ms in steps:
            after_ms = spent_ms + until_ms - at_ms
            if late_at_ms is None and after_ms + debt_ms >= rhythm.late_ms:
                late_at_ms = min(until_ms, at_ms + rhythm.late_ms - spent_ms)
            if after_ms + debt_ms >= rhythm.silent_ms:
                silent_at_ms = min(until_ms, at_ms + rhythm.silent_ms - spent_ms)
                return Quiet(after_ms + debt_ms, late_at_ms, silent_at_ms, None, powered)
            spent_ms, at_ms = after_ms + debt_ms, until_ms
    change_ms = min(span.end_ms, now_ms + _MONTH_MS)
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


def _hardly_ended(seen: Sequence[Heard], rhythm: Rhythm, plan: Plan | None, uplinks: int) -> tuple[Heard, int] | None:
    """The uplink before a silence that fewer than so many uplinks have ended, and when it came to be one."""
    least_ms = rhythm.silent_ms if plan is None else rhythm.interval_ms
    for place in range(len(seen) - 2, max(-1, len(seen) - 1 - uplinks), -1):
        before, after_ms = seen[place], seen[place + 1].at_ms
        if after_ms - before.at_ms >= least_ms:
            quiet = quiet_since(before.at_ms, rhythm, plan, after_ms)
            if quiet.silent_at_ms is not None:
                return before, quiet.silent_at_ms
    return None


# what is said of it


def _state(seen: Sequence[Heard], plan: Plan | None, rhythm: Rhythm, quiet: Quiet, now_ms: int) -> tuple[State, ...]:
    """Of what is not silent; nothing of what never spoke."""
    if not seen:
        return ()
    if not quiet.powered and plan is not None:
        return (State(STATE, Word.UNPOWERED.value, plan.span(now_ms).start_ms),)
    if quiet.late_at_ms is not None:
        return (State(STATE, Word.LATE.value, quiet.late_at_ms),)
    return (_heard_since(seen, plan, rhythm, now_ms),)


def _heard_since(seen: Sequence[Heard], plan: Plan | None, rhythm: Rhythm, now_ms: int) -> State:
    """Since it was late for the last time, as far as is known; or since it got power."""
    late_ms = rhythm.late_ms
    from_ms = seen[0].at_ms
    if plan is not None:
        span = plan.span(now_ms)
        while (before := plan.span(span.start_ms - 1)).level_pct and before.start_ms < span.start_ms:
            span = before
        from_ms = span.start_ms
    elif rhythm.longest_ms < late_ms:
        return State(STATE, _HEARD, from_ms, True)
    for place in range(len(seen) - 1, 0, -1):
        newer_ms, older_ms = seen[place].at_ms, seen[place - 1].at_ms
        if newer_ms < from_ms:
            break
        if newer_ms - older_ms >= late_ms and (plan is None or older_ms >= from_ms):
            return State(STATE, _HEARD, newer_ms)
        if older_ms < from_ms and quiet_since(older_ms, rhythm, plan, newer_ms).late_at_ms is not None:
            return State(STATE, _HEARD, newer_ms)
    return State(STATE, _HEARD, from_ms, plan is None)
