"""The plan of a circuit: the calendar under the sun, exceptions by arrêté, nights of a change of the clock, power."""

import gc
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from cloud.watch import plan as plans
from cloud.watch.plan import DAY_MS, Plan, plan_of
from core.sun import night_sun_ms
from core.territory import Asset, Circuit, Commune, Kind, Operator, Supply, Tenant, Territory, load
from core.territory.calendars import (
    PARIS,
    Calendar,
    CalendarException,
    Period,
    Programme,
    expected_level_pct,
    night_bounds_ms,
    night_of,
)

LAT, LON = 48.0175, 6.5882
HOUR_MS = 3_600_000
FETE = CalendarException("Fête nationale", "2026-104", date(2026, 7, 13), date(2026, 7, 14), "nuit")


def _territory() -> Territory:
    return Territory(
        Operator("op", "Op"),
        tenants={"ccpvm": Tenant("ccpvm", "CCPVM", ("88383",))},
        communes={"88383": Commune("88383", "Remiremont", "ccpvm", LAT, LON)},
        programmes={
            "nuit": Programme("nuit"),
            "eteint": Programme("eteint", level_pct=0),
            "extinction": Programme("extinction", periods=(Period(time(23), time(5), 0),)),
            "gradation": Programme("gradation", periods=(Period(time(22), time(5), 50),)),
        },
        calendars={
            "extinction": Calendar("extinction", "extinction", exceptions=(FETE,)),
            "gradation": Calendar("gradation", "gradation"),
            "eteint": Calendar("eteint", "eteint"),
        },
        circuits={
            "switched": Circuit("switched", "cab", Supply.SWITCHED, "extinction"),
            "permanent": Circuit("permanent", "cab", Supply.PERMANENT, "extinction"),
            "dimmed": Circuit("dimmed", "cab", Supply.SWITCHED, "gradation"),
            "dark": Circuit("dark", "cab", Supply.SWITCHED, "eteint"),
        },
    )


TERRITORY = _territory()


def _plan(circuit: str) -> Plan:
    found = plan_of(TERRITORY, _lamp(circuit))
    assert found is not None
    return found


def _lamp(circuit: str | None) -> Asset:
    return Asset("lamp", Kind.LAMP, "88383", LAT, LON, circuit=circuit)


def _ms(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=PARIS).timestamp() * 1000)


def test_a_lamp_on_no_circuit_has_no_plan() -> None:
    """What is expected of it is not known."""
    assert plan_of(TERRITORY, _lamp(None)) is None


def test_a_circuit_s_lamps_share_one_plan_which_goes_with_its_territory() -> None:
    """5,600 lamps reckon a few dozen plans; a reloaded territory leaves nothing behind."""
    territory = _territory()
    first = plan_of(territory, _lamp("switched"))
    assert first is plan_of(territory, _lamp("switched"))
    assert first is not plan_of(TERRITORY, _lamp("switched"))
    known, ident = plans._known, id(territory)
    assert ident in known
    del territory
    gc.collect()
    assert ident not in known


@pytest.mark.parametrize("calendar", ["extinction", "gradation", "eteint"])
def test_a_year_of_levels_is_the_calendar_s(calendar: str) -> None:
    """Every 43 minutes of a year, both changes of the clock included, as the calendar itself says it."""
    circuit = {"extinction": "permanent", "gradation": "dimmed", "eteint": "dark"}[calendar]
    plan, declared = _plan(circuit), TERRITORY.calendars[calendar]
    for at_ms in range(_ms("2026-01-01T00:00"), _ms("2027-01-01T00:00"), 43 * 60_000):
        sunset_ms, sunrise_ms = night_sun_ms(LAT, LON, night_of(at_ms))
        expected = expected_level_pct(declared, TERRITORY.programmes, at_ms, sunset_ms=sunset_ms, sunrise_ms=sunrise_ms)
        assert plan.level_pct(at_ms) == expected
        assert plan.is_day(at_ms) is not (sunset_ms <= at_ms < sunrise_ms)


def test_an_exception_by_arrete_lights_the_night_that_it_names() -> None:
    """The night of 13 July burns through; the one before and, by the clock, the morning after the last do not."""
    plan = _plan("switched")
    assert plan.level_pct(_ms("2026-07-12T23:30")) == 0
    assert plan.level_pct(_ms("2026-07-14T03:00")) == 100
    assert plan.level_pct(_ms("2026-07-15T03:00")) == 100  # the night of the 14th
    assert plan.level_pct(_ms("2026-07-15T23:30")) == 0


def test_spans_follow_each_other_and_differ() -> None:
    """Walking from change to change leaves no gap and misses no step."""
    plan = _plan("permanent")
    at_ms, found = _ms("2026-03-25T12:00"), []
    while at_ms < _ms("2026-04-02T12:00"):
        span = plan.span(at_ms)
        assert span.start_ms <= at_ms < span.end_ms
        assert plan.next_change_ms(at_ms) == span.end_ms
        found.append(span)
        at_ms = span.end_ms
    assert all(a.end_ms == b.start_ms and a.level_pct != b.level_pct for a, b in pairwise(found))
    assert len(found) == 8 * 4 + 1


