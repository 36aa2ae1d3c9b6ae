"""A file that only takes room, so that receipts can still be written down when the disk is full.

While it is released no new row is accepted: the room is for receipts, whose segments then give room back.
"""

import os
import shutil
from pathlib import Path

from core import log
from edge.spool import database

NAME = "ballast"
_log = log.get(__name__)


class Ballast:
    """Args:
    wanted_bytes: its size; at most an eighth of the disk is taken. 0: no ballast at all.
    """

    def __init__(self, folder: Path, wanted_bytes: int) -> None:
        self._path = folder / NAME
        self.bytes = min(wanted_bytes, shutil.disk_usage(folder).total // 8)

    @property
    def released(self) -> bool:
        return bool(self.bytes) and not self._path.exists()

    def release(self) -> bool:
        """Give its room to receipts; False when it was gone already."""
        try:
            self._path.unlink()
        except FileNotFoundError:
            return False
        _log.warning("ballast.released", folder=str(self._path.parent), bytes=self.bytes)
        return True

    def restore(self) -> bool:
        """Take the room back once there is twice as much; True when the ballast is there."""
        if not self.bytes:
            self._path.unlink(missing_ok=True)
            return True
        if self._path.exists():
            return True
        if database.free_bytes(self._path.parent) < 2 * self.bytes:
            return False
        fresh = self._path.with_suffix(".new")
        try:
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            try:
                os.posix_fallocate(descriptor, 0, self.bytes)
            finally:
                os.close(descriptor)
            fresh.rename(self._path)
        except OSError:  # somebody else was faster: try again at the next upkeep
            fresh.unlink(missing_ok=True)
            return False
        return True
