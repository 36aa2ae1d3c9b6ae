"""One lamp's life: what it says, when, and when it must be silent."""

from collections.abc import Iterator
from itertools import pairwise, takewhile
from random import Random

import pytest

from core.territory.calendars import Step
from simulator.devices import nas_ul20xx as nas
from simulator.devices.base import Act, Fact, Frame, Join
from simulator.devices.failures import LAMP, SWITCHED_LAMP, Failure, Kind, failures
from simulator.devices.lamp import Lamp, LampPlan

NOON = 1_797_850_800_000  # 2026-12-21 12:00 in Paris
H = 3_600_000
NIGHT = (Step(NOON, 0.0), Step(NOON + 5 * H, 100.0), Step(NOON + 11 * H, 0.0), Step(NOON + 17 * H, 100.0))
FOR_EVER = Step(NOON + 10_000 * H, 0.0)
LAYOUT = {"level": -2, "dali": -1, "reason": -3, "bits": 5}  # bytes of a status of one source


def live(
    *,
    switched: bool,
    steps: tuple[Step, ...] = NIGHT,
    failing: tuple[Failure, ...] = (),
    hours: int = 24,
    seed: int = 1,
    **plan: int | bool,
) -> list[Act]:
    def programme() -> Iterator[Step]:
        yield from steps
        while True:
            yield FOR_EVER

    lamp = Lamp(
        LampPlan(
            dev_eui="70b3d54990000001",
            lat=48.0,
            rated_power_w=40.0,
            switched=switched,
            interval_ms=H,
            start_ms=NOON,
            **plan,  # type: ignore[arg-type]
        ),
        steps=programme(),
        is_night=lambda at_ms: NOON + 5 * H <= at_ms < NOON + 20 * H,
        failures=iter(failing),
        rng=Random(seed),
    )
    return list(takewhile(lambda act: act.at_ms < NOON + hours * H, lamp.life()))


def frames(acts: list[Act], port: int) -> list[Frame]:
    return [act for act in acts if isinstance(act, Frame) and act.f_port == port]


def power_w(usage: Frame) -> int:
    return int.from_bytes(usage.payload[7:9], "little")


def test_a_switched_lamp_is_silent_without_power() -> None:
    """By day and during extinction its circuit is dead: nothing is sent, not even that it went off."""
    sent = [act.at_ms for act in live(switched=True) if isinstance(act, Frame | Join)]
    assert sent
    assert all(NOON + 5 * H <= at < NOON + 11 * H or at >= NOON + 17 * H for at in sent)


