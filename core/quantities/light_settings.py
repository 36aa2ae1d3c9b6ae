"""Quantities of public lighting: the settings of a controller, as it confirms them."""

from core.quantities.common import SINCE_2015_S, UNTIL_2100_S
from core.quantities.quantity import Notation, Quantity, number, state
from core.quantities.states import Answer, ControlInterface, InputKind, Polarity, Switch

LIGHT_SETTINGS: tuple[Quantity, ...] = (
    number("usage_interval_s", "Intervalle de consommation", "s", 0, 2_678_400),
    number("nominal_mains_v", "Tension secteur réglée", "V", 0, 280),
    number("set_time_s", "Heure réglée", "s", SINCE_2015_S, UNTIL_2100_S, Notation.INSTANT),
    state("clock_from_network", "Heure demandée au réseau", Answer),
    number("fade_s", "Durée de transition", "s", 0, 100),
    number("fallback_level_pct", "Niveau de repli", "%", 0, 100),
    state("control_interface", "Interface de gradation", ControlInterface),
    state("status_led", "Voyant", Switch),
    # thresholds of the metering alerts
    number("alert_min_power_w", "Seuil de puissance minimale", "W", 0, 65_535),
    number("alert_max_power_w", "Seuil de puissance maximale", "W", 0, 65_535),
    number("alert_min_mains_v", "Seuil de tension minimale", "V", 0, 65_535),
    number("alert_max_mains_v", "Seuil de tension maximale", "V", 0, 65_535),
    number("alert_min_power_factor", "Seuil de facteur de puissance", "", 0, 1),
    # the DALI monitor
    state("dali_alerts", "Alertes DALI", Switch),
    state("level_correction", "Correction du niveau", Switch),
    state("bus_scan", "Recherche périodique des drivers", Switch),
    number("dali_monitor_s", "Intervalle de surveillance DALI", "s", 0, 65_535),
    # calendar, profiles, light sensor: what takes precedence
    state("stored_position", "Position enregistrée", Switch),
    state("clamps_profiles", "Limite les programmes", Answer),
    state("clamps_input", "Limite l’entrée", Answer),
    state("ignores_gnss", "Ignore le GNSS", Answer),
    # a step of a calendar, a profile or the light sensor: its channel numbers it
    number("step_level_pct", "Niveau du palier", "%", 0, 100),
    number("step_zenith_deg", "Angle zénithal du palier", "°", 60, 120),
    number("step_time_min", "Heure du palier", "min", 0, 1440, Notation.CLOCK),
    number("step_illuminance_lx", "Éclairement du palier", "lx", 0, 200_000),
    state("step_output", "Sortie du palier", Switch),
    number("profile_days", "Jours du programme (bits)", "", 0, 255),
    number("profile_steps", "Paliers du programme", "", 0, 255),
    number("holiday_count", "Jours d’exception", "", 0, 255),
    number("holiday", "Jour d’exception", "", 101, 1231, Notation.MONTH_DAY),
    # the light sensor
    state("light_control", "Commande par capteur de lumière", Switch),
    state("light_notify", "Annonce des paliers", Switch),
    state("light_interpolate", "Interpolation des paliers", Switch),
    number("light_measuring_s", "Durée de mesure", "s", 0, 255),
    number("ldr_off_raw", "Seuil d’extinction de la cellule", "", 0, 255),
    number("ldr_on_raw", "Seuil d’allumage de la cellule", "", 0, 255),
    state("ldr_notify", "Annonce de la cellule", Switch),
    # the input
    state("input_control", "Commande par entrée", Switch),
    number("input_number", "Numéro d’entrée", "", 0, 254),
    state("input_kind", "Type d’entrée", InputKind),
    state("input_polarity", "Polarité de l’entrée", Polarity),
    state("input_notify_on", "Annonce de l’activation", Switch),
    state("input_notify_off", "Annonce de la désactivation", Switch),
    state("input_motion", "Entrée par détecteur D4i", Switch),
    number("active_level_pct", "Niveau, entrée active", "%", 0, 100),
    number("inactive_level_pct", "Niveau, entrée inactive", "%", 0, 100),
    number("input_on_delay_s", "Retard à l’allumage", "s", 0, 65_535),
    number("input_off_delay_s", "Retard à l’extinction", "s", 0, 65_535),
)
