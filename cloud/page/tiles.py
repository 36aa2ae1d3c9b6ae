"""The tiles at the top, one a domain: its figure, what is wrong, how fresh it is. Each switches a layer of the map."""

from collections.abc import Callable

from nicegui.element import Element

from cloud.page import words
from cloud.page.answers import vehicles_today
from cloud.page.bin import BinState
from cloud.page.counter import CounterState
from cloud.page.elements import Text, box, button, mark, symbol
from cloud.page.kinds import LAYERS, MAIN
from cloud.page.lamp import LampState
from cloud.page.state import Snapshot
from core.model import Domain
from core.territory import Kind

NAMES = {Domain.LIGHT: "Éclairage", Domain.BIN: "Déchets", Domain.TRAFFIC: "Trafic"}
_FACES = {Domain.LIGHT: LampState.LIT, Domain.BIN: BinState.FULL, Domain.TRAFFIC: CounterState.FLOWING}


class Tiles:
    """Built once for a browser; `show` changes only the texts that differ."""

    def __init__(self, on_switch: Callable[[Domain], None]) -> None:
        self._buttons: dict[Domain, Element] = {}
        self._figures: dict[Domain, Text] = {}
        self._notes: dict[Domain, Text] = {}
        self._ages: dict[Domain, Text] = {}
        with box("div", "tiles", role="group", aria_label="Couches de la carte"):
            for domain in LAYERS:
                self._tile(domain, on_switch)

    def _tile(self, domain: Domain, on_switch: Callable[[Domain], None]) -> None:
        title = f"{NAMES[domain]} : montrer ou masquer sur la carte"
        with button(f"tile is-{domain}", lambda: on_switch(domain), aria_pressed="true", title=title) as tile:
            symbol(MAIN[domain], _FACES[domain], night=True)
            with box("span", "tile-texts"):
                Text("span", NAMES[domain], "tile-name")
                self._figures[domain] = Text("span", css="tile-figure")
                with box("span", "tile-notes"):
                    self._notes[domain] = Text("span", css="tile-note")
                    self._ages[domain] = Text("span", css="tile-age")
        self._buttons[domain] = tile

    def show(self, snapshot: Snapshot) -> None:
        for domain in LAYERS:
            self._figures[domain].text = figure(domain, snapshot)
            self._notes[domain].text = trouble(domain, snapshot)
            self._ages[domain].text = freshness(domain, snapshot)
            mark(self._buttons[domain], "data-trouble", "yes" if is_troubled(domain, snapshot) else "no")

    def press(self, domain: Domain, *, shown: bool) -> None:
        mark(self._buttons[domain], "aria-pressed", "true" if shown else "false")


def figure(domain: Domain, snapshot: Snapshot) -> str:
    """The domain in one figure; that nothing stands there or was measured, where that is so."""
    tally = snapshot.total(MAIN[domain])
    if not tally.declared:
        return "aucun équipement"
    if not tally.equipped:
        return "aucun capteur"
    match domain:
        case Domain.LIGHT:
            lit = words.plural(tally[LampState.LIT], "allumé", "allumés")
            by_day = " (jour)" if snapshot.is_day else ""
            return f"{lit} sur {words.plural(snapshot.expected_lit, 'attendu', 'attendus')}{by_day}"
        case Domain.BIN:
            return f"{words.number(tally[BinState.FULL])} à vider sur {words.number(tally.equipped)}"
        case _:
            vehicles = vehicles_today(snapshot)
            if vehicles is None:
                return "aucune mesure aujourd’hui"
            return f"{words.plural(int(vehicles), 'véhicule', 'véhicules')} aujourd’hui"


def trouble(domain: Domain, snapshot: Snapshot) -> str:
    """What a person should look at, in a few words."""
    tally = snapshot.total(MAIN[domain])
    match domain:
        case Domain.LIGHT:
            return f"{words.number(tally[LampState.FAULT])} en défaut"
        case Domain.BIN:
            fires, lying = tally[BinState.FIRE], tally[BinState.TILTED]
            said = [words.plural(fires, "feu", "feux")] if fires else []
            if lying:
                said.append(words.plural(lying, "renversé", "renversés"))
            return ", ".join(said) or "aucune alerte"
        case _:
            measuring = tally[CounterState.FLOWING] + tally[CounterState.QUIET]
            return f"{words.number(measuring)} / {words.number(tally.equipped)} compteurs"


def is_troubled(domain: Domain, snapshot: Snapshot) -> bool:
    tally = snapshot.total(MAIN[domain])
    return bool(tally[LampState.FAULT] if domain is Domain.LIGHT else tally[BinState.FIRE] or tally[BinState.TILTED])


def freshness(domain: Domain, snapshot: Snapshot) -> str:
    """`il y a 12 s`; that it is older than it should be, or that there is nothing."""
    kind = MAIN[domain]
    tally = snapshot.total(kind)
    if not tally.equipped:
        return ""
    if tally.newest_ms is None:
        return "aucune donnée reçue"
    age_ms = snapshot.now_ms - tally.newest_ms
    said = words.ago(age_ms)
    if not snapshot.ground.is_late(kind, age_ms):
        return said
    return f"{said}, circuits coupés" if kind is Kind.LAMP and tally.is_cut else f"{said} : ancien"
