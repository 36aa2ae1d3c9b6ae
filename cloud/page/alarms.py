"""The alarms of the watch as the page lists them: what holds, what has just ended, what there was. Pure.

The watch writes a point of `alarm` whenever one is raised, acknowledged or cleared; the page shows them and judges
nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from cloud.stores.base import Point
from cloud.watch.alarms.alarm import RANK, AlarmState
from cloud.watch.model import Severity

MANY = 4  # of one kind in one commune: they are one line
FADING_MS = 15 * 60_000  # a cleared alarm stays in the list, faded, for so long
_ABOUT = ("asset", "site", "gateway", "device", "channel")  # tags that say what an alarm is about


@dataclass(frozen=True, slots=True)
class Alarm:
    """`id`: what the watch calls it; `about`: the tag that names its subject; `changed_ms`: when it was raised,
    acknowledged or cleared, whichever came last; `by`, `note`: of who acknowledged it."""

    id: int
    database: str
    kind: str
    about: str
    subject: str
    commune: str
    state: AlarmState
    severity: Severity
    since_ms: int
    changed_ms: int
    text: str = ""
    by: str = ""
    note: str = ""

    @property
    def is_open(self) -> bool:
        return self.state is not AlarmState.CLEARED

    @property
    def asset(self) -> str:
        """The asset that it is about; "" where it is about none."""
        return self.subject if self.about == "asset" else ""


def read(database: str, point: Point) -> Alarm | None:
    """An alarm of its point; None where another version wrote what this one does not know."""
    tags, fields = point.tags, point.fields
    at_ms = point.time_us // 1000
    try:
        state = AlarmState(str(fields["state"]))
        severity = Severity(str(fields["severity"]))
        ident, since_ms = int(fields["id"]), int(fields["since_ms"])
    except (KeyError, ValueError):
        return None
    about = next((tag for tag in _ABOUT if tag in tags), "")
    return Alarm(
        id=ident,
        database=database,
        kind=tags.get("kind", ""),
        about=about,
        subject=tags.get(about, ""),
        commune=tags.get("commune", ""),
        state=state,
        severity=severity,
        since_ms=since_ms,
        changed_ms=at_ms,
        text=str(fields.get("text", "")),
        by=str(fields.get("by", "")),
        note=str(fields.get("note", "")),
    )


def listed(alarms: Iterable[Alarm], now_ms: int) -> tuple[Alarm, ...]:
    """Those that hold, the gravest first and of these the newest; then those that ended not long ago."""
    kept = [one for one in alarms if one.is_open or now_ms - one.changed_ms <= FADING_MS]
    return tuple(sorted(kept, key=_order))


def _order(alarm: Alarm) -> tuple[bool, int, int, int]:
    newest = alarm.since_ms if alarm.is_open else alarm.changed_ms
    return not alarm.is_open, -RANK[alarm.severity], -newest, alarm.id


def grouped(alarms: Iterable[Alarm]) -> list[tuple[Alarm, ...]]:
    """The same list with many of one kind in one commune together, in the place of the first of them."""
    groups: dict[tuple[object, ...], list[Alarm]] = {}
    for alarm in alarms:
        groups.setdefault((alarm.kind, alarm.database, alarm.commune, alarm.severity, alarm.state), []).append(alarm)
    found: list[tuple[Alarm, ...]] = []
    for group in groups.values():
        found += [tuple(group)] if len(group) >= MANY else [(one,) for one in group]
    return sorted(found, key=lambda group: _order(group[0]))


def episodes(alarms: Iterable[Alarm]) -> list[Alarm]:
    """What ended, each once, the last first.

    Args:
        alarms: of every point in some days, by time.
    """
    found: dict[tuple[str, int], Alarm] = {}
    for alarm in alarms:
        if not alarm.is_open:
            found[alarm.database, alarm.id] = alarm
    return sorted(found.values(), key=lambda one: -one.changed_ms)
