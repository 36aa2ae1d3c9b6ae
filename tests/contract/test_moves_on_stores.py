"""Whatever the store: what it holds follows the territory, until it is what a fresh store would have been given."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import msgspec
import pytest

from cloud.dirty import DIRTY
from cloud.moves import Journal, Moves
from cloud.moves.placing import Located, Move, deletions
from cloud.reports import site_points
from cloud.schema import ERROR, uplink_of
from cloud.stores.base import Point, Store
from cloud.stores.sqlite import SqliteStore
from core.model import Event, Row
from core.territory import Geometry, Shape, Territory
from tests.support import stores
from tests.support.memory import memory_folder
from tests.support.moving import (
    DEVICES,
    MINUTE_MS,
    T0_MS,
    Content,
    Span,
    bin_uplink,
    content,
    event,
    expected,
    finish,
    never,
    now_ms,
    points,
    territory,
    uplink,
)
from tests.support.stores import Opened

A1, A2 = DEVICES
HEARD = "remiremont"
STORES = ("sqlite", "influxdb", *(["influxdb2"] if stores.InfluxDb2().is_set else []))
Heard = tuple[Row, str]  # a row, and the edge that heard it


class Bench:
    """A store, its journal and its moves."""

    def __init__(self, folder: Path, opening: Opened) -> None:
        self._folder, self._opening = folder, opening
        self.heard: list[Heard] = []
        self.open()

    def open(self, rows: int = 500) -> None:
        """Also a restart of the worker. `rows`: a step looks at."""
        self.store: Store = self._opening()
        self.journal = Journal.open(self._folder)
        self.moves = Moves(self.store, self.journal, keep=never, now_ms=now_ms, rows=rows)

    def restart(self, *, rows: int = 500) -> None:
        self.close()
        self.open(rows)

    def lose_journal(self) -> None:
        self.close()
        for file in self._folder.glob("journal.sqlite*"):
            file.unlink()
        self.open()

    def ingest(self, rows: Iterable[Row], where: Territory, edge: str = HEARD) -> None:
        """As the worker does; what it would quarantine is not stored."""
        for row in rows:
            made = points(row, len(self.heard), where, edge)
            self.heard.append((row, edge))
            if made is not None:
                assert self.store.write(*made) == []

    def resend(self, where: Territory, numbers: Iterable[int]) -> None:
        """The same rows again, as an edge does that got no receipt."""
        for number in numbers:
            made = points(self.heard[number][0], number, where, self.heard[number][1])
            assert made is not None
            assert self.store.write(*made) == []

    def change(self, where: Territory) -> int:
        """Follow another territory to the end; how many windows it looked through."""
        windows = self.moves.follow(where)
        finish(self.moves, where)
        assert self.journal.batches() == []
        return windows

    def holds(self) -> Content:
        return content(self.store)

    def wanted(self, where: Territory, *others: tuple[str, Sequence[Point]]) -> Content:
        """What a fresh store (SQLite) holds that was given the same rows under this territory alone."""
        made = [expected(row, number, where, edge) for number, (row, edge) in enumerate(self.heard)]
        with memory_folder() as folder, closing(SqliteStore.open(Path(folder))) as fresh:
            for database, found in [*made, *others]:
                assert fresh.write(database, found) == []
            return content(fresh)

    def close(self) -> None:
        self.store.close()
        self.journal.close()


@pytest.fixture(params=STORES)
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    with ExitStack() as opened:
        room = Path(opened.enter_context(memory_folder()))
        match request.param:
            case "sqlite":
                made = stores.sqlite(room / "store")
            case "influxdb":
                made = stores.influxdb(request.getfixturevalue("shared_influxdb"))
            case _:
                made = stores.influxdb2(stores.InfluxDb2(), room)
        bench = Bench(room, opened.enter_context(made))
        yield bench
        bench.close()


ROWS = [row for minute in range(0, 60, 5) for row in (uplink(A1, minute), uplink(A2, minute), event(A1, minute))]
OLD = territory([(A1, "lamp-1", 0, None)])


@pytest.mark.parametrize(
    "spans",
    [
        [(A1, "lamp-2", 0, None)],  # another asset and commune of the same tenant
        [(A1, "lamp-1", 0, 30), (A1, "lamp-2", 30, None)],  # a swap in the past
        [(A1, "lamp-2", 0, 10), (A1, "lamp-1", 20, 30), (A1, "lamp-2", 30, 45)],
        [(A1, "lamp-1", 15, None)],  # installed later than was thought
        [(A1, "lamp-1", 0, 15), (A2, "lamp-1", 15, None)],  # the sensor was swapped
        [(A2, "lamp-1", 0, None)],  # the wrong device had been written down
        [],
    ],
)
def test_points_land_where_a_fresh_ingest_would_have_put_them(bench: Bench, spans: list[Span]) -> None:
    """All measurements of all rows whose asset, commune or tenant changed; nothing else, nothing lost or doubled."""
    bench.moves.follow(OLD)
    bench.ingest(ROWS, OLD)
    new = territory(spans)
    assert bench.change(new) > 0
    assert bench.holds() == bench.wanted(new)


def test_an_unassigned_device_that_is_assigned_leaves_nothing_behind(bench: Bench) -> None:
    """Stored with the operator, then declared: its points are in its tenant's database alone."""
    nobody = territory([])
    bench.moves.follow(nobody)
    bench.ingest(ROWS, nobody, edge="esternay")
    assert {found[0] for found in bench.holds()} == {"operator"}
    new = territory([(A1, "lamp-3", 0, None), (A2, "lamp-4", 0, None)])
    bench.change(new)
    assert bench.holds() == bench.wanted(new)
    assert {found[0] for found in bench.holds()} == {"esternay"}
    assert bench.store.latest("operator", "uplink") == []


