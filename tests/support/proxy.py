"""A TCP proxy on loopback that can go silent without a FIN, as a mobile link does, or drop its connections."""

import select
import socket
import threading


class Proxy:
    """Forwards its port to `target` until told otherwise."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._pairs: dict[socket.socket, socket.socket] = {}
        self._stalled = threading.Event()
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)
        self._thread.start()

    def stall(self) -> None:
        """From now on nothing passes and nobody is told: bytes are read by no one, new connections hang."""
        self._stalled.set()

    def restore(self) -> None:
        """Let bytes through again; connections of before the stall are gone for good (reset)."""
        self.drop()
        self._stalled.clear()

    def drop(self) -> None:
        """Reset every open connection."""
        with self._lock:
            for end in list(self._pairs):
                self._forget(end)

    def _forget(self, end: socket.socket) -> None:
        other = self._pairs.pop(end, None)
        for one in (end, other):
            if one is not None:
                self._pairs.pop(one, None)
                one.close()

    def _run(self) -> None:
        while not self._closed.is_set():
            with self._lock:
                watched = [self._listener, *self._pairs] if not self._stalled.is_set() else []
            if not watched:
                self._closed.wait(0.02)
                continue
            try:
                readable, _, _ = select.select(watched, [], [], 0.05)
            except (OSError, ValueError):
                continue  # dropped meanwhile
            for end in readable:
                if self._stalled.is_set():
                    break
                self._serve(end)

    def _serve(self, end: socket.socket) -> None:
        if end is self._listener:
            near, _ = self._listener.accept()
            try:
                far = socket.create_connection(("127.0.0.1", self._target), timeout=2)
            except OSError:
                near.close()
                return
            with self._lock:
                self._pairs[near], self._pairs[far] = far, near
            return
        with self._lock:
            other = self._pairs.get(end)
        if other is None:
            return
        try:
            chunk = end.recv(65536)
            if chunk:
                other.sendall(chunk)
                return
        except OSError:
            chunk = b""
        with self._lock:
            self._forget(end)

    def close(self) -> None:
        self._closed.set()
        self._thread.join(5)
        self.drop()
        self._listener.close()
