"""What an hour of a lamp comes to: how long it burned and should have, what it took, how long it was broken. Pure.

What was counted or happened between two words of a lamp is booked in the hour of the second: no loss makes a total
wrong, an hour may hold what belongs to the one before it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from cloud.stores.base import Point
from cloud.watch.detectors.light_said import (
    ANSWERS,
    DRIVER_FAILED,
    LAMP_FAILED,
    METER,
    NOTHING,
    ON,
    UNTOLD,
    WELL,
    Said,
    read_said,
)
from cloud.watch.detectors.light_story import by_meter, source_of
from cloud.watch.model import Combine, Watched
from cloud.watch.plan import plan_of, sun_of
from cloud.watch.rollups.light_between import Between, Lit, Word
from core.increments import COUNTERS, Sample, increments
from core.model import Domain
from core.territory import Kind
from core.territory.model import Thresholds

_METER: Final = "internal"  # the channel of the whole lamp's meter; drivers beside it are a part of that
_USUAL_INTERVAL_S: Final = 3600
_ENERGY, _HOURS = "energy_wh", "lamp_time_s"
_KEPT: Final = {_ENERGY: ("energy_counter_wh", "energy_counter_ms"), _HOURS: ("lamp_counter_s", "lamp_counter_ms")}


class LightRollup:
    """`energy_wh`, `burning_s`: by the lamp's counters. `energy_estimated_wh`, `burning_estimated_s`: of lamps that
    have none, by rated power and level, by their words. Of an asset one or the other, of a commune both: they add up.

    `burning_expected_s`: it should burn; `burning_unexpected_s`: it burned and should not; `dark_s`: it should, and was
    off; `lamp_failed_s`: lamp or driver was broken (these three only where there is any). The rest is where its
    counters and words stand.
    """

    measurement: str = Domain.LIGHT
    fields: Mapping[str, Combine] = MappingProxyType(
        {
            "burning_s": Combine.SUM,
            "burning_estimated_s": Combine.SUM,
            "energy_wh": Combine.SUM,
            "energy_estimated_wh": Combine.SUM,
            "burning_expected_s": Combine.SUM,
            "burning_unexpected_s": Combine.SUM,
            "dark_s": Combine.SUM,
            "lamp_failed_s": Combine.SUM,
            "energy_counter_wh": Combine.LAST,
            "energy_counter_ms": Combine.LAST,
            "lamp_counter_s": Combine.LAST,
            "lamp_counter_ms": Combine.LAST,
            "said_ms": Combine.LAST,
            "said_lit": Combine.LAST,
            "said_level_pct": Combine.LAST,
            "said_by": Combine.LAST,
            "fault": Combine.LAST,
            "fault_ms": Combine.LAST,
        }
    )

    def concerns(self, watched: Watched) -> bool:
        return watched.asset.kind is Kind.LAMP

    def hour(
        self,
        points: Sequence[Point],
        before: Mapping[str, float],
        watched: Watched,
        start_ms: int,  # noqa: ARG002 - the hour of the points; what they tell of may have begun before
    ) -> dict[str, float]:
        if 0 < before.get("said_ms", 0) < watched.since_ms <= points[0].time_us // 1000:
            before = {}  # those of another device
        made = _count(_ENERGY, points, before) | _count(_HOURS, points, before)
        seen = sorted([said for point in points if (said := read_said(point)) is not None], key=_order)
        lit = _burn(seen, before, watched, made)
        _fail(seen, before, made)
        if lit is None:
            return made
        is_planned = watched.asset.circuit is not None
        if is_planned:
            made["burning_expected_s"] = lit.expected_s
            made |= {
                name: value
                for name, value in (("burning_unexpected_s", lit.unexpected_s), ("dark_s", lit.dark_s))
                if value
            }
        if _KEPT[_HOURS][0] not in made:
            made["burning_estimated_s"] = lit.burning_s
        rated_w = watched.asset.rated_power_w
        if _KEPT[_ENERGY][0] not in made and rated_w is not None:
            made["energy_estimated_wh"] = rated_w * lit.full_s / 3600
        return made

    def derive(self, fields: Mapping[str, float]) -> dict[str, float]:
        """`energy_total_wh` and `burning_total_s`, counted and estimated; `energy_estimated_pct`: how much of it is."""
        made: dict[str, float] = {}
        counted, estimated = fields.get("energy_wh"), fields.get("energy_estimated_wh")
        if counted is not None or estimated is not None:
            total = made["energy_total_wh"] = (counted or 0.0) + (estimated or 0.0)
            made["energy_estimated_pct"] = 100 * (estimated or 0.0) / total if total else 0.0
        if "burning_s" in fields or "burning_estimated_s" in fields:
            made["burning_total_s"] = fields.get("burning_s", 0.0) + fields.get("burning_estimated_s", 0.0)
        return made


def _order(said: Said) -> tuple[int, str]:
    return said.at_ms, said.channel


def _count(quantity: str, points: Sequence[Point], before: Mapping[str, float]) -> dict[str, float]:
    """What a counter counted up to its last reading of the hour, and where it stands; nothing without a counter."""
    value_name, time_name = _KEPT[quantity]
    kept = {name: before[name] for name in (value_name, time_name) if name in before}
    lines: dict[str, dict[int, dict[str, float]]] = {}  # of each device, by time and channel
    for point in points:
        value = point.fields.get(quantity)
        if isinstance(value, float):
            at = lines.setdefault(point.tags.get("device", ""), {}).setdefault(point.time_us, {})
            at[point.tags.get("channel", "")] = value
    if not lines:
        return kept
    counter, counted = COUNTERS[quantity], 0.0
    is_first = True
    for readings in lines.values():
        has_meter = any(_METER in channels for channels in readings.values())
        samples = [
            Sample(time_us, _whole(quantity, channels, has_meter=has_meter))
            for time_us, channels in readings.items()
            if not has_meter or _METER in channels
        ]
        if is_first and len(kept) == 2:
            samples.insert(0, Sample(round(kept[time_name] * 1000), kept[value_name]))
        is_first = False
        counted += sum(
            one.amount for one in increments(samples, width_bits=counter.width_bits, max_per_s=counter.max_per_s)
        )
        last = max(samples)
        kept = {value_name: last.value, time_name: last.time_us / 1000}
    name = "energy_wh" if quantity == _ENERGY else "burning_s"
    return {name: counted, **kept}


def _whole(quantity: str, channels: Mapping[str, float], *, has_meter: bool) -> float:
    """The lamp's: its meter's, or all drivers' energy; it burns as long as the longest of its heads."""
    if has_meter:
        return channels[_METER]
    return sum(channels.values()) if quantity == _ENERGY else max(channels.values())


