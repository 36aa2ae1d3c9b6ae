"""Hours, days and nights from readings: late ones too, killed anywhere, on days of 23 and 25 hours."""

from collections.abc import Mapping
from copy import deepcopy
from datetime import date, datetime

import pytest

from cloud.dirty import DIRTY, HOUR_MS, LATE_MS, marks
from cloud.schema import row_points
from cloud.stores.base import Point
from cloud.watch.days import day_bounds_ms, day_of, days_ended, days_touched, spans_ms
from cloud.watch.model import Combine
from cloud.watch.rollup_fields import Owner, Recipes, repair
from cloud.watch.rollup_job import RollupJob
from cloud.watch.rollups.fleet import FleetRollup
from core.errors import LinkError, NotConnected, StorageError
from core.model import Reception, RowClass, RowId, Uplink
from core.territory import Placement, Site
from core.territory.calendars import PARIS
from tests.support.memory_store import MemoryStore
from tests.support.rolled import LAMPS, Lit, Outcome, Passed, come_to_rest, counter_point, lamp_point, new_job, rolled

MINUTE_MS = 60_000


def at(text: str) -> int:
    """Local time of a summer or winter day, ms UTC."""
    return round(datetime.fromisoformat(text).replace(tzinfo=PARIS).timestamp() * 1000)


class Town:
    """Its store, its time, and the job."""

    def __init__(self, start: str) -> None:
        self.store = MemoryStore()
        self.now_ms = at(start)
        self.mono_ms = 0
        self.job = self.start()

    def start(self) -> RollupJob:
        self.job = new_job(self.store, lambda: self.now_ms, lambda: self.mono_ms)
        return self.job

    def measure(self, *points: Point, database: str = "ccpvm") -> None:
        """Stored now."""
        self.store.write(database, [*points, *marks(points, now_ms=self.now_ms)])

    def rest(self, text: str = "") -> None:
        self.now_ms = at(text) if text else self.now_ms
        come_to_rest(self.job, self.now_ms)

    def fields(self, measurement: str, start_ms: int, *, database: str = "ccpvm", **tags: str) -> dict[str, float]:
        """Of the one point."""
        found = self.store.series(
            database, measurement, start_us=start_ms * 1000, end_us=start_ms * 1000 + 1, where={"asset": "", **tags}
        )
        (point,) = found
        return {name: value for name, value in point.fields.items() if isinstance(value, float)}


def test_an_hour_of_an_asset_of_its_commune_and_of_the_operator() -> None:
    """Its fields and what follows from them; of a commune sums and extremes, no last value; the operator has the
    communes alone."""
    town = Town("2025-06-10 10:00")
    start_ms = town.now_ms
    town.measure(
        lamp_point("lamp-1", start_ms + 5 * MINUTE_MS, 100.0, 40.0),
        lamp_point("lamp-1", start_ms + 50 * MINUTE_MS, 130.0, 20.0),
        lamp_point("lamp-2", start_ms + 30 * MINUTE_MS, 500.0, 60.0),
        counter_point("counter-1", start_ms, 7.0),
    )
    town.rest("2025-06-10 11:10")
    assert town.fields("hour", start_ms, asset="lamp-1") == {
        "readings": 2.0,
        "meter_wh": 130.0,
        "energy_wh": 30.0,
        "energy_per_reading_wh": 15.0,
        "power_min_w": 20.0,
        "power_max_w": 40.0,
    }
    commune = {
        "readings": 3.0,
        "energy_wh": 30.0,
        "energy_per_reading_wh": 10.0,
        "power_min_w": 20.0,
        "power_max_w": 60.0,
        "vehicles": 7.0,
    }
    assert town.fields("hour", start_ms, commune="88383") == commune
    assert town.fields("hour", start_ms, commune="88383", database="operator") == commune
    assert len(town.store.series("operator", "hour", start_us=0, end_us=2**62)) == 1
    assert town.store.series("ccpvm", "day", start_us=0, end_us=2**62) == []


