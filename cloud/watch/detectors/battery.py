"""Batteries that have to be changed, by percent, by volts, or by the device's own word. Pure.

Cold lowers a battery for a night, a transmission for a second: it is low when the best of a day is. It is no longer low
when the best of a day is above the threshold by the hysteresis; in between it is what it was the days before.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from cloud.stores.base import Point
from cloud.watch.model import HOUR_MS, About, Facts, Finding, Judgement, Keep, Severity, Watched
from core.model import Domain
from core.quantities.states import Alert
from core.territory.model import Kind

KIND: Final = "device.battery_low"
_DAY_MS: Final = 24 * HOUR_MS
_LEAST: Final = 3  # readings of a day; of a device that sends fewer, its last ones
_CELL_V: Final = 5.0  # a supply below it is one lithium cell, above it the mains
_NOTHING: Final = Judgement()


class Charge(msgspec.Struct, frozen=True, gc=False):
    """What a device told of its battery. `alert`: its own word, where it says nothing else."""

    at_ms: int
    channel: str
    pct: float | None
    volts: float | None
    alert: bool | None


class BatteryDetector:
    """Finding `device.battery_low`, of the devices of one domain.

    Args:
        domain: whose points tell of the battery.
        last: how many readings are kept; three days of them, where they come that seldom.
    """

    def __init__(self, domain: Domain, *, last: int) -> None:
        self.measurement: str = domain
        self._kind = _KINDS[domain]
        self.keep = Keep(last=last, hours=72)

    def concerns(self, watched: Watched) -> bool:
        return watched.asset.kind is self._kind and watched.device is not None

    def read(self, point: Point) -> Charge | None:
        field = point.fields.get
        pct, volts, alert = field("battery_pct"), field("battery_v"), field("battery_alert")
        if volts is None:
            volts = field("supply_v")
        if not isinstance(volts, float) or volts >= _CELL_V:
            volts = None
        if not isinstance(pct, float):
            pct = None
        if pct is None and volts is None and alert is None:
            return None
        told = None if alert is None or pct is not None or volts is not None else alert == Alert.RAISED
        return Charge(point.time_us // 1000, point.tags.get("channel", ""), pct, volts, told)

    def judge(self, seen: Sequence[Charge], watched: Watched, now_ms: int) -> Judgement:  # noqa: ARG002 - no clock
        device = watched.device
        if len(seen) < _LEAST or device is None:
            return _NOTHING
        newest = seen[-1]
        thresholds = watched.territory.tenants[watched.database].thresholds
        low_pct, low_v = thresholds.battery_low_pct, thresholds.battery_low_v
        well_pct, well_v = low_pct + thresholds.battery_hysteresis_pct, low_v + thresholds.battery_hysteresis_v
        if (newest.pct or 0.0) >= well_pct or (newest.volts or 0.0) >= well_v or newest.alert is False:
            return _NOTHING  # nearly always
        day_ms, since_ms = newest.at_ms - _DAY_MS, 0
        today: list[int] = []
        before: list[int] = []
        for one in reversed(seen):
            if one.at_ms < watched.since_ms:
                break
            level = _level(one, low_pct, low_v, well_pct, well_v)
            (today if one.at_ms > day_ms or len(today) < _LEAST else before).append(level)
            if level > 0:
                break
            since_ms = one.at_ms
        if len(today) < _LEAST or max(today) > 0:
            return _NOTHING
        if max(today) == 0 and (len(before) < _LEAST or max(before) >= 0):
            return _NOTHING
        facts: dict[str, float] = {}
        if newest.pct is not None:
            facts["battery_pct"] = newest.pct
        if newest.volts is not None:
            facts["battery_v"] = newest.volts
        return Judgement(
            (), (_finding(watched, device.dev_eui, since_ms, dict(facts), or_earlier=since_ms == seen[0].at_ms),)
        )


_KINDS: Final = {Domain.BIN: Kind.BIN, Domain.TRAFFIC: Kind.COUNTER}


def _level(one: Charge, low_pct: float, low_v: float, well_pct: float, well_v: float) -> int:
    """-1: low, 1: well, 0: neither."""
    if one.alert is not None:
        return -1 if one.alert else 1
    told, low, well = (one.pct, low_pct, well_pct) if one.pct is not None else (one.volts or 0.0, low_v, well_v)
    return -1 if told <= low else 1 if told >= well else 0


def _finding(watched: Watched, dev_eui: str, since_ms: int, facts: Facts, *, or_earlier: bool) -> Finding:
    return Finding(
        KIND,
        Severity.NOTICE,
        watched.database,
        watched.commune,
        About.DEVICE,
        dev_eui,
        since_ms,
        {"asset": watched.id, **facts},
        or_earlier=or_earlier,
    )


BATTERIES: Final = (BatteryDetector(Domain.BIN, last=48), BatteryDetector(Domain.TRAFFIC, last=96))
"""One for each domain whose devices live on batteries."""
