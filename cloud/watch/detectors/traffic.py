"""Counters: does it count? Nobody passed is a measurement, a report without a count is none. Pure.

How many passed and how fast is rolled up (`cloud.watch.rollups.traffic`); here is what a person should mend. A counter
that says nothing at all is the silence's matter.
"""

from collections.abc import Sequence
from itertools import pairwise
from operator import attrgetter
from typing import Final

import msgspec

from cloud.stores.base import Point
from cloud.watch.model import About, Finding, Judgement, Keep, Severity, State, Watched
from core.model import Domain
from core.quantities.states import Switch
from core.territory.model import Kind

KIND: Final = "traffic.no_measurement"
_KEPT: Final = 14  # seven counts of two directions; so many reports without


class Told(msgspec.Struct, frozen=True, gc=False):
    """A counter spoke; `counted`: it said how many passed."""

    at_ms: int
    channel: str
    counted: bool


class CountingDetector:
    """State `counting` (1 or 0): its counts come. Finding `traffic.no_measurement` of an asset that reports without."""

    measurement: str = Domain.TRAFFIC
    keep = Keep(last=_KEPT, hours=48, of_each=attrgetter("counted"), sorts=2)

    def concerns(self, watched: Watched) -> bool:
        return _is_counter(watched)

    def read(self, point: Point) -> Told | None:
        """The points of the device itself, and of a direction; those of its classes say nothing more."""
        channel = point.tags.get("channel", "")
        counted = "vehicles_count" in point.fields
        return Told(point.time_us // 1000, channel, counted) if counted or not channel else None

    def judge(self, seen: Sequence[Told], watched: Watched, now_ms: int) -> Judgement:
        counts = [told.at_ms for told in seen if told.counted and told.at_ms >= watched.since_ms]
        spoke = [told.at_ms for told in seen if told.at_ms >= watched.since_ms]
        if not spoke or watched.profile is None:
            return Judgement()
        intervals = watched.territory.tenants[watched.database].thresholds.traffic_blind_intervals
        interval_ms = watched.profile.expected_interval_s * 1000
        since_ms = counts[-1] if counts else spoke[0]
        finding: tuple[Finding, ...] = ()
        if spoke[-1] > since_ms and _reports(spoke, since_ms if counts else None, interval_ms // 2) >= intervals:
            finding = (_finding(watched, About.ASSET, watched.id, since_ms, or_earlier=not counts),)
        patience_ms = int(intervals * interval_ms)
        until_ms = since_ms + patience_ms
        if not counts or now_ms > until_ms:
            return Judgement((State("counting", 0.0, since_ms, not counts),), finding)
        first_ms = counts[0]
        for earlier_ms, later_ms in pairwise(counts):
            if later_ms - earlier_ms > patience_ms:
                first_ms = later_ms
        return Judgement((State("counting", 1.0, first_ms, first_ms == counts[0]),), finding, until_ms + 1)


def _reports(spoke: Sequence[int], counted_ms: int | None, apart_ms: int) -> int:
    """How often it reported since it last counted: what comes together is one report, and silence is none."""
    number, before_ms = 0, counted_ms
    for at_ms in spoke:
        if before_ms is None or at_ms - before_ms >= apart_ms:
            number, before_ms = number + 1, at_ms
    return number


class Heeded(msgspec.Struct, frozen=True, gc=False):
    """Its radar is off, or is seen to work: it says so, or something passed."""

    at_ms: int
    channel: str
    off: bool


class RadarDetector:
    """Finding `traffic.no_measurement` of a device whose radar is switched off: the zeros it sends count nobody.

    The answer to a setting is rare, and so is only what answers it: that something passed.
    """

    measurement: str = Domain.TRAFFIC
    keep = Keep(last=2, hours=48)

    def concerns(self, watched: Watched) -> bool:
        return _is_counter(watched)

    def read(self, point: Point) -> Heeded | None:
        state = point.fields.get("radar_state")
        if state is None and not point.fields.get("vehicles_count"):
            return None
        return Heeded(point.time_us // 1000, point.tags.get("channel", ""), state == Switch.OFF)

    def judge(self, seen: Sequence[Heeded], watched: Watched, now_ms: int) -> Judgement:  # noqa: ARG002 - no clock
        if not seen or not seen[-1].off or watched.device is None or seen[-1].at_ms < watched.since_ms:
            return Judgement()
        return Judgement((), (_finding(watched, About.DEVICE, watched.device.dev_eui, seen[-1].at_ms),))


def _is_counter(watched: Watched) -> bool:
    return watched.asset.kind is Kind.COUNTER and watched.device is not None


def _finding(watched: Watched, about: About, subject: str, since_ms: int, *, or_earlier: bool = False) -> Finding:
    facts = {"asset": watched.id}
    return Finding(
        KIND,
        Severity.WARNING,
        watched.database,
        watched.commune,
        about,
        subject,
        since_ms,
        dict(facts),
        or_earlier=or_earlier,
    )
