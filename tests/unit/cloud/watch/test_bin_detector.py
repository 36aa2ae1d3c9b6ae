"""What the watch says of a bin."""

from collections.abc import Sequence

import pytest

from cloud.stores.base import Point
from cloud.watch.detectors.bin import BinDetector
from cloud.watch.emptying import Look
from cloud.watch.model import About, Finding, Judgement, Severity
from cloud.watch.watchman import Watchman
from core.territory import Kind
from tests.support.watch_scene import HOUR, MINUTE, T0, bin_point, kinds, look, looks, territory, watched

RAISED, CLEAR = "raised", "clear"
BIN = watched("bin")


def judge(seen: Sequence[Look], **constants: float) -> Judgement:
    """At an hour that does not matter: a bin's verdict follows from its looks."""
    one = watched("bin", territory(**constants)) if constants else BIN
    return BinDetector().judge(seen, one, T0 + 1000 * HOUR)


def states(made: Judgement) -> dict[str, tuple[float | str, float]]:
    """Value, and since which minute."""
    return {state.kind: (state.value, (state.since_ms - T0) / MINUTE) for state in made.states}


def only(made: Judgement) -> Finding:
    (finding,) = made.findings
    return finding


def test_the_fill_is_believed_and_in_steps() -> None:
    """The lower of the last two looks, to 5 %: a wrong echo is not shown, and not every look is a change."""
    assert states(judge(looks(20, 21, 22, 95)))["fill_pct"] == (20.0, 0.0)
    assert states(judge(looks(20, 21, 24, 26, 27)))["fill_pct"] == (25.0, 180.0)
    assert states(judge(looks(43)))["fill_pct"] == (45.0, 0.0)


def test_a_bin_is_full_when_two_looks_are_over_the_threshold() -> None:
    """Since the first of them; a single high echo fills none."""
    assert states(judge(looks(70, 75, 95, 76, 77)))["full"] == (0.0, 0.0)
    made = judge(looks(70, 75, 81, 83))
    assert states(made)["full"] == (1.0, 120.0)
    finding = only(made)
    assert (finding.kind, finding.severity, finding.about, finding.subject) == (
        "bin.full",
        Severity.NOTICE,
        About.ASSET,
        "bin",
    )
    assert (finding.database, finding.commune, finding.facts["fill_pct"]) == ("ccpvm", "88383", 81.0)


def test_a_report_and_its_alarm_are_one_look() -> None:
    """What the sensor says twice of one echo, within seconds, is not two looks."""
    assert not judge([*looks(70, 75), look(120, 95), look(120.1, 95), look(130, 76)]).findings
    corrected = [*looks(70, 72), look(120, 95), look(121, 73), look(180, 96)]
    assert not judge(corrected).findings, "of two at once the lower is believed"


def test_full_has_a_hysteresis() -> None:
    """Settling by less than 10 points does not end it; two looks well below do, or the truck."""
    assert kinds(judge(looks(81, 82, 76, 74, 73)).findings) == ["bin.full"]
    assert states(judge(looks(81, 82, 76, 69, 68)))["full"] == (0.0, 240.0)
    made = judge(looks(81, 82, 2, 3))
    assert states(made) == {"fill_pct": (0.0, 180.0), "full": (0.0, 120.0), "emptied_ms": (T0 + 2.0 * HOUR, 120.0)}
    assert not made.findings


def test_what_lasts_longer_than_what_is_kept_says_so() -> None:
    """Full at its first look already: since then or earlier. What began within the window began there."""
    assert only(judge(looks(90, 91, 92))).or_earlier
    assert not only(judge(looks(70, 91, 92))).or_earlier


def test_the_threshold_is_the_tenants() -> None:
    """Not a number of ours."""
    assert kinds(judge(looks(60, 61), bin_full_pct=60).findings) == ["bin.full"]


def test_the_sensors_own_alarm_counts_where_there_is_no_fill() -> None:
    """Without a fill its word is all there is, said twice; with one, the declared threshold decides."""
    told = [look(at, full_alert=RAISED) for at in (0, 60)]
    assert kinds(judge(told).findings) == ["bin.full"]
    assert not judge(told[:1]).findings
    assert not judge([*told, look(120, full_alert=CLEAR)]).findings
    assert not judge([look(at, 60, full_alert=RAISED) for at in (0, 60, 120)]).findings


