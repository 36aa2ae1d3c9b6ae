"""Silence of one device: in its own rhythm, in powered time, without flapping."""

from collections.abc import Sequence

import pytest

from cloud.stores.base import Point
from cloud.watch.detectors.silence import KIND, Silence
from cloud.watch.watchman import Sight, Watchman
from core.territory import DeviceState, Territory
from tests.support.watched_town import EXTINCTION, HOUR_MS, MINUTE_MS, at, life, town, tuned, uplink

START_MS = at("2026-11-10 00:00")


def watch(territory: Territory, points: Sequence[Point], now_ms: int) -> Sight:
    watchman = Watchman(territory, [Silence()], now_ms=now_ms)
    watchman.take(points)
    return watchman.look(now_ms)


def words(territory: Territory, points: Sequence[Point], start_ms: int, end_ms: int) -> list[tuple[int, str]]:
    """Each word, and when it was first said: told as it happens, the watchman woken whenever it asked for."""
    watchman = Watchman(territory, [Silence()], now_ms=START_MS)
    told = sorted(points, key=lambda point: point.time_us)
    found: list[tuple[int, str]] = []
    place = 0
    for now_ms in range(start_ms, end_ms, MINUTE_MS):
        while place < len(told) and told[place].time_us // 1000 <= now_ms:
            watchman.take([told[place]])
            place += 1
        found += [(now_ms, str(change.state.value)) for change in watchman.look(now_ms).changes]
    return found


def silences(sight: Sight) -> dict[str, int]:
    return {key.subject: finding.since_ms for key, finding in sight.findings.items() if key.kind == KIND}


def test_five_uplinks_in_a_row_are_not_lost_by_chance() -> None:
    """An hourly device is late after two hours, silent after five, each with the slack; since it spoke last."""
    territory = town(bins=1)
    points = life("bin-0", START_MS, START_MS + 24 * HOUR_MS)
    last_ms = START_MS + 23 * HOUR_MS
    said = words(territory, points, START_MS, START_MS + 48 * HOUR_MS)
    assert said == [
        (START_MS, "heard"),
        (last_ms + 2 * HOUR_MS + 15 * MINUTE_MS, "late"),
        (last_ms + 5 * HOUR_MS + 15 * MINUTE_MS, "silent"),
    ]
    assert silences(watch(territory, points, last_ms + 6 * HOUR_MS)) == {"bin-0": last_ms}


def test_the_watchman_is_woken_when_the_verdict_changes_and_not_before() -> None:
    """Each `next_ms` is the instant of another verdict."""
    territory = town(bins=1)
    watchman = Watchman(territory, [Silence()], now_ms=START_MS)
    watchman.take(life("bin-0", START_MS, START_MS + 8 * HOUR_MS))
    detector = Silence()
    seen = watchman.seen("bin-0", detector)
    assert seen == ()  # another detector's
    own = [one for one in (detector.read(point) for point in life("bin-0", START_MS, START_MS + HOUR_MS)) if one]
    watched = watchman.watched["bin-0"]
    made = detector.judge(own, watched, START_MS)
    for word in ("late", "silent"):
        assert made.next_ms is not None
        assert detector.judge(own, watched, made.next_ms - 1).states == made.states
        made = detector.judge(own, watched, made.next_ms)
        assert [state.value for state in made.states] == [word]
    assert made.next_ms is None


def test_a_device_that_was_never_heard_is_silent_from_its_assignment_on() -> None:
    """It has as long as any other; of what never spoke no state is told."""
    territory = town(bins=1, assigned_ms=START_MS)
    assert not silences(watch(territory, [], START_MS + 5 * HOUR_MS))
    sight = watch(territory, [], START_MS + 5 * HOUR_MS + 15 * MINUTE_MS)
    assert silences(sight) == {"bin-0": START_MS}
    assert not sight.changes


def test_what_the_former_sensor_said_is_not_the_new_ones() -> None:
    """The asset keeps its past, the sensor that was put in its place has to speak itself."""
    territory = town(bins=1, assigned_ms=START_MS + 10 * HOUR_MS)
    points = life("bin-0", START_MS, START_MS + 10 * HOUR_MS)
    assert not silences(watch(territory, points, START_MS + 15 * HOUR_MS))
    assert silences(watch(territory, points, START_MS + 16 * HOUR_MS)) == {"bin-0": START_MS + 10 * HOUR_MS}


@pytest.mark.parametrize("state", [DeviceState.MAINTENANCE, DeviceState.STOCK, DeviceState.RETIRED])
def test_a_device_out_of_service_raises_nothing(state: DeviceState) -> None:
    """In maintenance, in stock and retired it may be silent for ever."""
    territory = town(bins=1, states={"bin-0": state})
    sight = watch(territory, life("bin-0", START_MS, START_MS + HOUR_MS), START_MS + 1000 * HOUR_MS)
    assert not sight.findings
    assert not sight.changes


