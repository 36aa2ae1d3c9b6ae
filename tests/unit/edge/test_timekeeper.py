"""A host that boots with a wrong clock: what its rows are marked, and the one offset they get."""

from pathlib import Path

from core.model import ClockQuality
from edge.timekeeper import BASE_NAME, Timekeeper, load_base, save_base
from tests.support.edge_doubles import NOON_MS, TurnedClock

SYNCED, UNSYNCED, ESTIMATED, GPS = (
    ClockQuality.SYNCED,
    ClockQuality.UNSYNCED,
    ClockQuality.ESTIMATED,
    ClockQuality.GPS,
)
HOUR_MS = 3_600_000


def keeper(clock: TurnedClock, *, base_ms: int | None = None) -> Timekeeper:
    return Timekeeper(clock, boot="b", wait_ms=600_000, base_ms=base_ms)


def test_a_clock_that_was_always_set_leaves_every_time_alone() -> None:
    """The usual host: rows are synced, and there is nothing to wait for."""
    clock = TurnedClock()
    timekeeper = keeper(clock)
    assert timekeeper.quality(clock.now_ms(), SYNCED) is SYNCED
    assert timekeeper.quality(clock.now_ms() - 30 * 24 * HOUR_MS, SYNCED) is SYNCED
    assert timekeeper.is_set


def test_the_offset_is_the_jump_of_the_clock() -> None:
    """Wall minus monotonic time, after minus before: what lies between them does not matter."""
    clock = TurnedClock(now_ms=10_000, synced=False)
    timekeeper = keeper(clock)
    clock.turn(50_000)
    assert timekeeper.verdict("b", clock.mono_ms()) is None
    clock.set(NOON_MS)
    assert timekeeper.observe()
    offset = timekeeper.verdict("b", clock.mono_ms())
    assert offset is not None
    assert offset.offset_ms == NOON_MS - 60_000
    assert not offset.estimated
    clock.turn(HOUR_MS)
    assert timekeeper.verdict("b", clock.mono_ms()) == offset


def test_an_event_of_the_wrong_time_is_known_by_its_time_not_by_when_it_is_read() -> None:
    """It waited at the broker while the clock was set: still it needs the offset."""
    clock = TurnedClock(now_ms=10_000, synced=False)
    timekeeper = keeper(clock)
    stamped_ms = clock.now_ms()
    clock.turn(5_000)
    clock.set(NOON_MS)
    timekeeper.observe()
    clock.turn(HOUR_MS)
    assert timekeeper.quality(stamped_ms, SYNCED) is UNSYNCED
    assert timekeeper.quality(clock.now_ms(), SYNCED) is SYNCED


def test_an_event_of_before_the_boot_is_never_moved() -> None:
    """Yesterday's event, redelivered to a host that believes in 1970, keeps its time and is marked estimated."""
    clock = TurnedClock(now_ms=200_000, synced=False)
    timekeeper = keeper(clock)
    yesterday_ms = NOON_MS - 24 * HOUR_MS
    assert timekeeper.quality(yesterday_ms, SYNCED) is ESTIMATED
    clock.set(NOON_MS)
    assert timekeeper.quality(yesterday_ms, SYNCED) is SYNCED


def test_gps_time_is_never_doubted() -> None:
    """The gateway's satellite time does not come from this host."""
    clock = TurnedClock(now_ms=10_000, synced=False)
    assert keeper(clock).quality(clock.now_ms(), GPS) is GPS


def test_a_clock_that_was_ahead_mends_what_comes_from_tomorrow() -> None:
    """Set back by a day: rows of the future are moved, rows of the right time are not."""
    clock = TurnedClock(now_ms=NOON_MS + 24 * HOUR_MS, synced=False)
    timekeeper = keeper(clock)
    stamped_ms = clock.now_ms()
    clock.turn(60_000)
    clock.set(NOON_MS + 60_000)
    timekeeper.observe()
    offset = timekeeper.verdict("b", clock.mono_ms())
    assert offset is not None
    assert offset.offset_ms == -24 * HOUR_MS
    assert timekeeper.quality(stamped_ms, SYNCED) is UNSYNCED
    assert timekeeper.quality(clock.now_ms(), SYNCED) is SYNCED


def test_a_step_counts_as_set_though_nobody_disciplines_the_clock_yet() -> None:
    """ntpd steps the clock minutes before it calls it synchronised: rows between the two are right already."""
    clock = TurnedClock(now_ms=10_000, synced=False)
    timekeeper = keeper(clock)
    clock.wall_ms = NOON_MS
    assert timekeeper.observe()
    assert timekeeper.quality(clock.now_ms(), SYNCED) is SYNCED


def test_the_ten_minutes_begin_when_the_link_is_up() -> None:
    """Without a link there is no time server either: waiting goes on."""
    clock = TurnedClock(now_ms=10_000, synced=False)
    timekeeper = keeper(clock)
    clock.turn(HOUR_MS)
    assert timekeeper.verdict("b", clock.mono_ms()) is None
    timekeeper.linked(clock.mono_ms())
    clock.turn(300_000)
    timekeeper.linked(clock.mono_ms())  # a second connection does not start them again
    assert timekeeper.verdict("b", clock.mono_ms()) is None
    clock.turn(300_000)
    offset = timekeeper.verdict("b", clock.mono_ms())
    assert offset is not None
    assert (offset.offset_ms, offset.estimated) == (None, True)


def test_rows_of_another_boot_are_estimated() -> None:
    """Its monotonic clock went with it."""
    clock = TurnedClock(now_ms=10_000, synced=False)
    offset = keeper(clock).verdict("another", clock.mono_ms())
    assert offset is not None
    assert offset.estimated


def test_what_an_earlier_process_saw_is_used_in_the_same_boot_only(tmp_path: Path) -> None:
    """An agent that restarts after the sync still mends what it accepted before."""
    clock = TurnedClock(now_ms=10_000, synced=False)
    first = keeper(clock)
    assert first.base_ms is not None
    save_base(tmp_path, "b", first.base_ms)
    clock.turn(5_000)
    clock.set(NOON_MS)
    second = keeper(clock, base_ms=load_base(tmp_path, "b"))
    offset = second.verdict("b", clock.mono_ms())
    assert offset is not None
    assert offset.offset_ms == NOON_MS - 15_000
    assert load_base(tmp_path, "c") is None


def test_a_damaged_or_missing_base_is_none(tmp_path: Path) -> None:
    """Then the rows of the earlier process go as estimated; nothing is lost."""
    assert load_base(tmp_path, "b") is None
    (tmp_path / BASE_NAME).write_bytes(b"\0\0")
    assert load_base(tmp_path, "b") is None
    clock = TurnedClock()
    offset = keeper(clock).verdict("b", clock.mono_ms())
    assert offset is not None
    assert offset.estimated
