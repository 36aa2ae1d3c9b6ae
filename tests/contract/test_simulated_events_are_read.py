"""What the simulator writes, the edge and the codec read: values in are readings out. The two were written apart."""

from collections import defaultdict

import pytest

from core.model import Event as Diagnostic
from core.model import Row, Uplink
from decoders import registry
from decoders.codec import Frame as CodecFrame
from edge.sources.chirpstack_events import parse_event
from simulator.devices import nas_ul20xx as nas
from simulator.devices.nas_ul20xx import AlertBits, Boot, DaliStatus, DimmingSource, Status, StatusBits, Usage
from simulator.network import Event, Kind
from tests.support import scenario

CODEC = "nas_ul20xx@1.1"
CLOCK_S = 1_795_548_432


def readings(f_port: int, payload: bytes, codec: str = CODEC) -> dict[str, float | str]:
    """Quantity → value, `quantity/channel` where it has one; nothing may be left unread."""
    decoded = registry.find(codec).decode(CodecFrame(f_port, payload, CLOCK_S * 1000))
    assert not decoded.error, decoded.reason
    return {one.quantity + (f"/{one.channel}" if one.channel else ""): one.value for one in decoded.readings}


def test_a_status_is_read_as_it_was_meant() -> None:
    """Every value of a status of a lit lamp."""
    found = readings(
        nas.STATUS_PORT,
        nas.encode_status(
            Status(
                clock_s=CLOCK_S,
                temperature_c=-7,
                sources=(DimmingSource(nas.Reason.PROFILE_0, 50, DaliStatus.LAMP_ON),),
                bits=StatusBits.RELAY_CLOSED,
                alerts=AlertBits.LAMP_ERROR,
                downlink_rssi_dbm=-101,
                downlink_snr_db=-3,
            )
        ),
    )
    expected = {
        "device_time_s": CLOCK_S,
        "temperature_c": -7,
        "downlink_rssi_dbm": -101,
        "downlink_snr_db": -3,
        "relay_state": "closed",
        "dali_bus": "ok",
        "lamp_alert_24h": "raised",
        "voltage_alert_24h": "clear",
        "level_pct/dali_broadcast": 50,
        "level_source/dali_broadcast": "profile",
        "level_step/dali_broadcast": 0,
        "lamp_state/dali_broadcast": "on",
        "lamp_failure/dali_broadcast": "ok",
        "driver_failure/dali_broadcast": "ok",
    }
    assert {key: found.get(key) for key in expected} == expected


def test_a_dead_driver_is_read_as_unknown_not_as_off() -> None:
    """No level and no state of the lamp come out of a driver that does not answer."""
    found = readings(
        nas.STATUS_PORT,
        nas.encode_status(
            Status(
                clock_s=CLOCK_S,
                temperature_c=20,
                sources=(DimmingSource(nas.Reason.DRIVER_NOT_FOUND, None, DaliStatus.UNKNOWN),),
                bits=StatusBits.DALI_CONNECTION_ERROR,
            )
        ),
    )
    assert found["dali_bus"] == "fault"
    assert found["level_source/dali_broadcast"] == "driver_not_found"
    assert not [key for key in found if key.startswith(("level_pct", "lamp_state", "lamp_failure"))]


def test_a_usage_is_read_as_it_was_meant() -> None:
    """Energy, power, power factor, mains and both times of the controller's own meter."""
    found = readings(
        nas.USAGE_PORT,
        nas.encode_usage(
            (
                Usage(
                    active_energy_wh=1_234_567,
                    active_power_w=41,
                    power_factor=0.95,
                    mains_v=231,
                    operating_s=40_000_000,
                    lamp_on_s=19_000_000,
                ),
            )
        ),
    )
    assert found == {
        "energy_wh/internal": 1_234_567,
        "power_w/internal": 41,
        "power_factor/internal": 0.95,
        "mains_v/internal": 231,
        "driver_time_s/internal": 40_000_000,
        "lamp_time_s/internal": 19_000_000,
    }


def test_a_dali_alert_is_read_as_a_lamp_failure() -> None:
    """The alarm a commune waits for."""
    payload = nas.encode_dali_alert([(nas.BROADCAST, DaliStatus.LAMP_FAILURE)])
    assert readings(nas.NOTIFICATION_PORT, payload)["lamp_failure/dali_broadcast"] == "fault"


def test_a_boot_is_read_as_it_was_meant() -> None:
    """A clock in 2000 is a clock that is not set."""
    payload = nas.encode_boot(Boot(serial=0x51123456, firmware=(1, 1, 9), clock_s=946_684_830))
    found = readings(nas.SYSTEM_PORT, payload)
    assert found["clock_state"] == "not_set"
    assert "device_time_s" not in found


@pytest.fixture(scope="module")
def night() -> list[tuple[Event, Row]]:
    """Twelve hours of sixty devices of every kind with many faults and failures, as the edge reads them."""
    events = scenario.events(hours=12, keep=60, faults=4.0)
    return [(event, parse_event(event.topic, event.payload, now_ms=event.at_ms)) for event in events]


def test_every_event_is_read_as_what_it_is(night: list[tuple[Event, Row]]) -> None:
    """Uplinks as uplinks of their device's codec, the rest as diagnostics of their type; nothing unreadable."""
    example = scenario.example()
    codecs = {device.dev_eui: example.profiles[device.profile].codec for device in example.devices.values()}
    assert {row.codec for _, row in night if isinstance(row, Uplink)} == set(codecs.values())
    for event, row in night:
        if event.kind is Kind.UP:
            assert isinstance(row, Uplink)
            assert (row.dev_eui, row.codec) == (event.dev_eui, codecs[event.dev_eui])
        else:
            assert isinstance(row, Diagnostic)
            assert (row.dev_eui, row.type) == (event.dev_eui, event.kind.value)


def test_every_payload_decodes_whole(night: list[tuple[Event, Row]]) -> None:
    """No decode error and no doubt in anything a simulated device says."""
    for _, row in night:
        if isinstance(row, Uplink):
            assert readings(row.f_port, row.payload, row.codec)


def test_no_row_is_of_the_future(night: list[tuple[Event, Row]]) -> None:
    """Neither its time nor any reading's own time is after the event's publication."""
    for event, row in night:
        assert row.received_ms <= event.at_ms
        if isinstance(row, Uplink):
            told = registry.find(row.codec).decode(CodecFrame(row.f_port, row.payload, row.received_ms)).readings
            assert all(one.measured_ms is None or one.measured_ms <= event.at_ms for one in told)


def test_event_keys_tell_copies_from_events(night: list[tuple[Event, Row]]) -> None:
    """A second delivery has the key of the first; no two events share one."""
    seen: dict[str, list[Event]] = defaultdict(list)
    for event, row in night:
        seen[row.key].append(event)
    for events in seen.values():
        assert [event.copy for event in events] == [False] + [True] * (len(events) - 1)
        assert len({event.payload for event in events}) == 1
    assert any(len(events) > 1 for events in seen.values())