def test_a_device_that_is_slower_than_its_profile_teaches_it() -> None:
    """Four hours between uplinks that follow each other by their counter are its rhythm, not four losses."""
    territory = town(bins=1)
    points = life("bin-0", START_MS, START_MS + 25 * HOUR_MS, every_ms=4 * HOUR_MS)
    last_ms = points[-1].time_us // 1000
    assert not silences(watch(territory, points, last_ms + 20 * HOUR_MS))
    assert silences(watch(territory, points, last_ms + 21 * HOUR_MS)) == {"bin-0": last_ms}


def test_loss_makes_no_device_slow_and_gives_it_more_time() -> None:
    """Every second uplink is lost: by the counter it still speaks hourly, but more of them may be lost in a row."""
    territory = town(bins=1)
    points = life("bin-0", START_MS, START_MS + 32 * HOUR_MS)[::2]
    last_ms = points[-1].time_us // 1000
    assert not silences(watch(territory, points, last_ms + 12 * HOUR_MS))
    assert silences(watch(territory, points, last_ms + 30 * HOUR_MS)) == {"bin-0": last_ms}


def test_a_regular_device_that_is_faster_is_missed_sooner() -> None:
    """Every ten minutes, though the profile says every hour: silent after five of them and the slack."""
    territory = town(bins=1)
    points = life("bin-0", START_MS, START_MS + 4 * HOUR_MS, every_ms=10 * MINUTE_MS)
    last_ms = points[-1].time_us // 1000
    assert not silences(watch(territory, points, last_ms + 64 * MINUTE_MS))
    assert silences(watch(territory, points, last_ms + 65 * MINUTE_MS)) == {"bin-0": last_ms}


def test_a_burst_is_no_rhythm() -> None:
    """A flickering lamp that warned all night is not silent when it is hourly again."""
    territory = town({"c1": 1})
    times = [START_MS]
    while times[-1] < START_MS + 4 * HOUR_MS:
        times.append(times[-1] + (40_000 if len(times) % 2 else 9 * MINUTE_MS))
    points = [uplink("c1-lamp-0", at_ms, number) for number, at_ms in enumerate(times)]
    assert not silences(watch(territory, points, times[-1] + 3 * HOUR_MS))


def test_one_uplink_ends_no_silence_two_do() -> None:
    """A dying battery that gets out one uplink a day is one matter, not one a day."""
    territory = town(bins=1)
    points = life("bin-0", START_MS, START_MS + 10 * HOUR_MS)
    last_ms = points[-1].time_us // 1000
    again_ms = last_ms + 24 * HOUR_MS
    points.append(uplink("bin-0", again_ms, 0, session="00000002"))
    assert silences(watch(territory, points, again_ms + MINUTE_MS)) == {"bin-0": last_ms}
    points.append(uplink("bin-0", again_ms + HOUR_MS, 1, session="00000002"))
    sight = watch(territory, points, again_ms + HOUR_MS)
    assert not silences(sight)
    assert [(change.state.value, change.state.since_ms) for change in sight.changes] == [("heard", again_ms)]


