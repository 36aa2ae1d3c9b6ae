"""Simulated events have the shape of those a real ChirpStack published, and never speak of the future."""

import base64
import json
from datetime import datetime
from typing import Any

import pytest

from simulator.emit.chirpstack import EventWriter, GatewayFace, Identity, since_gps_epoch, timestamp
from simulator.network import Event, Kind
from tests.support import scenario

# Keys by level: (always there, sometimes there), over the 128 events recorded from ChirpStack 4.20 (json = true).
DEVICE = (
    {
        *("applicationId", "applicationName", "devEui", "deviceClassEnabled", "deviceName", "deviceProfileId"),
        *("deviceProfileName", "tags", "tenantId", "tenantName"),
    },
    set(),
)
UP = {
    "": (
        {
            *("adr", "confirmed", "data", "deduplicationId", "devAddr", "deviceInfo", "dr", "fCnt", "fPort"),
            *("regionConfigId", "rxInfo", "time", "txInfo"),
        },
        set(),
    ),
    "deviceInfo": DEVICE,
    "rxInfo[]": (
        {"gatewayId", "nsTime", "location"},
        {
            *("channel", "context", "crcStatus", "gwTime", "rfChain", "rssi", "snr", "timeSinceGpsEpoch"),
            "uplinkId",
        },
    ),
    "rxInfo[].location": (set(), {"latitude", "longitude", "altitude"}),
    "txInfo": ({"frequency", "modulation"}, set()),
    "txInfo.modulation": ({"lora"}, set()),
    "txInfo.modulation.lora": ({"bandwidth", "codeRate", "spreadingFactor"}, set()),
}
SHAPES: dict[str, dict[str, tuple[set[str], set[str]]]] = {
    "up": UP,
    "join": {"": ({"deduplicationId", "time", "deviceInfo", "devAddr", "regionConfigId"}, set()), "deviceInfo": DEVICE},
    "status": {
        "": (
            {
                *("batteryLevel", "batteryLevelUnavailable", "deduplicationId", "deviceInfo", "externalPowerSource"),
                *("margin", "time"),
            },
            set(),
        ),
        "deviceInfo": DEVICE,
    },
    "log": {
        "": ({"code", "context", "description", "deviceInfo", "level", "time"}, set()),
        "deviceInfo": DEVICE,
        "context": ({"deduplication_id", "f_cnt_up"}, set()),
    },
}
# The order of the keys as recorded, where it is not random (rxInfo of `up-two-gateways`).
RX_ORDER = [
    *("gatewayId", "uplinkId", "gwTime", "nsTime", "timeSinceGpsEpoch", "rssi", "snr", "channel", "rfChain"),
    *("location", "context", "crcStatus"),
]


def levels(value: Any, where: str = "") -> list[tuple[str, dict[str, Any]]]:
    """Every object of an event with its path; tags are free."""
    if isinstance(value, list):
        return [found for one in value for found in levels(one, f"{where}[]")]
    if not isinstance(value, dict) or where.endswith("tags"):
        return []
    below = [found for key, one in value.items() for found in levels(one, f"{where}.{key}".lstrip("."))]
    return [(where, value), *below]


@pytest.fixture(scope="module")
def day() -> list[Event]:
    return scenario.events(hours=24, keep=60, faults=3.0)


def test_every_kind_of_event_occurs(day: list[Event]) -> None:
    """Uplinks, joins, status answers and logs, in a day of sixty lamps."""
    assert {event.kind for event in day} == set(Kind)


def test_events_have_the_recorded_keys_at_each_level(day: list[Event]) -> None:
    """No key more, none less than a real server's, at any depth."""
    for event in day:
        for where, found in levels(json.loads(event.payload)):
            always, sometimes = SHAPES[event.kind][where]
            assert always <= found.keys() <= always | sometimes, (event.kind, where)


def test_gateways_leave_zeros_out_and_events_do_not(day: list[Event]) -> None:
    """An SNR, channel or RF chain of 0 is absent; a frame counter, port or data rate of 0 is written."""
    receptions = [one for event in day if event.kind is Kind.UP for one in json.loads(event.payload)["rxInfo"]]
    for one in receptions:
        assert all(one.get(key, 1) != 0 for key in ("rssi", "snr", "channel", "rfChain", "uplinkId"))
        assert list(one) == [key for key in RX_ORDER if key in one]
    for absent in ("snr", "channel", "rfChain"):
        assert any(absent not in one for one in receptions)
    assert any(json.loads(event.payload)["fCnt"] == 0 for event in day if event.kind is Kind.UP)


