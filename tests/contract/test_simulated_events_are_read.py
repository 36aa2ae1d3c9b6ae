"""What the simulator writes, the edge and the codec read: values in are readings out. The two were written apart."""

from collections import defaultdict
from dataclasses import replace
from itertools import takewhile

import pytest

from core import quantities
from core.model import Event as Diagnostic
from core.model import Row, Uplink
from decoders import registry
from decoders.codec import Frame as CodecFrame
from edge.sources.chirpstack_events import parse_event
from simulator import fleet
from simulator.devices import dingtek_df702 as df702
from simulator.devices import milesight_em400_mud as em400
from simulator.devices import nas_ul20xx as nas
from simulator.devices import parametric_tcr as parametric
from simulator.devices import pmx_tcr as pmx
from simulator.devices.base import Fact
from simulator.devices.nas_ul20xx import AlertBits, Boot, DaliStatus, DimmingSource, Status, StatusBits, Usage
from simulator.faults import FaultRates
from simulator.network import Event, Kind
from simulator.scenario import FleetName
from simulator.stream import stream
from tests.support import mixed_territory, scenario
from tests.support.scenario import HOUR_MS, WINTER_MS

LAMP = "nas_ul20xx@1.1"
MILESIGHT, DINGTEK = "milesight_em400_mud@1", "dingtek_df702@1"
PMX, PARAMETRIC = "pmx_tcr@1", "parametric_tcr@1"
CLOCK_S = 1_795_548_432


def readings(f_port: int, payload: bytes, codec: str = LAMP) -> dict[str, float | str]:
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


def test_a_milesight_bin_is_read_as_it_was_meant() -> None:
    """A report in frost, an alarm alone, and what it says when it starts."""
    report = em400.Report(battery_pct=92, temperature_c=-7.5, distance_mm=318, tilted=True)
    assert readings(em400.PORT, em400.encode_report(report), MILESIGHT) == {
        "battery_pct": 92,
        "temperature_c": -7.5,
        "distance_mm": 318,
        "tilt_alert": "raised",
    }
    alarm = readings(em400.PORT, em400.encode_report(em400.Report(distance_alarm=(250, True))), MILESIGHT)
    assert alarm["distance_mm"] == 250
    assert "raised" in alarm.values()
    fire = readings(em400.PORT, em400.encode_report(em400.Report(temperature_alarm=(81.0, True))), MILESIGHT)
    assert fire["temperature_c"] == 81.0
    assert "raised" in fire.values()
    assert readings(em400.PORT, em400.encode_power_on(bytes.fromhex("6329c42503920003")), MILESIGHT)


def test_a_dingtek_bin_is_read_as_it_was_meant() -> None:
    """Every field and every alarm of a frame."""
    report = df702.Report(
        distance_mm=150, temperature_c=-7, angle_deg=48, full=True, tilted=True, battery_low=True, alarm=True
    )
    expected = {
        "distance_mm": 150,
        "temperature_c": -7,
        "tilt_deg": 48,
        "full_alert": "raised",
        "fire_alert": "clear",
        "tilt_alert": "raised",
        "battery_alert": "raised",
    }
    assert readings(df702.PORT, df702.encode_report(report), DINGTEK) == expected
    burning = df702.encode_report(df702.Report(900, 95, fire=True))
    assert readings(df702.PORT, burning, DINGTEK)["fire_alert"] == "raised"
    placed = readings(df702.PORT, df702.encode_report(df702.Report(900, 20, position=(6.5882, 48.0175))), DINGTEK)
    assert (placed["longitude_deg"], placed["latitude_deg"]) == pytest.approx((6.5882, 48.0175))


def test_pmx_counts_are_read_as_they_were_meant() -> None:
    """All detections are the traffic; a category is a part of it; nobody has no speed."""
    counts = pmx.Counts(17, 45, 61, 47, 0, 0, 12.1)
    assert readings(pmx.ALL_PORT, pmx.encode_counts(counts), PMX) == {
        "local_time_min": 17 * 60 + 45,
        "vehicles_count/ltr": 61,
        "speed_kmh/ltr": 47,
        "vehicles_count/rtl": 0,
        "supply_v": 12.1,
    }
    fast = readings(pmx.CATEGORY_PORTS[0], pmx.encode_counts(counts), PMX)
    assert fast["class_vehicles_count/ltr_1"] == 61
    assert not [name for name in fast if name.startswith("vehicles_count")]
    assert readings(pmx.DEVICE_PORT, pmx.encode_device(pmx.Model.SOLAR), PMX)["counter_model"] == "tcr_sli"


