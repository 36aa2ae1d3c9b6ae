"""What SQLite does not say about a journal: whether commits were lost from it.

SQLite reads a WAL up to the first frame that does not fit and silently ignores the rest. After a crash that is right
for the transaction that was being written; it is a loss when whole commits stand behind a damaged frame, or when the
journal of a segment in use is missing or has no header. Source: https://sqlite.org/fileformat2.html#walformat
"""

import struct
from pathlib import Path

_HEADER = struct.Struct(">8I")  # magic, version, page size, checkpoint number, salts, checksum
_FRAME = struct.Struct(">6I")  # page, size of the database in pages after a commit (else 0), salts, checksum
_MAGIC = (0x377F0682, 0x377F0683)


def commit_frames(wal: Path) -> list[int] | None:
    """Numbers (from 1) of the frames that end a commit, sound or not; None when the journal has no header."""
    try:
        content = wal.read_bytes()
    except FileNotFoundError:
        return None
    if len(content) < _HEADER.size:
        return None
    magic, _, page, _, *salts = _HEADER.unpack_from(content)[:6]
    if magic not in _MAGIC or not 512 <= page <= 65536 or page & (page - 1):
        return None
    ends = []
    for number, at in enumerate(range(_HEADER.size, len(content) - _FRAME.size - page + 1, _FRAME.size + page), 1):
        _, size, *found, _, _ = _FRAME.unpack_from(content, at)
        if found == salts and size:
            ends.append(number)
    return ends
