"""Whether the host's clock was ever set."""

from collections.abc import Callable

import pytest

from core.ports.clock import HostClock


class Kernel:
    """Answers `ntp_adjtime` as it was told to."""

    def __init__(self, answer: int) -> None:
        self.ntp_adjtime: Callable[[object], int] = lambda _: answer


@pytest.mark.parametrize(("answer", "synced"), [(0, True), (1, True), (5, False), (-1, False)])
def test_a_clock_is_set_when_the_kernel_says_so(answer: int, synced: bool) -> None:
    """TIME_OK and a leap second ahead; TIME_ERROR; and a sandbox that forbids the question: nobody knows then."""
    clock = HostClock()
    clock._libc = Kernel(answer)  # type: ignore[assignment]
    assert clock.synced() is synced


def test_whoever_sets_the_clock_from_outside_says_so() -> None:
    """A virtual machine follows its host, whatever its kernel thinks."""
    clock = HostClock(assume_synced=True)
    clock._libc = Kernel(5)  # type: ignore[assignment]
    assert clock.synced()
