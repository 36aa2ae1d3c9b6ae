"""What the panel says of one lamp: its last readings as lines, its last 24 hours as a chart. Pure.

A closed list of quantities: nothing of the radio, no identity of a device, no setting of a controller.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from cloud.page import words
from cloud.page.lamp import FAULTS, LEVEL, POWER
from cloud.stores.base import Field, Point
from core.quantities import QUANTITIES, state_label

DAY_MS = 24 * 3_600_000
SHOWN = (
    LEVEL,
    POWER,
    "lamp_failure",
    "driver_failure",
    "dali_bus",
    "lamp_alert_24h",
    "power_alert_24h",
    "voltage_alert_24h",
    "level_source",
    "energy_wh",
    "power_factor",
    "mains_v",
    "temperature_c",
    "lamp_time_s",
    "driver_time_s",
    "illuminance_lx",
    "tilt_deg",
)
_SCALES = {"Wh": (1000.0, 1, "kWh"), "s": (3600.0, 0, "h")}  # what people read: energy in kWh, running time in hours
_OUTPUTS = {"internal": "compteur", "analog": "0–10 V", "dali_broadcast": "DALI", "all": "tous"}
_DIGITS = {"power_factor": 2, "illuminance_lx": 1}
_HOURS = "new Intl.DateTimeFormat('fr-FR', {hour: '2-digit', minute: '2-digit', timeZone: 'Europe/Paris'})"
_INK, _GRID, _POWER_INK, _LEVEL_INK = "#44505c", "#e3e7eb", "#0072b2", "#9a6b00"
_Sample = tuple[int, float | None]


@dataclass(frozen=True, slots=True)
class Line:
    """One reading. `at_ms`: None when it is older than the last 24 hours; `doubtful`: out of range."""

    quantity: str
    label: str
    text: str
    at_ms: int | None
    doubtful: bool = False
    broken: bool = False


def lines(latest: Iterable[Point], day: Sequence[Point], suspects: Sequence[Point]) -> list[Line]:
    """The last readings, in the order of `SHOWN`; where an output has a name of its own, with that name.

    Args:
        latest: the newest point of each series of the lamp.
        day: its points of the last 24 hours, by time.
        suspects: its out-of-range readings of the last 24 hours, by time.
    """
    times = _times(day)
    found = {
        (name, point.tags.get("channel", "")): _line(name, value, times.get((name, point.tags.get("channel", ""))))
        for point in latest
        for name, value in point.fields.items()
    }
    for (name, channel), at_ms in _times(suspects).items():
        good_ms = times.get((name, channel))
        if good_ms is None or at_ms > good_ms:
            value = next(p.fields[name] for p in reversed(suspects) if p.time_us // 1000 == at_ms and name in p.fields)
            found[name, channel] = _line(name, value, at_ms, doubtful=True)
    listed = []
    for name in SHOWN:
        channels = sorted(channel for quantity, channel in found if quantity == name)
        for channel in channels:
            line = found[name, channel]
            label = f"{line.label} ({_output(channel)})" if len(channels) > 1 and channel else line.label
            listed.append(Line(name, label, line.text, line.at_ms, line.doubtful, line.broken))
    return listed


def _output(channel: str) -> str:
    """`DALI 9`, `DALI groupe 3`, `compteur`: the name of a codec's channel for people."""
    return _OUTPUTS.get(channel, channel.replace("dali_", "DALI ").replace("group_", "groupe "))


