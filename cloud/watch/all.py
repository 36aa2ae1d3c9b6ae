"""Everything the watch looks for and adds up: the one place that lists it."""

from typing import Any, NamedTuple

from cloud.watch.detectors.battery import BatteryDetector
from cloud.watch.detectors.bin import BinDetector
from cloud.watch.detectors.light import Light
from cloud.watch.detectors.radio import RadioDetector
from cloud.watch.detectors.silence import Silence
from cloud.watch.detectors.traffic import CountingDetector, RadarDetector
from cloud.watch.model import Detector, Rollup
from cloud.watch.rollups.bin import BinRollup
from cloud.watch.rollups.fleet import FleetRollup
from cloud.watch.rollups.light import LightRollup
from cloud.watch.rollups.traffic import TrafficRollup
from core.model import Domain


class Detectors(NamedTuple):
    """All of them, and the one of silence, which groups need to know."""

    every: list[Detector[Any]]
    silence: Silence


def new_detectors() -> Detectors:
    """They have no state: one set serves all tenants."""
    silence = Silence()
    every: list[Detector[Any]] = [
        silence,
        Light(),
        BinDetector(),
        CountingDetector(),
        RadarDetector(),
        BatteryDetector(Domain.BIN, last=8),
        BatteryDetector(Domain.TRAFFIC, last=8),
        RadioDetector(),
    ]
    return Detectors(every, silence)


def new_rollups() -> list[Rollup]:
    return [LightRollup(), BinRollup(), TrafficRollup(), FleetRollup()]
