"""Lamps: lit or not and expected or not; burning by day or in extinction, dark by night, flickering, broken. Pure.

Each word of a lamp is judged by its own time, against what the plan said then: one that arrives late says no more of
now than it did. What holds until the lamp says otherwise outlasts the hours in which it cannot: a failed lamp the
day, a relay that sticks the night.
"""

from collections.abc import Sequence
from enum import StrEnum
from operator import attrgetter
from typing import Final, NamedTuple

from cloud.stores.base import Field, Point
from cloud.watch.detectors.light_said import (
    DRIVER,
    DRIVER_FAILED,
    LAMP_FAILED,
    LAST,
    MEASUREMENT,
    METER,
    OFF,
    ON,
    SORTS,
    UNTOLD,
    Said,
    read_said,
)
from cloud.watch.detectors.light_story import (
    SOUND,
    Burning,
    after_lit_ms,
    burning,
    health,
    is_settled,
    restless,
)
from cloud.watch.model import About, Finding, Judgement, Keep, Severity, State, Watched
from cloud.watch.plan import MINUTE_MS, Plan, plan_of, sun_of
from core.territory import Kind
from core.territory.model import Thresholds

_USUAL_INTERVAL_S: Final = 3600  # of a device whose profile is not known
_NEVER_MS: Final = 2**53


class Trouble(StrEnum):
    """The kinds of finding."""

    BURNING_BY_DAY = "light.burning_by_day"
    BURNING_IN_EXTINCTION = "light.burning_in_extinction"
    DARK_BY_NIGHT = "light.dark_by_night"
    FLICKER = "light.flicker"
    LAMP_FAILURE = "light.lamp_failure"
    DRIVER_FAILURE = "light.driver_failure"


class Word(StrEnum):
    """What a lamp is now: the state `lamp`."""

    LIT = "lit"
    OFF = "off"
    DARK = "dark"  # off where it should burn, and nothing says why
    FLICKERING = "flickering"
    FAILED = "failed"
    DRIVER_FAILED = "driver_failed"


class _Trouble(NamedTuple):
    """Told from `told_ms` on, if it holds till then."""

    kind: Trouble
    since_ms: int
    told_ms: int
    or_earlier: bool
    word: Word | None = None
    channel: str = ""


class Light:
    """The detector of lamps."""

    measurement = MEASUREMENT
    keep = Keep(last=LAST, hours=48, of_each=attrgetter("sort"), sorts=SORTS)

    def concerns(self, watched: Watched) -> bool:
        return watched.asset.kind is Kind.LAMP

    def read(self, point: Point) -> Said | None:
        return read_said(point)

    def judge(self, seen: Sequence[Said], watched: Watched, now_ms: int) -> Judgement:
        plan = plan_of(watched.territory, watched.asset)
        states: list[State] = []
        next_ms = _NEVER_MS
        if plan is not None:
            span = plan.span(now_ms)
            states.append(State("expected_level_pct", span.level_pct, span.start_ms))
            next_ms = span.end_ms
        if seen and seen[0].at_ms < watched.since_ms:  # of the device before
            seen = [said for said in seen if said.at_ms >= watched.since_ms]
        findings: tuple[Finding, ...] = ()
        if seen:
            due_ms, findings = _judge(seen, watched, plan, now_ms, states)
            next_ms = min(next_ms, due_ms)
        return Judgement(tuple(states), findings, None if next_ms >= _NEVER_MS else next_ms)


def _judge(
    seen: Sequence[Said], watched: Watched, plan: Plan | None, now_ms: int, states: list[State]
) -> tuple[int, tuple[Finding, ...]]:
    """Adds the states `lit` and `lamp`; when to look again, and the findings."""
    limits = watched.territory.tenants[watched.database].thresholds
    profile = watched.profile
    interval_s = _USUAL_INTERVAL_S if profile is None else profile.expected_interval_s
    unheard_ms = int(limits.lamp_unheard_intervals * interval_s * 1000)
    followed = sun_of(watched.territory, watched.asset) if plan is None else plan
    burns = burning(seen, followed, limits, now_ms=now_ms, unheard_ms=unheard_ms)
    found = _faults(seen, followed, limits)
    if found and found[0].kind is Trouble.DRIVER_FAILURE and burns.source not in (METER, DRIVER):
        burns = Burning(OFF, found[0].since_ms, found[0].or_earlier, (), burns.source)
    next_ms = _NEVER_MS
    astray: _Trouble | None = None
    if burns.lit == ON:
        astray = _astray(burns, followed, limits, is_planned=plan is not None)
        span = followed.span(now_ms)
        if followed.switched and span.level_pct == 0:
            next_ms = max(burns.run[-1].at_ms, span.start_ms) + unheard_ms
    elif burns.lit == OFF and plan is not None and not found:
        astray = _dark(burns, plan, limits, watched.asset.rated_power_w)
    if astray is not None:
        found.append(astray)
    findings: list[Finding] = []
    word: _Trouble | None = None
    for trouble in found:
        if trouble.told_ms > now_ms:
            next_ms = min(next_ms, trouble.told_ms)
            continue
        if word is None and trouble.word is not None:
            word = trouble
        findings.append(_finding(trouble, seen, watched, plan, now_ms))
    if burns.lit != UNTOLD:
        states.append(State("lit", float(burns.lit), burns.since_ms, burns.or_earlier))
    if word is not None and word.word is not None:
        states.append(State("lamp", word.word.value, word.since_ms, word.or_earlier))
    elif burns.lit != UNTOLD:
        said_word = Word.LIT if burns.lit == ON else Word.OFF
        states.append(State("lamp", said_word.value, burns.since_ms, burns.or_earlier))
    return next_ms, tuple(findings)


