"""`python -m tests.support.cloud_killed_after_write --settings FILE`: a worker that dies by SIGKILL right after its
first write of uplinks has returned, exactly between the write and the receipt."""

import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cloud.service import build_service, open_store
from cloud.settings import CloudSettings
from cloud.stores.base import Point, Rejected, Store
from core.settings import load


class Killing:
    """A store that kills the process after it has written an uplink."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def write(self, database: str, points: Sequence[Point]) -> list[Rejected]:
        rejected = self._store.write(database, points)
        if any(point.measurement == "uplink" for point in points):
            os.kill(os.getpid(), signal.SIGKILL)
        return rejected

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


if __name__ == "__main__":
    settings = load(CloudSettings, Path(sys.argv[sys.argv.index("--settings") + 1]))
    service = build_service(settings, new_store=lambda chosen: Killing(open_store(chosen)))  # type: ignore[arg-type]
    service.run(threading.Event())
