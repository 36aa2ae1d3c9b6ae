"""The reader over a real store: what it sees, and what it says when the store is away."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from cloud.page import answers
from cloud.page.lamp import LampState
from cloud.page.reader import Reader
from cloud.page.state import StoreState
from cloud.stores.base import Point
from cloud.stores.sqlite import SqliteStore
from core.errors import ConfigError
from core.territory import Territory
from tests.support.streets import HOUR_MS, Streets
from tests.unit.page.page_facts import NOON_MS

NIGHT_MS = NOON_MS + 8 * HOUR_MS  # 21:00 in Paris
LAMP = "88383-lamp-{:03}"


class Clock:
    def __init__(self, now_ms: int) -> None:
        self.wall_ms = now_ms

    def now_ms(self) -> int:
        return self.wall_ms

    def mono_ms(self) -> int:
        return self.wall_ms

    def synced(self) -> bool:
        return True


@dataclass
class Scene:
    folder: Path
    declared: Territory
    clock: Clock
    reader: Reader
    news: list[Territory | ConfigError]

    def store(self, database: str, *points: Point) -> None:
        writer = SqliteStore.open(self.folder / "store")
        assert writer.write(database, points) == []
        writer.close()


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store and a territory of 6 lamps a commune, made once."""
    folder = tmp_path_factory.mktemp("filled")
    streets = Streets(folder / "territory", 6, NIGHT_MS, unequipped=("88205",))
    batches: dict[str, list[Point]] = {}
    for database, point in streets.points(streets.declare(), hours=3):
        batches.setdefault(database, []).append(point)
    writer = SqliteStore.open(folder / "store")
    for database, points in batches.items():
        assert writer.write(database, points) == []
    writer.close()
    return folder


@pytest.fixture
def scene(filled: Path, tmp_path: Path) -> Scene:
    shutil.copytree(filled, tmp_path, dirs_exist_ok=True)
    declared = Streets(tmp_path / "territory", 6, NIGHT_MS, unequipped=("88205",)).declare()
    clock, news = Clock(NIGHT_MS), list[Territory | ConfigError]()
    reader = Reader(
        SqliteStore.open(tmp_path / "store", read_only=True),
        declared,
        clock=clock,
        look=lambda: news.pop() if news else None,
    )
    return Scene(tmp_path, declared, clock, reader, news)


def test_a_poll_sees_every_commune(scene: Scene) -> None:
    """All tenants' lamps, their states, and the edges' balance from the operator's database."""
    changes = scene.reader.poll()
    snapshot = scene.reader.snapshot
    assert snapshot.store is StoreState.READY
    assert len(snapshot.lamps) == 66
    assert snapshot.lamps[LAMP.format(6)].state is LampState.LIT
    assert snapshot.lamps[LAMP.format(1)].state is LampState.FAULT
    assert snapshot.lamps[LAMP.format(2)].state is LampState.SILENT
    assert snapshot.lamps[LAMP.format(3)].state is LampState.SUSPECT
    assert snapshot.lamps[LAMP.format(4)].state is LampState.BARE
    assert snapshot.tallies["88205"].declared == 0
    assert snapshot.road is not None
    assert (snapshot.road.accepted, snapshot.road.edges, snapshot.road.balanced) == (12_672, 3, True)
    assert changes.states[LAMP.format(6)] is LampState.LIT


def test_a_write_of_another_process_is_seen_by_the_next_poll(scene: Scene) -> None:
    """Only the lamp that changed is named."""
    scene.reader.poll()
    tags = next(
        {"commune": asset.commune, "asset": asset.id, "device": assignment.dev_eui, "channel": "dali_1"}
        for assignment in scene.declared.assignments
        if (asset := scene.declared.assets[assignment.asset]).id == LAMP.format(6)
    )
    scene.store("ccpvm", Point("light", tags, NIGHT_MS * 1000, {"level_pct": 0.0}))
    assert scene.reader.poll().states == {LAMP.format(6): LampState.OFF}


def test_a_store_that_does_not_exist_yet_is_waited_for(scene: Scene) -> None:
    """The page may be started before the worker; the declared lamps are on the map already."""
    shutil.rmtree(scene.folder / "store")
    scene.reader.poll()
    assert scene.reader.snapshot.store is StoreState.ABSENT
    assert scene.reader.snapshot.total[LampState.SILENT] == 55
    scene.store("ccpvm", Point("uplink", {"device": "0018b20000000001"}, NIGHT_MS * 1000, {"key": "k"}))
    scene.reader.poll()
    assert scene.reader.snapshot.store is StoreState.EMPTY


