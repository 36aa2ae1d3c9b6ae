"""The words in which delivery speaks: what can be sent, from which set of rows, and how much waits for what."""

from dataclasses import dataclass
from enum import Enum, auto

from core.model import RowClass


class Origin(Enum):
    LIVE = auto()
    BACKLOG = auto()
    READY = auto()  # deferred before, tried once more
    FLYING = auto()  # overdue, sent again


@dataclass(frozen=True, slots=True)
class Plan:
    """Rows `first` to `last` can go now, as one message. `flight`: the message that is sent again."""

    spool_id: str
    row_class: RowClass
    boot: str
    first: int
    last: int
    origin: Origin
    flight: int = 0


@dataclass(frozen=True, slots=True)
class Outlook:
    """Rows by what they wait for, and messages without receipt."""

    waiting: int
    flying: int
    deferred: int
    held: int
    messages: int
    window: int
