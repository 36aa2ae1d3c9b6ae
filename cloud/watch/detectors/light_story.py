"""What the last words of a lamp come to, by their times: burning or broken, since when; going out and back. Pure.

Since when: from the first word of the last run; or earlier, where no word before it is kept that says otherwise.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from cloud.watch.detectors.light_said import (
    DRIVER,
    DRIVER_FAILED,
    LAMP_FAILED,
    LAST,
    LEVEL,
    METER,
    NO_SOURCE,
    NOTHING,
    OFF,
    ON,
    UNTOLD,
    WELL,
    Said,
)
from cloud.watch.plan import MINUTE_MS, Plan, Span
from core.territory.model import Thresholds

_MONTH_MS: Final = 31 * 86_400_000
_UNKNOWN_MS: Final = -1  # before anything that is kept
_NO_SPAN: Final = Span(0, 0, 0.0)


class Burning(NamedTuple):
    """Whether it burns. `run`: the words that say so, from the first on; none, where silence says it."""

    lit: int  # ON, OFF, UNTOLD
    since_ms: int
    or_earlier: bool
    run: Sequence[Said]
    source: int


class Health(NamedTuple):
    """What is broken: LAMP_FAILED or DRIVER_FAILED; NOTHING. `channel`: of which driver; `words`: of it that say so."""

    code: int
    since_ms: int
    or_earlier: bool
    channel: str
    words: int = 0


class Restless(NamedTuple):
    """A lamp that went out and came back: how often it changed, and how often it came back."""

    since_ms: int
    changes: int
    returns: int


STEADY: Final = Restless(0, 0, 0)
UNKNOWN: Final = Burning(UNTOLD, 0, True, (), NO_SOURCE)
SOUND: Final = Health(NOTHING, 0, False, "")


def source_of(seen: Sequence[Said]) -> int:
    """Whose word counts: the driver's, unless it has failed; else the meter's; else the level that was told."""
    found, is_failed = LEVEL, False
    for said in reversed(seen):
        if said.source == DRIVER and not is_failed:
            return DRIVER
        if said.source == METER:
            found = METER
        elif said.health == DRIVER_FAILED:
            is_failed = True
    return NO_SOURCE if is_failed and found == LEVEL else found


def burning(seen: Sequence[Said], plan: Plan, limits: Thresholds, *, now_ms: int, unheard_ms: int) -> Burning:
    """Whether it burns, by its best source; with several heads, whether any does.

    A circuit without power says nothing. So a lamp of a switched one that did as it should goes off with its circuit,
    though nobody says so; one that burned without being expected, when it was silent for `unheard_ms` of a time without
    light.
    """
    source = source_of(seen)
    lit, since_ms, last_ms, otherwise_ms = UNTOLD, 0, 0, _UNKNOWN_MS
    is_switched, is_astray = plan.switched, False
    span = _NO_SPAN
    heads: dict[str, int] = {}
    run: list[Said] = []
    for said in seen:
        if said.source != source:
            continue
        word = said.lit if source != METER else by_meter(said.power_w, limits)
        if word == UNTOLD:
            continue
        at_ms = said.at_ms
        if is_switched:
            if not span.start_ms <= at_ms < span.end_ms:
                span = plan.span(at_ms)
            if lit == ON and (last_ms < span.start_ms or is_astray):
                off_ms = _silent_off_ms(plan, last_ms, at_ms, unheard_ms if is_astray else 0)
                if off_ms is not None:
                    lit, last_ms, heads = OFF, off_ms, {}
        heads[said.channel] = word
        if len(heads) > 1:
            word = ON if ON in heads.values() else OFF
        if word != lit:
            if lit != UNTOLD:
                otherwise_ms = last_ms
            lit, since_ms, run, is_astray = word, at_ms, [], False
        run.append(said)
        last_ms = at_ms
        if is_switched and word == ON and span.level_pct == 0 and is_settled(span, at_ms, limits):
            is_astray = True
    if lit == UNTOLD:
        return UNKNOWN
    if is_switched and lit == ON and (now_ms >= span.end_ms or is_astray):
        off_ms = _silent_off_ms(plan, last_ms, now_ms, unheard_ms if is_astray else 0)
        if off_ms is not None:
            return Burning(OFF, off_ms, False, (), source)
    or_earlier = otherwise_ms == _UNKNOWN_MS or _is_thinned(run)
    return Burning(lit, since_ms, or_earlier, run, source)


def _silent_off_ms(plan: Plan, start_ms: int, end_ms: int, unheard_ms: int) -> int | None:
    """When a lamp that was silent from start to end went off: where it owed no light, for so long, and said nothing.

    `unheard_ms` 0: as soon as its circuit is switched off.
    """
    off = plan.last_off(end_ms)
    if off is None:
        return None
    if not unheard_ms:
        return off.start_ms if off.start_ms > start_ms else None
    from_ms = max(off.start_ms, start_ms)
    return from_ms if min(off.end_ms, end_ms) - from_ms >= unheard_ms else None


def _is_thinned(run: Sequence[Said]) -> bool:
    """Whether words of this run may be forgotten: a sort has all that is kept of it in the run."""
    if len(run) < LAST:
        return False
    counted: dict[int, int] = {}
    for said in run:
        number = counted[said.sort] = counted.get(said.sort, 0) + 1
        if number >= LAST:
            return True
    return False


def by_meter(power_w: float, limits: Thresholds) -> int:
    """Whether it burns, by what is drawn; UNTOLD between the two thresholds."""
    if power_w > limits.lamp_lit_w:
        return ON
    return OFF if 0 <= power_w < limits.lamp_unlit_w else UNTOLD


def health(seen: Sequence[Said], limits: Thresholds) -> Health:
    """What is broken now: what a driver said last of its lamp while it burned or should have, and of itself.

    "No fault" from a lamp that is off says nothing of the lamp; but the driver answers.
    """
    broken: dict[str, Health] = {}
    others_ms: dict[str, int] = {}  # when each channel last said otherwise
    for said in seen:
        code, channel, at_ms = said.health, said.channel, said.at_ms
        if said.source == DRIVER and code != DRIVER_FAILED and channel:
            broken.pop("", None)  # the bus carries again
            others_ms[""] = at_ms
        held = broken.get(channel)
        if code >= LAMP_FAILED:
            if held is None or held.code != code:
                broken[channel] = Health(code, at_ms, channel not in others_ms, channel)
            others_ms[channel] = at_ms
        elif code == NOTHING:
            if held is not None and held.code == LAMP_FAILED and said.power_w > limits.lamp_lit_w:
                del broken[channel]  # an alert of the meter, which draws again
                others_ms[channel] = at_ms
        elif code == WELL or (held is not None and held.code == DRIVER_FAILED):
            broken.pop(channel, None)
            others_ms[channel] = at_ms
    if not broken:
        return SOUND
    worst = max(broken.values(), key=lambda one: (one.code, -one.since_ms, one.channel))
    said_by = [said.channel for said in seen if said.health == worst.code and said.at_ms >= worst.since_ms]
    return worst._replace(or_earlier=worst.or_earlier or len(said_by) >= LAST, words=said_by.count(worst.channel))


def restless(seen: Sequence[Said], plan: Plan, limits: Thresholds) -> Restless:
    """How often a lamp that shall burn went out and came back within the window of a flicker.

    The window ends with its last word of the matter, and only the time in which it shall burn counts: a lamp that is
    off as it should shows neither that it flickers nor that it does not.
    """
    lit: dict[str, bool] = {}
    changes: list[tuple[int, bool]] = []
    last_ms = 0
    for said in seen:
        if said.source != DRIVER:
            continue
        if said.lit == ON and said.health != LAMP_FAILED:
            now = True
        elif said.health == LAMP_FAILED or said.level_pct > 0 or (said.level_pct < 0 and is_due(plan, said, limits)):
            now = False
        else:
            continue  # it is off as it was told
        if lit.get(said.channel, now) is not now:
            changes.append((said.at_ms, now))
        lit[said.channel] = now
        last_ms = said.at_ms
    window_ms = limits.flicker_window_min * MINUTE_MS
    recent = [change for change in changes if _lit_ms(plan, change[0], last_ms) <= window_ms]
    return Restless(recent[0][0], len(recent), sum(now for _, now in recent)) if recent else STEADY


def _lit_ms(plan: Plan, start_ms: int, end_ms: int) -> int:
    """How long the lamps shall burn between two instants."""
    lit_ms, at_ms = 0, start_ms
    while at_ms < end_ms:
        span = plan.span(at_ms)
        until_ms = min(span.end_ms, end_ms)
        lit_ms += until_ms - at_ms if span.level_pct > 0 else 0
        at_ms = until_ms
    return lit_ms


def after_lit_ms(plan: Plan, start_ms: int, lit_ms: int) -> int:
    """When the lamps shall have burned for so long since an instant; a month after it, if they shall not till then."""
    at_ms, left_ms, latest_ms = start_ms, lit_ms, start_ms + _MONTH_MS
    while at_ms < latest_ms:
        span = plan.span(at_ms)
        if span.level_pct > 0:
            if span.end_ms - at_ms >= left_ms:
                return at_ms + left_ms
            left_ms -= span.end_ms - at_ms
        at_ms = span.end_ms
    return latest_ms


def is_due(plan: Plan, said: Said, limits: Thresholds) -> bool:
    """Whether it should have burned, beyond doubt, when it said that."""
    span = plan.span(said.at_ms)
    return span.level_pct > 0 and is_settled(span, said.at_ms, limits)


def is_settled(span: Span, at_ms: int, limits: Thresholds) -> bool:
    """Whether an instant is far enough from the switching times around it: farther from the sun's than the clock's."""
    start_min = limits.lamp_sun_min if span.starts_by_sun else limits.lamp_clock_min
    end_min = limits.lamp_sun_min if span.ends_by_sun else limits.lamp_clock_min
    return span.start_ms + start_min * MINUTE_MS <= at_ms <= span.end_ms - end_min * MINUTE_MS