def test_parametric_counts_are_read_as_they_were_meant() -> None:
    """The classes, and over them the total of each direction."""
    classes = (
        parametric.SpeedClass(1, 20, 0, 0),
        parametric.SpeedClass(7, 44, 3, 46),
        parametric.SpeedClass(2, 58, 0, 0),
        parametric.SpeedClass(),
    )
    counts = parametric.Counts(classes, temperature_c=-3.4, solar_mw=1_466, battery_mv=3_890)
    found = readings(parametric.COUNT_PORT, parametric.encode_counts(counts), PARAMETRIC)
    assert (found["vehicles_count/left"], found["vehicles_count/right"]) == (10, 3)
    assert (found["class_vehicles_count/left_2"], found["class_speed_kmh/left_2"]) == (7, 44)
    assert found["speed_kmh/left"] == pytest.approx((20 + 7 * 44 + 2 * 58) / 10)
    assert "class_speed_kmh/right_1" not in found
    assert (found["battery_v"], found["solar_power_w"], found["temperature_c"]) == (3.89, 1.466, -3.4)
    settings = parametric.Settings(parametric.Model.HIGH_SPEED, 10, ((1, 25), (25, 50), (50, 70), (70, 255)))
    told = readings(parametric.SETTINGS_PORT, parametric.encode_settings(settings), PARAMETRIC)
    assert (told["counter_model"], told["report_interval_s"], told["class_max_speed_kmh/class_4"]) == (
        "tcr_hs",
        600,
        255,
    )


@pytest.fixture(scope="module")
def night() -> list[tuple[Event, Row]]:
    """Twelve hours of lamps, bins and counters with many faults and failures, as the edge reads them."""
    faults = FaultRates(failures_per_day=1.0, failing=0.2, loss=0.1, odd_echoes=0.05)
    chosen = replace(scenario.scenario(), fleet=FleetName.FULL, faults=faults)
    nodes = fleet.build(mixed_territory.territory(lamps=18, bins=24), chosen).nodes
    told = stream(nodes, seed=1, start_ms=WINTER_MS, faults=chosen.faults)
    end_ms = WINTER_MS + 12 * HOUR_MS
    events = [item for item in takewhile(lambda item: item.at_ms <= end_ms, told) if isinstance(item, Event)]
    return [(event, parse_event(event.topic, event.payload, now_ms=event.at_ms)) for event in events]


def test_every_event_is_read_as_what_it_is(night: list[tuple[Event, Row]]) -> None:
    """Uplinks as uplinks of the codec of their profile, the rest as diagnostics of their type; nothing unreadable."""
    codecs = set()
    for event, row in night:
        if event.kind is Kind.UP:
            assert isinstance(row, Uplink)
            assert row.dev_eui == event.dev_eui
            codecs.add(row.codec)
        else:
            assert isinstance(row, Diagnostic)
            assert (row.dev_eui, row.type) == (event.dev_eui, event.kind.value)
    assert codecs == {LAMP, MILESIGHT, DINGTEK, PMX, PARAMETRIC}


def test_every_payload_decodes_whole(night: list[tuple[Event, Row]]) -> None:
    """No decode error and no doubt in anything a simulated device says, on every port it has."""
    ports = set()
    for _, row in night:
        if isinstance(row, Uplink):
            assert readings(row.f_port, row.payload, row.codec)
            ports.add((row.codec, row.f_port))
    assert {(MILESIGHT, 85), (DINGTEK, 3), (PMX, 13), (PMX, 14), (PARAMETRIC, 15)} <= ports
    assert {(PMX, 190), (PARAMETRIC, 190)} <= ports


def test_nothing_is_out_of_its_range(night: list[tuple[Event, Row]]) -> None:
    """What a simulated device says is plausible: nothing of it would be kept as suspect."""
    for _, row in night:
        if isinstance(row, Uplink):
            for one in registry.find(row.codec).decode(CodecFrame(row.f_port, row.payload, row.received_ms)).readings:
                assert quantities.is_plausible(one.quantity, one.value), (one, row.payload.hex())


def test_the_sum_of_the_counts_is_what_really_passed() -> None:
    """Of each interval whose frame was heard: `vehicles_count` over all channels is the record of truth's number."""
    chosen = replace(scenario.scenario(faults=0.0), fleet=FleetName.FULL)
    nodes = fleet.build(mixed_territory.territory(lamps=0, bins=0, counters=2), chosen).nodes
    passed: dict[str, list[int]] = defaultdict(list)
    read: dict[str, list[int]] = defaultdict(list)
    for item in stream(nodes, seed=1, start_ms=WINTER_MS, faults=chosen.faults):
        if item.at_ms > WINTER_MS + 6 * HOUR_MS:
            break
        if isinstance(item, Fact):
            if item.fact == "vehicles":
                passed[str(item.detail["dev_eui"])].append(int(item.detail["left"]) + int(item.detail["right"]))
            continue
        row = parse_event(item.topic, item.payload, now_ms=item.at_ms)
        if isinstance(row, Uplink) and row.f_port != 14:
            found = readings(row.f_port, row.payload, row.codec)
            read[row.dev_eui].append(sum(int(found[name]) for name in found if name.startswith("vehicles_count/")))
    assert len(read) == 6
    for dev_eui, counted in read.items():
        remaining = iter(passed[dev_eui])
        assert all(count in remaining for count in counted)  # in their order, none twice
        assert len(counted) > 0.95 * len(passed[dev_eui])


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
