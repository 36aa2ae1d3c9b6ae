"""Many alarms → one text: grouped by what happened, kind and commune, counted, with the first names. Pure."""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from cloud.watch.alarms import sentences
from cloud.watch.alarms.alarm import RANK, Alarm, Recipient, Step
from cloud.watch.alarms.messages import Text
from cloud.watch.model import Severity
from core.territory import Territory

_TITLES: Final = {
    Step.ESCALATED: "PERSONNE N’A RÉPONDU",
    Step.WORSENED: "AGGRAVÉ",
    Step.RAISED: "NOUVEAU",
    Step.REPEATED: "DURE TOUJOURS",
    Step.CLEARED: "TERMINÉ",
}  # in the order of the text
_ORDER: Final = {step: number for number, step in enumerate(_TITLES)}
_NAMED: Final = 5  # of each group
_GROUPS: Final = 40  # of a message
_LISTED: Final = 500  # alarms, for programs
_SUBJECT: Final = 140  # characters


class Item(NamedTuple):
    """An alarm, and the news of it."""

    alarm: Alarm
    step: Step


class _Group(NamedTuple):
    step: Step
    severity: Severity
    kind: str
    commune: str
    alarms: list[Alarm]


def digest(items: Iterable[Item], to: Recipient, territory: Territory, *, now_ms: int) -> Text:
    """What one contact is told, at `now_ms`."""
    groups = _grouped(items)
    subject = _subject(groups, territory)
    lines = [
        sentences.owner_name(to.owner, territory),
        f"Situation du {sentences.instant(now_ms)} (heure de Paris)",
    ]
    step: Step | None = None
    for group in groups[:_GROUPS]:
        if group.step is not step:
            step = group.step
            lines += ["", _TITLES[step]]
        lines += ["", *_paragraph(group, territory)]
    if left := groups[_GROUPS:]:
        count = sum(len(group.alarms) for group in left)
        lines += ["", f"… et {sentences.alarms(count)} de plus ({len(left)} lieux) : voir le tableau de bord."]
    if opened := [alarm.id for group in groups if group.step is not Step.CLEARED for alarm in group.alarms]:
        some = " ".join(str(number) for number in sorted(opened)[:_NAMED])
        lines += ["", f"Pour prendre en charge : beffroi alarm ack {some} --note « ce qui est fait »"]
    lines += ["", "Message automatique de beffroi."]
    body = "\n".join(lines) + "\n"
    return Text(subject, body, _facts(groups, to, territory, subject, body, now_ms))


def _grouped(items: Iterable[Item]) -> list[_Group]:
    found: dict[tuple[Step, Severity, str, str], _Group] = {}
    for alarm, step in items:
        finding = alarm.finding
        key = (step, finding.severity, finding.kind, finding.commune)
        found.setdefault(key, _Group(*key, [])).alarms.append(alarm)
    for group in found.values():
        group.alarms.sort(key=lambda alarm: (alarm.finding.since_ms, alarm.id))
    return sorted(
        found.values(),
        key=lambda group: (_ORDER[group.step], -RANK[group.severity], -len(group.alarms), group.kind, group.commune),
    )


def _paragraph(group: _Group, territory: Territory) -> list[str]:
    count = len(group.alarms)
    where = sentences.commune_name(group.commune, territory) if group.commune else ""
    what = sentences.counted(group.kind, count)
    head = " · ".join(filter(None, [sentences.SEVERITIES[group.severity], where, what]))
    lines = [head, *(f"  - {_line(alarm, group.step, territory)}" for alarm in group.alarms[:_NAMED])]
    if count > _NAMED:
        lines.append(f"  … et {count - _NAMED} de plus")
    if group.step is not Step.CLEARED:
        lines.append(f"  À faire : {sentences.words_of(group.kind).todo}.")
    return lines


def _line(alarm: Alarm, step: Step, territory: Territory) -> str:
    finding = alarm.finding
    since = f"depuis le {sentences.instant(finding.since_ms)}{' au moins' if finding.or_earlier else ''}"
    if step is Step.CLEARED:
        over_ms = alarm.gone_ms if alarm.gone_ms is not None else alarm.cleared_ms
        since = f"du {sentences.instant(finding.since_ms)} au {sentences.instant(over_ms or finding.since_ms)}"
    facts = sentences.details(finding.facts)
    taken = f", pris en charge par {alarm.by}" if alarm.by else ""
    return f"{sentences.name_of(finding, territory)}, {since}{f' ({facts})' if facts else ''}{taken} [n° {alarm.id}]"


def _subject(groups: Sequence[_Group], territory: Territory) -> str:
    """The gravest first: what, how many, where; the rest is counted."""
    first = groups[0]
    same = [group for group in groups if (group.step, group.kind) == (first.step, first.kind)]
    count = sum(len(group.alarms) for group in same)
    communes = {group.commune for group in same if group.commune}
    where = ""
    if count == 1:
        where = sentences.name_of(first.alarms[0].finding, territory)
    said = sentences.counted(first.kind, count)
    if len(communes) == 1:
        where = ", ".join(filter(None, [where, sentences.commune_name(communes.pop(), territory)]))
    elif communes:
        where = f"{len(communes)} communes"
    word = "Terminé" if first.step is Step.CLEARED else sentences.SEVERITIES[first.severity]
    others = sum(len(group.alarms) for group in groups) - count
    more = f" ; et {sentences.alarms(others)} de plus" if others else ""
    subject = f"[beffroi] {word} : {said}{f' – {where}' if where else ''}{more}"
    subject = " ".join(subject.split())  # one line, whatever the names hold
    return subject if len(subject) <= _SUBJECT else f"{subject[: _SUBJECT - 1]}…"


def _facts(
    groups: Sequence[_Group], to: Recipient, territory: Territory, subject: str, body: str, now_ms: int
) -> dict[str, Any]:
    listed = [(alarm, group.step) for group in groups for alarm in group.alarms]
    return {
        "tenant": to.owner,
        "contact": to.name,
        "at_ms": now_ms,
        "subject": subject,
        "text": body,
        "count": len(listed),
        "alarms": [
            {
                "id": alarm.id,
                "news": str(step),
                "kind": alarm.finding.kind,
                "severity": str(alarm.finding.severity),
                "commune": alarm.finding.commune,
                "about": str(alarm.finding.about),
                "subject": alarm.finding.subject,
                "since_ms": alarm.finding.since_ms,
                "until_ms": alarm.gone_ms if step is Step.CLEARED else None,
                "text": sentences.text_of(alarm.finding, territory),
            }
            for alarm, step in listed[:_LISTED]
        ],
    }
