"""What a quantity is."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, StrEnum

from core.errors import DecodeError
from core.model import Domain


class Notation(Enum):
    """How a number is written for people. The stored value is a plain float in every case."""

    DECIMAL = "decimal"
    HEX = "hex"  # eight hexadecimal digits: serial numbers and addresses as labels print them
    VERSION = "version"  # major × 1,000,000 + minor × 1,000 + patch
    INSTANT = "instant"  # seconds since the Unix epoch, UTC
    MONTH_DAY = "month_day"  # month × 100 + day
    CLOCK = "clock"  # minutes since midnight


@dataclass(frozen=True, slots=True)
class Quantity:
    """One word of the vocabulary.

    A number has a plausible range, `low` to `high` inclusive, in the unit that its name ends with. A state has a
    closed set of values; those in `urgent` make their row urgent.

    Attributes:
        label: in French, as the page shows it.
        unit: symbol, "" when there is none.
        domain: None when devices of every domain have it.
    """

    name: str
    label: str
    unit: str = ""
    low: float = 0.0
    high: float = 0.0
    states: frozenset[str] = frozenset()
    urgent: frozenset[str] = frozenset()
    domain: Domain | None = None
    notation: Notation = Notation.DECIMAL

    @property
    def is_state(self) -> bool:
        return bool(self.states)

    def check(self, value: float | str) -> None:
        """Refuse what can never be a value of this quantity. An implausible number passes.

        Raises:
            DecodeError: `quantity.state` (not one of the states), `quantity.type`, `quantity.not_finite`.
        """
        if self.states:
            if value not in self.states:
                raise DecodeError("quantity.state", f"{self.name} has no state {value!r}")
        elif isinstance(value, (str, bool)):
            raise DecodeError("quantity.type", f"{self.name} is a number, not {value!r}")
        elif not math.isfinite(value):
            raise DecodeError("quantity.not_finite", f"{self.name} is {value}")

    def show(self, value: float | str) -> str:
        """The value as people read it, with its unit: `42 W`, `1.0.22`; a state stays its own word."""
        if isinstance(value, str):
            return value
        match self.notation:
            case Notation.HEX:
                return f"{int(value):08X}"
            case Notation.VERSION:
                whole = int(value)
                return f"{whole // 1_000_000}.{whole // 1000 % 1000}.{whole % 1000}"
            case Notation.INSTANT:
                return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
            case Notation.MONTH_DAY:
                return f"{int(value) // 100:02d}-{int(value) % 100:02d}"
            case Notation.CLOCK:
                return f"{int(value) // 60:02d}:{int(value) % 60:02d}"
            case Notation.DECIMAL:
                return f"{value:.10g} {self.unit}".rstrip()


def version_number(major: int, minor: int, patch: int) -> float:
    """The number of a version, in `Notation.VERSION`."""
    return float(major * 1_000_000 + minor * 1000 + patch)


def number(
    name: str, label: str, unit: str, low: float, high: float, notation: Notation = Notation.DECIMAL
) -> Quantity:
    return Quantity(name, label, unit=unit, low=low, high=high, notation=notation)


def state(name: str, label: str, states: type[StrEnum], *, urgent: Iterable[StrEnum] = ()) -> Quantity:
    return Quantity(
        name,
        label,
        states=frozenset(str(one) for one in states),
        urgent=frozenset(str(one) for one in urgent),
    )
