"""The watch's own thread: once in a while a pass, in between what else there is to do, never much at a time.

The worker's thread must not wait for it. Python runs one of them at a time, so that what takes long here is done in
pieces with rests between them; a reader of its own never holds a file of the worker's.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Final, Protocol

from cloud.backpressure import Pause
from cloud.dirty import HOUR_MS
from cloud.watch.model import Finding
from cloud.watch.round import AlarmDesk, Pass, Round, Stores, Times
from core import log
from core.errors import LinkError, StorageError
from core.territory import Territory

_log = log.get(__name__)
_GRACE_MS: Final = 5 * 60_000  # after the end of an hour
_SETTLE_MS: Final = 15_000  # of this machine's time: what was being written as an hour ended is there
_WORK_S: Final = 0.02  # of pieces at a time; then as long a rest
_IDLE_S: Final = 0.2
_LEAST_MS: Final = 500  # between two passes, by this machine's time, and at least:
_SHARE: Final = 3  # times what the last one took
_STILL_MS: Final = 30_000  # by this machine's time there is a pass at least so often, also while the clock stands
_STUCK_MS: Final = 600_000
_AGAIN_S: Final = 60.0  # after a failure that nobody foresaw


class Claim(Protocol):
    """Which of several workers watches. Its methods are called by the watch's thread alone."""

    @property
    def term(self) -> int:
        """Another number each time that it was taken anew: in between another may have watched."""
        ...

    @property
    def holder(self) -> str:
        """Who watches, as far as is known."""
        ...

    def is_held(self, mono_ms: int) -> bool:
        """Whether it is we; to be asked every few seconds, for it is kept up by asking."""
        ...

    def release(self) -> None: ...


