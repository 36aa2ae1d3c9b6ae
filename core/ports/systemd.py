"""Tells systemd that a service is up, and goes on turning. Nothing at all where systemd did not ask.

Source: sd_notify(3), sd_watchdog_enabled(3).
"""

import contextlib
import os
import socket
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

_SHARE = 4  # of the watchdog's patience: a beat comes so many times within it


class Notifier:
    """One service's word to systemd: `beat` it from the loop that must not stop, and from nowhere else.

    Args:
        environment: `NOTIFY_SOCKET` names systemd's socket, `WATCHDOG_USEC` how long it waits for a beat.
        mono_s: monotonic seconds.
    """

    def __init__(
        self, environment: Mapping[str, str] = os.environ, *, mono_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._mono_s = mono_s
        self._address = _address(environment.get("NOTIFY_SOCKET", ""))
        self._every_s = _patience_s(environment) / _SHARE
        self._ready = False
        self._next_s = 0.0
        self._socket: socket.socket | None = None
        if self._address:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self._socket.setblocking(False)  # systemd that does not read must not stop us

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """The service ends, whatever the reason."""
        if self._socket is not None:
            self._send("STOPPING=1")
            self._socket.close()
            self._socket = None

    def beat(self) -> None:
        """The loop has come round: READY=1 the first time, then WATCHDOG=1 as often as systemd needs it."""
        if self._socket is None:
            return
        now_s = self._mono_s()
        if not self._ready:
            self._ready = True
            self._send("READY=1")
        if self._every_s and now_s >= self._next_s:
            self._next_s = now_s + self._every_s
            self._send("WATCHDOG=1")

    def _send(self, word: str) -> None:
        assert self._socket is not None
        with contextlib.suppress(OSError):  # a socket that is full or gone: the next beat tries again
            self._socket.sendto(word.encode(), self._address)


def _address(name: str) -> bytes:
    """The socket's address: a path, or with a leading `@` a name without a file. Others are not ours to speak to."""
    if name.startswith("@"):
        return b"\0" + name[1:].encode()
    return name.encode() if name.startswith("/") else b""


def _patience_s(environment: Mapping[str, str]) -> float:
    """How long systemd waits for a beat; 0 when it does not, or means another process."""
    asked, process = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID", "")
    if not asked.isdecimal() or (process and process != str(os.getpid())):
        return 0.0
    return int(asked) / 1_000_000
