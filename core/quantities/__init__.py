"""The closed vocabulary: every quantity that a reading may name, and the only source of field names.

A name ends with its unit (`power_w`, `level_pct`, `illuminance_lx`). Numbers are floats with a plausible range;
states are closed sets of `core.quantities.states`. A reading out of range is kept as suspect, never shown as truth.
"""

import difflib
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from types import MappingProxyType

from core.errors import UnreadableError
from core.model import Domain
from core.quantities.bin import BIN
from core.quantities.common import COMMON
from core.quantities.light import LIGHT
from core.quantities.light_settings import LIGHT_SETTINGS
from core.quantities.quantity import Notation, Quantity, version_number
from core.quantities.states import FRENCH
from core.quantities.traffic import TRAFFIC

__all__ = [
    "QUANTITIES",
    "Notation",
    "Quantity",
    "is_plausible",
    "is_urgent",
    "lookup",
    "names",
    "state_label",
    "version_number",
]


def _gather() -> dict[str, Quantity]:
    table: dict[str, Quantity] = {}
    for domain, listed in (
        (None, COMMON),
        (Domain.LIGHT, LIGHT + LIGHT_SETTINGS),
        (Domain.BIN, BIN),
        (Domain.TRAFFIC, TRAFFIC),
    ):
        for quantity in listed:
            if quantity.name in table:
                raise ValueError(f"quantity {quantity.name} is declared twice")
            table[quantity.name] = replace(quantity, domain=domain)
    return table


_TABLE = _gather()
QUANTITIES: Mapping[str, Quantity] = MappingProxyType(_TABLE)


def names() -> frozenset[str]:
    """All names of the vocabulary."""
    return frozenset(QUANTITIES)


def lookup(name: str) -> Quantity:
    """The quantity of a name.

    Raises:
        UnreadableError: `quantity.unknown`, with the closest names as a hint.
    """
    try:
        return _TABLE[name]
    except KeyError:
        raise UnreadableError("quantity.unknown", f"no quantity is named {name!r}", hint=_closest(name)) from None


@lru_cache(maxsize=1024)
def _closest(name: str) -> str:
    """A hint; remembered, since a newer edge says the same name in every row and comparing takes a millisecond."""
    close = difflib.get_close_matches(name, QUANTITIES, n=3)
    return f"did you mean {', '.join(close)}?" if close else ""


def is_plausible(name: str, value: float | str) -> bool:
    """False for a number outside the quantity's range; it is then kept as suspect.

    Raises:
        UnreadableError: an unknown quantity, a state it does not have, a number that is not finite.
    """
    known = _TABLE.get(name)
    if known is not None:  # the usual value, at the cost of one look
        if known.states:
            if value in known.states:
                return True
        elif value.__class__ is float and known.low <= value <= known.high:
            return True
    quantity = lookup(name)
    quantity.check(value)
    return isinstance(value, str) or quantity.low <= value <= quantity.high


def is_urgent(name: str, value: float | str) -> bool:
    """True for a state that should reach the commune before everything else."""
    return value in lookup(name).urgent


def state_label(state: str) -> str:
    """The French word of a state, as the page shows it."""
    return FRENCH.get(state, state)
