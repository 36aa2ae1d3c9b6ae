"""Every store keeps the same contract (`cloud.stores.base`). Add an implementation to `STORES`, nothing else."""

import math
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from cloud.stores.base import Point, Rejected, Store
from cloud.stores.checks import MAX_TEXT, MAX_TIME_US
from core.errors import StorageError
from tests.support import stores
from tests.support.stores import Opened

T0 = 1_700_000_000_000_000
HOUR = 3_600_000_000
LAMP = {"commune": "88383", "asset": "lamp-1", "device": "00000000000000a1"}
OTHER = {"commune": "88383", "asset": "lamp-2", "device": "00000000000000a2"}

STORES = ("sqlite", "influxdb", *(["influxdb2"] if stores.InfluxDb2().is_set else []))


@pytest.fixture(params=STORES)
def opening(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opened]:
    """What opens the same store, as often as it is called."""
    match request.param:
        case "sqlite":
            made = stores.sqlite(tmp_path / "store")
        case "influxdb":
            made = stores.influxdb(request.getfixturevalue("shared_influxdb"))
        case _:
            made = stores.influxdb2(stores.InfluxDb2(), tmp_path)
    with made as opened:
        yield opened


@pytest.fixture
def store(opening: Opened) -> Iterator[Store]:
    opened = opening()
    yield opened
    opened.close()


def light(time_us: int, tags: dict[str, str] = LAMP, **fields: float | str | bool) -> Point:
    return Point("light", tags, time_us, dict(fields))


def everything(store: Store, measurement: str = "light", database: str = "ccpvm") -> list[Point]:
    return store.series(database, measurement, start_us=0, end_us=MAX_TIME_US)


def test_what_is_written_is_read_back_with_its_types(store: Store) -> None:
    """A point comes back as it was: floats stay floats, integers integers, flags flags, texts texts."""
    point = Point(
        "uplink", LAMP, T0, {"snr_db": 3.0, "seq": 7, "confirmed": False, "payload": "", "name": "Rue de l'Été"}
    )
    assert store.write("ccpvm", [point]) == []
    (back,) = everything(store, "uplink")
    assert back == point
    assert {name: type(field) for name, field in back.fields.items()} == {
        "snr_db": float, "seq": int, "confirmed": bool, "payload": str, "name": str,
    }  # fmt: skip
    assert store.latest("ccpvm", "uplink") == [point]
    (newest,) = store.latest("ccpvm", "uplink")
    assert {name: type(field) for name, field in newest.fields.items()} == {
        name: type(field) for name, field in point.fields.items()
    }


def test_writing_twice_changes_nothing(store: Store) -> None:
    """The same points again, also within one write: same content, same count."""
    points = [light(T0 + n, power_w=float(n)) for n in range(10)]
    store.write("ccpvm", points + points)
    before = everything(store)
    store.write("ccpvm", points)
    assert everything(store) == before == points
    assert store.count("ccpvm", "light") == 10


def test_fields_merge_and_the_newest_write_wins(store: Store) -> None:
    """One series and time is one point: its fields merge, the last written value of each stays."""
    store.write("ccpvm", [light(T0, power_w=1.0, level_pct=50.0), light(T0, power_w=2.0), light(T0, on=True)])
    store.write("ccpvm", [light(T0, power_w=3.0)])
    assert everything(store) == [light(T0, power_w=3.0, level_pct=50.0, on=True)]


def test_texts_merge_as_any_field(store: Store) -> None:
    """Each by itself, whatever others its point was written with, in one write or in several; any text may be one."""
    odd = 'a|b~c\\"d\n'
    store.write("ccpvm", [light(T0, lamp="on", driver="ok"), light(T0, lamp="off", fade="no"), light(T0, driver=odd)])
    assert everything(store) == [light(T0, lamp="off", driver=odd, fade="no")]
    store.write("ccpvm", [light(T0, driver="ok", lamp="on")])
    assert everything(store) == [light(T0, lamp="on", driver="ok", fade="no")]
    assert store.latest("ccpvm", "light") == everything(store)
    store.write("ccpvm", [light(T0, lamp="", fade=odd, relay="|"), light(T0, driver="~!")])
    assert everything(store) == [light(T0, lamp="", driver="~!", fade=odd, relay="|")]
    assert store.count("ccpvm", "light") == 1


