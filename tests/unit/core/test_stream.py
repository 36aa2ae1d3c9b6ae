"""A buffered stream gives and takes what the socket under it would."""

import contextlib
import socket
from collections.abc import Iterator

import pytest

from core.ports.stream import BufferedStream


@pytest.fixture
def ends() -> Iterator[tuple[BufferedStream, socket.socket]]:
    near, far = socket.socketpair()
    near.setblocking(False)
    far.settimeout(5)
    stream = BufferedStream(near)
    yield stream, far
    stream.close()
    far.close()


def test_bytes_come_in_order_whatever_pieces_are_asked_for(ends: tuple[BufferedStream, socket.socket]) -> None:
    """One packet's first byte, its length, its body, then the next packet."""
    stream, far = ends
    far.sendall(b"abcdefgh")
    assert stream.recv(1) == b"a"
    assert stream.holds
    assert [stream.recv(3), stream.recv(100)] == [b"bcd", b"efgh"]
    assert not stream.holds
    far.sendall(b"i")
    assert stream.recv(5) == b"i"


def test_an_empty_stream_says_so_and_an_ended_one_too(ends: tuple[BufferedStream, socket.socket]) -> None:
    """Nothing there is an exception, the end is empty bytes: as with any socket."""
    stream, far = ends
    with pytest.raises(BlockingIOError):
        stream.recv(1)
    far.shutdown(socket.SHUT_WR)
    assert stream.recv(1) == b""


def test_what_is_sent_leaves_with_the_flush(ends: tuple[BufferedStream, socket.socket]) -> None:
    """Many packets, one call."""
    stream, far = ends
    assert [stream.send(b"one"), stream.send(b"two")] == [3, 3]
    far.setblocking(False)
    with pytest.raises(BlockingIOError):
        far.recv(1)
    stream.flush()
    assert not stream.wants_flush
    assert far.recv(100) == b"onetwo"


def test_a_peer_that_does_not_read_fills_it_and_loses_nothing(ends: tuple[BufferedStream, socket.socket]) -> None:
    """Above its bound nothing more is taken; what was taken leaves in order when the peer reads again."""
    stream, far = ends
    piece = bytes(range(256)) * 64
    taken = 0
    with contextlib.suppress(BlockingIOError):
        while taken < 1_000:
            stream.flush()
            stream.send(piece)
            taken += 1
    assert 0 < taken < 1_000
    received = bytearray()
    while len(received) < taken * len(piece):
        received += far.recv(1 << 20)
        stream.flush()
    assert received == piece * taken


def test_the_goodbye_is_sent_before_the_end(ends: tuple[BufferedStream, socket.socket]) -> None:
    """A DISCONNECT that nobody flushed still leaves: without it the broker would publish our will."""
    stream, far = ends
    stream.send(b"bye")
    stream.close()
    assert far.recv(10) == b"bye"
    assert far.recv(10) == b""