def _words(seen: Sequence[Said], source: int, limits: Thresholds) -> Iterator[Word]:
    """Whether it burned, at each of the words of a source."""
    heads: dict[str, int] = {}
    for said in seen:
        if said.source != source:
            continue
        lit = said.lit if source != METER else by_meter(said.power_w, limits)
        if lit != UNTOLD:
            heads[said.channel] = lit
            yield Word(said.at_ms, ON if ON in heads.values() else lit, said.level_pct)


def _burn(seen: Sequence[Said], before: Mapping[str, float], watched: Watched, made: dict[str, float]) -> Lit | None:
    """How long it burned up to its last word of the hour; keeps that. None: it never said whether it burns."""
    limits = watched.territory.tenants[watched.database].thresholds
    plan = plan_of(watched.territory, watched.asset)
    followed = sun_of(watched.territory, watched.asset) if plan is None else plan
    interval_s = _USUAL_INTERVAL_S if watched.profile is None else watched.profile.expected_interval_s
    unheard_ms = int(limits.lamp_unheard_intervals * interval_s * 1000)
    last: Word | None = None
    source = by = source_of(seen)
    if "said_ms" in before:
        last = Word(int(before["said_ms"]), int(before["said_lit"]), before["said_level_pct"])
        by, is_failed = int(before["said_by"]), before.get("fault") == DRIVER_FAILED
        if source > by and not is_failed and seen and seen[-1].at_ms - last.at_ms < unheard_ms:
            source = by  # the hour lacks the words of the better one: they were lost on the way
    total = Between(followed, limits, is_planned=plan is not None, unheard_ms=unheard_ms)
    for word in _words(seen, source, limits):
        if last is not None and word.at_ms > last.at_ms:
            total.add(last, word)
        last, by = word, source
    if last is None:
        return None
    made |= {
        "said_ms": float(last.at_ms),
        "said_lit": float(last.lit),
        "said_level_pct": last.level_pct,
        "said_by": float(by),
    }
    return total.lit


def _fail(seen: Sequence[Said], before: Mapping[str, float], made: dict[str, float]) -> None:
    """How long lamp or driver was broken, up to the last word of the hour; keeps whether it is."""
    fault, fault_ms = int(before.get("fault", NOTHING)), int(before.get("fault_ms", 0))
    failed_ms = 0
    for at_ms, code in _healths(seen):
        if fault != NOTHING:
            failed_ms += at_ms - fault_ms
            fault_ms = at_ms
        if code >= LAMP_FAILED:
            fault, fault_ms = code, at_ms
        elif code == WELL or (code == ANSWERS and fault == DRIVER_FAILED):
            fault = NOTHING
    if failed_ms:
        made["lamp_failed_s"] = failed_ms / 1000
    if fault != NOTHING:
        made |= {"fault": float(fault), "fault_ms": float(fault_ms)}


def _healths(seen: Sequence[Said]) -> Iterable[tuple[int, int]]:
    """What was said of its health, once for each time: the worst of its heads."""
    worst: dict[int, int] = {}
    for said in seen:
        worst[said.at_ms] = max(said.health, worst.get(said.at_ms, NOTHING))
    return worst.items()
