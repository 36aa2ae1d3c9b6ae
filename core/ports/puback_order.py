"""The order of PUBACKs: as the messages were received [MQTT-4.6.0-2], whatever the order in which they are done."""

from collections import deque


class PubackOrder:
    """Of one connection. Packet ids are reused by the broker only after their PUBACK."""

    def __init__(self) -> None:
        self._received: deque[int] = deque()
        self._in_hand: set[int] = set()
        self._done: set[int] = set()

    def received(self, mid: int) -> bool:
        """A message came; False when one with its packet id is still in hand: it is the same, sent again."""
        if mid in self._in_hand:
            return False
        self._in_hand.add(mid)
        self._received.append(mid)
        return True

    def done(self, mid: int) -> list[int]:
        """The message is durably ours; which PUBACKs may go out now, in order."""
        self._done.add(mid)
        free = []
        while self._received and self._received[0] in self._done:
            first = self._received.popleft()
            self._done.remove(first)
            self._in_hand.remove(first)
            free.append(first)
        return free
