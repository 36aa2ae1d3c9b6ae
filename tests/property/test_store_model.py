"""The store against a plain model of its contract, over any sequence of writes and deletions."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud.stores.base import Field, Point
from tests.support import stores
from tests.support.memory import memory_folder
from tests.support.stores import Opened

HOUR = 3_600_000_000
SERIES = [
    {"device": "00000000000000a1", "asset": "lamp-1"},
    {"device": "00000000000000a1"},
    {"device": "00000000000000a1", "asset": "lamp-1", "channel": "2"},
    {"device": "00000000000000a2", "asset": "lamp-1"},
]
TIMES = [0, 1, 2, HOUR - 1, HOUR, HOUR + 1, 5 * HOUR, 5 * HOUR + 1, 50 * HOUR]

fields = st.fixed_dictionaries(
    {},
    optional={
        "power_w": st.floats(-5, 5),
        "level_pct": st.sampled_from([0.0, 50.0, 100.0]),
        "on": st.booleans(),
        "seq": st.integers(0, 9),
        "lamp": st.sampled_from(["on", "off", ""]),
        "driver": st.sampled_from(["ok", "a|b", "~"]),
        "fade": st.sampled_from(["no", "|~!", '\\"']),
    },
).filter(bool)
points = st.builds(Point, st.just("light"), st.sampled_from(SERIES), st.sampled_from(TIMES), fields)
where = st.sampled_from(
    [{}, {"device": "00000000000000a1"}, {"asset": ""}, {"asset": "lamp-1", "channel": ""}, {"channel": "2"}]
)
ranges = st.tuples(st.sampled_from(TIMES), st.sampled_from([*TIMES, 2**62])).map(lambda pair: tuple(sorted(pair)))
writes = st.lists(points, max_size=8)
deletions = st.tuples(ranges, where)

Fresh = Callable[[], AbstractContextManager[Opened]]


@contextmanager
def sqlite() -> Iterator[Opened]:
    with memory_folder() as folder, stores.sqlite(Path(folder)) as opened:
        yield opened


@pytest.fixture(scope="session", params=["sqlite", "influxdb"])
def fresh(request: pytest.FixtureRequest) -> Fresh:
    """Makes an empty store, for each example."""
    if request.param == "sqlite":
        return sqlite
    server = request.getfixturevalue("shared_influxdb")
    return lambda: stores.influxdb(server)


Model = dict[tuple[tuple[tuple[str, str], ...], int], dict[str, Field]]


def matches(tags: tuple[tuple[str, str], ...], wanted: dict[str, str]) -> bool:
    return all(dict(tags).get(name, "") == text for name, text in wanted.items())


def apply(model: Model, point: Point) -> None:
    model.setdefault((tuple(sorted(point.tags.items())), point.time_us), {}).update(point.fields)


def comparable(found: list[Point]) -> list[tuple[object, ...]]:
    return sorted(
        (point.time_us, sorted(point.tags.items()), sorted((n, type(f).__name__, f) for n, f in point.fields.items()))
        for point in found
    )


def newest(model: Model) -> list[Point]:
    latest: dict[tuple[tuple[str, str], ...], Point] = {}
    for (tags, time_us), found in sorted(model.items(), key=lambda item: item[0][1]):
        before = latest[tags].fields if tags in latest else {}
        latest[tags] = Point("light", dict(tags), time_us, {**before, **found})
    return list(latest.values())


def sums(field: str, points: list[Point]) -> dict[tuple[tuple[str, str], ...], float]:
    totals: dict[tuple[tuple[str, str], ...], float] = {}
    for point in points:
        if field in point.fields:
            tags = tuple(sorted(point.tags.items()))
            totals[tags] = totals.get(tags, 0.0) + float(point.fields[field])
    return totals


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(writes, deletions), max_size=12), ranges, where)
def test_the_store_is_its_model(
    fresh: Fresh,
    steps: list[list[Point] | tuple[tuple[int, int], dict[str, str]]],
    asked: tuple[int, int],
    wanted: dict[str, str],
) -> None:
    """Every question and `delete_range` are answered as a dictionary of points would, after any steps."""
    model: Model = {}
    with fresh() as opened, closing(opened()) as store:
        for step in steps:
            if isinstance(step, list):
                assert store.write("ccpvm", step) == []
                for point in step:
                    apply(model, point)
                continue
            (start_us, end_us), tags = step
            gone = [key for key in model if start_us <= key[1] < end_us and matches(key[0], tags)]
            assert store.delete_range("ccpvm", "light", start_us=start_us, end_us=end_us, where=tags) == len(gone)
            for key in gone:
                del model[key]
        start_us, end_us = asked
        expected = [
            Point("light", dict(tags), time_us, found)
            for (tags, time_us), found in model.items()
            if start_us <= time_us < end_us and matches(tags, wanted)
        ]
        found = store.series("ccpvm", "light", start_us=start_us, end_us=end_us, where=wanted)
        assert comparable(found) == comparable(expected)
        assert [point.time_us for point in found] == sorted(point.time_us for point in found)
        assert comparable(store.latest("ccpvm", "light")) == comparable(newest(model))
        since = store.latest("ccpvm", "light", wanted, since_us=start_us)
        assert comparable(since) == comparable(
            newest(
                {place: found for place, found in model.items() if place[1] >= start_us and matches(place[0], wanted)}
            )
        )
        totals = store.sums("ccpvm", "light", "seq", start_us=start_us, end_us=end_us, where=wanted)
        assert {tuple(sorted(tags.items())): total for tags, total in totals} == sums("seq", expected)
        assert store.count("ccpvm", "light") == len(model)


@settings(max_examples=25, deadline=None)
@given(st.dictionaries(st.tuples(st.integers(0, 3), st.sampled_from(TIMES)), fields, max_size=8), st.data())
def test_any_order_and_any_repetition_give_the_same_content(
    fresh: Fresh, truth: dict[tuple[int, int], dict[str, Field]], data: st.DataObject
) -> None:
    """Rows that come again, late, and in other batches leave the same points and the same newest values."""
    rows = [Point("light", SERIES[series], time_us, found) for (series, time_us), found in truth.items()]
    again = data.draw(st.permutations(rows + rows))
    cut = data.draw(st.integers(0, len(again)))
    contents = []
    for batches in ([rows], [again[:cut], again[cut:]]):
        with fresh() as opened, closing(opened()) as store:
            for batch in batches:
                store.write("ccpvm", batch)
            contents.append(
                (
                    comparable(store.series("ccpvm", "light", start_us=0, end_us=2**62)),
                    comparable(store.latest("ccpvm", "light")),
                )
            )
    assert contents[0] == contents[1]
