"""The first page of a damaged segment, mended just enough for SQLite to look at the other pages.

SQLite refuses a file as a whole when it is shorter than its header says, or when its first page is damaged. All
segments have the same tables, so the first page of a new one fits. What is then read is checked row by row.
Source: https://www.sqlite.org/fileformat2.html#the_database_header
"""

import struct
from collections.abc import Callable
from pathlib import Path

from edge.spool import database

_PAGE = 4096  # bytes: SQLite's default, and ours
_PAGES_AT = 28  # where the header says how many pages there are


def pad(path: Path) -> None:
    """Make a file that was cut as long as its header says; the missing pages are empty and take no room."""
    with path.open("rb") as file:
        head = file.read(100)
    pages = int.from_bytes(head[_PAGES_AT : _PAGES_AT + 4], "big")
    believed = head.startswith(b"SQLite format 3\0") and head[24:28] == head[92:96]
    if believed and path.stat().st_size < pages * _PAGE <= 1 << 32:
        with path.open("r+b") as file:
            file.truncate(pages * _PAGE)


def renew(path: Path, make: Callable[[Path], None]) -> None:
    """Replace the first page by that of an empty segment, which `make` writes to a path."""
    pattern = path.with_name(path.name + ".pattern")
    database.unlink(pattern)
    try:
        make(pattern)
        page = bytearray(pattern.read_bytes()[:_PAGE])
    finally:
        database.unlink(pattern)
    struct.pack_into(">I", page, _PAGES_AT, max(1, path.stat().st_size // _PAGE))
    with path.open("r+b") as file:
        file.write(page)
