"""edge.sources.chirpstack_time: which of an event's clocks is believed."""

import pytest

from core.model import ClockQuality
from edge.sources.chirpstack_time import choose_time, parse_gps, parse_time
from edge.sources.chirpstack_wire import RxInfo

NS = "2026-11-24T19:27:12.781335534+00:00"
NS_MS = 1_795_548_432_781
GPS_AT_NS = "1479583650.781s"
EVENT_MS = NS_MS + 208  # read after the de-duplication window


def _heard(**times: str) -> RxInfo:
    return RxInfo(gateway_id="0016c001f1000001", **times)


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        (NS, NS_MS),
        ("2026-11-24T19:27:12Z", 1_795_548_432_000),
        ("2026-11-24T20:27:12.781+01:00", NS_MS),
        ("1970-01-01T00:00:00+00:00", 0),
        ("0001-01-01T00:00:00Z", None),
        ("1969-12-31T23:59:59+00:00", None),
        ("2100-01-01T00:00:00+00:00", None),
        ("9999-12-31T23:59:59+00:00", None),
        ("2026-11-24T19:27:12", None),
        ("2026-11-24", None),
        ("", None),
        ("soon", None),
    ],
)
def test_a_time_is_rfc_3339_with_its_zone(text: str, ms: int | None) -> None:
    """Nine decimals are cut to the ms; what is no instant, or no possible one, is nothing."""
    assert parse_time(text) == ms


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("1479583650.780322048s", 1_795_548_432_780),
        ("1479583650s", 1_795_548_432_000),
        ("1479583650.5s", 1_795_548_432_500),
        ("-5s", None),
        ("1479583650", None),
        ("99999999999s", None),
        ("1e9s", None),
        ("", None),
    ],
)
def test_gps_time_counts_from_1980_and_runs_18_s_ahead(text: str, ms: int | None) -> None:
    """The recorded `up-two-gateways` has both: `1479583650.780322048s` is 19:27:12.780 UTC."""
    assert parse_gps(text) == ms


def test_gps_comes_first_when_it_agrees_with_the_arrival() -> None:
    """Whatever the gateway's own clock and the event say."""
    heard = _heard(ns_time=NS, gw_time="2026-11-24T19:27:11+00:00", time_since_gps_epoch=GPS_AT_NS)
    assert choose_time(EVENT_MS, [heard]) == (NS_MS, ClockQuality.GPS)


def test_of_several_gps_clocks_the_one_that_agrees_best() -> None:
    """A gateway that does not know the leap seconds is 18 s off, within the tolerance, and loses to a right one."""
    off = _heard(ns_time=NS, time_since_gps_epoch="1479583668.781s")
    right = _heard(ns_time=NS, time_since_gps_epoch=GPS_AT_NS)
    assert choose_time(EVENT_MS, [off, right]) == choose_time(EVENT_MS, [right, off]) == (NS_MS, ClockQuality.GPS)


@pytest.mark.parametrize("gps", ["1479587250.781s", "1479580050.781s", "1479583681.782s", "garbage"])
def test_gps_far_from_the_arrival_is_not_believed(gps: str) -> None:
    """An hour ahead, an hour behind, 31 s ahead, no number: the gateway's own clock then, if that agrees."""
    gateway = _heard(ns_time=NS, gw_time="2026-11-24T19:27:12.700+00:00", time_since_gps_epoch=gps)
    assert choose_time(EVENT_MS, [gateway]) == (NS_MS - 81, ClockQuality.SYNCED)
    assert choose_time(EVENT_MS, [_heard(ns_time=NS, time_since_gps_epoch=gps)]) == (NS_MS, ClockQuality.SYNCED)


def test_without_gateway_time_the_earliest_arrival_counts() -> None:
    """Not the event's `time`, which is read 200 ms later."""
    later = _heard(ns_time="2026-11-24T19:27:12.900+00:00")
    assert choose_time(EVENT_MS, [later, _heard(ns_time=NS)]) == (NS_MS, ClockQuality.SYNCED)


def test_without_receptions_the_events_own_time_is_left() -> None:
    """A relayed uplink has none."""
    assert choose_time(EVENT_MS, []) == (EVENT_MS, ClockQuality.SYNCED)
    assert choose_time(EVENT_MS, [_heard(time_since_gps_epoch=GPS_AT_NS)]) == (EVENT_MS, ClockQuality.SYNCED)


def test_where_the_servers_clock_was_never_set_gps_is_the_only_clock() -> None:
    """A host that boots in 1970 with a gateway that sees satellites."""
    boot = "1970-01-01T00:00:07+00:00"
    heard = _heard(ns_time=boot, gw_time=boot, time_since_gps_epoch=GPS_AT_NS)
    assert choose_time(7_208, [heard]) == (NS_MS, ClockQuality.GPS)


def test_a_clock_that_was_never_set_is_said_to_be_so() -> None:
    """The raw time is kept, marked `estimated`: nobody invents another."""
    assert choose_time(7_208, [_heard(ns_time="1970-01-01T00:00:07+00:00")]) == (7_000, ClockQuality.ESTIMATED)
