"""The oracle calls a broken road unbalanced, whatever broke, and a sound one balanced."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing

import msgspec
import pytest

from beffroi.oracle import weigh
from cloud.moves import Journal, held_rows
from cloud.moves.placing import Located, Move
from cloud.quarantine import Origin
from cloud.stores.base import Field
from cloud.stores.sqlite import SqliteStore
from core.errors import RejectedError
from core.model import Event, RowId
from decoders import registry
from edge.spool import Eviction, EvictionReason, Run, reader
from tests.support.moving import DEVICES, event, territory, uplink
from tests.support.spools import limits, memory_folder, open_spool, receipt
from tests.support.weighing import DECLARED, DIAGNOSTIC, MEASUREMENT, SITE, URGENT, Road, breaks, figures, uplinks


@pytest.fixture
def new_road() -> Iterator[Callable[..., Road]]:
    with memory_folder() as folder:
        opened: list[Road] = []

        def make(*, keep_settled: bool = True) -> Road:
            (folder / "cloud").mkdir()
            store = SqliteStore.open(folder / "store")
            opened.append(Road(folder, store, keep_settled=keep_settled))
            return opened[-1]

        yield make
        for road in opened:
            road.close()


@pytest.fixture
def road(new_road: Callable[..., Road]) -> Road:
    return new_road()


def test_a_sound_road_is_balanced(road: Road) -> None:
    """Stored, quarantined and spooled rows each count once, with every reading, event and reception accounted for."""
    road.deliver(*uplinks(1, 10))
    road.deliver(*uplinks(11, 12), row_class=URGENT)
    own = Event(key="own", received_ms=1_700_000_000_000, type="eviction", detail={"rows": 3.0})
    road.deliver(event(DEVICES[0], 3), own, row_class=DIAGNOSTIC)
    run = road.accept(foreign := uplink(DEVICES[1], 20))
    error = RejectedError("identity.foreign_device", "another's")
    road.quarantine.add_row(Origin(row_id=RowId(run.spool_id, MEASUREMENT, run.first)), b"", error, now_ms=1)
    road.quarantine.commit()
    assert road.spool.settle(receipt(road.spool, run, quarantined=1))
    road.rotate()
    road.accept(uplink(DEVICES[0], 30))
    balance = road.weigh()
    assert balance.balanced, balance
    assert figures(balance) == (16, 14, 1, 1, 0)
    assert foreign.key not in str(balance.faults)


# --- 1. what was committed is known without its file


def test_a_segment_that_is_deleted_is_lost(road: Road) -> None:
    """A live segment without a file or a word in the eviction log: all its rows are lost."""
    road.deliver(*uplinks(1, 5))
    road.rotate()
    road.accept(*uplinks(6, 8), row_class=URGENT)
    road.stop()
    (path,) = road.spools.glob("*/segments/urgent-*.sqlite")
    path.unlink()
    balance = road.weigh()
    assert not balance.balanced
    assert (balance.accepted, balance.stored, breaks(balance)) == (8, 5, (3, 0, 0, 0))


def test_a_segment_that_was_never_ended_and_is_deleted_is_lost(road: Road) -> None:
    """Its end is not known: what it can have held counts."""
    road.accept(*uplinks(1, 3), row_class=URGENT)
    for path in road.spools.glob("*/segments/urgent-*"):
        path.unlink()
    balance = weigh([road.spools], store=road.store, quarantine=None, declared=DECLARED)
    assert balance.lost >= 3
    assert not balance.balanced


@pytest.mark.parametrize("is_shown", [True, False])
def test_a_settled_segment_that_is_deleted_is_missed(road: Road, is_shown: bool) -> None:
    """Where settled segments are kept, a missing one cannot be weighed; rows that nothing shows either are lost."""
    run = road.deliver(*uplinks(1, 5))
    road.rotate()
    road.settled_file().unlink()
    if not is_shown:
        road.forget(run)
    balance = road.weigh()
    assert not balance.balanced
    assert balance.accepted == 5
    assert breaks(balance) == ((0, 0, 0, 5) if is_shown else (5, 0, 0, 0))


@pytest.mark.parametrize("marks", ["some", "none"])
def test_an_unsettled_row_among_the_settled_is_lost(road: Road, marks: str) -> None:
    """Nothing is ever sent from `settled/`: a row there without a receipt is in no place of the promise."""
    run = road.deliver(*uplinks(1, 5))
    road.rotate()
    with closing(sqlite3.connect(road.settled_file())) as connection, connection:
        connection.execute("DELETE FROM settled")
        if marks == "some":
            connection.executemany("INSERT INTO settled VALUES (?, ?)", [(1, 2), (4, 5)])
    road.forget(Run(run.spool_id, MEASUREMENT, 3, 3, run.boot))
    assert [row.seq for row in reader.rows(road.spools)] == ([1, 2, 3, 4, 5] if marks == "some" else [])
    balance = road.weigh()
    assert not balance.balanced
    assert (balance.accepted, balance.lost) == (5, 1)


def test_seq_that_were_skipped_are_not_missed(road: Road) -> None:
    """A crash skips reserved seq; segments on both sides of the hole, gone and live, are whole."""
    for first in (1, 6):
        road.deliver(*uplinks(first, first + 4))
        road.rotate()
        road.stop()
        with closing(sqlite3.connect(next(road.spools.glob("*/meta.sqlite")))) as meta, meta:
            meta.execute("UPDATE reserved SET next = next + 256")
        road.go_on()
    road.accept(*uplinks(11, 12))
    balance = road.weigh()
    assert balance.balanced, balance
    assert figures(balance) == (12, 10, 0, 2, 0)
    invented = Run(road.spool.spool_id, MEASUREMENT, 100, 100, "boot-1")
    road.show(invented, uplinks(30, 30))  # of a seq in the hole
    assert breaks(road.weigh()) == (0, 0, 1, 0)


def test_spools_that_forget_are_weighed_by_count(new_road: Callable[..., Road]) -> None:
    """Rows of segments that are gone count as accepted: the store shows as many, or the others are lost."""
    road = new_road(keep_settled=False)
    road.deliver(*uplinks(1, 5))
    road.rotate()
    assert not list(road.spools.glob("*/segments/*"))
    balance = road.weigh()
    assert balance.balanced, balance
    assert figures(balance) == (5, 5, 0, 0, 0)
    own = road.points("ccpvm", "uplink")[2]
    road.remove("ccpvm", own)
    balance = road.weigh()
    assert not balance.balanced
    assert (balance.accepted, balance.stored, balance.lost) == (5, 4, 1)


# --- 2. every point, both ways


def test_a_reading_shown_twice_is_found(road: Road) -> None:
    """Under another lamp or in another tenant's database, though its uplink is shown once."""
    road.deliver(*uplinks(1, 5))
    road.rotate()
    reading = road.points("ccpvm", "light")[0]
    road.change("ccpvm", reading, tags=reading.tags | {"asset": "lamp-9"})
    assert breaks(road.weigh()) == (0, 1, 0, 0)
    road.change("ccpvm", reading, into="esternay")
    balance = road.weigh()
    assert breaks(balance) == (0, 2, 0, 0)
    assert not balance.balanced


