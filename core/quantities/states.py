"""The closed sets of states, and the French word of each."""

from enum import StrEnum


class Health(StrEnum):
    OK = "ok"
    FAULT = "fault"


class Alert(StrEnum):
    CLEAR = "clear"
    RAISED = "raised"


class Switch(StrEnum):
    OFF = "off"
    ON = "on"


class Answer(StrEnum):
    NO = "no"
    YES = "yes"


class Contact(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


class Outcome(StrEnum):
    DONE = "done"
    FAILED = "failed"


class ClockState(StrEnum):
    SET = "set"
    NOT_SET = "not_set"


class LocationFix(StrEnum):
    GOOD = "good"
    NONE = "none"
    ERROR = "error"


class LevelSource(StrEnum):
    """What decides the level of a lamp now; steps and profiles are numbered by `level_step`."""

    PROFILE = "profile"
    CALENDAR_DAY = "calendar_day"
    CALENDAR_NIGHT = "calendar_night"
    DAWN_STEP = "dawn_step"
    DUSK_STEP = "dusk_step"
    LIGHT_STEP = "light_step"
    INPUT_ACTIVE = "input_active"
    INPUT_INACTIVE = "input_inactive"
    LDR_ACTIVE = "ldr_active"
    MANUAL = "manual"
    FALLBACK = "fallback"
    RELAY_OFF = "relay_off"
    DRIVER_NOT_FOUND = "driver_not_found"
    UNKNOWN = "unknown"


class CommandMode(StrEnum):
    MANUAL = "manual"
    AUTOMATIC = "automatic"


class DimmingCurve(StrEnum):
    LOGARITHMIC = "logarithmic"
    LINEAR = "linear"


class BusState(StrEnum):
    OK = "ok"
    HIGH = "bus_high"
    ERROR = "bus_error"


class PowerSource(StrEnum):
    INTERNAL = "internal"
    EXTERNAL = "external"


class ControllerType(StrEnum):
    DALI = "dali"
    DALI_NC = "dali_nc"
    DALI_NO = "dali_no"
    ANALOG_NC = "analog_nc"
    ANALOG_NO = "analog_no"
    DALI_ANALOG_NC = "dali_analog_nc"
    DALI_ANALOG_NO = "dali_analog_no"
    DALI_ANALOG_NC_NO = "dali_analog_nc_no"


class ControlInterface(StrEnum):
    DALI = "dali"
    ANALOG = "analog"


class InputKind(StrEnum):
    SWITCH = "switch"
    BUTTON = "button"


class Polarity(StrEnum):
    LOW = "low"
    HIGH = "high"


class BluetoothMode(StrEnum):
    NEVER = "never"
    FIRST_COMMISSIONING = "first_commissioning"
    EACH_BOOT = "each_boot"
    ALWAYS = "always"


class Maintenance(StrEnum):
    RESTART = "restart"
    FIRMWARE_UPDATE = "firmware_update"


class ClearedSetting(StrEnum):
    PROFILE = "profile"
    HOLIDAYS = "holidays"
    INPUT = "input"
    LIGHT_SENSOR = "light_sensor"
    MULTICAST = "multicast"
    EVERYTHING = "everything"


class CounterModel(StrEnum):
    """The radar counters of Parametric and of PMX, which went on from them."""

    TCR = "tcr"
    TCR_S = "tcr_s"
    TCR_LS = "tcr_ls"
    TCR_LSS = "tcr_lss"
    TCR_HS = "tcr_hs"
    TCR_HSS = "tcr_hss"
    TCR_LSA = "tcr_lsa"
    TCR_LSB = "tcr_lsb"
    TCR_HSA = "tcr_hsa"
    TCR_HSB = "tcr_hsb"
    TCR_LSBS = "tcr_lsbs"
    TCR_HSBS = "tcr_hsbs"
    TCR_DLI = "tcr_dli"
    TCR_DLE = "tcr_dle"
    TCR_SLI = "tcr_sli"
    TCR_SLE = "tcr_sle"


class CountingMode(StrEnum):
    """When a counter sends: after its interval, or at once when something passes."""

    INTERVAL = "interval"
    TRIGGER = "trigger"


class Licence(StrEnum):
    BASIC = "basic"
    ADVANCED = "advanced"
    PRO = "pro"


class SpeedRange(StrEnum):
    """What a radar is tuned for."""

    PEDESTRIAN = "pedestrian"
    LOW_SPEED = "low_speed"
    HIGH_SPEED = "high_speed"


class Refusal(StrEnum):
    """Why a device refused a downlink."""

    UNKNOWN_PORT = "unknown_port"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    BAD_SIZE = "bad_size"
    BAD_VALUE = "bad_value"
    UNREADABLE = "unreadable"
    RESERVED_FLAG = "reserved_flag"
    FLAG_MIX = "flag_mix"
    FEATURE_ABSENT = "feature_absent"
    UNKNOWN_HEADER = "unknown_header"
    HARDWARE_UNREACHABLE = "hardware_unreachable"
    ADDRESS_ABSENT = "address_absent"
    INTERNAL_ERROR = "internal_error"
    PROFILE_SEQUENCE = "profile_sequence"
    PROFILE_DESTINATION = "profile_destination"
    PROFILE_DAYS = "profile_days"
    PROFILE_STEP_COUNT = "profile_step_count"
    PROFILE_STEP_VALUE = "profile_step_value"
    PROFILE_STEP_ORDER = "profile_step_order"


FRENCH: dict[str, str] = {
    "address_absent": "adresse absente",
    "advanced": "avancée",
    "always": "toujours",
    "analog": "0–10 V",
    "analog_nc": "0–10 V, repos fermé",
    "analog_no": "0–10 V, repos ouvert",
    "automatic": "automatique",
    "bad_size": "taille incorrecte",
    "bad_value": "valeur incorrecte",
    "basic": "de base",
    "bus_error": "erreur de bus",
    "bus_high": "bus trop haut",
    "button": "bouton",
    "calendar_day": "calendrier, jour",
    "calendar_night": "calendrier, nuit",
    "clear": "aucune",
    "closed": "fermé",
    "dali": "DALI",
    "dali_analog_nc": "DALI et 0–10 V, repos fermé",
    "dali_analog_nc_no": "DALI et 0–10 V, deux relais",
    "dali_analog_no": "DALI et 0–10 V, repos ouvert",
    "dali_nc": "DALI, repos fermé",
    "dali_no": "DALI, repos ouvert",
    "dawn_step": "palier de l’aube",
    "done": "fait",
    "driver_not_found": "driver introuvable",
    "dusk_step": "palier du crépuscule",
    "each_boot": "à chaque démarrage",
    "error": "erreur",
    "everything": "tout (réglages d’usine)",
    "external": "externe",
    "failed": "échec",
    "fallback": "repli",
    "fault": "défaut",
    "feature_absent": "fonction absente",
    "firmware_update": "mise à jour",
    "first_commissioning": "à la première mise en service",
    "flag_mix": "options incompatibles",
    "good": "bonne",
    "hardware_unreachable": "matériel injoignable",
    "high": "haut",
    "high_speed": "vitesse élevée",
    "holidays": "jours fériés",
    "input": "entrée",
    "input_active": "entrée active",
    "input_inactive": "entrée inactive",
    "internal": "interne",
    "internal_error": "erreur interne",
    "interval": "à intervalle",
    "ldr_active": "cellule active",
    "light_sensor": "capteur de lumière",
    "light_step": "palier du capteur de lumière",
    "linear": "linéaire",
    "logarithmic": "logarithmique",
    "low": "bas",
    "low_speed": "vitesse faible",
    "manual": "manuel",
    "multicast": "multicast",
    "never": "jamais",
    "no": "non",
    "none": "aucune",
    "not_set": "non réglée",
    "off": "éteint",
    "ok": "normal",
    "on": "allumé",
    "open": "ouvert",
    "pedestrian": "piétons",
    "pro": "pro",
    "profile": "programme",
    "profile_days": "jours du programme",
    "profile_destination": "destinataire du programme",
    "profile_sequence": "ordre des programmes",
    "profile_step_count": "nombre de paliers",
    "profile_step_order": "ordre des paliers",
    "profile_step_value": "valeur d’un palier",
    "raised": "déclenchée",
    "relay_off": "relais ouvert",
    "reserved_flag": "option réservée",
    "restart": "redémarrage",
    "set": "réglée",
    "switch": "contact",
    "tcr": "TCR",
    "tcr_dle": "TCR-DLE",
    "tcr_dli": "TCR-DLI",
    "tcr_hs": "TCR-HS",
    "tcr_hsa": "TCR-HSA",
    "tcr_hsb": "TCR-HSB",
    "tcr_hsbs": "TCR-HSBS",
    "tcr_hss": "TCR-HSS",
    "tcr_ls": "TCR-LS",
    "tcr_lsa": "TCR-LSA",
    "tcr_lsb": "TCR-LSB",
    "tcr_lsbs": "TCR-LSBS",
    "tcr_lss": "TCR-LSS",
    "tcr_s": "TCR-S",
    "tcr_sle": "TCR-SLE",
    "tcr_sli": "TCR-SLI",
    "too_long": "trop long",
    "too_short": "trop court",
    "trigger": "au passage",
    "unknown": "inconnue",
    "unknown_header": "commande inconnue",
    "unknown_port": "port inconnu",
    "unreadable": "illisible",
    "yes": "oui",
}
