"""Quantities that devices of every domain may have."""

from core.quantities.quantity import Notation, Quantity, number, state
from core.quantities.states import (
    Alert,
    Answer,
    BluetoothMode,
    ClearedSetting,
    ClockState,
    LocationFix,
    Maintenance,
    Refusal,
    Switch,
)

SINCE_2015_S = 1_420_070_400.0
UNTIL_2100_S = 4_102_444_800.0

COMMON: tuple[Quantity, ...] = (
    number("battery_v", "Tension de la pile", "V", 0, 60),
    number("battery_pct", "Charge de la pile", "%", 0, 100),
    number("temperature_c", "Température de l’appareil", "°C", -50, 125),
    number("humidity_pct", "Humidité", "%", 0, 100),
    number("tilt_deg", "Inclinaison", "°", 0, 180),
    number("supply_v", "Tension d’alimentation", "V", 0, 60),
    number("solar_power_w", "Puissance du panneau solaire", "W", 0, 66),
    # an alarm of the device, by the thresholds set in it
    state("tilt_alert", "Alerte d’inclinaison", Alert),
    state("battery_alert", "Alerte pile faible", Alert),
    state("temperature_alert", "Alerte de température", Alert),
    # the radio as the device hears it
    number("downlink_rssi_dbm", "Puissance de la dernière descente", "dBm", -150, 0),
    number("downlink_snr_db", "Rapport signal/bruit de la dernière descente", "dB", -40, 40),
    # the device's own clock, beside the row's time, never instead of it
    number("device_time_s", "Horloge de l’appareil", "s", SINCE_2015_S, UNTIL_2100_S, Notation.INSTANT),
    state("clock_state", "Horloge réglée", ClockState),
    # where it is
    number("latitude_deg", "Latitude", "°", -90, 90),
    number("longitude_deg", "Longitude", "°", -180, 180),
    state("location_fix", "Position par satellite", LocationFix),
    # what it is, and how it started
    number("serial_number", "Numéro de série", "", 0, 4_294_967_295, Notation.HEX),
    number("firmware_version", "Micrologiciel", "", 0, 255_255_255, Notation.VERSION),
    number("hardware_version", "Version du matériel", "", 0, 255_255_255, Notation.VERSION),
    number("charger_version", "Micrologiciel du chargeur solaire", "", 0, 255_255_255, Notation.VERSION),
    state("power_on", "Mise sous tension", Answer),
    state("watchdog_reset", "Redémarrage par le chien de garde", Answer),
    state("soft_reset", "Redémarrage commandé", Answer),
    state("maintenance", "Maintenance commandée", Maintenance),
    # what it refused
    number("refused_f_port", "Port de la descente refusée", "", 0, 255),
    state("refusal", "Motif du refus", Refusal),
    # its settings
    number("report_interval_s", "Intervalle d’état", "s", 0, 2_678_400),
    number("link_check_s", "Intervalle de contrôle de liaison", "s", 0, 86_400),
    state("confirmed_uplinks", "Montées confirmées", Switch),
    number("boot_delay_s", "Délai aléatoire au démarrage", "s", 0, 65_535),
    number("random_delay_s", "Délai aléatoire d’envoi", "s", 0, 1270),
    number("packet_limit_s", "Délai minimal entre envois", "s", 0, 15_300),
    number("set_latitude_deg", "Latitude réglée", "°", -90, 90),
    number("set_longitude_deg", "Longitude réglée", "°", -180, 180),
    number("multicast_address", "Adresse multicast", "", 0, 4_294_967_295, Notation.HEX),
    number("multicast_f_cnt", "Compteur multicast", "", 0, 4_294_967_295),
    state("bluetooth_mode", "Accès Bluetooth", BluetoothMode),
    state("setting_cleared", "Réglage effacé", ClearedSetting),
)
