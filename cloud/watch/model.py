"""What the watch is told and what it says: the words that detectors, groups, alarms, rollups and the loop share. Pure.

An asset's verdicts are made anew from its last readings each time (`Detector.judge`): nothing is remembered but these,
so that order, doubles and a restart of the watch change nothing.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple, Protocol, TypeVar

import msgspec

from cloud.stores.base import Field, Point
from core.territory import Asset, Device, Profile, Territory
from core.territory import Severity as Severity

HOUR_MS = 3_600_000
Facts = Mapping[str, Field]


class About(StrEnum):
    """What a finding is about."""

    ASSET = "asset"
    DEVICE = "device"
    CABINET = "cabinet"
    GATEWAY = "gateway"
    SITE = "site"
    ROAD = "road"  # beffroi itself


class FindingKey(NamedTuple):
    """The same key is the same alarm: `subject` is the id of what it is about."""

    database: str
    kind: str
    subject: str


class Finding(msgspec.Struct, frozen=True):
    """What a person should know, while it holds. `kind` is dotted (`light.burning_by_day`): the alarm's name.

    `since_ms`: when it began, as far as the readings tell (never when it was noticed). `facts`: what the sentence about
    it needs, quantities by name. `or_earlier`: as of a `State`.
    """

    kind: str
    severity: Severity
    database: str
    commune: str
    about: About
    subject: str
    since_ms: int
    facts: Facts = {}
    or_earlier: bool = False

    @property
    def key(self) -> FindingKey:
        return FindingKey(self.database, self.kind, self.subject)


class State(msgspec.Struct, frozen=True):
    """One thing that is known of an asset now: a point of the measurement `state`, written when it changes.

    `value`: a number or a word of a closed set, the same type always for the same kind. `since_ms`: since when.
    `or_earlier`: the readings that are kept do not show its beginning, it was so at the first of them already; then
    the watchman lets it have begun when it said so before.
    """

    kind: str
    value: float | str
    since_ms: int
    or_earlier: bool = False


class Judgement(msgspec.Struct, frozen=True):
    """A detector's verdict on one asset. `next_ms`: when it could be another without any new reading; None: never."""

    states: tuple[State, ...] = ()
    findings: tuple[Finding, ...] = ()
    next_ms: int | None = None


class Watched(msgspec.Struct, frozen=True, gc=False):
    """An asset as it is declared now, with the sensor it has."""

    asset: Asset
    database: str  # its tenant's
    territory: Territory  # for the thresholds of its tenant, its circuit's calendar
    device: Device | None = None
    profile: Profile | None = None  # of the device
    since_ms: int = 0  # when this device was assigned to it

    @property
    def id(self) -> str:
        return self.asset.id

    @property
    def commune(self) -> str:
        return self.asset.commune


class Seen(Protocol):
    """What a detector keeps of one point: slim, frozen, ordered by its time."""

    @property
    def at_ms(self) -> int: ...

    @property
    def channel(self) -> str: ...


S = TypeVar("S", bound=Seen)


class Keep(NamedTuple):
    """How much of an asset's past a detector is shown: the `last` so many, not older than `hours` before the newest.

    `of_each`: tells the sort of what was seen, of `sorts` at most; then the last so many of each sort are kept, so that
    what comes often does not push out what comes seldom.
    """

    last: int
    hours: float
    of_each: Callable[[Any], Hashable] | None = None
    sorts: int = 1


class Detector(Protocol[S]):
    """One matter, for the assets that `concerns` says. It has no state, reads no clock and no store."""

    measurement: str  # the points it reads
    keep: Keep

    def concerns(self, watched: Watched) -> bool: ...

    def read(self, point: Point) -> S | None:
        """What it keeps of a point; None: nothing."""
        ...

    def judge(self, seen: Sequence[S], watched: Watched, now_ms: int) -> Judgement:
        """The verdict at `now_ms` on what was seen: by time, once for each time and channel, nothing after `now_ms`."""
        ...


class Combine(StrEnum):
    """How one field of several hours becomes a day's, and of several assets a commune's. A field that only some have is
    combined of these."""

    SUM = "sum"
    MIN = "min"
    MAX = "max"
    LAST = "last"  # the latest hour's; of several assets: left out


class Rollup(Protocol):
    """What an hour of one asset comes to, for the assets that `concerns` says. It has no state and reads no clock."""

    measurement: str  # the points it reads
    fields: Mapping[str, Combine]  # every field that `hour` may give; no two rollups share one

    def concerns(self, watched: Watched) -> bool: ...

    def hour(
        self, points: Sequence[Point], before: Mapping[str, float], watched: Watched, start_ms: int
    ) -> dict[str, float]:
        """The fields of the hour that begins at `start_ms`.

        Args:
            points: of the asset in that hour, by time, each once; never empty.
            before: the fields of the asset's newest hour before this one (at most 48 h): where its counters stood.
        """
        ...

    def derive(self, fields: Mapping[str, float]) -> dict[str, float]:
        """What follows from the fields of an hour, a day or a night, of an asset or a commune: means, shares, V85."""
        ...