def test_the_newest_text_of_each_name_is_the_latest(store: Store) -> None:
    """Of a series whose points have other sets of them; a point of texts alone is a point."""
    points = [light(T0, a="1", b="1", n=1.0), light(T0 + HOUR, b="2", c="2"), light(T0 + 2 * HOUR, a="3", n=3.0)]
    store.write("ccpvm", points[::-1])
    store.write("ccpvm", points[:1])
    assert store.latest("ccpvm", "light") == [light(T0 + 2 * HOUR, a="3", b="2", c="2", n=3.0)]
    assert store.latest("ccpvm", "light", since_us=T0 + HOUR) == [light(T0 + 2 * HOUR, a="3", b="2", c="2", n=3.0)]
    assert store.latest("ccpvm", "light", since_us=T0 + 2 * HOUR) == [points[2]]
    assert everything(store) == points
    assert store.count("ccpvm", "light", start_us=T0 + HOUR, end_us=T0 + 2 * HOUR) == 1
    assert store.delete_range("ccpvm", "light", start_us=T0 + HOUR, end_us=T0 + 2 * HOUR, where={}) == 1
    assert store.latest("ccpvm", "light") == [light(T0 + 2 * HOUR, a="3", b="1", n=3.0)]


def test_a_text_keeps_its_kind(store: Store, opening: Opened) -> None:
    """Also when the store is opened again, and whatever it was written with first."""
    store.write("ccpvm", [light(T0, lamp="on", driver="ok")])
    for again in (store, opening()):
        (rejected,) = again.write("ccpvm", [light(T0 + 1, lamp="on"), light(T0 + 2, driver=1.0)])
        assert (rejected.index, rejected.code) == (1, "point.type")
    again.close()


def test_rollups_are_points_as_any(store: Store) -> None:
    """Written, read and deleted in one go with those that they outlive."""
    rollups = [Point(name, LAMP, T0, {"energy_wh": 1.0, "worst": "lit"}) for name in ("hour", "day", "night")]
    assert store.write("ccpvm", [light(T0, power_w=1.0), *rollups]) == []
    for point in rollups:
        assert everything(store, point.measurement) == [point]
        assert store.latest("ccpvm", point.measurement) == store.latest("ccpvm", point.measurement, since_us=T0)
        assert store.latest("ccpvm", point.measurement) == [point]
        assert store.count("ccpvm", point.measurement) == 1
        sums = store.sums("ccpvm", point.measurement, "energy_wh", start_us=T0, end_us=T0 + 1)
        assert sums == [(LAMP, 1.0)]
    assert len(store.write("ccpvm", [Point("hour", LAMP, T0, {"energy_wh": "much"})])) == 1
    names = ("light", "hour", "day")
    assert store.delete_range("ccpvm", names, start_us=T0, end_us=T0 + 1, where={"asset": "lamp-1"}) == 3
    assert [everything(store, name) for name in ("light", "hour", "day", "night")] == [[], [], [], [rollups[2]]]


