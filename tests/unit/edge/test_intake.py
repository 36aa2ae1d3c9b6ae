"""edge.intake: meaning and class of a row."""

import pytest

from core.model import Event, Reading, Row, RowClass, Unreadable, Uplink
from decoders.registry import Decoded
from edge.intake import Intake

LAMP_FAILED, LAMP_WELL = bytes.fromhex("83020202"), bytes.fromhex("83020200")


def _uplink(payload: bytes, *, codec: str = "nas_ul20xx", profile: str = "", f_port: int = 61) -> Uplink:
    return Uplink(
        key="up:1", received_ms=7, application="a", dev_eui="c0" * 8, profile=profile, f_port=f_port, payload=payload,
        codec=codec,
    )  # fmt: skip


def _read(row: Row, intake: Intake | None = None) -> tuple[RowClass, Uplink]:
    row_class, finished = (intake or Intake()).read(row)
    assert isinstance(finished, Uplink)
    return row_class, finished


def test_an_uplink_gets_readings_domain_and_the_declared_version() -> None:
    """The row records `name@version` of the codec that read it; nothing else of it changes."""
    row_class, row = _read(_uplink(LAMP_WELL))
    assert row_class is RowClass.MEASUREMENT
    assert (row.codec, row.domain, row.error) == ("nas_ul20xx@1.1", "light", "")
    assert Reading("lamp_failure", "ok", "dali_1") in row.readings
    assert (row.key, row.received_ms, row.payload) == ("up:1", 7, LAMP_WELL)


def test_a_lamp_that_failed_is_urgent() -> None:
    """One urgent state among its readings is enough."""
    assert _read(_uplink(LAMP_FAILED))[0] is RowClass.URGENT


@pytest.mark.parametrize(
    ("row", "error", "codec"),
    [
        (_uplink(LAMP_WELL, codec=""), "codec.none", ""),
        (_uplink(LAMP_WELL, codec="lamp@0123456789ab"), "codec.unknown", "lamp@0123456789ab"),
        (_uplink(LAMP_WELL, f_port=24), "decode.port", "nas_ul20xx@1.1"),
        (_uplink(LAMP_WELL[:3]), "decode.too_short", "nas_ul20xx@1.1"),
    ],
)
def test_what_cannot_be_decoded_travels_with_its_payload_and_a_code(row: Uplink, error: str, codec: str) -> None:
    """It is a measurement all the same: the cloud tries again."""
    row_class, finished = _read(row)
    assert row_class is RowClass.MEASUREMENT
    assert (finished.error, finished.codec, finished.readings) == (error, codec, ())
    assert finished.payload == row.payload


def test_a_frame_without_measurement_is_no_error() -> None:
    """fPort 0, or no payload, with or without a codec."""
    for row in (_uplink(b""), _uplink(b"", codec=""), _uplink(b"\x02", f_port=0)):
        row_class, finished = _read(row)
        assert (row_class, finished.error, finished.readings) == (RowClass.MEASUREMENT, "", ())


def test_the_tag_wins_over_the_fall_back_by_profile_name() -> None:
    """`edge.toml` maps profiles without a tag only."""
    intake = Intake({"lampadaire-c": "nas_ul20xx"})
    assert _read(_uplink(LAMP_WELL, codec="", profile="lampadaire-c"), intake)[1].codec == "nas_ul20xx@1.1"
    assert _read(_uplink(LAMP_WELL, codec="other", profile="lampadaire-c"), intake)[1].error == "codec.unknown"
    assert _read(_uplink(LAMP_WELL, codec="", profile="sonde"), intake)[1].error == "codec.none"


def test_events_and_what_cannot_be_read_are_diagnostics_untouched() -> None:
    """They have nothing to decode."""
    for row in (
        Event(key="join:1", received_ms=1, type="join"),
        Unreadable(key="unreadable:1", received_ms=1, topic="t", error="source.json"),
    ):
        assert Intake().read(row) == (RowClass.DIAGNOSTIC, row)


def test_the_decoder_is_handed_in() -> None:
    """Port, payload and the uplink's own time reach it."""
    asked: list[tuple[str, int, bytes, int]] = []

    def decode(codec: str, f_port: int, payload: bytes, received_ms: int) -> Decoded:
        asked.append((codec, f_port, payload, received_ms))
        return Decoded("mine@2", "bin", (Reading("fill_pct", 40.0),))

    row = _read(_uplink(b"\x01", codec="mine"), Intake(decode=decode))[1]
    assert asked == [("mine", 61, b"\x01", 7)]
    assert (row.codec, row.domain, row.readings) == ("mine@2", "bin", (Reading("fill_pct", 40.0),))