def test_a_fire_is_said_at_once_and_until_it_is_out() -> None:
    """One look is enough; heat counts where the sensor has no word for fire, and its cooling has a hysteresis."""
    made = judge([*looks(40, 41), look(70, 30, fire_alert=RAISED, temperature_c=80.0)])
    assert (only(made).kind, only(made).severity) == ("bin.fire", Severity.CRITICAL)
    assert only(made).since_ms == T0 + 70 * MINUTE
    hot = [*looks(40, 41), look(70, temperature_c=72.0), look(75, temperature_c=65.0)]
    assert only(judge(hot)).since_ms == T0 + 70 * MINUTE
    assert not judge([*hot, look(90, temperature_c=55.0)]).findings
    assert not judge([look(0, 40, temperature_c=58.0)]).findings, "a black lid in the sun"
    out = look(100, fire_alert=CLEAR)
    assert not judge([look(70, fire_alert=RAISED), out]).findings


def test_a_bin_lies_when_looks_minutes_apart_say_so() -> None:
    """A truck tips it for a minute, and the end of that may be lost: one look tips none over."""
    hung = [*looks(60, 62), look(70, tilt_alert=RAISED)]
    assert not judge(hung).findings
    assert not judge([*hung, look(71, tilt_alert=RAISED)]).findings
    lying = [*hung, look(120, tilt_alert=RAISED)]
    assert (only(judge(lying)).kind, only(judge(lying)).since_ms) == ("bin.tilted", T0 + 70 * MINUTE)
    assert not judge([*lying, look(180, 20, tilt_alert=CLEAR)]).findings
    between = [look(70, tilt_alert=RAISED), look(90, 60, tilt_alert=CLEAR), look(120, tilt_alert=RAISED)]
    assert not judge(between).findings


def test_a_bin_that_reports_and_tells_no_fill_is_not_measured() -> None:
    """For eight hours and three reports; lying is another matter; one fill ends it."""
    blind = [look(at * 60, temperature_c=12.0, tilt_alert=CLEAR) for at in range(2, 11)]
    seen = [*looks(60, 61), *blind]
    assert (only(judge(seen)).kind, only(judge(seen)).since_ms) == ("bin.no_measurement", T0 + 120 * MINUTE)
    assert states(judge(seen))["fill_pct"][0] == 60.0, "what was known is not replaced by a zero"
    assert not judge(seen[:-1]).findings
    assert not judge([*seen, look(660, 62)]).findings
    assert kinds(judge([look(at * 60, tilt_alert=RAISED) for at in range(10)]).findings) == ["bin.tilted"]


def test_a_bin_without_geometry_is_measured_by_its_distance() -> None:
    """No fill follows from it, and nobody is to mend the sensor for that."""
    seen = [look(at * 60, distance_mm=500.0) for at in range(12)]
    assert kinds(judge(seen).findings) == ["bin.no_measurement"]
    assert not BinDetector().judge(seen, watched("bin", geometry=None), T0).findings


def test_nothing_seen_is_nothing_said() -> None:
    """No state and no finding; the silence of its sensor is told elsewhere."""
    assert judge([]) == Judgement()


def test_whom_it_concerns() -> None:
    """Bins with a sensor."""
    detector = BinDetector()
    assert detector.concerns(BIN)
    assert not detector.concerns(watched("lamp"))
    assert not detector.concerns(watched("bin", kind=Kind.COUNTER))


@pytest.mark.parametrize("late", [False, True])
def test_late_data_correct_an_emptying(*, late: bool) -> None:
    """An outage hid the first empty looks: the watchman dates the emptying anew when they come."""
    seen = [bin_point(60 * at, fill) for at, fill in enumerate((60, 62, 2, 3, 4, 5))]
    watchman = Watchman(territory(), [BinDetector()], now_ms=T0)

    def look_at(points: list[Point]) -> list[float | str]:
        watchman.take(points)
        changes = watchman.look(T0 + 6 * HOUR).changes
        return [change.state.value for change in changes if change.state.kind == "emptied_ms"]

    if late:
        assert look_at(seen[:2] + seen[4:]) == [T0 + 4.0 * HOUR]
        assert look_at(seen[2:4]) == [T0 + 2.0 * HOUR]
    else:
        assert look_at(seen) == [T0 + 2.0 * HOUR]
    assert look_at(seen) == []
