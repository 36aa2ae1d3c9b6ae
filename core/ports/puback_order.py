"""The order of PUBACKs: as the messages were received [MQTT-4.6.0-2], whatever the order in which they are done."""

from collections import deque


class PubackOrder:
    """Of one connection. Packet ids are reused by the broker only after their PUBACK."""

    def __init__(self) -> None:
        self._received: deque[int] = deque()
        self._done: set[int] = set()

    def received(self, mid: int) -> None:
        self._received.append(mid)

    def done(self, mid: int) -> list[int]:
        """The message is durably ours; which PUBACKs may go out now, in order."""
        self._done.add(mid)
        free = []
        while self._received and self._received[0] in self._done:
            self._done.remove(self._received[0])
            free.append(self._received.popleft())
        return free
