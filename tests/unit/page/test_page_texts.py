"""The sentences of strip, tiles, sidebar and panel."""

from dataclasses import replace
from typing import Any

import pytest

from cloud.page.balance import Road, SiteNews
from cloud.page.bin import BinState
from cloud.page.counter import CounterState
from cloud.page.ground import Place
from cloud.page.kinds import TRADES
from cloud.page.lamp import LampState
from cloud.page.seen import Seen
from cloud.page.sentences import age, declared, headline, radio, told
from cloud.page.sidebar import lit, unassigned, what
from cloud.page.state import Beside, Snapshot, StoreState, blank, picture
from cloud.page.story import Story
from cloud.page.strip import freshness, freshness_look, silence, verdict
from cloud.page.symbols import SYMBOLS, svg
from cloud.page.tally import Tally
from cloud.page.tiles import figure, is_troubled, trouble
from cloud.page.tiles import freshness as tile_freshness
from cloud.stores.base import Point
from cloud.watch.model import State
from cloud.watch.plan import Nights, Plan
from core.model import Domain
from core.territory import Asset, Kind
from core.territory.calendars import Calendar, Programme
from core.territory.model import Thresholds
from tests.support.streets import GATEWAY, PAYLOAD, Streets
from tests.unit.page.page_facts import HOUR_MS, LONG_HEARD, MIDNIGHT_MS, NOON_MS, ground, heard, lamp, other, point

ROAD = Road(accepted=105, stored=100, spooled=2, quarantined=2, evicted=1, edges=3, reported_ms=NOON_MS - 4000)
STREET = ground(lamp())


