"""What is wrong at the moment: told once when it begins, once when it ends, and shown in between."""

from core import log
from core.errors import BeffroiError

_log = log.get(__name__)


class Conditions:
    """Named conditions and why they hold. A condition that changes its reason is told again."""

    def __init__(self) -> None:
        self._current: dict[str, BeffroiError] = {}

    def begin(self, name: str, error: BeffroiError, *, lasting: bool = True) -> None:
        """It holds; an ERROR the first time and when its cause changes: a person is needed.

        Args:
            lasting: False for what passes by itself: a WARNING then.
        """
        known = self._current.get(name)
        self._current[name] = error
        if known is None or known.code != error.code:
            say = _log.error if lasting else _log.warning
            say("condition.begun", condition=name, code=error.code, reason=error.message, hint=error.hint)

    def end(self, name: str) -> None:
        """It holds no more, or never did."""
        if self._current.pop(name, None) is not None:
            _log.info("condition.ended", condition=name)

    @property
    def codes(self) -> dict[str, str]:
        """Condition → the code of its error."""
        return {name: error.code for name, error in self._current.items()}

    @property
    def reasons(self) -> dict[str, str]:
        """Condition → what was seen, and what to do."""
        return {name: "; ".join(filter(None, (e.message, e.hint))) for name, e in self._current.items()}
