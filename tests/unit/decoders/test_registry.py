"""decoders.registry: one codec a name, and an answer to whatever is sent."""

from dataclasses import replace

import pytest

from core.errors import ConfigError, OperatorError
from core.model import Reading
from decoders import registry
from decoders.codec import Codec, Findings, Frame

NAS = registry.find("nas_ul20xx")


def _codec(*readings: Reading) -> Codec:
    return replace(NAS, name="made_up", decode=lambda _frame: Findings(list(readings)))


def test_a_codec_answers_to_its_name_and_to_its_id() -> None:
    """A profile may name `nas_ul20xx`; a stored row names `nas_ul20xx@1.1`."""
    assert registry.find("nas_ul20xx@1.1") is NAS
    assert {"nas_ul20xx", "nas_ul20xx@1.1"} <= registry.known()
    assert registry.known() == {name for codec in registry.CODECS for name in (codec.name, codec.id)}


def test_the_five_codecs_of_the_three_domains() -> None:
    """Profiles of a territory name them so: none may be renamed without a new version beside the old."""
    assert {codec.id: codec.domain.value for codec in registry.CODECS} == {
        "nas_ul20xx@1.1": "light",
        "milesight_em400_mud@1": "bin",
        "dingtek_df702@1": "bin",
        "pmx_tcr@1": "traffic",
        "parametric_tcr@1": "traffic",
    }


def test_two_codecs_of_one_name_are_an_error_not_an_order() -> None:
    """Which codec reads a payload never depends on where it stands in a list."""
    with pytest.raises(ConfigError) as caught:
        registry.index([NAS, replace(NAS, version="1.2")])
    assert caught.value.code == "codec.ambiguous"


def test_an_unknown_codec_names_the_closest() -> None:
    """A slip of the pen is answered with what was probably meant."""
    with pytest.raises(OperatorError) as caught:
        registry.find("nas-ul20xx")
    assert caught.value.code == "codec.unknown"
    assert "nas_ul20xx" in caught.value.hint


def test_the_error_codes_of_what_has_no_codec() -> None:
    """The uplink travels on with the code; another version than ours is not guessed."""
    assert registry.decode("", 23, b"\x01", 0).error == "codec.none"
    assert registry.decode("nas_ul20xx@1.0", 23, b"\x01", 0).error == "codec.unknown"
    assert registry.decode("lamp@0123456789ab", 23, b"\x01", 0) == registry.Decoded(
        "lamp@0123456789ab", error="codec.unknown", reason="no codec is named 'lamp@0123456789ab'"
    )
    assert registry.decode("nas_ul20xx", 24, b"\x01", 0).error == "decode.port"


@pytest.mark.parametrize("codec", ["", "nobody", "nas_ul20xx"])
@pytest.mark.parametrize(("f_port", "payload"), [(0, b""), (0, b"\x01"), (23, b"")])
def test_no_port_or_no_payload_is_seen_and_nothing_more(codec: str, f_port: int, payload: bytes) -> None:
    """No readings and no error, whatever codec the profile names."""
    decoded = registry.decode(codec, f_port, payload, 0)
    assert (decoded.readings, decoded.error) == ((), "")


def test_what_the_vocabulary_refuses_stops_here() -> None:
    """A number that is not finite, an unknown quantity, an unknown state: said, dropped, the rest kept."""
    good = Reading("power_w", 42.0)
    for bad, code in (
        (Reading("power_w", float("nan")), "quantity.not_finite"),
        (Reading("power", 1.0), "quantity.unknown"),
        (Reading("lamp_failure", "perhaps"), "quantity.state"),
        (Reading("power_w", "42"), "quantity.type"),
    ):
        decoded = registry.run(_codec(bad, good), Frame(23, b"\x01", 0))
        assert (decoded.readings, decoded.error) == ((good,), code)


def test_of_each_quantity_channel_and_time_one_value_is_given() -> None:
    """A store keeps one value a point: which one is not left to chance."""
    decoded = registry.run(
        _codec(Reading("power_w", 1.0), Reading("power_w", 2.0), Reading("power_w", 3.0, "dali_1")),
        Frame(23, b"\x01", 0),
    )
    assert decoded.readings == (Reading("power_w", 2.0), Reading("power_w", 3.0, "dali_1"))
