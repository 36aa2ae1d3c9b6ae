"""`beffroi decode` and `beffroi codecs`: what a person reads, what a script reads, and what a slip is answered with."""

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from core.errors import BeffroiError, DecodeError, OperatorError
from decoders import cli, registry

LAMP_FAILED = "83020202"


def _run(app: typer.Typer, *arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def _refused(app: typer.Typer, *arguments: str) -> BeffroiError:
    error = _run(app, *arguments).exception
    assert isinstance(error, BeffroiError)
    return error


def _event(tags: dict[str, str] | None = None, **changes: Any) -> dict[str, Any]:
    return {
        "time": "2026-11-24T19:27:12.780322048+00:00",
        "deviceInfo": {"devEui": "c000000000000001", "tags": {"codec": "nas_ul20xx"} if tags is None else tags},
        "fCnt": 7,
        "fPort": 61,
        "data": "gwICAg==",
        **changes,
    }


def _file(folder: Path, document: Any) -> str:
    path = folder / "event.json"
    path.write_text(json.dumps(document), "utf-8")
    return str(path)


def test_a_payload_is_a_table_of_quantity_value_and_channel() -> None:
    """What is urgent stands out without colour."""
    answer = _run(cli.decode, "nas_ul20xx", "61", LAMP_FAILED)
    lines = [line.split() for line in answer.stdout.splitlines()]
    assert lines[0] == ["quantity", "value", "channel"]
    assert ["lamp_failure", "fault", "dali_1", "urgent"] in lines
    assert answer.exit_code == 0


def test_a_value_has_its_unit_and_says_when_it_is_out_of_range() -> None:
    """Power factor 1.42 is shown, and marked."""
    answer = _run(cli.decode, "nas_ul20xx@1.1", "26", "00 02 12 2A00 8E")
    assert ["power_w", "42", "W", "dali_1"] in [line.split() for line in answer.stdout.splitlines()]
    assert ["power_factor", "1.42", "dali_1", "out", "of", "range"] in [
        line.split() for line in answer.stdout.splitlines()
    ]


def test_json_has_a_version_and_every_fact_of_a_reading() -> None:
    """One object for scripts."""
    answer = json.loads(_run(cli.decode, "nas_ul20xx", "61", LAMP_FAILED, "--json").stdout)
    assert answer["version"] == 1
    (uplink,) = answer["uplinks"]
    assert (uplink["codec"], uplink["domain"], uplink["f_port"], uplink["payload"], uplink["error"]) == (
        "nas_ul20xx@1.1", "light", 61, LAMP_FAILED, "",
    )  # fmt: skip
    assert {
        "quantity": "lamp_failure", "value": "fault", "unit": "", "channel": "dali_1", "measured_ms": None,
        "plausible": True, "urgent": True,
    } in uplink["readings"]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "code", "hint"),
    [
        (("nas_ul20", "61", LAMP_FAILED), "codec.unknown", "nas_ul20xx"),
        (("nas_ul20xx", "61", "8302020"), "decode.hex", "two digits make a byte"),
        (("nas_ul20xx", "61", "gwICAg=="), "decode.hex", "not in base64"),
        (("nas_ul20xx", "24", LAMP_FAILED), "decode.port", "23, 26, 50"),
        (("nas_ul20xx", "61", "830202"), "decode.too_short", ""),
        (("nas_ul20xx", "61"), "decode.usage", "CODEC PORT HEX"),
    ],
)
def test_a_slip_is_answered_with_what_was_seen_and_a_hint(arguments: tuple[str, ...], code: str, hint: str) -> None:
    """Never a traceback."""
    error = _refused(cli.decode, *arguments)
    assert error.code == code
    assert hint in error.hint
    assert isinstance(error, OperatorError | DecodeError)
    assert error.exit_code == 4


def test_a_port_that_no_lorawan_frame_has_is_a_usage_error() -> None:
    """A real network server would send 300 as 44."""
    answer = _run(cli.decode, "nas_ul20xx", "300", LAMP_FAILED)
    assert answer.exit_code == 2
    assert "255" in answer.stderr


