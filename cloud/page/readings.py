"""What the panel says of one asset: its last readings as lines, and what follows from its history in a sentence. Pure.

A closed list of quantities a kind: nothing of the radio, no identity of a device, no setting of a controller.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cloud.page import bin as bins
from cloud.page import counter, lamp, words
from cloud.page.kinds import TRADES
from cloud.stores.base import Field, Point
from cloud.watch.emptying import Emptying, Level, read_look
from core.increments import Sample, counted_in
from core.quantities import QUANTITIES, state_label
from core.territory import Kind
from core.territory.model import Thresholds

ENERGY = "energy_wh"
SHOWN: Mapping[Kind, tuple[str, ...]] = {
    Kind.LAMP: (
        lamp.LEVEL,
        lamp.POWER,
        "lamp_failure",
        "driver_failure",
        "dali_bus",
        "lamp_alert_24h",
        "power_alert_24h",
        "voltage_alert_24h",
        "level_source",
        ENERGY,
        "power_factor",
        "mains_v",
        "temperature_c",
        "lamp_time_s",
        "driver_time_s",
        "illuminance_lx",
        "tilt_deg",
    ),
    Kind.BIN: (
        bins.FILL,
        bins.DISTANCE,
        bins.FIRE,
        bins.TILT,
        bins.FULL,
        "temperature_c",
        "battery_pct",
        "battery_v",
        "battery_alert",
    ),
    Kind.COUNTER: (
        counter.COUNT,
        counter.SPEED,
        "temperature_c",
        "battery_pct",
        "battery_v",
        "battery_alert",
        "supply_v",
        "solar_power_w",
    ),
    Kind.CABINET: (),
}
_SCALES = {"Wh": (1000.0, 1, "kWh"), "s": (3600.0, 0, "h")}  # what people read: energy in kWh, running time in hours
_OUTPUTS = {
    "internal": "compteur",
    "analog": "0–10 V",
    "dali_broadcast": "DALI",
    "all": "tous",
    "left": "vers la gauche",
    "right": "vers la droite",
    "ltr": "de gauche à droite",
    "rtl": "de droite à gauche",
}
_DIGITS = {"power_factor": 2, "illuminance_lx": 1, "battery_v": 1, "supply_v": 1}
_GLOSSARY = {
    "DALI": "DALI : la liaison par laquelle le contrôleur commande le luminaire.",
    "pilote (driver)": "Pilote (driver) : l’alimentation électronique qui règle le courant de la lampe.",
    "Facteur de puissance": "Facteur de puissance : part utile du courant appelé, 1 au mieux.",
    "compteur": "Compteur : total depuis la pose, relevé par le contrôleur.",
    "Distance au contenu": "Distance au contenu : mesurée depuis le couvercle ; le remplissage s’en déduit.",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One reading. `at_ms`: None when it is older than the history; `doubtful`: out of range."""

    quantity: str
    label: str
    text: str
    at_ms: int | None
    doubtful: bool = False
    broken: bool = False