def _times(points: Iterable[Point]) -> dict[tuple[str, str], int]:
    """When each quantity of each channel was last read (ms)."""
    return {(name, point.tags.get("channel", "")): point.time_us // 1000 for point in points for name in point.fields}


def _line(name: str, value: Field, at_ms: int | None, *, doubtful: bool = False) -> Line:
    quantity = QUANTITIES.get(name)
    label = quantity.label if quantity else name
    return Line(name, label, say(name, value), at_ms, doubtful, broken=FAULTS.get(name) == value)


def say(name: str, value: Field) -> str:
    """A value in French with its unit: `42 W`, `245,3 kWh`, `normal`."""
    if isinstance(value, str):
        return state_label(value)
    quantity = QUANTITIES.get(name)
    unit = quantity.unit if quantity else ""
    divisor, digits, unit = _SCALES.get(unit, (1.0, _DIGITS.get(name, 0), unit))
    return f"{words.number(float(value) / divisor, digits)}{words.NARROW_SPACE}{unit}".rstrip()


def broken(name: str) -> str:
    """What is broken, by a quantity of `FAULTS`, as the middle of a sentence: `driver introuvable`."""
    if FAULTS[name] not in {"fault", "raised"}:
        return state_label(FAULTS[name])
    label = QUANTITIES[name].label
    return label[0].lower() + label[1:]


def chart(day: Sequence[Point], now_ms: int, *, gap_ms: int) -> dict[str, Any]:
    """Power and level of the last 24 hours as ECharts options; a silence longer than `gap_ms` breaks the line."""
    power, level = _curve(day, POWER, gap_ms), _curve(day, LEVEL, gap_ms)
    top = max((value for _, value in power if value is not None), default=0.0)
    top_w = max(20.0, math.ceil(top * 1.05 / 20) * 20.0)
    return {
        "animation": False,
        "aria": {"enabled": True, "label": {"description": "Puissance et niveau d’éclairage des dernières 24 heures"}},
        "textStyle": {"fontFamily": "Roboto, sans-serif", "color": _INK},
        "grid": {"left": 8, "right": 8, "top": 44, "bottom": 4, "containLabel": True},
        "legend": {"top": 0, "left": 0, "itemWidth": 18, "textStyle": {"color": _INK}},
        "tooltip": {
            "trigger": "axis",
            ":formatter": (
                f"items => {_HOURS}.format(items[0].value[0]) + items.filter(i => i.value[1] !== null)"
                ".map(i => '<br>' + i.marker + i.seriesName + ' : <b>'"
                " + i.value[1].toLocaleString('fr-FR') + '</b>').join('')"
            ),
        },
        "xAxis": {
            "type": "time",
            "min": now_ms - DAY_MS,
            "max": now_ms,
            "axisLabel": {
                "color": _INK,
                "customValues": _round_hours(now_ms),
                "hideOverlap": True,
                ":formatter": f"value => {_HOURS}.format(value)",
            },
            "axisTick": {"customValues": _round_hours(now_ms)},
            "axisLine": {"lineStyle": {"color": _INK}},
            "splitLine": {"show": False},
        },
        "yAxis": [
            _axis("W", top_w, color=_POWER_INK),
            _axis("%", 100.0, color=_LEVEL_INK),
        ],
        "series": [
            {
                **_line_series("Puissance (W)", power, _POWER_INK),
                "yAxisIndex": 0,
                "areaStyle": {"color": _POWER_INK, "opacity": 0.12},
            },
            {**_line_series("Niveau (%)", level, _LEVEL_INK, dashed=True), "yAxisIndex": 1, "step": "end"},
        ],
    }


def _axis(name: str, maximum: float, *, color: str) -> dict[str, Any]:
    """Four steps from 0 to `maximum`, so that the lines of both axes fall together."""
    return {
        "type": "value",
        "name": name,
        "min": 0,
        "max": maximum,
        "interval": maximum / 4,
        "nameTextStyle": {"color": color},
        "axisLabel": {"color": color},
        "splitLine": {"lineStyle": {"color": _GRID}},
    }


def _line_series(name: str, curve: Sequence[_Sample], color: str, *, dashed: bool = False) -> dict[str, Any]:
    return {
        "name": name,
        "type": "line",
        "symbol": "circle" if len(curve) < 3 else "none",  # a lone reading makes no line
        "symbolSize": 7,
        "lineStyle": {"width": 2, "color": color, "type": "dashed" if dashed else "solid"},
        "itemStyle": {"color": color},
        "data": curve,
    }


def _curve(day: Iterable[Point], quantity: str, gap_ms: int) -> list[_Sample]:
    """(ms, value) by time; of several channels of one instant the highest; None where the lamp was silent."""
    values: dict[int, float] = {}
    for point in day:
        if quantity in point.fields:
            at_ms = point.time_us // 1000
            values[at_ms] = max(values.get(at_ms, 0.0), float(point.fields[quantity]))
    curve: list[_Sample] = []
    for at_ms in sorted(values):
        if curve and at_ms - curve[-1][0] > gap_ms:
            curve.append((curve[-1][0] + 1, None))
        curve.append((at_ms, values[at_ms]))
    return curve


def _round_hours(now_ms: int, *, every: int = 4) -> list[int]:
    """The instants of the last 24 hours at which Paris shows 0, 4, 8… o'clock (ms UTC)."""
    hour_ms = 3_600_000
    first = (now_ms - DAY_MS) // hour_ms + 1
    return [
        hour * hour_ms for hour in range(first, now_ms // hour_ms + 1) if words.local(hour * hour_ms).hour % every == 0
    ]
