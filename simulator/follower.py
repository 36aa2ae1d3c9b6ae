"""How much of what was published the edges have not accepted yet: the road's back-pressure, as the simulator sees it.

Each edge publishes its health with its `accepted` totals; the follower compares them with what was published for it.
It is tolerant: an edge that never says anything is not followed (its broker's PUBACK has to do), what an edge accepts
of its own (hourly health rows) earns no credit, and what a broker lost is written off when an edge that is well and
goes on speaking accepts nothing more. Pure: the host's monotonic clock is an argument.
"""

from dataclasses import dataclass

import msgspec

from core import topics
from core.errors import EnvelopeError

WINDOW = 2_000  # events published and not accepted, all edges together, before the scenario waits
STORE_WINDOW = 6_000  # rows accepted and not stored, before the fill waits: the page would show a day that is half told
WRITE_OFF_MS = 60_000  # an edge that is well and for so long accepts nothing more will not accept the rest


class _Health(msgspec.Struct, frozen=True):
    """The part of an edge's health that matters here (`edge.health`)."""

    accepted: dict[str, int]
    spooled: int = 0
    source_connected: bool = True
    conditions: dict[str, str] = {}


_health = msgspec.json.Decoder(_Health)


@dataclass(slots=True)
class _Followed:
    total: int  # accepted, as it last said
    surplus: int  # total that corresponds to nothing published: before us, or of its own
    moved_ms: int  # when the total last changed, everything was accepted, or it could not accept
    spooled: int  # accepted, and not known to be stored
    listening: bool  # it has reached its source: what is published now will come to it


class Follower:
    """Compares what was published for each edge with what it says it has accepted."""

    def __init__(self, *, window: int = WINDOW) -> None:
        self._window = window
        self._published: dict[str, int] = {}
        self._followed: dict[str, _Followed] = {}
        self.written_off: dict[str, int] = {}  # published for an edge and never accepted by it

    def note_published(self, edge: str) -> None:
        """One event was handed to the broker that this edge should accept (no duplicate, a device of its own)."""
        self._published[edge] = self._published.get(edge, 0) + 1

    def note_health(self, topic: str, message: bytes, *, mono_ms: int) -> None:
        """An edge's health arrived; what is not one (a last will, another version) changes nothing."""
        try:
            edge, leaf = topics.parse(topic)
            health = _health.decode(message)
        except (EnvelopeError, msgspec.MsgspecError, UnicodeDecodeError):
            return
        if leaf != topics.HEALTH:
            return
        total = sum(health.accepted.values())
        published = self._published.get(edge, 0)
        known = self._followed.get(edge)
        if known is None or total < known.total:  # first word, or a new spool folder: whatever it had is behind us
            self._followed[edge] = _Followed(
                total=total,
                surplus=total - published,
                moved_ms=mono_ms,
                spooled=health.spooled,
                listening=health.source_connected,
            )
            return
        known.spooled = health.spooled
        known.listening = known.listening or health.source_connected
        if total != known.total or not health.source_connected or health.conditions:
            known.total, known.moved_ms = total, mono_ms
        missing = published - (total - known.surplus)
        if missing <= 0:
            known.surplus = total - published
            known.moved_ms = mono_ms
        elif mono_ms - known.moved_ms >= WRITE_OFF_MS:
            self.written_off[edge] = self.written_off.get(edge, 0) + missing
            known.surplus -= missing
            known.moved_ms = mono_ms

    def heard(self, edge: str) -> bool:
        """True once this edge has said that it listens to its source."""
        known = self._followed.get(edge)
        return known is not None and known.listening

    def missing(self, edge: str) -> int:
        """Events published for this edge that it has not accepted as far as it said; 0 while it never spoke."""
        known = self._followed.get(edge)
        return 0 if known is None else max(0, self._published.get(edge, 0) - (known.total - known.surplus))

    @property
    def spooled(self) -> int:
        """Rows that the edges keep and the store may not have yet, as far as they said."""
        return sum(known.spooled for known in self._followed.values())

    @property
    def full(self) -> bool:
        """True when nothing more may be published until the edges accept some."""
        return sum(map(self.missing, self._followed)) >= self._window
