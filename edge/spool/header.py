"""The first page of a damaged segment, mended just enough for SQLite to look at the other pages.

SQLite refuses a file as a whole when it is shorter than its header says, or when its first page is damaged. All
segments of one page size have the same tables, so the first page of a new one fits. What is then read is checked row
by row.
Source: https://www.sqlite.org/fileformat2.html#the_database_header
"""

import struct
from collections.abc import Callable
from pathlib import Path

from edge.spool import database

_MAGIC = b"SQLite format 3\0"
_SIZE_AT = 16  # where the header says how large a page is
_PAGES_AT = 28  # where it says how many pages there are
_SIZES = (4096, 2048, 1024)  # bytes; see `SpoolLimits.page_bytes`
_LEAF, _INNER, _INDEX_LEAF = 0x0D, 0x05, 0x0A  # how a page of a table, or of an index, begins
# the roots of our tables follow the first page in the order in which they are made: segment, row, settled, counter
_ROOTS = ((_LEAF,), (_LEAF, _INNER), (_LEAF,), (_INDEX_LEAF,))


def pad(path: Path) -> None:
    """Make a file that was cut as long as its header says; the missing pages are empty and take no room."""
    with path.open("rb") as file:
        head = file.read(100)
    size = int.from_bytes(head[_SIZE_AT : _SIZE_AT + 2], "big")
    pages = int.from_bytes(head[_PAGES_AT : _PAGES_AT + 4], "big")
    believed = head.startswith(_MAGIC) and size in _SIZES and head[24:28] == head[92:96]
    if believed and path.stat().st_size < pages * size <= 1 << 32:
        with path.open("r+b") as file:
            file.truncate(pages * size)


def page_bytes(path: Path) -> int:
    """How large the pages of a segment are: the size at which more of its tables begin where they should."""
    with path.open("rb") as file:
        content = file.read(len(_ROOTS) * max(_SIZES) + 1)
    return max(_SIZES, key=lambda size: sum(content[n * size] in kinds for n, kinds in _present(content, size)))


def _present(content: bytes, size: int) -> list[tuple[int, tuple[int, ...]]]:
    return [(n, kinds) for n, kinds in enumerate(_ROOTS, 1) if n * size < len(content)]


def renew(path: Path, make: Callable[[Path, int], None]) -> None:
    """Replace the first page by that of an empty segment, which `make` writes to a path with pages of a size."""
    size = page_bytes(path)
    pattern = path.with_name(path.name + ".pattern")
    database.unlink(pattern)
    try:
        make(pattern, size)
        page = bytearray(pattern.read_bytes()[:size])
    finally:
        database.unlink(pattern)
    struct.pack_into(">I", page, _PAGES_AT, max(1, path.stat().st_size // size))
    with path.open("r+b") as file:
        file.write(page)
