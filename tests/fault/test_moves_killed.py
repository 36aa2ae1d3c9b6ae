"""kill -9 of the worker at every instant of a move: nothing is lost, and in the end nothing is visible twice."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cloud.moves import Journal, Moves, held_rows
from cloud.schema import origin_of
from cloud.stores.sqlite import SqliteStore
from core.model import Event, RowClass, Uplink
from core.territory import Territory
from tests.support.killed_moves import A1, A2, NEW, OLD, ROWS_A_STEP
from tests.support.memory import memory_folder
from tests.support.moving import content, content_of, event, expected, finish, never, points, territory, uplink

pytestmark = pytest.mark.fault

ROOT = Path(__file__).resolve().parents[2]
HEARD = "remiremont"
ROWS: list[Uplink | Event] = [
    *(uplink(A1, minute, own_minute=40 - minute) for minute in (0, 10, 15, 20)),
    *(uplink(A2, minute) for minute in (5, 15)),
    event(A1, 12),
]


@contextmanager
def opened(folder: Path) -> Iterator[tuple[SqliteStore, Journal, Moves]]:
    store, journal = SqliteStore.open(folder / "store"), Journal.open(folder)
    yield store, journal, Moves(store, journal, keep=never, rows=ROWS_A_STEP)
    store.close()
    journal.close()


@pytest.fixture(scope="module")
def room() -> Iterator[Path]:
    """For what a killed process left: that needs no disk."""
    with memory_folder() as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def killed(room: Path) -> list[Path]:
    """What each instant left behind."""
    prepared, out = room / "prepared", room / "killed"
    prepared.mkdir()
    out.mkdir()
    old = territory(OLD)
    with opened(prepared) as (store, _, moves):
        moves.follow(old)
        finish(moves, old)
        for number, row in enumerate(ROWS):
            made = points(row, number, old, HEARD)
            assert made is not None
            store.write(*made)
    command = [sys.executable, "-m", "tests.support.killed_moves", str(prepared), str(out)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    instants = int(ended.stdout.split()[-1])
    assert instants > 50
    return [out / str(number) for number in range(instants)]


def recovered(folder: Path, final: Territory) -> object:
    with opened(folder) as (store, journal, moves):
        moves.follow(final)
        finish(moves, final)
        assert journal.batches() == []
        return content(store)


def test_nothing_is_lost_or_doubled_at_any_instant(killed: list[Path], room: Path) -> None:
    """Dead as it is left: each row is visible once, or not visible and in the journal. Then the worker starts again
    and, whatever the instant, the store ends as a fresh one would have been filled."""
    new = territory(NEW)
    wanted = content_of(expected(row, number, new, HEARD) for number, row in enumerate(ROWS))
    for folder in killed:
        store = SqliteStore.open(folder / "store", read_only=True)
        visible = [
            origin.seq
            for database in store.databases()
            for measurement in ("uplink", "event")
            for point in store.series(database, measurement, start_us=0, end_us=2**62)
            if (origin := origin_of(point)) is not None
        ]
        assert len(visible) == len(set(visible)), folder.name
        held = {seq for _, row_class, seq in held_rows(folder) if row_class is RowClass.MEASUREMENT}
        assert set(visible) | held == set(range(len(ROWS))), folder.name
        copy = room / "again" / folder.name
        shutil.copytree(folder, copy)
        assert recovered(copy, new) == wanted, folder.name


def test_a_territory_that_changes_again_before_the_restart_wins(killed: list[Path], room: Path) -> None:
    """The interrupted move is finished, then the newer change moves what it must."""
    for spans in ([(A1, "lamp-2", 0, 15), (A2, "lamp-2", 5, None)], OLD):
        final = territory(spans)
        wanted = content_of(expected(row, number, final, HEARD) for number, row in enumerate(ROWS))
        for folder in killed[::3]:
            copy = room / final.digest / folder.name
            shutil.copytree(folder, copy)
            assert recovered(copy, final) == wanted, folder.name
