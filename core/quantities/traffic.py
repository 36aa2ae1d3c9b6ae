"""Quantities of traffic."""

from core.quantities.quantity import Quantity, number

TRAFFIC: tuple[Quantity, ...] = (number("speed_kmh", "Vitesse", "km/h", 0, 255),)
