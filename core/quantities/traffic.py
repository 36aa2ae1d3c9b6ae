"""Quantities of traffic.

A count is what passed since the uplink before: an increment, never a running total. The channel is the direction
(`left`, `right`; `ltr`, `rtl`): the sum of `vehicles_count` over the channels of an asset is its traffic. A class of
speed or of size counts the same vehicles once more, so that it has quantities of its own, with channels `left_1`,
`ltr_2`… Speeds are means over the vehicles counted: where none passed there is none.
"""

from core.quantities.quantity import Notation, Quantity, number, state
from core.quantities.states import CounterModel, CountingMode, Licence, SpeedRange, Switch

TRAFFIC: tuple[Quantity, ...] = (
    number("vehicles_count", "Véhicules", "", 0, 262_140),
    number("speed_kmh", "Vitesse moyenne", "km/h", 0, 255),
    number("class_vehicles_count", "Véhicules de la classe", "", 0, 65_535),
    number("class_speed_kmh", "Vitesse moyenne de la classe", "km/h", 0, 255),
    # what it shows and is: its local clock is a fact beside the row's time, never instead of it
    number("local_time_min", "Heure locale de l’appareil", "min", 0, 1439, Notation.CLOCK),
    state("counter_model", "Modèle de compteur", CounterModel),
    state("licence", "Licence", Licence),
    state("speed_range", "Plage de vitesse", SpeedRange),
    # its settings; the channel of a class is `class_1`…, "" means all that it sees
    state("counting_mode", "Mode d’envoi", CountingMode),
    number("hold_off_s", "Temps mort après un passage", "s", 0, 600),
    state("radar_state", "Radar", Switch),
    number("radar_channel", "Canal du radar", "", 0, 255),
    number("radar_sensitivity_pct", "Sensibilité du radar", "%", 0, 100),
    state("radar_autotuning", "Réglage automatique du radar", Switch),
    number("lane_distance_mm", "Distance à la voie", "mm", 0, 30_000),
    state("class_state", "Classe comptée", Switch),
    number("class_min_speed_kmh", "Vitesse minimale de la classe", "km/h", 0, 255),
    number("class_max_speed_kmh", "Vitesse maximale de la classe", "km/h", 0, 255),
    number("class_min_size", "Taille minimale de la classe", "", 0, 65_535),
    number("class_max_size", "Taille maximale de la classe", "", 0, 65_535),
)
