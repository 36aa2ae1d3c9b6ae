"""kill -9 of the worker at every instant of a move: nothing is lost, and in the end nothing is visible twice."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud.moves import Moves, held_rows
from cloud.schema import origin_of
from core.model import Event, RowClass, Uplink
from core.territory import Territory
from tests.conftest import require
from tests.servers import influxdb as influxdb_server
from tests.servers.influxdb import InfluxDb
from tests.support.killed_moves import A1, A2, NEW, OLD, PREPARED, ROWS_A_STEP, Rooms
from tests.support.memory import memory_folder
from tests.support.moving import content, content_of, event, expected, finish, never, now_ms, points, territory, uplink
from tests.support.road_stores import KINDS

pytestmark = pytest.mark.fault

ROOT = Path(__file__).resolve().parents[2]
HEARD = "remiremont"
ROWS: list[Uplink | Event] = [
    *(uplink(A1, minute, own_minute=40 - minute) for minute in (0, 10, 15, 20)),
    *(uplink(A2, minute) for minute in (5, 15)),
    event(A1, 12),
]


@pytest.fixture(scope="module", params=KINDS)
def rooms(request: pytest.FixtureRequest) -> Iterator[Rooms]:
    """For what a killed process left: that needs no disk, and of InfluxDB one server."""
    with memory_folder() as folder:
        if request.param == "sqlite":
            yield Rooms(Path(folder))
            return
        require(influxdb_server.find(), influxdb_server.INSTALL_HINT)
        with InfluxDb.start(Path(folder) / "influxdb") as server:
            yield Rooms(Path(folder), server.url)


@pytest.fixture(scope="module")
def killed(rooms: Rooms) -> list[str]:
    """The rooms that each instant left behind."""
    rooms.create(PREPARED)
    old = territory(OLD)
    with rooms.opened(PREPARED) as (store, journal):
        moves = Moves(store, journal, keep=never, now_ms=now_ms, rows=ROWS_A_STEP)
        moves.follow(old)
        finish(moves, old)
        for number, row in enumerate(ROWS):
            made = points(row, number, old, HEARD)
            assert made is not None
            store.write(*made)
    step = 2 if rooms.url else 1  # after one write is before the next: a server's answers take longer
    command = [sys.executable, "-m", "tests.support.killed_moves", str(rooms.folder), str(step)]
    ended = subprocess.run([*command, *filter(None, [rooms.url])], cwd=ROOT, capture_output=True, text=True, check=True)
    instants = int(ended.stdout.split()[-1])
    assert instants > 40
    return [f"k{number}" for number in range(0, instants, step)]


def recovered(rooms: Rooms, name: str, final: Territory) -> object:
    with rooms.opened(name) as (store, journal):
        moves = Moves(store, journal, keep=never, now_ms=now_ms, rows=ROWS_A_STEP)
        moves.follow(final)
        finish(moves, final)
        assert journal.batches() == []
        return content(store)


def test_nothing_is_lost_or_doubled_at_any_instant(killed: list[str], rooms: Rooms) -> None:
    """Dead as it is left: each row is visible once, or not visible and in the journal. Then the worker starts again
    and, whatever the instant, the store ends as a fresh one would have been filled."""
    new = territory(NEW)
    wanted = content_of(expected(row, number, new, HEARD) for number, row in enumerate(ROWS))
    for name in killed:
        with rooms.store(name) as store:
            visible = [
                origin.seq
                for database in store.databases()
                for measurement in ("uplink", "event")
                for point in store.series(database, measurement, start_us=0, end_us=2**62)
                if (origin := origin_of(point)) is not None
            ]
        assert len(visible) == len(set(visible)), name
        held = {seq for _, row_class, seq in held_rows(rooms.folder / name) if row_class is RowClass.MEASUREMENT}
        assert set(visible) | held == set(range(len(ROWS))), name
        rooms.copy(name, f"{name}again")
        assert recovered(rooms, f"{name}again", new) == wanted, name


def test_a_territory_that_changes_again_before_the_restart_wins(killed: list[str], rooms: Rooms) -> None:
    """The interrupted move is finished, then the newer change moves what it must."""
    for spans in ([(A1, "lamp-2", 0, 15), (A2, "lamp-2", 5, None)], OLD):
        final = territory(spans)
        wanted = content_of(expected(row, number, final, HEARD) for number, row in enumerate(ROWS))
        for name in killed[::3]:
            copy = f"{name}x{final.digest}"
            rooms.copy(name, copy)
            assert recovered(rooms, copy, final) == wanted, name
