"""A host that boots with a wrong clock: which rows bear its wrong time, and the one offset that mends them.

The time of an event comes from the network server, on this host: from the same clock. While that clock is not set,
wall time minus monotonic time is a constant, the *base*; once it is set, another. Their difference is the offset of
all rows of the wrong time, whenever they were read. Until it is known such rows wait, up to 10 minutes after the link
is up; then they go with their raw time, *estimated*.
Source of the rules: DESIGN §3, Time.
"""

from dataclasses import dataclass
from pathlib import Path

import msgspec

from core.model import ClockQuality
from core.ports.clock import Clock
from edge.spool.rows import Offset

STEP_MS = 10_000  # the clock was set by someone, though nobody says that it is disciplined (ntpd steps first)
SLACK_MS = 30_000  # how far the network server lets a gateway's clock be from its own
BASE_NAME = "clock.json"


class _Base(msgspec.Struct, frozen=True):
    boot: str
    base_ms: int


@dataclass(frozen=True, slots=True)
class Moment:
    """When the clock was set: `base_ms` is wall minus monotonic time since then."""

    base_ms: int
    mono_ms: int


class Timekeeper:
    """Watches the host's clock; one a process.

    Args:
        boot: this boot; rows of another one can never be mended (its monotonic clock is gone).
        wait_ms: how long rows wait for the clock after the link is up.
        base_ms: what an earlier process of this boot saw while the clock was not set.
    """

    def __init__(self, clock: Clock, *, boot: str, wait_ms: int, base_ms: int | None = None) -> None:
        self._clock = clock
        self._boot = boot
        self._wait_ms = wait_ms
        self._linked_ms: int | None = None
        self._set: Moment | None = None
        self.base_ms = base_ms
        self.observe()

    @property
    def is_set(self) -> bool:
        return self._set is not None

    def observe(self) -> bool:
        """Look at the clock; True when it has been set just now. To be called often while it is not."""
        if self._set is not None:
            return False
        mono_ms = self._clock.mono_ms()
        base_ms = self._clock.now_ms() - mono_ms
        stepped = self.base_ms is not None and abs(base_ms - self.base_ms) > STEP_MS
        if stepped or self._clock.synced():
            self._set = Moment(base_ms, mono_ms)
            return True
        if self.base_ms is None:
            self.base_ms = base_ms
        return False

    def quality(self, received_ms: int, own: ClockQuality) -> ClockQuality:
        """How far the time of an event can be trusted; `own` is what the event says of itself.

        The time decides, not the moment of reading: an event that waited at the broker while the clock was set still
        bears the wrong time, and one of before the boot never did.
        """
        if own is ClockQuality.GPS or self.base_ms is None:
            return own
        self.observe()
        if self._set is None:
            wrong = self._is_of_wrong_time(received_ms, until_ms=self._clock.mono_ms(), slack_ms=SLACK_MS)
            return ClockQuality.UNSYNCED if wrong else ClockQuality.ESTIMATED
        jump_ms = self._set.base_ms - self.base_ms
        slack_ms = min(SLACK_MS, abs(jump_ms) // 2)
        wrong = self._is_of_wrong_time(received_ms, until_ms=self._set.mono_ms, slack_ms=slack_ms)
        if jump_ms < 0:
            # the clock went back: right times lie where wrong ones lay; only what seems to come from tomorrow is wrong
            wrong = wrong and received_ms > self._clock.now_ms() + slack_ms
        return ClockQuality.UNSYNCED if wrong else own

    def _is_of_wrong_time(self, received_ms: int, *, until_ms: int, slack_ms: int) -> bool:
        """Whether a time lies between the host's start and `until_ms` (monotonic) by the clock that was not set."""
        assert self.base_ms is not None
        return -slack_ms <= received_ms - self.base_ms <= until_ms + slack_ms

    def linked(self, now_ms: int) -> None:
        """The link to the cloud is up: a time server should be within reach, too."""
        if self._linked_ms is None:
            self._linked_ms = now_ms

    def verdict(self, boot: str, now_ms: int) -> Offset | None:
        """The offset of a boot's rows of the wrong time; None: wait."""
        if boot != self._boot:
            return Offset(None, estimated=True)
        if self._set is not None:
            if self.base_ms is None:
                return Offset(None, estimated=True)
            return Offset(self._set.base_ms - self.base_ms, estimated=False)
        if self._linked_ms is not None and now_ms >= self._linked_ms + self._wait_ms:
            return Offset(None, estimated=True)
        return None


def load_base(folder: Path, boot: str) -> int | None:
    """What an earlier process of this boot saved; None when there is none."""
    try:
        saved = msgspec.json.decode((folder / BASE_NAME).read_bytes(), type=_Base)
    except (OSError, msgspec.MsgspecError):
        return None  # without it the rows of an earlier process go as estimated: nothing is lost
    return saved.base_ms if saved.boot == boot else None


def save_base(folder: Path, boot: str, base_ms: int) -> None:
    """Keep the base for a later process of this boot. It need not survive a power cut: the boot does not either."""
    fresh = folder / (BASE_NAME + ".new")
    fresh.write_bytes(msgspec.json.encode(_Base(boot, base_ms)))
    fresh.replace(folder / BASE_NAME)