@pytest.mark.parametrize("measurement", ["light", "suspect"])
def test_a_point_that_no_row_makes_is_found(road: Road, measurement: str) -> None:
    """A reading of a time at which nothing was heard."""
    road.deliver(*uplinks(1, 5))
    road.rotate()
    point = road.points("ccpvm", measurement)[0]
    road.change("ccpvm", point, time_us=point.time_us + 17)
    assert breaks(road.weigh()) == (0, 0, 1, 0)


@pytest.mark.parametrize("measurement", ["light", "suspect"])
def test_a_point_that_is_not_shown_is_missed(road: Road, measurement: str) -> None:
    """The uplink is there, one of its points is not."""
    road.deliver(*uplinks(1, 5))
    road.rotate()
    road.remove("ccpvm", road.points("ccpvm", measurement)[0])
    assert breaks(road.weigh()) == (0, 0, 0, 1)


@pytest.mark.parametrize(
    ("measurement", "fields"),
    [
        ("light", {"power_w": 4711.0}),
        ("light", {"voltage_v": 230.0}),
        ("suspect", {"level_pct": 901.0}),
        ("uplink", {"row": "{}"}),
        ("uplink", {"error": "codec.unknown"}),
    ],
)
def test_another_value_is_found(road: Road, measurement: str, fields: dict[str, Field]) -> None:
    """A field that is not what was committed, or one too many."""
    road.deliver(*uplinks(1, 5))
    road.rotate()
    road.change("ccpvm", road.points("ccpvm", measurement)[0], fields=fields)
    assert breaks(road.weigh()) == (0, 0, 0, 1)


def test_readings_of_one_time_are_merged(road: Road) -> None:
    """Two uplinks that tell of one instant make one point; which came last is not known, and no fault."""
    first, second = uplink(DEVICES[0], 4, own_minute=1), uplink(DEVICES[0], 6, own_minute=1)
    second = msgspec.structs.replace(
        second, readings=(*second.readings[:-1], msgspec.structs.replace(second.readings[-1], value=49.0))
    )
    road.deliver(first, second)
    road.rotate()
    balance = road.weigh()
    assert balance.balanced, balance
    assert figures(balance) == (2, 2, 0, 0, 0)
    point = next(point for point in road.points("ccpvm", "light") if "latitude_deg" in point.fields)
    road.change("ccpvm", point, fields={"latitude_deg": 50.0})
    assert breaks(road.weigh()) == (0, 0, 0, 2)


