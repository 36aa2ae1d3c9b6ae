"""What waits for the worker: messages of the edges, bounded in number and bytes, and calls of the other threads.

A full inbox closes its gate: the source reads nothing more, so that what the worker cannot follow waits at the
broker and not in memory. The gate opens again when half is worked off.
"""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from cloud.sources.base import Delivery
from core import log
from core.errors import BeffroiError

T = TypeVar("T")
_log = log.get(__name__)
Call = Callable[[], None]


def _nothing() -> None:
    pass


class Inbox:
    """Filled by the source's thread, emptied by the worker's.

    Args:
        messages: how many may wait.
        size_bytes: how many bytes of payload may wait; the message that passes it is still taken.
    """

    def __init__(self, *, messages: int = 1000, size_bytes: int = 32 * 1024 * 1024) -> None:
        self._limit_messages, self._limit_bytes = messages, size_bytes
        self._deliveries: deque[Delivery] = deque()
        self._calls: deque[Call] = deque()
        self._bytes = 0
        self._filled = threading.Condition()
        self._close_gate: Callable[[], None] = _nothing
        self._open_gate: Callable[[], None] = _nothing
        self._full = False
        self._woken = False

    def bind_gate(self, *, close: Callable[[], None], open_again: Callable[[], None]) -> None:
        """What stops the source from reading, and what lets it go on; both return at once."""
        self._close_gate, self._open_gate = close, open_again

    @property
    def full(self) -> bool:
        """True while the source is kept from reading."""
        return self._full

    def offer(self, delivery: Delivery) -> None:
        with self._filled:
            self._deliveries.append(delivery)
            self._bytes += len(delivery.payload)
            if not self._full and (len(self._deliveries) >= self._limit_messages or self._bytes >= self._limit_bytes):
                self._full = True
                self._close_gate()
            self._filled.notify()

    def call(self, function: Callable[[], T]) -> "Future[T]":
        """Have the worker call `function` between two batches; its result, or whatever it raised."""
        future: Future[T] = Future()

        def call() -> None:
            if future.set_running_or_notify_cancel():
                try:
                    result = function()
                except Exception as error:  # noqa: BLE001 - see below
                    # the border between an asker and the worker: a question that fails as nobody foresaw is the
                    # asker's to hear of, and must not end the road of all tenants
                    if not isinstance(error, BeffroiError):
                        _log.exception("call.failed")  # not every asker waits for an answer
                    future.set_exception(error)
                else:
                    future.set_result(result)

        with self._filled:
            self._calls.append(call)
            self._filled.notify()
        return future

    def wake(self) -> None:
        """End a wait for the next message: something else is to be done."""
        with self._filled:
            self._woken = True
            self._filled.notify()

    def take(self, timeout_s: float, *, messages: bool = True) -> Delivery | Call | None:
        """The next call, else the next message, waiting for one at most `timeout_s` and until woken.

        Args:
            messages: False while the worker can keep nothing: only calls are taken.
        """
        with self._filled:
            self._filled.wait_for(lambda: self._woken or self._calls or (messages and self._deliveries), timeout_s)
            self._woken = False
            if self._calls:
                return self._calls.popleft()
            if not (messages and self._deliveries):
                return None
            delivery = self._deliveries.popleft()
            self._bytes -= len(delivery.payload)
            self._let_go_on()
            return delivery

    def forget(self) -> None:
        """Drop what was not taken yet: the broker delivers it again."""
        with self._filled:
            self._deliveries.clear()
            self._bytes = 0
            self._let_go_on()

    def _let_go_on(self) -> None:
        if self._full and len(self._deliveries) * 2 <= self._limit_messages and self._bytes * 2 <= self._limit_bytes:
            self._full = False
            self._open_gate()
