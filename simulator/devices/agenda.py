"""What one device is going to do, in order of time."""

from collections.abc import Callable, Iterable, Iterator
from heapq import heappop, heappush
from random import Random

from simulator.devices.base import Act

Action = Callable[[int], Iterable[Act]]

_ALWAYS = -1


class Agenda:
    """Appointments of a device; what falls on one instant is done in the order in which it was planned.

    Args:
        rng: the device's own.
        apart_ms: an appointment that comes sooner after the last one is put off (one device, one radio).
        advance: told each instant before anything is done then: lets the time pass for what the device is fixed to.
        end_ms: nothing is done from then on; None: never.
    """

    def __init__(self, rng: Random, *, apart_ms: int, advance: Callable[[int], None], end_ms: int | None) -> None:
        self._rng = rng
        self._apart_ms = apart_ms
        self._advance = advance
        self._end_ms = end_ms
        self._heap: list[tuple[int, int, int, Action]] = []
        self._planned = 0
        self._cancelled = 0  # how often
        self._asleep = False
        self._quiet_until_ms = 0

    def at(self, at_ms: int, action: Action, *, always: bool = False) -> None:
        """Plan an action; `always`: neither put off nor cancelled, because the world does it and not the device."""
        self._planned += 1
        heappush(self._heap, (at_ms, self._planned, _ALWAYS if always else self._cancelled, action))

    def after(self, at_ms: int, least_ms: int, most_ms: int, action: Action) -> None:
        """Plan an action at some time between the two after `at_ms`."""
        at_ms += least_ms + int(self._rng.random() * (most_ms - least_ms))
        self._planned += 1
        heappush(self._heap, (at_ms, self._planned, self._cancelled, action))

    def cancel(self) -> None:
        """The device forgets what it was going to do; what is planned from now on stands."""
        self._cancelled += 1

    def sleep(self) -> None:
        """The device is dead: it forgets everything, and whatever is planned for it meanwhile is not done."""
        self.cancel()
        self._asleep = True

    def wake(self) -> None:
        self._asleep = False

    def acts(self) -> Iterator[Act]:
        """All that is done."""
        heap, end_ms = self._heap, self._end_ms
        while heap:
            at_ms, _, cancelled, action = heappop(heap)
            if end_ms is not None and at_ms >= end_ms:
                return
            if cancelled != _ALWAYS:
                if cancelled != self._cancelled or self._asleep:
                    continue
                if at_ms < self._quiet_until_ms:
                    self.at(self._quiet_until_ms, action)
                    continue
                self._quiet_until_ms = at_ms + self._apart_ms
            self._advance(at_ms)
            yield from action(at_ms)
