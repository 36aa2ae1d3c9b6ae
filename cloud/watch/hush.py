"""Devices that are not heard, for looking at several at once: what they miss, and since when. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

from cloud.watch.heard import Heard
from cloud.watch.model import Finding, Watched
from cloud.watch.rhythm import (
    MONTH_MS,
    limits_of,
    lost_by_chance,
    of_this_sensor,
    quiet_since,
    rhythm_of,
    switched_plan,
)
from core.territory.model import Thresholds

_MINUTE_MS = 60_000


class Hush(NamedTuple):
    """A device that is not heard for longer than it should.

    `lost`: uplinks that were due since, and a part of the next one. `since_ms`: when it spoke last. `silent_ms`: when
    that came to be silence for it alone; None: it is not yet.
    `interval_ms`: its own. `grace_ms`: within so much it is heard, once it can speak again.
    """

    asset: str
    since_ms: int
    silent_ms: int | None
    lost: float
    interval_ms: int
    grace_ms: int


def hush_of(seen: Sequence[Heard], watched: Watched, now_ms: int, *, intervals: float = 1.0) -> Hush | None:
    """What a device that was heard makes of it that it is not heard now; None: it missed fewer than so many intervals.

    For looking at several at once: what may be wrong with all of them, like the hour at which their circuit gets power,
    counts for nothing here.
    """
    last_ms = seen[-1].at_ms
    profile = watched.profile
    if profile is None or now_ms - last_ms < intervals * profile.expected_interval_s * 1000:
        return None
    plan = switched_plan(watched)
    if plan is not None:
        span = plan.span(now_ms)
        if not span.level_pct and span.start_ms - last_ms < intervals * profile.expected_interval_s * 1000:
            return None
    seen = of_this_sensor(seen, watched.since_ms)
    if not seen:
        return None
    rhythm = rhythm_of(seen, watched, plan, limits_of(watched))
    quiet = quiet_since(last_ms, rhythm, plan, now_ms, starts=False)
    lost = max(0, quiet.spent_ms - rhythm.slack_ms) / max(1, rhythm.interval_ms)
    if lost < intervals:
        return None
    return Hush(watched.id, last_ms, quiet.silent_at_ms, lost, rhythm.interval_ms, rhythm.late_ms)


def hush_told(finding: Finding, thresholds: Thresholds) -> Hush:
    """The same of a device whose silence is a finding."""
    interval_ms = int(float(finding.facts["expected_s"]) * 1000)
    grace_ms = int(thresholds.silence_late_intervals * interval_ms + thresholds.silence_slack_min * _MINUTE_MS)
    silent_ms = int(finding.facts["silent_ms"])
    return Hush(finding.subject, finding.since_ms, silent_ms, lost_by_chance(thresholds), interval_ms, grace_ms)


def missed_ms(older: Heard, newer: Heard, watched: Watched) -> int:
    """How much of the time between two uplinks had power."""
    plan = switched_plan(watched)
    if plan is None:
        return newer.at_ms - older.at_ms
    return sum(end_ms - start_ms for start_ms, end_ms in plan.powered_spans(older.at_ms, newer.at_ms))


def next_power_ms(watched: Watched, now_ms: int) -> int | None:
    """When a device gets power that has none now; None: it has."""
    plan = switched_plan(watched)
    if plan is None or plan.is_powered(now_ms):
        return None
    return plan.next_change_ms(now_ms) or now_ms + MONTH_MS
