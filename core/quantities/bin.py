"""Quantities of bins and containers."""

from core.quantities.quantity import Quantity, number

BIN: tuple[Quantity, ...] = (
    number("fill_pct", "Remplissage", "%", 0, 100),
    number("distance_mm", "Distance au contenu", "mm", 0, 20_000),
)
