"""What the panel says of one asset in sentences: what it is, its state, its age, what its history tells. Pure."""

from cloud.page import bin as bins
from cloud.page import counter, lamp, readings, words
from cloud.page.bin import BinState
from cloud.page.counter import CounterState
from cloud.page.kinds import NOUNS
from cloud.page.lamp import LampState
from cloud.page.seen import raised
from cloud.page.story import Story
from cloud.page.symbols import symbol_of
from cloud.schema import best_of, uplink_of
from cloud.stores.base import Point
from cloud.watch.alarms.sentences import words_of
from core.errors import UnreadableError
from core.model import Reception
from core.territory import Kind

CHARTS = {
    Kind.LAMP: "Dernières 24 heures",
    Kind.BIN: "7 derniers jours",
    Kind.COUNTER: "Aujourd’hui, heure par heure",
    Kind.CABINET: "",
}
NO_HISTORY = {
    Kind.LAMP: "Aucune mesure depuis 24 heures.",
    Kind.BIN: "Aucune mesure depuis 7 jours.",
    Kind.COUNTER: "Aucune mesure depuis minuit.",
    Kind.CABINET: "",
}
OLDER = {
    Kind.LAMP: "plus de 24 h",
    Kind.BIN: "plus de 7 j",
    Kind.COUNTER: "avant minuit",
    Kind.CABINET: "",
}
_UNIT = words.NARROW_SPACE


def declared(story: Story) -> str:
    """Kind, commune and what the territory says of the asset; its id where it is called by its street."""
    asset = story.asset
    facts = [NOUNS[asset.kind].capitalize(), story.commune]
    if story.place.name:
        facts.append(asset.id)
    if asset.luminaire:
        facts.append(asset.luminaire)
    if asset.rated_power_w is not None:
        facts.append(f"{words.number(asset.rated_power_w)}{_UNIT}W")
    if asset.colour_temperature_k is not None:
        facts.append(f"{words.number(asset.colour_temperature_k)}{_UNIT}K")
    if asset.geometry is not None:
        facts.append(f"profondeur {words.number(asset.geometry.height_mm / 10)}{_UNIT}cm")
    if asset.speed_limit_kmh is not None:
        facts.append(f"limité à {words.number(asset.speed_limit_kmh)}{_UNIT}km/h")
    return " · ".join(facts)


def headline(story: Story) -> str:
    """The state in words, with what is broken or the figure that belongs to it."""
    kind, seen = story.asset.kind, story.seen
    word = symbol_of(kind, seen.state).word
    match seen.state:
        case LampState.FAULT if kind is Kind.LAMP:
            return f"{word} : {_trouble(story)}"
        case BinState.LOW | BinState.HALF | BinState.FULL | BinState.FIRE if seen.value is not None:
            return f"{word} : {words.number(seen.value)}{_UNIT}% rempli"
        case CounterState.FLOWING if seen.value is not None:
            return f"{words.plural(int(seen.value), 'véhicule', 'véhicules')} au dernier relevé"
        case CounterState.QUIET:
            return "Aucun véhicule au dernier relevé"
        case _:
            return f"{word} : circuit coupé" if seen.unpowered else word


def _trouble(story: Story) -> str:
    """What is wrong with a lamp: in the watch's word; else by what its driver says, or by its alarm."""
    known = story.states.get(lamp.LAMP)
    if known is not None and known.value in lamp.TROUBLES:
        return lamp.TROUBLES[str(known.value)]
    said = [readings.broken(Kind.LAMP, name) for name in lamp.faults(story.latest)]
    return ", ".join(said or [words_of(alarm.kind).one for alarm in story.alarms[:1]])


def age(story: Story) -> str:
    """How old the last reading is; that there was none; that no device is there."""
    kind, at_ms, state = story.asset.kind, story.seen.at_ms, story.seen.state
    if kind is Kind.CABINET:
        return "Armoire électrique ; elle n’a pas de capteur."
    if at_ms is None:
        if state == "awaited":
            return "Aucune donnée reçue pour l’instant."
        return f"Aucun capteur n’est affecté à ce {NOUNS[kind]}." if state == "bare" else "Aucune donnée reçue."
    span = words.duration(story.now_ms - at_ms)
    if state == "silent":
        return f"Pas de donnée depuis {span} ({words.moment(at_ms)})."
    if state == "bare":
        return f"Capteur retiré ; dernière donnée le {words.moment(at_ms)}."
    return f"Dernière donnée {words.ago(story.now_ms - at_ms)}."


