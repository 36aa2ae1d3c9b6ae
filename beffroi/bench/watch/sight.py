"""The watch as its loop has it, without store and clock: every detector, and what several silences have in common."""

from collections.abc import Iterable
from typing import Any

from cloud.stores.base import Point
from cloud.watch.detectors.battery import BatteryDetector
from cloud.watch.detectors.bin import BinDetector
from cloud.watch.detectors.light import Light
from cloud.watch.detectors.radio import RadioDetector
from cloud.watch.detectors.silence import Silence
from cloud.watch.detectors.traffic import CountingDetector, RadarDetector
from cloud.watch.groups import Groups
from cloud.watch.model import Detector
from cloud.watch.sites import Sites
from cloud.watch.watchman import Sight, Watchman
from core.model import Domain
from core.territory import Territory


class Eyes:
    """Everything that looks. Used by one thread."""

    def __init__(self, territory: Territory, *, now_ms: int) -> None:
        silence = Silence()
        detectors: list[Detector[Any]] = [
            silence,
            Light(),
            BinDetector(),
            CountingDetector(),
            RadarDetector(),
            BatteryDetector(Domain.BIN, last=8),
            BatteryDetector(Domain.TRAFFIC, last=8),
            RadioDetector(),
        ]
        self._watchman = Watchman(territory, detectors, now_ms=now_ms)
        self._groups = Groups(territory, silence)
        self._sites = Sites(territory)

    def take(self, points: Iterable[Point]) -> None:
        """Points of a pass that is looked at later."""
        points = list(points)
        self._watchman.take(points)
        self._sites.take(points)

    def look(self, points: Iterable[Point], now_ms: int) -> Sight:
        """What is known after one more pass, each matter once."""
        self.take(points)
        sight = self._watchman.look(now_ms)
        return Sight(sight.changes, self._groups.fold(sight.findings, self._watchman, self._sites, now_ms))
