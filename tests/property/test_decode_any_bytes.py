"""decode(any bytes, any port) gives readings or an error code: no other exception, whoever sends it."""

import math

from hypothesis import example, given, settings
from hypothesis import strategies as st

from core import quantities
from decoders import registry
from decoders.codec import Codec

CODEC = st.sampled_from(registry.CODECS)
# whole frames of each codec, to be cut, lengthened and changed
SOUND = {
    "nas_ul20xx": ("01F37F205E8244320916200701D20294550401FE50190012501900",),
    "milesight_em400_mud": (
        "01755C03670101048244080500018367E800018482410601",
        "FF0BFFFF0101FF166329C42503920003FF090100",
    ),
    "dingtek_df702": (
        "800001011107D000190000000000000081",
        "800001011907D001CD03E942EF272042190000000000000081",
        "8000010319010418011E4B1E00000000000000000000000081",
    ),
    "pmx_tcr": ("A2140A03E832044C3433", "D20A020211004200", "C24400FF"),
    "parametric_tcr": (
        "BE02016412C218B80000000001060000000002FF",
        "BE0202646412C218B800000000010600000000020B00000000011E000000000000",
        "BE020200010000000000000305A000006400000000010708191A313278",
    ),
}


@st.composite
def mangled(draw: st.DrawFn, codec: str) -> bytes:
    """A whole frame with bytes changed, then cut or lengthened."""
    frame = bytearray.fromhex(draw(st.sampled_from(SOUND[codec])))
    for _ in range(draw(st.integers(0, 3))):
        frame[draw(st.integers(0, len(frame) - 1))] = draw(st.integers(0, 255))
    return bytes(frame[: draw(st.integers(0, len(frame)))]) + draw(st.binary(max_size=8))


@st.composite
def frames(draw: st.DrawFn) -> tuple[Codec, int, bytes]:
    """A codec, one of its ports or any, and bytes: any, with a first byte that means something, or a mangled frame."""
    codec = draw(CODEC)
    port = draw(st.one_of(st.sampled_from(sorted(codec.ports)), st.integers(0, 255)))
    first = draw(st.sampled_from([*range(0x0D), *range(0x20, 0x2C), 0x52, 0x53, *range(0x80, 0x87), 0xFE, 0xFF]))
    any_bytes = st.binary(max_size=60)
    return codec, port, draw(st.one_of(any_bytes, any_bytes.map(bytes([first]).__add__), mangled(codec.name)))


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


def test_every_payload_of_one_and_two_bytes_on_every_port() -> None:
    """Exhaustive where it is cheap: no exception leaves the registry. A first byte that is refused alone is refused
    with what follows: four second bytes stand for all of them."""
    for codec in registry.CODECS:
        for port in codec.ports:
            for first in range(256):
                refused = registry.decode(codec.name, port, bytes([first]), 0).error == "decode.header"
                for second in (0x00, 0x01, 0x7F, 0xFF) if refused else range(256):
                    registry.decode(codec.name, port, bytes([first, second]), 0)


def test_a_whole_frame_of_each_codec_is_read_and_cut_anywhere_it_never_raises() -> None:
    """Every codec has frames to be mangled, and each frame is really read by one of its ports."""
    assert set(SOUND) == {codec.name for codec in registry.CODECS}
    for codec in registry.CODECS:
        for text in SOUND[codec.name]:
            frame = bytes.fromhex(text)
            assert any(registry.decode(codec.name, port, frame, 0).readings for port in codec.ports), text
            for port in codec.ports:
                for end in range(len(frame)):
                    registry.decode(codec.name, port, frame[:end], 0)
