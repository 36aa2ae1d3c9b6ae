"""A verdict is cheap: judged for every uplink of a year, and for 100,000 assets in a pass."""

from collections.abc import Callable, Sequence
from time import process_time
from typing import Any

import pytest

from cloud.watch.detectors.battery import BATTERIES
from cloud.watch.detectors.bin import BinDetector
from cloud.watch.detectors.radio import RadioDetector
from cloud.watch.detectors.traffic import CountingDetector, RadarDetector, Told
from cloud.watch.heard import Heard
from cloud.watch.model import Detector
from tests.support.watch_scene import DEVICES, HOUR, T0, looks, point, watched

NOW_MS = T0 + 100 * HOUR


def _cpu_s(run: Callable[[], object], times: int) -> float:
    """Of one run, the best of several tries: others use this machine too."""
    tries = []
    for _ in range(7):
        begun_s = process_time()
        for _ in range(times):
            run()
        tries.append((process_time() - begun_s) / times)
    return min(tries)


def _plain(seen: Sequence[Any]) -> int:
    """What a verdict cannot do without: a look at each thing seen."""
    newest, rises = 0, 0
    for one in seen:
        if one.at_ms > newest and one.channel == "" and one is not None:
            newest = one.at_ms
            rises += 1
    return rises


_HEARD = [Heard(T0 + at * HOUR, DEVICES["lamp"], "r", "s", 100 + at, 9, -100, 2.0, ("aa", "bb")) for at in range(16)]
_BATTERY, _TRAFFIC_BATTERY = BATTERIES
_CHARGES = [_BATTERY.read(point("bin", "bin", T0 + at * HOUR, {"battery_pct": 80.0 - at})) for at in range(48)]


@pytest.mark.parametrize(
    ("detector", "asset", "seen", "most"),
    [
        (BinDetector(), "bin", looks(*range(40, 52)), 8.0),
        (BinDetector(), "bin", looks(70, 74, 79, 83, 86, 2, 3, 5, 7, 9, 12, 15), 11.0),
        (RadioDetector(), "lamp", _HEARD, 4.0),
        (CountingDetector(), "counter", [Told(T0 + at * HOUR, "", at % 2 == 0) for at in range(8)], 3.0),
        (RadarDetector(), "counter", [], 1.0),
        (_BATTERY, "bin", _CHARGES, 1.0),
    ],
    ids=["bin", "bin emptied", "radio", "counting", "radar", "battery"],
)
def test_a_verdict_costs_a_few_looks_at_what_was_seen(
    detector: Detector[Any], asset: str, seen: Sequence[Any], most: float
) -> None:
    """CPU time, against a plain loop over a lamp's sixteen uplinks: the ratio holds on any machine."""
    one = watched(asset)
    plain_s = _cpu_s(lambda: _plain(_HEARD), 2000)
    judge_s = _cpu_s(lambda: detector.judge(seen, one, NOW_MS), 2000)
    assert judge_s <= most * plain_s, f"{judge_s * 1e6:.1f} µs, {judge_s / plain_s:.1f} times a plain loop"
