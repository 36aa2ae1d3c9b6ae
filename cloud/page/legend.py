"""The legend below the map: shape, word and number of each state that there is, by layer."""

from nicegui.element import Element

from cloud.page import words
from cloud.page.elements import Text, box, mark, symbol
from cloud.page.kinds import LAYERS, TRADES
from cloud.page.state import Snapshot
from cloud.page.symbols import symbol_of
from cloud.page.tiles import NAMES
from core.model import Domain
from core.territory import Kind


class Legend:
    """A list a layer, hidden with it; a state that nothing has is not listed."""

    def __init__(self) -> None:
        self._groups: dict[Domain, Element] = {}
        self._counts: dict[tuple[Kind, str], tuple[Element, Text]] = {}
        with box("section", "legend", aria_label="Légende"):
            for domain in LAYERS:
                with box("ul", "legend-group", aria_label=NAMES[domain]) as group:
                    Text("li", NAMES[domain], "legend-name")
                    for kind, trade in TRADES.items():
                        if trade.domain is domain:
                            self._list(kind)
                self._groups[domain] = group

    def _list(self, kind: Kind) -> None:
        for state in TRADES[kind].states:
            with box("li", f"legend-state is-{kind}") as item:
                symbol(kind, state, night=True)
                Text("span", symbol_of(kind, state).words)
                self._counts[kind, state] = (item, Text("b"))

    def show(self, snapshot: Snapshot, layers: frozenset[Domain]) -> None:
        for (kind, state), (item, text) in self._counts.items():
            number = snapshot.total(kind)[state]
            text.text = words.number(number)
            mark(item, "data-number", "some" if number else "none")
        for domain, group in self._groups.items():
            stands = any(snapshot.total(kind).declared for kind, trade in TRADES.items() if trade.domain is domain)
            mark(group, "data-look", "shown" if domain in layers and stands else "hidden")
