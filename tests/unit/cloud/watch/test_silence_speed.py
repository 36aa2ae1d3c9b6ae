"""What a verdict of silence costs: 100,000 assets are a second's work on a core of its own."""

from collections.abc import Callable, Sequence
from time import process_time

import pytest

from cloud.watch.detectors.silence import Silence
from cloud.watch.heard import Heard
from cloud.watch.model import Watched
from cloud.watch.watchman import watched_of
from tests.support.watched_town import HOUR_MS, at, town, uplink

_JUDGEMENTS = 5_000
_FULL_SPEED_NS = 40  # what one turn of `_turns` takes on the core that the figure is meant for
_MOST_US = 10.0


def _cost_us(judge: Callable[[], object]) -> float:
    """Processor time of one judgement, on a machine of full speed: this one is measured right before and after."""
    before_s = _turns()
    begun_s = process_time()
    for _ in range(_JUDGEMENTS):
        judge()
    spent_s = process_time() - begun_s
    slowness = max(1.0, (before_s + _turns()) / 2 / (200_000 * _FULL_SPEED_NS * 1e-9))
    return spent_s / _JUDGEMENTS * 1e6 / slowness


def _turns() -> float:
    begun_s, total = process_time(), 0
    for number in range(200_000):
        total += number & 3
    return process_time() - begun_s


def _asset(*, switched: bool) -> tuple[Silence, Sequence[Heard], Watched]:
    territory = town({"c1": 1}, switched=["c1"] if switched else [])
    start_ms = at("2026-12-08 00:00")
    detector = Silence()
    times = [at(f"2026-12-{day:02} {hour:02}:40") for day in (8, 9, 10) for hour in (*range(8), *range(16, 24))]
    seen = [detector.read(uplink("c1-lamp-0", at_ms, number)) for number, at_ms in enumerate(times[:-3])]
    kept = [heard for heard in seen if heard is not None][-detector.keep.last :]
    assert len(kept) == detector.keep.last
    return detector, kept, watched_of(territory, now_ms=start_ms)["c1-lamp-0"]


@pytest.mark.parametrize("switched", [False, True])
@pytest.mark.parametrize("hours", [0.5, 60.0])
def test_a_judgement_costs_ten_microseconds_at_most(switched: bool, hours: float) -> None:
    """Heard or silent for days, with power always or at night only: a pass over 100,000 of them takes a second."""
    detector, seen, watched = _asset(switched=switched)
    now_ms = seen[-1].at_ms + round(hours * HOUR_MS)
    assert bool(detector.judge(seen, watched, now_ms).findings) is (hours > 1)
    assert _cost_us(lambda: detector.judge(seen, watched, now_ms)) < 3 * _MOST_US, (
        "three times: the machine may be busy"
    )
