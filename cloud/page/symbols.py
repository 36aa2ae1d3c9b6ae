"""How each state of a lamp looks: a word, a shape and a colour. The map, the legend and the lists draw the same.

Shapes differ so that colour is never needed; colours are Okabe and Ito's, which colour-blind people tell apart.
Source: M. Okabe, K. Ito, "Color Universal Design", 2008.
"""

from dataclasses import asdict, dataclass

from cloud.page.lamp import LampState


@dataclass(frozen=True, slots=True)
class Symbol:
    """`word` for one lamp, `words` for several. `fill` and `edge` on paper; `night_edge` on the dark map."""

    word: str
    words: str
    shape: str
    fill: str
    edge: str
    night_edge: str


SYMBOLS: dict[LampState, Symbol] = {
    LampState.LIT: Symbol("Allumé", "Allumés", "disc", "#ffc61a", "#7a5200", "#7a5200"),
    LampState.OFF: Symbol("Éteint", "Éteints", "ring", "none", "#1f5c8f", "#7cc0f5"),
    LampState.FAULT: Symbol("En défaut", "En défaut", "triangle", "#d55e00", "#5c2200", "#ffe3d1"),
    LampState.SUSPECT: Symbol("Mesure douteuse", "Mesure douteuse", "diamond", "#cc79a7", "#6d2f52", "#ffe6f3"),
    LampState.SILENT: Symbol("Sans donnée", "Sans donnée", "square", "#9aa3ad", "#4c555f", "#3d4650"),
    LampState.BARE: Symbol("Sans capteur", "Sans capteur", "dot", "#9aa3ad", "#4c555f", "#3d4650"),
}

_SHAPES = {
    "disc": '<circle cx="9" cy="9" r="6"/>',
    "ring": '<circle cx="9" cy="9" r="5" stroke-width="3"/>',
    "triangle": '<path d="M9 1.5 16.5 15.5H1.5Z"/>',
    "diamond": '<path d="M9 1.5 16.5 9 9 16.5 1.5 9Z"/>',
    "square": '<rect x="3.5" y="3.5" width="11" height="11"/>',
    "dot": '<circle cx="9" cy="9" r="3.5"/>',
}


def svg(state: LampState, *, night: bool = False) -> str:
    """The symbol as a small drawing for a text line; the word beside it says the same to a screen reader."""
    symbol = SYMBOLS[state]
    edge = symbol.night_edge if night else symbol.edge
    return (
        f'<svg class="symbol" viewBox="0 0 18 18" aria-hidden="true" fill="{symbol.fill}" stroke="{edge}"'
        f' stroke-width="1.5">{_SHAPES[symbol.shape]}</svg>'
    )


def for_browser() -> dict[str, dict[str, str]]:
    """The symbols by state, as the map takes them."""
    return {state.value: asdict(symbol) for state, symbol in SYMBOLS.items()}
