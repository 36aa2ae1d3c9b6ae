"""What SQLite does not say about a journal: whether commits were lost from it.

SQLite reads a WAL up to the first frame that does not fit and silently ignores the rest. After a crash that is right
for the transaction that was being written; it is a loss when a commit stands behind a damaged frame, or when the
journal has no header. Source: https://www.sqlite.org/fileformat2.html#the_write_ahead_log
"""

import struct
from pathlib import Path

_HEADER = struct.Struct(">8I")  # magic, version, page size, checkpoint number, salts, checksum
_FRAME = struct.Struct(">6I")  # page, size of the database in pages after a commit (else 0), salts, checksum
_MAGIC = {0x377F0682: "<", 0x377F0683: ">"}  # byte order of the checksums
_MASK = 0xFFFFFFFF


def fault(wal: Path) -> str:
    """Why rows may be missing that were committed to this journal; "" when none are.

    A commit that the disk was writing when the power went may look like a lost one: then it is called lost.
    """
    try:
        content = wal.read_bytes()
    except FileNotFoundError:
        return "its journal is missing"
    if len(content) < _HEADER.size:
        return "its journal is empty"
    magic, _, page, _, *salts, low, high = _HEADER.unpack_from(content)
    order = _MAGIC.get(magic)
    if order is None or not 512 <= page <= 65536 or page & (page - 1):
        return "its journal has no header"
    sums = _add(order, (0, 0), content[:24])
    if sums != (low, high):
        return "the header of its journal is damaged"
    whole = True
    for at in range(_HEADER.size, len(content) - _FRAME.size - page + 1, _FRAME.size + page):
        _, size, *found, low, high = _FRAME.unpack_from(content, at)
        if found != salts:
            whole = False  # of an earlier round, or damaged: what follows tells
            continue
        if whole:
            sums = _add(order, sums, content[at : at + 8])
            sums = _add(order, sums, content[at + _FRAME.size : at + _FRAME.size + page])
            whole = sums == (low, high)
        if not whole and size:
            return "a commit stands behind a damaged frame of its journal"
    return ""


def _add(order: str, sums: tuple[int, int], content: bytes) -> tuple[int, int]:
    """SQLite's running checksum over pairs of 32-bit words."""
    a, b = sums
    words = struct.unpack(f"{order}{len(content) // 4}I", content)
    for x, y in zip(words[::2], words[1::2], strict=True):
        a = (a + x + b) & _MASK
        b = (b + y + a) & _MASK
    return a, b
