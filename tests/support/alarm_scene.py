"""A small territory, findings in it, a channel that keeps what it is given, and a desk that can die at any time."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from cloud.stores.base import Field, Point
from cloud.watch.alarms.alarm import ChannelName
from cloud.watch.alarms.desk import AlarmDesk
from cloud.watch.alarms.messages import Message
from cloud.watch.model import About, Finding, FindingKey, Severity
from core.errors import BeffroiError
from core.territory import (
    Asset,
    Circuit,
    Commune,
    Contact,
    Gateway,
    Kind,
    Maintenance,
    Operator,
    Site,
    Supply,
    Tenant,
    Territory,
)
from core.territory.model import Thresholds

NOON_MS = 1_764_072_000_000  # 2025-11-25 12:00 UTC, 13:00 in Paris
MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 24 * 3_600_000
HOLD_MS = 15 * MINUTE_MS
MAYOR = Contact("Mairie", "mairie@ccpvm.example")
ALL = frozenset(Severity)


def scene(
    *contacts: Contact,
    operator: Sequence[Contact] = (),
    severities: Mapping[str, Severity] | None = None,
    maintenance: Sequence[Maintenance] = (),
    thresholds: Thresholds | None = None,
    lamps: int = 20,
) -> Territory:
    """CCPVM with two communes, a cabinet, lamps on its circuit, a bin and a site; Esternay with a bin."""
    limits = thresholds or Thresholds()
    tenants = {
        "ccpvm": Tenant(
            "ccpvm",
            "Porte des Vosges",
            ("88383", "88429"),
            thresholds=limits,
            contacts=contacts or (MAYOR,),
            severities=severities or {},
            maintenance=tuple(maintenance),
        ),
        "esternay": Tenant(
            "esternay", "Esternay", ("51237",), contacts=(Contact("Mairie", "mairie@esternay.example"),)
        ),
    }
    communes = {
        "88383": Commune("88383", "Remiremont", "ccpvm", 48.0, 6.6),
        "88429": Commune("88429", "Saint-Nabord", "ccpvm", 48.0, 6.6),
        "51237": Commune("51237", "Esternay", "esternay", 48.7, 3.6),
    }
    assets = {
        "cab-1": Asset("cab-1", Kind.CABINET, "88383", 48.0, 6.6),
        "bin-1": Asset("bin-1", Kind.BIN, "88429", 48.0, 6.6, street="Rue de l’Église"),
        "bin-9": Asset("bin-9", Kind.BIN, "51237", 48.7, 3.6),
    }
    for number in range(lamps):
        commune = ("88383", "88429")[number % 2]
        name = f"lamp-{number}"
        assets[name] = Asset(name, Kind.LAMP, commune, 48.0, 6.6, circuit="cir-1", street="Rue de la Gare")
    return Territory(
        operator=Operator("grand-est", "Hyperviseur", contacts=tuple(operator)),
        tenants=tenants,
        communes=communes,
        sites={
            "remiremont": Site(
                "remiremont",
                "Remiremont",
                "88383",
                "ccpvm",
                48.0,
                6.6,
                gateways=(Gateway("7076ff0056070a11", 48.0, 6.6, "Clocher"),),
            )
        },
        circuits={"cir-1": Circuit("cir-1", "cab-1", Supply.SWITCHED, "quartiers")},
        assets=assets,
    )


def finding(
    subject: str = "bin-1",
    kind: str = "bin.full",
    severity: Severity = Severity.WARNING,
    *,
    database: str = "ccpvm",
    commune: str = "88429",
    about: About = About.ASSET,
    since_ms: int = NOON_MS,
    **facts: Field,
) -> Finding:
    return Finding(kind, severity, database, commune, about, subject, since_ms, facts)


def by_key(findings: Iterable[Finding]) -> dict[FindingKey, Finding]:
    return {one.key: one for one in findings}


class Postbox:
    """A channel that keeps what it takes; `fails` is raised instead while there is one."""

    def __init__(self) -> None:
        self.taken: list[Message] = []
        self.tried: list[Message] = []
        self.fails: BeffroiError | None = None

    def send(self, message: Message, now_ms: int) -> None:
        self.tried.append(message)
        if self.fails is not None:
            raise self.fails
        self.taken.append(message)

    def subjects(self) -> list[str]:
        return [message.text.subject for message in self.taken]

    def news(self) -> list[tuple[str, str, int]]:
        """Contact, what happened, alarm: of every message that was taken."""
        return [
            (message.lane.to.name, said["news"], said["id"])
            for message in self.taken
            for said in message.text.facts["alarms"]
        ]


class Alarms:
    """A desk on a clock of its own, with a postbox for each channel. `reborn`: as after a kill -9."""

    def __init__(self, folder: Path, territory: Territory, **options: Any) -> None:
        self.folder = folder
        self.territory = territory
        self.now_ms = NOON_MS
        self.mail, self.hook = Postbox(), Postbox()
        self._options: dict[str, Any] = {"linger_s": 60.0, **options}
        self.desk = self._opened()
        self.points: list[tuple[str, Point]] = []

    def _opened(self) -> AlarmDesk:
        channels = {ChannelName.EMAIL: self.mail, ChannelName.WEBHOOK: self.hook}
        return AlarmDesk.open(self.folder, channels=channels, **self._options)

    def reborn(self) -> None:
        """Whatever was in memory alone is lost; the file is as the last transaction left it."""
        self.desk.close()
        self.desk = self._opened()

    def look(self, *findings: Finding, after_ms: int = 0, writes: bool = True) -> list[tuple[str, Point]]:
        self.now_ms += after_ms
        given = self.desk.look(by_key(findings), self.territory, self.now_ms)
        if writes:
            self.points += given
            self.desk.written(given)
        return given

    def deliver(self, after_ms: int = 0) -> int:
        self.now_ms += after_ms
        return self.desk.deliver(self.now_ms)

    def ask(self, verb: str, **question: Any) -> Any:
        return self.desk.verbs(lambda: self.now_ms)[verb](question)

    def states(self) -> list[tuple[str, bool]]:
        """State and activity of each point that was written."""
        return [(str(point.fields["state"]), bool(point.fields["active"])) for _, point in self.points]


def worse(one: Finding, severity: Severity = Severity.CRITICAL) -> Finding:
    return replace(one, severity=severity)
