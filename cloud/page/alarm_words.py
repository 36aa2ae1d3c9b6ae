"""What the page says of alarms and of the watch that raises them, in French. Pure."""

from collections.abc import Sequence

from cloud.page import words
from cloud.page.alarms import Alarm
from cloud.page.ground import Ground
from cloud.page.kinds import NOUNS
from cloud.page.state import Snapshot, StoreState
from cloud.watch.alarms.alarm import AlarmState
from cloud.watch.alarms.sentences import SEVERITIES, counted, words_of
from cloud.watch.model import Severity

# A shape for each severity, so that colour is never needed: octagon, triangle, disc.
_SIGNS = {
    Severity.CRITICAL: ("M6 1H14L19 6V14L14 19H6L1 14V6Z", "#b3261e", "M10 5V11.5M10 14V15"),
    Severity.WARNING: ("M10 1.5 19 18H1Z", "#d97706", "M10 7.5V12.5M10 14.7V15.5"),
    Severity.NOTICE: ("M1.5 10a8.5 8.5 0 1 0 17 0a8.5 8.5 0 1 0 -17 0Z", "#0072b2", "M10 9V15M10 5V6"),
}


def sign(severity: Severity) -> str:
    """A small drawing."""
    shape, colour, mark = _SIGNS[severity]
    return (
        f'<svg class="sign" viewBox="0 0 20 20" aria-hidden="true"><path d="{shape}" fill="{colour}"/>'
        f'<path d="{mark}" stroke="#fff" stroke-width="2.2" stroke-linecap="round" fill="none"/></svg>'
    )


def gravity(severity: Severity) -> str:
    return SEVERITIES[severity]


def name(alarm: Alarm) -> str:
    """What it is, in the words of the messages about it."""
    return _sentence(words_of(alarm.kind).one)


def names(group: Sequence[Alarm]) -> str:
    """Of one, or of so many: `12 lampes en panne`."""
    return name(group[0]) if len(group) == 1 else _sentence(counted(group[0].kind, len(group)))


def to_do(alarm: Alarm) -> str:
    """What a person should do."""
    return f"À faire : {words_of(alarm.kind).todo}."


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def heading(held: int) -> str:
    return f"Alarmes ({words.number(held)})" if held else "Alarmes"


def badge(snapshot: Snapshot) -> str:
    """`3 alarmes`; that all is well; or that nobody watches."""
    held = sum(one.is_open for one in snapshot.beside.alarms)
    match badge_look(snapshot):
        case "asleep":
            return "Veille arrêtée" if snapshot.beside.watch.stopped_ms is not None else "Pas de veille"
        case "well":
            return "Aucune alarme"
        case _:
            return words.plural(held, "alarme", "alarmes")


def badge_look(snapshot: Snapshot) -> str:
    """`asleep`, `well`, or the gravest severity that holds."""
    held = [one for one in snapshot.beside.alarms if one.is_open]
    if not snapshot.beside.watch.is_awake:
        return "asleep"
    return held[0].severity.value if held else "well"


def watch_note(snapshot: Snapshot) -> str:
    """That the watch has stopped, and since when; that all is well; "" where the list says enough."""
    watch = snapshot.beside.watch
    if snapshot.store is StoreState.FAILING:
        return "Le magasin de données ne répond pas : ces alarmes sont les dernières connues."
    held = any(one.is_open for one in snapshot.beside.alarms)
    if watch.is_awake:
        return "" if held else "Aucune alarme en cours."
    if watch.stopped_ms is None:
        return "La veille n’a pas encore commencé : l’état des équipements est celui de leurs dernières mesures."
    since = f"depuis {words.duration(snapshot.now_ms - watch.stopped_ms)} ({words.moment(watch.stopped_ms)})"
    dated = "Les alarmes ci-dessous datent d’alors." if held else "Plus aucune alarme n’est levée."
    return f"La veille est arrêtée {since}. {dated} Prévenez l’exploitant."


def watch_look(snapshot: Snapshot) -> str:
    """`hidden`, `well`, `waiting` before the first heartbeat, `wrong` when it stopped."""
    watch = snapshot.beside.watch
    if not watch_note(snapshot):
        return "hidden"
    if snapshot.store is StoreState.FAILING:
        return "wrong"
    if watch.is_awake:
        return "well"
    return "waiting" if watch.stopped_ms is None else "wrong"


def where(alarm: Alarm, ground: Ground, *, for_operator: bool = False) -> str:
    """`Bac, Rue du Pont · Remiremont`: what it is about, in the words of who lives there.

    Args:
        for_operator: name radios and tenants too.
    """
    commune = ground.communes.get(alarm.commune)
    said = [_subject(alarm, ground, for_operator=for_operator), "" if commune is None else commune.name]
    return " · ".join(dict.fromkeys(part for part in said if part))


def _subject(alarm: Alarm, ground: Ground, *, for_operator: bool) -> str:
    match alarm.about:
        case "asset":
            place = ground.places.get(alarm.asset)
            if place is None:
                return alarm.asset
            noun = NOUNS[place.kind].capitalize()
            return f"{noun}, {place.name}" if place.name else f"{noun} {place.asset}"
        case "site":
            return f"Site « {ground.sites.get(alarm.subject, alarm.subject)} »"
        case _:
            return alarm.subject if for_operator else ""


def since(alarm: Alarm, now_ms: int) -> str:
    """`depuis 2 h 10`, or how long ago it ended."""
    if alarm.is_open:
        return f"depuis {words.duration(now_ms - alarm.since_ms)}"
    return f"terminée {words.ago(now_ms - alarm.changed_ms)}"


def since_last(group: Sequence[Alarm], now_ms: int) -> str:
    """Of several: of the newest."""
    newest = since(group[0], now_ms)
    return newest if len(group) == 1 else f"la dernière {newest}"


def span(alarm: Alarm) -> str:
    """From when to when an alarm lasted that has ended."""
    lasted = words.duration(max(0, alarm.changed_ms - alarm.since_ms))
    return f"{words.short_moment(alarm.since_ms)} · a duré {lasted}"


def seen_by(alarm: Alarm) -> str:
    """Who takes care of it; "" while nobody does."""
    if alarm.state is not AlarmState.ACKNOWLEDGED:
        return ""
    said = f"Pris en charge par {alarm.by}" if alarm.by else "Pris en charge"
    return f"{said} : {alarm.note}" if alarm.note else said


def more(number: int, *, is_long: bool) -> str:
    """On the button below a list that is shortened."""
    return "N’afficher que les premières" if is_long else f"Tout afficher ({words.number(number)})"


def others(number: int) -> str:
    """Below a list that does not show all."""
    return f"… et {words.plural(number, 'autre', 'autres')}"


def history_switch(days: int, *, is_open: bool) -> str:
    return "Masquer l’historique" if is_open else f"Historique des {days} derniers jours"
