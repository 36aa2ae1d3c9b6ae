"""Which databases refuse, and when to ask each again. One tenant's trouble never stops its neighbours."""

from core.errors import StorageError


class _Refusal:
    def __init__(self, reason: str, wait_ms: int, again_ms: int) -> None:
        self.reason = reason
        self.wait_ms = wait_ms
        self.again_ms = again_ms


class Refusals:
    """Remembers refusing databases; between two tries their rows are deferred without asking.

    Args:
        first_ms: the wait after the first refusal; doubled at each further one up to `longest_ms`.
    """

    def __init__(self, *, first_ms: int = 1000, longest_ms: int = 60_000) -> None:
        self._first_ms, self._longest_ms = first_ms, longest_ms
        self._refusing: dict[str, _Refusal] = {}

    def reason(self, database: str, *, mono_ms: int) -> str | None:
        """Why rows for this database are deferred now; None when it may be asked."""
        refusal = self._refusing.get(database)
        return refusal.reason if refusal is not None and mono_ms < refusal.again_ms else None

    def refused(self, database: str, error: StorageError, *, mono_ms: int) -> bool:
        """The database was asked and refused; True when that is new."""
        known = self._refusing.get(database)
        wait_ms = min(known.wait_ms * 2, self._longest_ms) if known is not None else self._first_ms
        self._refusing[database] = _Refusal(error.code, wait_ms, mono_ms + wait_ms)
        return known is None

    def accepted(self, database: str) -> bool:
        """The database took a write; True when it had refused before."""
        return self._refusing.pop(database, None) is not None

    def is_refusing(self, database: str) -> bool:
        return database in self._refusing

    def refusing(self) -> list[str]:
        return sorted(self._refusing)
