"""Python's garbage collector, kept from looking at a fleet that lives as long as its process."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def paused() -> Iterator[None]:
    """While thousands of devices are made, none is garbage: looking at them again and again takes half of the time."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


def keep_all() -> None:
    """What there is now stays until the end of the process: never look at it again."""
    gc.freeze()
