"""Keeps of each asset's past what its detectors need, and judges anew what has news or is due. No clock, no store.

Points come in any order, late and twice: what is kept is sorted by time and holds each time and channel once, so that
the verdicts depend on what was told, never on when or how often.
"""

import heapq
from bisect import bisect_left
from collections.abc import Hashable, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any

import msgspec

from cloud.stores.base import Point
from cloud.watch.model import HOUR_MS, Detector, Finding, FindingKey, Judgement, Keep, Seen, State, Watched
from core.territory import Territory

_at = attrgetter("at_ms", "channel")
_when = attrgetter("at_ms")
_ROOM = 3  # times what is kept: until the next look nobody knows which times have come


class Change(msgspec.Struct, frozen=True):
    """A state that is another now."""

    watched: Watched
    state: State


class Sight(msgspec.Struct, frozen=True):
    """What one look has found. `findings`: all that hold now, not only the new ones."""

    changes: list[Change]
    findings: Mapping[FindingKey, Finding]


class _Eye:
    """One detector on one asset."""

    __slots__ = ("detector", "due_ms", "findings", "has_news", "seen", "states", "watched")

    def __init__(self, detector: Detector[Any], watched: Watched) -> None:
        self.detector = detector
        self.watched = watched
        self.seen: list[Any] = []
        self.states: tuple[State, ...] = ()
        self.findings: tuple[Finding, ...] = ()
        self.has_news = False
        self.due_ms: int | None = None

    def add(self, seen: Seen) -> bool:
        """Whether that is news."""
        kept = self.seen
        keep = self.detector.keep
        if not kept or seen.at_ms > kept[-1].at_ms:
            kept.append(seen)
        else:
            at = bisect_left(kept, (seen.at_ms, seen.channel), key=_at)
            if at < len(kept) and _at(kept[at]) == (seen.at_ms, seen.channel):
                if kept[at] == seen:
                    return False
                kept[at] = seen
            else:
                kept.insert(at, seen)
        if len(kept) >= _ROOM * keep.last * keep.sorts:
            _thin(kept, keep, (_ROOM - 1) * keep.last)
        return True

    def judge(self, now_ms: int) -> Judgement:
        """On what the detector shall see of it; the rest is forgotten here, where it is known which time has come."""
        seen, keep = self.seen, self.detector.keep
        if not seen or seen[-1].at_ms <= now_ms:
            _forget(seen, keep)
            return self.detector.judge(seen, self.watched, now_ms)
        later = bisect_left(seen, now_ms + 1, key=_when)  # a clock ahead of ours: it counts when its time has come
        past, future = seen[:later], seen[later : later + keep.last]
        _forget(past, keep)
        self.seen = past + future
        made = self.detector.judge(past, self.watched, now_ms)
        due_ms = future[0].at_ms
        return msgspec.structs.replace(made, next_ms=min(due_ms, made.next_ms or due_ms))


def _forget(seen: list[Any], keep: Keep) -> None:
    """What is more than is kept, before the newest."""
    if len(seen) > keep.last:
        _thin(seen, keep, keep.last)
    if seen:
        oldest_ms = seen[-1].at_ms - int(keep.hours * HOUR_MS)
        if seen[0].at_ms < oldest_ms:
            del seen[: bisect_left(seen, oldest_ms, key=_when)]


def _thin(seen: list[Any], keep: Keep, last: int) -> None:
    """Leave the last so many, of each sort."""
    sort_of = keep.of_each
    if sort_of is None:
        del seen[: len(seen) - last]
        return
    counted: dict[Hashable, int] = {}
    for at in range(len(seen) - 1, -1, -1):
        sort = sort_of(seen[at])
        number = counted[sort] = counted.get(sort, 0) + 1
        if number > last:
            del seen[at]


def _state_since(now: State, before: State | None) -> State:
    """What is as it was began when it did, though the readings that showed it may be forgotten."""
    if now.or_earlier and before is not None and before.value == now.value and before.since_ms <= now.since_ms:
        return before
    return now


def _finding_since(now: Finding, before: Finding | None) -> Finding:
    if now.or_earlier and before is not None and before.since_ms < now.since_ms:
        return msgspec.structs.replace(now, since_ms=before.since_ms, or_earlier=before.or_earlier)
    return now


