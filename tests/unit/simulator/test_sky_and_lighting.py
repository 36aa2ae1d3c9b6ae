"""When the simulated circuits burn: the sun of Remiremont, extinction, and the nights of a change of hour."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import takewhile
from math import acos, asin, atan2, cos, degrees, radians, sin

import pytest

from core.sun import night_sun_ms
from core.territory.calendars import PARIS, Calendar, CalendarException, Period, Programme
from simulator.lighting import Lighting
from simulator.sky import ambient_c

REMIREMONT = {"lat": 48.0175, "lon": 6.5882}
PROGRAMMES = {
    "extinction": Programme("extinction", periods=(Period(time(23), time(5)),)),
    "dimmed": Programme("dimmed", periods=(Period(time(22), time(6), 50.0),)),
}


def ms(local: str) -> int:
    return round(datetime.fromisoformat(local).replace(tzinfo=PARIS).timestamp() * 1000)


def local(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, PARIS)


def levels(calendar: Calendar | None, start: str, end: str) -> list[tuple[str, float]]:
    """What a circuit does between two local instants, to the minute."""
    steps = Lighting(calendar, PROGRAMMES, **REMIREMONT).steps_from(ms(start))
    return [
        (local(step.start_ms).strftime("%d %H:%M"), step.level_pct)
        for step in takewhile(lambda step: step.start_ms < ms(end), steps)
    ]


def almanac_ms(day: date, *, rising: bool) -> int:
    """Sunrise or sunset at Remiremont, computed apart: the Almanac's low-precision Sun and the hour angle at -0.833°.

    Source: The Astronomical Almanac, section C, "low precision formulas for the Sun" (0.01°).
    """
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    n = (midnight - datetime(2000, 1, 1, 12, tzinfo=UTC)) / timedelta(days=1) + (0.25 if rising else 0.7)
    mean, anomaly = radians(280.460 + 0.9856474 * n), radians(357.528 + 0.9856003 * n)
    longitude = mean + radians(1.915) * sin(anomaly) + radians(0.020) * sin(2 * anomaly)
    obliquity = radians(23.439 - 4e-7 * n)
    declination = asin(sin(obliquity) * sin(longitude))
    right_ascension = atan2(cos(obliquity) * sin(longitude), cos(longitude))
    equation_h = (degrees(mean - right_ascension) + 180) % 360 / 15 - 12
    lat = radians(REMIREMONT["lat"])
    half_day = acos((sin(radians(-0.833)) - sin(lat) * sin(declination)) / (cos(lat) * cos(declination)))
    hours = 12 - REMIREMONT["lon"] / 15 - equation_h + degrees(half_day) / 15 * (-1 if rising else 1)
    return round((midnight + timedelta(hours=hours)).timestamp() * 1000)


@pytest.mark.parametrize("night", [date(2026, 12, 21), date(2026, 6, 21), date(2026, 3, 28), date(2026, 10, 24)])
def test_the_sun_of_remiremont(night: date) -> None:
    """Solstices and the nights of the changes of hour, within a minute of another formula."""
    evening_ms, morning_ms = night_sun_ms(**REMIREMONT, night=night)
    assert abs(evening_ms - almanac_ms(night, rising=False)) < 60_000
    assert abs(morning_ms - almanac_ms(night + timedelta(days=1), rising=True)) < 60_000


def test_a_winter_night_with_extinction() -> None:
    """On at sunset, out at 23:00, on again at 05:00, off at sunrise."""
    night = levels(Calendar("c", "extinction"), "2026-12-21T13:00", "2026-12-22T12:00")
    assert night == [("21 12:00", 0.0), ("21 16:42", 100.0), ("21 23:00", 0.0), ("22 05:00", 100.0), ("22 08:21", 0.0)]


def test_a_summer_night_with_extinction() -> None:
    """At the solstice there is half an hour of light left to give in the morning."""
    night = levels(Calendar("c", "extinction"), "2026-06-21T13:00", "2026-06-22T12:00")
    assert night == [("21 12:00", 0.0), ("21 21:36", 100.0), ("21 23:00", 0.0), ("22 05:00", 100.0), ("22 05:34", 0.0)]


def test_extinction_keeps_the_legal_hour_when_summer_time_ends() -> None:
    """25 October 2026: the night is an hour longer; 05:00 is legal time, six hours and one after 23:00."""
    steps = list(
        takewhile(
            lambda step: step.start_ms < ms("2026-10-25T12:00"),
            Lighting(Calendar("c", "extinction"), PROGRAMMES, **REMIREMONT).steps_from(ms("2026-10-24T13:00")),
        )
    )
    assert [local(step.start_ms).strftime("%H:%M") for step in steps] == ["12:00", "18:28", "23:00", "05:00", "07:07"]
    assert steps[3].start_ms - steps[2].start_ms == 7 * 3_600_000


def test_extinction_keeps_the_legal_hour_when_summer_time_begins() -> None:
    """29 March 2026: 23:00 to 05:00 is five hours."""
    steps = Lighting(Calendar("c", "extinction"), PROGRAMMES, **REMIREMONT).steps_from(ms("2026-03-28T13:00"))
    night = [next(steps) for _ in range(5)]
    assert local(night[2].start_ms).strftime("%H:%M") == "23:00"
    assert night[3].start_ms - night[2].start_ms == 5 * 3_600_000


def test_the_step_in_force_comes_first() -> None:
    """In the middle of extinction the first level is 0, since 23:00."""
    assert levels(Calendar("c", "extinction"), "2026-12-22T02:00", "2026-12-22T06:00") == [
        ("21 23:00", 0.0),
        ("22 05:00", 100.0),
    ]


def test_an_arrete_changes_one_night() -> None:
    """On the night of a feast the other programme holds, and only then."""
    feast = CalendarException("fête", "2026-12", date(2026, 12, 21), date(2026, 12, 21), "dimmed")
    both = levels(Calendar("c", "extinction", exceptions=(feast,)), "2026-12-21T13:00", "2026-12-22T23:30")
    assert ("21 22:00", 50.0) in both
    assert ("21 23:00", 0.0) not in both
    assert ("22 23:00", 0.0) in both


def test_a_lamp_without_a_circuit_burns_from_sunset_to_sunrise() -> None:
    """No calendar: the whole night."""
    assert levels(None, "2026-12-21T13:00", "2026-12-22T12:00") == [
        ("21 12:00", 0.0),
        ("21 16:42", 100.0),
        ("22 08:21", 0.0),
    ]


def test_night_is_from_sunset_to_sunrise() -> None:
    """Asked in any order, before and after both."""
    lighting = Lighting(None, PROGRAMMES, **REMIREMONT)
    for moment, night in (
        ("2026-12-21T16:30", False),
        ("2026-12-21T17:00", True),
        ("2026-12-22T08:00", True),
        ("2026-12-22T08:40", False),
        ("2026-12-21T20:00", True),
    ):
        assert lighting.is_night(ms(moment)) is night


def test_winter_is_colder_than_summer_and_night_than_day() -> None:
    """A plausible year in Lorraine: means of January and July, and of dawn and afternoon."""
    hours = [h * 3_600_000 for h in range(0, 24 * 14, 3)]
    january = [ambient_c(48.0, ms("2026-01-10T00:00") + h) for h in hours]
    july = [ambient_c(48.0, ms("2026-07-15T00:00") + h) for h in hours]
    assert -5 < sum(january) / len(january) < 6
    assert 15 < sum(july) / len(july) < 24
    assert ambient_c(48.0, ms("2026-07-15T16:00")) > ambient_c(48.0, ms("2026-07-15T04:00")) + 4
