"""Quantities of traffic.

A count is what passed since the uplink before: an increment, never a running total. The channel is the direction
(`left`, `right`; `ltr`, `rtl`): the sum of `vehicles_count` over the channels of an asset is its traffic. A class of
speed or of size counts the same vehicles once more, so that it has quantities of its own, with channels `left_1`,
`ltr_2`… Speeds are means over the vehicles counted: where none passed there is none.
"""

from core.quantities.quantity import Quantity, number

TRAFFIC: tuple[Quantity, ...] = (
    number("vehicles_count", "Véhicules", "", 0, 262_140),
    number("speed_kmh", "Vitesse moyenne", "km/h", 0, 255),
    number("class_vehicles_count", "Véhicules de la classe", "", 0, 65_535),
    number("class_speed_kmh", "Vitesse moyenne de la classe", "km/h", 0, 255),
)
