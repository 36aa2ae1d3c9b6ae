"""edge.sources.chirpstack: events of a real ChirpStack become rows, and what cannot be read stays as evidence."""

import base64
import json
from collections import Counter
from datetime import datetime
from typing import Any

import pytest

from core.model import ClockQuality, Event, Reception, Row, Unreadable, Uplink, decode_row, encode_row
from edge.sources.chirpstack import parse_event
from edge.sources.chirpstack_events import KEPT_OF_LARGE, MAX_EVENT
from tests.support.recorded import Recorded, all_events, first, json_events

NOW_MS = 1_800_000_000_000
UP = first("up-two-gateways")


def _parse(recorded: Recorded) -> Row:
    return parse_event(recorded.topic, recorded.body, now_ms=NOW_MS)


def _uplink(recorded: Recorded) -> Uplink:
    row = _parse(recorded)
    assert isinstance(row, Uplink)
    return row


def _event(recorded: Recorded) -> Event:
    row = _parse(recorded)
    assert isinstance(row, Event)
    return row


def _changed(recorded: Recorded, **changes: Any) -> Row:
    """The row of a recorded event with other values; `None` takes a field away."""
    event = {key: value for key, value in (recorded.json | changes).items() if value is not None}
    return parse_event(recorded.topic, json.dumps(event).encode(), now_ms=NOW_MS)


def _unreadable(row: Row) -> Unreadable:
    assert isinstance(row, Unreadable)
    return row


def _ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def test_the_recording_is_all_there() -> None:
    """128 JSON events and 9 binary ones were recorded."""
    assert Counter(one.binary for one in all_events()) == {False: 128, True: 9}


@pytest.mark.parametrize("recorded", json_events("up"), ids=lambda one: one.case)
def test_an_uplink_holds_what_its_event_says(recorded: Recorded) -> None:
    """Field by field, with 0 for what the gateway's part leaves out."""
    said = recorded.json
    device = said["deviceInfo"]
    row = _uplink(recorded)
    assert row.key == f"up:{device['devEui']}:{said['deduplicationId']}"
    assert (row.application, row.dev_eui) == (device["applicationId"], device["devEui"])
    assert (row.device_name, row.profile) == (device["deviceName"], device["deviceProfileName"])
    assert (row.dev_addr, row.f_port, row.f_cnt, row.dr) == (said["devAddr"], said["fPort"], said["fCnt"], said["dr"])
    assert row.confirmed == said["confirmed"]
    assert row.payload == base64.b64decode(said["data"])
    assert row.frequency_hz == said["txInfo"]["frequency"]
    assert row.spreading_factor == said["txInfo"]["modulation"]["lora"]["spreadingFactor"]
    assert list(row.receptions) == sorted(
        (Reception(r["gatewayId"], r.get("rssi", 0), r.get("snr", 0.0), r.get("channel", 0)) for r in said["rxInfo"]),
        key=lambda one: one.gateway,
    )
    assert (row.codec, row.domain, row.error, row.readings) == (device["tags"].get("codec", ""), "", "", ())


@pytest.mark.parametrize("recorded", [one for one in json_events() if one.kind != "up"], ids=lambda one: one.case)
def test_every_other_event_is_a_diagnostic_of_its_type(recorded: Recorded) -> None:
    """join, status, log, ack and txack keep who, when and what."""
    said = recorded.json
    row = _event(recorded)
    assert row.type == recorded.kind
    assert row.dev_eui == said["deviceInfo"]["devEui"]
    assert row.profile == said["deviceInfo"]["deviceProfileName"]
    assert row.received_ms == _ms(said["time"])
    assert row.detail


@pytest.mark.parametrize("recorded", [one for one in all_events() if one.binary], ids=lambda one: one.case)
def test_a_binary_event_is_kept_with_the_hint_that_mends_it(recorded: Recorded) -> None:
    """Bytes, topic and code survive; the hint names the setting of the network server."""
    row = _unreadable(_parse(recorded))
    assert row.error == "source.binary"
    assert "json = true" in row.hint
    assert (row.topic, row.body, row.received_ms) == (recorded.topic, recorded.body, NOW_MS)


@pytest.mark.parametrize("recorded", all_events(), ids=lambda one: f"{one.case}-{one.kind}")
def test_a_row_survives_its_own_encoding(recorded: Recorded) -> None:
    """Stored bytes give the same row back."""
    row = _parse(recorded)
    assert decode_row(encode_row(row)) == row


def test_no_two_recorded_events_share_a_key() -> None:
    """`up`, `status` and `ack` of one uplink share a deduplication id, and are three rows all the same."""
    rows = [_parse(one) for one in all_events()]
    assert len({row.key for row in rows}) == len(rows)
    shared = Counter(one.json.get("deduplicationId") for one in json_events() if one.json.get("deduplicationId"))
    assert max(shared.values()) > 1


