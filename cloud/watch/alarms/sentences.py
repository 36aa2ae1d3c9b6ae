"""Every sentence that people read of an alarm, in French. Pure."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from cloud.page.words import local, number, plural
from cloud.stores.base import Field
from cloud.watch.model import About, Finding, Severity
from core.territory import OPERATOR, Kind, Territory
from core.territory.alerting import ROAD


class Words(NamedTuple):
    """`one` of one thing, `many` of so many; `todo`: what to do."""

    one: str
    many: str
    todo: str


SAID: Final[Mapping[str, Words]] = {
    "silence.device": Words(
        "ne donne plus de nouvelles",
        "{n} capteurs ne donnent plus de nouvelles",
        "vérifier sur place l’alimentation et l’antenne du capteur ; le remplacer s’il reste muet",
    ),
    "silence.circuit": Words(
        "tout le circuit est muet",
        "{n} circuits sont muets",
        "vérifier à l’armoire le disjoncteur, le contacteur et l’arrivée du courant",
    ),
    "silence.gateway": Words(
        "la passerelle radio ne reçoit plus rien",
        "{n} passerelles radio ne reçoivent plus rien",
        "vérifier son alimentation, son antenne et son lien au réseau",
    ),
    "silence.site": Words(
        "le site ne répond plus",
        "{n} sites ne répondent plus",
        "vérifier le courant, la box et le boîtier du site ; rien n’est perdu tant que le boîtier a du courant",
    ),
    "silence.clock": Words(
        "l’horloge du site est fausse",
        "{n} sites ont une horloge fausse",
        "vérifier la synchronisation (NTP) du boîtier ; ses mesures gardent une heure estimée",
    ),
    "light.burning_by_day": Words(
        "allumé en plein jour",
        "{n} lampadaires allumés en plein jour",
        "vérifier l’horloge et le contacteur de l’armoire, puis le programme du lampadaire",
    ),
    "light.burning_in_extinction": Words(
        "allumé pendant l’extinction",
        "{n} lampadaires allumés pendant l’extinction",
        "vérifier le calendrier du circuit et l’horloge de l’armoire",
    ),
    "light.dark_by_night": Words(
        "éteint la nuit, hors extinction",
        "{n} lampadaires éteints la nuit, hors extinction",
        "vérifier l’alimentation, puis la lampe",
    ),
    "light.flicker": Words(
        "clignote",
        "{n} lampadaires clignotent",
        "vérifier les connexions et l’alimentation du luminaire",
    ),
    "light.lamp_failure": Words("lampe en panne", "{n} lampes en panne", "remplacer la lampe ou le luminaire"),
    "light.driver_failure": Words(
        "alimentation (driver) en panne",
        "{n} alimentations (drivers) en panne",
        "remplacer le driver ou le luminaire",
    ),
    "bin.full": Words("plein", "{n} bacs pleins", "prévoir la collecte"),
    "bin.tilted": Words("renversé ou déplacé", "{n} bacs renversés ou déplacés", "redresser le bac"),
    "bin.fire": Words(
        "température anormale : feu possible",
        "{n} bacs à température anormale : feu possible",
        "envoyer quelqu’un ; en cas de feu, appeler le 18 ou le 112",
    ),
    "bin.no_measurement": Words(
        "répond, mais ne mesure plus le remplissage",
        "{n} bacs ne mesurent plus leur remplissage",
        "nettoyer le capteur et vérifier que rien ne le masque",
    ),
    "traffic.no_measurement": Words(
        "répond, mais ne mesure plus le trafic",
        "{n} compteurs ne mesurent plus le trafic",
        "vérifier l’orientation du compteur et ce qui le masque",
    ),
    "device.battery_low": Words("pile faible", "{n} capteurs à pile faible", "changer la pile à la prochaine tournée"),
    "device.radio_weak": Words(
        "liaison radio faible",
        "{n} capteurs à liaison radio faible",
        "vérifier l’antenne ; sinon rapprocher une passerelle",
    ),
}
_OTHER: Final = Words("alarme {kind}", "{n} alarmes {kind}", "voir le tableau de bord")

# beffroi's own conditions, by code; the others are told by their code
CONDITIONS: Final[Mapping[str, Words]] = {
    "store.down": Words(
        "le stockage ne répond plus",
        "le stockage ne répond plus ({n} fois)",
        "redémarrer la base de données ; les mesures attendent chez les sites",
    ),
    "store.refuses": Words(
        "une base refuse les écritures",
        "{n} bases refusent les écritures",
        "vérifier les droits et la place de cette base ; ses mesures attendent chez les sites",
    ),
    "quarantine.refuses": Words(
        "la quarantaine ne prend plus rien", "la quarantaine ne prend plus rien ({n} fois)", "libérer de la place"
    ),
    "territory.invalid": Words(
        "le territoire modifié a des fautes : l’ancien reste en vigueur",
        "le territoire modifié a des fautes ({n} fois)",
        "beffroi territory check",
    ),
    "moves.wait": Words(
        "des mesures attendent d’être déplacées",
        "des mesures attendent d’être déplacées ({n} fois)",
        "beffroi cloud status",
    ),
    "identity.unknown_edge": Words(
        "un boîtier que personne n’a déclaré envoie des mesures",
        "{n} boîtiers que personne n’a déclarés envoient des mesures",
        "le déclarer dans sites.toml ; ses mesures l’attendent",
    ),
    "envelope.newer_version": Words(
        "un boîtier parle une version plus récente",
        "{n} boîtiers parlent une version plus récente",
        "mettre à jour le serveur ; rien n’est perdu",
    ),
    "tls.expired": Words("un certificat est périmé", "{n} certificats sont périmés", "renouveler le certificat"),
    "link.unreachable": Words(
        "le courtier MQTT ne répond pas", "{n} courtiers MQTT ne répondent pas", "vérifier le courtier et le réseau"
    ),
    "spool.full": Words(
        "la réserve du boîtier est pleine", "{n} boîtiers ont leur réserve pleine", "rétablir le lien du site, vite"
    ),
    "spool.disk_full": Words(
        "le disque du boîtier est plein", "{n} boîtiers ont leur disque plein", "libérer de la place sur le boîtier"
    ),
    "evicting": Words(
        "des mesures non livrées ont été effacées, faute de place",
        "{n} sites ont effacé des mesures non livrées, faute de place",
        "rétablir le lien du site, puis agrandir sa réserve",
    ),
    "unbalanced": Words(
        "le compte des mesures n’est pas juste",
        "{n} sites dont le compte des mesures n’est pas juste",
        "beffroi edge status sur le site, puis prévenir qui développe beffroi",
    ),
    "notify.failing": Words(
        "des messages d’alarme ne partent pas",
        "{n} destinataires ne reçoivent pas leurs messages d’alarme",
        "vérifier [notify] des réglages et l’adresse du contact",
    ),
}
_CONDITION: Final = Words(
    "condition {code}", "{n} conditions {code}", "beffroi cloud status, ou edge status sur le site"
)

SEVERITIES: Final = {Severity.NOTICE: "Pour information", Severity.WARNING: "À traiter", Severity.CRITICAL: "Urgent"}
_NOUNS: Final = {Kind.LAMP: "Lampadaire", Kind.BIN: "Bac", Kind.COUNTER: "Compteur", Kind.CABINET: "Armoire"}
_FACTS: Final[Mapping[str, tuple[str, int]]] = {
    "fill_pct": ("rempli à {} %", 0),
    "temperature_c": ("{} °C", 0),
    "battery_pct": ("pile à {} %", 0),
    "battery_v": ("pile à {} V", 2),
    "radio_loss_pct": ("{} % de messages perdus", 0),
    "radio_margin_db": ("marge radio {} dB", 1),
    "devices": ("{} capteurs", 0),
    "rows": ("{} lignes", 0),
    "level_pct": ("niveau {} %", 0),
    "power_w": ("{} W", 0),
}
_CAUSES: Final = {
    "power": "coupure de courant",
    "host": "boîtier arrêté ou en panne",
    "backhaul": "lien au réseau coupé",
    "network_server": "serveur LoRaWAN hors service",
}
_MONTHS: Final = (
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
)


def words_of(kind: str) -> Words:
    """What is said of a kind; of one that nobody has words for: its name."""
    if kind.startswith(ROAD):
        code = kind.removeprefix(ROAD)
        known, name = CONDITIONS.get(code, _CONDITION), {"code": code}
    else:
        known, name = SAID.get(kind, _OTHER), {"kind": kind}
    return Words(
        *(text.replace("{code}", name.get("code", "")).replace("{kind}", name.get("kind", "")) for text in known)
    )


def text_of(finding: Finding, territory: Territory | None = None) -> str:
    """One sentence about one finding, without its time: what, where it stands, what was measured."""
    said = words_of(finding.kind).one
    facts = details(finding.facts)
    return f"{name_of(finding, territory)} : {said}{f' ({facts})' if facts else ''}"


def name_of(finding: Finding, territory: Territory | None = None) -> str:
    """What it is about, as people call it, with the id that is on its label."""
    subject, facts = finding.subject, finding.facts
    if finding.about is About.ROAD:
        of_a_site = subject if finding.commune else ""
        return _road_name(str(facts.get("site") or of_a_site), str(facts.get("tenant", "")), territory)
    if territory is None:
        return subject
    match finding.about:
        case About.SITE:
            site = territory.sites.get(subject)
            return f"Site {site.name if site else subject}"
        case About.GATEWAY:
            names = {radio.eui: radio.name for site in territory.sites.values() for radio in site.gateways}
            return f"Passerelle {names.get(subject) or subject}"
        case About.ASSET | About.DEVICE | About.CABINET:
            asset = territory.assets.get(str(facts.get("asset") or facts.get("cabinet") or subject))
            if asset is None:
                return f"Capteur {subject}" if finding.about is About.DEVICE else subject
            noun = f"{_NOUNS[asset.kind]} {asset.id}"
            return f"{noun}, {asset.street}" if asset.street else noun


def _road_name(site: str, tenant: str, territory: Territory | None) -> str:
    if site:
        known = territory.sites.get(site) if territory else None
        return f"Site {known.name if known else site}"
    if tenant:
        return owner_name(tenant, territory) if territory else tenant
    return "Serveur"


def details(facts: Mapping[str, Field]) -> str:
    """What was measured, and for beffroi's own conditions what was seen."""
    said = [
        wording.format(number(float(value), digits))
        for name, (wording, digits) in _FACTS.items()
        if isinstance(value := facts.get(name), int | float) and not isinstance(value, bool)
    ]
    if circuits := facts.get("circuits"):
        said.insert(0, f"circuit {circuits}")
    if cause := facts.get("cause"):
        said.append(f"cause : {_CAUSES.get(str(cause), cause)}")
    if isinstance(returned_ms := facts.get("returned_ms"), int | float):
        said.append(f"de retour le {instant(int(returned_ms))}")
    return ", ".join(filter(None, [*said, str(facts.get("message", ""))]))


def counted(kind: str, count: int) -> str:
    """So many of a kind, the first letter small."""
    if count == 1:
        return words_of(kind).one
    return words_of(kind).many.replace("{n}", number(count))


def commune_name(insee: str, territory: Territory) -> str:
    commune = territory.communes.get(insee)
    return commune.name if commune else insee


def owner_name(owner: str, territory: Territory) -> str:
    """Whose alarms they are."""
    if owner == OPERATOR:
        return territory.operator.name
    tenant = territory.tenants.get(owner)
    return tenant.name if tenant else owner


def instant(at_ms: int) -> str:
    """`25 novembre à 19:40`, in Paris."""
    at = local(at_ms)
    return f"{'1er' if at.day == 1 else at.day} {_MONTHS[at.month - 1]} à {at:%H:%M}"


def alarms(count: int) -> str:
    return plural(count, "alarme", "alarmes")
