"""Lamps: what is told in any order, twice and in any turns gives the same verdicts as what is told in order."""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from cloud.stores.base import Point
from cloud.watch.detectors.light import Light
from cloud.watch.detectors.light_said import Said
from cloud.watch.model import Finding, Watched
from cloud.watch.watchman import Watchman, watched_of
from tests.support.lamps import HOUR_MS, MIN_MS, drawn, ms, no_driver, notice, status, town

_TERRITORY = town()
_START_MS = ms("2026-10-24T15:00")  # the night that has an hour more
_LAMPS = st.sampled_from(["permanent", "permanent", "switched", "alone"])


@st.composite
def _word(draw: st.DrawFn) -> list[Point]:
    at_ms = _START_MS + draw(st.integers(0, 36 * 12)) * 5 * MIN_MS
    lamp = draw(_LAMPS)
    kind = draw(st.integers(0, 3))
    if kind == 0:
        return no_driver(at_ms, lamp=lamp)
    if kind == 1:
        return [drawn(at_ms, draw(st.sampled_from([0.5, 4.0, 38.0])), lamp=lamp)]
    if kind == 2:
        return [notice(at_ms, lit=draw(st.booleans()), failed=draw(st.booleans()), lamp=lamp)]
    level, lit = draw(st.sampled_from([0.0, 50.0, 100.0])), draw(st.none() | st.booleans())
    return [status(at_ms, level, lit=lit, failed=draw(st.booleans()), lamp=lamp)]


_Verdicts = tuple[dict[tuple[str, str], tuple[int, dict[str, object]]], dict[str, object]]


def _kept(watchman: Watchman, detector: Light, now_ms: int) -> _Verdicts:
    """Findings and states, but for when what is older than what is kept began: that depends on when it was looked."""
    findings: dict[tuple[str, str], tuple[int, dict[str, object]]] = {}
    states: dict[str, object] = {}
    for watched in watched_of(_TERRITORY, now_ms=now_ms).values():
        made = detector.judge(_past(watchman, watched, detector, now_ms), watched, now_ms)
        findings |= {(watched.id, one.kind): (one.since_ms, dict(one.facts)) for one in made.findings}
        states |= {f"{watched.id}/{one.kind}": (one.value, one.since_ms) for one in made.states}
    return findings, states


def _past(watchman: Watchman, watched: Watched, detector: Light, now_ms: int) -> Sequence[Said]:
    return [said for said in watchman.seen(watched.id, detector) if said.at_ms <= now_ms]


@settings(max_examples=50, deadline=None)
@given(words=st.lists(_word(), max_size=30), choice=st.randoms(use_true_random=False), hours=st.integers(0, 60))
def test_order_doubles_and_turns_change_nothing(words: list[list[Point]], choice: object, hours: int) -> None:
    """The same words, however they came: the same findings, states and facts."""
    told: dict[tuple[int, str, str], Point] = {}  # at one time a channel says one thing
    for word in words:
        for point in word:
            told.setdefault((point.time_us, point.tags["asset"], point.tags.get("channel", "")), point)
    points: Sequence[Point] = sorted(told.values(), key=lambda point: point.time_us)
    now_ms = _START_MS + hours * HOUR_MS
    straight, detector = _watched(points, now_ms)
    shuffled = [*points, *choice.sample(list(points), len(points) // 3)]  # type: ignore[attr-defined]
    choice.shuffle(shuffled)  # type: ignore[attr-defined]
    other_detector = Light()
    other = Watchman(_TERRITORY, [other_detector], now_ms=0)
    for point in shuffled:
        other.take([point])
        if choice.random() < 0.3:  # type: ignore[attr-defined]
            other.look(now_ms)
    sight = other.look(now_ms)
    expected = _kept(straight, detector, now_ms)
    assert _kept(other, other_detector, now_ms) == expected
    assert {(key.subject, key.kind) for key in sight.findings} == set(expected[0])
    assert all(_is_sound(finding, now_ms) for finding in sight.findings.values())


def _watched(points: Sequence[Point], now_ms: int) -> tuple[Watchman, Light]:
    detector = Light()
    watchman = Watchman(_TERRITORY, [detector], now_ms=0)
    watchman.take(points)
    watchman.look(now_ms)
    return watchman, detector


def _is_sound(finding: Finding, now_ms: int) -> bool:
    return finding.since_ms <= now_ms and finding.kind.startswith("light.") and finding.subject in _TERRITORY.assets


@settings(max_examples=40, deadline=None)
@given(words=st.lists(_word(), max_size=30), minutes=st.integers(0, 60 * 40))
def test_nothing_changes_before_the_detector_said(words: list[list[Point]], minutes: int) -> None:
    """Without news a verdict is another only when it said that it could be."""
    points = [point for word in words for point in word]
    now_ms = _START_MS + 37 * HOUR_MS
    watchman, detector = _watched(points, now_ms)
    for watched in watched_of(_TERRITORY, now_ms=now_ms).values():
        _stays(detector, watchman, watched, now_ms, now_ms + minutes * MIN_MS)


def _stays(detector: Light, watchman: Watchman, watched: Watched, now_ms: int, later_ms: int) -> None:
    seen = _past(watchman, watched, detector, now_ms)
    made = detector.judge(seen, watched, now_ms)
    until_ms = later_ms if made.next_ms is None else min(later_ms, made.next_ms - 1)
    again = detector.judge(seen, watched, max(now_ms, until_ms))
    assert (again.states, again.findings) == (made.states, made.findings)
