"""An alarm in the store: one point for each change that boards show, the newest tells how it is. Pure.

Tags: kind, commune, and what it is about (asset, device, gateway or site; channel: the tenant of a condition).

| Field | What it says |
|---|---|
| `id` | int; what people type |
| `state` | raised, acknowledged, cleared |
| `active` | true until it is cleared |
| `severity` | notice, warning, critical |
| `since_ms` | int; when it began |
| `text` | French, one sentence |
| `by`, `note` | who took it up, and what it said; else empty |
"""

from cloud.schema import ALARM
from cloud.stores.base import Point
from cloud.watch.alarms.alarm import Alarm, AlarmState
from cloud.watch.alarms.sentences import text_of
from cloud.watch.model import About, Finding
from core.territory import Territory


def alarm_point(alarm: Alarm, at_ms: int, territory: Territory | None) -> Point:
    """The alarm as it is since `at_ms`. Changes of one ms are told apart by their number."""
    finding = alarm.finding
    return Point(
        ALARM,
        alarm_tags(finding),
        at_ms * 1000 + alarm.changes % 1000,
        {
            "id": alarm.id,
            "state": str(alarm.state),
            "active": alarm.state is not AlarmState.CLEARED,
            "severity": str(finding.severity),
            "since_ms": finding.since_ms,
            "text": text_of(finding, territory),
            "by": alarm.by,
            "note": alarm.note,
        },
    )


def alarm_tags(finding: Finding) -> dict[str, str]:
    """The series of a finding's alarms."""
    facts, subject = finding.facts, finding.subject
    tags = {"kind": finding.kind, "commune": finding.commune}
    match finding.about:
        case About.ASSET | About.CABINET:
            tags["asset"] = str(facts.get("asset") or facts.get("cabinet") or subject)
        case About.DEVICE:
            tags |= {"device": subject, "asset": str(facts.get("asset", ""))}
        case About.GATEWAY:
            tags["gateway"] = subject
        case About.SITE:
            tags["site"] = subject
        case About.ROAD:
            of_a_site = subject if finding.commune else ""  # the worker's own conditions have none
            tags |= {"site": str(facts.get("site") or of_a_site), "channel": str(facts.get("tenant", ""))}
    return {tag: text for tag, text in tags.items() if text}