def test_an_hour_is_not_rolled_before_it_has_ended() -> None:
    """And its counters start where the newest hour before stood, as far back as 48 hours."""
    town = Town("2025-06-10 10:00")
    start_ms = town.now_ms
    town.measure(lamp_point("lamp-1", start_ms, 100.0), lamp_point("lamp-1", start_ms + HOUR_MS, 110.0))
    town.rest("2025-06-10 11:59")
    assert {place[3] for place in rolled(town.store)} == {start_ms * 1000}
    town.measure(lamp_point("lamp-1", at("2025-06-12 11:00"), 190.0), lamp_point("lamp-2", at("2025-06-12 11:00"), 5.0))
    town.rest("2025-06-12 12:00")
    assert town.fields("hour", start_ms + HOUR_MS, asset="lamp-1")["energy_wh"] == 10.0
    assert town.fields("hour", at("2025-06-12 11:00"), asset="lamp-1")["energy_wh"] == 80.0
    town.measure(lamp_point("lamp-2", at("2025-06-14 12:00"), 9.0))
    town.rest("2025-06-14 13:00")
    assert town.fields("hour", at("2025-06-14 12:00"), asset="lamp-2")["energy_wh"] == 0.0, "49 hours before"


def test_late_readings_correct_their_hour_the_next_and_the_days() -> None:
    """An hour that was rolled gets another content: so do the hour whose counters start from it, the day, the night,
    the commune and the operator's copy; what nothing follows from is left alone."""
    town = Town("2025-06-10 20:00")
    for hours in (0, 3, 4):
        town.measure(lamp_point("lamp-1", town.now_ms + hours * HOUR_MS, 100.0 + 10 * hours))
    town.measure(lamp_point("lamp-3", town.now_ms, 1.0))
    evening_ms = town.now_ms
    town.rest("2025-06-11 13:00")
    day = day_bounds_ms(date(2025, 6, 10))[0]
    assert town.fields("day", day, asset="lamp-1")["energy_wh"] == 30.0
    assert town.fields("day", day, asset="lamp-1")["night_energy_wh"] == 40.0
    town.measure(lamp_point("lamp-1", evening_ms + HOUR_MS, 117.0))
    written: list[str] = []
    town.store.before = lambda call, database: written.append(database) if call == "write" else None
    town.rest()
    assert town.fields("hour", evening_ms + HOUR_MS, asset="lamp-1")["energy_wh"] == 17.0
    assert town.fields("hour", evening_ms + 3 * HOUR_MS, asset="lamp-1")["energy_wh"] == 13.0
    assert town.fields("hour", evening_ms + 4 * HOUR_MS, asset="lamp-1")["energy_wh"] == 10.0
    for where in ({"asset": "lamp-1"}, {"commune": "88383"}):
        assert town.fields("day", day, **where)["readings"] == 3.0
        assert town.fields("day", day, **where)["night_readings"] == 4.0
    assert town.fields("day", day, commune="88383", database="operator")["night_readings"] == 4.0
    assert written
    written.clear()
    town.rest()
    assert written == [], "and then there is nothing left to do"


def test_a_field_that_an_hour_no_longer_has_goes() -> None:
    """A reading that was moved away takes what only it gave along, and a point of which nothing is left."""
    town = Town("2025-06-10 10:00")
    only = lamp_point("lamp-2", town.now_ms + 1, 7.0, 60.0)
    town.measure(lamp_point("lamp-1", town.now_ms, 100.0), lamp_point("lamp-1", town.now_ms + 1, None, 60.0), only)
    start_ms = town.now_ms
    town.rest("2025-06-11 13:00")
    assert town.fields("day", at("2025-06-10 00:00"), commune="88383")["power_max_w"] == 60.0
    for asset in ("lamp-1", "lamp-2"):
        start_us = (start_ms + 1) * 1000
        town.store.delete_range("ccpvm", "light", start_us=start_us, end_us=start_us + 1, where={"asset": asset})
    town.store.write("ccpvm", marks([only], now_ms=town.now_ms))
    town.rest()
    assert set(town.fields("hour", start_ms, asset="lamp-1")) == {
        "readings",
        "meter_wh",
        "energy_wh",
        "energy_per_reading_wh",
    }
    assert "power_max_w" not in town.fields("day", at("2025-06-10 00:00"), asset="lamp-1")
    for database in ("ccpvm", "operator"):
        assert "power_max_w" not in town.fields("day", at("2025-06-10 00:00"), commune="88383", database=database)
    assert not [place for place in rolled(town.store) if ("asset", "lamp-2") in place[2]]


