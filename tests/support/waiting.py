"""Waiting for something that happens in another process: a deadline, never a fixed sleep."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_for(what: str, ask: Callable[[], T | None], *, timeout_s: float = 20.0, every_s: float = 0.05) -> T:
    """The first truthy answer of `ask`; fails the test with `what` when none comes in time."""
    pause = threading.Event()
    deadline = time.monotonic() + timeout_s
    while True:
        answer = ask()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_s} s: {what} (last answer: {answer!r})")
        pause.wait(every_s)
