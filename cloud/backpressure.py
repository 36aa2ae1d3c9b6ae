"""Who refuses, and when to ask again. One tenant's trouble never stops its neighbours."""

from core.errors import StorageError


class Pause:
    """The wait between two tries of what fails; true while it fails.

    Args:
        first_ms: the wait after the first failure; doubled at each further one up to `longest_ms`.
    """

    def __init__(self, *, first_ms: int = 500, longest_ms: int = 30_000) -> None:
        self._first_ms, self._longest_ms = first_ms, longest_ms
        self._wait_ms = self._again_ms = 0
        self.reason = ""

    def __bool__(self) -> bool:
        return bool(self.reason)

    def lengthen(self, reason: str, *, mono_ms: int) -> None:
        """It failed (again), with this code."""
        self._wait_ms = min(self._wait_ms * 2, self._longest_ms) if self.reason else self._first_ms
        self._again_ms = mono_ms + self._wait_ms
        self.reason = reason

    def end(self) -> None:
        self.reason = ""

    def is_over(self, mono_ms: int) -> bool:
        """Whether to try now."""
        return not self.reason or mono_ms >= self._again_ms


class Refusals:
    """Remembers refusing databases; between two tries their rows are deferred without asking."""

    def __init__(self, *, first_ms: int = 1000, longest_ms: int = 60_000) -> None:
        self._first_ms, self._longest_ms = first_ms, longest_ms
        self._refusing: dict[str, Pause] = {}

    def reason(self, database: str, *, mono_ms: int) -> str | None:
        """Why rows for this database are deferred now; None when it may be asked."""
        pause = self._refusing.get(database)
        return None if pause is None or pause.is_over(mono_ms) else pause.reason

    def refused(self, database: str, error: StorageError, *, mono_ms: int) -> None:
        """The database was asked and refused."""
        pause = self._refusing.get(database)
        if pause is None:
            pause = self._refusing[database] = Pause(first_ms=self._first_ms, longest_ms=self._longest_ms)
        pause.lengthen(error.code, mono_ms=mono_ms)

    def accepted(self, database: str) -> bool:
        """The database took a write; True when it had refused before."""
        return self._refusing.pop(database, None) is not None

    def is_refusing(self, database: str) -> bool:
        return database in self._refusing

    def refusing(self) -> list[str]:
        return sorted(self._refusing)