@pytest.mark.parametrize(("day", "hours"), [("2025-03-30", 23), ("2025-10-26", 25), ("2025-06-10", 24)])
def test_days_and_nights_when_the_clocks_change(day: str, hours: int) -> None:
    """Every hour is counted in one day and one night, also the one that the clock shows twice: 23, 24 or 25."""
    the_day = date.fromisoformat(day)
    night = date.fromordinal(the_day.toordinal() - 1)  # of the evening before: it has the change in it
    first_ms, last_ms = at(f"{night} 00:00"), at(f"{the_day} 00:00") + 48 * HOUR_MS
    town = Town(f"{night} 00:00")
    town.measure(*[lamp_point("lamp-1", start_ms, 1.0) for start_ms in range(first_ms, last_ms, HOUR_MS)])
    town.now_ms = last_ms
    town.rest()
    fields = {name: town.fields("day", at(f"{name} 00:00"), asset="lamp-1") for name in (str(night), day)}
    assert fields[day]["readings"] == hours
    assert fields[str(night)]["readings"] == 24
    assert fields[str(night)]["night_readings"] == hours
    assert fields[day]["night_readings"] == 24
    assert sum(one["readings"] for one in fields.values()) == 24 + hours
    dawn_ms, dusk_ms = day_bounds_ms(the_day)
    assert dusk_ms - dawn_ms == hours * HOUR_MS


def test_days_by_the_hour() -> None:
    """A day ends at midnight and a night at noon, local; an hour is in the day and the night that hold it."""
    noon_ms, midnight_ms = at("2025-01-10 12:00"), at("2025-01-11 00:00")
    assert days_ended(noon_ms) == {date(2025, 1, 9)}
    assert days_ended(midnight_ms) == {date(2025, 1, 10)}
    assert days_ended(midnight_ms + HOUR_MS) == set()
    assert days_touched(noon_ms - 1) == {date(2025, 1, 10), date(2025, 1, 9)}
    assert days_touched(noon_ms) == {date(2025, 1, 10)}
    assert day_of(midnight_ms - 1) == date(2025, 1, 10)
    assert spans_ms(date(2025, 1, 10))[1] == (noon_ms, at("2025-01-11 12:00"))


def test_only_lighting_is_counted_by_night() -> None:
    """A night of vehicles is nobody's question."""
    town = Town("2025-06-10 20:00")
    town.measure(lamp_point("lamp-1", town.now_ms, 1.0), counter_point("counter-1", town.now_ms, 4.0))
    town.rest("2025-06-11 13:00")
    fields = town.fields("day", at("2025-06-10 00:00"), commune="88383")
    assert (fields["vehicles"], fields["night_readings"]) == (4.0, 1.0)
    assert "night_vehicles" not in fields


class Killed(BaseException):
    """As a kill -9: nothing that the job could catch."""


