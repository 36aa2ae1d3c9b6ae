"""decode(any bytes, any port) gives readings or an error code: no other exception, whoever sends it."""

import math
from collections.abc import Iterator

from hypothesis import example, given, settings
from hypothesis import strategies as st

from core import quantities
from decoders import registry
from decoders.codec import Codec

CODEC = st.sampled_from(registry.CODECS)


@st.composite
def frames(draw: st.DrawFn) -> tuple[Codec, int, bytes]:
    """A codec, one of its ports or any, and bytes: often with a first byte that means something."""
    codec = draw(CODEC)
    port = draw(st.one_of(st.sampled_from(sorted(codec.ports)), st.integers(0, 255)))
    first = draw(st.sampled_from([*range(0x0D), *range(0x20, 0x2C), 0x52, 0x53, *range(0x80, 0x87), 0xFE, 0xFF]))
    return codec, port, draw(st.one_of(st.binary(max_size=60), st.binary(max_size=60).map(bytes([first]).__add__)))


@settings(max_examples=2000, deadline=None)
@given(frames(), st.integers(0, 4_102_444_800_000))
@example((registry.CODECS[0], 50, b"\xfe" * 60), 0)
def test_any_bytes_give_readings_or_an_error_code(frame: tuple[Codec, int, bytes], received_ms: int) -> None:
    """Every reading is of the vocabulary, declared by its codec, finite, and given once."""
    codec, port, payload = frame
    decoded = registry.decode(codec.name, port, payload, received_ms)
    given_once = set()
    for reading in decoded.readings:
        assert reading.quantity in codec.quantities
        assert isinstance(reading.value, str) or math.isfinite(reading.value)
        quantities.lookup(reading.quantity).check(reading.value)
        given_once.add((reading.quantity, reading.channel, reading.measured_ms))
    assert len(given_once) == len(decoded.readings)
    assert bool(decoded.error) == bool(decoded.reason)
    if not payload or not port:
        assert (decoded.readings, decoded.error) == ((), "")


def _short_payloads() -> Iterator[bytes]:
    for first in range(256):
        yield bytes([first])
        for second in range(256):
            yield bytes([first, second])


def test_every_payload_of_one_and_two_bytes_on_every_port() -> None:
    """Exhaustive where it is cheap: no exception leaves the registry."""
    for codec in registry.CODECS:
        for port in codec.ports:
            for payload in _short_payloads():
                registry.decode(codec.name, port, payload, 0)
