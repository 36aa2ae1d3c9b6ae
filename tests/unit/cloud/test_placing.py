"""What a piece of the store needs to be where the territory says: what is written, what is deleted before."""

from collections.abc import Iterable

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from cloud.moves.placing import Deletion, Located, Move, deletions, move_of, plan
from cloud.stores.base import Field, Point
from core.territory import Geometry, Shape, Territory
from tests.support.moving import DEVICES, T0_MS, territory

A1 = DEVICES[0]
T0 = T0_MS * 1000
HERE = {"commune": "88383", "asset": "lamp-1", "device": A1}
ONE = Geometry(Shape.UPRIGHT, 1000)
BIN = {"commune": "88383", "asset": "bin-1", "device": A1}


def located(point: Point, *, edge: str = "remiremont") -> Located:
    return Located("ccpvm", point, point.time_us, edge)


def in_bin(n: int = 0, **fields: Field) -> Located:
    return located(Point("bin", BIN, T0 + n, fields))


def placed(geometry: Geometry | None) -> Territory:
    return territory([(A1, "bin-1", 0, None)], geometry=geometry)


def test_the_fill_of_a_bin_is_part_of_its_place() -> None:
    """Computed from the stored distance and this bin's geometry; home once it is written."""
    move = move_of(in_bin(distance_mm=250.0, fill_pct=10.0, battery_v=3.6), placed(ONE))
    assert (move.is_home, move.leaves) == (False, False)
    assert move.point == Point("bin", BIN, T0, {"distance_mm": 250.0, "fill_pct": 75.0, "battery_v": 3.6})
    again = move_of(located(move.point), placed(ONE))
    assert again.is_home
    assert move_of(in_bin(distance_mm=250.0, battery_v=3.6), placed(ONE)).point.fields["fill_pct"] == 75.0


def test_a_fill_without_geometry_goes() -> None:
    """A field can vanish only with its point: that leaves first, and comes back without."""
    move = move_of(in_bin(distance_mm=250.0, fill_pct=75.0), placed(None))
    assert (move.is_home, move.leaves) == (False, True)
    assert move.point.fields == {"distance_mm": 250.0}
    assert move_of(located(move.point), placed(None)).is_home
    beyond = move_of(in_bin(distance_mm=1200.0, fill_pct=75.0), placed(ONE))
    assert beyond.point.fields == {"distance_mm": 1200.0}


def test_a_fill_that_a_sensor_sends_is_its_own() -> None:
    """Whatever the geometry; and other measurements have no fill."""
    for geometry in (ONE, None):
        assert move_of(in_bin(fill_pct=42.0), placed(geometry)).is_home
        suspect = located(Point("suspect", BIN, T0, {"distance_mm": 99_999.0, "fill_pct": 1.0}))
        assert move_of(suspect, placed(geometry)).is_home


def test_values_alone_are_written_over() -> None:
    """No deletion where no field goes: the bin stays on the map while its history is computed anew."""
    stored = [in_bin(n, distance_mm=float(n), fill_pct=1.0) for n in range(5)]
    uplinks = [located(Point("uplink", BIN, T0 + n, {"key": str(n)})) for n in range(5)]
    moves, cuts = plan([*uplinks, *stored], [], placed(ONE))
    assert [move.point.fields["fill_pct"] for move in moves] == [100 - n / 10 for n in range(5)]
    assert cuts == []
    moves, cuts = plan([*uplinks, *stored], [], placed(None))
    where = {"device": A1, "asset": "bin-1", "commune": "88383", "gateway": "", "site": "", "kind": ""}
    assert cuts == [Deletion("ccpvm", ("bin",), where, T0, T0 + 5)]
    assert len(moves) == 5


def test_one_range_holds_all_that_a_device_leaves_behind() -> None:
    """Of all measurements and channels, from its first row to its last."""
    tags = [HERE, {**HERE, "channel": "1"}, {**HERE, "channel": "2"}]
    found = [located(Point("light", own, T0 + n, {"a": 1.0})) for n in range(9) for own in tags]
    found += [located(Point("uplink", HERE, T0 + n, {"key": str(n)})) for n in range(9)]
    found += [located(Point("event", {**HERE, "type": kind}, T0 + 20, {"key": kind})) for kind in ("join", "log")]
    moves, cuts = plan(found, [], territory([(A1, "lamp-2", 0, None)]))
    (cut,) = cuts
    assert (cut.measurements, cut.start_us, cut.end_us) == (("event", "light", "uplink"), T0, T0 + 21)
    assert cut.where == {"device": A1, "asset": "lamp-1", "commune": "88383", "gateway": "", "site": "", "kind": ""}
    assert len(moves) == len(found)


def test_two_rows_of_one_series_and_instant_go_together() -> None:
    """A deletion knows no keys: what stays of the two is held and written again."""
    tags = {"commune": "88383", "type": "health"}
    mine = located(Point("event", tags, T0, {"key": "mine"}))
    other = located(Point("event", tags, T0, {"key": "other"}), edge="gerardmer")
    later = located(Point("event", tags, T0 + 1, {"key": "later"}), edge="gerardmer")
    moves, cuts = plan([mine], [other, later], territory([], sites={"remiremont": "88351"}))
    assert [(move.point.fields["key"], move.tags["commune"]) for move in moves] == [
        ("mine", "88351"),
        ("other", "88383"),
    ]
    assert [(cut.start_us, cut.end_us) for cut in cuts] == [(T0, T0 + 1)]


def is_cut(point: Point, cuts: Iterable[Deletion]) -> bool:
    return any(
        point.measurement in cut.measurements
        and cut.start_us <= point.time_us < cut.end_us
        and all(point.tags.get(tag, "") == text for tag, text in cut.where.items())
        for cut in cuts
    )


places = st.builds(
    lambda name, asset, channel, at: Point(
        name, {"device": A1, "commune": "1", **({"asset": asset} if asset else {}), **channel}, at, {"a": 1.0}
    ),
    st.sampled_from(["light", "uplink", "suspect"]),
    st.sampled_from(["", "lamp-1", "lamp-2"]),
    st.sampled_from([{}, {"channel": "1"}, {"channel": "2"}]),
    st.integers(0, 12),
)


@given(st.dictionaries(places.map(msgspec.json.encode), st.booleans(), max_size=60))
def test_what_leaves_is_deleted_and_nothing_that_stays(chosen: dict[bytes, bool]) -> None:
    """Whatever lies between what."""
    found = [(msgspec.json.decode(text, type=Point), leaves) for text, leaves in chosen.items()]
    moves = [(Move(located(point), "operator", {}, point.fields), leaves) for point, leaves in found]
    cuts = deletions([move for move, leaves in moves if leaves], [move for move, leaves in moves if not leaves])
    assert [is_cut(point, cuts) for point, _ in found] == [leaves for _, leaves in found]
    assert len(cuts) <= sum(leaves for _, leaves in found)
