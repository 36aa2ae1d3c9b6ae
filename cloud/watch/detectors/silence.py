"""Which devices are silent that should speak, each by itself. Power-aware; what several have in common: `watch.groups`.

A device is *late* after some expected intervals of powered time; it is *silent* when uplinks lost on the way do not
explain it any more (`watch.rhythm`).
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from cloud.schema import UPLINK
from cloud.stores.base import Field, Point
from cloud.watch.heard import Heard, read_heard
from cloud.watch.model import About, Finding, Judgement, Keep, Severity, State, Watched
from cloud.watch.plan import Plan
from cloud.watch.rhythm import Quiet, Rhythm, limits_of, of_this_sensor, quiet_since, rhythm_of, switched_plan
from core.territory import DeviceState

KIND: Final = "silence.device"
STATE: Final = "silence"


class Word(StrEnum):
    HEARD = "heard"
    LATE = "late"
    SILENT = "silent"
    UNPOWERED = "unpowered"


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
        seen = of_this_sensor(seen, watched.since_ms)
        plan, limits = switched_plan(watched), limits_of(watched)
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


def _hardly_ended(seen: Sequence[Heard], rhythm: Rhythm, plan: Plan | None, uplinks: int) -> tuple[Heard, int] | None:
    """The uplink before a silence that fewer than so many uplinks have ended, and when it came to be one."""
    least_ms = rhythm.silent_ms if plan is None else rhythm.silent_ms // 2  # an uplink is owed for each start
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
    off_ms = 0
    if plan is not None:
        span = plan.span(now_ms)
        while (before := plan.span(span.start_ms - 1)).level_pct and before.start_ms < span.start_ms:
            span = before
        from_ms, off_ms = span.start_ms, before.start_ms
    elif rhythm.longest_ms < late_ms:
        return State(STATE, _HEARD, from_ms, True)
    newer_ms = seen[-1].at_ms
    for older in reversed(seen[:-1]):
        older_ms = older.at_ms
        if newer_ms < from_ms:
            break
        if plan is None or older_ms >= from_ms:
            if newer_ms - older_ms >= late_ms:
                return State(STATE, _HEARD, newer_ms)
        elif older_ms < off_ms - rhythm.interval_ms or newer_ms > from_ms + rhythm.slack_ms:
            # it did not start at once, or had not spoken shortly before
            if quiet_since(older_ms, rhythm, plan, newer_ms).late_at_ms is not None:
                return State(STATE, _HEARD, newer_ms)
            break
        newer_ms = older_ms
    return State(STATE, _HEARD, from_ms, plan is None)
