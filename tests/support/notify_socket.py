"""Plays systemd's part of sd_notify(3): a socket that services tell how they are."""

import os
import socket
import time
from pathlib import Path
from types import TracebackType
from typing import Self


class NotifySocket:
    """`environment` is what systemd would give the service; `words` what it said so far."""

    def __init__(self, folder: Path, *, watchdog_s: float = 0.0, abstract: bool = False) -> None:
        self._name = f"@beffroi-test-{os.getpid()}-{folder.name}" if abstract else str(folder / "notify")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + self._name[1:] if abstract else self._name)
        self._watchdog_us = int(watchdog_s * 1_000_000)
        self.words: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._socket.close()

    @property
    def environment(self) -> dict[str, str]:
        watchdog = {"WATCHDOG_USEC": str(self._watchdog_us)} if self._watchdog_us else {}
        return {"NOTIFY_SOCKET": self._name, **watchdog}

    def next(self, *, timeout_s: float) -> str | None:
        """The next word; None when none comes in time."""
        self._socket.settimeout(max(timeout_s, 0.001))
        try:
            word = self._socket.recv(4096).decode()
        except TimeoutError:
            return None
        self.words.append(word)
        return word

    def wait_for(self, wanted: str, *, timeout_s: float = 30.0) -> None:
        """Until this word comes; those before it are kept in `words`."""
        deadline = time.monotonic() + timeout_s
        while (word := self.next(timeout_s=deadline - time.monotonic())) is not None:
            if word == wanted:
                return
        raise AssertionError(f"no {wanted} within {timeout_s} s, but {self.words}")

    def wait_for_silence(self, quiet_s: float, *, timeout_s: float = 30.0) -> None:
        """Until nothing has been said for so long."""
        deadline = time.monotonic() + timeout_s
        while self.next(timeout_s=quiet_s) is not None:
            assert time.monotonic() < deadline, f"it goes on: {self.words[-3:]}"