def test_a_large_write_is_whole_and_in_its_order(store: Store) -> None:
    """Of several points of one place the last wins, however much is written at once; each that is refused is named."""
    tags = [{**LAMP, "channel": str(n)} for n in range(40)]
    rounds = [[light(T0 + n // 40, tags[n % 40], n=float(n), turn=turn) for n in range(2_500)] for turn in "abc"]
    points = [point for one in rounds for point in one]
    for unfit in (100, 3_000, 7_499):
        points[unfit] = light(T0, tags[0], n=math.nan)
    rejected = store.write("ccpvm", points)
    assert [(one.index, one.code) for one in rejected] == [(n, "point.not_finite") for n in (100, 3_000, 7_499)]
    found = everything(store)
    assert len(found) == store.count("ccpvm", "light") == 2_500
    wanted = {(point.time_us, point.tags["channel"]): point for point in [*rounds[2][:-1], rounds[1][-1]]}
    assert {(point.time_us, point.tags["channel"]): point for point in found} == wanted


def test_within_one_write_the_last_of_equal_points_wins(store: Store) -> None:
    """Whatever fields the points around it have."""
    store.write("ccpvm", [light(T0, a=1.0, b=1.0), light(T0, a=2.0), light(T0, a=3.0, b=3.0), light(T0, b=4.0)])
    assert everything(store) == [light(T0, a=3.0, b=4.0)]


def own(key: str, time_us: int = T0, **fields: float | str | bool) -> Point:
    return Point("event", LAMP, time_us, {"key": key, **fields})


def only(rejected: list[Rejected], index: int) -> bool:
    """Whether the point of this index was refused, for its key and alone; False when both were kept."""
    assert [(line.index, line.code) for line in rejected] in ([], [(index, "identity.collision")])
    return bool(rejected)


def test_a_point_never_replaces_one_with_another_key(store: Store) -> None:
    """What came first stays whole, with its newest values; the other is named, or kept beside it."""
    assert store.write("ccpvm", [own("a", detail="first")]) == []
    second = own("b", detail="second", more=1.0)
    is_refused = only(store.write("ccpvm", [own("c", T0 - 1), second, own("d", T0 + 1)]), 1)
    found = everything(store, "event")
    kept = [own("a", detail="first")] if is_refused else [own("a", detail="first"), second]
    assert (found[0], found[-1]) == (own("c", T0 - 1), own("d", T0 + 1))
    assert sorted(found[1:-1], key=lambda point: str(point.fields["key"])) == kept
    assert store.count("ccpvm", "event") == len(found)
    (newest,) = store.latest("ccpvm", "event")
    assert (newest.time_us, newest.fields["key"]) == (T0 + 1, "d")
    assert store.write("ccpvm", [own("a", detail="again")]) == [], "the same key is the same point"
    assert own("a", detail="again") in everything(store, "event")
    assert store.count("ccpvm", "event") == len(found)


def test_within_one_write_no_key_replaces_another(store: Store) -> None:
    """Whatever fields they have and how often they come: one is stored whole and each point of the other is named, or
    both are there, each with its own fields."""
    mine, others = [own("a"), own("a", detail="a")], [own("b"), own("b", more=1.0)]
    for number, neighbour in enumerate((own("n"), own("n", detail="n"), own("n", more=1.0))):
        tags = {**LAMP, "type": str(number)}
        made = [msgspec.structs.replace(point, tags=tags) for point in (neighbour, mine[0], *others, mine[1])]
        made[0] = msgspec.structs.replace(made[0], time_us=T0 - 1)
        rejected = store.write("ccpvm", made)
        assert {line.code for line in rejected} <= {"identity.collision"}
        indices = [line.index for line in rejected]
        whole = {"a": {"key": "a", "detail": "a"}, "b": {"key": "b", "more": 1.0}}
        stay = {(): ["a", "b"], (1, 4): ["b"], (2, 3): ["a"]}[tuple(indices)]
        stored = store.series("ccpvm", "event", start_us=T0, end_us=T0 + 1, where={"type": str(number)})
        assert sorted((point.fields for point in stored), key=lambda fields: str(fields["key"])) == [
            whole[key] for key in stay
        ]
        (newest,) = store.latest("ccpvm", "event", {"type": str(number)})
        assert (newest.time_us, newest.fields["key"] in stay) == (T0, True)


def test_a_resent_point_is_no_collision_beside_one_that_is(store: Store) -> None:
    """The one that is stored already is never the one that is refused."""
    store.write("ccpvm", [own("a")])
    is_refused = only(store.write("ccpvm", [own("b"), own("a", detail="again")]), 0)
    found = everything(store, "event")
    assert own("a", detail="again") in found
    assert (own("b") in found) is not is_refused


def test_a_range_of_one_instant_has_all_its_keys(store: Store) -> None:
    """However a store keeps two keys of one µs apart: the µs is deleted whole, and neighbours stay."""
    store.write("ccpvm", [own("c", T0 - 1), own("a"), own("b"), own("d", T0 + 1)])
    there = len(store.series("ccpvm", "event", start_us=T0, end_us=T0 + 1))
    assert store.delete_range("ccpvm", "event", start_us=T0, end_us=T0 + 1, where=LAMP) == there
    assert everything(store, "event") == [own("c", T0 - 1), own("d", T0 + 1)]
    assert store.write("ccpvm", [own("b")]) == [], "what was deleted is in nobody's way"
    assert own("b") in everything(store, "event")


def test_latest_takes_absent_fields_from_older_points(store: Store) -> None:
    """`latest`: the time of the newest point, and of each field its newest value, in any order of arrival."""
    store.write("ccpvm", [light(T0 + 2, power_w=2.0)])
    store.write("ccpvm", [light(T0 + 1, level_pct=10.0, power_w=1.0)])
    store.write("ccpvm", [light(T0, level_pct=9.0, lamp="on")])
    assert store.latest("ccpvm", "light") == [light(T0 + 2, power_w=2.0, level_pct=10.0, lamp="on")]


def test_latest_since_an_instant(store: Store) -> None:
    """Series without a point at or after it are left out, and so are fields whose newest value is older."""
    store.write("ccpvm", [light(T0, power_w=1.0, level_pct=10.0), light(T0 + HOUR, power_w=2.0, on=True)])
    store.write("ccpvm", [light(T0, OTHER, power_w=9.0), light(T0 + 2 * HOUR, level_pct=20.0)])

    def since(time_us: int) -> list[Point]:
        return sorted(store.latest("ccpvm", "light", since_us=time_us), key=lambda point: point.tags["asset"])

    newest = light(T0 + 2 * HOUR, power_w=2.0, level_pct=20.0, on=True)
    assert since(0) == since(T0) == [newest, light(T0, OTHER, power_w=9.0)]
    assert since(T0 + 1) == since(T0 + HOUR) == [newest]
    assert since(T0 + HOUR + 1) == since(T0 + 2 * HOUR) == [light(T0 + 2 * HOUR, level_pct=20.0)]
    assert since(T0 + 2 * HOUR + 1) == since(2**62) == []
    assert store.latest("ccpvm", "light", {"asset": "lamp-2"}, since_us=T0) == [light(T0, OTHER, power_w=9.0)]


def test_sums_add_up_one_field_of_each_series(store: Store) -> None:
    """start ≤ time < end; whole numbers too; series without the field are left out, and so is what is no number."""
    left, right = {**LAMP, "channel": "left"}, {**LAMP, "channel": "right"}
    store.write(
        "ccpvm", [light(T0 + n * HOUR, tags, count=float(n), seq=n) for n in range(5) for tags in (left, right)]
    )
    store.write("ccpvm", [light(T0, OTHER, power_w=1.0, lamp="on", on=True), light(T0 + HOUR, right, count=0.5)])

    def sums(field: str, start: int = 0, end: int = 2**62, **where: str) -> list[tuple[dict[str, str], float]]:
        found = store.sums("ccpvm", "light", field, start_us=start, end_us=end, where=where)
        assert all(type(total) is float for _, total in found)
        return sorted(found, key=lambda one: sorted(one[0].items()))

    assert sums("count") == [(left, 10.0), (right, 9.5)]
    assert sums("seq", T0 + HOUR, T0 + 3 * HOUR) == [(left, 3.0), (right, 3.0)]
    assert sums("count", channel="left") == [(left, 10.0)]
    assert sums("power_w", channel="") == [(OTHER, 1.0)]
    assert sums("count", T0 + 5 * HOUR) == sums("none") == sums("lamp") == sums("on") == []
    assert store.sums("ccpvm", "bin", "count", start_us=0, end_us=2**62) == []


def test_latest_has_one_point_a_series(store: Store) -> None:
    """Series differ by any tag; `where` selects, and an empty text asks for the absence of a tag."""
    stock = {"commune": "88383", "device": "00000000000000a1"}
    left, right = {**LAMP, "channel": "1"}, {**LAMP, "channel": "2"}
    store.write("ccpvm", [light(T0, tags, power_w=1.0) for tags in (LAMP, OTHER, stock, left, right)])

    def devices(**where: str) -> int:
        return len(store.latest("ccpvm", "light", where))

    assert devices() == 5
    assert devices(asset="lamp-1") == 3
    assert devices(asset="lamp-1", channel="2") == 1
    assert devices(device="00000000000000a1", asset="") == 1
    assert devices(commune="99999") == 0


def test_series_is_cut_by_time_and_tags(store: Store) -> None:
    """start ≤ time < end, ordered by time over all series, the first `limit` only when asked."""
    points = [light(T0 + n * HOUR // 4, LAMP if n % 2 else OTHER, power_w=float(n)) for n in range(40)]
    store.write("ccpvm", list(reversed(points)))
    cut = store.series("ccpvm", "light", start_us=points[5].time_us, end_us=points[30].time_us)
    assert cut == points[5:30]
    mine = store.series("ccpvm", "light", start_us=0, end_us=2**62, where={"asset": "lamp-1"})
    assert mine == points[1::2]
    assert store.series("ccpvm", "light", start_us=0, end_us=2**62, limit=7) == points[:7]
    assert store.series("ccpvm", "light", start_us=T0, end_us=T0) == []


def test_series_of_a_measurement_with_many_series(store: Store) -> None:
    """More series than the short way takes."""
    points = [light(T0 + n, {"commune": "88383", "device": f"{n:016x}"}, power_w=1.0) for n in range(200)]
    other = light(T0, {"commune": "51237", "device": "f" * 16}, power_w=1.0)
    store.write("ccpvm", [*points, other])
    assert store.series("ccpvm", "light", start_us=0, end_us=2**62, where={"commune": "88383"}) == points


def test_raw_gives_the_uplinks_of_one_device(store: Store) -> None:
    """By time, in start ≤ time < end."""
    store.write("ccpvm", [Point("uplink", tags, T0 + n, {"seq": n}) for n in range(3) for tags in (LAMP, OTHER)])
    found = store.raw("ccpvm", device="00000000000000a1", start_us=T0 + 1, end_us=T0 + 9)
    assert found == [Point("uplink", LAMP, T0 + n, {"seq": n}) for n in (1, 2)]


def test_count_is_cut_by_time(store: Store) -> None:
    """start ≤ time < end."""
    store.write("ccpvm", [light(T0 + n * HOUR, power_w=1.0) for n in range(10)])
    assert store.count("ccpvm", "light") == 10
    assert store.count("ccpvm", "light", start_us=T0 + HOUR, end_us=T0 + 4 * HOUR) == 3
    assert store.count("ccpvm", "light", end_us=T0 + 1) == 1


def test_what_does_not_exist_is_empty(store: Store) -> None:
    """A database or measurement that nothing was written to has nothing, and asking for it makes nothing."""
    before = store.databases()
    for database in ("nowhere", "ccpvm"):
        assert store.latest(database, "light") == store.latest(database, "light", since_us=0) == []
        assert everything(store, database=database) == []
        assert store.count(database, "light") == 0
        assert store.sums(database, "light", "power_w", start_us=0, end_us=2**62) == []
        assert store.delete_range(database, "light", start_us=0, end_us=1, where={}) == 0
    assert store.databases() == before
    assert "nowhere" not in before
    store.write("ccpvm", [light(T0, power_w=1.0)])
    assert everything(store, "bin") == []
    assert store.latest("ccpvm", "bin") == []


def test_databases_never_see_each_other(store: Store) -> None:
    """What one tenant wrote is in its database alone."""
    store.write("esternay", [light(T0, OTHER, power_w=1.0)])
    store.write("ccpvm", [light(T0, power_w=1.0)])
    assert store.databases() == ["ccpvm", "esternay"]
    assert everything(store) == [light(T0, power_w=1.0)]
    assert everything(store, database="esternay") == [light(T0, OTHER, power_w=1.0)]


@pytest.mark.parametrize("name", ["", "../ccpvm", "CCPVM", "a/b", ".", "a.b", "x" * 64])
def test_a_database_has_a_slug_for_a_name(store: Store, name: str) -> None:
    """Nothing else reaches the disk."""
    with pytest.raises(StorageError) as caught:
        store.write(name, [light(T0, power_w=1.0)])
    assert caught.value.code == "store.name"


@pytest.mark.parametrize(
    ("point", "code"),
    [
        (light(T0, power_w=math.nan), "point.not_finite"),
        (light(T0, power_w=math.inf), "point.not_finite"),
        (light(T0, n=2**63), "point.number"),
        (light(T0, text="x" * (MAX_TEXT + 1)), "point.too_long"),
        (light(T0, text="é" * (MAX_TEXT // 2 + 1)), "point.too_long"),
        (light(T0, text="\ud800"), "point.text"),
        (light(T0), "point.empty"),
        (light(-1, power_w=1.0), "point.time"),
        (light(MAX_TIME_US + 1, power_w=1.0), "point.time"),
        (Point("light", {"colour": "red"}, T0, {"power_w": 1.0}), "point.tag"),
        (Point("light", {"asset": ""}, T0, {"power_w": 1.0}), "point.tag"),
        (Point("light", {"asset": "a\nb"}, T0, {"power_w": 1.0}), "point.tag"),
        (Point("light", {"asset": "x" * 300}, T0, {"power_w": 1.0}), "point.tag"),
        (Point("light", LAMP, T0, {'x" REAL); --': 1.0}), "point.name"),
        (Point("_series", LAMP, T0, {"power_w": 1.0}), "point.name"),
        (Point("sqlite_master", LAMP, T0, {"Power": 1.0}), "point.name"),
        (light(T0, known=1), "point.type"),
        (light(T0, known="text"), "point.type"),
        (light(T0, known=True), "point.type"),
    ],
)
def test_an_unfit_point_is_refused_and_its_neighbours_are_stored(store: Store, point: Point, code: str) -> None:
    """The guilty point is named by its index and a code; all others of the same write are there."""
    store.write("ccpvm", [light(T0, known=1.0)])
    good = [light(T0 + n, known=float(n)) for n in range(1, 11)]
    (rejected,) = store.write("ccpvm", [*good[:4], point, *good[4:]])
    assert (rejected.index, rejected.code) == (4, code)
    assert rejected.message
    assert everything(store) == [light(T0, known=1.0), *good]


def test_a_refused_point_fixes_no_type(store: Store) -> None:
    """A point that is refused leaves no trace: its new fields take their kind from the next one."""
    store.write("ccpvm", [light(T0, known=1.0)])
    assert len(store.write("ccpvm", [light(T0, fresh="text", known="text")])) == 1
    assert store.write("ccpvm", [light(T0, fresh=1.0)]) == []


def test_the_largest_fit_values_are_kept(store: Store) -> None:
    """The borders themselves are inside."""
    fit = [light(0, text="x" * MAX_TEXT, n=2**63 - 1, power_w=-1.7e308), light(MAX_TIME_US, n=-(2**63) + 1)]
    assert store.write("ccpvm", fit) == []
    assert store.series("ccpvm", "light", start_us=0, end_us=MAX_TIME_US + 1) == fit


def test_delete_range_deletes_what_matches_and_nothing_else(store: Store) -> None:
    """start ≤ time < end of the matching series; the number deleted comes back; again deletes nothing."""
    points = [light(T0 + n * HOUR // 2, tags, power_w=float(n)) for n in range(10) for tags in (LAMP, OTHER)]
    store.write("ccpvm", points)
    start, end = T0 + HOUR, T0 + 3 * HOUR
    for expected in (4, 0):
        where = {"device": LAMP["device"], "asset": "lamp-1"}
        assert store.delete_range("ccpvm", "light", start_us=start, end_us=end, where=where) == expected
    left = [p for p in points if p.tags != LAMP or not start <= p.time_us < end]
    assert sorted(everything(store), key=lambda p: (p.time_us, p.tags["asset"])) == left
    assert store.count("ccpvm", "light") == 16


def test_deleting_by_an_absent_tag_spares_series_that_have_it(store: Store) -> None:
    """`asset: ""` means the device without an asset."""
    stock = {"commune": "88383", "device": LAMP["device"]}
    store.write("ccpvm", [light(T0, LAMP, power_w=1.0), light(T0, stock, power_w=2.0)])
    where = {**stock, "asset": ""}
    assert store.delete_range("ccpvm", "light", start_us=0, end_us=2**62, where=where) == 1
    assert everything(store) == [light(T0, LAMP, power_w=1.0)]


def test_one_deletion_may_be_of_several_measurements(store: Store) -> None:
    """Also of one that does not exist; the number deleted is that of all, and the others keep theirs."""
    points = [Point(name, LAMP, T0 + n, {"n": n}) for name in ("light", "event", "uplink") for n in range(4)]
    store.write("ccpvm", [*points, light(T0, OTHER, n=0)])
    where = {**LAMP, "kind": "", "site": ""}
    assert store.delete_range("ccpvm", ("light", "bin", "event"), start_us=T0 + 1, end_us=T0 + 3, where=where) == 4
    assert [p.time_us - T0 for p in everything(store, "event")] == [0, 3]
    assert [(p.time_us - T0, p.tags) for p in everything(store)] in (
        [(0, LAMP), (0, OTHER), (3, LAMP)],
        [(0, OTHER), (0, LAMP), (3, LAMP)],
    )
    assert len(everything(store, "uplink")) == 4


def test_latest_follows_a_deletion(store: Store) -> None:
    """Deleting the newest value of a field brings back the one before; an emptied series is gone."""
    store.write("ccpvm", [light(T0, power_w=1.0, level_pct=5.0, on=True), light(T0 + HOUR, power_w=2.0)])
    store.write("ccpvm", [light(T0 + 2 * HOUR, power_w=3.0)])
    store.delete_range("ccpvm", "light", start_us=T0 + HOUR, end_us=2**62, where={})
    assert store.latest("ccpvm", "light") == [light(T0, power_w=1.0, level_pct=5.0, on=True)]
    store.delete_range("ccpvm", "light", start_us=0, end_us=2**62, where={})
    assert store.latest("ccpvm", "light") == []
    store.write("ccpvm", [light(T0 - 1, power_w=7.0)])
    assert store.latest("ccpvm", "light") == [light(T0 - 1, power_w=7.0)]


def test_a_closed_store_opens_again_with_all_it_had(opening: Opened) -> None:
    """Closing and opening loses nothing and learns nothing wrong: kinds of fields included."""
    first = opening()
    first.write("ccpvm", [light(T0, power_w=1.0)])
    first.close()
    second = opening()
    assert len(second.write("ccpvm", [light(T0, power_w="text")])) == 1
    second.write("ccpvm", [light(T0 + 1, level_pct=2.0)])
    assert second.latest("ccpvm", "light") == [light(T0 + 1, level_pct=2.0, power_w=1.0)]
    second.close()
