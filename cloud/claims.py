"""Which of several workers watches: exactly one. An embedded store has a lock in its folder; see `cloud.mqtt_claim` for
a store that workers reach from several machines."""

from pathlib import Path

from core.errors import OperatorError
from core.ports.control import FolderLock

LOCK_NAME = "watch.lock"
_EVERY_MS = 1000


class FolderClaim:
    """The lock of a store's folder: it dies with the process that holds it.

    Args:
        name: of this worker.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = name
        self._lock: FolderLock | None = None
        self._asked_ms: int | None = None

    @property
    def term(self) -> int:
        """It is never lost."""
        return 1

    @property
    def holder(self) -> str:
        """This worker's name; empty while another holds it."""
        return self._name if self._lock is not None else ""

    def is_held(self, mono_ms: int) -> bool:
        """Whether this worker has it; it is asked for once a second until then."""
        if self._lock is None and (self._asked_ms is None or mono_ms - self._asked_ms >= _EVERY_MS):
            self._asked_ms = mono_ms
            try:
                self._lock = FolderLock(self._folder, name=LOCK_NAME)
            except (OperatorError, OSError):  # another's; or no folder to lock, which the worker says by itself
                return False
        return self._lock is not None

    def release(self) -> None:
        if self._lock is not None:
            self._lock.release()
            self._lock = None
