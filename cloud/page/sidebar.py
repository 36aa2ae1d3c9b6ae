"""Beside the map: the communes with how many lamps are lit, the lamps that need a person, and the legend."""

from collections.abc import Callable

from nicegui.element import Element

from cloud.page import words
from cloud.page.elements import Text, box, button, mark, symbol
from cloud.page.ground import Ground
from cloud.page.lamp import LampState
from cloud.page.state import Snapshot, Tally, to_report
from cloud.page.symbols import SYMBOLS

MOST_REPORTED = 20  # a longer list is no list: the map shows them all


class Communes:
    """A button for each commune, by zone; built anew only when the territory changed."""

    def __init__(self, on_choose: Callable[[str], None]) -> None:
        self._on_choose = on_choose
        self._digest: str | None = None
        self._rows: dict[str, tuple[Element, Text, Text, Element]] = {}
        with box("nav", "communes", aria_label="Communes"):
            with box("div", "heading"):
                Text("h2", "Communes")
                Text("span", "allumés / équipés")
            self._list = box("div", "zones")

    def show(self, snapshot: Snapshot) -> None:
        if self._digest != snapshot.ground.digest:
            self._build(snapshot.ground)
        for insee, (row, count, trouble, bar) in self._rows.items():
            tally = snapshot.tallies[insee]
            count.text = lit(tally, snapshot)
            trouble.text = words.number(tally[LampState.FAULT]) if tally[LampState.FAULT] else ""
            mark(row, "data-trouble", "yes" if tally[LampState.FAULT] else "no")
            share = 100 * tally[LampState.LIT] // tally.equipped if tally.equipped else 0
            mark(bar, "style", f"width:{share}%")

    def _build(self, ground: Ground) -> None:
        self._digest = ground.digest
        self._rows.clear()
        self._list.clear()
        with self._list:
            for zone in ground.zones:
                with box("section", "zone", aria_label=zone.name):
                    if len(zone.communes) > 1:
                        Text("h3", zone.name)
                    with box("ul"):
                        for insee in zone.communes:
                            self._row(insee, ground.communes[insee].name)

    def _row(self, insee: str, name: str) -> None:
        with box("li"), button("commune", lambda: self._on_choose(insee)) as row:
            Text("span", name, "name")
            with box("span", "trouble"):
                symbol(LampState.FAULT)
                trouble = Text("span")
                Text("span", " en défaut", "only-read")
            count = Text("span", css="count")
            with box("span", "gauge", aria_hidden="true"):
                bar = box("span", "bar")
        self._rows[insee] = (row, count, trouble, bar)


def lit(tally: Tally, snapshot: Snapshot) -> str:
    """`12 / 340` of the equipped lamps, with the age of figures that are old; or why there are none."""
    if not tally.declared:
        return "aucun équipement"
    if not tally.equipped:
        return "aucun capteur"
    if tally.newest_ms is None:
        return "aucune donnée reçue"
    age_ms = snapshot.now_ms - tally.newest_ms
    if not tally.heard:
        return f"pas de donnée depuis {words.duration(age_ms)}"
    count = f"{words.number(tally[LampState.LIT])} / {words.number(tally.equipped)}"
    if not snapshot.ground.is_late(age_ms):
        return count
    return f"{count} · circuits coupés" if tally.is_cut else f"{count} · {words.ago(age_ms)}"


class Reports:
    """The lamps that need a person, the gravest first; each opens its panel."""

    def __init__(self, on_choose: Callable[[str], None]) -> None:
        self._on_choose = on_choose
        self._shown: list[tuple[str, LampState]] | None = None
        with box("section", "reports", aria_label="À signaler"):
            self._title = Text("h2", "À signaler")
            self._list = box("ul")
            self._unassigned = Text("p", css="note")

    def show(self, snapshot: Snapshot) -> None:
        self._unassigned.text = unassigned(snapshot.unassigned)
        assets = to_report(snapshot)
        listed = [(asset, snapshot.lamps[asset].state) for asset in assets[:MOST_REPORTED]]
        self._title.text = f"À signaler ({words.number(len(assets))})" if assets else "À signaler"
        if listed == self._shown:
            return
        self._shown = listed
        self._list.clear()
        with self._list:
            for asset, state in listed:
                commune = snapshot.ground.communes[snapshot.ground.lamps[asset].commune].name
                self._row(asset, state, commune)
            if not listed:
                Text("li", "Rien à signaler.", "note")
            elif len(assets) > len(listed):
                Text("li", f"… et {words.number(len(assets) - len(listed))} autres sur la carte", "note")

    def _row(self, asset: str, state: LampState, commune: str) -> None:
        with box("li"), button("report", lambda: self._on_choose(asset)):
            symbol(state)
            Text("span", asset, "name")
            Text("span", f"{SYMBOLS[state].word} · {commune}", "what")


def unassigned(devices: int) -> str:
    """What is said of devices that speak and that nobody declared."""
    if not devices:
        return ""
    return f"{words.plural(devices, 'appareil entendu', 'appareils entendus')} sans affectation : à déclarer."


class Legend:
    """Shape, colour, word and number of each state."""

    def __init__(self) -> None:
        self._counts: dict[LampState, Text] = {}
        with box("ul", "legend", aria_label="Légende"):
            for state in LampState:
                with box("li"):
                    symbol(state, night=True)
                    Text("span", SYMBOLS[state].words)
                    self._counts[state] = Text("b")

    def show(self, snapshot: Snapshot) -> None:
        for state, text in self._counts.items():
            text.text = words.number(snapshot.total[state])