def test_times_are_of_the_past_when_an_event_is_published(day: list[Event]) -> None:
    """Every instant of an event, written or counted since the GPS epoch, is at or before its publication."""

    def instant(text: str) -> float:
        return datetime.fromisoformat(text).timestamp() * 1000

    for event in day:
        told = json.loads(event.payload)
        assert instant(told["time"]) <= event.at_ms
        for one in told.get("rxInfo", []):
            assert instant(one["nsTime"]) <= event.at_ms
            if "gwTime" in one:
                assert instant(one["gwTime"]) <= instant(one["nsTime"])
                gps_s = float(one["timeSinceGpsEpoch"].removesuffix("s"))
                assert gps_s * 1000 + 315_964_800_000 - 18_000 == pytest.approx(instant(one["gwTime"]), abs=0.01)


def test_without_gps_the_time_is_the_servers_after_its_window(day: list[Event]) -> None:
    """201 to 216 ms after the arrival of the first copy, as recorded (206 to 315); with GPS it is the gateway's."""
    for event in day:
        if event.kind is not Kind.UP:
            continue
        told = json.loads(event.payload)
        gps = [one["gwTime"] for one in told["rxInfo"] if "gwTime" in one]
        if gps:
            assert told["time"] == gps[0]
        else:
            first = min(datetime.fromisoformat(one["nsTime"]) for one in told["rxInfo"])
            assert 0.2 <= (datetime.fromisoformat(told["time"]) - first).total_seconds() <= 0.217


def test_an_answer_to_a_status_request_shares_the_id_of_its_uplink(day: list[Event]) -> None:
    """A `status` goes out beside an `up` of the same deduplication id, before or after it; a lamp has no battery."""
    uplinks = {event.key: at for at, event in enumerate(day) if event.kind is Kind.UP and not event.copy}
    answers = [(at, event) for at, event in enumerate(day) if event.kind is Kind.STATUS and not event.copy]
    orders = {at < uplinks[event.key] for at, event in answers if event.key in uplinks}
    assert orders == {True, False}
    for _, event in answers:
        told = json.loads(event.payload)
        assert told["batteryLevelUnavailable"] is False
        if told["deviceInfo"]["deviceProfileName"] == "nas-ul20xx":
            assert (told["externalPowerSource"], told["batteryLevel"]) == (True, 0.0)


def test_tags_carry_the_codec_of_the_profile(day: list[Event]) -> None:
    """What provisioning will write into the device profile."""
    profiles = scenario.example().profiles
    told = [json.loads(event.payload)["deviceInfo"] for event in day]
    assert all(one["tags"] == {"codec": profiles[one["deviceProfileName"]].codec} for one in told)
    assert len({one["deviceProfileName"] for one in told}) > 1


