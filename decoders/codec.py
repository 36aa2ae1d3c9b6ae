"""What a codec is: a declaration, and one function from bytes to readings."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from core.model import Domain, Reading


@dataclass(frozen=True, slots=True)
class Frame:
    """What a codec is given. `received_ms` is the uplink's time, for payloads that count from it."""

    f_port: int
    payload: bytes
    received_ms: int


@dataclass(slots=True)
class Findings:
    """What a codec found: readings, and the first thing in the payload that it could not read.

    A payload may hold both: an unknown sensor among known ones costs only itself.
    """

    readings: list[Reading] = field(default_factory=list)
    error: str = ""
    reason: str = ""  # the error as a sentence

    def add(self, quantity: str, value: float | str, channel: str = "", *, measured_ms: int | None = None) -> None:
        number_or_state = value if isinstance(value, str) else float(value)
        self.readings.append(Reading(quantity, number_or_state, channel, measured_ms))

    def doubt(self, code: str, reason: str) -> None:
        """Remember that a part could not be read; the first one stays."""
        if not self.error:
            self.error, self.reason = code, reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Codec:
    """One payload format of one device family and firmware.

    A codec gives meaning only: it does not round, log, or know the time. It raises `DecodeError` for a payload it
    cannot trust at all (cut short, unknown header); what it can do without, it doubts.

    Attributes:
        name: what a device profile names, e.g. `nas_ul20xx`; unique.
        version: of this declaration; raised when the same bytes get another meaning.
        ports: f_port → what is sent there.
        quantities: all that it may give.
        source: the document or code that the format was read from.
        vectors: how many published payloads the tests hold against it.
    """

    name: str
    version: str
    vendor: str
    model: str
    firmware: str
    domain: Domain
    ports: Mapping[int, str]
    quantities: frozenset[str]
    source: str
    vectors: int
    decode: Callable[[Frame], Findings]

    @property
    def id(self) -> str:
        """What a stored row records: `name@version`."""
        return f"{self.name}@{self.version}"
