"""CSV files of a territory: a header, commas, one record a line; every cell read by its column's reader."""

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from core.territory.faults import SECRETS_APART, close_to, looks_secret, show
from core.territory.text import FileText
from core.territory.values import BadValueError


class Column(NamedTuple):
    """`read`: text → value. A required column is in the header and has a value in every row.

    `varies`: nearly every row has another value; the others are read once a value, which halves the time.
    """

    read: Callable[[str], Any]
    required: bool = True
    varies: bool = False


class _Read(dict[str, Any]):
    """Cells already read, by their text."""

    def __init__(self, column: Column) -> None:
        super().__init__({} if column.required else {"": None})
        self._read = column.read

    def __missing__(self, cell: str) -> Any:
        value = self[cell] = self._read(cell)
        return value


class Row(NamedTuple):
    """One record: its line, and a value for each declared column (None: empty, or `sound` is false)."""

    line: int
    values: list[Any]
    sound: bool


class Sheet:
    """The rows of one CSV file, read against its columns; reports what is wrong into the file's faults."""

    def __init__(self, file: FileText, columns: Mapping[str, Column]) -> None:
        self._file = file
        self._columns = columns
        self._header: list[str] = []
        self.readable = file.readable and self._read_header()

    def rows(self) -> Iterator[Row]:
        """Every record, also those with faults, so that references to them are not reported again."""
        if not self.readable:
            return
        where = [self._header.index(name) if name in self._header else -1 for name in self._columns]
        pick = itemgetter(*where)  # -1: the "" put after the cells
        readers = [column.read if column.varies else _Read(column).__getitem__ for column in self._columns.values()]
        width = len(self._header)
        for number, line in enumerate(self._file.lines[1:], 2):
            if not line.strip():
                continue
            cells = self._split(number, line)
            if cells is None or len(cells) != width:
                if cells is not None:
                    self._fault_width(number, len(cells))
                yield Row(number, self._read_first(where[0], cells or line.split(",")), False)
                continue
            picked = pick([*map(str.strip, cells), ""])
            try:
                yield Row(number, [read(cell) for read, cell in zip(readers, picked, strict=True)], True)
            except BadValueError:  # so does an empty cell of a required column
                yield Row(number, self._read_each(number, picked), False)

    def fault(self, line: int, column: str, code: str, message: str, hint: str = "") -> None:
        """A fault at a cell: where its text begins."""
        self._file.fault(line, self._position(line, column), code, message, hint)

    def _read_header(self) -> bool:
        first = self._file.lines[0]
        names = [name.strip() for name in self._split(1, first) or []]
        if len(names) == 1 and (";" in first or "\t" in first):
            at = next(index for index, character in enumerate(first) if character in ";\t")
            message = f"the columns are separated by {'semicolons' if first[at] == ';' else 'tabs'}, not by commas"
            hint = "in a spreadsheet: save as CSV UTF-8 and choose the comma as separator"
            self._file.fault(1, at + 1, "territory.separator", message, hint)
            return False
        if not first.strip():
            self._file.fault(1, 1, "territory.header", "the first line has no columns", ",".join(self._columns))
            return False
        self._header = names
        for index, name in enumerate(names):
            self._check_name(index, name)
        missing = [name for name, column in self._columns.items() if column.required and name not in names]
        for name in missing:
            self._file.fault(1, 1, "territory.missing_column", f"there is no column {name}", ",".join(self._columns))
        return not missing

    def _check_name(self, index: int, name: str) -> None:
        column = self._column_of(1, index)
        if looks_secret(name):
            self._file.fault(1, column, "territory.secret", f"the column {name!r} would hold a secret", SECRETS_APART)
        elif name not in self._columns:
            message, hint = f"nobody reads the column {show(name)}", close_to(name, self._columns)
            self._file.fault(1, column, "territory.unknown_column", message, hint)
        elif name in self._header[:index]:
            self._file.fault(1, column, "territory.duplicate", f"the column {name} is there twice")

    def _split(self, number: int, line: str) -> list[str] | None:
        if '"' not in line:
            return line.split(",")
        try:
            return next(csv.reader([line], strict=True, skipinitialspace=True))
        except csv.Error:
            hint = 'a value with a comma is "between quotes", on one line; a quote in it is doubled'
            self._file.fault(number, line.index('"') + 1, "territory.quotes", "the quotes do not match", hint)
            return None

    def _read_each(self, number: int, picked: Sequence[str]) -> list[Any]:
        """A row known to be bad: report every cell."""
        values: list[Any] = []
        for (name, column), cell in zip(self._columns.items(), picked, strict=True):
            value = None
            if cell:
                try:
                    value = column.read(cell)
                except BadValueError as error:
                    self.fault(number, name, error.code, f"{name}: {error.message}", error.hint)
            elif column.required:
                self.fault(number, name, "territory.empty", f"{name} is empty")
            values.append(value)
        return values

    def _read_first(self, index: int, cells: list[str]) -> list[Any]:
        """Of a row whose cells cannot be told apart, its id alone."""
        values: list[Any] = [None] * len(self._columns)
        if 0 <= index < len(cells):
            try:
                values[0] = next(iter(self._columns.values())).read(cells[index].strip())
            except BadValueError:
                values[0] = None  # the row was reported; what stands here is anybody's guess
        return values

    def _fault_width(self, number: int, found: int) -> None:
        message = f"{found} values for {len(self._header)} columns"
        self._file.fault(number, 1, "territory.columns", message, 'a value with a comma is "between quotes"')

    def _position(self, line: int, name: str) -> int:
        return self._column_of(line, self._header.index(name)) if name in self._header else 1

    def _column_of(self, line: int, index: int) -> int:
        """Column (from 1) where the cell `index` of a line begins; commas between quotes do not count."""
        text, quoted, seen = self._file.lines[line - 1], False, 0
        start = 0
        for at, character in enumerate(text):
            if seen == index:
                break
            if character == '"':
                quoted = not quoted
            elif character == "," and not quoted:
                seen += 1
                start = at + 1
        cell = text[start:]
        return start + len(cell) - len(cell.lstrip()) + 1 if cell.strip() else start + 1
