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
KEY = re.compile(r"(?<![0-9A-Za-z-])[0-9A-Fa-f]{32}(?![0-9A-Za-z-])")
SECRETS_APART = "keys and tokens live in a file of their own, mode 0600, outside the territory"
_LONG_LIST, _SHORT_LIST = 1000, 12


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
    """A hint: the word that was probably meant, or all there are when they are few; none for a long list (too slow)."""
    words = {str(k).casefold(): str(k) for k in known}
    if len(words) > _LONG_LIST:
        return ""
    close = difflib.get_close_matches(word.casefold(), words, n=1)
    if close:
        return f"did you mean {words[close[0]]}?"
    return f"one of: {', '.join(words.values())}" if 0 < len(words) <= _SHORT_LIST else ""


def show(value: str) -> str:
    """What was written, for a sentence: short, and without what may be a key."""
    safe = KEY.sub("…", value)
    return repr(safe if len(safe) <= 60 else f"{safe[:60]}…")
