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
    NOTHING,
    OFF,
    ON,
    SORTS,
    UNTOLD,
    Said,
    read_said,
)
from cloud.watch.detectors.light_story import (
    MINUTE_MS,
    SOUND,
    Burning,
    burning,
    flicker,
    health,
    is_settled,
)
from cloud.watch.model import About, Finding, Judgement, Keep, Severity, State, Watched
from cloud.watch.plan import Plan, plan_of, sun_of
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
    kind: Trouble
    since_ms: int
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
    is_faulty = is_doubtful = False
    for said in seen:
        if said.health >= LAMP_FAILED:
            is_faulty = is_doubtful = True
        elif said.lit == OFF and said.source == DRIVER and said.level_pct != 0:
            is_doubtful = True
    broken = health(seen, limits) if is_faulty else SOUND
    if broken.code == DRIVER_FAILED and burns.source not in (METER, DRIVER):
        burns = Burning(OFF, broken.since_ms, broken.or_earlier, (), burns.source)
    found: list[_Trouble] = []
    next_ms = _NEVER_MS
    if broken.code == DRIVER_FAILED:
        found.append(
            _Trouble(Trouble.DRIVER_FAILURE, broken.since_ms, broken.or_earlier, Word.DRIVER_FAILED, broken.channel)
        )
    flickers = flicker(seen, followed, limits, now_ms=now_ms) if is_doubtful else None
    if flickers is not None:
        next_ms = flickers.until_ms
        found.append(_Trouble(Trouble.FLICKER, flickers.since_ms, True, Word.FLICKERING))
    elif broken.code == LAMP_FAILED:
        found.append(_Trouble(Trouble.LAMP_FAILURE, broken.since_ms, broken.or_earlier, Word.FAILED, broken.channel))
    astray: _Trouble | None = None
    if burns.lit == ON:
        astray = _astray(burns, followed, limits, is_planned=plan is not None)
        if followed.switched:
            next_ms = min(next_ms, burns.run[-1].at_ms + unheard_ms)
    elif burns.lit == OFF and plan is not None and broken.code == NOTHING and flickers is None:
        astray = _dark(burns, plan, limits, watched.asset.rated_power_w)
    if astray is not None:
        found.append(astray)
    findings: list[Finding] = []
    word: _Trouble | None = None
    hold_ms = int(limits.lamp_hold_min * MINUTE_MS)
    for trouble in found:
        if trouble.kind is not Trouble.FLICKER and trouble.since_ms + hold_ms > now_ms:
            next_ms = min(next_ms, trouble.since_ms + hold_ms)
            continue
        word = word or (trouble if trouble.word is not None else None)
        findings.append(_finding(trouble, seen, watched, plan, now_ms))
    if burns.lit != UNTOLD:
        states.append(State("lit", float(burns.lit), burns.since_ms, burns.or_earlier))
    if word is not None and word.word is not None:
        states.append(State("lamp", word.word.value, word.since_ms, word.or_earlier))
    elif burns.lit != UNTOLD:
        said_word = Word.LIT if burns.lit == ON else Word.OFF
        states.append(State("lamp", said_word.value, burns.since_ms, burns.or_earlier))
    return next_ms if next_ms > now_ms else _NEVER_MS, tuple(findings)


def _astray(burns: Burning, plan: Plan, limits: Thresholds, *, is_planned: bool) -> _Trouble | None:
    """It burned where it should not, and was not off since. By day weighs more than in extinction."""
    in_extinction_ms: int | None = None
    span = plan.span(burns.run[0].at_ms)
    for said in burns.run:
        at_ms = said.at_ms
        if not span.start_ms <= at_ms < span.end_ms:
            span = plan.span(at_ms)
        if span.level_pct > 0 or not is_settled(span, at_ms, limits):
            continue
        if plan.is_day(at_ms):
            return _Trouble(Trouble.BURNING_BY_DAY, at_ms, burns.or_earlier)
        if in_extinction_ms is None:
            in_extinction_ms = at_ms
    if in_extinction_ms is None or not is_planned:
        return None
    return _Trouble(Trouble.BURNING_IN_EXTINCTION, in_extinction_ms, burns.or_earlier)


def _dark(burns: Burning, plan: Plan, limits: Thresholds, rated_power_w: float | None) -> _Trouble | None:
    """It was off where it should burn, had power to say so, and was not lit since."""
    for said in burns.run:
        span = plan.span(said.at_ms)
        if span.level_pct == 0 or not is_settled(span, said.at_ms, limits):
            continue
        due_w = limits.lamp_lit_w if rated_power_w is None else rated_power_w * span.level_pct / 100
        if burns.source == METER and due_w < limits.lamp_lit_w:
            continue  # a small lamp, dimmed, draws no more than a driver in stand-by
        return _Trouble(Trouble.DARK_BY_NIGHT, said.at_ms, burns.or_earlier, Word.DARK)
    return None


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
