"""The reader over a real store: what it sees, and what it says when the store is away."""

import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cloud.page import answers
from cloud.page.lamp import LampState
from cloud.page.reader import Reader
from cloud.page.state import StoreState
from cloud.stores.base import Point
from cloud.stores.sqlite import SqliteStore
from core.errors import ConfigError
from core.territory import Kind, Territory
from tests.support.streets import GATEWAY, HOUR_MS, Streets
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
    news: list[Territory | ConfigError]
    reader: Reader = field(init=False)

    def open(self, **view: Any) -> Reader:
        """Another page over the same store."""
        store = SqliteStore.open(self.folder / "store", read_only=True)
        return Reader(
            store, self.declared, clock=self.clock, look=lambda: self.news.pop() if self.news else None, **view
        )

    def stored(self, measurement: str, asset: str) -> list[Point]:
        store = SqliteStore.open(self.folder / "store", read_only=True)
        return store.series("ccpvm", measurement, start_us=0, end_us=2**60, where={"asset": asset})

    def store(self, database: str, *points: Point) -> None:
        writer = SqliteStore.open(self.folder / "store")
        assert writer.write(database, points) == []
        writer.close()


def _streets(folder: Path) -> Streets:
    return Streets(folder, 6, NIGHT_MS, unequipped=("88205",), bins_each=5, counters_each=3)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store and a territory of 6 lamps, 5 bins and 3 counters a commune, made once."""
    folder = tmp_path_factory.mktemp("filled")
    streets = _streets(folder / "territory")
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
    declared = _streets(tmp_path / "territory").declare()
    scene = Scene(tmp_path, declared, Clock(NIGHT_MS), news=[])
    scene.reader = scene.open()
    return scene


def test_a_poll_sees_every_commune(scene: Scene) -> None:
    """All tenants' lamps, their states, and the edges' balance from the operator's database."""
    changes = scene.reader.poll()
    snapshot = scene.reader.snapshot
    assert snapshot.store is StoreState.READY
    assert len(snapshot.seen) == 66 + 11 * 8 + 11  # lamps, bins and counters, cabinets
    assert snapshot.seen[LAMP.format(6)].state is LampState.LIT
    assert snapshot.seen[LAMP.format(1)].state is LampState.FAULT
    assert snapshot.seen[LAMP.format(2)].state is LampState.SILENT
    assert snapshot.seen[LAMP.format(3)].state is LampState.SUSPECT
    assert snapshot.seen[LAMP.format(4)].state is LampState.BARE
    assert snapshot.tallies["88205"] == {}
    assert snapshot.beside.road is not None
    assert (snapshot.beside.road.accepted, snapshot.beside.road.edges, snapshot.beside.road.balanced) == (
        12_672,
        3,
        True,
    )
    assert changes.states[LAMP.format(6)] is LampState.LIT
    assert [snapshot.seen[f"88383-bin-{n:03}"].state for n in range(1, 5)] == ["full", "fire", "tilted", "silent"]
    assert [snapshot.seen[f"88383-counter-{n:03}"].state for n in range(1, 4)] == ["flowing", "quiet", "silent"]
    assert snapshot.expected_lit == 55  # all that have a device


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
    assert scene.reader.snapshot.total(Kind.LAMP)[LampState.AWAITED] == 55
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
    assert scene.reader.snapshot.seen == known.seen
    file.write_bytes(kept)
    scene.reader.poll()
    assert scene.reader.snapshot.store is StoreState.READY


def test_a_story_has_the_last_readings_and_the_last_day(scene: Scene) -> None:
    """Of one lamp: what it is, what it said, what was doubtful."""
    scene.reader.poll()
    story = scene.reader.story(LAMP.format(3))
    assert story is not None
    assert (story.commune, story.asset.rated_power_w) == ("Remiremont", 40.0)
    assert {point.tags["asset"] for point in [*story.latest, *story.history, *story.suspects]} == {LAMP.format(3)}
    assert len(story.history) == 8  # three hours of three channels, less the doubtful one
    assert [point.fields for point in story.suspects] == [{"power_w": 65_535.0}]
    assert scene.reader.story("no-such-lamp") is None


def test_a_device_that_nobody_declared_is_counted_while_it_speaks(scene: Scene) -> None:
    """Their uplinks are in the operator's database; a day later they are forgotten."""
    for number in (1, 1, 2):
        tags = {"device": f"0018b2000000000{number}", "commune": "88383"}
        scene.store("operator", Point("uplink", tags, (NIGHT_MS - number * HOUR_MS) * 1000, {"key": "k"}))
    scene.reader.poll()
    assert scene.reader.snapshot.beside.unassigned == 2
    scene.clock.wall_ms += 23 * HOUR_MS - 1
    scene.reader.poll()
    assert scene.reader.snapshot.beside.unassigned == 1


def test_a_changed_territory_is_drawn_anew_and_a_faulty_one_is_not(scene: Scene) -> None:
    """The territory in force goes on until its files are whole again."""
    scene.reader.poll()
    scene.news.append(ConfigError("territory.invalid", "assets.csv:1:1: bad"))
    assert not scene.reader.poll().redraw
    smaller = Streets(scene.folder / "smaller", 2, NIGHT_MS).declare()
    scene.news.append(smaller)
    assert scene.reader.poll().redraw
    assert len(scene.reader.snapshot.seen) == 36  # 24 lamps, 12 cabinets