def test_an_event_is_the_recorded_bytes() -> None:
    """The event that a real server made of these values (`up-two-gateways`, without its codec's `object`)."""
    writer = EventWriter(
        Identity(
            tenant_id="891a8f34-1d06-49ad-a012-3a1443c1b955",
            tenant_name="Commune de Saint-Exemple",
            application_id="47cb9893-ab3e-4f92-806f-41c485cc6835",
            application_name="capteurs",
            profile_id="8da8bd0c-b397-4003-aa5a-5e5b061f822a",
            profile_name="sonde-a",
            device_name="probe-1",
            dev_eui="a000000000000001",
            device_class="A",
            tags={"profile": "A", "kind": "from-device", "pole": "RD12-17"},
            region_config_id="eu868",
        ),
        [GatewayFace("0016c001f1000001", 45.7578, 4.832, 170.0), GatewayFace("0016c001f1000002")],
    )
    gps_ns = 1_795_548_432_780_322_048
    text = writer.up(
        deduplication_id="37f91745-b181-47c0-8b49-3ea2bf19e8c3",
        time_ns=gps_ns,
        dev_addr="0182bf5d",
        dr=5,
        channel=2,
        f_cnt=0,
        f_port=10,
        payload=base64.b64decode("APo3yQ=="),
        receptions=[
            writer.reception(0, 2301500876, gps_ns, 1_795_548_432_781_335_534, -97, 7.5, 2, 0x5497_9C93),
            writer.reception(1, 1872112751, 0, 1_795_548_432_781_738_584, -112, 0.0, 2, 0x7641_4699),
        ],
    ).decode()
    assert writer.topic("up") == ("application/47cb9893-ab3e-4f92-806f-41c485cc6835/device/a000000000000001/event/up")
    # the second gateway of the recording heard it on channel 0: its channel and RF chain are left out there
    assert text.replace('"rssi":-112,"channel":2,"rfChain":1', '"rssi":-112') == (
        '{"deduplicationId":"37f91745-b181-47c0-8b49-3ea2bf19e8c3","time":"2026-11-24T19:27:12.780322048+00:00",'
        '"deviceInfo":{"tenantId":"891a8f34-1d06-49ad-a012-3a1443c1b955","tenantName":"Commune de Saint-Exemple",'
        '"applicationId":"47cb9893-ab3e-4f92-806f-41c485cc6835","applicationName":"capteurs",'
        '"deviceProfileId":"8da8bd0c-b397-4003-aa5a-5e5b061f822a","deviceProfileName":"sonde-a",'
        '"deviceName":"probe-1","devEui":"a000000000000001","deviceClassEnabled":"CLASS_A",'
        '"tags":{"profile":"A","kind":"from-device","pole":"RD12-17"}},"devAddr":"0182bf5d","adr":true,"dr":5,'
        '"fCnt":0,"fPort":10,"confirmed":false,"data":"APo3yQ==",'
        '"rxInfo":[{"gatewayId":"0016c001f1000001","uplinkId":2301500876,'
        '"gwTime":"2026-11-24T19:27:12.780322048+00:00","nsTime":"2026-11-24T19:27:12.781335534+00:00",'
        '"timeSinceGpsEpoch":"1479583650.780322048s","rssi":-97,"snr":7.5,"channel":2,"rfChain":1,'
        '"location":{"latitude":45.7578,"longitude":4.832,"altitude":170.0},"context":"VJeckw==",'
        '"crcStatus":"CRC_OK"},{"gatewayId":"0016c001f1000002","uplinkId":1872112751,'
        '"nsTime":"2026-11-24T19:27:12.781738584+00:00","rssi":-112,"location":{},"context":"dkFGmQ==",'
        '"crcStatus":"CRC_OK"}],"txInfo":{"frequency":868500000,"modulation":{"lora":{"bandwidth":125000,'
        '"spreadingFactor":7,"codeRate":"CR_4_5"}}},"regionConfigId":"eu868"}'
    )


@pytest.mark.parametrize(
    ("battery", "told"),
    [
        (0, '"externalPowerSource":true,"batteryLevelUnavailable":false,"batteryLevel":0.0'),
        (1, '"externalPowerSource":false,"batteryLevelUnavailable":false,"batteryLevel":0.39370078'),
        (100, '"externalPowerSource":false,"batteryLevelUnavailable":false,"batteryLevel":39.37008'),
        (200, '"externalPowerSource":false,"batteryLevelUnavailable":false,"batteryLevel":78.74016'),
        (254, '"externalPowerSource":false,"batteryLevelUnavailable":false,"batteryLevel":100.0'),
        (255, '"externalPowerSource":false,"batteryLevelUnavailable":true,"batteryLevel":0.0'),
    ],
)
def test_a_battery_is_told_as_recorded(battery: int, told: str) -> None:
    """The answers of a real server to these levels of a device (recorded `status` events)."""
    identity = Identity("t", "T", "a", "A", "p", "P", "n", "a000000000000001", "A", {}, "eu868")
    text = EventWriter(identity, []).status(deduplication_id="", time_ns=0, margin_db=5, battery=battery).decode()
    assert text.endswith(f'"margin":5,{told}}}')


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (1_795_548_432_000_000_000, "2026-11-24T19:27:12+00:00"),
        (1_795_548_432_780_000_000, "2026-11-24T19:27:12.780+00:00"),
        (1_795_548_432_780_322_000, "2026-11-24T19:27:12.780322+00:00"),
        (1_795_548_432_000_000_048, "2026-11-24T19:27:12.000000048+00:00"),
    ],
)
def test_times_have_the_shortest_of_0_3_6_9_decimals(ns: int, text: str) -> None:
    """As the server's own formatter does."""
    assert timestamp(ns) == text


def test_gps_time_counts_leap_seconds() -> None:
    """18 s ahead of UTC, from 6 January 1980."""
    assert since_gps_epoch(1_795_548_432_780_322_048) == "1479583650.780322048s"
