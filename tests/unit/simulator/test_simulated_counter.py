"""One counter's life: who drives by, what it says of them, and what it forgets."""

from itertools import pairwise, takewhile
from random import Random

import pytest

from simulator.almanac import local_hour
from simulator.devices.base import Act, Fact, Frame, Join
from simulator.devices.counter import Counter, CounterPlan
from simulator.devices.failures import Failure, Kind
from simulator.devices.radars import Parametric, Pmx, Radar
from simulator.devices.street import Street

NOVEMBER = 1_794_870_000_000  # 2026-11-17 00:00 in Paris, a Tuesday of school
JUNE = 1_781_560_800_000  # 2026-06-16 00:00 in Paris, a Tuesday of school
H = 3_600_000
STREET = Street(4_000.0, 50, 0.95)
QUARTER, TEN = 900_000, 600_000


def live(
    radar: Radar,
    interval_ms: int,
    *,
    hours: int = 24,
    street: Street = STREET,
    failing: tuple[Failure, ...] = (),
    solar: bool = False,
    start_ms: int = NOVEMBER,
    seed: int = 1,
    **plan: int | bool,
) -> list[Act]:
    found = Counter(
        CounterPlan(street, 48.0, 6.6, interval_ms, solar, start_ms, **plan),  # type: ignore[arg-type]
        radar=radar,
        inbound_left=True,
        failures=iter(failing),
        rng=Random(seed),
    )
    return list(takewhile(lambda act: act.at_ms < start_ms + hours * H, found.life()))


def pmx(*, solar: bool = False, **options: object) -> list[Act]:
    return live(Pmx(speed_limit_kmh=50, solar=solar), QUARTER, solar=solar, **options)  # type: ignore[arg-type]


def parametric(*, solar: bool = False, **options: object) -> list[Act]:
    radar = Parametric(speed_limit_kmh=50, solar=solar, interval_min=10)
    return live(radar, TEN, solar=solar, **options)  # type: ignore[arg-type]


def frames(acts: list[Act], port: int) -> list[Frame]:
    return [act for act in acts if isinstance(act, Frame) and act.f_port == port]


def vehicles(acts: list[Act]) -> list[Fact]:
    return [act for act in acts if isinstance(act, Fact) and act.fact == "vehicles"]


def counts(frame: Frame) -> tuple[int, int]:
    """Of a PMX: left to right, right to left."""
    return int.from_bytes(frame.payload[3:5], "big"), int.from_bytes(frame.payload[6:8], "big")


def by_class(frame: Frame) -> list[tuple[int, int, int, int]]:
    """Of a Parametric: (left, km/h, right, km/h) of each class."""
    body = frame.payload[9:]
    return [
        (int.from_bytes(one[0:2], "big"), one[2], int.from_bytes(one[3:5], "big"), one[5])
        for one in (body[at : at + 6] for at in range(0, len(body), 6))
    ]


def test_a_counter_says_what_passed_since_its_last_uplink() -> None:
    """Every quarter of an hour; counts and record of truth agree, and add up to about a day's traffic."""
    acts = pmx()
    told, real = frames(acts, 13), vehicles(acts)
    assert len(told) == 96
    assert [counts(one) for one in told] == [(one.detail["left"], one.detail["right"]) for one in real]
    assert all(earlier.at_ms == later.detail["since_ms"] for earlier, later in pairwise(real))
    assert sum(map(sum, map(counts, told))) == pytest.approx(4_000, rel=0.1)


def test_nights_are_empty_and_said_to_be() -> None:
    """Between two and four hardly anybody; an interval without a vehicle is an uplink of zeros, speeds too."""
    acts = pmx(street=Street(1_000.0, 50))
    night = [one for one in frames(acts, 13) if 2 <= local_hour(one.at_ms).hour < 4]
    assert len(night) == 8
    empty = [one for one in night if counts(one) == (0, 0)]
    assert len(empty) >= 5
    assert all(one.payload[3:9] == bytes(6) for one in empty)


