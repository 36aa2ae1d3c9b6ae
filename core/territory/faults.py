"""What is wrong with a territory, and where: every fault at once, each with its place, a code and a hint."""

import difflib
import re
from collections.abc import Iterable
from pathlib import Path

import msgspec

from core.errors import ConfigError

_SECRET = re.compile(
    r"(?:^|_)(?:keys?|tokens?|passwords?|passwd|secrets?|psk|credentials?|mot_de_passe|cle|cles|jeton)$"
    r"|(?:app|nwk|net|api|root|session)_?s?_?(?:enc|int)?_?key$",
    re.IGNORECASE,
)
SECRETS_APART = "keys and tokens live in a file of their own, mode 0600, outside the territory"


class Fault(msgspec.Struct, frozen=True, order=True):
    """One fault. `line` and `column` count from 1, columns in characters; 1:1 where it is the whole file."""

    file: str
    line: int
    column: int
    code: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message} [{self.code}]"


class TerritoryError(ConfigError):
    """A territory with faults; `faults` has them all, by file and line."""

    def __init__(self, folder: Path, faults: Iterable[Fault]) -> None:
        self.faults = tuple(sorted(faults))
        count = len(self.faults)
        more = f", and {count - 1} more" if count > 1 else ""
        super().__init__(
            "territory.invalid",
            f"the territory {folder} has {count} fault{'s' if count > 1 else ''}: {self.faults[0]}{more}",
            hint=self.faults[0].hint if count == 1 else f"beffroi territory check {folder}",
        )


def looks_secret(name: str) -> bool:
    """True for the name of a column or key that would hold a key, token or password."""
    return bool(_SECRET.search(re.sub(r"[\s-]+", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name))))


def close_to(word: str, known: Iterable[str]) -> str:
    """A hint with the word that was probably meant, or with what there is when that is short."""
    words = [str(k) for k in known]
    close = difflib.get_close_matches(word, words, n=1)
    if close:
        return f"did you mean {close[0]}?"
    return f"one of: {', '.join(words)}" if words and len(words) <= 12 else ""
