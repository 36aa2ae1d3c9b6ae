"""The scenario's time: fills the first day at full speed, runs until it meets the wall clock, then keeps its pace.

The simulator owns the time of a demo. Everything else reads the `core.timescale` it writes and gets the same *now*.
The scale is kept on a leash (`not_after_ms`): what is due must be published before time goes on, so that when the
road is slower, or the simulator stops, the time stops too. Pure: both clocks of the host are arguments.
"""

from enum import StrEnum

from core.timescale import TimeScale

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
FILL_STEP_MS = 10 * 60_000  # of scenario time a step of the fill
LEASH_MS = 250  # of real time until the scale must be written again
_MET_MS = 2 * LEASH_MS  # behind the wall clock and nearer: it has been met (one leash is the price of never passing it)
_APART_MS = 8 * LEASH_MS  # farther: the scenario runs again to catch up


class Phase(StrEnum):
    FILL = "fill"  # history: as fast as the road takes it
    RUN = "run"  # at the chosen speed
    LIVE = "live"  # at the wall clock


class ScenarioClock:
    """Where the scenario is, and the scale to write.

    Args:
        start_ms: first instant (UTC).
        fill_until_ms: end of the fill; not after the wall clock.
        speed: scenario seconds a real second while it runs.
        mono_ms: the host's monotonic clock, now.
    """

    def __init__(self, *, start_ms: int, fill_until_ms: int, speed: float, mono_ms: int) -> None:
        self._fill_until_ms = fill_until_ms
        self._speed = speed
        self.phase = Phase.FILL if start_ms < fill_until_ms else Phase.RUN
        self.scale = _standing(start_ms, mono_ms)

    def now_ms(self, mono_ms: int) -> int:
        """The scenario's instant, as every reader of the scale computes it."""
        return self.scale.now_ms(mono_ms)

    def advance(self, *, mono_ms: int, wall_ms: int, waiting: bool) -> bool:
        """Renew the scale; true when it has changed and must be written before anything of its time is published.

        Args:
            wall_ms: the host's UTC clock: the scenario never passes it.
            waiting: events that are due could not be published yet: the time stands.
        """
        now = self.now_ms(mono_ms)
        if waiting:
            return self._stand(now, mono_ms)
        if self.phase is Phase.FILL:
            until = min(self._fill_until_ms, wall_ms)
            if now < until:
                return self._stand(min(now + FILL_STEP_MS, until), mono_ms)
            self.phase = Phase.RUN
        behind = wall_ms - now
        if self.phase is Phase.RUN and behind <= _MET_MS:
            self.phase = Phase.LIVE
        elif self.phase is Phase.LIVE and behind > _APART_MS:
            self.phase = Phase.RUN
        speed = 1.0 if self.phase is Phase.LIVE else self._speed
        until = max(now, min(now + int(LEASH_MS * speed), wall_ms))
        self.scale = TimeScale(wall_ms=now, mono_ms=mono_ms, speed=speed, not_after_ms=until)
        return True

    def _stand(self, at_ms: int, mono_ms: int) -> bool:
        if self.scale.wall_ms == self.scale.not_after_ms == at_ms:
            return False
        self.scale = _standing(at_ms, mono_ms)
        return True


def _standing(at_ms: int, mono_ms: int) -> TimeScale:
    return TimeScale(wall_ms=at_ms, mono_ms=mono_ms, not_after_ms=at_ms)
