"""Following the store: what is read whole, what is read since, and that both show the same."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from cloud.page.feed import BEATS_MS, MARGIN_MS, SUMS_MS, WHOLE_MS, Feed
from cloud.page.seen import Points
from cloud.page.state import Beside
from cloud.stores.base import Point
from cloud.stores.sqlite import SqliteStore
from core.territory import Kind
from tests.unit.page.page_facts import HOUR_MS, NOON_MS, alarm_point, ground, lamp, other, point, state

TOWN = ground(lamp("lamp-1"), lamp("lamp-2"), other(Kind.COUNTER, "cnt-1"))


class WatchedStore(SqliteStore):
    """The real one; `asked`: each `latest`, as measurement and since when; `summed`: how often a sum was asked for."""

    asked: list[tuple[str, int | None]]
    summed: int

    def latest(
        self, database: str, measurement: str, where: Mapping[str, str] | None = None, *, since_us: int | None = None
    ) -> list[Point]:
        self.asked.append((measurement, since_us))
        return super().latest(database, measurement, where, since_us=since_us)

    def sums(
        self,
        database: str,
        measurement: str,
        field: str,
        *,
        start_us: int,
        end_us: int,
        where: Mapping[str, str] | None = None,
    ) -> list[tuple[dict[str, str], float]]:
        self.summed += 1
        return super().sums(database, measurement, field, start_us=start_us, end_us=end_us, where=where)


@dataclass
class Desk:
    """A feed over a store, and the two clocks."""

    store: WatchedStore
    feed: Feed
    now_ms: int = NOON_MS
    mono_ms: int = 5_000
    beside: Beside = field(default_factory=Beside)

    def write(self, *points: Point) -> None:
        assert self.store.write("ccpvm", points) == []

    def read(self, *, after_ms: int = 1_000, mono_ms: int = 1_000) -> Mapping[str, Points]:
        """The next poll."""
        self.now_ms += after_ms
        self.mono_ms += mono_ms
        self.store.asked = []
        found = self.feed.read(TOWN, self.now_ms, mono_ms=self.mono_ms)
        assert found is not None
        self.beside = found[1]
        return found[0]

    def since_of(self, measurement: str) -> list[int | None]:
        return [since_us for name, since_us in self.store.asked if name == measurement]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    store = WatchedStore.open(tmp_path / "store")
    store.asked, store.summed = [], 0
    yield Desk(store, Feed(store))
    store.close()


def test_after_the_first_poll_only_what_came_since_is_read(desk: Desk) -> None:
    """With a margin for rows that are late; the other series stay as they were."""
    desk.write(point({"level_pct": 40.0, "power_w": 18.0}), point({"level_pct": 0.0}, asset="lamp-2", ago_ms=HOUR_MS))
    first = desk.read()
    assert desk.since_of("light") == [None]
    assert set(first) == {"lamp-1", "lamp-2"}
    desk.write(point({"level_pct": 0.0}, ago_ms=0))
    found = desk.read()
    assert desk.since_of("light") == [(NOON_MS - 60_000 - MARGIN_MS) * 1000]
    assert found["lamp-1"].readings[0].fields == {"level_pct": 0.0, "power_w": 18.0}
    assert found["lamp-2"] == first["lamp-2"]


def test_what_was_followed_is_what_a_whole_read_gives(desk: Desk) -> None:
    """Merging field by field is the store's own rule."""
    desk.write(
        point({"level_pct": 40.0, "mains_v": 230.0}, ago_ms=30 * 60_000),
        point({"vehicles_count": 3.0}, asset="cnt-1", measurement="traffic"),
    )
    desk.read()
    desk.write(
        point({"power_w": 18.0}, ago_ms=50_000), point({"power_w": 9_000.0}, ago_ms=40_000, measurement="suspect")
    )
    desk.read()
    desk.write(
        point({"level_pct": 0.0}, ago_ms=20_000),
        point({"vehicles_count": 0.0}, asset="cnt-1", measurement="traffic", ago_ms=0),
    )
    followed = desk.read()
    desk.feed.forget()
    whole = desk.read()
    assert desk.since_of("light") == [None]
    assert followed == whole


