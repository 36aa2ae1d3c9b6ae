"""What becomes of the alarms when these findings hold: raised, kept, repeated, escalated, cleared. Pure.

An alarm lives as long as its finding, and `alarm_hold_min` longer: what goes and comes back within that time is the
same alarm, of which nobody is told again. Nothing here depends on how often it is asked.
"""

from collections.abc import Mapping
from typing import NamedTuple

from msgspec.structs import replace

from cloud.watch.alarms.alarm import RANK, Alarm, AlarmState, Change, Mute, Recipient, Step
from cloud.watch.alarms.rules import RuleBook
from cloud.watch.model import About, Finding, FindingKey
from core.errors import OperatorError

_TOLD = ("cause", "circuits")
_MOVED_MS = 60_000  # a finding that began less than this earlier or later than was thought is no news


class Outcome(NamedTuple):
    """`changes`: in their order, to be kept. `seen`: alarms whose finding has other facts, which is no change."""

    changes: list[Change]
    seen: list[Alarm]


def look(
    alarms: Mapping[FindingKey, Alarm],
    findings: Mapping[FindingKey, Finding],
    mutes: Mapping[FindingKey, Mute],
    book: RuleBook,
    *,
    now_ms: int,
    next_id: int,
) -> Outcome:
    """One look at all that holds.

    Args:
        alarms: those that are not cleared.
        findings: every finding that holds now.
        next_id: the number of the next alarm to be raised.
    """
    changes: list[Change] = []
    seen: list[Alarm] = []
    for key, finding in findings.items():
        severity = book.severity(finding)
        if severity is not finding.severity:
            finding = replace(finding, severity=severity)
        alarm = alarms.get(key)
        if alarm is not None:
            if alarm.finding is finding and alarm.gone_ms is None:
                continue
            finding = _since_then(alarm, finding)
            made = _seen_again(alarm, finding, book, now_ms=now_ms, muted=_is_muted(mutes, key, now_ms))
            if made is not None:
                changes.append(made)
            elif finding != alarm.finding:
                seen.append(replace(alarm, finding=finding))
        elif not book.is_maintained(finding, now_ms):
            changes.append(_raised(next_id, finding, book, now_ms=now_ms, muted=_is_muted(mutes, key, now_ms)))
            next_id += 1
    now = {change.alarm.key: change.alarm for change in changes} | {alarm.key: alarm for alarm in seen}
    for key, alarm in alarms.items():
        if key not in findings:
            changes += _without_finding(alarm, book, now_ms=now_ms, muted=_is_muted(mutes, key, now_ms))
        else:
            changes += _lasting(now.get(key, alarm), book, now_ms=now_ms, muted=_is_muted(mutes, key, now_ms))
    return Outcome(changes, seen)


def _is_muted(mutes: Mapping[FindingKey, Mute], key: FindingKey, now_ms: int) -> bool:
    mute = mutes.get(key)
    return mute is not None and now_ms < mute.until_ms


def _raised(number: int, finding: Finding, book: RuleBook, *, now_ms: int, muted: bool) -> Change:
    to = () if muted else book.told_at_once(finding)
    alarm = Alarm(
        number,
        finding,
        AlarmState.RAISED,
        now_ms,
        finding.severity,
        changes=1,
        spoken_ms=0 if muted else now_ms,
        told=to,
    )
    return Change(alarm, Step.RAISED, now_ms, to)


def _since_then(alarm: Alarm, finding: Finding) -> Finding:
    """A condition of beffroi is told anew after a restart, with the time of that: it began before. So did what the
    readings that are kept do not show the beginning of."""
    if (finding.about is About.ROAD or finding.or_earlier) and alarm.finding.since_ms < finding.since_ms:
        return replace(finding, since_ms=alarm.finding.since_ms)
    return finding


def _seen_again(alarm: Alarm, finding: Finding, book: RuleBook, *, now_ms: int, muted: bool) -> Change | None:
    before = alarm.finding
    shown = replace(alarm, finding=finding, gone_ms=None, changes=alarm.changes + 1)
    if RANK[finding.severity] > RANK[alarm.worst]:
        # what was acknowledged was something lesser
        to = () if muted else book.told_at_once(finding)
        worse = replace(
            shown,
            state=AlarmState.RAISED,
            worst=finding.severity,
            spoken_ms=alarm.spoken_ms if muted else now_ms,
            told=_with(alarm.told, to),
        )
        return Change(worse, Step.WORSENED, now_ms, to)
    if alarm.gone_ms is not None:
        return Change(shown, Step.RETURNED, now_ms)
    moved = abs(finding.since_ms - before.since_ms) >= _MOVED_MS
    if moved or finding.severity is not before.severity or _said(finding) != _said(before):
        return Change(shown, Step.UPDATED, now_ms)
    return None


def _said(finding: Finding) -> tuple[object, ...]:
    """The facts in words that are news when they change, such as the cause; figures change all the time."""
    return tuple(finding.facts.get(name) for name in _TOLD)


def _without_finding(alarm: Alarm, book: RuleBook, *, now_ms: int, muted: bool) -> list[Change]:
    changes: list[Change] = []
    if alarm.gone_ms is None:
        alarm = replace(alarm, gone_ms=now_ms)
        changes.append(Change(alarm, Step.GONE, now_ms))
    assert alarm.gone_ms is not None
    if now_ms - alarm.gone_ms >= book.of(alarm.finding.database).hold_ms:
        cleared = replace(alarm, state=AlarmState.CLEARED, cleared_ms=now_ms, changes=alarm.changes + 1)
        changes.append(Change(cleared, Step.CLEARED, now_ms, () if muted else alarm.told))
    return changes


def _lasting(alarm: Alarm, book: RuleBook, *, now_ms: int, muted: bool) -> list[Change]:
    """Said again, and to others, while nobody has taken it up and nobody works on it."""
    finding = alarm.finding
    if muted or alarm.state is not AlarmState.RAISED:
        return []
    due = now_ms - alarm.spoken_ms >= book.of(finding.database).repeat_ms(finding.severity)
    others = tuple(to for to in book.told_after(finding, now_ms - alarm.raised_ms) if to not in alarm.escalated)
    if not (due or others) or book.is_maintained(finding, now_ms):
        return []
    changes: list[Change] = []
    if others:
        alarm = replace(alarm, escalated=alarm.escalated + others, told=_with(alarm.told, others))
        changes.append(Change(alarm, Step.ESCALATED, now_ms, others))
    if due:
        known = _with(book.told_at_once(finding), alarm.escalated)
        to = tuple(one for one in known if one not in others)
        alarm = replace(alarm, spoken_ms=now_ms, told=_with(alarm.told, to))
        changes.append(Change(alarm, Step.REPEATED, now_ms, to))
    return changes


def _with(some: tuple[Recipient, ...], others: tuple[Recipient, ...]) -> tuple[Recipient, ...]:
    return some + tuple(one for one in others if one not in some)


def acknowledge(alarm: Alarm, *, by: str, note: str, now_ms: int) -> Change:
    """Somebody takes it up; again: with another note.

    Raises:
        OperatorError: `alarm.cleared`.
    """
    if alarm.state is AlarmState.CLEARED:
        raise OperatorError("alarm.cleared", f"alarm {alarm.id} is over", hint=f"beffroi alarm history {alarm.id}")
    taken = replace(
        alarm,
        state=AlarmState.ACKNOWLEDGED,
        acknowledged_ms=now_ms,
        by=by,
        note=note,
        changes=alarm.changes + 1,
    )
    return Change(taken, Step.ACKNOWLEDGED, now_ms, by=by, note=note)
