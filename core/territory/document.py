"""TOML files of a territory: every table read key by key; what is missing, unknown or wrong is a fault at its place."""

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any, TypeVar

from core.territory import values
from core.territory.faults import SECRETS_APART, close_to, looks_secret
from core.territory.text import FileText
from core.territory.tomlplace import KeyPath, Place, places
from core.territory.values import BadValueError

T = TypeVar("T")
_AT = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)$")


class Table:
    """A table being read. Each reader takes a key off it; `close` reports what nobody took."""

    def __init__(self, file: FileText, where: Mapping[KeyPath, Place], table: Mapping[str, Any], path: KeyPath) -> None:
        self._file = file
        self._where = where
        self._table = table
        self._path = path
        self._taken: list[str] = []
        self.fault_count = 0

    def text(self, key: str, read: Callable[[str], T], *, required: bool = True) -> T | None:
        """A text through its reader."""
        value = self._take(key, required=required)
        return None if value is None else self._read_text((key,), value, read)

    def texts(self, key: str, read: Callable[[str], T], *, required: bool = True) -> list[tuple[KeyPath, T]]:
        """The sound texts of an array, each with its place below this table."""
        value = self._take(key, required=required)
        if not isinstance(value, list):
            if value is not None:
                self.fault((key,), "territory.type", f"{key} is not an array", f'{key} = ["…", "…"]')
            return []
        if required and not value:
            self.fault((key,), "territory.empty", f"{key} is empty")
        pairs = [((key, index), self._read_text((key, index), element, read)) for index, element in enumerate(value)]
        return [(below, element) for below, element in pairs if element is not None]

    def number(self, key: str, low: float, high: float, unit: str = "", *, required: bool = True) -> float | None:
        """A number in [low, high], whole or not."""
        value = self._take(key, required=required)
        if isinstance(value, bool) or not isinstance(value, int | float):
            if value is not None:
                self.fault((key,), "territory.type", f"{key} is not a number", "a number stands without quotes")
            return None
        try:
            return values.within(value, low, high, unit)
        except BadValueError as error:
            self.fault((key,), error.code, f"{key}: {error.message}", error.hint)
            return None

    def whole(self, key: str, low: int, high: int, unit: str = "", *, required: bool = True) -> int | None:
        """A whole number in [low, high]."""
        found = self.number(key, low, high, unit, required=required)
        if isinstance(found, float):
            self.fault((key,), "territory.type", f"{key} is not a whole number")
            return None
        return found

    def day(self, key: str) -> date | None:
        """A date of TOML's own, without quotes."""
        value = self._take(key, required=True)
        if type(value) is date:
            return value
        if value is not None:
            self.fault((key,), "territory.type", f"{key} is not a date", f"{key} = 2026-07-14, without quotes")
        return None

    def instant_ms(self, key: str) -> int | None:
        """A date with time and zone, of TOML's own, without quotes; ms UTC."""
        value = self._take(key, required=True)
        if isinstance(value, datetime) and value.tzinfo is not None and 1970 < value.year <= values.LAST_YEAR:
            return round(value.astimezone(UTC).timestamp() * 1000)
        if value is not None:
            hint = f"{key} = 2026-07-14T08:00:00+02:00, without quotes"
            self.fault((key,), "territory.type", f"{key} is not a date with time and zone", hint)
        return None

    def table(self, key: str, *, required: bool = False) -> "Table | None":
        """The table `[key]`."""
        value = self._take(key, required=required)
        if isinstance(value, dict):
            return Table(self._file, self._where, value, (*self._path, key))
        if value is not None:
            self.fault((key,), "territory.type", f"{key} is not a table", f"write [{key}] on a line of its own")
        return None

    def tables(self, key: str, *, required: bool = False) -> Iterator["Table"]:
        """The tables `[[key]]`."""
        value = self._take(key, required=required)
        if isinstance(value, list) and all(isinstance(element, dict) for element in value):
            for index, element in enumerate(value):
                yield Table(self._file, self._where, element, (*self._path, key, index))
        elif value is not None:
            self.fault((key,), "territory.type", f"{key} is not a list of tables", f"[[{key}]], once for each")

    def fault(self, below: KeyPath, code: str, message: str, hint: str = "") -> None:
        """A fault at a key or element below this table; at the table itself for `()`."""
        self.fault_count += 1
        line, column = self.place(below)
        self._file.fault(line, column, code, message, hint)

    def place(self, below: KeyPath = ()) -> Place:
        """The place of a key, or of the nearest thing above it."""
        path = (*self._path, *below)
        while path and path not in self._where:
            path = path[:-1]
        return self._where.get(path, Place(1, 1))

    def close(self) -> bool:
        """Report the keys nobody took; True when no fault was found at this table's own keys."""
        for key in self._table:
            if key in self._taken:
                continue
            if looks_secret(key):
                self.fault((key,), "territory.secret", f"{key} would hold a secret", SECRETS_APART)
            else:
                self.fault((key,), "territory.unknown_key", f"nobody reads {key}", close_to(key, self._taken))
        return self.fault_count == 0

    def _take(self, key: str, *, required: bool) -> Any:
        self._taken.append(key)
        if required and key not in self._table:
            self.fault((), "territory.missing_key", f"{key} is missing")
        return self._table.get(key)

    def _read_text(self, below: KeyPath, value: Any, read: Callable[[str], T]) -> T | None:
        if not isinstance(value, str):
            self.fault(below, "territory.type", f"{below[0]} is not a text", "a text stands between quotes")
            return None
        try:
            return read(value)
        except BadValueError as error:
            self.fault(below, error.code, f"{below[0]}: {error.message}", error.hint)
            return None


def read_document(file: FileText) -> Table | None:
    """The top table of a TOML file; None when it cannot be read, which is a fault."""
    if not file.readable:
        return None
    try:
        table = tomllib.loads(file.text)
        return Table(file, places(file.text), table, ())
    except (ValueError, RecursionError) as error:  # a number of 5,000 digits, arrays 500 deep: not TOMLDecodeError
        sentence = str(error)
        at = _AT.search(sentence)
        line, column = len(file.lines), len(file.lines[-1]) + 1
        if at and at.group(1):
            line, column = int(at.group(1)), int(at.group(2))
        message = sentence[: at.start()] if at else sentence
        file.fault(line, column, "territory.toml", message, 'one key a line, texts between quotes: name = "Esternay"')
        return None