def test_vehicles_of_today_are_summed_since_midnight_of_paris(scene: Scene) -> None:
    """Nobody passed is 0, nobody measured is nothing; after midnight a new day begins."""
    scene.reader.poll()
    today = scene.reader.snapshot.beside.vehicles
    assert today["88383-counter-002"] == 0.0
    assert "88383-counter-003" not in today
    stored = scene.stored("traffic", "88383-counter-001")
    assert {point.tags["channel"] for point in stored} == {"left", "right"}
    assert today["88383-counter-001"] == sum(float(point.fields["vehicles_count"]) for point in stored) > 0
    scene.clock.wall_ms += 3 * HOUR_MS + 60_000
    scene.reader.poll()
    assert scene.reader.snapshot.beside.vehicles == {}


def test_a_silent_site_is_named(scene: Scene) -> None:
    """Each edge reports every minute."""
    scene.reader.poll()
    assert scene.reader.snapshot.beside.silent == ()
    for _ in range(12):
        scene.clock.wall_ms += 60_000
        scene.reader.poll()
    assert [site.name for site in scene.reader.snapshot.beside.silent] == [
        "Belleville-sur-Meuse",
        "Esternay",
        "Remiremont",
    ]


def test_only_the_operators_page_names_devices_and_reads_uplinks(scene: Scene) -> None:
    """Strangers and the last uplink are read where they may be shown, and nowhere else."""
    scene.store("operator", Point("uplink", {"device": "0018b20000000001"}, NIGHT_MS * 1000, {"key": "k"}))
    scene.reader.poll()
    story = scene.reader.story(LAMP.format(6))
    assert (scene.reader.snapshot.beside.unassigned, scene.reader.snapshot.beside.strangers) == (1, ())
    assert story is not None
    assert story.uplink is None
    operator = scene.open(operator=True)
    operator.poll()
    assert [one.dev_eui for one in operator.snapshot.beside.strangers] == ["0018b20000000001"]
    story = operator.story(LAMP.format(6))
    assert story is not None
    assert story.uplink is not None
    assert GATEWAY in str(story.uplink.fields)


def test_one_tenants_page_reads_its_own_database_alone(scene: Scene) -> None:
    """The others may not even be readable: the balance comes from its own sites' reports, strangers are not asked."""
    for name in ("ccpvm", "belleville", "operator"):
        (scene.folder / "store" / f"{name}.sqlite").write_bytes(b"not a database at all, but long enough" * 200)
    reader = scene.open(tenant="esternay")
    reader.poll()
    snapshot = reader.snapshot
    assert snapshot.store is StoreState.READY
    assert {place.commune for place in snapshot.ground.places.values()} == {"51237"}
    assert snapshot.beside.road is not None
    assert (snapshot.beside.road.edges, snapshot.beside.road.accepted) == (1, 4224)
    assert (snapshot.beside.unassigned, snapshot.beside.strangers) == (0, ())
    assert set(snapshot.beside.vehicles) == {"51237-counter-001", "51237-counter-002"}
    assert reader.story(LAMP.format(6)) is None
    told = [answers.state(snapshot), answers.assets(snapshot), answers.outlines(snapshot)]
    assert b"Remiremont" not in msgspec.json.encode(told)


def test_a_tenant_that_nobody_declared_is_refused(scene: Scene) -> None:
    """With the names of those that are; a territory that loses it later is not taken."""
    with pytest.raises(ConfigError, match="declares no tenant 'verdun'") as refused:
        scene.open(tenant="verdun")
    assert refused.value.hint == "it declares: belleville, ccpvm, esternay"
    reader = scene.open(tenant="esternay")
    fewer = {name: one for name, one in scene.declared.tenants.items() if name != "esternay"}
    scene.news.append(replace(scene.declared, tenants=fewer, digest="fewer"))
    reader.poll()
    assert reader.snapshot.ground.title == "Esternay"


def test_the_answers_are_json_and_never_name_a_device(scene: Scene) -> None:
    """`/api/state`, `/api/assets`, `/api/outlines`: the facts of the page, and nothing of radio or identity."""
    scene.reader.poll()
    snapshot = scene.reader.snapshot
    state = msgspec.json.decode(msgspec.json.encode(answers.state(snapshot)))
    assert state["version"] == 1
    assert state["store"] == "ready"
    assert state["lamps"]["lit"] == snapshot.total(Kind.LAMP)[LampState.LIT]
    assert state["road"]["balanced"] is True
    assert len(state["communes"]) == 12
    assert state["bins"]["full"] == 11
    assert state["counters"]["vehicles_today"] == sum(snapshot.beside.vehicles.values()) > 0
    assets = msgspec.json.encode(answers.assets(snapshot))
    features = msgspec.json.decode(assets)["features"]
    lamps = [feature["properties"] for feature in features if feature["properties"]["kind"] == "lamp"]
    assert {facts["state"] for facts in lamps} == {"lit", "fault", "silent", "suspect", "bare"}
    assert {feature["properties"]["layer"] for feature in features} == {"light", "bin", "traffic"}
    outlines = msgspec.json.encode(answers.outlines(snapshot))
    assert len(msgspec.json.decode(outlines)["features"]) == 12
    told = msgspec.json.encode(answers.state(snapshot)) + assets + outlines
    assert not [device for device in scene.declared.devices if device.encode() in told]


def test_an_empty_page_is_described_too(scene: Scene) -> None:
    """Before the first reading every key is there, with null where there is nothing to say."""
    shutil.rmtree(scene.folder / "store")
    scene.reader.poll()
    state = answers.state(scene.reader.snapshot)
    assert (state["newest_ms"], state["age_ms"], state["road"]) == (None, None, None)