def _faults(seen: Sequence[Said], plan: Plan, limits: Thresholds) -> list[_Trouble]:
    """What is broken, the driver first. A lamp has failed when it did not come back while it should burn; one that
    came back before is given as much longer each time."""
    is_faulty = is_doubtful = False
    for said in seen:
        if said.health >= LAMP_FAILED:
            is_faulty = is_doubtful = True
        elif said.lit == OFF and said.source == DRIVER and said.level_pct != 0:
            is_doubtful = True
    if not is_doubtful:
        return []
    found: list[_Trouble] = []
    broken = health(seen, limits) if is_faulty else SOUND
    code, since_ms, or_earlier, channel, words = broken
    hold_ms = 0 if words >= LAST else int(limits.lamp_hold_min * MINUTE_MS)
    if code == DRIVER_FAILED:
        word = Word.DRIVER_FAILED
        found.append(_Trouble(Trouble.DRIVER_FAILURE, since_ms, since_ms + hold_ms, or_earlier, word, channel))
    changed = restless(seen, plan, limits)
    if changed.changes >= limits.flicker_changes:
        found.append(_Trouble(Trouble.FLICKER, changed.since_ms, changed.since_ms, True, Word.FLICKERING))
    elif code == LAMP_FAILED:
        if changed.returns:
            hold_ms = int(limits.lamp_hold_min * MINUTE_MS) * (1 + changed.returns)
        told_ms = after_lit_ms(plan, since_ms, hold_ms)
        found.append(_Trouble(Trouble.LAMP_FAILURE, since_ms, told_ms, or_earlier, Word.FAILED, channel))
    return found


def _astray(burns: Burning, plan: Plan, limits: Thresholds, *, is_planned: bool) -> _Trouble | None:
    """It burned where it should not, and was not off since. By day weighs more than in extinction."""
    by_day: list[int] = []
    in_extinction: list[int] = []
    span = plan.span(burns.run[0].at_ms)
    for said in burns.run:
        at_ms = said.at_ms
        if not span.start_ms <= at_ms < span.end_ms:
            span = plan.span(at_ms)
        if span.level_pct == 0 and is_settled(span, at_ms, limits):
            (by_day if plan.is_day(at_ms) else in_extinction).append(at_ms)
    if by_day:
        return _held(Trouble.BURNING_BY_DAY, by_day, burns, limits)
    if in_extinction and is_planned:
        return _held(Trouble.BURNING_IN_EXTINCTION, in_extinction, burns, limits)
    return None


def _dark(burns: Burning, plan: Plan, limits: Thresholds, rated_power_w: float | None) -> _Trouble | None:
    """It was off where it should burn, had power to say so, and was not lit since."""
    dark: list[int] = []
    for said in burns.run:
        span = plan.span(said.at_ms)
        if span.level_pct == 0 or not is_settled(span, said.at_ms, limits):
            continue
        due_w = limits.lamp_lit_w if rated_power_w is None else rated_power_w * span.level_pct / 100
        if burns.source != METER or due_w >= limits.lamp_lit_w:
            dark.append(said.at_ms)  # but a small lamp, dimmed, draws no more than a driver in stand-by
    return _held(Trouble.DARK_BY_NIGHT, dark, burns, limits, Word.DARK) if dark else None


def _held(
    kind: Trouble, said_ms: Sequence[int], burns: Burning, limits: Thresholds, word: Word | None = None
) -> _Trouble:
    """Told when it has held for a while, or was said so often."""
    hold_ms = 0 if len(said_ms) >= LAST else int(limits.lamp_hold_min * MINUTE_MS)
    return _Trouble(kind, said_ms[0], said_ms[0] + hold_ms, burns.or_earlier, word)


def _finding(trouble: _Trouble, seen: Sequence[Said], watched: Watched, plan: Plan | None, now_ms: int) -> Finding:
    facts: dict[str, Field] = {}
    for said in seen:  # the newest of each
        if said.power_w >= 0:
            facts["power_w"] = said.power_w
        if said.level_pct >= 0:
            facts["level_pct"] = said.level_pct
    if plan is not None:
        facts["expected_level_pct"] = plan.level_pct(now_ms)
    if trouble.channel:
        facts["channel"] = trouble.channel
    return Finding(
        trouble.kind.value,
        Severity.NOTICE,
        watched.database,
        watched.commune,
        About.ASSET,
        watched.id,
        trouble.since_ms,
        facts,
        trouble.or_earlier,
    )
