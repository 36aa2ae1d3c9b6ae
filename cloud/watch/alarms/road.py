"""Conditions of beffroi itself become findings, so that people are told of them too. Pure.

| From | Kind | Database | Subject |
|---|---|---|---|
| the worker (`cloud.alarms`) | `road.<code>` | operator | the site, else the tenant, that it concerns; else `worker` |
| an edge (`conditions_…` of its newest `site` point) | `road.<code>` | operator | the site |
| the outbox | `road.notify.failing` | operator | whose contacts do not get their messages |
"""

from collections.abc import Iterable
from typing import Final, Protocol

from cloud.stores.base import Field, Point
from cloud.watch.alarms.messages import Message
from cloud.watch.model import About, Finding, Severity
from core.territory import OPERATOR, Territory
from core.territory.alerting import ROAD

WORKER: Final = "worker"
NOTIFY_FAILING: Final = "notify.failing"
_CONDITION: Final = "conditions_"
_HEALTH: Final = "at_ms"  # only a whole health document has it; a last will has not
# what stops the road, or makes it lose rows
_CRITICAL: Final = frozenset(
    {
        "store.down",
        "store.refuses",
        "quarantine.refuses",
        "spool.full",
        "spool.disk_full",
        "spool.disk",
        "spool.io",
        "spool.corrupt",
        "spool.meta_corrupt",
        "tls.expired",
    }
)


class Condition(Protocol):
    """What the worker says of itself: `cloud.alarms.Alarm`."""

    @property
    def code(self) -> str: ...
    @property
    def message(self) -> str: ...
    @property
    def hint(self) -> str: ...
    @property
    def site(self) -> str: ...
    @property
    def tenant(self) -> str: ...
    @property
    def since_ms(self) -> int: ...


def severity_of(code: str) -> Severity:
    """How much a condition matters; a person is needed for each of them."""
    return Severity.CRITICAL if code in _CRITICAL else Severity.WARNING


def worker_findings(conditions: Iterable[Condition]) -> list[Finding]:
    """What the worker says of itself."""
    return [worker_finding(one) for one in conditions]


def worker_finding(condition: Condition) -> Finding:
    facts: dict[str, Field] = {"code": condition.code, "message": condition.message}
    facts |= {name: text for name in ("hint", "site", "tenant") if (text := str(getattr(condition, name)))}
    subject = condition.site or condition.tenant or WORKER
    return _finding(condition.code, subject, facts, since_ms=condition.since_ms)


def edge_findings(points: Iterable[Point], territory: Territory) -> list[Finding]:
    """What the edges say of themselves.

    Args:
        points: of `site`; of each site's whole health documents the newest counts, what is another's is passed over.
    """
    newest: dict[str, Point] = {}
    for point in points:
        site = point.tags.get("site", "")
        if site in territory.sites and _HEALTH in point.fields:
            known = newest.get(site)
            if known is None or known.time_us < point.time_us:
                newest[site] = point
    found: list[Finding] = []
    for site, point in newest.items():
        codes = {str(value) for name, value in point.fields.items() if name.startswith(_CONDITION) and value}
        commune = territory.sites[site].commune
        for code in sorted(codes):
            facts: dict[str, Field] = {"code": code, "site": site}
            found.append(_finding(code, site, facts, since_ms=point.time_us // 1000, commune=commune))
    return found


def notify_findings(failing: Iterable[Message]) -> list[Finding]:
    """Messages of alarms that do not arrive: one finding for each tenant, or the operator, whose contacts miss them."""
    of: dict[str, list[Message]] = {}
    for message in failing:
        of.setdefault(message.lane.to.owner, []).append(message)
    found: list[Finding] = []
    for owner, messages in of.items():
        said = {f"{one.lane.to.name} ({one.lane.channel}) : {one.reason or one.fate}" for one in messages}
        facts: dict[str, Field] = {"code": NOTIFY_FAILING, "message": " ; ".join(sorted(said))}
        if owner != OPERATOR:
            facts["tenant"] = owner
        found.append(_finding(NOTIFY_FAILING, owner, facts, since_ms=min(one.composed_ms for one in messages)))
    return found


def _finding(code: str, subject: str, facts: dict[str, Field], *, since_ms: int, commune: str = "") -> Finding:
    return Finding(f"{ROAD}{code}", severity_of(code), OPERATOR, commune, About.ROAD, subject, since_ms, facts)
