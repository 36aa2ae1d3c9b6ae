"""The sentences of strip, sidebar and panel."""

from dataclasses import replace

import pytest

from cloud.page.balance import Road
from cloud.page.lamp import LampState, Seen
from cloud.page.panel import age, headline
from cloud.page.reader import Story
from cloud.page.sidebar import lit, unassigned
from cloud.page.state import StoreState, Tally, blank, picture
from cloud.page.strip import freshness, freshness_look, verdict
from cloud.page.symbols import SYMBOLS, svg
from core.territory import Asset, Kind
from tests.unit.page.page_facts import HOUR_MS, NOON_MS, ground, lamp, point

ROAD = Road(accepted=105, stored=100, spooled=2, quarantined=2, evicted=1, edges=3, reported_ms=NOON_MS - 4000)
STREET = ground(lamp())


@pytest.mark.parametrize(
    ("tally", "said"),
    [
        (Tally(), "aucun équipement"),
        (Tally(2, {LampState.BARE: 2}), "aucun capteur"),
        (Tally(2, {LampState.SILENT: 2}), "aucune donnée reçue"),
        (Tally(2, {LampState.SILENT: 2}, NOON_MS - 5 * HOUR_MS), "pas de donnée depuis 5 h"),
        (Tally(4, {LampState.LIT: 1, LampState.OFF: 2, LampState.BARE: 1}, NOON_MS), "1 / 3"),
        (Tally(2, {LampState.OFF: 2}, NOON_MS), "0 / 2"),
        (Tally(2, {LampState.OFF: 2}, NOON_MS - 2 * HOUR_MS), "0 / 2 · il y a 2 h"),
        (Tally(2, {LampState.OFF: 2}, NOON_MS - 8 * HOUR_MS, unpowered=2), "0 / 2 · circuits coupés"),
    ],
)
def test_a_commune_without_figures_says_why(tally: Tally, said: str) -> None:
    """Nothing there, nothing fitted, nothing heard yet or any more: four different things. Old figures say so."""
    assert lit(tally, blank(STREET, NOON_MS, StoreState.READY)) == said


def test_the_balance_is_said_in_one_sentence() -> None:
    """It balances, it does not, or nobody reported yet."""
    assert verdict(ROAD, 3, NOON_MS) == "✓ Bilan équilibré : rien n’est perdu (3 sites, il y a 4 s)"
    assert verdict(replace(ROAD, stored=97, offline=1), 3, NOON_MS) == (
        "⚠ Écart de 3 messages : prévenez l’exploitant (3 sites, dont 1 hors ligne, il y a 4 s)"
    )
    assert "(3 sites sur 5, " in verdict(ROAD, 5, NOON_MS)
    assert verdict(None, 3, NOON_MS) == "Les sites n’ont pas encore transmis leurs compteurs."


def test_old_data_are_called_old() -> None:
    """A map that nobody feeds any more must not look alive."""
    empty = blank(STREET, NOON_MS, StoreState.EMPTY)
    assert (freshness(empty), freshness_look(empty)) == ("aucune donnée reçue", "waiting")
    new = picture(
        STREET, NOON_MS, readings=[point({"level_pct": 40.0}, ago_ms=12_000)], suspects=(), road=None, unassigned=0
    )
    assert (freshness(new), freshness_look(new)) == ("dernière donnée il y a 12 s", "well")
    old = replace(new, now_ms=NOON_MS + 2 * HOUR_MS)
    assert freshness_look(old) == "old"
    assert freshness(old) == "dernière donnée il y a 2 h : données anciennes"
    cut = replace(old, total=Tally(1, {LampState.OFF: 1}, NOON_MS, unpowered=1))
    assert (freshness(cut), freshness_look(cut)) == ("dernière donnée il y a 2 h : circuits coupés", "waiting")


def story(state: LampState, at_ms: int | None, *fields: dict[str, str]) -> Story:
    return Story(
        asset=Asset("lamp-1", Kind.LAMP, "88383", 48.0, 6.5),
        commune="Remiremont",
        seen=Seen(state, at_ms),
        now_ms=NOON_MS,
        gap_ms=HOUR_MS,
        latest=[point(dict(one)) for one in fields],
        day=[],
        suspects=[],
    )


def test_the_panel_says_what_is_broken_and_how_old_that_is() -> None:
    """`aucun équipement` and `pas de donnée depuis` are different sentences."""
    broken = story(LampState.FAULT, NOON_MS - 60_000, {"lamp_failure": "fault"}, {"driver_failure": "fault"})
    assert headline(broken) == "En défaut : panne de driver, panne de lampe"
    lost = story(LampState.FAULT, NOON_MS, {"dali_bus": "fault", "level_source": "driver_not_found"})
    assert headline(lost) == "En défaut : bus DALI, driver introuvable"
    dark = replace(lost, seen=Seen(LampState.OFF, NOON_MS - 5 * HOUR_MS, unpowered=True))
    assert headline(dark) == "Éteint : circuit coupé"
    assert age(broken) == "Dernière donnée il y a 1 min."
    assert age(story(LampState.SILENT, None)) == "Aucune donnée reçue."
    assert age(story(LampState.SILENT, NOON_MS - 5 * HOUR_MS)) == (
        "Pas de donnée depuis 5 h (mardi 25 novembre 2025, 08:00)."
    )
    assert age(story(LampState.BARE, None)) == "Aucun capteur n’est affecté à ce lampadaire."
    assert age(story(LampState.BARE, NOON_MS - HOUR_MS)) == (
        "Capteur retiré ; dernière donnée le mardi 25 novembre 2025, 12:00."
    )


def test_devices_that_nobody_declared_are_counted_not_named() -> None:
    """Their number is for the operator; their identity is not for this page."""
    assert unassigned(0) == ""
    assert unassigned(1) == "1 appareil entendu sans affectation : à déclarer."
    assert unassigned(3) == "3 appareils entendus sans affectation : à déclarer."


def test_every_state_has_a_shape_and_a_colour_of_its_own() -> None:
    """Colour is never needed to tell two states apart."""
    assert set(SYMBOLS) == set(LampState)
    assert len({symbol.shape for symbol in SYMBOLS.values()}) == len(LampState)
    assert len({svg(state) for state in LampState}) == len(LampState)