@pytest.mark.parametrize(
    ("tally", "said"),
    [
        (Tally(), "aucun lampadaire"),
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
    new = picture(STREET, NOON_MS, heard(point({"level_pct": 40.0}, ago_ms=12_000)))
    assert (freshness(new), freshness_look(new)) == ("dernière donnée il y a 12 s", "well")
    old = replace(new, now_ms=NOON_MS + 2 * HOUR_MS)
    assert freshness_look(old) == "old"
    assert freshness(old) == "dernière donnée il y a 2 h : données anciennes"
    away = replace(new, store=StoreState.FAILING)  # the age of what is known says nothing of now
    assert (freshness(away), freshness_look(away)) == ("magasin de données injoignable", "old")
    cut = replace(old, totals={Kind.LAMP: Tally(1, {LampState.OFF: 1}, NOON_MS, unpowered=1)})
    assert (freshness(cut), freshness_look(cut)) == ("dernière donnée il y a 2 h : circuits coupés", "waiting")


def test_silent_sites_are_named_in_one_line() -> None:
    """How long, and whether it is gone or only quiet; nothing when all are heard."""
    never, old = SiteNews("Mairie d’Esternay", None), SiteNews("Remiremont", NOON_MS - 12 * 60_000)
    assert silence((never, old), NOON_MS) == (
        "Site « Mairie d’Esternay » : pas encore de nouvelles · Site « Remiremont » muet depuis 12 min"
    )
    assert silence((replace(old, gone=True),), NOON_MS) == "Site « Remiremont » hors ligne depuis 12 min"
    assert silence((), NOON_MS) == ""
    assert silence((old,) * 5, NOON_MS).endswith("muet depuis 12 min · et 2 autres")


TOWN = ground(lamp(), other(Kind.BIN, "bin-1"), other(Kind.COUNTER, "cnt-1"))


def town(**facts: Any) -> Snapshot:
    return replace(blank(TOWN, NOON_MS, StoreState.READY), **facts)


def test_the_lighting_tile_says_lit_of_expected_by_night_and_by_day() -> None:
    """`0 sur 0` by day is all well and says why."""
    night = town(totals={Kind.LAMP: Tally(440, {LampState.LIT: 412, LampState.FAULT: 8}, NOON_MS)}, expected_lit=430)
    assert figure(Domain.LIGHT, night) == "412 allumés sur 430 attendus"
    assert (trouble(Domain.LIGHT, night), is_troubled(Domain.LIGHT, night)) == ("8 en défaut", True)
    day = town(totals={Kind.LAMP: Tally(440, {LampState.OFF: 440}, NOON_MS)}, expected_lit=0, is_day=True)
    assert figure(Domain.LIGHT, day) == "0 allumé sur 0 attendu (jour)"
    assert not is_troubled(Domain.LIGHT, day)


def test_the_bins_tile_says_how_many_are_to_be_emptied_and_what_burns() -> None:
    """Of those that have a sensor."""
    states = {BinState.FULL: 12, BinState.LOW: 190, BinState.BARE: 3}
    well = town(totals={Kind.BIN: Tally(205, states, NOON_MS - 60_000)})
    assert figure(Domain.BIN, well) == "12 à vider sur 202"
    assert (trouble(Domain.BIN, well), is_troubled(Domain.BIN, well)) == ("aucune alerte", False)
    assert tile_freshness(Domain.BIN, well) == "il y a 1 min"
    burning = town(totals={Kind.BIN: Tally(205, {BinState.FIRE: 1, BinState.TILTED: 2}, NOON_MS)})
    assert (trouble(Domain.BIN, burning), is_troubled(Domain.BIN, burning)) == ("1 feu, 2 renversés", True)


def test_the_traffic_tile_never_takes_no_measurement_for_nobody() -> None:
    """0 vehicles when counters counted none; otherwise that nothing was measured."""
    totals = {Kind.COUNTER: Tally(3, {CounterState.QUIET: 2, CounterState.SILENT: 1}, NOON_MS)}
    nobody = town(totals=totals, beside=Beside(vehicles={"cnt-1": 0.0}))
    assert figure(Domain.TRAFFIC, nobody) == "0 véhicule aujourd’hui"
    assert trouble(Domain.TRAFFIC, nobody) == "2 / 3 compteurs"
    assert figure(Domain.TRAFFIC, town(totals=totals)) == "aucune mesure aujourd’hui"
    assert figure(Domain.TRAFFIC, town(totals=totals, beside=Beside(vehicles={"elsewhere": 9.0}))) == (
        "aucune mesure aujourd’hui"
    )
    assert figure(Domain.TRAFFIC, town(totals={Kind.COUNTER: Tally()})) == "aucun équipement"


def test_a_tile_says_when_its_domain_is_old() -> None:
    """Each domain has a freshness of its own."""
    old = town(totals={Kind.BIN: Tally(1, {BinState.LOW: 1}, NOON_MS - 3 * HOUR_MS)})
    assert tile_freshness(Domain.BIN, old) == "il y a 3 h : ancien"
    assert tile_freshness(Domain.TRAFFIC, town()) == "aucune donnée reçue"
    cut = town(totals={Kind.LAMP: Tally(1, {LampState.OFF: 1}, NOON_MS - 3 * HOUR_MS, unpowered=1)})
    assert tile_freshness(Domain.LIGHT, cut) == "il y a 3 h, circuits coupés"


def story(seen: Seen, *points: dict[str, Any], place: Place | None = None, **facts: Any) -> Story:
    place = place or lamp()
    asset = Asset(place.asset, place.kind, place.commune, 48.0, 6.5, speed_limit_kmh=50)
    if place.kind is not Kind.COUNTER:
        asset = Asset(place.asset, place.kind, place.commune, 48.0, 6.5)
    told_facts: dict[str, Any] = {
        "latest": [point(dict(one), asset=place.asset) for one in points],
        "history": [],
        "suspects": [],
        **facts,
    }
    return Story(
        asset=asset,
        place=place,
        commune="Remiremont",
        seen=seen,
        now_ms=NOON_MS,
        since_ms=NOON_MS - 24 * HOUR_MS,
        midnight_ms=MIDNIGHT_MS,
        gap_ms=HOUR_MS,
        thresholds=Thresholds(),
        **told_facts,
    )


def test_the_panel_says_what_is_broken_and_how_old_that_is() -> None:
    """`aucun équipement` and `pas de donnée depuis` are different sentences."""
    broken = story(Seen(LampState.FAULT, NOON_MS - 60_000), {"lamp_failure": "fault"}, {"driver_failure": "fault"})
    assert headline(broken) == "En défaut : panne de pilote (driver), panne de lampe"
    lost = story(Seen(LampState.FAULT, NOON_MS), {"dali_bus": "fault", "level_source": "driver_not_found"})
    assert headline(lost) == "En défaut : bus DALI, pilote (driver) introuvable"
    assert headline(story(Seen(LampState.OFF, NOON_MS - 5 * HOUR_MS, unpowered=True))) == "Éteint : circuit coupé"
    assert age(broken) == "Dernière donnée il y a 1 min."
    assert age(story(Seen(LampState.SILENT))) == "Aucune donnée reçue."
    assert age(story(Seen(LampState.SILENT, NOON_MS - 5 * HOUR_MS))) == (
        "Pas de donnée depuis 5 h (mardi 25 novembre 2025, 08:00)."
    )
    assert age(story(Seen(LampState.BARE))) == "Aucun capteur n’est affecté à ce lampadaire."
    assert age(story(Seen(LampState.BARE, NOON_MS - HOUR_MS))) == (
        "Capteur retiré ; dernière donnée le mardi 25 novembre 2025, 12:00."
    )


def test_the_panel_of_a_bin_says_its_fill_its_threshold_and_its_last_collection() -> None:
    """And the asset's id beside its street."""
    place = other(Kind.BIN, "bin-1")
    week = [
        point({"fill_pct": pct}, asset="bin-1", measurement="bin", ago_ms=ago * HOUR_MS)
        for ago, pct in ((6, 84.0), (5, 85.0), (1, 3.0), (0, 3.0))
    ]
    now = story(Seen(BinState.LOW, NOON_MS, value=3.0), {"battery_alert": "raised"}, place=place, history=week)
    assert headline(now) == "Peu rempli : 3\u202f% rempli"
    assert declared(now) == "Bac · Remiremont · bin-1"
    assert told(now) == [
        "À vider à partir de 80\u202f%.",
        "Dernière collecte : mardi 25 novembre 2025, 12:00 (de 84 à 3\u202f%).",
        "La pile du capteur est faible.",
    ]
    quiet = replace(now, history=[], latest=[])
    assert told(quiet)[1] == "Aucune collecte vue depuis 7 jours."
    states = {
        "full": State("full", 1.0, NOON_MS - 3 * HOUR_MS),
        "emptied_ms": State("emptied_ms", float(NOON_MS - 9 * 24 * HOUR_MS), NOON_MS - 9 * 24 * HOUR_MS),
    }
    assert told(replace(quiet, states=states))[1:] == [
        "À vider depuis 3 h.",
        "Dernière collecte : dimanche 16 novembre 2025, 13:00.",
    ]


def test_the_panel_of_a_lamp_says_since_when_and_what_is_planned() -> None:
    """What the watch knows, beside what the calendar wants."""
    night_ms = NOON_MS + 9 * HOUR_MS
    plan = Plan(Nights(Calendar("n", "all"), {"all": Programme("all")}, lat=48.0, lon=6.5), switched=False)
    lit = {"lit": State("lit", 1.0, night_ms - 4 * HOUR_MS)}
    burning = replace(
        story(Seen(LampState.LIT, night_ms), place=replace(lamp(), plan=plan)), now_ms=night_ms, states=lit
    )
    assert told(burning) == ["Allumé depuis 4 h.", "Prévu : allumé à 100\u202f% jusqu’à 07:56."]
    assert told(replace(burning, states={}, now_ms=NOON_MS)) == ["Prévu : éteint jusqu’à 16:46."]


def test_the_panel_of_a_counter_says_vehicles_by_direction_and_speed() -> None:
    """Nothing is said where nothing was counted; nobody is said as nobody."""
    place = other(Kind.COUNTER, "cnt-1")
    day = [
        point({"vehicles_count": 10.0, "speed_kmh": 40.0}, asset="cnt-1", measurement="traffic", channel="left"),
        point({"vehicles_count": 1.0, "speed_kmh": 51.0}, asset="cnt-1", measurement="traffic", channel="right"),
    ]
    now = story(Seen(CounterState.FLOWING, NOON_MS, value=11.0), place=place, history=day)
    assert headline(now) == "11 véhicules au dernier relevé"
    assert told(now) == [
        "11 véhicules depuis minuit (10 vers la gauche, 1 vers la droite).",
        "Vitesse moyenne : 41\u202fkm/h, pour une limite de 50\u202fkm/h.",
    ]
    assert told(replace(now, history=[])) == []
    assert (
        headline(replace(now, seen=Seen(CounterState.QUIET, NOON_MS, value=0.0))) == "Aucun véhicule au dernier relevé"
    )
    assert headline(replace(now, seen=Seen(CounterState.SILENT, NOON_MS))) == "Sans mesure"


def test_radio_and_raw_payload_are_told_only_where_the_uplink_was_read(tmp_path: Any) -> None:
    """Without `--operator` a story has no uplink; with it the row says device, radio and bytes."""
    assert radio(story(Seen(LampState.LIT, NOON_MS))) == []
    tags = {"asset": "lamp-1", "commune": "88383", "device": "70b3d549a0000001"}
    uplink = list(Streets(tmp_path, 1, NOON_MS).history(Kind.LAMP, tags, 1))[-1]
    listed = dict(radio(story(Seen(LampState.LIT, NOON_MS), uplink=uplink)))
    assert listed["DevEUI"] == "70b3d549a0000001"
    assert (listed["Passerelle"], listed["Message brut"]) == (GATEWAY, PAYLOAD.hex())
    assert listed["RSSI, puissance reçue"] == "-97\u202fdBm"
    foreign = Point("uplink", tags, NOON_MS * 1000, {"row": '{"kind":"uplink","newer":1}'})
    said = radio(story(Seen(LampState.LIT, NOON_MS), uplink=foreign))
    assert [label for label, _ in said] == ["Reçu", "DevEUI"]


def test_a_report_says_what_where_and_which() -> None:
    """An asset that is called by its street is named by its id too."""
    bins = picture(TOWN, NOON_MS, heard(point({"fill_pct": 92.0}, asset="bin-1", measurement="bin")), LONG_HEARD)
    assert what("bin-1", bins) == "À vider · 92\u202f% · Remiremont · bin-1"
    assert what("lamp-1", bins) == "Sans donnée · Remiremont"


def test_devices_that_nobody_declared_are_counted_not_named() -> None:
    """Their number is for the operator; their identity is not for this page."""
    assert unassigned(0) == ""
    assert unassigned(1) == "1 appareil entendu sans affectation : à déclarer."
    assert unassigned(3) == "3 appareils entendus sans affectation : à déclarer."


def test_every_state_of_every_kind_has_a_shape_of_its_own() -> None:
    """Colour is never needed: even drawn in one ink no two symbols are the same."""
    shapes = set()
    for kind, trade in TRADES.items():
        assert set(SYMBOLS[kind]) == set(trade.states)
        for state in trade.states:
            parts = SYMBOLS[kind][state].parts
            shapes.add(tuple((part.path, part.fill != "none") for part in parts))
            assert svg(kind, state).count("<path") == len(parts)
    assert len(shapes) == sum(len(list(trade.states)) for trade in TRADES.values())