class Watchman:
    """Used by one thread.

    Args:
        detectors: what is watched for; each sees the assets that concern it.
    """

    def __init__(self, territory: Territory, detectors: Sequence[Detector[Any]], *, now_ms: int) -> None:
        self._detectors = detectors
        self._eyes: dict[tuple[str, str], list[_Eye]] = {}  # (measurement, asset)
        self._watched: dict[str, Watched] = {}
        self._news: list[_Eye] = []
        self._due: list[tuple[int, int, _Eye]] = []
        self._number = 0
        self._findings: dict[FindingKey, Finding] = {}
        self.use(territory, now_ms=now_ms)

    def use(self, territory: Territory, *, now_ms: int) -> None:
        """Watch what this territory declares; what was seen of an asset that stays is kept."""
        self._watched = watched_of(territory, now_ms=now_ms)
        eyes: dict[tuple[str, str], list[_Eye]] = {}
        self._news, self._due, self._findings = [], [], {}
        for watched in self._watched.values():
            for detector in self._detectors:
                if not detector.concerns(watched):
                    continue
                eye = _Eye(detector, watched)
                known = self._eyes.get((detector.measurement, watched.id), ())
                for old in known:
                    if old.detector is detector:
                        eye.seen, eye.states, eye.findings = old.seen, old.states, old.findings
                        self._findings.update((finding.key, finding) for finding in old.findings)
                eyes.setdefault((detector.measurement, watched.id), []).append(eye)
                eye.has_news = True
                self._news.append(eye)
        self._eyes = eyes

    @property
    def watched(self) -> Mapping[str, Watched]:
        """Every asset that is declared, by id."""
        return self._watched

    def seen(self, asset: str, detector: Detector[Any]) -> Sequence[Any]:
        """What a detector has of an asset, by time."""
        for eye in self._eyes.get((detector.measurement, asset), ()):
            if eye.detector is detector:
                return eye.seen
        return ()

    def take(self, points: Iterable[Point]) -> None:
        """Points of any measurement and database, in any order; what belongs to no declared asset is passed over."""
        eyes, news = self._eyes, self._news
        for point in points:
            for eye in eyes.get((point.measurement, point.tags.get("asset", "")), ()):
                seen = eye.detector.read(point)
                if seen is not None and eye.add(seen) and not eye.has_news:
                    eye.has_news = True
                    news.append(eye)

    def look(self, now_ms: int) -> Sight:
        """Judge what has news or is due."""
        changes: list[Change] = []
        news, self._news = self._news, []
        for eye in news:
            eye.has_news = False
            self._judge(eye, now_ms, changes)
        due = self._due
        while due and due[0][0] <= now_ms:
            due_ms, _, eye = heapq.heappop(due)
            if eye.due_ms == due_ms:
                self._judge(eye, now_ms, changes)
        return Sight(changes, dict(self._findings))

    def _judge(self, eye: _Eye, now_ms: int, changes: list[Change]) -> None:
        made = eye.judge(now_ms)
        if made.states != eye.states:
            before = {state.kind: state for state in eye.states}
            states = tuple([_state_since(state, before.get(state.kind)) for state in made.states])
            changes += [Change(eye.watched, state) for state in states if before.get(state.kind) != state]
            eye.states = states
        if made.findings != eye.findings:
            held = {finding.key: finding for finding in eye.findings}
            findings = tuple([_finding_since(finding, held.get(finding.key)) for finding in made.findings])
            for key in held:
                self._findings.pop(key, None)
            self._findings.update((finding.key, finding) for finding in findings)
            eye.findings = findings
        next_ms = made.next_ms
        if next_ms is None:
            eye.due_ms = None
        elif next_ms != eye.due_ms or next_ms <= now_ms:
            eye.due_ms = max(next_ms, now_ms + 1)
            self._number += 1
            heapq.heappush(self._due, (eye.due_ms, self._number, eye))


def watched_of(territory: Territory, *, now_ms: int) -> dict[str, Watched]:
    """The declared assets by id, each with the sensor that it has at `now_ms`."""
    holding = {one.asset: one for one in territory.assignments if one.start_ms <= now_ms < (one.end_ms or now_ms + 1)}
    found: dict[str, Watched] = {}
    for asset in territory.assets.values():
        assignment = holding.get(asset.id)
        device = None if assignment is None else territory.devices.get(assignment.dev_eui)
        found[asset.id] = Watched(
            asset,
            territory.communes[asset.commune].tenant,
            territory,
            device,
            None if device is None else territory.profiles.get(device.profile),
            0 if assignment is None else assignment.start_ms,
        )
    return found