def test_mornings_go_in_and_evenings_go_out() -> None:
    """Opposite peaks of the two directions on a working day; both peaks far above noon of the weak direction."""
    per_hour = {hour: [0, 0] for hour in range(24)}
    for one in vehicles(pmx()):
        hour = local_hour(one.at_ms - QUARTER // 2).hour
        per_hour[hour][0] += int(one.detail["left"])
        per_hour[hour][1] += int(one.detail["right"])
    assert per_hour[7][0] > 1.5 * per_hour[7][1]
    assert per_hour[17][1] > 1.2 * per_hour[17][0]
    assert max(per_hour, key=lambda hour: per_hour[hour][0]) in (7, 8)
    assert max(per_hour, key=lambda hour: per_hour[hour][1]) in (16, 17, 18)


def test_weeks_have_a_sunday_and_years_have_holidays() -> None:
    """Expected traffic: Friday most, Sunday least and without peaks, a school holiday less, 14 July like a Sunday."""

    def day(start_ms: int) -> float:
        return sum(sum(STREET.expected(start_ms + hour * H, start_ms + (hour + 1) * H)) for hour in range(24))

    week = [day(NOVEMBER + offset * 24 * H) for offset in range(-1, 6)]
    assert max(week) == week[4]
    assert min(week) == week[6]
    assert day(JUNE) == pytest.approx(4_000, rel=0.02)
    assert day(JUNE + 56 * 24 * H) < 0.9 * day(JUNE)  # a Tuesday of August
    assert day(JUNE + 28 * 24 * H) == pytest.approx(week[6], rel=0.02)  # Tuesday 14 July
    sunday = [
        sum(STREET.expected(NOVEMBER + (5 * 24 + hour) * H, NOVEMBER + (5 * 24 + hour + 1) * H)) for hour in range(24)
    ]
    assert max(sunday[10:19]) < 1.35 * min(sunday[10:19])


def test_speeds_are_near_the_limit_and_a_share_is_above() -> None:
    """The mean of a day within 15 % of the limit; between a tenth and a half faster than it."""
    acts = pmx()
    slow = [one.payload[5] for one in frames(acts, 13) if counts(one)[0] > 5]
    assert 42 < sum(slow) / len(slow) < 52
    passed = sum(map(sum, map(counts, frames(acts, 13))))
    fast = sum(map(sum, map(counts, frames(acts, 14))))
    assert 0.1 < fast / passed < 0.5
    assert all(one.payload[5] >= 50 for one in frames(acts, 14) if counts(one)[0])


def test_a_category_is_part_of_all_detections() -> None:
    """The second frame follows the first, of the same interval, and never counts more."""
    acts = pmx()
    for everything, category in zip(frames(acts, 13), frames(acts, 14), strict=True):
        assert 0 < category.at_ms - everything.at_ms < 10_000
        assert category.payload[1:3] == everything.payload[1:3]
        assert all(part <= whole for part, whole in zip(counts(category), counts(everything), strict=True))


def test_a_pmx_says_the_end_of_its_interval_by_the_local_clock() -> None:
    """Hour and minute in Paris of the moment it speaks, never later."""
    for one in frames(pmx(hours=6), 13):
        assert one.payload[1] == local_hour(one.at_ms).hour
        assert one.payload[2] == one.at_ms // 60_000 % 60


def test_classes_add_up_to_what_passed() -> None:
    """Four classes around the limit, each with the mean speed within it, none counted twice."""
    acts = parametric()
    told = frames(acts, 15)
    assert len(told) == 144
    for frame, real in zip(told, vehicles(acts), strict=True):
        classes = by_class(frame)
        assert sum(one[0] for one in classes) == real.detail["left"]
        assert sum(one[2] for one in classes) == real.detail["right"]
        for (least, most), (left, left_kmh, right, right_kmh) in zip(
            ((1, 25), (25, 50), (50, 70), (70, 255)), classes, strict=True
        ):
            assert least <= left_kmh <= most if left else left_kmh == 0
            assert least <= right_kmh <= most if right else right_kmh == 0
    assert sum(sum(one[0] for one in by_class(frame)[2:]) for frame in told) > 100


RESTART = Failure(Kind.RESTART, NOVEMBER + 8 * H, NOVEMBER + 8 * H + 60_000)


def test_a_restart_loses_what_was_counted_since_the_last_uplink() -> None:
    """It joins, says who it is, and counts from 0; the record of truth knows how many nobody will hear of."""
    acts = pmx(failing=(RESTART,))
    (restart,) = [act for act in acts if isinstance(act, Fact) and act.fact == "restart"]
    after = [act for act in acts if act.at_ms > RESTART.start_ms and isinstance(act, Join | Frame)]
    assert isinstance(after[0], Join)
    assert isinstance(after[1], Frame)
    assert (after[1].f_port, after[1].payload[0]) == (190, 0xD2)
    first = next(one for one in vehicles(acts) if one.at_ms > RESTART.start_ms)
    assert first.detail["since_ms"] == after[0].at_ms
    assert first.at_ms - after[0].at_ms == QUARTER
    before = max(one.at_ms for one in vehicles(acts) if one.at_ms < RESTART.start_ms)
    expected = sum(STREET.expected(before, RESTART.start_ms))
    assert int(restart.detail["uncounted"]) == pytest.approx(expected, rel=0.6, abs=8)
    assert frames(acts, 14)[-1].at_ms > after[0].at_ms


def test_a_counter_put_up_during_the_scenario_begins_with_a_join() -> None:
    """Then its settings; taken down, it says nothing more."""
    acts = parametric(fresh=True, end_ms=NOVEMBER + 3 * H)
    spoken = [act for act in acts if isinstance(act, Join | Frame)]
    assert isinstance(spoken[0], Join)
    assert isinstance(spoken[1], Frame)
    assert (spoken[1].f_port, len(spoken[1].payload)) == (190, 27)
    assert max(act.at_ms for act in acts) < NOVEMBER + 3 * H


def test_a_panel_gives_by_day_and_the_battery_takes_it() -> None:
    """Nothing by night, most around noon, more in June than in November; voltage between empty and full."""

    def solar_mw(start_ms: int) -> dict[int, int]:
        told = frames(parametric(solar=True, start_ms=start_ms), 15)
        assert all(3_300 <= int.from_bytes(one.payload[3:5], "big") <= 4_100 for one in told)
        return {local_hour(one.at_ms).hour: int.from_bytes(one.payload[5:7], "big") for one in told}

    november, june = solar_mw(NOVEMBER), solar_mw(JUNE)
    assert november[2] == june[2] == 0
    assert november[6] == 0 < june[6]
    assert june[13] > 1_000
    assert sum(june.values()) > sum(november.values())


def test_on_the_mains_there_is_no_charger_to_speak_of() -> None:
    """A Parametric says 0 for battery and panel, and LoRaWAN that it has external power; a PMX its 12 V."""
    assert {one.payload[3:7] for one in frames(parametric(hours=3), 15)} == {bytes(4)}
    assert all(115 <= one.payload[9] <= 127 for one in frames(pmx(hours=3), 13))
    plans = [CounterPlan(STREET, 48.0, 6.6, TEN, solar, NOVEMBER) for solar in (False, True)]
    radar = Pmx(speed_limit_kmh=50, solar=True)
    found = [Counter(plan, radar=radar, inbound_left=True, failures=iter(()), rng=Random(1)) for plan in plans]
    assert found[0].battery == 0
    assert 1 <= found[1].battery <= 254
