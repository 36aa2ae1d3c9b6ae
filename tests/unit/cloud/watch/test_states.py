"""States in the store: the newest point is what holds, whatever became known when."""

from cloud.stores.base import Point
from cloud.watch.model import State
from cloud.watch.states import StateBook
from cloud.watch.watchman import Change, watched_of
from tests.support.memory_store import MemoryStore
from tests.support.watched_town import COMMUNE, TENANT, town

NOON_MS = 1_764_072_000_000
WATCHED = watched_of(town(bins=1), now_ms=NOON_MS)["bin-0"]


def change(value: float | str, since_ms: int, *, kind: str = "silence", or_earlier: bool = False) -> Change:
    return Change(WATCHED, State(kind, value, since_ms, or_earlier))


def write(store: MemoryStore, book: StateBook, *changes: Change, now_ms: int) -> list[Point]:
    book.note(changes, now_ms=now_ms)
    points = book.waiting()
    assert store.write(TENANT, points) == []
    book.written(points)
    assert book.waiting() == []
    return points


def holds(store: MemoryStore) -> object:
    (point,) = store.latest(TENANT, "state", {"kind": "silence"})
    return point.fields.get("word")


def test_a_state_is_a_point_at_the_time_it_began() -> None:
    """Numbers and words are fields of their own: a field has one type."""
    store = MemoryStore()
    points = write(
        store,
        StateBook(store, TENANT),
        change("silent", NOON_MS - 5000),
        change(1, NOON_MS - 7000, kind="full"),
        now_ms=NOON_MS,
    )
    tags = {"commune": COMMUNE, "asset": "bin-0"}
    assert points == [
        Point(
            "state",
            {**tags, "kind": "silence"},
            (NOON_MS - 5000) * 1000,
            {"word": "silent", "since_ms": NOON_MS - 5000},
        ),
        Point("state", {**tags, "kind": "full"}, (NOON_MS - 7000) * 1000, {"value": 1.0, "since_ms": NOON_MS - 7000}),
    ]


def test_what_holds_is_the_newest_even_where_late_readings_say_it_began_before_another() -> None:
    """It was silent since 11:00, it was said; now it is known to have been heard at 10:55: that is what holds."""
    store = MemoryStore()
    book = StateBook(store, TENANT)
    write(store, book, change("silent", NOON_MS - 60_000), now_ms=NOON_MS)
    (point,) = write(store, book, change("heard", NOON_MS - 90_000), now_ms=NOON_MS + 1000)
    assert (point.time_us, point.fields["since_ms"]) == ((NOON_MS + 1000) * 1000, NOON_MS - 90_000)
    assert holds(store) == "heard"
    write(store, book, change("silent", NOON_MS - 95_000), now_ms=NOON_MS + 1000)  # twice in one ms
    assert holds(store) == "silent"


def test_after_a_restart_only_what_differs_is_written() -> None:
    """Also another beginning; but not that of a state whose own beginning is no longer among what is kept."""
    store = MemoryStore()
    write(store, StateBook(store, TENANT), change("heard", NOON_MS - 60_000), now_ms=NOON_MS)
    assert write(store, StateBook(store, TENANT), change("heard", NOON_MS - 60_000), now_ms=NOON_MS + 1) == []
    later = change("heard", NOON_MS - 30_000, or_earlier=True)
    assert write(store, StateBook(store, TENANT), later, now_ms=NOON_MS + 1) == []
    assert len(write(store, StateBook(store, TENANT), change("heard", NOON_MS - 30_000), now_ms=NOON_MS + 1)) == 1
    assert len(write(store, StateBook(store, TENANT), change("silent", NOON_MS - 1), now_ms=NOON_MS + 1)) == 1
    assert holds(store) == "silent"


def test_what_could_not_be_written_waits_and_the_newest_of_a_kind_is_enough() -> None:
    """A database that refuses for long costs no memory."""
    book = StateBook(MemoryStore(), TENANT)
    book.note([change("late", NOON_MS)], now_ms=NOON_MS)
    book.note([change("silent", NOON_MS + 1), change(1.0, NOON_MS, kind="full")], now_ms=NOON_MS + 1)
    assert sorted(str(point.fields.get("word")) for point in book.waiting()) == ["None", "silent"]