def late_meters(town: Town) -> None:
    """Four hours of a meter are rolled; then the first comes late, and the others follow from it."""
    start_ms = town.now_ms
    for asset, wh in (("lamp-1", 10.0), ("lamp-2", 20.0)):
        town.measure(*[lamp_point(asset, start_ms + hours * HOUR_MS, wh * hours, 5.0) for hours in (1, 2, 3)])
        town.measure(lamp_point(asset, start_ms, None, 5.0))
    town.now_ms = start_ms + 16 * HOUR_MS
    town.rest()
    town.now_ms += MINUTE_MS
    town.measure(lamp_point("lamp-1", start_ms + MINUTE_MS, 3.0), lamp_point("lamp-2", start_ms + 2, 4.0))


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_every_call_of_the_store_it_ends_with_the_same_points(when: str) -> None:
    """One after the other: a kill before or after each write, deletion and question; the next job goes on."""
    whole = Town("2025-10-25 22:00")
    late_meters(whole)
    prepared = deepcopy(whole.store.held)
    whole.rest()
    expected = rolled(whole.store)
    assert whole.fields("hour", at("2025-10-25 23:00"), asset="lamp-1")["energy_wh"] == 7.0
    calls = 0
    killed = True
    while killed:
        calls += 1
        killed = False
        town = Town("2025-10-25 22:00")
        town.store.held, town.now_ms = deepcopy(prepared), whole.now_ms
        left = calls

        def strike(_call: str, _database: str) -> None:
            nonlocal left, killed
            left -= 1
            if left == 0:
                killed = True
                raise Killed

        setattr(town.store, when, strike)
        try:
            town.rest()
        except Killed:
            town.start()
        setattr(town.store, when, lambda _call, _database: None)
        town.rest()
        assert rolled(town.store) == expected, calls
    assert calls > (5 if when == "after" else 20)


def test_a_mark_that_was_only_seen_survives_a_restart_a_day_later() -> None:
    """The progress that is kept does not go past a mark that nobody has acted on."""
    town = Town("2025-06-10 10:00")
    start_ms = town.now_ms
    town.measure(counter_point("counter-1", start_ms, 1.0))
    town.rest("2025-06-10 12:00")
    town.now_ms += HOUR_MS
    town.mono_ms += 60_000
    town.measure(counter_point("counter-1", start_ms + 1, 1.0))
    town.now_ms += MINUTE_MS
    town.job.take_marks(town.now_ms, margin_ms=LATE_MS)
    for _ in town.job.pieces(town.now_ms):
        pass
    assert town.fields("hour", start_ms, asset="counter-1") == {"vehicles": 1.0}
    town.now_ms += 24 * HOUR_MS
    town.start()
    town.rest()
    assert town.fields("hour", start_ms, asset="counter-1") == {"vehicles": 2.0}


def test_many_assets_that_change_at_once_are_marked_as_their_commune(monkeypatch: pytest.MonkeyPatch) -> None:
    """And come out the same as one by one."""
    outcomes: list[Outcome] = []
    for few in (20, 0):
        monkeypatch.setattr("cloud.watch.rollup_job._ASSETS", few)
        monkeypatch.setattr("cloud.watch.rollup_reading._FEW", few)
        town = Town("2025-10-25 22:00")
        late_meters(town)
        town.rest()
        outcomes.append(rolled(town.store))
        assert any("asset" in one.tags for one in town.store.series("ccpvm", DIRTY, start_us=0, end_us=2**62)) == (
            few > 0
        )
    assert outcomes[0] == outcomes[1]