def test_what_the_cloud_decoded_is_no_fault(road: Road) -> None:
    """An edge whose codec failed sent the payload alone; the worker's codec made readings of it."""
    payload = bytes.fromhex("01F37F205E8244320916200701D20294550401FE50190012501900")  # tests/vectors: a status
    read = registry.decode("nas_ul20xx", 23, payload, 0)
    bare = uplink(DEVICES[0], 1)
    bare = msgspec.structs.replace(
        bare, readings=(), f_port=23, payload=payload, codec="nas_ul20xx@0.9", domain="", error="decode.port"
    )
    assert not read.error
    assert read.readings
    run = road.accept(bare)
    made = msgspec.structs.replace(bare, codec=read.codec, domain=read.domain, readings=read.readings, error="")
    road.show(run, [made], mended=True)
    assert road.spool.settle(receipt(road.spool, run))
    road.rotate()
    balance = road.weigh()
    assert balance.balanced, balance


def test_a_refused_point_is_kept_beside_its_row(road: Road) -> None:
    """A reading in the quarantine is not missed in the store."""
    run = road.deliver(*uplinks(1, 2))
    road.rotate()
    point = road.points("ccpvm", "light")[0]
    road.remove("ccpvm", point)
    assert road.weigh().wrong == 1
    origin = Origin(edge=SITE, row_id=RowId(run.spool_id, MEASUREMENT, 1))
    road.quarantine.add_point(origin, "ccpvm", point, RejectedError("point.text", "no"), now_ms=1)
    road.quarantine.commit()
    balance = road.weigh()
    assert balance.balanced, balance


def test_what_became_anothers_is_the_operators(road: Road) -> None:
    """A device declared, after its rows were stored, to be another tenant's than its site's: unassigned, and sound."""
    run = road.accept(*(rows := [uplink(DEVICES[0], 1)]))
    stock = territory([])
    road.show(run, rows, stock)
    assert road.spool.settle(receipt(road.spool, run))
    road.rotate()
    elsewhere = territory([(DEVICES[0], "lamp-3", 0, None)])
    assert road.weigh(declared=elsewhere).balanced
    assert road.weigh(declared=stock).balanced
    assert breaks(road.weigh()) == (0, 0, 0, 1)


# --- 3. events too


@pytest.mark.parametrize(
    ("into", "tags"),
    [("esternay", {}), ("", {"asset": "lamp-9"}), ("", {"device": "00000000000000ff"}), ("", {"type": "join"})],
)
def test_an_event_elsewhere_is_found(road: Road, into: str, tags: dict[str, str]) -> None:
    """In another database, at another lamp, of another device or type."""
    road.deliver(event(DEVICES[0], 1), event(DEVICES[1], 2), row_class=DIAGNOSTIC)
    road.rotate()
    point = road.points("ccpvm", "event")[0]
    road.change("ccpvm", point, into=into, tags=point.tags | tags)
    road.remove("ccpvm", point)
    balance = road.weigh()
    assert balance.stored == 2
    assert breaks(balance) == (0, 0, 0, 1)


# --- 4. evicted segments


def evicted(road: Road, *, settled: int) -> Run:
    """A segment of ten rows that is evicted, the first of them settled and stored."""
    rows = uplinks(1, 10)
    run = road.accept(*rows)
    part = Run(run.spool_id, MEASUREMENT, 1, settled, run.boot)
    road.show(part, rows[:settled])
    assert road.spool.settle(receipt(road.spool, part))
    road.spool.close()
    road.spool = open_spool(road.spools, keeping=limits(keep_settled=True, quota_bytes=1))
    road.spool.maintain()
    assert reader.evictions(road.spools) == [
        Eviction(run.spool_id, MEASUREMENT, 1, 10, 10 - settled, EvictionReason.QUOTA, 1_700_000_000_000)
    ]
    return part


def test_an_evicted_segment_is_balanced(road: Road) -> None:
    """Its settled rows are stored, the others evicted."""
    evicted(road, settled=4)
    balance = road.weigh()
    assert balance.balanced, balance
    assert figures(balance) == (10, 4, 0, 0, 6)


