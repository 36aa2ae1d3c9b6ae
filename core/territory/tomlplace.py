"""Where each key of a TOML text stands: tomllib gives the values, this gives their line and column.

Only for a text that tomllib accepted: the scanner may then be simple.
"""

import re
from typing import NamedTuple

KeyPath = tuple[str | int, ...]
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_VALUE = re.compile(r"[^,\]}\n#]+")
_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)+")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}' r"|'''.*?'{3,5}" r'|"(?:[^"\\\n]|\\.)*"' r"|'[^'\n]*'",
    re.DOTALL,
)


class Place(NamedTuple):
    line: int
    column: int


def places(text: str) -> dict[KeyPath, Place]:
    """The place of every key (`("sites", 0, "gateways")`) and of every element of an array (`(…, "gateways", 2)`)."""
    return _Scanner(text).scan()


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._found: dict[KeyPath, int] = {}
        self._counts: dict[KeyPath, int] = {}  # arrays of tables: how many so far

    def scan(self) -> dict[KeyPath, Place]:
        base: KeyPath = ()
        self._skip()
        while self._at < len(self._text):
            if self._text.startswith("[", self._at):
                base = self._header()
            else:
                self._pair(base)
            self._skip()
        return self._located()

    def _located(self) -> dict[KeyPath, Place]:
        places: dict[KeyPath, Place] = {}
        line, line_start, seen = 1, 0, 0
        for path, offset in sorted(self._found.items(), key=lambda item: item[1]):
            line += self._text.count("\n", seen, offset)
            line_start = self._text.rfind("\n", 0, offset) + 1
            seen = offset
            places[path] = Place(line, offset - line_start + 1)
        return places

    def _skip(self) -> None:
        blank = _BLANK.match(self._text, self._at)
        if blank:
            self._at = blank.end()

    def _header(self) -> KeyPath:
        start = self._at
        array = self._text.startswith("[[", self._at)
        self._at += 2 if array else 1
        parts = self._key()
        self._at = self._text.index("]", self._at) + (2 if array else 1)
        path: KeyPath = ()
        for index, (part, offset) in enumerate(parts):
            path = (*path, part)
            last = index == len(parts) - 1
            self._found.setdefault(path, start if last else offset)
            if array and last:
                self._counts[path] = self._counts.get(path, 0) + 1
                path = (*path, self._counts[path] - 1)
                self._found[path] = start
            elif path in self._counts:
                path = (*path, self._counts[path] - 1)
        return path

    def _key(self) -> list[tuple[str, int]]:
        parts: list[tuple[str, int]] = []
        while True:
            self._skip_spaces()
            start = self._at
            match = _STRING.match(self._text, start) or _BARE.match(self._text, start)
            if match is None:
                return parts
            self._at = match.end()
            parts.append((match.group().strip("\"'"), start))
            self._skip_spaces()
            if not self._text.startswith(".", self._at):
                return parts
            self._at += 1

    def _skip_spaces(self) -> None:
        while self._text[self._at : self._at + 1] in (" ", "\t"):
            self._at += 1

    def _pair(self, base: KeyPath) -> None:
        path = base
        for part, offset in self._key():
            path = (*path, part)
            self._found.setdefault(path, offset)
        self._at = self._text.index("=", self._at) + 1
        self._skip_spaces()
        self._value(path)

    def _value(self, path: KeyPath) -> None:
        if string := _STRING.match(self._text, self._at):
            self._at = string.end()
        elif self._text.startswith("[", self._at):
            self._array(path)
        elif self._text.startswith("{", self._at):
            self._table(path)
        elif bare := _VALUE.match(self._text, self._at):
            self._at = bare.end()

    def _array(self, path: KeyPath) -> None:
        self._at += 1
        index = 0
        while self._next_unless("]"):
            self._found[(*path, index)] = self._at
            self._value((*path, index))
            index += 1

    def _table(self, path: KeyPath) -> None:
        self._at += 1
        while self._next_unless("}"):
            self._pair(path)

    def _next_unless(self, closing: str) -> bool:
        """Move to the next element, over blanks and one comma; False, and past it, at the closing bracket."""
        self._skip()
        if self._text.startswith(",", self._at):
            self._at += 1
            self._skip()
        if self._text.startswith(closing, self._at):
            self._at += 1
            return False
        return self._at < len(self._text)
