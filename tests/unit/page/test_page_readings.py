"""What the panel says of a lamp: lines and a chart."""

from typing import Any

import pytest

from cloud.page.readings import DAY_MS, SHOWN, chart, lines, say
from core.model import Domain
from core.quantities import QUANTITIES
from tests.unit.page.page_facts import HOUR_MS, NOON_MS, point


def test_what_is_shown_is_in_the_vocabulary_and_never_of_the_radio_or_a_device() -> None:
    """A closed list: every name has a French label; none tells a signal, a serial number or a setting."""
    assert set(SHOWN) <= set(QUANTITIES)
    assert not [name for name in SHOWN if "rssi" in name or "snr" in name or "serial" in name or "firmware" in name]
    assert {QUANTITIES[name].domain for name in SHOWN} <= {Domain.LIGHT, None}


def test_readings_are_listed_in_one_order_with_label_unit_and_age() -> None:
    """What the store has beyond the list is not told."""
    newest = [
        point({"power_w": 38.4, "energy_wh": 245_321.0}, channel="internal", ago_ms=120_000),
        point({"level_pct": 40.0, "downlink_rssi_dbm": -97.0}, channel="dali_1"),
    ]
    said = [(line.label, line.text, line.at_ms) for line in lines(newest, newest, [])]
    assert said == [
        ("Niveau d’éclairage", "40\u202f%", NOON_MS - 60_000),
        ("Puissance", "38\u202fW", NOON_MS - 120_000),
        ("Énergie, compteur", "245,3\u202fkWh", NOON_MS - 120_000),
    ]


def test_a_reading_of_before_the_last_day_has_no_age_but_is_said() -> None:
    """The newest point carries fields of older ones; their time is not its time."""
    merged = point({"level_pct": 40.0, "mains_v": 230.0}, ago_ms=60_000)
    day = [point({"level_pct": 40.0}, ago_ms=60_000)]
    ages = {line.quantity: line.at_ms for line in lines([merged], day, [])}
    assert ages == {"level_pct": NOON_MS - 60_000, "mains_v": None}


def test_outputs_are_named_only_where_there_are_several() -> None:
    """`DALI 9` says which driver; one driver needs no name."""
    one = [point({"lamp_failure": "ok"}, channel="dali_1")]
    assert [line.label for line in lines(one, one, [])] == ["Panne de lampe"]
    two = [*one, point({"lamp_failure": "fault"}, channel="dali_group_3")]
    listed = lines(two, two, [])
    assert [line.label for line in listed] == ["Panne de lampe (DALI 1)", "Panne de lampe (DALI groupe 3)"]
    assert [line.broken for line in listed] == [False, True]


def test_a_newer_reading_out_of_range_is_shown_as_doubtful() -> None:
    """It replaces the older good one in the list, marked; an older one is forgotten."""
    good = [point({"power_w": 38.0}, channel="internal", ago_ms=HOUR_MS)]
    bad = [point({"power_w": 65_535.0}, channel="internal", measurement="suspect")]
    (line,) = lines(good, good, bad)
    assert (line.text, line.doubtful, line.at_ms) == ("65\u202f535\u202fW", True, NOON_MS - 60_000)
    mended = [*good, point({"power_w": 39.0}, channel="internal", ago_ms=0)]
    (line,) = lines(mended[1:], mended, bad)
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
    options = chart(day, NOON_MS, gap_ms=3 * HOUR_MS)
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
    power = curves(chart(day, NOON_MS, gap_ms=3 * HOUR_MS))["Puissance (W)"]
    assert [value for _, value in power] == [38.0, None, 37.0]


def test_hours_are_those_of_paris() -> None:
    """Ticks stand at 0, 4, 8… o'clock of Paris: an hour off UTC in winter, two in summer."""
    ticks = chart([], NOON_MS, gap_ms=HOUR_MS)["xAxis"]["axisLabel"]["customValues"]
    assert [at % DAY_MS // HOUR_MS for at in ticks] == [15, 19, 23, 3, 7, 11]
    july_ms = NOON_MS + 230 * DAY_MS
    ticks = chart([], july_ms, gap_ms=HOUR_MS)["xAxis"]["axisLabel"]["customValues"]
    assert [at % DAY_MS // HOUR_MS for at in ticks] == [14, 18, 22, 2, 6, 10]
