"""The worker's own way to its broker as an alarm: at once when a person is needed, after a while when it may pass."""

from cloud.alarms import Alarms
from core.ports.clock import Clock
from core.ports.link_events import LinkFault

PATIENCE_MS = 30_000  # a broker that restarts is no alarm


class LinkWatch:
    """Begins and ends one alarm, whose code is the cause (`tls.expired`, `link.unreachable`)."""

    def __init__(self, alarms: Alarms, clock: Clock) -> None:
        self._alarms = alarms
        self._clock = clock
        self._since_ms: int | None = None
        self._said = ""

    def see(self, fault: LinkFault | None) -> None:
        """What the source says of its connection now; None: it is up, or was not tried yet."""
        now_ms = self._clock.mono_ms()
        if fault is None:
            self._since_ms = None
            self._end()
            return
        self._since_ms = now_ms if self._since_ms is None else self._since_ms
        if fault.code == self._said or not (fault.lasting or now_ms - self._since_ms >= PATIENCE_MS):
            return
        self._end()
        self._said = fault.code
        self._alarms.begin(fault.code, fault.message, hint=fault.hint)

    def _end(self) -> None:
        if self._said:
            self._alarms.end(self._said)
            self._said = ""
