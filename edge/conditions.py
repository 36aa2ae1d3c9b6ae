"""What is wrong at the moment: told once when it begins, once when it ends, and shown in between."""

from core import log
from core.errors import BeffroiError

_log = log.get(__name__)


class Conditions:
    """Named conditions and why they hold. A condition that changes its reason is told again."""

    def __init__(self) -> None:
        self._current: dict[str, BeffroiError] = {}

    def begin(self, name: str, error: BeffroiError) -> None:
        """It holds; an ERROR the first time: a person is needed."""
        known = self._current.get(name)
        self._current[name] = error
        if known is None or known.code != error.code:
            _log.error("condition.begun", condition=name, code=error.code, reason=error.message, hint=error.hint)

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
        """Condition → one sentence."""
        return {name: error.message for name, error in self._current.items()}