def test_an_ack_without_uplink_has_a_key_of_its_own() -> None:
    """A class C device that never answers: the deduplication id is empty, and two such acks are two rows."""
    silent = first("ack-not-acknowledged-class-c", "ack")
    assert silent.json["deduplicationId"] == ""
    later = _changed(silent, time="2026-11-24T19:31:56.966378015+00:00")
    assert _parse(silent).key != later.key


def test_the_details_of_each_event_type() -> None:
    """Flat, finite, in the field's words."""
    assert _event(first("join", "join")).detail == {
        "dev_addr": first("join", "join").json["devAddr"],
        "region": "eu868",
    }
    ack = _event(first("ack", "ack")).detail
    assert ack == {"queue_item_id": "ab72bfc3-73d4-45df-9aed-99c63d9cc32c", "acknowledged": True, "f_cnt_down": 8.0}
    txack = _event(first("txack-rx2", "txack")).detail
    assert txack["frequency_hz"] == 869_525_000.0
    assert txack["gateway"] == first("txack-rx2", "txack").json["gatewayId"]
    log = _event(first("late-duplicate", "log")).detail
    assert (log["level"], log["code"]) == ("WARNING", "UPLINK_F_CNT_RETRANSMISSION")
    assert log["context"] == '{"deduplication_id":"3647f830-6e55-449e-aed2-73895cce8443","f_cnt_up":"16"}'


def test_a_battery_level_is_only_given_when_there_is_one() -> None:
    """The server says 0 for external power and for unknown; neither is an empty battery."""
    details = [_event(one).detail for one in json_events("status")]
    levels = {
        (detail["external_power"], detail["battery_unknown"]): detail.get("battery_pct")
        for detail in details
        if detail.get("battery_pct") in (None, 78.74016)
    }
    assert levels == {(False, False): 78.74016, (True, False): None, (False, True): None}
    assert [detail["margin_db"] for detail in details] == [one.json["margin"] for one in json_events("status")]


def test_a_location_event() -> None:
    """Zero fields of a location are left out by the server."""
    status = first("status", "status")
    event = {key: value for key, value in status.json.items() if key in ("deduplicationId", "time", "deviceInfo")} | {
        "location": {"latitude": 48.25, "source": "GEO_RESOLVER_TDOA"}
    }
    row = parse_event(status.topic.replace("/status", "/location"), json.dumps(event).encode(), now_ms=NOW_MS)
    assert isinstance(row, Event)
    assert row.detail == {
        "latitude_deg": 48.25, "longitude_deg": 0.0, "altitude_m": 0.0, "accuracy_m": 0.0,
        "source": "GEO_RESOLVER_TDOA",
    }  # fmt: skip


def test_a_mac_only_frame_is_seen_without_measurement() -> None:
    """fPort 0 and no data, or no port at all, or a port with no data: an uplink like any other."""
    for case in ("up-mac-only", "up-empty-payload"):
        row = _uplink(first(case))
        assert row.payload == b""


def test_unknown_keys_are_ignored() -> None:
    """A minor release of ChirpStack may add some anywhere."""
    rx = [{**one, "brandNew": {"deep": [1]}} for one in UP.json["rxInfo"]]
    assert _changed(UP, rxInfo=rx, newField=[{"a": None}]) == _parse(UP)


def test_a_codec_comes_from_the_tag_of_the_profile() -> None:
    """`deviceInfo.tags.codec`."""
    device = UP.json["deviceInfo"] | {"tags": {"codec": "nas_ul20xx"}}
    row = _changed(UP, deviceInfo=device)
    assert isinstance(row, Uplink)
    assert row.codec == "nas_ul20xx"