def test_power_makes_a_switched_lamp_join_boot_and_report() -> None:
    """Each return of the power is a join, a boot report with a clock that is not set, then a status, in minutes."""
    acts = live(switched=True)
    joins = [act for act in acts if isinstance(act, Join)]
    assert [(act.at_ms - NOON) // H for act in joins] == [5, 17]
    first = [act for act in acts if isinstance(act, Join | Frame)][:3]
    assert isinstance(first[0], Join)
    assert [act.f_port for act in first[1:] if isinstance(act, Frame)] == [nas.SYSTEM_PORT, nas.STATUS_PORT]
    assert first[2].at_ms - (NOON + 5 * H) < 200_000


def test_a_lamp_on_permanent_supply_reports_day_and_night() -> None:
    """A status and a usage each hour, and a status within minutes of each change of level."""
    acts = live(switched=False)
    assert not [act for act in acts if isinstance(act, Join)]
    statuses = frames(acts, nas.STATUS_PORT)
    assert 24 <= len(statuses) <= 24 + 4
    assert 23 <= len(frames(acts, nas.USAGE_PORT)) <= 25
    changes = [act for act in acts if isinstance(act, Fact) and act.fact == "level"]
    for change in changes:
        told = next(one for one in statuses if one.at_ms > change.at_ms)
        assert told.at_ms - change.at_ms < 70_000
        assert told.payload[LAYOUT["level"]] == change.detail["level_pct"]


def test_the_reason_of_a_level_is_the_calendar_or_the_profile() -> None:
    """Off by day and full at night by the calendar; out at night by its profile."""
    reasons = {
        (one.payload[LAYOUT["level"]], one.payload[LAYOUT["reason"]])
        for one in frames(live(switched=False), nas.STATUS_PORT)
    }
    assert reasons == {(0, nas.Reason.CALENDAR_DAY), (100, nas.Reason.CALENDAR_NIGHT), (0, nas.Reason.PROFILE_0)}


def test_power_follows_the_level() -> None:
    """Rated power at 100 %, next to nothing when off, in between at 50 %; noise of a few percent."""
    half = (Step(NOON, 0.0), Step(NOON + 5 * H, 50.0), Step(NOON + 11 * H, 100.0))
    usage = frames(live(switched=False, steps=half), nas.USAGE_PORT)
    for one in usage:
        at = (one.at_ms - NOON) / H
        expected = 0.4 if at < 4.9 else 21.6 if 5.1 < at < 10.9 else 40.0 if at > 11.1 else None
        if expected is not None:
            assert power_w(one) == pytest.approx(expected, rel=0.04, abs=0.6)


def test_the_energy_is_the_power_over_time() -> None:
    """Over a night at 40 W from 17:00 to 23:00 and from 05:00 on, the counter gains what was drawn."""
    usage = frames(live(switched=False), nas.USAGE_PORT)
    counted = [int.from_bytes(one.payload[3:7], "little") for one in usage]
    assert counted == sorted(counted)
    lit_h = 6 + (usage[-1].at_ms - NOON) / H - 17
    assert counted[-1] - counted[0] == pytest.approx(40 * lit_h + 0.4 * 11, rel=0.02)


def test_frames_of_one_controller_are_seconds_apart() -> None:
    """A radio sends one frame at a time, whatever falls due at once; and life goes forward."""
    for seed in range(20):
        acts = live(switched=seed % 2 == 0, seed=seed, failing=(Failure(Kind.FLICKER, NOON, NOON + 30 * H),))
        at = [act.at_ms for act in acts if isinstance(act, Frame | Join)]
        assert all(later - earlier >= 4_000 for earlier, later in pairwise(at))
        assert [act.at_ms for act in acts] == sorted(act.at_ms for act in acts)


def test_a_dead_lamp_is_alerted_and_draws_next_to_nothing() -> None:
    """Told to burn, it does not: alert on port 61, lamp failure in each status of the night, idle power, all dark."""
    acts = live(switched=False, failing=(Failure(Kind.LAMP_FAILURE, NOON + H, NOON + 22 * H),))
    alerts = frames(acts, nas.NOTIFICATION_PORT)
    assert alerts[0].payload == bytes((0x83, 0x20, nas.BROADCAST, nas.DaliStatus.LAMP_FAILURE))
    assert 0 < alerts[0].at_ms - (NOON + 5 * H) < 70_000
    for one in frames(acts, nas.STATUS_PORT):
        failing = one.payload[LAYOUT["level"]] > 0 and one.at_ms < NOON + 22 * H
        assert bool(one.payload[LAYOUT["dali"]] & nas.DaliStatus.LAMP_FAILURE) is failing
        assert one.payload[LAYOUT["dali"]] != nas.DaliStatus.LAMP_ON or one.at_ms > NOON + 22 * H
    night = [power_w(one) for one in frames(acts, nas.USAGE_PORT) if NOON + 6 * H < one.at_ms < NOON + 10 * H]
    assert max(night) <= 2
    facts = [(act.fact, act.at_ms) for act in acts if isinstance(act, Fact) and act.fact != "level"]
    assert facts == [("failure", NOON + H), ("repair", NOON + 22 * H)]


def test_a_dead_driver_is_a_dali_error_without_a_level() -> None:
    """Nothing answers on the bus: connection error, reason "driver not found", level and status unknown."""
    acts = live(switched=False, failing=(Failure(Kind.DRIVER_ERROR, NOON + 6 * H, NOON + 40 * H),))
    for one in frames(acts, nas.STATUS_PORT):
        if one.at_ms > NOON + 6 * H + 1_000:
            assert one.payload[5] & nas.StatusBits.DALI_CONNECTION_ERROR
            assert one.payload[-4:] == bytes((nas.BROADCAST, nas.Reason.DRIVER_NOT_FOUND, 0xFF, 0xFF))


def test_a_stuck_relay_burns_by_day() -> None:
    """Told to be off by day, it is lit at full power and says so."""
    acts = live(switched=False, failing=(Failure(Kind.DAY_BURNING, NOON, NOON + 40 * H),), hours=4)
    for one in frames(acts, nas.STATUS_PORT):
        assert one.payload[LAYOUT["level"]] == 0
        assert one.payload[LAYOUT["dali"]] == nas.DaliStatus.LAMP_ON
        assert one.payload[5] & nas.StatusBits.RELAY_CLOSED
    assert min(power_w(one) for one in frames(acts, nas.USAGE_PORT)) > 38


def test_a_flicker_goes_out_and_comes_back_while_it_should_burn() -> None:
    """Alerts alternate between failure and lit, only at night, and stop with the repair."""
    acts = live(switched=False, failing=(Failure(Kind.FLICKER, NOON, NOON + 9 * H),))
    alerts = frames(acts, nas.NOTIFICATION_PORT)
    assert len(alerts) > 6
    assert all(NOON + 5 * H - 61_000 <= one.at_ms < NOON + 9 * H for one in alerts)
    states = [one.payload[3] for one in alerts]
    assert states[:4] == [nas.DaliStatus.LAMP_FAILURE, nas.DaliStatus.LAMP_ON] * 2


def test_a_lamp_put_up_during_the_scenario_boots_then() -> None:
    """Its first act is a join; taken down, it says nothing more."""
    acts = live(switched=False, fresh=True, end_ms=NOON + 2 * H)
    assert isinstance(next(act for act in acts if not isinstance(act, Fact)), Join)
    assert max(act.at_ms for act in acts) < NOON + 2 * H


def test_a_device_clock_is_never_ahead() -> None:
    """What a controller calls now is not after the moment it speaks."""
    for seed in range(10):
        for one in frames(live(switched=seed % 2 == 0, seed=seed), nas.STATUS_PORT):
            assert 0 <= one.at_ms // 1000 - int.from_bytes(one.payload[1:5], "little") <= 4


def test_failures_come_at_their_rate_and_never_overlap() -> None:
    """A hundred lamps over a hundred days at one failure in ten days; a tenth failing from the start."""
    starts, failing = 0, 0
    for seed in range(100):
        previous = NOON
        plan = failures(Random(seed), start_ms=NOON, per_day=0.1, failing=0.1, kinds=LAMP)
        for one in takewhile(lambda one: one.start_ms < NOON + 2_400 * H, plan):
            assert previous <= one.start_ms < one.end_ms
            previous = one.end_ms
            failing += one.start_ms == NOON
            starts += 1
    assert 3 <= failing <= 20
    assert 700 <= starts <= 1_050


def test_without_rates_nothing_fails() -> None:
    """A perfect world."""
    assert list(failures(Random(1), start_ms=NOON, per_day=0.0, failing=0.0, kinds=LAMP)) == []


def test_a_switched_lamp_cannot_burn_by_day() -> None:
    """A stuck relay of the lamp does nothing without the circuit's power."""
    kinds = {
        next(failures(Random(seed), start_ms=NOON, per_day=1.0, failing=1.0, kinds=SWITCHED_LAMP)).kind
        for seed in range(200)
    }
    assert kinds == {Kind.LAMP_FAILURE, Kind.DRIVER_ERROR, Kind.FLICKER, Kind.STAYS_OFF}
