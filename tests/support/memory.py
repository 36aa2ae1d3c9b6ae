"""Folders in memory, for tests that commit hundreds of times: their claims need no disk, and its syncs take long."""

import tempfile
from pathlib import Path


def memory_folder() -> tempfile.TemporaryDirectory[str]:
    """A folder that is gone when closed; on the disk where the system keeps none in memory."""
    memory = Path("/dev/shm")
    return tempfile.TemporaryDirectory(prefix="beffroi-", dir=memory if memory.is_dir() else None)