@pytest.mark.parametrize(
    ("changes", "code", "hint"),
    [
        ({"fPort": None}, "source.fields", "fPort"),
        ({"fCnt": None}, "source.fields", "fCnt"),
        ({"data": None}, "source.fields", "data"),
        ({"time": None}, "source.fields", "time"),
        ({"deviceInfo": None}, "source.fields", "deviceInfo"),
        ({"deviceInfo": {"applicationId": "x"}}, "source.fields", "devEui"),
        ({"deviceInfo": {"applicationId": "x", "devEui": "0102"}}, "source.fields", "devEui"),
        ({"fCnt": 2**32}, "source.fields", "fCnt"),
        ({"fCnt": -1}, "source.fields", "fCnt"),
        ({"fCnt": "7"}, "source.fields", "fCnt"),
        ({"fCnt": 7.5}, "source.fields", "fCnt"),
        ({"fPort": 256}, "source.fields", "fPort"),
        ({"rxInfo": {"gatewayId": "0016c001f1000001"}}, "source.fields", "rxInfo"),
        ({"rxInfo": [{"rssi": -1}]}, "source.fields", "gatewayId"),
        ({"deduplicationId": "x" * 65}, "source.fields", "deduplicationId"),
        ({"data": "gwICAg="}, "source.base64", "base64"),
        ({"data": "gwIC*g=="}, "source.base64", "base64"),
        ({"data": "gwICAg==\n"}, "source.base64", "base64"),
        ({"data": "ö"}, "source.base64", "base64"),
        ({"time": "yesterday"}, "source.time", "yesterday"),
        ({"time": "0001-01-01T00:00:00+00:00"}, "source.time", "1970"),
        ({"time": "2026-11-24T19:27:12"}, "source.time", "1970"),
    ],
)
def test_a_field_that_is_wrong_or_missing_is_named(changes: dict[str, Any], code: str, hint: str) -> None:
    """The row keeps the bytes; the hint says which field."""
    row = _unreadable(_changed(UP, **changes))
    assert row.error == code
    assert hint in row.hint
    assert row.body


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "source.json"),
        (b"hello", "source.json"),
        (b"\xff\xfe\x00", "source.json"),
        (b"{", "source.json"),
        (b"[]", "source.json"),
        (b"null", "source.json"),
        (b"{}", "source.fields"),
        (b'{"fCnt":NaN}', "source.json"),
        (b'{"object":{"ratio":Infinity}}', "source.json"),
        (b'{"fCnt":1e999}', "source.fields"),
        (b'{"deviceInfo":{"deviceName":"\xff"}}', "source.json"),
        (b'{"deviceInfo":{"deviceName":"\\ud800"}}', "source.json"),
        (b'{"object":' + b"[" * 30_000 + b"]" * 30_000 + b"}", "source.json"),
        (b"{" + b" " * MAX_EVENT, "source.too_large"),
    ],
)
def test_garbage_is_evidence_not_an_exception(body: bytes, code: str) -> None:
    """Half an object, NaN, broken text, a tower of brackets, a text of 64 KiB: each has its code."""
    row = _unreadable(parse_event(UP.topic, body, now_ms=NOW_MS))
    assert row.error == code
    assert row.body == body[: KEPT_OF_LARGE if code == "source.too_large" else None]
    assert decode_row(encode_row(row)) == row


def test_a_text_of_a_megabyte_is_kept_by_its_first_bytes() -> None:
    """What no real event can be costs no more than one."""
    row = _unreadable(_changed(first("late-duplicate", "log"), description="x" * 1_000_000))
    assert row.error == "source.too_large"
    assert len(row.body) == KEPT_OF_LARGE
    assert "bytes" in row.hint


@pytest.mark.parametrize(
    ("topic", "code"),
    [
        ("application/1/device/+/event/up", "source.topic"),
        ("application/1/device/0102030405060708/event/integration", "source.event_type"),
        ("gateway/1/event/up", "source.topic"),
        (UP.topic.replace("a000000000000001", "a000000000000002"), "source.identity"),
        (UP.topic.replace("47cb9893", "47cb9894"), "source.identity"),
        (f"{UP.topic}/{'x' * 60_000}", "source.topic"),
    ],
)
def test_a_topic_that_is_not_the_events_own_is_refused(topic: str, code: str) -> None:
    """An event may not speak for another device or application than its topic."""
    row = _unreadable(parse_event(topic, UP.body, now_ms=NOW_MS))
    assert row.error == code
    assert len(row.topic) <= 512


def test_the_key_of_what_cannot_be_read_is_its_topic_and_bytes() -> None:
    """Redelivered garbage is the same row; other garbage is another."""
    one, again, other, elsewhere = (
        parse_event(topic, body, now_ms=now_ms).key
        for topic, body, now_ms in (
            (UP.topic, b"x", 1),
            (UP.topic, b"x", 2),
            (UP.topic, b"y", 1),
            (UP.topic + "x", b"x", 1),
        )
    )
    assert one == again
    assert len({one, other, elsewhere}) == 3


@pytest.mark.parametrize(
    ("case", "time", "clock"),
    [
        ("up-two-gateways", "2026-11-24T19:27:12.780+00:00", ClockQuality.GPS),
        ("up-gps-second-gateway", "2026-11-24T19:27:31.230+00:00", ClockQuality.GPS),
        ("up-gps-time-wrong", "2026-11-24T19:27:34.820+00:00", ClockQuality.SYNCED),
        ("up-time-future", "2026-11-24T19:27:33.410+00:00", ClockQuality.SYNCED),
        ("up-no-time", "2026-11-24T19:27:37.644+00:00", ClockQuality.SYNCED),
    ],
)
def test_the_time_of_an_uplink_is_that_of_the_best_clock(case: str, time: str, clock: ClockQuality) -> None:
    """GPS, an hour of wrong GPS beside a right gateway, a gateway an hour ahead, no gateway time at all."""
    row = _uplink(first(case))
    assert (row.received_ms, row.clock) == (_ms(time), clock)


def test_no_recorded_uplink_is_placed_after_its_arrival_or_long_before() -> None:
    """Within the 5 s that one gateway of the recording was late."""
    for one in json_events("up"):
        arrival = min(_ms(rx["nsTime"]) for rx in one.json["rxInfo"])
        assert -5_100 <= _uplink(one).received_ms - arrival <= 0


def test_the_time_is_never_the_clock_of_whoever_reads() -> None:
    """A redelivered event gives the same bytes a day later."""
    for one in json_events():
        assert encode_row(parse_event(one.topic, one.body, now_ms=1)) == encode_row(_parse(one))