def test_a_settled_row_of_an_evicted_segment_can_be_lost(road: Road) -> None:
    """The log owns up to the unsettled rows alone: the store must show the others."""
    part = evicted(road, settled=4)
    road.forget(Run(part.spool_id, MEASUREMENT, 2, 3, part.boot))
    balance = road.weigh()
    assert not balance.balanced
    assert (*figures(balance), balance.lost) == (10, 2, 0, 0, 6, 2)


def test_an_evicted_row_that_is_stored_is_stored(road: Road) -> None:
    """Its receipt did not reach the edge before the eviction: it counts in the first place that applies."""
    part = evicted(road, settled=4)
    road.show(Run(part.spool_id, MEASUREMENT, 7, 7, part.boot), uplinks(7, 7))
    balance = road.weigh()
    assert balance.balanced, balance
    assert figures(balance) == (10, 5, 0, 0, 5)


# --- 5. rows on their way


def test_rows_on_their_way_are_kept(road: Road) -> None:
    """A worker that died between deletion and rewriting has their copies in its journal."""
    run = road.deliver(*uplinks(1, 3))
    road.rotate()
    own = road.points("ccpvm", "uplink")[1]
    journal = Journal.open(road.folder / "cloud")
    journal.hold(
        1, "d", [Move(Located("ccpvm", own, own.time_us, SITE), "ccpvm", own.tags | {"asset": "lamp-9"}, own.fields)]
    )
    journal.close()
    road.forget(Run(run.spool_id, MEASUREMENT, 2, 2, run.boot))
    assert road.weigh().lost == 1
    balance = road.weigh(moving=held_rows(road.folder / "cloud"))
    assert balance.balanced, balance
    assert figures(balance) == (3, 3, 0, 0, 0)


# --- and rows that nobody sent


@pytest.mark.parametrize("keep_settled", [True, False])
def test_an_invented_row_is_found(new_road: Callable[..., Road], keep_settled: bool) -> None:
    """A row of a seq that the spool never used."""
    road = new_road(keep_settled=keep_settled)
    run = road.deliver(*uplinks(1, 3))
    road.rotate()
    road.show(Run(run.spool_id, MEASUREMENT, 9, 9, run.boot), uplinks(9, 9))
    assert breaks(road.weigh()) == (0, 0, 1, 0)


def test_a_row_shown_twice_is_found(road: Road) -> None:
    """The same uplink at two lamps."""
    road.deliver(*uplinks(1, 3))
    road.rotate()
    own = road.points("ccpvm", "uplink")[0]
    road.change("ccpvm", own, tags=own.tags | {"asset": "lamp-9"})
    assert breaks(road.weigh()) == (0, 1, 0, 0)


# --- spools that are not whole any more


def test_a_damaged_segment_is_balanced(road: Road) -> None:
    """Unsettled rows that cannot be read are in the log; settled ones that cannot are shown, though unweighed."""
    rows = uplinks(1, 10)
    run = road.accept(*rows)
    part = Run(run.spool_id, MEASUREMENT, 1, 5, run.boot)
    road.show(part, rows[:5])
    assert road.spool.settle(receipt(road.spool, part))
    road.stop()
    (path,) = road.spools.glob("*/segments/measurement-*.sqlite")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE row SET crc32 = 1 WHERE seq IN (3, 8)")
    assert road.weigh().lost == 1  # nobody has seen it yet
    road.go_on()
    for left in road.spool.backlog():  # finds it, and puts the file aside
        road.spool.read(left.spool_id, MEASUREMENT, left.first, left.last, max_bytes=1 << 20)
    balance = road.weigh()
    assert balance.balanced, balance
    assert figures(balance) == (10, 5, 0, 4, 1)
    road.forget(Run(run.spool_id, MEASUREMENT, 3, 3, run.boot))
    assert road.weigh().lost == 1


def test_a_copied_spool_counts_once(road: Road) -> None:
    """Two folders with one spool_id: what either has is accepted once, whatever became of the other."""
    run = road.deliver(*uplinks(1, 5))
    road.rotate()
    road.accept(*uplinks(6, 9))
    road.stop()
    copy = road.folder / "clone" / "spool"
    shutil.copytree(road.spools, copy)
    both = weigh([road.spools, copy], store=road.store, quarantine=road.quarantine, declared=DECLARED)
    assert both.balanced, both
    assert figures(both) == (9, 5, 0, 4, 0)
    alone = weigh([copy], store=road.store, quarantine=road.quarantine, declared=DECLARED)  # the store tells whose
    assert alone.balanced, alone
    road.forget(Run(run.spool_id, MEASUREMENT, 2, 2, run.boot))
    assert weigh([copy], store=road.store, quarantine=road.quarantine, declared=DECLARED).lost == 1