def test_a_swapped_sensor_with_its_backlog_across_the_swap(bench: Bench) -> None:
    """Rows of both sensors, of before and after the swap, come late: before it is written down, while points move, and
    afterwards. Each is where its sensor was at its time; the lamp's history is whole."""
    backlog = [row for minute in range(0, 60, 3) for row in (uplink(A1, minute), uplink(A2, minute), event(A2, minute))]
    bench.restart(rows=4)
    bench.moves.follow(OLD)
    bench.ingest(backlog[::3], OLD)
    swapped = territory([(A1, "lamp-1", 0, 30), (A2, "lamp-1", 30, None)])
    bench.moves.follow(swapped)
    for row in backlog[1::3]:
        bench.moves.step(swapped, mono_ms=0)
        bench.ingest([row], swapped)
    finish(bench.moves, swapped)
    bench.ingest(backlog[2::3], swapped)
    bench.resend(swapped, range(0, 30, 2))
    assert bench.holds() == bench.wanted(swapped)
    lamp = bench.store.series("ccpvm", "uplink", start_us=0, end_us=2**62, where={"asset": "lamp-1"})
    minutes = [(point.tags["device"], (point.time_us // 1000 - T0_MS) // MINUTE_MS) for point in lamp]
    assert minutes == [*((A1, n) for n in range(0, 30, 3)), *((A2, n) for n in range(30, 60, 3))]


def test_a_device_that_changes_tenant_and_comes_back(bench: Bench) -> None:
    """Each tenant has what its own edge heard while the device was its own; on the way it is the operator's."""
    bench.moves.follow(OLD)
    bench.ingest(ROWS[:12], OLD)
    taken = territory([(A1, "lamp-1", 0, 20)])
    bench.change(taken)
    bench.ingest(ROWS[12:24], taken, edge="esternay")
    lent = territory([(A1, "lamp-1", 0, 20), (A1, "lamp-3", 20, 40)])
    bench.change(lent)
    assert bench.holds() == bench.wanted(lent)
    assert {found[0] for found in bench.holds()} == {"ccpvm", "esternay", "operator"}
    back = territory([(A1, "lamp-1", 0, 20), (A1, "lamp-3", 20, 40), (A1, "lamp-2", 40, None)])
    bench.ingest(ROWS[24:], lent)
    bench.change(back)
    assert bench.holds() == bench.wanted(back)
    bench.change(OLD)  # it never left, say the files now: what Esternay's edge heard is no one's
    assert bench.holds() == bench.wanted(OLD)
    assert {found[0] for found in bench.holds()} == {"ccpvm", "operator"}
    bench.change(back)
    assert bench.holds() == bench.wanted(back)


def test_what_became_foreign_is_the_operators(bench: Bench) -> None:
    """One tenant's edge never fills another's database, neither by ingest nor by a move."""
    bench.moves.follow(OLD)
    bench.ingest(ROWS, OLD)
    bench.change(territory([(A1, "lamp-3", 0, None)]))
    assert {found[0] for found in bench.holds()} == {"operator"}
    back = territory([(A1, "lamp-2", 0, None)])
    bench.change(back)
    assert bench.holds() == bench.wanted(back)


def test_readings_with_a_time_of_their_own_go_with_their_uplink(bench: Bench) -> None:
    """Also across the border of the window, in both directions; those of other uplinks stay."""
    rows = [uplink(A1, 10, own_minute=40), uplink(A1, 40, own_minute=5), uplink(A1, 50, own_minute=12)]
    bench.moves.follow(OLD)
    bench.ingest(rows, OLD)
    new = territory([(A1, "lamp-1", 0, 30), (A1, "lamp-2", 30, None)])
    bench.change(new)
    assert bench.holds() == bench.wanted(new)


def test_a_device_with_a_memory_moves_with_its_history(bench: Bench) -> None:
    """Each uplink tells of some time before it: pieces overlap the border of every slice and of the window."""
    rows = [uplink(A1, minute, own_minute=minute - 23) for minute in range(30, 90, 5)]
    rows += [uplink(A1, minute, own_minute=minute - 5000) for minute in range(33, 90, 15)]
    bench.restart(rows=3)
    bench.moves.follow(OLD)
    bench.ingest(rows, OLD)
    new = territory([(A1, "lamp-1", 0, 50), (A1, "lamp-2", 50, None)])
    bench.change(new)
    assert bench.holds() == bench.wanted(new)


@pytest.mark.parametrize("rows_a_step", [1, 7])
def test_small_batches_move_the_same(bench: Bench, rows_a_step: int) -> None:
    """Bounded steps, so that rows flow between two of them."""
    bench.restart(rows=rows_a_step)
    bench.moves.follow(OLD)
    bench.ingest(ROWS, OLD)
    new = territory([(A1, "lamp-1", 0, 12), (A1, "lamp-2", 22, None), (A2, "lamp-1", 12, None)])
    bench.moves.follow(new)
    assert finish(bench.moves, new) > 20 // rows_a_step
    assert bench.holds() == bench.wanted(new)


def test_rows_that_come_between_two_steps_stay_where_they_are(bench: Bench) -> None:
    """A resent row of before the change, ingested under the new territory, is one row in the end."""
    bench.restart(rows=4)
    bench.moves.follow(OLD)
    bench.ingest(ROWS, OLD)
    new = territory([(A1, "lamp-2", 0, None), (A2, "lamp-1", 0, None)])
    bench.moves.follow(new)
    for number in range(len(ROWS)):
        bench.moves.step(new, mono_ms=0)
        bench.resend(new, [number])
    finish(bench.moves, new)
    assert bench.holds() == bench.wanted(new)


def test_a_territory_that_changed_while_the_worker_was_down_moves_too(bench: Bench) -> None:
    """The journal knows which one the store followed."""
    bench.moves.follow(OLD)
    bench.ingest(ROWS, OLD)
    bench.restart()
    new = territory([(A1, "lamp-2", 0, None)])
    assert bench.change(new) == 1
    assert bench.holds() == bench.wanted(new)


def test_two_changes_before_the_first_is_done(bench: Bench) -> None:
    """Windows add up; homes are asked of the territory in force."""
    bench.restart(rows=3)
    bench.moves.follow(OLD)
    bench.ingest(ROWS, OLD)
    middle = territory([(A1, "lamp-2", 0, None)])
    bench.moves.follow(middle)
    bench.moves.step(middle, mono_ms=0)
    last = territory([(A1, "lamp-1", 0, 20), (A2, "lamp-2", 0, None)])
    bench.change(last)
    assert bench.holds() == bench.wanted(last)


def test_a_lost_journal_is_made_good(bench: Bench) -> None:
    """A store that never followed any territory, as far as one knows, is looked through as a whole."""
    bench.ingest(ROWS, OLD)
    new = territory([(A2, "lamp-2", 10, None)])
    bench.change(new)
    assert bench.holds() == bench.wanted(new)


HEALTH = {"online": True, "accepted": 5}


def told(where: Territory) -> list[tuple[str, Sequence[Point]]]:
    """The health of an edge, as it is stored: no row's."""
    made = site_points(HEALTH, name=HEARD, at_ms=T0_MS, site=where.sites[HEARD])
    return [(one.database, one.points) for one in made]


def test_a_site_that_moves_takes_its_own_rows_along(bench: Bench) -> None:
    """The edge's events, its health, and the unassigned devices it heard; assigned ones stay with their assets."""
    bench.moves.follow(OLD)
    bench.ingest([*ROWS, Event(key="health|1", received_ms=T0_MS, type="health")], OLD)
    bench.ingest([Event(key="health|2", received_ms=T0_MS + MINUTE_MS, type="health")], OLD, edge="esternay")
    for made in told(OLD):
        bench.store.write(*made)
    new = territory([(A1, "lamp-1", 0, None)], sites={"remiremont": "88351", "esternay": "51238"})
    bench.change(new)
    assert bench.holds() == bench.wanted(new, *told(new))


def test_a_site_that_changes_tenant_leaves_nothing_with_the_old_one(bench: Bench) -> None:
    """Also of assigned devices: what its edge heard would be foreign now; it comes home when the site does."""
    bench.moves.follow(OLD)
    bench.ingest(ROWS, OLD)
    new = territory([(A1, "lamp-1", 0, None)], sites={"remiremont": "51238", "esternay": "51237"})
    bench.change(new)
    assert bench.holds() == bench.wanted(new)
    assert {found[0] for found in bench.holds()} == {"operator"}
    bench.change(OLD)
    assert bench.holds() == bench.wanted(OLD)


LOW, HIGH = Geometry(Shape.UPRIGHT, 1000, 200), Geometry(Shape.LYING, 2000, 100)
BIN: list[Span] = [(A1, "bin-1", 0, None)]


def fills(bench: Bench) -> list[object]:
    found = bench.store.series("ccpvm", "bin", start_us=0, end_us=2**62)
    return [point.fields.get("fill_pct") for point in found]


def test_a_bin_that_is_measured_anew_has_its_fill_written_again(bench: Bench) -> None:
    """Another geometry, none, and the first again: every stored fill is what this geometry makes of the distance, and
    all else stays; a distance beyond the bottom has none."""
    rows = [bin_uplink(A1, n, distance) for n, distance in enumerate((200.0, 600.0, 999.5, 1500.0, 2099.0))]
    first = territory(BIN, geometry=LOW)
    bench.moves.follow(first)
    bench.ingest([*rows, uplink(A2, 3)], first)
    assert fills(bench) == [100.0, 50.0, pytest.approx(0.0625), None, None]
    for geometry in (HIGH, None, LOW):
        changed = territory(BIN, geometry=geometry)
        assert bench.change(changed) == 1
        assert bench.holds() == bench.wanted(changed), geometry
        assert (None in fills(bench), set(fills(bench)) == {None}) == (geometry is not HIGH, geometry is None)
        bench.restart()


def test_a_second_pass_rewrites_nothing(bench: Bench) -> None:
    """A fill that was stored is the fill that is computed, to the last bit."""
    changed = territory(BIN, geometry=HIGH)
    bench.moves.follow(changed)
    bench.ingest([bin_uplink(A1, n, 100.0 + 61.7 * n) for n in range(33)], changed)
    bench.lose_journal()
    before, marked = bench.holds(), bench.store.count("ccpvm", DIRTY)
    assert bench.change(changed) > 0, "all is looked through"
    assert bench.store.count("ccpvm", DIRTY) == marked, "and nothing touched"
    assert bench.holds() == before


def test_a_bin_that_becomes_another_tenants_takes_its_new_geometry(bench: Bench) -> None:
    """Moved and rewritten at once: the new bin's geometry is another."""
    first = territory([(A1, "bin-1", 0, 4)], geometry=LOW)
    bench.moves.follow(first)
    bench.ingest([bin_uplink(A1, n, 300.0) for n in range(4)], first)
    bench.ingest([bin_uplink(A1, n, 300.0) for n in range(4, 8)], first, edge="esternay")
    second = territory([(A1, "bin-1", 0, 2), (A1, "bin-2", 4, None)], geometry=HIGH)
    bench.change(second)
    assert bench.holds() == bench.wanted(second)


BARE = msgspec.structs.replace(uplink(A1, 1), error="codec.unknown", domain="", readings=())


def errors(bench: Bench) -> list[object]:
    """What the stored uplinks say themselves, and what they have as a field."""
    found = bench.store.raw("ccpvm", device=A1, start_us=0, end_us=2**62)
    return [(uplink_of(point).error, point.fields.get(ERROR, "")) for point in found]


def test_an_uplink_that_was_mended_keeps_no_error(bench: Bench) -> None:
    """Stored as it was by a worker without its codec, again by one that has it, then moved: the error is gone, also
    where somebody asks for the newest value of each field."""
    bench.moves.follow(OLD)
    bench.ingest([BARE], OLD)
    assert errors(bench) == [("codec.unknown", "codec.unknown")]
    made = points(uplink(A1, 1), 0, OLD, HEARD, mended=True)
    assert made is not None
    assert bench.store.write(*made) == []
    for lamp in ("lamp-1", "lamp-2"):
        bench.change(territory([(A1, lamp, 0, None)]))
        assert errors(bench) == [("", "")]
        (newest,) = bench.store.latest("ccpvm", "uplink")
        assert (newest.tags["asset"], newest.fields[ERROR]) == (lamp, "")


def test_a_field_that_a_point_has_no_more_is_gone(bench: Bench) -> None:
    """A rewriting that takes a field away deletes the point first; what came with other uplinks stays."""
    bench.moves.follow(OLD)
    bench.ingest([BARE, uplink(A1, 2)], OLD)
    stored = bench.store.raw("ccpvm", device=A1, start_us=0, end_us=2**62)
    kept = {name: field for name, field in stored[0].fields.items() if name != ERROR}
    move = Move(Located("ccpvm", stored[0], stored[0].time_us, HEARD), "ccpvm", stored[0].tags, kept)
    assert move.leaves
    (cut,) = deletions([move], [Move(Located("ccpvm", stored[1], stored[1].time_us, HEARD), "ccpvm", stored[1].tags)])
    where, names = cut.where, cut.measurements
    assert bench.store.delete_range("ccpvm", names, start_us=cut.start_us, end_us=cut.end_us, where=where) == 1
    assert bench.store.write("ccpvm", [move.point]) == []
    again = bench.store.raw("ccpvm", device=A1, start_us=0, end_us=2**62)
    assert [point.fields for point in again] == [kept, stored[1].fields]
    assert [ERROR in point.fields for point in bench.store.latest("ccpvm", "uplink")] == [False]
