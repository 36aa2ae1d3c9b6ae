"""A socket for a client library that reads byte by byte: the system is asked once for many packets, and told once.

A system call costs more than a packet's decoding, and at each the interpreter lets another thread have its turn.
"""

import contextlib
import socket
import ssl

_CHUNK = 64 * 1024  # bytes
_UNSENT_MOST = 256 * 1024  # bytes; above it the library keeps its packets, as it does with any busy socket
_LAST_WORDS_S = 1.0


class BufferedStream:
    """Of a socket that does not block. What is sent goes out with `flush`, or when the stream is closed."""

    def __init__(self, stream: socket.socket) -> None:
        self._stream = stream
        self._received = b""
        self._at = 0
        self._unsent = bytearray()

    def recv(self, size: int) -> bytes:
        """As `socket.recv`; it may raise what that raises."""
        if self._at == len(self._received):
            self._received, self._at = self._stream.recv(_CHUNK), 0
        start = self._at
        self._at = min(len(self._received), start + size)
        return self._received[start : self._at]

    @property
    def holds(self) -> bool:
        """Whether there is something to be read that `select` cannot see."""
        if self._at < len(self._received):
            return True
        return isinstance(self._stream, ssl.SSLSocket) and self._stream.pending() > 0

    def send(self, content: bytes | bytearray) -> int:
        """Takes all of it, or raises BlockingIOError."""
        if len(self._unsent) > _UNSENT_MOST:
            raise BlockingIOError
        self._unsent += content
        return len(content)

    @property
    def wants_flush(self) -> bool:
        return bool(self._unsent)

    def flush(self) -> None:
        """Send what the system takes now.

        Raises:
            OSError: the connection is gone.
        """
        with contextlib.suppress(BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            while self._unsent:
                del self._unsent[: self._stream.send(self._unsent)]

    def close(self) -> None:
        """The goodbye may still be here: it is given a moment."""
        with contextlib.suppress(OSError):
            if self._unsent:
                self._stream.settimeout(_LAST_WORDS_S)
                self._stream.sendall(self._unsent)
        self._stream.close()

    def fileno(self) -> int:
        return self._stream.fileno()

    def setblocking(self, flag: bool) -> None:
        self._stream.setblocking(flag)
