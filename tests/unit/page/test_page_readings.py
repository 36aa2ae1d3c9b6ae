"""What the panel says of an asset: lines, sentences from its history, and a chart."""

import re
from typing import Any

import pytest

from cloud.page.charts import DAY_MS, bin_week, counter_hours, lamp_day
from cloud.page.readings import SHOWN, directions, energy_wh, glossary, last_emptying, lines, say
from cloud.stores.base import Point
from core.model import Domain
from core.quantities import QUANTITIES
from core.territory import Kind
from core.territory.model import Thresholds
from tests.unit.page.page_facts import HOUR_MS, MIDNIGHT_MS, NOON_MS, point


def test_what_is_shown_is_in_the_vocabulary_and_never_of_the_radio_or_a_device() -> None:
    """A closed list: every name has a French label; none tells a signal, a serial number or a setting."""
    domains = {Kind.LAMP: Domain.LIGHT, Kind.BIN: Domain.BIN, Kind.COUNTER: Domain.TRAFFIC, Kind.CABINET: None}
    for kind, names in SHOWN.items():
        assert set(names) <= set(QUANTITIES)
        assert not [name for name in names if re.search("rssi|snr|serial|firmware|interval|threshold", name)]
        assert {QUANTITIES[name].domain for name in names} <= {domains[kind], None}


def test_readings_are_listed_in_one_order_with_label_unit_and_age() -> None:
    """What the store has beyond the list is not told."""
    newest = [
        point({"power_w": 38.4, "energy_wh": 245_321.0}, channel="internal", ago_ms=120_000),
        point({"level_pct": 40.0, "downlink_rssi_dbm": -97.0}, channel="dali_1"),
    ]
    said = [(line.label, line.text, line.at_ms) for line in lines(Kind.LAMP, newest, newest, [])]
    assert said == [
        ("Niveau d’éclairage", "40\u202f%", NOON_MS - 60_000),
        ("Puissance", "38\u202fW", NOON_MS - 120_000),
        ("Énergie, compteur", "245,3\u202fkWh", NOON_MS - 120_000),
    ]


def test_a_reading_of_before_the_last_day_has_no_age_but_is_said() -> None:
    """The newest point carries fields of older ones; their time is not its time."""
    merged = point({"level_pct": 40.0, "mains_v": 230.0}, ago_ms=60_000)
    day = [point({"level_pct": 40.0}, ago_ms=60_000)]
    ages = {line.quantity: line.at_ms for line in lines(Kind.LAMP, [merged], day, [])}
    assert ages == {"level_pct": NOON_MS - 60_000, "mains_v": None}


def test_outputs_are_named_only_where_there_are_several() -> None:
    """`DALI 9` says which driver; one driver needs no name."""
    one = [point({"lamp_failure": "ok"}, channel="dali_1")]
    assert [line.label for line in lines(Kind.LAMP, one, one, [])] == ["Panne de lampe"]
    two = [*one, point({"lamp_failure": "fault"}, channel="dali_group_3")]
    listed = lines(Kind.LAMP, two, two, [])
    assert [line.label for line in listed] == ["Panne de lampe (DALI 1)", "Panne de lampe (DALI groupe 3)"]
    assert [line.broken for line in listed] == [False, True]


def test_a_newer_reading_out_of_range_is_shown_as_doubtful() -> None:
    """It replaces the older good one in the list, marked; an older one is forgotten."""
    good = [point({"power_w": 38.0}, channel="internal", ago_ms=HOUR_MS)]
    bad = [point({"power_w": 65_535.0}, channel="internal", measurement="suspect")]
    (line,) = lines(Kind.LAMP, good, good, bad)
    assert (line.text, line.doubtful, line.at_ms) == ("65\u202f535\u202fW", True, NOON_MS - 60_000)
    mended = [*good, point({"power_w": 39.0}, channel="internal", ago_ms=0)]
    (line,) = lines(Kind.LAMP, mended[1:], mended, bad)
    assert (line.text, line.doubtful) == ("39\u202fW", False)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("level_source", "calendar_night", "calendrier, nuit"),
        ("power_factor", 0.953, "0,95"),
        ("lamp_time_s", 4_334_400.0, "1\u202f204\u202fh"),
        ("mains_v", 229.6, "230\u202fV"),
        ("temperature_c", -3.0, "-3\u202f°C"),
    ],
)
def test_values_are_said_in_french(name: str, value: float | str, said: str) -> None:
    """Decimal comma, hours for running times, the word of a state."""
    assert say(name, value) == said


def curves(options: dict[str, Any]) -> dict[str, list[tuple[int, float | None]]]:
    return {series["name"]: series["data"] for series in options["series"]}


def test_the_chart_covers_the_last_24_hours_with_power_and_level() -> None:
    """Of several outputs at one instant the highest counts; both axes start at zero."""
    day = [
        point({"level_pct": 40.0}, channel="dali_1", ago_ms=HOUR_MS),
        point({"level_pct": 60.0}, channel="dali_2", ago_ms=HOUR_MS),
        point({"power_w": 38.0}, channel="internal", ago_ms=HOUR_MS - 5000),
    ]
    options = lamp_day(day, NOON_MS, gap_ms=3 * HOUR_MS)
    assert curves(options) == {
        "Puissance (W)": [(NOON_MS - HOUR_MS + 5000, 38.0)],
        "Niveau (%)": [(NOON_MS - HOUR_MS, 60.0)],
    }
    assert (options["xAxis"]["min"], options["xAxis"]["max"]) == (NOON_MS - DAY_MS, NOON_MS)
    assert [axis["min"] for axis in options["yAxis"]] == [0, 0]
    assert [axis["max"] / axis["interval"] for axis in options["yAxis"]] == [4, 4]


