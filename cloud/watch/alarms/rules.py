"""What the territory says of alarms: who is told, how much a kind matters, what is under maintenance. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec

from cloud.watch.alarms.alarm import Recipient
from cloud.watch.model import About, Finding, Severity
from core.territory import OPERATOR, Contact, Maintenance, Territory
from core.territory.calendars import PARIS
from core.territory.model import Thresholds

_OF_THE_OPERATOR = (About.SITE, About.GATEWAY)  # its machines, in whatever commune they stand
_MINUTE_MS, _HOUR_MS = 60_000, 3_600_000


class Rules(msgspec.Struct, frozen=True):
    """Of one database."""

    owner: str
    contacts: tuple[Contact, ...] = ()
    severities: Mapping[str, Severity] = {}
    maintenance: tuple[Maintenance, ...] = ()
    thresholds: Thresholds = Thresholds()

    @property
    def hold_ms(self) -> int:
        return round(self.thresholds.alarm_hold_min * _MINUTE_MS)

    def repeat_ms(self, severity: Severity) -> int:
        critical = severity is Severity.CRITICAL
        hours = self.thresholds.alarm_repeat_critical_h if critical else self.thresholds.alarm_repeat_h
        return round(hours * _HOUR_MS)


class RuleBook:
    """The rules of every database of a territory, each made once."""

    def __init__(self, territory: Territory) -> None:
        self.territory = territory
        self._rules: dict[str, Rules] = {}
        self._cabinets = {circuit.id: circuit.cabinet for circuit in territory.circuits.values()}

    def of(self, database: str) -> Rules:
        """Without contacts for a tenant that is not declared (any more)."""
        rules = self._rules.get(database)
        if rules is None:
            rules = self._rules[database] = self._made(database)
        return rules

    def _made(self, database: str) -> Rules:
        operator = self.territory.operator
        declared = operator if database == OPERATOR else self.territory.tenants.get(database)
        if declared is None:
            return Rules(database, thresholds=operator.thresholds)
        return Rules(database, declared.contacts, declared.severities, declared.maintenance, declared.thresholds)

    def contact(self, recipient: Recipient) -> Contact | None:
        return next((one for one in self.of(recipient.owner).contacts if one.name == recipient.name), None)

    def severity(self, finding: Finding) -> Severity:
        """What it is for its tenant."""
        return self.of(finding.database).severities.get(finding.kind, finding.severity)

    def told_at_once(self, finding: Finding) -> tuple[Recipient, ...]:
        """Who wants to hear of a finding of this severity as soon as it is raised."""
        return tuple(to for to, contact in self._interested(finding) if contact.escalate_after_min is None)

    def told_after(self, finding: Finding, waited_ms: int) -> tuple[Recipient, ...]:
        """Who wants to hear of it once nobody has acknowledged it for so long."""
        return tuple(
            to
            for to, contact in self._interested(finding)
            if contact.escalate_after_min is not None and waited_ms >= contact.escalate_after_min * _MINUTE_MS
        )

    def _interested(self, finding: Finding) -> Iterable[tuple[Recipient, Contact]]:
        owners = [finding.database]
        if finding.about in _OF_THE_OPERATOR and finding.database != OPERATOR:
            owners.append(OPERATOR)
        for owner in owners:
            for contact in self.of(owner).contacts:
                if finding.severity in contact.severities:
                    yield Recipient(owner, contact.name), contact

    def is_maintained(self, finding: Finding, now_ms: int) -> bool:
        """Whether somebody works on it, or on what it hangs on, at this time."""
        return any(
            one.start_ms <= now_ms < one.end_ms and self._names(one, finding)
            for one in self.of(finding.database).maintenance
        )

    def _names(self, maintenance: Maintenance, finding: Finding) -> bool:
        if not (maintenance.communes or maintenance.circuits or maintenance.assets):
            return True
        if finding.commune in maintenance.communes:
            return True
        facts = finding.facts
        names = {finding.subject, str(facts.get("asset", "")), *str(facts.get("circuits", "")).split(", ")}
        if names & maintenance.assets or names & maintenance.circuits:
            return True
        circuits = {
            asset.circuit for name in names if (asset := self.territory.assets.get(name)) and asset.circuit is not None
        }
        return bool(circuits & maintenance.circuits) or any(
            self._cabinets.get(circuit) in names for circuit in maintenance.circuits
        )


def is_quiet(contact: Contact, now_ms: int) -> bool:
    """Whether only what is critical is said to it now."""
    return contact.quiet is not None and contact.quiet.holds(datetime.fromtimestamp(now_ms / 1000, PARIS).time())
