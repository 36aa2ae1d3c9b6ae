"""What the watch writes and reads again, on every store: hours, days and marks as in memory, states that hold."""

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest

from cloud.dirty import HOUR_MS, marks
from cloud.stores.base import Point, Store
from core.territory.calendars import PARIS
from tests.support import stores
from tests.support.memory_store import MemoryStore
from tests.support.rolled import come_to_rest, counter_point, lamp_point, new_job, rolled
from tests.support.stores import Opened

STORES = ("sqlite", "influxdb", *(["influxdb2"] if stores.InfluxDb2().is_set else []))
EVENING_MS = round(datetime(2025, 10, 25, 18, tzinfo=PARIS).timestamp() * 1000)  # before a night of 25 hours
END_MS = EVENING_MS + 21 * HOUR_MS


@pytest.fixture(params=STORES)
def opening(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opened]:
    match request.param:
        case "sqlite":
            made = stores.sqlite(tmp_path / "store")
        case "influxdb":
            made = stores.influxdb(request.getfixturevalue("shared_influxdb"))
        case _:
            made = stores.influxdb2(stores.InfluxDb2(), tmp_path)
    with made as opened:
        yield opened


def readings() -> list[Point]:
    """A night of two lamps and a counter; one lamp says its power once alone."""
    found = [lamp_point("lamp-2", EVENING_MS + 5, None, 60.0)]
    for hours in range(1, 20):
        found.append(lamp_point("lamp-1", EVENING_MS + hours * HOUR_MS, 100.0 + 7 * hours, 40.0 + hours))
        found.append(lamp_point("lamp-2", EVENING_MS + hours * HOUR_MS + 1, 10.0 * hours))
        found.append(counter_point("counter-2", EVENING_MS + hours * HOUR_MS + 2, hours / 3))
    return found


def late() -> list[Point]:
    """The beginning of a meter, hours later, and a power in the middle of the night."""
    return [
        lamp_point("lamp-1", EVENING_MS + 60_000, 3.5),
        lamp_point("lamp-2", EVENING_MS + 7 * HOUR_MS + 9, None, 0.1 + 0.2),
        counter_point("counter-1", EVENING_MS + 8 * HOUR_MS, 1 / 7),
    ]


def live(store: Store) -> None:
    """All of it through the job, late readings and one that is moved away."""
    now_ms = END_MS
    assert store.write("ccpvm", readings()) == []
    job = new_job(store, lambda: now_ms)
    come_to_rest(job, now_ms)
    now_ms += 60_000
    assert store.write("ccpvm", [*late(), *marks(late(), now_ms=now_ms)]) == []
    come_to_rest(job, now_ms)
    now_ms += 60_000
    gone = lamp_point("lamp-2", EVENING_MS + 5, None, 60.0)
    start_us = gone.time_us
    where = {"asset": "lamp-2"}
    assert store.delete_range("ccpvm", "light", start_us=start_us, end_us=start_us + 1, where=where) == 1
    assert store.write("ccpvm", marks([gone], now_ms=now_ms)) == []
    come_to_rest(new_job(store, lambda: now_ms), now_ms)


def test_hours_and_days_are_the_same_on_every_store(opening: Opened) -> None:
    """To the last bit; late readings corrected them, and a field that no reading gives any more is gone."""
    memory = MemoryStore()
    live(memory)
    expected = rolled(memory)
    with closing(opening()) as store:
        live(store)
        assert rolled(store) == expected
    scratch = MemoryStore()
    scratch.write("ccpvm", [*readings()[1:], *late()])
    come_to_rest(new_job(scratch, lambda: END_MS), END_MS)
    assert rolled(scratch) == expected
    assert len(expected) > 100


def test_marks_are_told_once_and_in_spite_of_a_restart(opening: Opened) -> None:
    """Those of one moment are points of their own on every store."""
    points = [lamp_point("lamp-1", EVENING_MS + hours * HOUR_MS, 1.0) for hours in range(40)]
    points += [counter_point("counter-2", EVENING_MS, 1.0)]
    with closing(opening()) as store:
        now_ms = EVENING_MS + 48 * HOUR_MS
        assert store.write("ccpvm", marks(points, now_ms=now_ms)) == []
        job = new_job(store, lambda: now_ms)
        assert job.take_marks(now_ms, margin_ms=60_000) == []
        told = job.take_marks(now_ms, margin_ms=60_000)
        assert len({(mark.commune, mark.start_ms) for mark in told}) == len(told) == 41
        assert job.take_marks(now_ms, margin_ms=60_000) == []