def told(story: Story) -> list[str]:
    """What the history of the asset tells: one sentence each."""
    match story.asset.kind:
        case Kind.LAMP:
            return _of_lamp(story)
        case Kind.BIN:
            return _of_bin(story)
        case Kind.COUNTER:
            return _of_counter(story)
        case _:
            return []


def _of_lamp(story: Story) -> list[str]:
    said = []
    lit = story.states.get(lamp.LIT)
    if lit is not None and story.seen.state in (LampState.LIT, LampState.OFF) and not story.seen.unpowered:
        said.append(f"{'Allumé' if lit.value else 'Éteint'} depuis {words.duration(story.now_ms - lit.since_ms)}.")
    plan = story.place.plan
    if plan is not None:
        level_pct = plan.level_pct(story.now_ms)
        wanted = f"allumé à {words.number(level_pct)}{_UNIT}%" if level_pct else "éteint"
        next_ms = plan.next_change_ms(story.now_ms)
        until = "" if next_ms is None else f" jusqu’à {words.hour_of_day(next_ms)}"
        said.append(f"Prévu : {wanted}{until}.")
    used = readings.energy_wh(story.history, start_ms=story.midnight_ms, end_ms=story.now_ms)
    if used is not None:
        said.append(f"Énergie depuis minuit : {words.number(used / 1000, 2)}{_UNIT}kWh.")
    return said


def _of_bin(story: Story) -> list[str]:
    said = [f"À vider à partir de {words.number(story.place.full_pct)}{_UNIT}%."]
    full = story.states.get(bins.IS_FULL)
    if full is not None and full.value:
        said.append(f"À vider depuis {words.duration(story.now_ms - full.since_ms)}.")
    emptied = readings.last_emptying(story.history, story.thresholds)
    known = story.states.get(bins.EMPTIED)
    if emptied is not None:
        fall = f"de {words.number(emptied.before_pct)} à {words.number(emptied.after_pct)}{_UNIT}%"
        said.append(f"Dernière collecte : {words.moment(emptied.at_ms)} ({fall}).")
    elif known is not None:
        said.append(f"Dernière collecte : {words.moment(known.since_ms)}.")
    else:
        said.append("Aucune collecte vue depuis 7 jours.")
    if raised(story.latest, "battery_alert"):
        said.append("La pile du capteur est faible.")
    return said


def _of_counter(story: Story) -> list[str]:
    counted = readings.directions(story.history)
    if not counted:
        return []
    total = int(sum(counted.values()))
    by_direction = [
        f"{words.number(vehicles)} {readings.output(channel)}" for channel, vehicles in counted.items() if channel
    ]
    detail = f" ({', '.join(by_direction)})" if len(by_direction) > 1 else ""
    said = [f"{words.plural(total, 'véhicule', 'véhicules')} depuis minuit{detail}."]
    speed = counter.mean_speed_kmh(story.history)
    if speed is not None:
        limit = story.asset.speed_limit_kmh
        beside = f", pour une limite de {words.number(limit)}{_UNIT}km/h" if limit is not None else ""
        said.append(f"Vitesse moyenne : {words.number(speed)}{_UNIT}km/h{beside}.")
    return said


def radio(story: Story) -> list[tuple[str, str]]:
    """For the operator alone: device, radio and raw payload of the newest uplink, by label."""
    if story.uplink is None:
        return []
    shown: list[tuple[str, object]] = [
        ("Reçu", words.ago(story.now_ms - story.uplink.time_us // 1000)),
        ("DevEUI", story.uplink.tags.get("device")),
        *_row(story.uplink),
    ]
    return [(label, str(value)) for label, value in shown if value not in (None, "")]


def _row(point: Point) -> list[tuple[str, object]]:
    """What the accepted row itself says; nothing where a newer version wrote it."""
    try:
        row = uplink_of(point)
    except (UnreadableError, KeyError):
        return []
    best = best_of(row.receptions)
    return [
        ("Codec", row.codec),
        ("Erreur", row.error),
        *(() if best is None else _reception(best)),
        ("Profil", row.profile),
        ("Port, compteur de trames", f"{row.f_port}, {row.f_cnt}"),
        ("Message brut", row.payload.hex()),
    ]


def _reception(best: Reception) -> list[tuple[str, object]]:
    return [
        ("RSSI, puissance reçue", f"{best.rssi_dbm}{_UNIT}dBm"),
        ("SNR, rapport signal/bruit", f"{best.snr_db}{_UNIT}dB"),
        ("Passerelle", best.gateway),
    ]
