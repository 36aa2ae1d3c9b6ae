"""Alarms on the page: which are listed in which order, and what is said of each."""

from dataclasses import replace
from typing import Any

import pytest

from cloud.page import alarms
from cloud.page.alarm_words import (
    badge,
    badge_look,
    name,
    names,
    seen_by,
    since,
    since_last,
    span,
    to_do,
    watch_look,
    watch_note,
    where,
)
from cloud.page.alarms import FADING_MS, Alarm
from cloud.page.pulse import Watch
from cloud.page.state import Beside, Snapshot, StoreState, blank
from core.territory import Kind
from tests.unit.page.page_facts import HOUR_MS, NOON_MS, alarm, alarm_point, ground, lamp, other

TOWN = ground(lamp(), other(Kind.BIN, "bin-1"))
AWAKE = Watch({"ccpvm": NOON_MS}, frozenset({"ccpvm"}))
STOPPED = Watch({"ccpvm": NOON_MS - 12 * 60_000})


def town(*held: Alarm, watch: Watch = AWAKE, store: StoreState = StoreState.READY) -> Snapshot:
    beside = Beside(alarms=alarms.listed(held, NOON_MS), watch=watch)
    return replace(blank(TOWN, NOON_MS, store), beside=beside)


def test_the_gravest_come_first_and_of_these_the_newest() -> None:
    """What has ended not long ago comes last, and later not at all."""
    old = alarm("light.lamp_failure", number=1, since_ms=NOON_MS - 9 * HOUR_MS)
    new = alarm("light.flicker", number=2, since_ms=NOON_MS - HOUR_MS)
    taken = alarm("silence.device", "notice", "acknowledged", number=3, since_ms=NOON_MS)
    fire = alarm("bin.fire", "critical", number=4, since_ms=NOON_MS - 20 * HOUR_MS)
    over = alarm("bin.fire", "critical", "cleared", number=5, at_ms=NOON_MS - FADING_MS)
    gone = alarm("bin.fire", "critical", "cleared", number=6, at_ms=NOON_MS - FADING_MS - 1)
    assert alarms.listed([old, over, taken, gone, new, fire], NOON_MS) == (fire, new, old, taken, over)


def test_many_of_one_kind_in_one_commune_are_one_line() -> None:
    """In the place of the gravest and newest of them; few stay themselves, and so does what is taken up."""
    silent = [alarm("silence.device", "notice", number=n, since_ms=NOON_MS - n * HOUR_MS) for n in range(2, 7)]
    taken = alarm("silence.device", "notice", "acknowledged", number=8, since_ms=NOON_MS - 8 * HOUR_MS)
    elsewhere = [alarm("silence.device", "notice", number=n, commune="51237", since_ms=NOON_MS) for n in (9, 10)]
    failed = alarm("light.lamp_failure", number=11)
    listed = alarms.listed([*silent, taken, *elsewhere, failed], NOON_MS)
    groups = alarms.grouped(listed)
    assert groups == [(failed,), (elsewhere[0],), (elsewhere[1],), tuple(silent), (taken,)]
    assert sorted(one.id for group in groups for one in group) == sorted(one.id for one in listed)
    assert names(groups[3]) == "5 capteurs ne donnent plus de nouvelles"
    assert since_last(groups[3], NOON_MS) == "la dernière depuis 2 h"
    assert (names(groups[0]), since_last(groups[0], NOON_MS)) == ("Lampe en panne", "depuis 1 h")


@pytest.mark.parametrize(
    "fields", [{"state": "postponed"}, {"severity": "mild"}, {"since_ms": None}, {"code": "store.down", "active": True}]
)
def test_what_another_version_wrote_is_passed_over(fields: dict[str, Any]) -> None:
    """A state or severity that nobody knows, a condition of the time before the watch."""
    point = alarm_point("bin.fire", asset="bin-1")
    written = fields if "code" in fields else {**point.fields, **fields}
    known = {key: value for key, value in written.items() if value is not None}
    assert alarms.read("ccpvm", point) is not None
    assert alarms.read("ccpvm", replace_fields(point, known)) is None


def replace_fields(point: Any, fields: dict[str, Any]) -> Any:
    return type(point)(point.measurement, point.tags, point.time_us, fields)


def test_an_alarm_about_a_sensor_is_about_its_asset() -> None:
    """A click opens the asset; the sensor's identity is not what a mayor looks for."""
    weak = alarm("device.battery_low", asset="bin-1", device="0018b20000000001")
    assert (weak.about, weak.asset) == ("asset", "bin-1")
    assert alarm("silence.site", site="remiremont").asset == ""


