"""How each state of each kind looks: a word, a shape and a colour. The map, the legend and the lists draw the same.

The outline says the kind (a lamp is round or a sign, a bin a bucket, a counter an arrow, a cabinet a cupboard), what is
in it the state: colour is never needed. Colours are Okabe and Ito's, which colour-blind people tell apart.
Source: M. Okabe, K. Ito, "Color Universal Design", 2008.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from cloud.page.bin import BinState
from cloud.page.cabinet import CabinetState
from cloud.page.counter import CounterState
from cloud.page.kinds import TRADES
from cloud.page.lamp import LampState
from core.territory import Kind

_YELLOW, _SKY, _VERMILION, _PURPLE, _GREEN, _ORANGE = "#ffc61a", "#56b4e9", "#d55e00", "#cc79a7", "#19b384", "#f0a020"
_GREY, _GREY_EDGE, _DARK = "#9aa3ad", "#3d4650", "#0c1d2f"

# in a box of 18 × 18, centre 9, 9
_DISC = "M3 9a6 6 0 1 0 12 0a6 6 0 1 0 -12 0Z"
_RING = "M4 9a5 5 0 1 0 10 0a5 5 0 1 0 -10 0Z"
_TRIANGLE = "M9 1.5 16.5 15.5H1.5Z"
_DIAMOND = "M9 1.5 16.5 9 9 16.5 1.5 9Z"
_SQUARE = "M3.5 3.5H14.5V14.5H3.5Z"
_DOT = "M5.5 9a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0Z"
_BUCKET = "M2.5 3.5H15.5L13.8 16H4.2Z"
_SMALL_BUCKET = "M5 5.5H13L12 13H6Z"
_BUCKET_LOW = "M3.8 12.8H14.2L13.8 16H4.2Z"
_BUCKET_HALF = "M3.25 9H14.75L13.8 16H4.2Z"
_LID = "M1.5 1H16.5V3.5H1.5Z"
_LYING = "M2.5 15.5V2.5L15 4.2V13.8Z"
_FLAME = "M9 0C10 4 14.5 6.5 14.5 11.5A5.5 5.5 0 0 1 3.5 11.5C3.5 9 5 7.5 6 6C6.5 7.5 7.5 8 8 8C8.5 5 8 2.5 9 0Z"
_EMBER = "M9 9.5C10.5 11 11.5 12 11.5 13.5A2.5 2.5 0 0 1 6.5 13.5C6.5 12 8 11 9 9.5Z"
_SPARK = "M9 6.5 12 9.5 9 12.5 6 9.5Z"  # a small diamond: doubt
_SLASH = "M4 15.5 14 2.5"
_ARROW = "M1.5 4H10L16.5 9 10 14H1.5Z"
_SMALL_ARROW = "M4.5 6H9.5L13.5 9 9.5 12H4.5Z"
_ARROW_SPARK = "M8 6 11 9 8 12 5 9Z"
_CUPBOARD = "M4 3.5H14V14.5H4ZM9 3.5V14.5"


@dataclass(frozen=True, slots=True)
class Part:
    """A path with what fills it and what draws its edge; "none": nothing."""

    path: str
    fill: str = "none"
    edge: str = "none"
    width: float = 1.5


@dataclass(frozen=True, slots=True)
class Symbol:
    """`word` for one, `words` for several; `parts` as on the dark map, `paper` on paper where an edge needs another
    colour there. `on_top`: drawn last and never small, so that it is seen from afar."""

    word: str
    words: str
    parts: tuple[Part, ...]
    paper: tuple[Part, ...] = ()
    on_top: bool = False


def _lamp(word: str, words: str, part: Part, paper_edge: str, *, on_top: bool = False) -> Symbol:
    paper = Part(part.path, part.fill, paper_edge, part.width)
    return Symbol(word, words, (part,), (paper,), on_top)


SYMBOLS: Mapping[Kind, Mapping[StrEnum, Symbol]] = {
    Kind.LAMP: {
        LampState.LIT: _lamp("Allumé", "Allumés", Part(_DISC, _YELLOW, "#7a5200"), "#7a5200"),
        LampState.OFF: _lamp("Éteint", "Éteints", Part(_RING, "none", "#7cc0f5", 3), "#1f5c8f"),
        LampState.FAULT: _lamp(
            "En défaut", "En défaut", Part(_TRIANGLE, _VERMILION, "#ffe3d1"), "#5c2200", on_top=True
        ),
        LampState.SUSPECT: _lamp(
            "Mesure douteuse", "Mesure douteuse", Part(_DIAMOND, _PURPLE, "#ffe6f3"), "#6d2f52", on_top=True
        ),
        LampState.AWAITED: _lamp("En attente", "En attente", Part(_SQUARE, "none", _GREY), "#4c555f"),
        LampState.SILENT: _lamp("Sans donnée", "Sans donnée", Part(_SQUARE, _GREY, _GREY_EDGE), "#4c555f"),
        LampState.BARE: _lamp("Sans capteur", "Sans capteur", Part(_DOT, _GREY, _GREY_EDGE), "#4c555f"),
    },
    Kind.BIN: {
        BinState.LOW: Symbol("Peu rempli", "Peu remplis", (Part(_BUCKET, _DARK, _GREEN), Part(_BUCKET_LOW, _GREEN))),
        BinState.HALF: Symbol(
            "Rempli à moitié", "À moitié", (Part(_BUCKET, _DARK, _GREEN), Part(_BUCKET_HALF, _GREEN))
        ),
        BinState.FULL: Symbol(
            "À vider", "À vider", (Part(_BUCKET, _ORANGE, "#fff3dc"), Part(_LID, "#fff3dc", "#6b4200", 1)), on_top=True
        ),
        BinState.FIRE: Symbol(
            "Feu", "Feu", (Part(_FLAME, _VERMILION, "#ffffff"), Part(_EMBER, "#ffffff")), on_top=True
        ),
        BinState.TILTED: Symbol(
            "Renversé ou ouvert", "Renversés ou ouverts", (Part(_LYING, _VERMILION, "#ffe3d1"),), on_top=True
        ),
        BinState.SUSPECT: Symbol(
            "Mesure douteuse", "Mesure douteuse", (Part(_BUCKET, _PURPLE, "#ffe6f3"), Part(_SPARK, "#ffffff"))
        ),
        BinState.AWAITED: Symbol("En attente", "En attente", (Part(_BUCKET, "none", _GREY),)),
        BinState.SILENT: Symbol(
            "Sans donnée", "Sans donnée", (Part(_BUCKET, _GREY, _GREY_EDGE), Part(_SLASH, edge="#ffffff", width=2))
        ),
        BinState.BARE: Symbol("Sans capteur", "Sans capteur", (Part(_SMALL_BUCKET, _GREY, _GREY_EDGE),)),
    },
    Kind.COUNTER: {
        CounterState.FLOWING: Symbol("Passages", "Avec passages", (Part(_ARROW, _SKY, "#eaf6ff"),)),
        CounterState.QUIET: Symbol("Aucun passage", "Sans passage", (Part(_ARROW, "none", _SKY, 2),)),
        CounterState.SUSPECT: Symbol(
            "Mesure douteuse", "Mesure douteuse", (Part(_ARROW, _PURPLE, "#ffe6f3"), Part(_ARROW_SPARK, "#ffffff"))
        ),
        CounterState.AWAITED: Symbol("En attente", "En attente", (Part(_SMALL_ARROW, "none", _GREY),)),
        CounterState.SILENT: Symbol(
            "Sans mesure", "Sans mesure", (Part(_ARROW, _GREY, _GREY_EDGE), Part(_SLASH, edge="#ffffff", width=2))
        ),
        CounterState.BARE: Symbol("Sans capteur", "Sans capteur", (Part(_SMALL_ARROW, _GREY, _GREY_EDGE),)),
    },
    Kind.CABINET: {
        CabinetState.STANDS: Symbol("Armoire", "Armoires", (Part(_CUPBOARD, "none", "#8fa6bb", 1.5),)),
    },
}


def symbol_of(kind: Kind, state: StrEnum) -> Symbol:
    return SYMBOLS[kind][state]


def svg(kind: Kind, state: StrEnum, *, night: bool = False) -> str:
    """The symbol as a small drawing for a text line; the word beside it says the same to a screen reader."""
    symbol = SYMBOLS[kind][state]
    parts = symbol.parts if night or not symbol.paper else symbol.paper
    paths = "".join(
        f'<path d="{part.path}" fill="{part.fill}" stroke="{part.edge}" stroke-width="{part.width}"/>' for part in parts
    )
    return f'<svg class="symbol" viewBox="0 0 18 18" aria-hidden="true">{paths}</svg>'


def for_browser() -> dict[str, dict[str, dict[str, Any]]]:
    """The symbols by kind and state, as the map takes them."""
    return {
        kind.value: {
            state.value: {
                "word": symbol.word,
                "on_top": symbol.on_top,
                "parts": [[part.path, part.fill, part.edge, part.width] for part in symbol.parts],
            }
            for state, symbol in SYMBOLS[kind].items()
        }
        for kind in TRADES
    }
