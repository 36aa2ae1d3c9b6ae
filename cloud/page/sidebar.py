"""Beside the map: the communes with how many lamps are lit, the assets that need a person, and undeclared devices."""

from collections.abc import Callable
from functools import partial

from nicegui.element import Element

from cloud.page import words
from cloud.page.bin import BinState
from cloud.page.elements import Text, box, button, mark, symbol
from cloud.page.ground import Ground
from cloud.page.kinds import LAYERS
from cloud.page.lamp import LampState
from cloud.page.state import Snapshot, Stranger
from cloud.page.symbols import symbol_of
from cloud.page.tally import NONE, Tally
from cloud.page.tiles import NAMES
from core.model import Domain
from core.territory import Kind

MOST_REPORTED = 8  # of a domain; a longer list is no list: the map shows them all
MOST_STRANGERS = 20
_TROUBLES = ((Kind.LAMP, LampState.FAULT, " en défaut"), (Kind.BIN, BinState.FULL, " à vider"))


class Communes:
    """A button for each commune, by zone; built anew only when the territory changed."""

    def __init__(self, on_choose: Callable[[str], None]) -> None:
        self._on_choose = on_choose
        self._digest: str | None = None
        self._rows: dict[str, tuple[Text, Element, list[tuple[Element, Text]]]] = {}
        with box("nav", "communes", aria_label="Communes"):
            with box("div", "heading"):
                Text("h2", "Communes")
                Text("span", "allumés / équipés")
            self._list = box("div", "zones")

    def show(self, snapshot: Snapshot) -> None:
        if self._digest != snapshot.ground.digest:
            self._build(snapshot.ground)
        for insee, (count, bar, troubles) in self._rows.items():
            tallies = snapshot.tallies[insee]
            lamps = tallies.get(Kind.LAMP, NONE)
            count.text = lit(lamps, snapshot)
            for (kind, state, _), (trouble, text) in zip(_TROUBLES, troubles, strict=True):
                number = tallies.get(kind, NONE)[state]
                text.text = words.number(number) if number else ""
                mark(trouble, "data-trouble", "yes" if number else "no")
            share = 100 * lamps[LampState.LIT] // lamps.equipped if lamps.equipped else 0
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
        troubles: list[tuple[Element, Text]] = []
        with box("li"), button("commune", lambda: self._on_choose(insee)):
            Text("span", name, "name")
            for kind, state, meaning in _TROUBLES:
                with box("span", f"trouble is-{kind}") as trouble:
                    symbol(kind, state)
                    troubles.append((trouble, Text("span")))
                    Text("span", meaning, "only-read")
            count = Text("span", css="count")
            with box("span", "gauge", aria_hidden="true"):
                bar = box("span", "bar")
        self._rows[insee] = (count, bar, troubles)


def lit(lamps: Tally, snapshot: Snapshot) -> str:
    """`12 / 340` of the equipped lamps, with the age of figures that are old; or why there are none."""
    if not lamps.declared:
        return "aucun lampadaire"
    if not lamps.equipped:
        return "aucun capteur"
    if lamps.newest_ms is None:
        return "aucune donnée reçue"
    age_ms = snapshot.now_ms - lamps.newest_ms
    if not lamps.heard:
        return f"pas de donnée depuis {words.duration(age_ms)}"
    count = f"{words.number(lamps[LampState.LIT])} / {words.number(lamps.equipped)}"
    if not snapshot.ground.is_late(Kind.LAMP, age_ms):
        return count
    return f"{count} · circuits coupés" if lamps.is_cut else f"{count} · {words.ago(age_ms)}"


class Reports:
    """The assets that need a person as the page itself sees them, by domain, the gravest first; each opens its panel.
    Only while nobody watches: else the alarms say it."""

    def __init__(self, on_choose: Callable[[str], None]) -> None:
        self._on_choose = on_choose
        self._shown: object = None
        with box("section", aria_label="À signaler") as self._root:
            self._title = Text("h2", "À signaler")
            self._list = box("div")

    def show(self, snapshot: Snapshot, layers: frozenset[Domain]) -> None:
        self._root.set_visibility(not snapshot.beside.watch.is_awake)
        if snapshot.beside.watch.is_awake:
            return
        found = {domain: assets for domain, assets in snapshot.to_report.items() if domain in layers and assets}
        number = sum(map(len, found.values()))
        self._title.text = f"À signaler ({words.number(number)})" if number else "À signaler"
        listed = {
            domain: (len(assets), [(asset, what(asset, snapshot)) for asset in assets[:MOST_REPORTED]])
            for domain, assets in found.items()
        }
        if listed == self._shown:
            return
        self._shown = listed
        self._list.clear()
        with self._list:
            for domain in LAYERS:
                if domain in listed:
                    self._section(domain, *listed[domain], snapshot)
            if not listed:
                Text("p", "Rien à signaler.", "note")

    def _section(self, domain: Domain, number: int, rows: list[tuple[str, str]], snapshot: Snapshot) -> None:
        Text("h3", f"{NAMES[domain]} ({words.number(number)})")
        with box("ul"):
            for asset, said in rows:
                place = snapshot.ground.places[asset]
                with box("li"), button("report", partial(self._on_choose, asset)):
                    symbol(place.kind, snapshot.seen[asset].state)
                    Text("span", place.label, "name")
                    Text("span", said, "what")
            if number > len(rows):
                Text("li", f"… et {words.number(number - len(rows))} autres sur la carte", "note")


class Strangers:
    """The devices that speak and that nobody declared; by name only on the operator's page."""

    def __init__(self) -> None:
        self._named: tuple[Stranger, ...] = ()
        self._number = Text("p", css="note")
        self._list = box("ul", "strangers")

    def show(self, snapshot: Snapshot) -> None:
        self._number.text = unassigned(snapshot.beside.unassigned)
        named = snapshot.beside.strangers
        if named == self._named:
            return
        self._named = named
        self._list.clear()
        with self._list:
            for one in named[:MOST_STRANGERS]:
                commune = snapshot.ground.communes.get(one.commune)
                Text(
                    "li", f"{one.dev_eui} · {commune.name if commune else '–'} · {words.hour_of_day(one.at_ms)}", "note"
                )


def what(asset: str, snapshot: Snapshot) -> str:
    """The state in words, where it is, and which asset it is where it is called by its street."""
    place, seen = snapshot.ground.places[asset], snapshot.seen[asset]
    said = [symbol_of(place.kind, seen.state).word]
    if place.kind is Kind.BIN and seen.value is not None:
        said.append(f"{words.number(seen.value)}{words.NARROW_SPACE}%")
    said.append(snapshot.ground.commune_of(asset))
    if place.name:
        said.append(asset)
    return " · ".join(said)


def unassigned(devices: int) -> str:
    """What is said of devices that speak and that nobody declared."""
    if not devices:
        return ""
    return f"{words.plural(devices, 'appareil entendu', 'appareils entendus')} sans affectation : à déclarer."
