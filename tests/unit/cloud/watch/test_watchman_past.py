"""The watchman's memory: the last of each sort, and since when what lasts longer than what is kept."""

from collections.abc import Sequence
from operator import attrgetter
from random import Random

import msgspec
import pytest

from cloud.stores.base import Point
from cloud.watch.model import About, Detector, Finding, Judgement, Keep, Severity, State, Watched
from cloud.watch.watchman import Watchman
from core.territory import Asset, Commune, Kind, Operator, Tenant, Territory


class _Word(msgspec.Struct, frozen=True):
    at_ms: int
    channel: str
    high: bool


class _High:
    """A detector for these tests: it is high since the first of the last run of high readings."""

    measurement = "light"

    def __init__(self, keep: Keep) -> None:
        self.keep = keep

    def concerns(self, watched: Watched) -> bool:
        return True

    def read(self, point: Point) -> _Word | None:
        return _Word(point.time_us // 1000, "", point.fields["level_pct"] == 100.0)

    def judge(self, seen: Sequence[_Word], watched: Watched, now_ms: int) -> Judgement:
        if not seen:
            return Judgement()
        run = [
            word for word in seen if word.at_ms > max((w.at_ms for w in seen if w.high is not seen[-1].high), default=0)
        ]
        since_ms, or_earlier = run[0].at_ms, len(run) == len(seen)
        high = seen[-1].high
        findings = (
            Finding(
                "test.high",
                Severity.NOTICE,
                watched.database,
                watched.commune,
                About.ASSET,
                watched.id,
                since_ms,
                or_earlier=or_earlier,
            ),
        )
        return Judgement((State("high", float(high), since_ms, or_earlier),), findings if high else ())


_TERRITORY = Territory(
    Operator("op", "Op"),
    tenants={"ccpvm": Tenant("ccpvm", "CCPVM", ("88383",))},
    communes={"88383": Commune("88383", "Remiremont", "ccpvm", 48.0, 6.6)},
    assets={"lamp": Asset("lamp", Kind.LAMP, "88383", 48.0, 6.6)},
)


def _point(at_ms: int, *, high: bool) -> Point:
    return Point("light", {"asset": "lamp"}, at_ms * 1000, {"level_pct": 100.0 if high else 0.0})


def _watchman(keep: Keep) -> tuple[Watchman, Detector[_Word]]:
    detector = _High(keep)
    return Watchman(_TERRITORY, [detector], now_ms=0), detector


def test_what_lasts_longer_than_what_is_kept_keeps_its_beginning() -> None:
    """Its state is said once, its finding grows old, though the readings of its beginning are forgotten."""
    watchman, _ = _watchman(Keep(last=3, hours=1))
    said = []
    for number in range(1, 20):
        watchman.take([_point(number * 1000, high=number > 2)])
        sight = watchman.look(number * 1000)
        said += [(change.state.value, change.state.since_ms) for change in sight.changes]
    assert said == [(0.0, 1000), (1.0, 3000)]
    assert [finding.since_ms for finding in sight.findings.values()] == [3000]
    watchman.use(_TERRITORY, now_ms=20_000)
    sight = watchman.look(20_000)
    assert not sight.changes
    assert [finding.since_ms for finding in sight.findings.values()] == [3000]


def test_what_ended_begins_anew() -> None:
    """A beginning that the readings do show is believed, not the one of another time."""
    watchman, _ = _watchman(Keep(last=3, hours=1))
    for number, high in enumerate([True, True, True, True, False, True]):
        watchman.take([_point(1000 + number * 1000, high=high)])
        sight = watchman.look(1000 + number * 1000)
    assert [finding.since_ms for finding in sight.findings.values()] == [6000]


@pytest.mark.parametrize("seed", range(20))
def test_the_last_of_each_sort_are_kept_whatever_the_order(seed: int) -> None:
    """What is rare is not pushed out by what is frequent, nor by how it is told."""
    chance = Random(seed)
    watchman, detector = _watchman(Keep(last=2, hours=1, of_each=attrgetter("high"), sorts=2))
    points = [_point(1000 * number, high=chance.random() < 0.1) for number in range(2, 60)] + [_point(1000, high=True)]
    high = [p.time_us // 1000 for p in sorted(points, key=lambda p: p.time_us) if p.fields["level_pct"] == 100.0]
    low = [p.time_us // 1000 for p in sorted(points, key=lambda p: p.time_us) if p.fields["level_pct"] == 0.0]
    chance.shuffle(points)
    for point in points:
        watchman.take([point])
        if chance.random() < 0.3:
            watchman.look(60_000)
    watchman.look(60_000)
    assert [word.at_ms for word in watchman.seen("lamp", detector)] == sorted(high[-2:] + low[-2:])