class Watch:
    """`run` it in a thread.

    Args:
        territory: the one in force.
        conditions: what the worker says of itself.
        held: findings of before, for a start.
        every_ms: between two passes, by the clock.
        on_failure: told what failed as nobody foresaw, and None when it works again.
    """

    def __init__(
        self,
        stores: Stores,
        *,
        claim: Claim,
        territory: Callable[[], Territory],
        clock: Times,
        desk: AlarmDesk,
        conditions: Callable[[], Iterable[Finding]],
        held: Callable[[], Iterable[Finding]],
        every_ms: int,
        on_failure: Callable[[str | None], None] = lambda _: None,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stores = stores
        self._claim = claim
        self._territory = territory
        self._clock = clock
        self._desk = desk
        self._conditions = conditions
        self._held = held
        self._every_ms = every_ms
        self._on_failure = on_failure
        self._timer = timer
        self._round: Round | None = None
        self._away = Pause()
        self._beaten_ms = clock.mono_ms()
        self._looked_ms: tuple[int, int] | None = (
            None  # of the last pass: the clock, and this machine's time at its end
        )
        self._took_ms = 0
        self._passes = 0
        self._last: Pass | None = None
        self._ends: deque[tuple[int, int]] = deque()  # this machine's time, and which hour had ended
        self._ended_ms = 0
        self._failed = ""
        self._term = 0
        self._ours = False
        self._stopping = threading.Event()

    def run(self, stopping: threading.Event) -> None:
        """Watch until `stopping` is set."""
        self._stopping = stopping
        wait_s = 0.0
        while not stopping.wait(wait_s):
            try:
                wait_s = self.turn()
            except Exception as error:  # noqa: BLE001 - see below
                # the border between watch and road: a verdict that fails as nobody foresaw must not end the worker,
                # and the others are needed again; the heartbeat stays out, and an alarm says why
                _log.exception("watch.failed")
                self._failed = f"{type(error).__name__}: {error}"
                self._on_failure(self._failed)
                self._round = None
                wait_s = _AGAIN_S
        self._claim.release()

    @property
    def is_stuck(self) -> bool:
        """Whether it has done nothing for far longer than anything may take."""
        return self._clock.mono_ms() - self._beaten_ms > _STUCK_MS + _AGAIN_S * 1000

    def turn(self) -> float:
        """Do what is due, some of it; how long to wait before the next turn, s."""
        if not self._is_ours():
            return _IDLE_S
        if self._term != self._claim.term:
            self._term, self._round = self._claim.term, None
        mono_ms = self._clock.mono_ms()
        if not self._away.is_over(mono_ms):
            return _IDLE_S
        try:
            return self._act()
        except LinkError as error:
            if not self._away:
                _log.warning("watch.store_away", code=error.code, message=error.message)
            self._away.lengthen(error.code, mono_ms=mono_ms)
            self._say_away()
            return _IDLE_S

    def _say_away(self) -> None:
        if self._round is not None:
            try:
                self._round.say_away(self._clock.now_ms())
            except StorageError as error:  # the alarms' own journal
                _log.error("watch.no_journal", code=error.code, message=error.message)

    def _is_ours(self) -> bool:
        self._beaten_ms = self._clock.mono_ms()
        self._ours = not self._stopping.is_set() and self._claim.is_held(self._beaten_ms)
        return self._ours

    def _act(self) -> float:
        now_ms, mono_ms = self._clock.now_ms(), self._clock.mono_ms()
        if self._round is None:
            self._round = Round(
                self._stores,
                self._territory(),
                clock=self._clock,
                desk=self._desk,
                conditions=self._conditions,
                held=self._held(),
                is_ours=self._is_ours,
            )
        territory = self._territory()
        if territory is not self._round.territory and not self._round.use(territory):
            self._round = None  # other tenants
            return 0.0
        self._note_hour(now_ms, mono_ms)
        if self._is_due(now_ms, mono_ms, is_awaited=self._round.is_awaited):
            self._pass(self._round, now_ms, mono_ms)
            return 0.0
        begun_s = self._timer()
        while self._round.do_some(self._ended_ms):
            spent_s = self._timer() - begun_s
            if spent_s >= _WORK_S:
                return spent_s
        self._away.end()
        return _IDLE_S

    def _is_due(self, now_ms: int, mono_ms: int, *, is_awaited: bool) -> bool:
        if self._looked_ms is None:
            return True
        then_ms, ended_ms = self._looked_ms
        rested_ms = mono_ms - ended_ms
        if rested_ms < max(_LEAST_MS, _SHARE * self._took_ms):
            return False
        return is_awaited or not 0 <= now_ms - then_ms < self._every_ms or rested_ms >= _STILL_MS

    def _pass(self, looking: Round, now_ms: int, mono_ms: int) -> None:
        speed = 1.0
        if self._looked_ms is not None:
            speed = max(1.0, (now_ms - self._looked_ms[0]) / max(1, mono_ms - self._looked_ms[1]))
        made: Pass | None = None
        try:
            for made in looking.look(now_ms, speed=speed):  # noqa: B007 - the last is what it came to
                if not self._is_ours():
                    return
        except StorageError as error:  # the alarms' own journal
            _log.error("watch.no_journal", code=error.code, message=error.message)
        ended_ms = self._clock.mono_ms()
        self._looked_ms, self._took_ms = (now_ms, ended_ms), ended_ms - mono_ms
        if made is not None:
            self._passes += 1
            self._last = made
            self._away.end()
            if self._failed:
                self._failed = ""
                self._on_failure(None)

    def _note_hour(self, now_ms: int, mono_ms: int) -> None:
        """Which hours have ended so long ago that what was written in time is there to be read."""
        ended_ms = (now_ms - _GRACE_MS) // HOUR_MS * HOUR_MS
        if not self._ends or self._ends[-1][1] != ended_ms:
            self._ends.append((mono_ms, ended_ms))
        while self._ends and mono_ms - self._ends[0][0] >= _SETTLE_MS:
            self._ended_ms = self._ends.popleft()[1]
        if not self._ends:
            self._ends.append((mono_ms, ended_ms))

    def status(self) -> dict[str, Any]:
        """For `cloud status`. Called from another thread."""
        looking, last = self._round, self._last
        told: dict[str, Any] = {
            "watching": looking is not None and self._ours,
            "holder": self._claim.holder,
            "passes": self._passes,
        }
        if last is not None:
            told |= {
                "last_pass_ms": last.now_ms,
                "pass_ms": self._took_ms,
                "assets": last.assets,
                "findings": last.findings,
            }
        if self._away:
            told["store_away"] = self._away.reason
        if self._failed:
            told["failed"] = self._failed
        if looking is not None:
            tenants = list(looking.tenants.values())
            told["preparing"] = sorted(one.database for one in tenants if not one.is_ready)
            told["failing"] = dict(looking.failing)
            told["rollups"] = {
                name: {"until_ms": job.until_ms, "hours_behind": job.behind(self._ended_ms), "marked": job.waiting}
                for name, job in list(looking.jobs.items())
            }
        return told