def test_a_fast_scenario_widens_the_margin(desk: Desk) -> None:
    """Sixty times faster than life a row that is two seconds late is two minutes old."""
    desk.write(point({"level_pct": 40.0}, ago_ms=0))
    desk.read()
    desk.read(after_ms=60_000)
    assert desk.since_of("light") == [(NOON_MS - 5 * 60_000) * 1000]


def test_a_backlog_is_seen_by_the_next_whole_read(desk: Desk) -> None:
    """Rows of an outage are older than the margin; half a minute later all of it was read again."""
    desk.write(point({"level_pct": 40.0}, ago_ms=0))
    desk.read()
    desk.write(point({"level_pct": 40.0}, asset="lamp-2", ago_ms=2 * HOUR_MS))
    assert "lamp-2" not in desk.read()
    polls = [desk.read(mono_ms=WHOLE_MS) for _ in range(4)]
    assert "lamp-2" in polls[-1]


def test_one_poll_reads_one_measurement_whole(desk: Desk) -> None:
    """Never all at once: a poll stays short."""
    desk.write(
        point({"level_pct": 40.0}, ago_ms=0),
        point({"vehicles_count": 3.0}, asset="cnt-1", measurement="traffic", ago_ms=0),
        point({"fill_pct": 3.0}, asset="bin-1", measurement="bin", ago_ms=0),
        point({"power_w": 9_000.0}, measurement="suspect", ago_ms=0),
        state("lit", 1.0, ago_ms=0),
        alarm_point("light.flicker", asset="lamp-1", at_ms=NOON_MS),
    )
    desk.read()
    whole: list[str] = []

    def read(mono_ms: int) -> None:
        desk.read(mono_ms=mono_ms)
        asked = [name for name, since_us in desk.store.asked if since_us is None]
        whole.extend(name for name in asked if name not in {"site", "heartbeat"})  # of a few series

    for _ in range(4):
        read(WHOLE_MS // 4)
    assert len(whole) == 1
    for _ in range(5):
        read(1_000)
    assert sorted(whole) == ["alarm", "bin", "light", "state", "suspect", "traffic"]


def test_what_was_moved_away_is_gone_after_a_change_of_the_territory(desk: Desk) -> None:
    """The worker moves what is stored; the page forgets and reads again."""
    desk.write(point({"level_pct": 40.0}, ago_ms=0))
    desk.read()
    desk.store.delete_range("ccpvm", "light", start_us=0, end_us=2**60, where={"asset": "lamp-1"})
    assert "lamp-1" in desk.read()
    desk.feed.forget()
    assert desk.read() == {}


def test_the_sum_of_the_day_is_asked_for_now_and_then(desk: Desk) -> None:
    """Every ten seconds, and at midnight."""
    desk.write(point({"vehicles_count": 3.0}, asset="cnt-1", measurement="traffic"))
    desk.read()
    desk.read()
    assert desk.store.summed == 1
    desk.read(mono_ms=SUMS_MS)
    assert desk.store.summed == 2
    desk.read(after_ms=11 * HOUR_MS)
    assert desk.store.summed == 3


def test_an_alarm_is_seen_by_the_next_poll_and_its_end_too(desk: Desk) -> None:
    """Each change is a point of the same series: the newest says how it is."""
    desk.write(point({"level_pct": 40.0}, ago_ms=0))
    desk.read()
    assert desk.beside.alarms == ()
    since_ms = NOON_MS - 6 * HOUR_MS  # it began long before it was noticed
    desk.write(alarm_point("light.flicker", asset="lamp-1", since_ms=since_ms, at_ms=NOON_MS))
    desk.write(alarm_point("silence.gateway", number=2, gateway="7076ff0056070a99", at_ms=NOON_MS))
    desk.write(alarm_point("silence.gateway", number=3, gateway="7076ff0056070aaa", at_ms=NOON_MS))
    desk.read()
    assert {(one.kind, one.since_ms) for one in desk.beside.alarms if one.asset} == {("light.flicker", since_ms)}
    assert len(desk.beside.alarms) == 3
    desk.write(alarm_point("light.flicker", word="cleared", asset="lamp-1", at_ms=NOON_MS + 1_000))
    desk.read()
    assert [one.kind for one in desk.beside.alarms if not one.is_open] == ["light.flicker"]
    assert "alarm" not in [name for name, since_us in desk.store.asked if since_us is None]


def test_the_past_is_read_on_demand(desk: Desk) -> None:
    """Of a period, and only what ended in it."""
    desk.write(point({"level_pct": 40.0}, ago_ms=0))
    for number, ago in ((1, 30), (2, 5)):
        desk.write(alarm_point("bin.full", number=number, asset="bin-1", at_ms=NOON_MS - (ago + 1) * HOUR_MS))
        desk.write(alarm_point("bin.full", word="cleared", number=number, asset="bin-1", at_ms=NOON_MS - ago * HOUR_MS))
    desk.read()
    past = desk.feed.history(start_ms=NOON_MS - 24 * HOUR_MS, end_ms=NOON_MS)
    assert [one.id for one in past] == [2]


def test_the_states_of_the_watch_are_those_of_the_asset(desk: Desk) -> None:
    """The newest of each kind; where an asset moved, that of where it stands now."""
    desk.write(point({"level_pct": 40.0}), state("lit", 1.0, ago_ms=HOUR_MS), state("silence", "heard", ago_ms=0))
    assert {kind: one.value for kind, one in desk.read()["lamp-1"].states.items()} == {"lit": 1.0, "silence": "heard"}
    desk.write(state("lit", 0.0, ago_ms=0))
    assert desk.read()["lamp-1"].states["lit"].value == 0.0
    elsewhere = Point(
        "state", {"asset": "lamp-1", "commune": "88351", "kind": "lit"}, NOON_MS * 1000 - 1, {"value": 1.0}
    )
    desk.write(elsewhere)
    assert desk.read()["lamp-1"].states["lit"].value == 0.0


def test_the_watch_is_felt_every_few_seconds(desk: Desk) -> None:
    """Its heartbeat is one series a tenant; it needs no poll of its own each second."""
    desk.write(Point("heartbeat", {"kind": "watch"}, NOON_MS * 1000, {"findings": 0.0}))
    desk.read()
    assert desk.beside.watch.is_awake
    desk.read()
    assert "heartbeat" not in [name for name, _ in desk.store.asked]
    desk.read(mono_ms=BEATS_MS)
    assert "heartbeat" in [name for name, _ in desk.store.asked]
    desk.read(after_ms=HOUR_MS, mono_ms=HOUR_MS)
    assert not desk.beside.watch.is_awake
    assert desk.beside.watch.stopped_ms == NOON_MS


def test_the_operators_own_alarms_are_read_for_the_operator_alone(desk: Desk) -> None:
    """What beffroi says of itself is nothing to a mayor."""
    assert desk.store.write("operator", [alarm_point("road.store.refuses", "critical", channel="ccpvm")]) == []
    desk.write(point({"level_pct": 40.0}, ago_ms=0))
    desk.read()
    assert desk.beside.alarms == ()
    desk.feed = Feed(desk.store, operator=True)
    desk.read()
    assert [one.database for one in desk.beside.alarms] == ["operator"]
    desk.feed = Feed(desk.store, operator=True, tenant="ccpvm")
    desk.read()
    assert desk.beside.alarms == ()


def test_the_first_reading_of_a_tenant_is_asked_for_once(desk: Desk) -> None:
    """From then on assets that had no time to speak are awaited."""
    desk.write(point({"level_pct": 40.0}, ago_ms=30 * HOUR_MS), point({"level_pct": 40.0}, asset="lamp-2", ago_ms=0))
    desk.read()
    assert desk.beside.begun_ms == {"ccpvm": NOON_MS - 30 * HOUR_MS}


def test_without_a_database_there_is_nothing_to_read(tmp_path: Path) -> None:
    """The page may be started before the worker."""
    feed = Feed(SqliteStore.open(tmp_path / "none", read_only=True))
    assert feed.read(TOWN, NOON_MS, mono_ms=0) is None
