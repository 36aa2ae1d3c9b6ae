"""An agent that is killed exactly between its spool's commit and the source's acknowledgement.

Composed like `beffroi edge run`, with a source whose acknowledgement is the end of the process.
"""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from core.ports.clock import Clock
from core.settings import load
from edge.agent import build_agent, chirpstack_source
from edge.settings import EdgeSettings
from edge.sources.base import Source, SourceEvent


def deadly_source(settings: EdgeSettings, clock: Clock, on_event: Callable[[SourceEvent], None]) -> Source:
    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    return chirpstack_source(settings, clock, lambda event: on_event(SourceEvent(event.row, die)))


if __name__ == "__main__":
    build_agent(load(EdgeSettings, Path(sys.argv[-1])), source_factory=deadly_source).run()
