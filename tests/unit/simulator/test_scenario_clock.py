"""The scenario's time, on invented clocks."""

import pytest

from core.timescale import TimeScale
from simulator.clock import DAY_MS, FILL_STEP_MS, HOUR_MS, LEASH_MS, Phase, ScenarioClock

WALL_MS = 1_795_000_000_000


class Host:
    """Both clocks of a host, moved by hand, and the scenario on it."""

    def __init__(self, speed: float = 60.0, ago_ms: int = 2 * DAY_MS) -> None:
        self.mono_ms, self.wall_ms = 5_000, WALL_MS
        start = WALL_MS - ago_ms
        self.clock = ScenarioClock(
            start_ms=start, fill_until_ms=min(start + DAY_MS, WALL_MS), speed=speed, mono_ms=self.mono_ms
        )

    @property
    def now_ms(self) -> int:
        return self.clock.now_ms(self.mono_ms)

    def tick(self, ms: int = 0, *, waiting: bool = False) -> bool:
        self.mono_ms += ms
        self.wall_ms += ms
        return self.clock.advance(mono_ms=self.mono_ms, wall_ms=self.wall_ms, waiting=waiting)

    def run_until(self, phase: Phase, ms: int = 100) -> int:
        ticks = 0
        while self.clock.phase is not phase:
            self.tick(ms)
            ticks += 1
            assert ticks < 100_000
        return ticks


def test_the_first_day_is_filled_in_steps_that_take_no_time() -> None:
    """History goes as fast as it is asked for, and not one step beyond its day."""
    host = Host()
    start = host.now_ms
    host.tick()
    assert host.now_ms == start + FILL_STEP_MS
    for _ in range(200):
        host.tick()
    assert host.clock.phase is Phase.RUN
    assert host.now_ms == start + DAY_MS


def test_while_events_wait_the_time_stands() -> None:
    """Nothing moves while something due is unpublished, in any phase, whatever the host's clocks do."""
    host = Host()
    for phase in Phase:
        host.run_until(phase)
        host.tick(waiting=True)
        stands = host.now_ms
        assert not host.tick(LEASH_MS * 100, waiting=True)
        assert host.now_ms == stands


def test_it_runs_at_the_chosen_speed() -> None:
    """Sixty scenario seconds a real one after the fill."""
    host = Host(speed=60.0)
    host.run_until(Phase.RUN)
    before = host.now_ms
    for _ in range(10):
        host.tick(100)
    assert host.now_ms - before == pytest.approx(60_000, abs=10)


def test_a_simulator_that_stops_stops_the_time() -> None:
    """The scale is on a leash: without a new one it ends within a quarter of a real second."""
    host = Host(speed=60.0)
    host.run_until(Phase.RUN)
    host.tick()
    before = host.now_ms
    host.mono_ms += HOUR_MS
    assert host.now_ms - before == LEASH_MS * 60


def test_it_meets_the_wall_clock_and_stays_with_it() -> None:
    """It never passes the wall clock, and once met keeps to it within a few ticks."""
    host = Host(speed=3600.0)
    host.run_until(Phase.LIVE)
    for _ in range(100):
        host.tick(100)
        assert 0 <= host.wall_ms - host.now_ms <= 2 * LEASH_MS
    assert host.clock.scale.speed == 1.0


def test_after_a_long_wait_it_runs_again_to_catch_up() -> None:
    """Held for a minute at the wall clock, it runs at its speed until it has met it again."""
    host = Host(speed=60.0)
    host.run_until(Phase.LIVE)
    for _ in range(600):
        host.tick(100, waiting=True)
    host.tick(100)
    assert host.clock.phase is Phase.RUN
    assert host.run_until(Phase.LIVE) < 20


def test_the_time_never_goes_back_when_the_wall_clock_does() -> None:
    """The host's clock is set back by an hour: the scenario stands until it is reached."""
    host = Host()
    host.run_until(Phase.LIVE)
    host.wall_ms -= HOUR_MS
    before = host.now_ms
    for _ in range(10):
        host.tick(100)
    assert host.now_ms - before <= LEASH_MS


def test_a_start_close_to_now_is_filled_up_to_now_only() -> None:
    """A scenario of the last hour has an hour of history, not a day."""
    host = Host(ago_ms=HOUR_MS)
    host.run_until(Phase.LIVE, ms=0)
    assert host.now_ms == WALL_MS


def test_a_reader_between_two_scales_sees_no_jump() -> None:
    """What a reader computes from the old scale just before a renewal is what the new one says."""
    host = Host(speed=60.0)
    host.run_until(Phase.RUN)
    for _ in range(50):
        old: TimeScale = host.clock.scale
        host.tick(37)
        assert host.now_ms == old.now_ms(host.mono_ms)