def test_the_past_is_each_alarm_that_ended_once_the_last_first() -> None:
    """Whatever happened to it in between."""
    lamp_ = alarm("light.lamp_failure", word="cleared", number=1, at_ms=NOON_MS - 2 * HOUR_MS)
    seen = alarm("light.lamp_failure", word="acknowledged", number=1, at_ms=NOON_MS - 3 * HOUR_MS)
    fire = alarm("bin.fire", word="cleared", number=2, at_ms=NOON_MS - HOUR_MS)
    held = alarm("bin.full", number=3)
    assert alarms.episodes([seen, lamp_, fire, held]) == [fire, lamp_]
    assert alarms.episodes([lamp_, replace(lamp_, database="esternay")]) == [lamp_, replace(lamp_, database="esternay")]


def test_an_alarm_is_said_in_plain_french() -> None:
    """What, where, since when, who; what to do."""
    fire = alarm("bin.fire", "critical", asset="bin-1", since_ms=NOON_MS - 130 * 60_000)
    assert name(fire) == "Température anormale : feu possible"
    assert where(fire, TOWN) == "Bac, Rue du Pont · Remiremont"
    assert since(fire, NOON_MS) == "depuis 2 h 10"
    assert to_do(fire) == "À faire : envoyer quelqu’un ; en cas de feu, appeler le 18 ou le 112."
    assert seen_by(fire) == ""
    taken = alarm("light.lamp_failure", word="acknowledged", asset="lamp-1", by="Marie", note="nacelle jeudi")
    assert where(taken, TOWN) == "Lampadaire lamp-1 · Remiremont"
    assert seen_by(taken) == "Pris en charge par Marie : nacelle jeudi"
    assert seen_by(replace(taken, note="")) == "Pris en charge par Marie"
    ended = alarm("bin.full", word="cleared", asset="bin-1", by="Marie", at_ms=NOON_MS - 60_000)
    assert (since(ended, NOON_MS), seen_by(ended)) == ("terminée il y a 1 min", "")
    assert span(ended) == "mar. 25 nov. 2025, 12:00 · a duré 59 min"
    assert where(alarm("silence.site", site="val"), TOWN) == "Site « Le Val-d’Ajol » · Remiremont"


def test_a_radio_is_named_to_the_operator_alone() -> None:
    """Its EUI says nothing to a mayor."""
    silent = alarm("silence.gateway", gateway="7076ff0056070a99")
    assert where(silent, TOWN) == "Remiremont"
    assert where(silent, TOWN, for_operator=True) == "7076ff0056070a99 · Remiremont"


def test_the_badge_says_how_many_hold_and_how_grave_they_are() -> None:
    """None is good news only where somebody watches."""
    grave = alarm("bin.fire", "critical", number=1)
    light = alarm("bin.full", "notice", number=2)
    ended = alarm("bin.full", "critical", "cleared", number=3, at_ms=NOON_MS)
    assert (badge(town(light, ended)), badge_look(town(light, ended))) == ("1 alarme", "notice")
    assert (badge(town(light, grave)), badge_look(town(light, grave))) == ("2 alarmes", "critical")
    assert (badge(town(ended)), badge_look(town(ended))) == ("Aucune alarme", "well")
    assert (badge(town(watch=STOPPED)), badge_look(town(watch=STOPPED))) == ("Veille arrêtée", "asleep")
    assert badge(town(watch=Watch())) == "Pas de veille"


def test_a_watch_that_stopped_is_told_plainly_and_since_when() -> None:
    """The alarms that it left are not those of now."""
    held = alarm("bin.full", "notice")
    assert (watch_note(town(held)), watch_look(town(held))) == ("", "hidden")
    assert (watch_note(town()), watch_look(town())) == ("Aucune alarme en cours.", "well")
    stopped = town(held, watch=STOPPED)
    assert watch_look(stopped) == "wrong"
    assert watch_note(stopped) == (
        "La veille est arrêtée depuis 12 min (mardi 25 novembre 2025, 12:48). Les alarmes ci-dessous datent d’alors. "
        "Prévenez l’exploitant."
    )
    assert "Plus aucune alarme n’est levée." in watch_note(town(watch=STOPPED))
    never = town(watch=Watch({"ccpvm": None}))
    assert watch_look(never) == "waiting"
    assert watch_note(never).startswith("La veille n’a pas encore commencé")
    away = town(held, store=StoreState.FAILING)
    assert (watch_look(away), "dernières connues" in watch_note(away)) == ("wrong", True)
