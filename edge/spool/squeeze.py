"""A row as it lies on a memory card: deflated, with a dictionary of what rows usually say. A seventh of its bytes.

Each row by itself, so that damage to one costs that one alone.
"""

import zlib
from functools import cache
from pathlib import Path

MARK = b"\x00Z1"  # begins a squeezed row; the 1 names the dictionary. A plain row begins with a brace
_LEVEL = 6
_WINDOW = -15  # without zlib's own header and checksum: the row's line has one
_MEMORY = 6


@cache
def _dictionary() -> bytes:
    """Examples, the most usual last. It never changes: rows on a disk somewhere were written with it."""
    return Path(__file__).with_name("dictionary-1.txt").read_bytes()


@cache
def _fresh() -> "zlib._Compress":
    return zlib.compressobj(_LEVEL, zlib.DEFLATED, _WINDOW, _MEMORY, zlib.Z_DEFAULT_STRATEGY, _dictionary())


def squeeze(stored: bytes) -> bytes:
    """What is written instead of a row's stored bytes."""
    deflate = _fresh().copy()
    return MARK + deflate.compress(stored) + deflate.flush()


def unsqueeze(written: bytes) -> bytes:
    """The stored bytes again.

    Raises:
        zlib.error: it is damaged. (That it is whole, only the checksum of its line tells.)
    """
    return zlib.decompressobj(_WINDOW, _dictionary()).decompress(written[len(MARK) :])
