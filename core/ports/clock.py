"""The host's clock, or a scenario's. Whoever needs the time is handed one of these."""

import ctypes
import time
from pathlib import Path
from typing import Protocol

from core import timescale
from core.errors import ConfigError
from core.settings import ClockSettings

_REFUSED = -1  # a sandbox that forbids the question: nobody knows, so nobody says "set"
_TIME_ERROR = 5  # ntp_adjtime(3): the clock is not synchronised


class Clock(Protocol):
    """now_ms: UTC, may jump. mono_ms: never jumps, same for all processes of the host. synced: was it ever set."""

    def now_ms(self) -> int: ...

    def mono_ms(self) -> int: ...

    def synced(self) -> bool: ...


class HostClock:
    """The operating system's clock.

    Args:
        assume_synced: for hosts whose clock is set from outside (a virtual machine without an NTP client).
    """

    def __init__(self, *, assume_synced: bool = False) -> None:
        self._assume_synced = assume_synced
        try:
            self._libc: ctypes.CDLL | None = ctypes.CDLL(None)
            self._libc.ntp_adjtime  # noqa: B018 - AttributeError where the C library lacks it
        except (OSError, AttributeError):
            self._libc = None

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def mono_ms(self) -> int:
        return time.monotonic_ns() // 1_000_000

    def synced(self) -> bool:
        """False while the kernel says that nobody disciplines the clock, or may not be asked: ntp_adjtime(3)."""
        if self._assume_synced or self._libc is None:
            return True
        timex = ctypes.create_string_buffer(512)  # struct timex, modes = 0: read only
        return self._libc.ntp_adjtime(timex) not in (_REFUSED, _TIME_ERROR)


class FileClock:
    """The time scale in a file (`core.timescale`), read again whenever the file changes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp = -1
        self._scale = timescale.TimeScale(wall_ms=0, mono_ms=0)
        self._read()

    def _read(self) -> timescale.TimeScale:
        try:
            stamp = self._path.stat().st_mtime_ns
            if stamp != self._stamp:
                self._scale, self._stamp = timescale.parse(self._path.read_bytes()), stamp
        except OSError as error:
            if self._stamp < 0:
                raise ConfigError(
                    "clock.missing",
                    f"no clock file at {self._path}: {error.strerror}",
                    hint="who makes it comes first: beffroi simulate run --clock …",
                ) from error
        return self._scale

    def now_ms(self) -> int:
        return self._read().now_ms(self.mono_ms())

    def mono_ms(self) -> int:
        return time.monotonic_ns() // 1_000_000

    def synced(self) -> bool:
        return self._read().synced


def open_clock(setting: ClockSettings) -> Clock:
    """The clock of a service: the host's, or the time scale of a file."""
    if setting.file is not None:
        return FileClock(setting.file)
    return HostClock(assume_synced=setting.sync == "assume")


def write_scale(path: Path, scale: timescale.TimeScale) -> None:
    """Replace the file at once, so that no reader sees half of it."""
    fresh = path.with_suffix(".new")
    fresh.write_bytes(timescale.render(scale))
    fresh.replace(path)