def _local(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, PARIS).strftime("%d %H:%M")


def test_a_night_that_loses_an_hour_is_dark_for_an_hour_less() -> None:
    """29 March 2026: off at 23:00, on at 05:00, five hours later; 25 October: seven hours."""
    plan = _plan("switched")
    for text, hours in (("2026-03-28T23:30", 5), ("2026-03-27T23:30", 6), ("2026-10-24T23:30", 7)):
        span = plan.span(_ms(text))
        assert span.level_pct == 0
        assert _local(span.start_ms).endswith("23:00")
        assert _local(span.end_ms).endswith("05:00")
        assert span.end_ms - span.start_ms == hours * HOUR_MS


def test_a_switched_circuit_has_power_while_it_shall_burn() -> None:
    """From dusk to 23:00 and from 05:00 to dawn; a permanent one always; a dimmed one all night in one piece."""
    noon, next_noon = night_bounds_ms(date(2026, 10, 24))
    sunset_ms, sunrise_ms = night_sun_ms(LAT, LON, date(2026, 10, 24))
    assert _plan("switched").powered_spans(noon, next_noon) == [
        (sunset_ms, _ms("2026-10-24T23:00")),
        (_ms("2026-10-25T05:00"), sunrise_ms),
    ]
    assert _plan("permanent").powered_spans(noon, next_noon) == [(noon, next_noon)]
    assert _plan("dimmed").powered_spans(noon, next_noon) == [(sunset_ms, sunrise_ms)]
    assert _plan("dark").powered_spans(noon, noon + 90 * DAY_MS) == []
    assert _plan("switched").powered_spans(noon, noon) == []


def test_powered_spans_are_cut_at_the_ends_that_were_asked_for() -> None:
    """Of a period within one span: that period."""
    start_ms = _ms("2026-10-24T20:00")
    assert _plan("switched").powered_spans(start_ms, start_ms + HOUR_MS) == [(start_ms, start_ms + HOUR_MS)]
    assert _plan("switched").is_powered(start_ms)
    assert not _plan("switched").is_powered(_ms("2026-10-24T14:00"))
    assert _plan("permanent").is_powered(_ms("2026-10-24T14:00"))


def test_a_span_says_whether_the_sun_or_the_clock_switches() -> None:
    """Dusk and dawn by the sun, extinction by the clock."""
    evening, extinction = (
        _plan("switched").span(_ms("2026-10-24T20:00")),
        _plan("switched").span(_ms("2026-10-25T01:00")),
    )
    assert (evening.starts_by_sun, evening.ends_by_sun) == (True, False)
    assert (extinction.starts_by_sun, extinction.ends_by_sun) == (False, False)
    assert _plan("switched").span(_ms("2026-10-25T14:00"))[3:] == (True, True)


def test_a_circuit_that_is_dark_for_the_season_changes_at_no_near_time() -> None:
    """Nothing is awaited; and nothing is looked for without end."""
    plan = _plan("dark")
    assert plan.next_change_ms(_ms("2026-01-15T18:00")) is None
    assert plan.level_pct(_ms("2026-01-15T18:00")) == 0


def _example() -> Iterator[tuple[Territory, Asset]]:
    territory = load(Path(__file__).parents[4] / "territories" / "grand-est")
    return ((territory, asset) for asset in territory.assets.values() if asset.kind is Kind.LAMP)


def test_the_example_s_lamps_share_a_few_dozen_plans() -> None:
    """Every lamp of the example has a plan, and they reckon few nights."""
    found = [(territory, plan_of(territory, asset)) for territory, asset in _example()]
    assert len(found) > 5000
    assert all(plan is not None for _, plan in found)
    known = plans._known[id(found[0][0])]
    assert len(known.nights) < 40
    assert len(known.by_place) < 200
    summer = datetime(2026, 7, 13, 22, 0, tzinfo=UTC) + timedelta(hours=1)
    lit = sum(plan is not None and plan.level_pct(int(summer.timestamp() * 1000)) > 0 for _, plan in found)
    assert 0 < lit < len(found)


def test_the_last_time_without_light_is_found_from_day_and_night() -> None:
    """In it: that one; after it: the one before the lamps were lit, however often they were dimmed since."""
    day = _plan("dimmed").span(_ms("2026-10-24T14:00"))
    assert _plan("dimmed").last_off(_ms("2026-10-24T14:00")) == day
    assert _plan("dimmed").last_off(_ms("2026-10-25T04:00")) == day
    extinction = _plan("switched").span(_ms("2026-10-25T01:00"))
    assert _plan("switched").last_off(_ms("2026-10-25T05:30")) == extinction


def test_the_sun_alone_tells_day_from_night() -> None:
    """Of a lamp on no circuit: lit from sunset to sunrise, and its power is never taken for gone."""
    sun = plans.sun_of(TERRITORY, _lamp(None))
    sunset_ms, sunrise_ms = night_sun_ms(LAT, LON, date(2026, 10, 24))
    assert sun.span(_ms("2026-10-25T01:00")) == (sunset_ms, sunrise_ms, 100, True, True)
    assert sun.is_powered(_ms("2026-10-24T14:00"))
