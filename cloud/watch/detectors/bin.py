"""Bins: how full, to be emptied, when it was, lying, burning, or not measured any more. Pure.

The level and the emptyings are `cloud.watch.emptying`'s. What one look alone tells is believed where it presses (fire);
else two looks agree: a wrong echo fills no bin and empties none, and a truck that holds a bin up tips none over.
"""

from collections.abc import Sequence
from typing import Final

from cloud.stores.base import Point
from cloud.watch.emptying import (
    FIRE,
    FULL,
    MEASURED,
    MINUTE_MS,
    NO_FIRE,
    NOT_FULL,
    TILTED,
    UPRIGHT,
    WARM,
    Level,
    Look,
    read_look,
)
from cloud.watch.model import HOUR_MS, About, Facts, Finding, Judgement, Keep, Severity, State, Watched
from core.model import Domain
from core.territory.model import Kind, Thresholds

_STEP_PCT: Final = 5.0  # of the state `fill_pct`: finer is noise, and a point of its own
_COOL_C: Final = 10.0  # below `bin_fire_c`: the fire is out
_LEAST_BLIND: Final = 3  # reports without a fill
_ALARMING: Final = TILTED | FIRE | WARM | FULL


class BinDetector:
    """States `fill_pct` (believed, in steps of 5), `full` (1 or 0), `emptied_ms`; findings `bin.…`."""

    measurement: str = Domain.BIN
    keep = Keep(last=12, hours=48)

    def concerns(self, watched: Watched) -> bool:
        return watched.asset.kind is Kind.BIN and watched.device is not None

    def read(self, point: Point) -> Look | None:
        return read_look(point)

    def judge(self, seen: Sequence[Look], watched: Watched, now_ms: int) -> Judgement:  # noqa: ARG002 - it needs no clock
        if not seen:
            return Judgement()
        thresholds = watched.territory.tenants[watched.database].thresholds
        states, findings = _of_level(seen, watched, thresholds)
        told, blind = 0, 0
        for look in seen:
            told |= look.told
            blind += look.fill_pct is None
        if told & _ALARMING:
            findings += _of_alarms(seen, watched, thresholds)
        if blind >= _LEAST_BLIND:
            findings += _of_blindness(seen, watched, thresholds)
        return Judgement(states, findings)


def _of_level(
    seen: Sequence[Look], watched: Watched, thresholds: Thresholds
) -> tuple[tuple[State, ...], tuple[Finding, ...]]:
    """Full when two looks apart are over the threshold; no longer when two are well below it, or it was emptied.

    One pass over the window for every uplink of every bin: what does not change costs comparisons alone.
    """
    full_pct = thresholds.bin_full_pct
    free_pct = full_pct - thresholds.bin_full_hysteresis_pct
    level = Level(thresholds)
    take = level.take
    emptying = None
    full: bool | None = None
    full_ms = shown_ms = 0
    least, most = 1.0, 0.0  # between which the level is shown as `shown`
    shown = 0.0
    for look in seen:
        before_ms = level.newer_ms
        made = take(look)
        high = level.newer_pct
        if high is None:
            continue
        low = level.older_pct
        if low is None:
            low = high
        elif low > high:
            low, high = high, low
        if not least <= low < most:
            shown, shown_ms = _STEP_PCT * round(low / _STEP_PCT), look.at_ms
            least, most = shown - _STEP_PCT / 2, shown + _STEP_PCT / 2
        if made is not None:
            emptying = made
            if full is not False:
                full, full_ms = False, made.at_ms
        elif full is None:
            full, full_ms = False, look.at_ms
        if full:
            if high < free_pct:
                full, full_ms = False, look.at_ms
        elif low >= full_pct and level.older_pct is not None:
            full, full_ms = True, before_ms
    if full is None:
        return (), ()
    first_ms = seen[0].at_ms
    states = [
        State("fill_pct", shown, shown_ms, shown_ms <= first_ms),
        State("full", 1.0 if full else 0.0, full_ms, full_ms <= first_ms),
    ]
    if emptying is not None:
        states.append(State("emptied_ms", float(emptying.at_ms), emptying.at_ms))
    if not full:
        return tuple(states), ()
    facts: Facts = {"fill_pct": level.pct or 0.0, "bin_full_pct": full_pct}
    return tuple(states), (_finding("bin.full", Severity.NOTICE, watched, full_ms, seen, facts),)


