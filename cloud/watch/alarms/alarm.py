"""The words of the alarms: what one is, what happens to it, who is told. Pure."""

from enum import StrEnum
from typing import Final, NamedTuple

import msgspec

from cloud.watch.model import Finding, FindingKey, Severity

RANK: Final = {Severity.NOTICE: 0, Severity.WARNING: 1, Severity.CRITICAL: 2}


class AlarmState(StrEnum):
    RAISED = "raised"
    ACKNOWLEDGED = "acknowledged"  # somebody has taken it up: it is neither repeated nor escalated
    CLEARED = "cleared"


class Step(StrEnum):
    """What happened to an alarm."""

    RAISED = "raised"
    WORSENED = "worsened"  # more severe than it ever was
    UPDATED = "updated"  # less severe, begun at another time than was thought, or its cause is known
    REPEATED = "repeated"
    ESCALATED = "escalated"
    ACKNOWLEDGED = "acknowledged"
    MUTED = "muted"
    GONE = "gone"  # its finding holds no more; it is cleared unless that comes back in time
    RETURNED = "returned"  # within that time
    CLEARED = "cleared"


class ChannelName(StrEnum):
    EMAIL = "email"
    WEBHOOK = "webhook"


class Recipient(NamedTuple):
    """A contact: whose (a tenant's id, or `operator`) and its name there."""

    owner: str
    name: str


class Mute(msgspec.Struct, frozen=True):
    """Nobody is told of the alarms of one key before `until_ms`, of those to come neither."""

    until_ms: int
    by: str
    note: str = ""


class Alarm(msgspec.Struct, frozen=True):
    """A finding that people are told of.

    `finding`: as it was last seen, with the severity that it has for its tenant. `gone_ms`: since when it holds no
    more. `spoken_ms`: when people were last told that it lasts; 0: never. `told`: who was told at all; `escalated`: who
    of them because nobody had acknowledged it. `changes`: how many points it has in the store.
    """

    id: int
    finding: Finding
    state: AlarmState
    raised_ms: int
    worst: Severity
    changes: int = 0
    gone_ms: int | None = None
    cleared_ms: int | None = None
    spoken_ms: int = 0
    told: tuple[Recipient, ...] = ()
    escalated: tuple[Recipient, ...] = ()
    acknowledged_ms: int | None = None
    by: str = ""  # who acknowledged it
    note: str = ""

    @property
    def key(self) -> FindingKey:
        return self.finding.key


class Change(msgspec.Struct, frozen=True):
    """`alarm` as it is after the step, and who is told of it."""

    alarm: Alarm
    step: Step
    at_ms: int
    to: tuple[Recipient, ...] = ()
    by: str = ""
    note: str = ""


SHOWN: Final = frozenset(
    {Step.RAISED, Step.WORSENED, Step.UPDATED, Step.ACKNOWLEDGED, Step.RETURNED, Step.CLEARED}
)  # each is a point of the store
