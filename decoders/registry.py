"""All native codecs, and the one way to decode: whatever the bytes are, it answers."""

import difflib
from collections.abc import Iterable, Mapping
from math import isfinite
from types import MappingProxyType

import msgspec

from core import quantities
from core.errors import ConfigError, DecodeError, OperatorError, UnreadableError
from core.model import Reading
from decoders.codec import Codec, Frame
from decoders.vendors.dingtek import df702
from decoders.vendors.milesight import em400_mud
from decoders.vendors.nas import ul20xx
from decoders.vendors.parametric import tcr as parametric_tcr
from decoders.vendors.pmx import tcr as pmx_tcr

CODECS: tuple[Codec, ...] = (ul20xx.CODEC, em400_mud.CODEC, df702.CODEC, pmx_tcr.CODEC, parametric_tcr.CODEC)


class Decoded(msgspec.Struct, frozen=True):
    """What a payload was read as.

    `codec` is `name@version`, or the text that named an unknown codec. `error` is "" when all of it was read;
    readings may stand beside an error.
    """

    codec: str
    domain: str = ""
    readings: tuple[Reading, ...] = ()
    error: str = ""
    reason: str = ""  # the error as a sentence, for people


def index(codecs: Iterable[Codec]) -> Mapping[str, Codec]:
    """The codecs by name and by `name@version`.

    Raises:
        ConfigError: `codec.ambiguous`, when two codecs answer to one name.
    """
    table: dict[str, Codec] = {}
    for codec in codecs:
        for key in (codec.name, codec.id):
            if key in table:
                raise ConfigError("codec.ambiguous", f"two codecs are named {key}")
            table[key] = codec
    return MappingProxyType(table)


_BY_NAME = index(CODECS)
_STATES = {name: quantity.states for name, quantity in quantities.QUANTITIES.items()}


def known() -> frozenset[str]:
    """Everything that names a native codec: its name, and `name@version`."""
    return frozenset(_BY_NAME)


def find(codec_id: str) -> Codec:
    """The codec of a name or of `name@version`.

    Raises:
        OperatorError: `codec.unknown`, with the closest names as a hint.
    """
    try:
        return _BY_NAME[codec_id]
    except KeyError:
        known = [codec.name for codec in CODECS]
        close = difflib.get_close_matches(codec_id, known, n=3, cutoff=0.3)
        raise OperatorError(
            "codec.unknown",
            f"no codec is named {codec_id!r}",
            hint=f"did you mean {', '.join(close)}?" if close else "list them with `beffroi codecs list`",
        ) from None


def decode(codec_id: str, f_port: int, payload: bytes, received_ms: int) -> Decoded:
    """The readings of a payload, and the code of what could not be read: it never raises for what was sent.

    f_port 0 or an empty payload is "seen, no measurement": no readings and no error.
    Codes: `codec.none`, `codec.unknown`, `decode.port`, `decode.*` of the codec; `quantity.*` for a value that the
    vocabulary refuses (a number that is not finite stops here).
    """
    codec = _BY_NAME.get(codec_id)
    seen_only = f_port == 0 or not payload
    if codec is None:
        return Decoded(codec_id) if seen_only else _undecoded(codec_id)
    if seen_only:
        return Decoded(codec.id, codec.domain)
    return run(codec, Frame(f_port, payload, received_ms))


def _undecoded(codec_id: str) -> Decoded:
    if not codec_id:
        return Decoded("", error="codec.none", reason="the device profile names no codec")
    return Decoded(codec_id, error="codec.unknown", reason=f"no codec is named {codec_id!r}")


def run(codec: Codec, frame: Frame) -> Decoded:
    """What one codec makes of one frame: of each quantity, channel and time one value, the last."""
    if frame.f_port not in codec.ports:
        reason = f"{codec.name} knows no port {frame.f_port}"
        return Decoded(codec.id, codec.domain, error="decode.port", reason=reason)
    try:
        findings = codec.decode(frame)
    except DecodeError as error:
        return Decoded(codec.id, codec.domain, error=error.code, reason=error.message)
    kept: dict[tuple[str, str, int | None], Reading] = {}
    for reading in findings.readings:
        quantity, value = reading.quantity, reading.value
        states = _STATES.get(quantity)
        # the usual reading, at the cost of one look: a state that there is, a number that is finite
        if states is None or not (value in states if states else value.__class__ is float and isfinite(value)):
            try:
                quantities.lookup(quantity).check(value)
            except UnreadableError as error:
                findings.doubt(error.code, error.message)
                continue
        kept[quantity, reading.channel, reading.measured_ms] = reading
    return Decoded(codec.id, codec.domain, tuple(kept.values()), findings.error, findings.reason)
