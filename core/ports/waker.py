"""Ends the `select` of one thread from another."""

import socket


class Waker:
    """Something to `select` on that becomes readable when another thread calls `wake`; nothing before `open`."""

    def __init__(self) -> None:
        self._ends: tuple[socket.socket, socket.socket] | None = None

    def open(self) -> None:
        self._ends = socket.socketpair()
        for end in self._ends:
            end.setblocking(False)

    def fileno(self) -> int:
        assert self._ends is not None
        return self._ends[1].fileno()

    def wake(self) -> None:
        if self._ends is not None:
            try:
                self._ends[0].send(b"w")
            except OSError:
                return  # full: woken already; closed: stopped

    def clear(self) -> None:
        assert self._ends is not None
        self._ends[1].recv(4096)

    def close(self) -> None:
        if self._ends is not None:
            for end in self._ends:
                end.close()
            self._ends = None
