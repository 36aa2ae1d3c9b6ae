"""What people read: French, for every kind, with when, where and what to do."""

from msgspec.structs import replace

from cloud.alarms import Alarm as Condition
from cloud.watch.alarms import sentences
from cloud.watch.alarms.alarm import Alarm, AlarmState, Recipient, Step
from cloud.watch.alarms.digest import Item, digest
from cloud.watch.alarms.points import alarm_tags
from cloud.watch.alarms.road import worker_finding
from cloud.watch.model import About, Finding, Severity
from core.territory.alerting import KINDS
from tests.support.alarm_scene import HOUR_MS, NOON_MS, finding, scene

HERE = scene()
MAYOR = Recipient("ccpvm", "Mairie")


def alarm(number: int, one: Finding, **changed: object) -> Alarm:
    return replace(Alarm(number, one, AlarmState.RAISED, NOON_MS, one.severity), **changed)


def test_there_are_words_for_every_kind() -> None:
    """One thing, many things, what to do: and no other kind has words that nobody can declare."""
    assert set(sentences.SAID) == set(KINDS)
    for words in (*sentences.SAID.values(), *sentences.CONDITIONS.values()):
        assert "{n}" in words.many
        assert "{" not in words.one + words.todo
        assert words.todo
        assert words.one[0].islower(), "it follows a colon"


def test_a_kind_without_words_is_told_by_its_name() -> None:
    """A newer detector's alarm, or a condition that nobody has words for, is readable all the same."""
    assert sentences.text_of(finding(kind="bin.stolen"), HERE) == "Bac bin-1, Rue de l’Église : alarme bin.stolen"
    assert sentences.counted("bin.stolen", 3) == "3 alarmes bin.stolen"
    strange = worker_finding(Condition("codec.melted", "it is hot", NOON_MS, site="remiremont"))
    assert sentences.text_of(strange, HERE) == "Site Remiremont : condition codec.melted (it is hot)"
    assert sentences.counted(strange.kind, 2) == "2 conditions codec.melted"


def test_things_have_the_names_that_people_use() -> None:
    """Kind, label and street of an asset; the name of a site or gateway; the id of what is not declared."""
    radio = finding("7076ff0056070a11", "silence.gateway", about=About.GATEWAY)
    named = [
        (finding(), "Bac bin-1, Rue de l’Église"),
        (finding("cab-1", "silence.circuit", about=About.CABINET), "Armoire cab-1"),
        (finding("cir-1", "silence.circuit", about=About.CABINET, cabinet="cab-1"), "Armoire cab-1"),
        (
            finding("0018b2", "device.battery_low", about=About.DEVICE, asset="lamp-1"),
            "Lampadaire lamp-1, Rue de la Gare",
        ),
        (finding("0018b2", "device.battery_low", about=About.DEVICE), "Capteur 0018b2"),
        (finding("remiremont", "silence.site", about=About.SITE), "Site Remiremont"),
        (finding("nowhere", "silence.site", about=About.SITE), "Site nowhere"),
        (radio, "Passerelle Clocher"),
    ]
    for one, name in named:
        assert sentences.name_of(one, HERE) == name
    assert sentences.name_of(radio) == "7076ff0056070a11", "without a territory: its id"


def test_a_series_is_named_by_what_the_alarm_is_about() -> None:
    """With tags of the closed set alone; an empty one is left out."""
    assert alarm_tags(finding("cir-1", "silence.circuit", about=About.CABINET, cabinet="cab-1")) == {
        "kind": "silence.circuit",
        "commune": "88429",
        "asset": "cab-1",
    }
    assert alarm_tags(finding("0018b2", "device.battery_low", about=About.DEVICE, asset="lamp-1")) == {
        "kind": "device.battery_low",
        "commune": "88429",
        "device": "0018b2",
        "asset": "lamp-1",
    }
    road = finding("remiremont", "road.evicting", about=About.ROAD, database="operator", rows=12)
    assert alarm_tags(road) == {"kind": "road.evicting", "commune": "88429", "site": "remiremont"}
    assert sentences.text_of(road, HERE) == (
        "Site Remiremont : des mesures non livrées ont été effacées, faute de place (12 lignes)"
    )
    radio = finding("7076ff0056070a11", "silence.gateway", about=About.GATEWAY)
    assert alarm_tags(radio)["gateway"] == "7076ff0056070a11"
    assert alarm_tags(finding("remiremont", "silence.site", about=About.SITE))["site"] == "remiremont"


