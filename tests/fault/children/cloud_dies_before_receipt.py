"""A worker that is killed exactly between its store's write of uplinks and their receipt.

Composed like `beffroi cloud run`, with a store whose first durable write of an uplink is the end of the process.
"""

import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from cloud.service import build_service, open_store
from cloud.settings import CloudSettings
from cloud.stores.base import Point, Rejected, Store
from core.settings import load


class DeadlyStore:
    """Passes everything on; dies when its first uplinks are on the disk."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def write(self, database: str, points: Sequence[Point]) -> list[Rejected]:
        refused = self._store.write(database, points)
        if any(point.measurement == "uplink" for point in points):
            os.kill(os.getpid(), signal.SIGKILL)
        return refused


def deadly_store(settings: CloudSettings) -> Store:
    return cast("Store", DeadlyStore(open_store(settings)))


if __name__ == "__main__":
    service = build_service(load(CloudSettings, Path(sys.argv[-1])), new_store=deadly_store)
    service.run(threading.Event())