def test_a_silence_breaks_the_curve() -> None:
    """Nothing was measured there, so nothing is drawn there."""
    day = [point({"power_w": 38.0}, ago_ms=8 * HOUR_MS), point({"power_w": 37.0}, ago_ms=HOUR_MS)]
    power = curves(lamp_day(day, NOON_MS, gap_ms=3 * HOUR_MS))["Puissance (W)"]
    assert [value for _, value in power] == [38.0, None, 37.0]


def test_hours_are_those_of_paris() -> None:
    """Ticks stand at 0, 4, 8… o'clock of Paris: an hour off UTC in winter, two in summer."""
    ticks = lamp_day([], NOON_MS, gap_ms=HOUR_MS)["xAxis"]["axisLabel"]["customValues"]
    assert [at % DAY_MS // HOUR_MS for at in ticks] == [15, 19, 23, 3, 7, 11]
    july_ms = NOON_MS + 230 * DAY_MS
    ticks = lamp_day([], july_ms, gap_ms=HOUR_MS)["xAxis"]["axisLabel"]["customValues"]
    assert [at % DAY_MS // HOUR_MS for at in ticks] == [14, 18, 22, 2, 6, 10]


def filled(pct: float, ago_ms: int) -> Point:
    return point({"fill_pct": pct}, asset="bin-1", measurement="bin", ago_ms=ago_ms)


def test_an_emptying_is_what_the_watch_says_it_is() -> None:
    """The page has no rule of its own: a fall that a second look confirms; a jumping echo is none."""
    hours = [(60, 78.0), (50, 80.0), (40, 4.0), (30, 5.0), (9, 60.0), (5, 62.0), (2, 4.0), (1, 63.0)]
    week = [filled(pct, ago * HOUR_MS) for ago, pct in hours]
    emptied = last_emptying(week, Thresholds())
    assert emptied is not None
    assert (emptied.at_ms, emptied.before_pct, emptied.after_pct) == (NOON_MS - 40 * HOUR_MS, 78.0, 4.0)
    assert last_emptying(week[3:], Thresholds()) is None
    assert last_emptying([], Thresholds()) is None


def test_the_week_of_a_bin_shows_its_threshold() -> None:
    """Seven days, 0 to 100 %, the tenant's line across."""
    options = bin_week([filled(80.0, 50 * HOUR_MS), filled(4.0, HOUR_MS)], NOON_MS, gap_ms=60 * HOUR_MS, full_pct=75.0)
    assert curves(options) == {"Remplissage (%)": [(NOON_MS - 50 * HOUR_MS, 80.0), (NOON_MS - HOUR_MS, 4.0)]}
    assert options["xAxis"]["max"] - options["xAxis"]["min"] == 7 * DAY_MS
    assert options["series"][0]["markLine"]["data"] == [{"yAxis": 75.0}]
    assert len(options["xAxis"]["axisLabel"]["customValues"]) == 7


def passed(vehicles: float, hour: float, channel: str = "left", speed: float | None = None) -> Point:
    """A count whose interval ends at an hour of today, in Paris."""
    fields: dict[str, Any] = {"vehicles_count": vehicles} | ({} if speed is None else {"speed_kmh": speed})
    ago_ms = NOON_MS - (MIDNIGHT_MS + round(hour * HOUR_MS))
    return point(fields, asset="cnt-1", measurement="traffic", channel=channel, ago_ms=ago_ms)


def test_vehicles_are_told_by_hour_and_direction_and_a_gap_is_not_a_zero() -> None:
    """What is counted at 8:00 passed before; an hour of nobody is 0, an hour of no measurement is nothing, in grey."""
    day = [passed(10.0, 8.0, speed=40.0), passed(4.0, 8.25, "right", speed=60.0), passed(0.0, 9.5), passed(7.0, 12.5)]
    options = counter_hours(day, NOON_MS, midnight_ms=MIDNIGHT_MS)
    bars = curves(options)
    assert bars["vers la gauche"][7:13] == [10.0, None, 0.0, None, None, 7.0]
    assert bars["vers la droite"][7:10] == [None, 4.0, None]
    assert bars["Vitesse moyenne (km/h)"][7:11] == [40.0, 60.0, None, None]
    grey = [(first["xAxis"], last["xAxis"]) for first, last in options["series"][0]["markArea"]["data"]]
    assert grey == [("0 h", "6 h"), ("10 h", "11 h")]
    assert directions(day) == {"left": 17.0, "right": 4.0}


def test_a_counter_that_measured_nothing_today_has_a_chart_without_bars() -> None:
    """Nothing fails before the first count of the day."""
    options = counter_hours([point({"battery_v": 3.6})], NOON_MS, midnight_ms=MIDNIGHT_MS)
    assert [series["type"] for series in options["series"]] == ["line"]


def test_the_energy_since_midnight_is_what_the_meter_counted() -> None:
    """The hour across midnight counts with its share; without a meter nothing is said."""
    hourly = [point({"energy_wh": 1000.0 + 40 * n}, channel="internal", ago_ms=(14 - n) * HOUR_MS) for n in range(14)]
    used = energy_wh(hourly, start_ms=MIDNIGHT_MS, end_ms=NOON_MS)
    assert used == pytest.approx(12 * 40.0)
    assert energy_wh([point({"power_w": 4.0})], start_ms=MIDNIGHT_MS, end_ms=NOON_MS) is None


def test_a_technical_word_is_explained_where_it_appears() -> None:
    """And nowhere else."""
    broken = [point({"driver_failure": "fault"}, channel="dali_1")]
    (line,) = lines(Kind.LAMP, broken, broken, [])
    assert line.label == "Panne de pilote (driver)"
    assert [sentence[:15] for sentence in glossary([line.label])] == ["Pilote (driver)"]
    assert glossary(["Puissance"]) == []
