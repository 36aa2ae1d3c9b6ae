"""Quantities of bins and containers.

No sensor sends `fill_pct`: it follows from the distance and the geometry of the bin (`core.fill`).
"""

from core.quantities.quantity import Quantity, number, state
from core.quantities.states import Alert, Switch

BIN: tuple[Quantity, ...] = (
    number("fill_pct", "Remplissage", "%", 0, 100),
    number("distance_mm", "Distance au contenu", "mm", 0, 20_000),
    # an alarm of the sensor, by the thresholds set in it
    state("full_alert", "Alerte bac plein", Alert),
    state("fire_alert", "Alerte incendie", Alert, urgent=[Alert.RAISED]),
    state("distance_alert", "Alerte de distance", Alert),
    # its settings
    number("detection_interval_s", "Intervalle de mesure", "s", 0, 86_400),
    number("mounting_height_mm", "Hauteur de pose réglée", "mm", 0, 20_000),
    number("range_mm", "Portée réglée", "mm", 0, 20_000),
    number("full_threshold_mm", "Seuil de bac plein", "mm", 0, 20_000),
    number("fire_threshold_c", "Seuil d’incendie", "°C", 0, 255),
    number("tilt_threshold_deg", "Seuil d’inclinaison", "°", 0, 180),
    state("tilt_detection", "Détection d’inclinaison", Switch),
)