def test_port_0_is_seen_without_a_measurement() -> None:
    """A MAC-only frame is no error."""
    answer = _run(cli.decode, "nas_ul20xx", "0", "00")
    assert (answer.exit_code, answer.stdout) == (0, "seen, no measurement\n")


def test_an_event_names_its_codec(tmp_path: Path) -> None:
    """The codec tag of the device profile decides."""
    answer = _run(cli.decode, "--event", _file(tmp_path, _event()))
    assert answer.exit_code == 0
    assert answer.stdout.startswith("c000000000000001  f_cnt 7  2026-11-24T19:27:12.780322048+00:00  nas_ul20xx@1.1")
    assert "lamp_failure" in answer.stdout


def test_an_event_without_a_codec_asks_for_one(tmp_path: Path) -> None:
    """…and takes the one that is given."""
    path = _file(tmp_path, _event({}))
    bare = _run(cli.decode, "--event", path)
    assert bare.exit_code == 4
    assert "codec.none" in bare.stdout
    assert f"beffroi decode CODEC --event {path}" in bare.stderr
    assert _run(cli.decode, "nas_ul20xx", "--event", path).exit_code == 0


def test_a_recorded_case_gives_all_its_uplinks(tmp_path: Path) -> None:
    """Other events are left out; one that cannot be read makes the answer partial (3), and the others are shown."""
    messages = [
        {"topic": "t", "payload": json.dumps(event)}
        for event in (_event(), {"time": "…", "deviceInfo": {}, "level": "INFO"}, _event(fCnt=8, fPort=99, data="Ew=="))
    ]
    answer = _run(cli.decode, "--json", "--event", _file(tmp_path, {"messages": messages}))
    assert answer.exit_code == 3
    uplinks = json.loads(answer.stdout)["uplinks"]
    assert [(uplink["f_cnt"], uplink["error"]) for uplink in uplinks] == [(7, ""), (8, "decode.too_short")]


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ({"messages": [{"topic": "t", "protobuf": "AA=="}]}, "event.binary"),
        ({"messages": []}, "event.no_uplink"),
        ({"fPort": 1, "data": "***", "time": "2026-11-24T19:27:12Z", "deviceInfo": {"devEui": ""}}, "event.unreadable"),
        ({"fPort": 1}, "event.unreadable"),
        ([1], "event.no_uplink"),
        (7, "event.unreadable"),
    ],
)
def test_a_file_that_holds_no_uplink_is_refused(tmp_path: Path, document: Any, code: str) -> None:
    """Each with its own sentence."""
    assert _refused(cli.decode, "--event", _file(tmp_path, document)).code == code


def test_a_file_that_is_absent_or_no_json(tmp_path: Path) -> None:
    """The path is named."""
    assert _refused(cli.decode, "--event", str(tmp_path / "none.json")).code == "event.missing"
    (tmp_path / "bad.json").write_bytes(b"\x0a\x24\xff")
    assert _refused(cli.decode, "--event", str(tmp_path / "bad.json")).code == "event.unreadable"
    assert _refused(cli.decode, "nas_ul20xx", "61", LAMP_FAILED, "--event", "x").code == "decode.usage"


def test_codecs_list_and_show() -> None:
    """Vendor, model, firmware, ports, quantities, source, number of vectors."""
    listed = _run(cli.codecs, "list")
    assert "nas_ul20xx@1.1" in listed.stdout
    assert "23,26,50,51,60,61,99" in listed.stdout
    shown = _run(cli.codecs, "show", "nas_ul20xx").stdout
    for fact in (
        "NAS UL20xx, firmware 1.1.x",
        "docs.nasys.no",
        "70 published payloads",
        "lamp_failure",
        "Panne de lampe",
    ):
        assert fact in shown
    described = json.loads(_run(cli.codecs, "show", "nas_ul20xx", "--json").stdout)["codec"]
    in_list = json.loads(_run(cli.codecs, "list", "--json").stdout)["codecs"]
    assert [codec["id"] for codec in in_list] == [codec.id for codec in registry.CODECS]
    assert described in in_list
    assert described["ports"]["23"] == "status"
    assert "lamp_failure" in described["quantities"]
    assert _refused(cli.codecs, "show", "nas").code == "codec.unknown"
