"""What people ask of the alarms: `alarm.list`, `.ack`, `.mute`, `.history`. Answers are for scripts and for tables."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from cloud.stores.checks import MAX_INT
from cloud.watch.alarms.alarm import RANK, Alarm
from cloud.watch.alarms.desk import AlarmDesk
from cloud.watch.alarms.messages import Fate
from cloud.watch.alarms.post import Telling
from cloud.watch.alarms.sentences import text_of
from core.errors import OperatorError
from core.ports.control import Verb

_FILTERS: Final = ("tenant", "commune", "kind", "state", "severity")
_MOST_TEXT: Final = 500  # characters of a name or note
_MOST_MUTED_MIN: Final = 365 * 24 * 60
_LIMIT: Final = 200


def alarm_verbs(desk: AlarmDesk, now_ms: Callable[[], int]) -> dict[str, Verb]:
    """Safe to call from any thread.

    | Verb | Arguments |
    |---|---|
    | `alarm.list` | tenant, commune, kind (or its first word), state, severity; `cleared`: what is over; `limit` |
    | `alarm.ack` | `who`, `note`; `ids`, or `all` with the filters of the list |
    | `alarm.mute` | `who`, `note`, `minutes` (0: speak again); `ids`, or `all` with filters |
    | `alarm.history` | `id` |
    """
    return {
        "alarm.list": lambda question: list_alarms(desk, question, now_ms=now_ms()),
        "alarm.ack": lambda question: acknowledge_alarms(desk, question, now_ms=now_ms()),
        "alarm.mute": lambda question: mute_alarms(desk, question, now_ms=now_ms()),
        "alarm.history": lambda question: tell_history(desk, question, now_ms=now_ms()),
    }


def list_alarms(desk: AlarmDesk, question: Mapping[str, Any], *, now_ms: int) -> dict[str, Any]:
    """Those that are not over, the gravest first; or the last that are over. `count`: how many there are in all."""
    limit = _whole(question, "limit", _LIMIT)
    if question.get("cleared"):
        with desk.locked():
            found = desk.journal.cleared(limit=MAX_INT if _filters(question) else limit)
        found = _matching(found, question)
    else:
        found = _matching(desk.holding(), question)
        found.sort(key=lambda alarm: (-RANK[alarm.finding.severity], alarm.finding.since_ms, alarm.id))
    return {"alarms": [_shown(desk, alarm, now_ms) for alarm in found[:limit]], "count": len(found)}


def acknowledge_alarms(desk: AlarmDesk, question: Mapping[str, Any], *, now_ms: int) -> dict[str, Any]:
    """Say that somebody takes them up.

    Raises:
        OperatorError: `alarm.unknown`, `alarm.cleared`, `control.argument`; then none is acknowledged.
    """
    with desk.locked():
        chosen = _chosen(desk, question)
        done = desk.acknowledge(chosen, by=_text(question, "who"), note=_text(question, "note", ""), now_ms=now_ms)
        return {"acknowledged": [_shown(desk, alarm, now_ms) for alarm in done]}


def mute_alarms(desk: AlarmDesk, question: Mapping[str, Any], *, now_ms: int) -> dict[str, Any]:
    """Tell nobody of them for a while.

    Raises:
        OperatorError: as `acknowledge_alarms`.
    """
    minutes = _whole(question, "minutes")
    if minutes > _MOST_MUTED_MIN:
        raise OperatorError("control.argument", f"{minutes} min is more than a year", hint="mend it, or retire it")
    with desk.locked():
        chosen = _chosen(desk, question)
        until_ms = now_ms + minutes * 60_000
        by, note = _text(question, "who"), _text(question, "note", "")
        desk.mute(chosen, until_ms=until_ms, by=by, note=note, now_ms=now_ms)
        return {"muted": [_shown(desk, alarm, now_ms) for alarm in chosen], "until_ms": until_ms}


def tell_history(desk: AlarmDesk, question: Mapping[str, Any], *, now_ms: int) -> dict[str, Any]:
    """What happened to one alarm, and who was told of it when.

    Raises:
        OperatorError: `alarm.unknown`.
    """
    with desk.locked():
        alarm = _alarm(desk, _whole(question, "id"))
        entries = [
            {"at_ms": one.at_ms, "step": str(one.step), "by": one.by, "note": one.note}
            for one in desk.journal.entries(alarm.id)
        ]
        told = [_told(one) for one in desk.journal.post.tellings(alarm.id)]
        return {"alarm": _shown(desk, alarm, now_ms), "entries": entries, "told": told}


def _told(telling: Telling) -> dict[str, Any]:
    lane, message = telling.lane, telling.message
    told: dict[str, Any] = {
        "at_ms": telling.at_ms,
        "step": str(telling.step),
        "owner": lane.to.owner,
        "contact": lane.to.name,
        "channel": str(lane.channel),
    }
    if message is None:
        return {**told, "fate": "dropped" if telling.dropped else "to be told", "reason": telling.dropped}
    fate = "being sent" if message.fate is Fate.WAITING and message.attempts else str(message.fate)
    return {
        **told,
        "fate": fate,
        "reason": message.reason,
        "message": message.identity,
        "address": message.address,
        "attempts": message.attempts,
        "ended_ms": message.ended_ms,
    }


def _chosen(desk: AlarmDesk, question: Mapping[str, Any]) -> list[Alarm]:
    """The alarms of `ids`; or all that hold and match, when that is asked for."""
    ids = question.get("ids")
    if question.get("all"):
        if ids:
            raise OperatorError("control.argument", "ids and all", hint="give one of them")
        return _matching(desk.holding(), question)
    if not isinstance(ids, list) or not ids:
        raise OperatorError("control.argument", "ids is missing", hint="ids is a list of numbers of `alarm.list`")
    return [_alarm(desk, _number(one, "ids")) for one in dict.fromkeys(ids)]


def _alarm(desk: AlarmDesk, number: int) -> Alarm:
    for alarm in desk.holding():
        if alarm.id == number:
            return alarm
    found = desk.journal.alarm(number)
    if found is None:
        raise OperatorError("alarm.unknown", f"there is no alarm {number}", hint="beffroi alarm list")
    return found


def _filters(question: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(said) for name in _FILTERS if (said := question.get(name))}


def _matching(alarms: list[Alarm], question: Mapping[str, Any]) -> list[Alarm]:
    wanted = _filters(question)
    return [alarm for alarm in alarms if all(_matches(alarm, name, text) for name, text in wanted.items())]


def _matches(alarm: Alarm, name: str, text: str) -> bool:
    finding = alarm.finding
    match name:
        case "tenant":
            return finding.database == text
        case "commune":
            return finding.commune == text
        case "kind":
            return finding.kind == text or finding.kind.startswith(f"{text}.")
        case "state":
            return str(alarm.state) == text
        case _:
            return str(finding.severity) == text


def _shown(desk: AlarmDesk, alarm: Alarm, now_ms: int) -> dict[str, Any]:
    finding = alarm.finding
    return {
        "id": alarm.id,
        "tenant": finding.database,
        "kind": finding.kind,
        "severity": str(finding.severity),
        "state": str(alarm.state),
        "commune": finding.commune,
        "about": str(finding.about),
        "subject": finding.subject,
        "since_ms": finding.since_ms,
        "raised_ms": alarm.raised_ms,
        "gone_ms": alarm.gone_ms,
        "cleared_ms": alarm.cleared_ms,
        "muted_until_ms": desk.muted_until_ms(alarm, now_ms),
        "by": alarm.by,
        "note": alarm.note,
        "text": text_of(finding, desk.territory),
    }


def _whole(question: Mapping[str, Any], name: str, default: int | None = None) -> int:
    return _number(question.get(name, default), name)


def _number(said: object, name: str) -> int:
    """
    Raises:
        OperatorError: `control.argument`.
    """
    try:
        number = int(said) if isinstance(said, (int, str)) and not isinstance(said, bool) else -1
    except ValueError:
        number = -1
    if not 0 <= number <= MAX_INT:
        raise OperatorError("control.argument", f"{name} is {str(said)[:40]!r}", hint=f"{name} is a whole number")
    return number


def _text(question: Mapping[str, Any], name: str, default: str | None = None) -> str:
    """One line.

    Raises:
        OperatorError: `control.argument`.
    """
    said = question.get(name, default)
    text = " ".join(said.split()) if isinstance(said, str) else ""
    if not isinstance(said, str) or (default is None and not text) or len(text) > _MOST_TEXT or not text.isprintable():
        raise OperatorError("control.argument", f"{name} is missing or too long", hint=f"{name}: a line of text")
    return text
