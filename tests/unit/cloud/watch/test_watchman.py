"""The watchman: what is told late, twice or in any order gives the same verdicts."""

from collections.abc import Sequence
from random import Random

import msgspec
import pytest

from cloud.stores.base import Point
from cloud.watch.model import About, Finding, Judgement, Keep, Severity, State, Watched
from cloud.watch.watchman import Watchman
from core.territory import Asset, Commune, Kind, Operator, Tenant, Territory


class _Level(msgspec.Struct, frozen=True):
    at_ms: int
    channel: str
    level: float


class _High:
    """A detector for these tests: high levels hold for a minute."""

    measurement = "light"
    keep = Keep(last=3, hours=1)

    def concerns(self, watched: Watched) -> bool:
        return watched.asset.kind is Kind.LAMP

    def read(self, point: Point) -> _Level | None:
        level = point.fields.get("level_pct")
        if not isinstance(level, float):
            return None
        return _Level(point.time_us // 1000, point.tags.get("channel", ""), level)

    def judge(self, seen: Sequence[_Level], watched: Watched, now_ms: int) -> Judgement:
        if not seen or seen[-1].level < 50 or now_ms >= seen[-1].at_ms + 60_000:
            return Judgement()
        last = seen[-1]
        finding = Finding(
            "test.high", Severity.NOTICE, watched.database, watched.commune, About.ASSET, watched.id, last.at_ms
        )
        return Judgement((State("level", last.level, last.at_ms),), (finding,), last.at_ms + 60_000)


_TERRITORY = Territory(
    Operator("op", "Op"),
    tenants={"ccpvm": Tenant("ccpvm", "CCPVM", ("88383",))},
    communes={"88383": Commune("88383", "Remiremont", "ccpvm", 48.0, 6.6)},
    assets={"lamp": Asset("lamp", Kind.LAMP, "88383", 48.0, 6.6), "bin": Asset("bin", Kind.BIN, "88383", 48.0, 6.6)},
)


def _watchman() -> Watchman:
    return Watchman(_TERRITORY, [_High()], now_ms=0)


def _point(at_ms: int, level: float, *, asset: str = "lamp") -> Point:
    return Point("light", {"asset": asset, "device": "00"}, at_ms * 1000, {"level_pct": level})


def test_a_finding_holds_until_it_is_due() -> None:
    """A verdict that time alone changes is made again when the detector said so, without any new reading."""
    watchman = _watchman()
    watchman.take([_point(1000, 80.0)])
    sight = watchman.look(2000)
    assert [finding.since_ms for finding in sight.findings.values()] == [1000]
    assert [change.state.value for change in sight.changes] == [80.0]
    assert watchman.look(60_999).findings == sight.findings
    assert not watchman.look(61_000).findings


def test_a_time_ahead_of_now_counts_when_it_has_come() -> None:
    """A device's clock that runs ahead changes nothing before its time."""
    watchman = _watchman()
    watchman.take([_point(1000, 20.0), _point(9000, 80.0)])
    assert not watchman.look(2000).findings
    assert watchman.look(9000).findings


def test_a_clock_a_year_ahead_pushes_out_nothing() -> None:
    """What bears the time of a wrong clock takes no room from what is heard now, however much of it there was."""
    watchman = _watchman()
    watchman.take([_point(1000, 80.0)])
    watchman.look(1000)
    for number in range(20):
        watchman.take([_point(31_536_000_000 + number * 1000, 20.0)])
        watchman.look(2000 + number)
    assert watchman.look(3000).findings
    watchman.take([_point(4000, 20.0)])
    assert not watchman.look(4000).findings
    watchman.take([_point(5000, 80.0)])
    assert [finding.since_ms for finding in watchman.look(5000).findings.values()] == [5000]


def test_what_belongs_to_no_watched_asset_is_passed_over() -> None:
    """Unassigned devices, assets of another kind and other measurements do not trouble it."""
    watchman = _watchman()
    watchman.take([_point(1000, 80.0, asset="bin"), _point(1000, 80.0, asset="nobody")])
    watchman.take([Point("light", {"device": "00"}, 1_000_000, {"level_pct": 80.0})])
    assert not watchman.look(2000).findings


def test_another_territory_keeps_what_was_seen() -> None:
    """An asset that stays declared keeps its past and its findings; one that goes leaves none."""
    watchman = _watchman()
    watchman.take([_point(1000, 80.0)])
    held = watchman.look(2000).findings
    watchman.use(_TERRITORY, now_ms=2000)
    assert watchman.look(3000).findings == held
    watchman.use(Territory(_TERRITORY.operator), now_ms=3000)
    assert not watchman.look(4000).findings


@pytest.mark.parametrize("seed", range(20))
def test_order_and_doubles_change_nothing(seed: int) -> None:
    """Any order, any doubling and any cut into turns of the same points ends in the same states and findings."""
    chance = Random(seed)
    points = [_point(1000 * number, chance.choice([20.0, 80.0])) for number in range(1, 8)]
    straight = _watchman()
    straight.take(points)
    expected = straight.look(8000)
    told = [*points, *chance.choices(points, k=4)]
    chance.shuffle(told)
    watchman = _watchman()
    for point in told:
        watchman.take([point])
        if chance.random() < 0.5:
            watchman.look(8000)
    assert watchman.look(8000).findings == expected.findings