def test_late_uplinks_clear_what_they_explain() -> None:
    """What was kept during an outage and comes after it was heard all the time."""
    territory = town(bins=1)
    watchman = Watchman(territory, [Silence()], now_ms=START_MS)
    points = life("bin-0", START_MS, START_MS + 30 * HOUR_MS)
    watchman.take(points[:10])
    now_ms = START_MS + 30 * HOUR_MS
    assert silences(watchman.look(now_ms)) == {"bin-0": points[9].time_us // 1000}
    watchman.take(points[-1:])
    assert silences(watchman.look(now_ms)), "one uplink does not end a silence"
    watchman.take(reversed(points[10:-1]))
    assert not silences(watchman.look(now_ms))


# power


def night_life(lamp: str, day: str, spans: Sequence[tuple[str, str]]) -> list[Point]:
    """A lamp that starts and speaks hourly while its circuit has power."""
    found: list[Point] = []
    for session, (start, end) in enumerate(spans):
        start_ms = at(f"{day} {start}") + 2 * MINUTE_MS
        times = [start_ms, start_ms + 20_000, *range(start_ms + HOUR_MS, at(f"{day} {end}"), HOUR_MS)]
        found += [uplink(lamp, at_ms, number, session=f"{day}-{session}") for number, at_ms in enumerate(times)]
    return found


def test_a_switched_lamp_is_rightly_silent_by_day_and_during_extinction_in_winter() -> None:
    """Dusk to 23:00 and 05:00 to dawn it speaks; the rest of a December day it has no power, and nothing is late."""
    territory = town({"c1": 1}, switched=["c1"], programme=EXTINCTION)
    points = night_life("c1-lamp-0", "2026-12-10", [("05:00", "08:10"), ("16:50", "23:00")])
    said = words(territory, points, at("2026-12-10 05:03"), at("2026-12-11 05:00"))
    assert [word for _, word in said] == ["heard", "unpowered", "heard", "unpowered"]
    hours = [now_ms for now_ms, _ in said]
    assert at("2026-12-10 08:00") < hours[1] < at("2026-12-10 08:30"), "sunrise"
    assert at("2026-12-10 16:30") < hours[2] < at("2026-12-10 17:00"), "sunset"
    assert hours[3] == at("2026-12-10 23:00")


def test_a_switched_lamp_is_rightly_silent_by_day_and_during_extinction_in_summer() -> None:
    """In June a circuit has power for an hour and a half before extinction, and for half an hour after it."""
    territory = town({"c1": 1}, switched=["c1"], programme=EXTINCTION)
    points = night_life("c1-lamp-0", "2026-06-20", [("05:00", "05:28"), ("21:42", "23:00")])
    said = words(territory, points, at("2026-06-20 05:03"), at("2026-06-21 05:00"))
    assert [word for _, word in said] == ["heard", "unpowered", "heard", "unpowered"]
    assert not silences(watch(territory, points, at("2026-06-21 05:10")))


def test_a_dead_lamp_on_a_switched_circuit_is_found_in_its_powered_time() -> None:
    """It counts the hours with power, and one uplink more each time it should have started."""
    territory = town({"c1": 1}, switched=["c1"], programme=EXTINCTION)
    points = night_life("c1-lamp-0", "2026-12-10", [("05:00", "08:10")])
    last_ms = points[-1].time_us // 1000
    said = words(territory, points, at("2026-12-10 05:03"), at("2026-12-12 00:00"))
    assert [word for _, word in said] == ["heard", "unpowered", "heard", "late", "silent"]
    silent_ms = said[-1][0]
    assert at("2026-12-10 19:00") < silent_ms < at("2026-12-10 22:00")
    sight = watch(territory, points, at("2026-12-11 12:00"))
    assert silences(sight) == {"c1-lamp-0": last_ms}, "by day it stays silent: nothing has shown the contrary"
    assert [change.state.value for change in sight.changes] == ["silent"]


def test_in_summer_it_takes_two_evenings() -> None:
    """So little power leaves little time to be missed; the starts count."""
    territory = town({"c1": 1}, switched=["c1"], programme=EXTINCTION)
    points = night_life("c1-lamp-0", "2026-06-20", [("05:00", "05:28")])
    assert not silences(watch(territory, points, at("2026-06-20 22:30")))
    assert silences(watch(territory, points, at("2026-06-22 00:00")))


def test_a_lamp_that_is_dark_for_a_season_is_unpowered_and_nothing_else() -> None:
    """A circuit that is never lit before extinction in summer owes nothing for weeks."""
    programme = EXTINCTION.__class__("late", sunset_offset_min=180, sunrise_offset_min=-180, periods=EXTINCTION.periods)
    territory = town({"c1": 1}, switched=["c1"], programme=programme)
    points = night_life("c1-lamp-0", "2026-04-01", [("05:00", "05:10")])
    sight = watch(territory, points, at("2026-06-20 23:30"))
    assert not sight.findings
    assert [change.state.value for change in sight.changes] == ["unpowered"]


@pytest.mark.parametrize("day", ["2026-03-28", "2026-10-24"])
def test_the_night_of_the_clock_change_has_the_hours_it_has(day: str) -> None:
    """A lamp that speaks hourly in absolute time is never late, though the wall says 02:00 twice or never."""
    territory = town({"c1": 1}, switched=["c1"])
    start_ms, end_ms = at(f"{day} 20:00"), at(f"{day} 20:00") + 9 * HOUR_MS
    said = words(territory, life("c1-lamp-0", start_ms, end_ms), start_ms, end_ms)
    assert [word for _, word in said] == ["heard"]


def test_a_permanent_circuit_owes_uplinks_by_day() -> None:
    """Its controllers have power whether its lamps burn or not."""
    territory = town({"c1": 1}, programme=EXTINCTION)
    points = life("c1-lamp-0", at("2026-12-10 00:00"), at("2026-12-10 09:00"))
    assert silences(watch(territory, points, at("2026-12-10 15:00")))


def test_a_tenant_may_be_more_patient() -> None:
    """The constants are the territory's."""
    territory = town(bins=1, thresholds=tuned(silence_intervals=10.0))
    points = life("bin-0", START_MS, START_MS + 24 * HOUR_MS)
    last_ms = points[-1].time_us // 1000
    assert not silences(watch(territory, points, last_ms + 10 * HOUR_MS))
    assert silences(watch(territory, points, last_ms + 11 * HOUR_MS))