def test_a_store_that_cannot_be_read_leaves_the_last_known_state(scene: Scene) -> None:
    """It is said, not hidden, and it ends by itself."""
    scene.reader.poll()
    known = scene.reader.snapshot
    file = scene.folder / "store" / "ccpvm.sqlite"
    kept = file.read_bytes()
    file.write_bytes(b"not a database at all, but long enough to be taken for one" * 100)
    assert scene.reader.poll().states == {}
    assert scene.reader.snapshot.store is StoreState.FAILING
    assert scene.reader.snapshot.lamps == known.lamps
    file.write_bytes(kept)
    scene.reader.poll()
    assert scene.reader.snapshot.store is StoreState.READY


def test_a_story_has_the_last_readings_and_the_last_day(scene: Scene) -> None:
    """Of one lamp: what it is, what it said, what was doubtful."""
    scene.reader.poll()
    story = scene.reader.story(LAMP.format(3))
    assert story is not None
    assert (story.commune, story.asset.rated_power_w) == ("Remiremont", 40.0)
    assert {point.tags["asset"] for point in [*story.latest, *story.day, *story.suspects]} == {LAMP.format(3)}
    assert len(story.day) == 8  # three hours of three channels, less the doubtful one
    assert [point.fields for point in story.suspects] == [{"power_w": 65_535.0}]
    assert scene.reader.story("no-such-lamp") is None


def test_a_device_that_nobody_declared_is_counted_while_it_speaks(scene: Scene) -> None:
    """Their uplinks are in the operator's database; a day later they are forgotten."""
    for number in (1, 1, 2):
        tags = {"device": f"0018b2000000000{number}", "commune": "88383"}
        scene.store("operator", Point("uplink", tags, (NIGHT_MS - number * HOUR_MS) * 1000, {"key": "k"}))
    scene.reader.poll()
    assert scene.reader.snapshot.unassigned == 2
    scene.clock.wall_ms += 23 * HOUR_MS - 1
    scene.reader.poll()
    assert scene.reader.snapshot.unassigned == 1


def test_a_changed_territory_is_drawn_anew_and_a_faulty_one_is_not(scene: Scene) -> None:
    """The territory in force goes on until its files are whole again."""
    scene.reader.poll()
    scene.news.append(ConfigError("territory.invalid", "assets.csv:1:1: bad"))
    assert not scene.reader.poll().redraw
    smaller = Streets(scene.folder / "smaller", 2, NIGHT_MS).declare()
    scene.news.append(smaller)
    assert scene.reader.poll().redraw
    assert len(scene.reader.snapshot.lamps) == 24


def test_the_answers_are_json_and_never_name_a_device(scene: Scene) -> None:
    """`/api/state`, `/api/lamps`, `/api/outlines`: the facts of the page, and nothing of radio or identity."""
    scene.reader.poll()
    snapshot = scene.reader.snapshot
    state = msgspec.json.decode(msgspec.json.encode(answers.state(snapshot)))
    assert state["version"] == 1
    assert state["store"] == "ready"
    assert state["lamps"]["lit"] == snapshot.total[LampState.LIT]
    assert state["road"]["balanced"] is True
    assert len(state["communes"]) == 12
    lamps = msgspec.json.encode(answers.lamps(snapshot))
    features = msgspec.json.decode(lamps)["features"]
    assert {feature["properties"]["state"] for feature in features} == {"lit", "fault", "silent", "suspect", "bare"}
    outlines = msgspec.json.encode(answers.outlines(snapshot))
    assert len(msgspec.json.decode(outlines)["features"]) == 12
    told = msgspec.json.encode(answers.state(snapshot)) + lamps + outlines
    assert not [device for device in scene.declared.devices if device.encode() in told]


def test_an_empty_page_is_described_too(scene: Scene) -> None:
    """Before the first reading every key is there, with null where there is nothing to say."""
    shutil.rmtree(scene.folder / "store")
    scene.reader.poll()
    state = answers.state(scene.reader.snapshot)
    assert (state["newest_ms"], state["age_ms"], state["road"]) == (None, None, None)
