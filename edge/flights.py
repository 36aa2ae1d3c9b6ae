"""The messages that were sent and have no receipt yet: their PUBACKs, and when each is overdue. Pure."""

import heapq
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field

from core.model import RowClass
from edge.spans import Span, Spans


@dataclass(slots=True)
class Stream:
    """The unsettled rows of one spool and class, each in exactly one set. Tags are boots; of `flying`: messages."""

    spool_id: str
    row_class: RowClass
    live: Spans[str] = field(default_factory=Spans)
    backlog: Spans[str] = field(default_factory=Spans)
    ready: Spans[str] = field(default_factory=Spans)
    parked: Spans[str] = field(default_factory=Spans)
    held: Spans[str] = field(default_factory=Spans)
    flying: Spans[int] = field(default_factory=Spans)

    @property
    def grounded(self) -> tuple[Spans[str], ...]:
        """All sets but `flying`."""
        return (self.live, self.backlog, self.ready, self.parked, self.held)


@dataclass(slots=True)
class Flight:
    """One message. `first` to `last` is what it was sent with, `rows` what of it is unsettled.

    `retry`: its rows were deferred before. `cursor`: where sending it again goes on, None when that is not under way.
    """

    number: int
    stream: Stream
    boot: str
    first: int
    last: int
    retry: bool
    rows: int
    due_ms: int = 0
    tokens: set[Hashable] = field(default_factory=set)
    acked_ms: int | None = None
    attempts: int = 0
    cursor: int | None = None
    kept_some: bool = False

    def piece(self, seq: int) -> Span[int] | None:
        """The first unsettled piece at or after `seq`."""
        while (span := self.stream.flying.find(seq)) is not None and span.first <= self.last:
            if span.tag == self.number:
                return span
            seq = span.last + 1  # another message lies in a gap of this one
        return None


class Flights:
    """All messages without receipt. `unacknowledged` of them have no PUBACK either."""

    def __init__(self) -> None:
        self._flights: dict[int, Flight] = {}
        self._retries: dict[int, Flight] = {}
        self._tokens: dict[Hashable, Flight] = {}
        self._overdue: list[tuple[int, int]] = []  # (due_ms, number); entries of the past stay until they surface
        self._last_number = 0
        self.unacknowledged = 0

    @property
    def places(self) -> int:
        """Messages that count in the window."""
        return len(self._flights) - len(self._retries)

    @property
    def retries(self) -> list[Flight]:
        return list(self._retries.values())

    def __iter__(self) -> Iterator[Flight]:
        return iter(self._flights.values())

    def __getitem__(self, number: int) -> Flight:
        return self._flights[number]

    def launch(self, stream: Stream, boot: str, first: int, last: int, *, retry: bool) -> Flight:
        """A new message takes these rows."""
        self._last_number += 1
        flight = Flight(self._last_number, stream, boot, first, last, retry, last - first + 1)
        self._flights[flight.number] = flight
        if retry:
            self._retries[flight.number] = flight
        stream.flying.add(first, last, flight.number)
        return flight

    def expect(self, flight: Flight, token: Hashable) -> None:
        """A PUBACK with this token will come."""
        self.acknowledge(token)  # a number the client library uses again belongs to nobody else any more
        self.unacknowledged += not flight.tokens
        flight.tokens.add(token)
        self._tokens[token] = flight

    def acknowledge(self, token: Hashable) -> Flight | None:
        """The message of a PUBACK; None when it does not matter any more."""
        flight = self._tokens.pop(token, None)
        if flight is not None:
            flight.tokens.discard(token)
            self.unacknowledged -= not flight.tokens
        return flight

    def forget_tokens(self, flight: Flight) -> None:
        """No PUBACK of this message matters any more."""
        self.unacknowledged -= bool(flight.tokens)
        for token in flight.tokens:
            self._tokens.pop(token, None)
        flight.tokens.clear()

    def shorten(self, flight: Flight, rows: int) -> bool:
        """`rows` of a message are gone from `flying`; True when that was all of it."""
        flight.rows -= rows
        if flight.rows:
            return False
        self.land(flight)
        return True

    def land(self, flight: Flight) -> None:
        """The message is over."""
        self.forget_tokens(flight)
        del self._flights[flight.number]
        self._retries.pop(flight.number, None)

    def set_due(self, flight: Flight, due_ms: int) -> None:
        flight.due_ms = due_ms
        if flight.retry:
            return  # at most two: looked at one by one
        heapq.heappush(self._overdue, (due_ms, flight.number))
        if len(self._overdue) > 64 + 2 * len(self._flights):
            self._overdue = [(f.due_ms, f.number) for f in self._flights.values() if not f.retry]
            heapq.heapify(self._overdue)

    def first_due(self) -> Flight | None:
        """The message in the window that is due before all others."""
        while self._overdue:
            due_ms, number = self._overdue[0]
            flight = self._flights.get(number)
            if flight is not None and flight.due_ms == due_ms:
                return flight
            heapq.heappop(self._overdue)
        return None

    def clear(self) -> None:
        self._flights.clear()
        self._retries.clear()
        self._tokens.clear()
        self._overdue.clear()
        self.unacknowledged = 0
