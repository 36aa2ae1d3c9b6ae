"""A worker that is killed exactly between its store's write of uplinks and their receipt.

Composed like `beffroi cloud run`, with a store whose first durable write of an uplink is the end of the process.
"""

import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from cloud.service import build_service
from cloud.settings import CloudSettings
from cloud.stores.base import Point, Rejected, Store
from cloud.stores.sqlite import SqliteStore
from core.settings import load


class DeadlyStore(SqliteStore):
    """Dies when its first uplinks are on the disk."""

    def write(self, database: str, points: Sequence[Point]) -> list[Rejected]:
        refused = super().write(database, points)
        if any(point.measurement == "uplink" for point in points):
            os.kill(os.getpid(), signal.SIGKILL)
        return refused


def deadly_store(settings: CloudSettings) -> Store:
    return DeadlyStore.open(settings.store_folder)


if __name__ == "__main__":
    service = build_service(load(CloudSettings, Path(sys.argv[-1])), new_store=deadly_store)
    service.run(threading.Event())
