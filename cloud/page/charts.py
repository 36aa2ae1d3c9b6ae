"""The charts of the panels as ECharts options: a lamp's day, a bin's week, a counter's hours. Pure."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from cloud.page import bin as bins
from cloud.page import counter, lamp, words
from cloud.page.readings import output
from cloud.stores.base import Point

DAY_MS, HOUR_MS = 24 * 3_600_000, 3_600_000
_HOURS = "new Intl.DateTimeFormat('fr-FR', {hour: '2-digit', minute: '2-digit', timeZone: 'Europe/Paris'})"
_DAYS = "new Intl.DateTimeFormat('fr-FR', {weekday: 'short', timeZone: 'Europe/Paris'})"
_INK, _GRID, _BLUE, _OCHRE, _GREEN, _RED = "#44505c", "#e3e7eb", "#0072b2", "#9a6b00", "#00704f", "#b03a00"
_Sample = tuple[int, float | None]


def lamp_day(history: Sequence[Point], now_ms: int, *, gap_ms: int) -> dict[str, Any]:
    """Power and level of the last 24 hours; a silence longer than `gap_ms` breaks the line."""
    power, level = _curve(history, lamp.POWER, gap_ms), _curve(history, lamp.LEVEL, gap_ms)
    top = max((value for _, value in power if value is not None), default=0.0)
    return _options(
        "Puissance et niveau d’éclairage des dernières 24 heures",
        x_axis=_time_axis(now_ms - DAY_MS, now_ms, _round_hours(now_ms), _HOURS),
        y_axes=[_axis("W", max(20.0, math.ceil(top * 1.05 / 20) * 20.0), color=_BLUE), _axis("%", 100.0, color=_OCHRE)],
        series=[
            {**_line("Puissance (W)", power, _BLUE), "areaStyle": {"color": _BLUE, "opacity": 0.12}},
            {**_line("Niveau (%)", level, _OCHRE, dashed=True), "yAxisIndex": 1, "step": "end"},
        ],
    )


def bin_week(history: Sequence[Point], now_ms: int, *, gap_ms: int, full_pct: float) -> dict[str, Any]:
    """Fill of the last 7 days under the threshold; a collection is a drop."""
    fill = _curve(history, bins.FILL, gap_ms)
    threshold = {
        "silent": True,
        "symbol": "none",
        "lineStyle": {"color": _RED, "type": "dashed"},
        "label": {"formatter": f"à vider : {words.number(full_pct)} %", "position": "insideStartTop", "color": _RED},
        "data": [{"yAxis": full_pct}],
    }
    return _options(
        "Remplissage des 7 derniers jours",
        x_axis=_time_axis(now_ms - 7 * DAY_MS, now_ms, _midnights(now_ms, 7), _DAYS),
        y_axes=[_axis("%", 100.0, color=_GREEN)],
        series=[
            {
                **_line("Remplissage (%)", fill, _GREEN),
                "areaStyle": {"color": _GREEN, "opacity": 0.12},
                "markLine": threshold,
            }
        ],
    )


def counter_hours(history: Sequence[Point], now_ms: int, *, midnight_ms: int) -> dict[str, Any]:
    """Vehicles of each hour of today by direction, and their mean speed. An hour without any measurement is grey: it
    is not an hour without vehicles."""
    hours = max(1, -(-(now_ms - midnight_ms) // HOUR_MS))
    by_hour: list[list[Point]] = [[] for _ in range(hours)]
    for point in history:
        if counter.COUNT in point.fields:
            hour = (point.time_us // 1000 - 1 - midnight_ms) // HOUR_MS  # what passed before, up to this instant
            by_hour[min(max(hour, 0), hours - 1)].append(point)
    channels = sorted({point.tags.get("channel", "") for points in by_hour for point in points})
    speeds = [counter.mean_speed_kmh(points) for points in by_hour]
    labels = [f"{words.local(midnight_ms + hour * HOUR_MS).hour} h" for hour in range(24)]
    top = max((_vehicles(points) or 0.0 for points in by_hour), default=0.0)
    fastest = max((speed for speed in speeds if speed is not None), default=0.0)
    colours = (_BLUE, "#56b4e9", "#44505c", "#9fb1c2")
    bars = [
        {
            "name": output(channel) or "Véhicules",
            "type": "bar",
            "stack": "vehicles",
            "barCategoryGap": "25%",
            "itemStyle": {"color": colours[index % len(colours)]},
            "data": [_vehicles(points, channel) for points in by_hour],
        }
        for index, channel in enumerate(channels)
    ]
    if bars:
        bars[0]["markArea"] = {
            "silent": True,
            "itemStyle": {"color": "#c9d1d8", "opacity": 0.55},
            "data": [_unmeasured(labels, *span) for span in _empty_spans(by_hour)],
        }
    speed = _line("Vitesse moyenne (km/h)", [], _OCHRE, dashed=True) | {"data": [_rounded(one) for one in speeds]}
    return _options(
        "Véhicules par heure aujourd’hui, par sens, et vitesse moyenne",
        x_axis={
            "type": "category",
            "data": labels,
            "axisLabel": {"color": _INK, "interval": 3},
            "axisLine": {"lineStyle": {"color": _INK}},
        },
        y_axes=[
            _axis("véh./h", _round_top(top), color=_BLUE),
            _axis("km/h", max(60.0, math.ceil(fastest / 20) * 20.0), color=_OCHRE),
        ],
        series=[*bars, {**speed, "yAxisIndex": 1, "symbol": "circle"}],
        tooltip=(
            "items => items[0].axisValue + items.map(i => '<br>' + i.marker + i.seriesName + ' : <b>'"
            " + (i.value == null ? 'sans mesure' : i.value.toLocaleString('fr-FR')) + '</b>').join('')"
        ),
    )


def _empty_spans(by_hour: Sequence[Sequence[Point]]) -> list[tuple[int, int]]:
    """First and last hour of each run of hours without a measurement."""
    spans: list[tuple[int, int]] = []
    for hour, points in enumerate(by_hour):
        if points:
            continue
        if spans and spans[-1][1] == hour - 1:
            spans[-1] = (spans[-1][0], hour)
        else:
            spans.append((hour, hour))
    return spans


def _unmeasured(labels: Sequence[str], first: int, last: int) -> list[dict[str, Any]]:
    """A grey area; it says why where there is room."""
    word = {"show": last - first >= 4, "formatter": "sans mesure", "position": "inside", "color": _INK}
    return [{"xAxis": labels[first], "label": word}, {"xAxis": labels[last]}]


def _vehicles(points: Iterable[Point], channel: str | None = None) -> float | None:
    """The sum of an hour; None where nothing was measured."""
    counts = [
        float(point.fields[counter.COUNT]) for point in points if channel in (None, point.tags.get("channel", ""))
    ]
    return sum(counts) if counts else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def _round_top(top: float) -> float:
    """A round number above, that four steps divide."""
    step = 10.0 ** max(1, math.floor(math.log10(top))) if top >= 1 else 10.0
    return max(20.0, math.ceil(top * 1.05 / step) * step)


def _options(
    what: str,
    *,
    x_axis: dict[str, Any],
    y_axes: list[dict[str, Any]],
    series: list[dict[str, Any]],
    tooltip: str = "",
) -> dict[str, Any]:
    return {
        "animation": False,
        "aria": {"enabled": True, "label": {"description": what}},
        "textStyle": {"fontFamily": "Roboto, sans-serif", "color": _INK},
        "grid": {"left": 8, "right": 8, "top": 76 if len(series) > 2 else 44, "bottom": 4, "containLabel": True},
        "legend": {"top": 0, "left": 0, "itemWidth": 18, "textStyle": {"color": _INK}},
        "tooltip": {
            "trigger": "axis",
            ":formatter": tooltip
            or (
                f"items => {_HOURS}.format(items[0].value[0]) + items.filter(i => i.value[1] !== null)"
                ".map(i => '<br>' + i.marker + i.seriesName + ' : <b>'"
                " + Math.round(i.value[1]).toLocaleString('fr-FR') + '</b>').join('')"
            ),
        },
        "xAxis": x_axis,
        "yAxis": y_axes,
        "series": series,
    }


def _time_axis(start_ms: int, end_ms: int, ticks: list[int], format_: str) -> dict[str, Any]:
    return {
        "type": "time",
        "min": start_ms,
        "max": end_ms,
        "axisLabel": {
            "color": _INK,
            "customValues": ticks,
            "hideOverlap": True,
            ":formatter": f"value => {format_}.format(value)",
        },
        "axisTick": {"customValues": ticks},
        "axisLine": {"lineStyle": {"color": _INK}},
        "splitLine": {"show": False},
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


def _line(name: str, curve: Sequence[_Sample], color: str, *, dashed: bool = False) -> dict[str, Any]:
    return {
        "name": name,
        "type": "line",
        "symbol": "circle" if len(curve) < 3 else "none",  # a lone reading makes no line
        "symbolSize": 7,
        "lineStyle": {"width": 2, "color": color, "type": "dashed" if dashed else "solid"},
        "itemStyle": {"color": color},
        "data": curve,
    }


def _curve(history: Iterable[Point], quantity: str, gap_ms: int) -> list[_Sample]:
    """(ms, value) by time; of several channels of one instant the highest; None where the asset was silent."""
    values: dict[int, float] = {}
    for point in history:
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
    first = (now_ms - DAY_MS) // HOUR_MS + 1
    return [
        hour * HOUR_MS for hour in range(first, now_ms // HOUR_MS + 1) if words.local(hour * HOUR_MS).hour % every == 0
    ]


def _midnights(now_ms: int, days: int) -> list[int]:
    """The last midnights of Paris (ms UTC)."""
    found = [words.midnight_ms(now_ms)]
    while len(found) < days:
        found.append(words.midnight_ms(found[-1] - 1))
    return found[::-1]