def test_a_digest_says_what_when_where_and_what_to_do() -> None:
    """The gravest and newest first; what is over has its end; who took it up is named."""
    fire = finding(kind="bin.fire", severity=Severity.CRITICAL, temperature_c=71.5)
    dark = finding("lamp-1", "light.dark_by_night", since_ms=NOON_MS - HOUR_MS)
    over = finding("lamp-3", "light.flicker", since_ms=NOON_MS - 2 * HOUR_MS)
    items = [
        Item(alarm(3, over, state=AlarmState.CLEARED, gone_ms=NOON_MS - HOUR_MS), Step.CLEARED),
        Item(alarm(2, replace(dark, or_earlier=True), by="Ana"), Step.REPEATED),
        Item(alarm(1, fire), Step.RAISED),
    ]
    text = digest(items, MAYOR, HERE, now_ms=NOON_MS)
    assert text.subject == (
        "[beffroi] Urgent : température anormale : feu possible – Bac bin-1, Rue de l’Église, Saint-Nabord"
        " ; et 2 alarmes de plus"
    )
    assert (
        text.body
        == """\
Porte des Vosges
Situation du 25 novembre à 13:00 (heure de Paris)

NOUVEAU

Urgent · Saint-Nabord · température anormale : feu possible
  - Bac bin-1, Rue de l’Église, depuis le 25 novembre à 13:00 (72 °C) [n° 1]
  À faire : envoyer quelqu’un ; en cas de feu, appeler le 18 ou le 112.

DURE TOUJOURS

À traiter · Saint-Nabord · éteint la nuit, hors extinction
  - Lampadaire lamp-1, Rue de la Gare, depuis le 25 novembre à 12:00 au moins, pris en charge par Ana [n° 2]
  À faire : vérifier l’alimentation, puis la lampe.

TERMINÉ

À traiter · Saint-Nabord · clignote
  - Lampadaire lamp-3, Rue de la Gare, du 25 novembre à 11:00 au 25 novembre à 12:00 [n° 3]

Pour prendre en charge : beffroi alarm ack 1 2 --note « ce qui est fait »

Message automatique de beffroi.
"""
    )
    assert [(one["id"], one["news"], one["until_ms"]) for one in text.facts["alarms"]] == [
        (1, "raised", None),
        (2, "repeated", None),
        (3, "cleared", NOON_MS - HOUR_MS),
    ]


def test_a_subject_is_one_short_line() -> None:
    """Whatever stands in names."""
    long = worker_finding(Condition("store.down", "x", NOON_MS, tenant="a\r\nBcc: x@y.z " * 40))
    subject = digest([Item(alarm(1, long), Step.RAISED)], Recipient("operator", "A"), HERE, now_ms=NOON_MS).subject
    assert len(subject) <= 140
    assert subject.isprintable()


def test_a_digest_of_everything_stays_readable() -> None:
    """Fifty groups of a hundred alarms: the first forty, five names each, and how many are left."""
    items = [Item(alarm(n, finding(f"x-{n}", f"kind.k{n % 50}", commune="88383")), Step.RAISED) for n in range(1, 5001)]
    text = digest(items, MAYOR, HERE, now_ms=NOON_MS)
    assert "… et 1\u202f000 alarmes de plus (10 lieux) : voir le tableau de bord." in text.body
    assert len(text.body) < 25_000
    assert (text.facts["count"], len(text.facts["alarms"])) == (5000, 500)