def _of_alarms(seen: Sequence[Look], watched: Watched, thresholds: Thresholds) -> tuple[Finding, ...]:
    """Fire at once, until it is told to be out; tilted when looks minutes apart say so, and none between is upright.

    The sensor's own alarm of a full bin counts where it sends nothing that a fill follows from: else our own threshold.
    """
    fire_c, cool_c = thresholds.bin_fire_c, thresholds.bin_fire_c - _COOL_C
    fire_ms = tilt_ms = alarm_ms = None
    celsius = 0.0
    tilted_ms = alarmed_ms = 0
    levels = False
    for look in seen:
        told, at_ms, now_c = look.told, look.at_ms, look.temperature_c
        levels |= look.fill_pct is not None
        if told & FIRE or (now_c is not None and now_c >= fire_c):
            celsius = celsius if now_c is None else now_c
            fire_ms = at_ms if fire_ms is None else fire_ms
        elif told & NO_FIRE if now_c is None else now_c < cool_c:
            fire_ms = None
        if told & TILTED:
            tilt_ms, tilted_ms = at_ms if tilt_ms is None else tilt_ms, at_ms
        elif told & UPRIGHT:
            tilt_ms = None
        if told & FULL:
            alarm_ms, alarmed_ms = at_ms if alarm_ms is None else alarm_ms, at_ms
        elif told & NOT_FULL:
            alarm_ms = None
    found: list[Finding] = []
    if fire_ms is not None:
        facts: Facts = {"temperature_c": celsius} if celsius else {}
        found.append(_finding("bin.fire", Severity.CRITICAL, watched, fire_ms, seen, facts))
    if tilt_ms is not None and tilted_ms - tilt_ms >= thresholds.bin_tilted_min * MINUTE_MS:
        found.append(_finding("bin.tilted", Severity.WARNING, watched, tilt_ms, seen, {}))
    if not levels and alarm_ms is not None and alarmed_ms - alarm_ms >= thresholds.bin_confirm_min * MINUTE_MS:
        found.append(_finding("bin.full", Severity.NOTICE, watched, alarm_ms, seen, {"full_alert": "raised"}))
    return tuple(found)


def _of_blindness(seen: Sequence[Look], watched: Watched, thresholds: Thresholds) -> tuple[Finding, ...]:
    """It stands and reports, and its last reports tell nothing of its content.

    A bin without a declared geometry has no fill: of it a distance is all that can be expected.
    """
    enough = MEASURED if watched.asset.geometry is None else 0
    blind, blind_ms, lies = 0, 0, False
    for look in seen:
        if look.told & (TILTED | UPRIGHT):
            lies = bool(look.told & TILTED)
        if lies or look.fill_pct is not None or look.told & enough:
            blind = 0
        else:
            blind_ms = blind_ms if blind else look.at_ms
            blind += 1
    if blind < _LEAST_BLIND or seen[-1].at_ms - blind_ms < thresholds.bin_blind_h * HOUR_MS:
        return ()
    return (_finding("bin.no_measurement", Severity.WARNING, watched, blind_ms, seen, {}),)


def _finding(
    kind: str, severity: Severity, watched: Watched, since_ms: int, seen: Sequence[Look], facts: Facts
) -> Finding:
    return Finding(
        kind,
        severity,
        watched.database,
        watched.commune,
        About.ASSET,
        watched.id,
        since_ms,
        facts,
        or_earlier=since_ms <= seen[0].at_ms,
    )
