"""What is said, to whom, and how far it has come: the words of the outbox and its channels. Pure."""

from enum import StrEnum
from typing import Any, NamedTuple, Protocol

import msgspec

from cloud.watch.alarms.alarm import ChannelName, Recipient, Step


class Lane(NamedTuple):
    """What goes to one contact by one channel, what is critical apart from the rest."""

    to: Recipient
    channel: ChannelName
    urgent: bool


class Notice(msgspec.Struct, frozen=True):
    """Somebody is to be told of a step of an alarm; several go into one message. `told_before`: of this alarm."""

    id: int
    alarm: int
    step: Step
    at_ms: int
    told_before: bool = False


class Waiting(NamedTuple):
    """How much waits in a lane for a message to be made of it."""

    lane: Lane
    oldest_ms: int
    notices: int


class Fate(StrEnum):
    """`waiting`: to be sent, or sent and nobody knows. The others are final."""

    WAITING = "waiting"
    SENT = "sent"
    REFUSED = "refused"  # the other side will never take it
    EXPIRED = "expired"  # it could not be sent in time


class Text(msgspec.Struct, frozen=True):
    """`facts`: the same for programs, the body of a webhook but for what identifies the message."""

    subject: str
    body: str
    facts: dict[str, Any] = {}


class Message(msgspec.Struct, frozen=True):
    """A text on its way. `identity` is the same at every attempt: whoever gets it twice can tell.

    `attempts`: begun so far; one that was begun and never ended (the power went) may have arrived.
    """

    id: int
    lane: Lane
    address: str
    identity: str
    text: Text
    composed_ms: int
    due_ms: int
    attempts: int = 0
    fate: Fate = Fate.WAITING
    ended_ms: int | None = None
    reason: str = ""  # why the last attempt failed


class Pace(NamedTuple):
    """The next message of a lane is made at `next_ms` at the earliest, and the one after that `gap_ms` later."""

    next_ms: int = 0
    gap_ms: int = 0


class Channel(Protocol):
    """A way to people."""

    def send(self, message: Message, now_ms: int) -> None:
        """Return when the other side has taken it.

        Raises:
            LinkError: not now; try again.
            RejectedError: it will never be taken.
        """
        ...
