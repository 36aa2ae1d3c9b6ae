"""When a bin was emptied, from what its sensor sees alone."""

from collections.abc import Iterable

import pytest

from cloud.watch.emptying import Emptying, Level, Look, read_look
from core.territory.model import Thresholds
from tests.support.watch_scene import MINUTE, T0, bin_point, look, looks

RAISED, CLEAR = "raised", "clear"


def emptyings(seen: Iterable[Look], **constants: float) -> list[Emptying]:
    level = Level(Thresholds(**constants))
    return [made for one in seen if (made := level.take(one)) is not None]


def minutes(found: Iterable[Emptying]) -> list[float]:
    return [(one.at_ms - T0) / MINUTE for one in found]


def test_a_fall_that_lasts_is_an_emptying() -> None:
    """Dated when the bin was first seen empty, known with the look after it, from the level to the low."""
    (found,) = emptyings(looks(60, 62, 65, 3, 4))
    assert (found.at_ms, found.known_ms) == (T0 + 180 * MINUTE, T0 + 240 * MINUTE)
    assert (found.before_pct, found.after_pct) == (62, 3)


def test_a_single_low_echo_is_none() -> None:
    """The next look is high again: it was a wrong echo."""
    assert not emptyings(looks(60, 62, 10, 63, 64, 12, 65, 66))


def test_a_low_echo_told_twice_at_once_is_none() -> None:
    """A report, and the alarm that the same look set off: looks within minutes are one."""
    seen = [*looks(60, 62, 63), look(180, 8), look(180.1, 8), look(190, 64), *looks(64, 65, start_min=240)]
    assert not emptyings(seen)


def test_a_high_echo_is_no_level_to_fall_from() -> None:
    """Neither once, nor told twice at once, nor before a real emptying, whose level it does not raise."""
    assert not emptyings(looks(20, 21, 95, 22, 23, 24))
    assert not emptyings([*looks(20, 21), look(120, 95), look(120.1, 95), *looks(22, 23, 24, start_min=180)])
    (found,) = emptyings(looks(40, 42, 95, 2, 3))
    assert found.before_pct == 42


def test_a_low_echo_just_before_costs_nothing() -> None:
    """The emptying is dated one look early, and counted once."""
    (found,) = emptyings(looks(80, 82, 15, 3, 4, 5))
    assert minutes([found]) == [120]


def test_a_bin_that_hung_for_a_minute_was_emptied_at_once() -> None:
    """A truck was seen: no second look is waited for."""
    seen = [*looks(70, 72, 74), look(130, 1, tilt_alert=RAISED), look(131, 2, tilt_alert=CLEAR)]
    (found,) = emptyings(seen)
    assert (found.at_ms, found.known_ms) == (T0 + 131 * MINUTE, T0 + 131 * MINUTE)


def test_a_bin_whose_end_of_hanging_was_lost_was_emptied_when_it_hung() -> None:
    """The report of the next hour is low; the one after it makes it certain."""
    seen = [*looks(70, 72, 74), look(130, 1, tilt_alert=RAISED), *looks(3, 4, start_min=180)]
    (found,) = emptyings(seen)
    assert (found.at_ms, found.known_ms) == (T0 + 130 * MINUTE, T0 + 240 * MINUTE)


def test_a_bin_that_lay_was_not_emptied() -> None:
    """What it lost lies beside it; its level is a new one, from which it is emptied later."""
    fallen = [look(at, 40, tilt_alert=RAISED) for at in (121, 180, 240)]
    seen = [*looks(80, 82, 84), *fallen, *looks(20, 22, 24, start_min=300)]
    assert not emptyings(seen)
    (found,) = emptyings([*seen, *looks(1, 2, start_min=480)])
    assert found.before_pct == 22


def test_what_a_lying_bin_sees_is_no_level() -> None:
    """Nor a frame of it that does not speak of the tilt: it lies until one says that it stands."""
    seen = [*looks(80, 82), look(70, 3, tilt_alert=RAISED), look(100, 3), look(130, 3), look(160, 3)]
    assert not emptyings(seen)


@pytest.mark.parametrize("fire", [{"fire_alert": RAISED}, {"temperature_c": 95.0}])
def test_a_bin_that_burnt_was_not_emptied(fire: dict[str, str | float]) -> None:
    """By the sensor's own word, or by heat that no sun makes."""
    seen = [*looks(80, 82, 84), look(130, 60, **fire), *looks(12, 13, 14, start_min=180)]
    assert not emptyings(seen)
    assert len(emptyings([*seen, *looks(1, 2, start_min=360)])) == 1


def test_without_a_fill_nothing_is_empty() -> None:
    """A distance that says nothing, a suspect one that is not there, a temperature alone."""
    seen = [*looks(80, 82), *(look(at, temperature_c=12.0) for at in (120, 180)), look(240, distance_mm=4000.0)]
    assert not emptyings([*seen, *looks(83, 84, start_min=300)])


def test_settling_and_clearing_a_part_are_none() -> None:
    """A fall of less than 10 points; a fall that leaves it more than 30 % full."""
    assert not emptyings(looks(20, 21, 12, 12, 12))
    assert not emptyings(looks(90, 92, 60, 60, 60))
    assert len(emptyings(looks(20, 21, 12, 12, 12), emptied_drop_pct=5)) == 1
    assert len(emptyings(looks(90, 92, 60, 60, 60), emptied_below_pct=70)) == 1


def test_hours_without_uplinks_hide_no_emptying() -> None:
    """Filled again by a third before the second look: it is nearer to the low than to the level before."""
    (found,) = emptyings([*looks(70, 72), look(400, 5), look(700, 25)])
    assert minutes([found]) == [400]


def test_the_first_look_is_no_level() -> None:
    """A window that begins with a wrong echo tells of no emptying."""
    assert not emptyings(looks(95, 20, 21, 22))


def test_a_bin_is_emptied_again_and_again() -> None:
    """Once for each time."""
    assert minutes(emptyings(looks(50, 60, 2, 20, 40, 60, 3, 5, 30, 50, 1, 2))) == [120, 360, 600]


@pytest.mark.parametrize(
    "seen",
    [
        [*looks(60, 62, 65, 3, 4, 20, 40, 60, 2, 3)],
        [*looks(70, 72), look(130, 1, tilt_alert=RAISED), *looks(3, 4, start_min=180)],
        [*looks(80, 82), *(look(at, 40, tilt_alert=RAISED) for at in (121, 180)), *looks(20, 22, start_min=300)],
        [*looks(80, 82), look(130, 60, fire_alert=RAISED), *looks(12, 13, 14, start_min=180)],
    ],
)
def test_what_it_knows_goes_on_from_anywhere(seen: list[Look]) -> None:
    """Cut at any look and carried on as numbers it finds the same: no end of an hour loses or doubles an emptying."""
    whole = emptyings(seen)
    for cut in range(len(seen) + 1):
        level = Level(Thresholds())
        found = [made for one in seen[:cut] if (made := level.take(one)) is not None]
        level = Level.of_numbers(Thresholds(), level.numbers())
        found += [made for one in seen[cut:] if (made := level.take(one)) is not None]
        assert found == whole


def test_settings_are_no_look() -> None:
    """A point that speaks of neither content nor state is passed over."""
    assert read_look(bin_point(0, report_interval_s=3600.0)) is None
    assert read_look(bin_point(0, tilt_alert=CLEAR)) is not None
