"""Whatever comes when, and wherever the job is killed: the same hours and days as computed once, from all there is."""

from datetime import UTC, datetime
from itertools import count

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud.dirty import HOUR_MS, marks
from cloud.stores.base import Point, Store
from cloud.watch.rollup_job import RollupJob
from core.errors import NotConnected, StorageError
from tests.support.memory_store import MemoryStore
from tests.support.rolled import COUNTERS, LAMPS, come_to_rest, counter_point, lamp_point, new_job, rolled

# the last Sunday of October, 01:00 UTC, is when the clocks go back: the days around it have 24, 25 and 24 hours
START_MS = round(datetime(2025, 10, 25, 3, tzinfo=UTC).timestamp() * 1000)
HOURS = 60
END_MS = START_MS + (HOURS + 2) * HOUR_MS


class Killed(BaseException):
    """As a kill -9: nothing that the job could catch."""


_at = st.integers(0, HOURS * 60 - 1).map(lambda minute: START_MS + minute * 60_000)
_point = st.one_of(
    st.builds(
        lamp_point,
        st.sampled_from(sorted(LAMPS)),
        _at,
        st.one_of(st.none(), st.integers(0, 1000).map(float)),
        st.integers(0, 80).map(float),
    ),
    st.builds(counter_point, st.sampled_from(sorted(COUNTERS)), _at, st.integers(0, 9).map(float)),
)
_arrival = st.tuples(_point, st.integers(0, 30))  # hours late
_trouble = st.sampled_from(["", "", "killed before", "killed after", "refused", "away"])
_run = st.tuples(st.integers(1, 12), _trouble, st.integers(1, 120), st.integers(0, 200))


def from_scratch(points: list[Point]) -> Store:
    store = MemoryStore()
    store.write("ccpvm", points)
    come_to_rest(new_job(store, lambda: END_MS), END_MS)
    return store


class Trouble:
    """Strikes once, at the n-th call."""

    def __init__(self, store: MemoryStore, kind: str, at: int) -> None:
        self.kind = kind
        self.left = at
        store.before, store.after = self.begun, self.done

    def begun(self, call: str, database: str) -> None:
        self.left -= 1
        if self.left == 0:
            match self.kind:
                case "killed before":
                    raise Killed
                case "refused":
                    raise StorageError("store.full", "no room")
                case "away":
                    raise NotConnected("store.silent", "no answer")

    def done(self, call: str, database: str) -> None:
        if self.left <= 0 and self.kind == "killed after":
            self.kind = ""
            raise Killed


@settings(max_examples=300, deadline=None)
@given(
    st.lists(_arrival, min_size=5, max_size=60),
    st.lists(_run, min_size=3, max_size=12),
    st.lists(st.integers(0, 200), max_size=5),
)
def test_any_order_lateness_and_interruption_end_with_the_same_points(
    arrivals: list[tuple[Point, int]], runs: list[tuple[int, str, int, int]], removed: list[int]
) -> None:
    """Late data, marks, refusals and kills at any call of the store, pieces left half done: in the end as if computed
    once, in the tenant's database and the operator's; once more changes nothing."""
    store = MemoryStore()
    now_ms = START_MS
    mono_ms = count(0, 4000)  # now and then it is time to keep the progress

    def start() -> RollupJob:
        return new_job(store, lambda: now_ms, lambda: next(mono_ms))

    waiting = sorted(
        ((point.time_us // 1000 + late * HOUR_MS, number, point) for number, (point, late) in enumerate(arrivals)),
    )
    kept: dict[tuple[object, ...], Point] = {}

    def take_what_has_come() -> None:
        come = [point for at_ms, _, point in waiting if at_ms <= now_ms]
        del waiting[: len(come)]
        for point in come:
            place = (point.measurement, *sorted(point.tags.items()), point.time_us)
            known = kept.get(place)
            kept[place] = msgspec.structs.replace(point, fields={**(known.fields if known else {}), **point.fields})
        if come:
            store.write("ccpvm", [*come, *marks(come, now_ms=now_ms)])

    first = lamp_point("lamp-1", START_MS, 100.0)  # the beginning is found, and the rest of the case is about the rest
    kept["light", *sorted(first.tags.items()), first.time_us] = first
    store.write("ccpvm", [first])
    job = start()
    come_to_rest(job, now_ms)
    for hours, kind, at, pieces in runs:
        now_ms = min(END_MS, now_ms + hours * HOUR_MS)
        take_what_has_come()
        trouble = Trouble(store, kind, at)
        try:
            job.take_marks(now_ms, margin_ms=120_000)
            work = job.pieces(now_ms // HOUR_MS * HOUR_MS)
            for _, _ in zip(range(pieces), work, strict=False):
                pass
            work.close()
        except Killed:
            job = start()
        except (NotConnected, StorageError):
            pass
        trouble.left = 0
        trouble.kind = ""
    now_ms = END_MS
    waiting = [(0, number, point) for _, number, point in waiting]
    take_what_has_come()
    come_to_rest(job, now_ms)
    places = list(kept)
    for place in {places[number] for number in removed if number < len(places)}:
        point = kept.pop(place)
        at_us = point.time_us
        store.delete_range("ccpvm", point.measurement, start_us=at_us, end_us=at_us + 1, where=point.tags)
        now_ms += 1
        store.write("ccpvm", marks([point], now_ms=now_ms))
    come_to_rest(job, now_ms)
    expected = rolled(from_scratch(list(kept.values())))
    assert rolled(store) == expected
    before = dict(rolled(store))
    come_to_rest(start(), now_ms)
    assert rolled(store) == before
