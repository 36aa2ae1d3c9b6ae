"""When an uplink was sent: the best clock that its event carries. Times are ms since the Unix epoch.

Three clocks speak in an event. The network server's (`nsTime` of each reception: arrival there), the gateway's
(`gwTime`), and GPS (`timeSinceGpsEpoch`). The event's own `time` is a choice between them that cannot be trusted:
- ChirpStack takes GPS time without any check. Recorded: `up-gps-time-wrong`, an hour ahead beside a right `gwTime`.
- Without gateway time it is read after the de-duplication window, 206 to 315 ms after `nsTime` (`up-no-time`).
- A `gwTime` an hour ahead is passed over for that late clock (`up-time-future`), not for `nsTime`.

So each gateway's clock is held against the arrival of its own copy at the network server, and believed when it is
within `TOLERANCE_MS`; of several, the one that agrees best. GPS comes before the gateway's own clock, and any of them
before the earliest arrival; the event's `time` is left for an uplink without receptions.
A frame that a gateway held back for longer than the tolerance therefore has the time of its arrival, as with the
network server itself. Where even the server's clock was never set (before 2020), GPS is the only clock there is.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime

from core.model import ClockQuality
from edge.sources.chirpstack_wire import RxInfo

TOLERANCE_MS = 30_000  # what ChirpStack itself allows a gateway's clock
SET_SINCE_MS = 1_577_836_800_000  # 2020-01-01: before ChirpStack 4, so the clock that says it was never set
_UNTIL_MS = 4_102_444_800_000  # 2100-01-01
_GPS_EPOCH_MS = 315_964_800_000  # 1980-01-06
_LEAP_MS = 18_000  # GPS is ahead of UTC since 2017 (IERS bulletin C 52)
_DURATION = re.compile(r"([0-9]{1,11})(?:\.([0-9]{1,9}))?s")


def parse_time(text: str) -> int | None:
    """The ms of an RFC 3339 time; None for anything else, and for instants before 1970 or after 2099."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    if at.tzinfo is None:
        return None
    try:
        ms = int(at.timestamp() * 1000)
    except (OverflowError, ValueError):
        return None
    return ms if 0 <= ms < _UNTIL_MS else None


def parse_gps(text: str) -> int | None:
    """The ms of a duration since the GPS epoch (`"1479583650.780322048s"`); None for anything else."""
    found = _DURATION.fullmatch(text)
    if found is None:
        return None
    ms = int(found[1]) * 1000 + int((found[2] or "0").ljust(9, "0")) // 1_000_000 + _GPS_EPOCH_MS - _LEAP_MS
    return ms if ms < _UNTIL_MS else None


def choose_time(event_ms: int, receptions: Sequence[RxInfo]) -> tuple[int, ClockQuality]:
    """The instant of an uplink, and which clock said so: `gps`, `synced` (to be judged by the caller, who knows
    whether the host's clock is set) or `estimated` (a clock that was never set)."""
    arrivals = [(one, arrived) for one in receptions if (arrived := parse_time(one.ns_time)) is not None]
    gps = [(at, arrived) for one, arrived in arrivals if (at := parse_gps(one.time_since_gps_epoch)) is not None]
    if (at := _closest(gps)) is not None:
        return at, ClockQuality.GPS
    first = min((arrived for _, arrived in arrivals), default=event_ms)
    if first < SET_SINCE_MS and (satellites := sorted(at for at, _ in gps if at >= SET_SINCE_MS)):
        return satellites[0], ClockQuality.GPS
    gateways = [(at, arrived) for one, arrived in arrivals if (at := parse_time(one.gw_time)) is not None]
    at = _closest(gateways)
    return quality_of(first if at is None else at)


def quality_of(ms: int) -> tuple[int, ClockQuality]:
    """The instant with `estimated` when the clock that says it was never set."""
    return ms, ClockQuality.SYNCED if ms >= SET_SINCE_MS else ClockQuality.ESTIMATED


def _closest(pairs: Iterable[tuple[int, int]]) -> int | None:
    """Of the (said, arrived) pairs within the tolerance, what the closest one said; the earlier of two as close."""
    sane = [(abs(said - arrived), said) for said, arrived in pairs if abs(said - arrived) <= TOLERANCE_MS]
    return min(sane)[1] if sane else None
