"""`python -m tests.fault.edge_that_dies --settings FILE`: an agent that is killed at its first acknowledgement.

The agent is the real one; only its source is handed in. Its row is committed, its event is not acknowledged.
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


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def dying_source(settings: EdgeSettings, clock: Clock, on_event: Callable[[SourceEvent], None]) -> Source:
    """The network server's events, each with an acknowledgement that kills."""
    return chirpstack_source(settings, clock, lambda event: on_event(SourceEvent(event.row, _die)))


if __name__ == "__main__":
    build_agent(load(EdgeSettings, Path(sys.argv[2])), source_factory=dying_source).run()
