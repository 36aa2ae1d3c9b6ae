"""A worker whose loop hangs for ever at SIGUSR1, while every other thread of the process lives.

Composed like `beffroi cloud run`.
"""

import signal
import sys
import threading
from pathlib import Path

from cloud.service import build_service
from cloud.settings import CloudSettings
from core.ports.systemd import Notifier
from core.settings import load


def hang() -> None:
    """As a disk or a peer may that never answers."""
    threading.Event().wait()


if __name__ == "__main__":
    with Notifier() as systemd:
        service = build_service(load(CloudSettings, Path(sys.argv[-1])), on_beat=systemd.beat)
        signal.signal(
            signal.SIGUSR1,
            lambda *_: threading.Thread(target=service.inbox.call, args=(hang,), daemon=True).start(),
        )
        service.run(threading.Event())
