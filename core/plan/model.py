"""What should be and what is, as typed resources; the actions between them. Nothing here prints a secret."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from core.errors import BeffroiError
from core.secrets import Masked

Body = Mapping[str, Any]  # JSON


@dataclass(frozen=True, order=True)
class Key:
    """Which one: `dashboard`, of the tenant `ccpvm`, `beffroi-carte`."""

    kind: str
    scope: str
    id: str

    def __str__(self) -> str:
        return f"{self.kind} {self.scope}/{self.id}" if self.scope else f"{self.kind} {self.id}"


@dataclass(frozen=True)
class Author:
    """Who changed it last, and when, as the server tells it."""

    who: str = ""
    at: str = ""

    def __str__(self) -> str:
        return ", ".join(word for word in (self.who, self.at) if word)


@dataclass(frozen=True)
class Resource:
    """One thing on a server, as it is sent or as it was read. What is secret of it is in `secrets` alone."""

    kind: str
    scope: str
    id: str
    body: Body
    secrets: Mapping[str, str] = field(default_factory=Masked)
    author: Author | None = None

    @property
    def key(self) -> Key:
        return Key(self.kind, self.scope, self.id)


def _as_it_is(resource: Resource) -> Body:
    return resource.body


@dataclass(frozen=True)
class Kind:
    """How resources of one kind are compared and ordered.

    Args:
        desired, live: what is declared, and what the server answers, in the one form in which they are compared.
        stage: every action of an earlier stage, of all scopes, comes first.
        masked: top-level keys of the compared form whose values are never shown.
        deletable: False for what a scope always has; it is neither deleted nor named as left.
    """

    name: str
    desired: Callable[[Resource], Body] = _as_it_is
    live: Callable[[Resource], Body] = _as_it_is
    stage: int = 0
    masked: frozenset[str] = frozenset()
    deletable: bool = True


class Change(StrEnum):
    CREATE = "+"
    UPDATE = "~"
    DELETE = "-"


class Cause(StrEnum):
    """Why there is something to do, as far as it is known."""

    DECLARED = "new"
    CODE = "changed by code"
    HAND = "changed by hand"
    GONE = "deleted by hand"
    UNDECLARED = "no longer declared"
    UNKNOWN = ""


class Absent:
    """The value of an attribute that is not there; `null` is a value."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT = Absent()


@dataclass(frozen=True)
class Difference:
    """One attribute: `panels[id=3].title`, before and after. `masked`: the values are secret, or stand for one."""

    path: str
    before: Any
    after: Any
    masked: bool = False


@dataclass(frozen=True)
class Action:
    """One step. `desired` is absent for a deletion, `live` for a creation."""

    change: Change
    key: Key
    desired: Resource | None
    live: Resource | None
    differences: tuple[Difference, ...] = ()
    cause: Cause = Cause.UNKNOWN
    author: Author | None = None


@dataclass(frozen=True)
class Left:
    """What is there, is not declared, and stays. `ours`: pruning would delete it."""

    key: Key
    ours: bool


@dataclass(frozen=True)
class Plan:
    """Ordered actions; `left`: what stays although nobody declares it; `notes`: what else a person should know."""

    actions: tuple[Action, ...] = ()
    left: tuple[Left, ...] = ()
    notes: tuple[str, ...] = ()


class InterruptedApplyError(BeffroiError):
    """An apply that ended in the middle: what went wrong, and how far it had come."""

    def __init__(self, error: BeffroiError, done: int, of: int) -> None:
        super().__init__(
            error.code,
            f"{error.message} ({done} of {of} steps applied)",
            hint=error.hint or "run the same command again: it goes on where it stopped",
        )
        self.exit_code = error.exit_code