def test_a_large_tenant_is_rolled_commune_by_commune(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that an hour of 100,000 lamps is never in memory; with the same outcome."""
    outcomes: list[Outcome] = []
    for many in (10_000, 1):
        monkeypatch.setattr("cloud.watch.rollup_job._MANY", many)
        town = Town("2025-10-25 22:00")
        late_meters(town)
        town.measure(lamp_point("lamp-3", town.now_ms - LATE_MS, 1.0))
        town.now_ms += 3 * HOUR_MS
        town.rest()
        outcomes.append(rolled(town.store))
    assert outcomes[0] == outcomes[1]


def test_an_operators_database_that_refuses_is_told_later() -> None:
    """The tenant's own hours go on; what the operator is owed survives a restart."""
    town = Town("2025-06-10 10:00")

    def refuse(call: str, database: str) -> None:
        if (call, database) == ("write", "operator"):
            raise StorageError("store.full", "no room")

    town.store.before = refuse
    for hours in range(3):
        town.measure(counter_point("counter-1", town.now_ms, 1.0 + hours))
        town.now_ms += HOUR_MS
        with pytest.raises(StorageError):
            town.rest()
    assert len(town.store.series("ccpvm", "hour", start_us=0, end_us=2**62, where={"asset": ""})) == 3
    town.start()
    town.store.before = lambda _call, _database: None
    town.rest()
    told = town.store.series("operator", "hour", start_us=0, end_us=2**62)
    assert [point.fields["vehicles"] for point in told] == [1.0, 2.0, 3.0]


def test_a_store_that_goes_away_delays_and_loses_nothing() -> None:
    """The same job goes on where it was."""
    town = Town("2025-10-25 22:00")
    late_meters(town)
    whole = Town("2025-10-25 22:00")
    late_meters(whole)
    whole.rest()
    calls = iter(range(1_000_000))

    def fail_often(_call: str, _database: str) -> None:
        if next(calls) % 71 == 70:
            raise NotConnected("store.silent", "no answer")

    town.store.before = fail_often
    for _ in range(200):
        try:
            town.rest()
            break
        except LinkError:
            continue
    else:
        pytest.fail("it never comes to rest")
    town.store.before = lambda _call, _database: None
    assert rolled(town.store) == rolled(whole.store)


def test_hours_whose_readings_have_expired_stay_as_they_are() -> None:
    """A late reading of last year cannot stand for all those that are gone."""
    town = Town("2025-06-10 10:00")
    start_ms = town.now_ms
    town.measure(counter_point("counter-1", start_ms, 5.0))
    town.rest("2025-06-10 12:00")
    town.job._kept_ms = lambda: start_ms + HOUR_MS  # the retention moves on
    town.store.delete_range("ccpvm", "traffic", start_us=0, end_us=2**62, where={})
    town.measure(counter_point("counter-1", start_ms + 1, 1.0))
    town.rest()
    assert town.fields("hour", start_ms, asset="counter-1") == {"vehicles": 5.0}


def test_without_any_reading_it_begins_now() -> None:
    """An empty database is asked once for its oldest reading; older ones that come later are marked."""
    town = Town("2025-06-10 10:00")
    town.rest()
    asked: list[str] = []
    town.store.before = lambda call, _database: asked.append(call)
    town.rest()
    assert len(asked) < 10
    town.measure(counter_point("counter-2", at("2025-06-09 10:00"), 3.0))
    town.rest()
    assert town.fields("day", at("2025-06-09 00:00"), asset="counter-2")["vehicles"] == 3.0


def test_years_without_a_reading_are_hopped_over() -> None:
    """A clock that was never set has left some in 1970: they are rolled, and their days, and then the next ones."""
    town = Town("2025-06-10 10:00")
    town.measure(counter_point("counter-1", 30 * HOUR_MS, 3.0), counter_point("counter-1", town.now_ms, 4.0))
    start_ms = town.now_ms
    asked: list[str] = []
    town.store.before = lambda call, _database: asked.append(call)
    town.rest("2025-06-11 01:00")
    assert len(asked) < 2000
    assert town.fields("day", at("1970-01-02 00:00"), asset="counter-1")["vehicles"] == 3.0
    assert town.fields("hour", start_ms, asset="counter-1")["vehicles"] == 4.0
    assert town.fields("day", at("2025-06-10 00:00"), asset="counter-1")["vehicles"] == 4.0


def test_what_is_not_declared_here_is_not_rolled() -> None:
    """Readings of an unknown asset, or of another tenant's that has not moved yet."""
    town = Town("2025-06-10 10:00")
    strange = Point("light", {"commune": "88383", "asset": "elsewhere"}, town.now_ms * 1000, {"meter_wh": 1.0})
    town.measure(strange, counter_point("counter-1", town.now_ms, 2.0))
    town.rest("2025-06-10 12:00")
    assert {dict(place[2]).get("asset", "") for place in rolled(town.store)} == {"", "counter-1"}


def heard(device: str, asset: str, at_ms: int, f_cnt: int, *gateways: str) -> Point:
    """The own point of an uplink."""
    row = Uplink(
        key=f"{device}/{f_cnt}",
        received_ms=at_ms,
        application="a",
        dev_eui=device,
        f_port=1,
        f_cnt=f_cnt,
        dev_addr="01020304",
        payload=b"",
        receptions=tuple(Reception(gateway, -90, 5.0 - number) for number, gateway in enumerate(gateways)),
    )
    commune = LAMPS[asset]
    return row_points(
        row,
        RowId("spool", RowClass.MEASUREMENT, f_cnt),
        edge="remiremont",
        boot="b",
        offset_ms=0,
        placement=Placement("ccpvm", "ccpvm", commune, asset, foreign=False),
        site=Site("remiremont", "Remiremont", "88383", "ccpvm", 48.0, 6.6),
    ).points[0]


@pytest.mark.parametrize("many", [10_000, 1])
def test_gateways_have_hours_and_days_of_their_own(monkeypatch: pytest.MonkeyPatch, many: int) -> None:
    """Of all uplinks of the tenant, also where an hour is done in parts; a late uplink counts; no commune has them."""
    monkeypatch.setattr("cloud.watch.rollup_job._MANY", many)
    one, two = "00000000000000aa", "00000000000000bb"
    town = Town("2025-06-10 10:00")
    start_ms = town.now_ms
    town.job = new_job(town.store, lambda: town.now_ms, rollups=[FleetRollup()])
    town.measure(
        heard("00000000000000a1", "lamp-1", start_ms, 1, one, two),
        heard("00000000000000a3", "lamp-3", start_ms + 5, 1, one),
    )
    town.rest("2025-06-11 00:30")
    day_ms = at("2025-06-10 00:00")
    for measurement, at_ms in (("hour", start_ms), ("day", day_ms)):
        fields = town.fields(measurement, at_ms, gateway=one, commune="")
        assert (fields["heard_count"], fields["offered_count"], fields["sole_count"]) == (2.0, 2.0, 1.0)
        assert town.fields(measurement, at_ms, gateway=two, commune="")["heard_pct"] == 50.0
        assert town.fields(measurement, at_ms, commune="88383", gateway="")["uplinks_count"] == 1.0
    town.measure(heard("00000000000000a3", "lamp-3", start_ms + 9, 3, two))
    town.rest()
    for measurement, at_ms in (("hour", start_ms), ("day", day_ms)):
        assert town.fields(measurement, at_ms, gateway=two, commune="")["heard_count"] == 2.0
        assert town.fields(measurement, at_ms, commune="88351", gateway="")["lost_count"] == 1.0
    operators = town.store.series("operator", "hour", start_us=0, end_us=2**62)
    assert {frozenset(point.tags) for point in operators} == {frozenset({"commune"})}


def test_a_repair_is_the_least_that_makes_stored_points_the_wanted_ones() -> None:
    """Equal: nothing. More fields or other values: written. A field less: deleted first."""
    one, two, three, four = (Owner("88383", name) for name in ("a", "b", "c", "d"))
    stored = {one: {"x": 1.0}, two: {"x": 1.0}, three: {"x": 1.0, "y": 2.0}, four: {"x": 1.0}}
    wanted = {one: {"x": 1.0}, two: {"x": 1.0, "y": 2.0}, three: {"x": 1.0}}
    change = repair("hour", 5, wanted, stored)
    assert change.stale == [three, four]
    assert change.fresh == [
        Point("hour", owner.tags, 5000, fields) for owner, fields in ((two, wanted[two]), (three, wanted[three]))
    ]


def test_two_rollups_never_share_a_field() -> None:
    """One would be the other's."""

    class Twice(Passed):
        fields: Mapping[str, Combine] = {"vehicles": Combine.MAX}

    with pytest.raises(ValueError, match="share"):
        Recipes([Lit(), Passed(), Twice()])