def lines(kind: Kind, latest: Iterable[Point], history: Sequence[Point], suspects: Sequence[Point]) -> list[Line]:
    """The last readings, in the order of `SHOWN`; where an output has a name of its own, with that name.

    Args:
        latest: the newest point of each series of the asset.
        history: its points of the last hours or days, by time.
        suspects: its out-of-range readings of the last 24 hours, by time.
    """
    times = _times(history)
    bad = TRADES[kind].faults
    found = {
        (name, point.tags.get("channel", "")): _line(bad, name, value, times.get((name, point.tags.get("channel", ""))))
        for point in latest
        for name, value in point.fields.items()
    }
    for (name, channel), at_ms in _times(suspects).items():
        good_ms = times.get((name, channel))
        if good_ms is None or at_ms > good_ms:
            value = next(p.fields[name] for p in reversed(suspects) if p.time_us // 1000 == at_ms and name in p.fields)
            found[name, channel] = _line(bad, name, value, at_ms, doubtful=True)
    listed = []
    for name in SHOWN[kind]:
        channels = sorted(channel for quantity, channel in found if quantity == name)
        for channel in channels:
            line = found[name, channel]
            label = f"{line.label} ({output(channel)})" if len(channels) > 1 and channel else line.label
            listed.append(Line(name, label, line.text, line.at_ms, line.doubtful, line.broken))
    return listed


def output(channel: str) -> str:
    """`DALI 9`, `DALI groupe 3`, `compteur`, `vers la gauche`: the name of a codec's channel for people."""
    return _OUTPUTS.get(channel, channel.replace("dali_", "DALI ").replace("group_", "groupe "))


def _times(points: Iterable[Point]) -> dict[tuple[str, str], int]:
    """When each quantity of each channel was last read (ms)."""
    return {(name, point.tags.get("channel", "")): point.time_us // 1000 for point in points for name in point.fields}


def _line(bad: Mapping[str, str], name: str, value: Field, at_ms: int | None, *, doubtful: bool = False) -> Line:
    quantity = QUANTITIES.get(name)
    label = explained(quantity.label if quantity else name)
    return Line(name, label, say(name, value), at_ms, doubtful, broken=bad.get(name) == value)


def say(name: str, value: Field) -> str:
    """A value in French with its unit: `42 W`, `245,3 kWh`, `normal`."""
    if isinstance(value, str):
        return explained(state_label(value))
    quantity = QUANTITIES.get(name)
    unit = quantity.unit if quantity else ""
    divisor, digits, unit = _SCALES.get(unit, (1.0, _DIGITS.get(name, 0), unit))
    return f"{words.number(float(value) / divisor, digits)}{words.NARROW_SPACE}{unit}".rstrip()


def explained(text: str) -> str:
    """The trade's word behind the one that people know."""
    return text.replace("driver", "pilote (driver)")


def glossary(texts: Iterable[str]) -> list[str]:
    """One sentence for each technical word in these texts."""
    said = " ".join(texts)
    return [sentence for word, sentence in _GLOSSARY.items() if word in said]


def broken(kind: Kind, name: str) -> str:
    """What is broken, by a quantity of the kind's faults, inside a sentence: `pilote (driver) introuvable`."""
    word = TRADES[kind].faults[name]
    if word not in {"fault", "raised"}:
        return explained(state_label(word))
    label = explained(QUANTITIES[name].label)
    return label[0].lower() + label[1:]


def last_emptying(history: Iterable[Point], thresholds: Thresholds) -> Emptying | None:
    """The last time that a bin was emptied, as the watch sees it; None when it was not."""
    found, level = None, Level(thresholds)
    for point in history:
        look = read_look(point)
        if look is not None:
            found = level.take(look) or found
    return found


def energy_wh(history: Iterable[Point], *, start_ms: int, end_ms: int) -> float | None:
    """What a lamp used in a period, by the meter of the device that spoke last; None where it has none."""
    meters: dict[tuple[str, str], list[Sample]] = {}
    for point in history:
        if ENERGY in point.fields:
            meter = (point.tags.get("device", ""), point.tags.get("channel", ""))
            meters.setdefault(meter, []).append(Sample(point.time_us, float(point.fields[ENERGY])))
    if not meters:
        return None
    samples = max(meters.values(), key=lambda samples: max(sample.time_us for sample in samples))
    return counted_in(ENERGY, samples, start_us=start_ms * 1000, end_us=end_ms * 1000)


def directions(history: Iterable[Point]) -> dict[str, float]:
    """Vehicles of a counter by direction; a direction that was never measured is left out."""
    found: dict[str, float] = {}
    for point in history:
        if counter.COUNT in point.fields:
            channel = point.tags.get("channel", "")
            found[channel] = found.get(channel, 0.0) + float(point.fields[counter.COUNT])
    return dict(sorted(found.items()))
