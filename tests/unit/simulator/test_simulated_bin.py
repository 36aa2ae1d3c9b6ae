"""One bin's life: how it fills, is emptied, tips over and burns, and what its sensor makes of it."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from itertools import pairwise, takewhile
from random import Random

import pytest

from core.territory.calendars import PARIS
from core.territory.model import Commune, Geometry, Shape
from simulator.devices.base import Act, Fact, Frame, Join
from simulator.devices.bin import Bin, BinPlan
from simulator.devices.bin_sensors import Df702, Em400Mud, Sensor
from simulator.devices.container import Container, Habits, distance_mm
from simulator.devices.failures import BIN, Failure, Kind, failures
from simulator.devices.rounds import Rounds, market_of, rounds_of

MONDAY = 1_797_807_600_000  # 2026-12-21 00:00 in Paris
H = 3_600_000
UPRIGHT = Geometry(Shape.UPRIGHT, 1_200, 60)
LYING = Geometry(Shape.LYING, 1_300, 100)
THURSDAYS = Rounds((3,), 390.0)


def live(
    sensor: Sensor,
    *,
    hours: int = 168,
    share: float = 0.1,
    bags_a_day: float = 4.0,
    failing: tuple[Failure, ...] = (),
    rounds: Rounds = THURSDAYS,
    seed: int = 1,
    **plan: float,
) -> list[Act]:
    found = Bin(
        BinPlan(UPRIGHT, 48.0, H, MONDAY, **plan),  # type: ignore[arg-type]
        sensor=sensor,
        habits=Habits(bags_a_day, 0.035),
        rounds=rounds,
        share=share,
        failures=iter(failing),
        rng=Random(seed),
    )
    return list(takewhile(lambda act: act.at_ms < MONDAY + hours * H, found.life()))


def milesight(**options: object) -> list[Act]:
    return live(Em400Mud("24e124713c000001"), **options)  # type: ignore[arg-type]


def dingtek(**options: object) -> list[Act]:
    return live(Df702(1_200), **options)  # type: ignore[arg-type]


def frames(acts: list[Act]) -> list[Frame]:
    return [act for act in acts if isinstance(act, Frame)]


def facts(acts: list[Act], name: str) -> list[Fact]:
    return [act for act in acts if isinstance(act, Fact) and act.fact == name]


def em400_distances(acts: list[Act]) -> list[tuple[int, int]]:
    """(at, mm) of the periodic reports."""
    return [
        (one.at_ms, int.from_bytes(one.payload[9:11], "little"))
        for one in frames(acts)
        if one.payload[:2] == b"\x01\x75"
    ]


def test_a_bin_fills_until_the_truck_comes() -> None:
    """The distance falls from day to day, and is nearly the whole height after Thursday's round at 06:30."""
    acts = milesight()
    (collected,) = facts(acts, "collection")
    assert datetime.fromtimestamp(collected.at_ms / 1000, PARIS).strftime("%a %H:%M") == "Thu 06:30"
    told = em400_distances(acts)
    before = [mm for at, mm in told if collected.at_ms - 6 * H < at < collected.at_ms]
    after = [mm for at, mm in told if collected.at_ms + H // 2 < at < collected.at_ms + 3 * H]
    assert max(before) < told[0][1] - 150
    assert min(after) > 1_100
    assert collected.detail["fill_pct"] == pytest.approx(100 * (1_200 - sum(before) / len(before)) / 1_140, abs=6)
    assert collected.detail["after_pct"] < 5


def test_reports_come_at_the_interval() -> None:
    """Once an hour, give or take a second."""
    at = [at for at, _ in em400_distances(milesight(hours=48))]
    assert len(at) == 48
    assert all(abs(later - earlier - H) <= 1_000 for earlier, later in pairwise(at))


def test_the_record_of_truth_follows_the_fill() -> None:
    """A fact for every ten percent, within what a bag adds."""
    told = [float(one.detail["fill_pct"]) for one in facts(milesight(hours=72, bags_a_day=8.0), "fill_pct")]
    assert told[0] == 10.0
    assert len(told) >= 5
    assert all(10 <= later - earlier < 40 for earlier, later in pairwise(told))


def test_a_full_bin_warns_at_once_and_is_not_heard_again_until_it_is_emptied() -> None:
    """The alarm packet between two reports, the same threshold back in the collection's wake."""
    acts = milesight(share=0.7, bags_a_day=6.0)
    alarms = [(one.at_ms, one.payload[-1]) for one in frames(acts) if one.payload[:2] == b"\x84\x82"]
    (collected,) = facts(acts, "collection")
    assert [raised for _, raised in alarms[:2]] == [1, 0]
    assert alarms[0][0] < collected.at_ms < alarms[1][0] < collected.at_ms + H // 2


def test_an_overfilled_bin_shows_the_end_of_the_blind_zone() -> None:
    """Nearer than that the sensor cannot tell; the record of truth stops at 100 %."""
    acts = milesight(share=1.3, hours=24)
    assert all(60 <= mm < 90 for _, mm in em400_distances(acts))
    assert [one.detail["fill_pct"] for one in facts(acts, "fill_pct")] == [100.0]


def test_a_missed_round_leaves_the_bin_as_it_is() -> None:
    """Nothing is collected, and it goes on filling."""
    acts = milesight(missed_rounds=1.0)
    assert not facts(acts, "collection")
    assert len(facts(acts, "missed_round")) == 1
    told = em400_distances(acts)
    assert told[-1][1] < told[80][1]


def test_the_truck_tips_the_bin_and_the_sensor_says_so() -> None:
    """A tilt at the collection and the end of it within two minutes, in most rounds."""
    tilts = 0
    for seed in range(20):
        acts = dingtek(seed=seed, hours=120, bags_a_day=2.0)  # never full: no other alarm is near
        (collected,) = facts(acts, "collection")
        near = [one for one in frames(acts) if 0 <= one.at_ms - collected.at_ms < 125_000 and one.payload[3] == 2]
        tilted = [bool(one.payload[12] >> 4) for one in near]
        assert tilted in ([], [True, False])
        tilts += len(tilted) == 2
    assert 8 <= tilts <= 19


FALL = Failure(Kind.KNOCKED_OVER, MONDAY + 10 * H, MONDAY + 16 * H)
FIRE = Failure(Kind.FIRE, MONDAY + 10 * H, MONDAY + 10 * H + 1_800_000)
RESTART = Failure(Kind.RESTART, MONDAY + 10 * H, MONDAY + 10 * H + 60_000)


def test_a_bin_that_was_knocked_over_is_tilted_until_it_stands_again() -> None:
    """Told within seconds, in every report meanwhile, and when it is over; most of its content is gone."""
    acts = dingtek(failing=(FALL,), hours=24, share=0.6)
    assert [one.at_ms for one in facts(acts, "tilted")] == [FALL.start_ms]
    for one in frames(acts):
        lying = FALL.start_ms < one.at_ms < FALL.end_ms
        assert bool(one.payload[12] >> 4) is lying
    assert any(0 < one.at_ms - FALL.start_ms < 5_000 for one in frames(acts))
    last = int.from_bytes(frames(acts)[-1].payload[5:7], "big")
    assert last > 700


def test_a_fire_is_told_within_minutes_and_when_it_is_out() -> None:
    """The Milesight sends its temperature alarm, the Dingtek sets its fire nibble; ash is left."""
    acts = milesight(failing=(FIRE,), hours=24, share=0.7)
    alarms = [(one.at_ms, one.payload[-1]) for one in frames(acts) if one.payload[:2] == b"\x83\x67"]
    assert [raised for _, raised in alarms] == [1, 0]
    assert alarms[0][0] < FIRE.start_ms + 8 * 60_000
    assert FIRE.end_ms < alarms[1][0] < FIRE.end_ms + H
    assert min(mm for at, mm in em400_distances(acts) if at > FIRE.end_ms + H) > 900
    burning = [one for one in frames(dingtek(failing=(FIRE,), hours=24)) if one.payload[11] & 0x0F]
    assert burning[0].payload[3] == 2
    assert burning[0].payload[8] >= 70
    assert [one.detail["end_ms"] for one in facts(acts, "fire")] == [FIRE.end_ms]


def test_a_restart_joins_and_says_who_it_is() -> None:
    """Then it reports as before."""
    acts = [act for act in milesight(failing=(RESTART,), hours=24) if act.at_ms > RESTART.start_ms]
    spoken = [act for act in acts if isinstance(act, Join | Frame)]
    assert isinstance(spoken[0], Join)
    assert isinstance(spoken[1], Frame)
    assert spoken[1].payload[:2] == b"\xff\x0b"
    assert len(em400_distances(acts)) == 14


def test_a_sensor_put_up_during_the_scenario_begins_with_a_join() -> None:
    """Taken down, it says nothing more."""
    acts = milesight(fresh=True, end_ms=MONDAY + 3 * H)
    assert isinstance(next(act for act in acts if isinstance(act, Join | Frame)), Join)
    assert max(act.at_ms for act in acts) < MONDAY + 3 * H


def test_odd_echoes_are_a_share_of_the_measurements() -> None:
    """Too far (twice the way) or too near; without the fault none."""

    def odd(share: float) -> int:
        acts = milesight(odd_echoes=share, hours=60, rounds=Rounds((6,), 0.0), bags_a_day=0.0, share=0.3)
        return sum(abs(mm - (1_200 - 0.3 * 1_140)) > 100 for _, mm in em400_distances(acts))

    assert odd(0.0) == 0
    assert 15 <= odd(0.5) <= 40


def test_batteries_sink_and_frost_weakens_them() -> None:
    """Never below 1 %, never up; a tenth of a percent a day or so."""
    acts = milesight(hours=24 * 30)
    levels = [one.payload[2] for one in frames(acts) if one.payload[:2] == b"\x01\x75"]
    assert levels[0] - 6 <= levels[-1] <= levels[0]
    assert all(1 <= level <= 100 for level in levels)
    assert (
        1
        <= Bin(
            BinPlan(UPRIGHT, 48.0, H, MONDAY),
            sensor=Df702(1_200),
            habits=Habits(1.0, 0.03),
            rounds=THURSDAYS,
            share=0.0,
            failures=iter(()),
            rng=Random(3),
        ).battery
        <= 254
    )


def test_a_lying_cylinder_holds_least_at_its_ends() -> None:
    """Half full is half way; a tenth of the volume is far more than a tenth of the depth."""
    assert distance_mm(LYING, 0.5) == pytest.approx(700, abs=2)
    assert distance_mm(LYING, 0.1) == pytest.approx(1_300 - 0.156 * 1_200, abs=5)
    assert (distance_mm(LYING, 0.0), distance_mm(LYING, 1.0)) == (1_300, 100)


def bags(habits: Habits, start_ms: int, hours: int) -> float:
    """How much comes, in shares of a bin that is emptied all the time."""
    found = Container(UPRIGHT, habits, at_ms=start_ms, lat=48.0, share=0.0, rng=Random(1))
    total = 0.0
    for hour in range(hours):
        found.advance(start_ms + (hour + 1) * H)
        total += found.share
        found.share = 0.0
    return total


def test_a_week_has_its_rhythm() -> None:
    """Saturday more than Tuesday, nothing at four in the morning, a market more than no market."""
    busy = Habits(200.0, 0.01)
    tuesday, saturday = bags(busy, MONDAY + 24 * H, 24), bags(busy, MONDAY + 120 * H, 24)
    assert saturday > 1.15 * tuesday
    assert bags(busy, MONDAY + 26 * H, 2) < 0.02 * tuesday
    assert bags(Habits(200.0, 0.01, market=1), MONDAY + 24 * H, 24) > 1.4 * tuesday
    assert tuesday == pytest.approx(2.0, rel=0.35)


def test_summer_fills_the_bins_of_tourists() -> None:
    """A week of August against a week of November."""
    november, august = 1_794_265_200_000, 1_786_312_800_000  # 2026-11-10 and 2026-08-10, local midnight
    towns, tourists = Habits(200.0, 0.01), Habits(200.0, 0.01, tourists=True)
    assert bags(tourists, august, 168) > 1.3 * bags(tourists, november, 168)
    assert bags(tourists, august, 168) > 1.2 * bags(towns, august, 168)


def test_rounds_are_on_fixed_weekdays_in_the_morning() -> None:
    """Local time, through the change of hour; a public holiday has none."""
    rounds = Rounds((3,), 390.0)
    found, at = [], MONDAY - 270 * 24 * H
    for _ in range(40):
        at = rounds.next_ms(at)
        found.append(datetime.fromtimestamp(at / 1000, UTC).astimezone(PARIS))
    assert {(one.weekday(), one.hour, one.minute) for one in found} == {(3, 6, 30)}
    assert date(2026, 5, 14) not in {one.date() for one in found}  # Ascension
    assert rounds.last_ms(MONDAY) == rounds.next_ms(MONDAY - 7 * 24 * H)


def test_towns_have_more_rounds_than_villages_and_a_market() -> None:
    """By the number of inhabitants; the bins of a commune have their days in common, not the minute."""

    def commune(population: int) -> Commune:
        return Commune("88383", "Remiremont", "ccpvm", 48.0, 6.6, population)

    assert [len(rounds_of(commune(people), "a").weekdays) for people in (250, 3_000, 7_500)] == [1, 2, 3]
    one, other = rounds_of(commune(7_500), "a"), rounds_of(commune(7_500), "b")
    assert one.weekdays == other.weekdays
    assert one.minute != other.minute
    assert market_of(commune(250)) is None
    assert market_of(commune(7_500)) in range(1, 7)


def test_bins_fall_over_more_often_than_they_burn() -> None:
    """Over a thousand years of one bin; a fire lasts minutes, a bin lies for hours."""

    def years() -> Iterator[Failure]:
        yield from failures(Random(1), start_ms=MONDAY, per_day=0.1, failing=0.0, kinds=BIN)

    found = [one for one, _ in zip(years(), range(800), strict=False)]
    fires = [one.end_ms - one.start_ms for one in found if one.kind is Kind.FIRE]
    falls = [one.end_ms - one.start_ms for one in found if one.kind is Kind.KNOCKED_OVER]
    assert 60 < len(fires) < 140
    assert len(falls) > 4 * len(fires)
    assert 900_000 <= sum(fires) / len(fires) < 2 * H
    assert 4 * H < sum(falls) / len(falls) < 12 * H
