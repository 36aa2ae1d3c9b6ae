"""Points on disk, pass after pass: what a watch would read of a store, generated beforehand."""

import struct
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from cloud.stores.base import Point

_head = struct.Struct("<qI")  # the time of the pass (ms), the bytes that follow
_LEVEL = 1


def write(path: Path, passes: Iterable[tuple[int, list[Point]]]) -> int:
    """How many points."""
    encode = msgspec.msgpack.Encoder().encode
    count = 0
    with path.open("wb") as file:
        for at_ms, points in passes:
            packed = zlib.compress(encode(points), _LEVEL)
            file.write(_head.pack(at_ms, len(packed)))
            file.write(packed)
            count += len(points)
    return count


def read(path: Path) -> Iterator[tuple[int, list[Point]]]:
    decode = msgspec.msgpack.Decoder(list[Point]).decode
    with path.open("rb") as file:
        while head := file.read(_head.size):
            at_ms, size = _head.unpack(head)
            yield at_ms, decode(zlib.decompress(file.read(size)))
