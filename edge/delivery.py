"""What to send now, again, or later: the state machine between the spool and the cloud's receipts.

Pure: no clock, socket or thread; `now_ms` is the monotonic clock's. Every unsettled row is in exactly one set:

    live, backlog ─→ flying ─→ kept: gone            held: waits for the host's clock, then backlog
                       │ └──→ overdue: sent again    evicted: gone, wherever it was
                       └────→ deferred: parked ─→ ready (every 15 min) ─→ flying

A message is one run of consecutive seq of one class and one boot, 1 to 100 rows. A PUBACK says that the broker has
it; only a receipt ends it. When the connection is lost everything without receipt goes back to the backlog.
"""

from collections.abc import Hashable

from core.envelope import MAX_ROWS
from core.model import RowClass
from edge.flights import Flight, Flights, Stream
from edge.pacing import Resends, Retries, Window
from edge.plans import Origin, Outlook, Plan
from edge.spans import Spans

__all__ = ["Delivery", "Origin", "Outlook", "Plan"]

LIVE_ROWS = 10 * MAX_ROWS  # the newest rows of a class; what is older waits its turn in the backlog
UNACKNOWLEDGED = 32  # messages without PUBACK lie in the memory of the client library
URGENT_EXTRA = 4
PUBACK_TIMEOUT_MS = 300_000
RETRIES_AT_ONCE = 2
_QUEUE = tuple(
    (origin, row_class)
    for origin in (Origin.LIVE, Origin.BACKLOG)
    for row_class in (RowClass.MEASUREMENT, RowClass.DIAGNOSTIC)
)
_TURNED = _QUEUE[::-1]
TURN = 4  # every fourth message is taken from the other end of the queue, so that nothing starves


class Delivery:
    """Decides; the forwarder acts, and tells what happened."""

    def __init__(self) -> None:
        self._streams: dict[tuple[str, RowClass], Stream] = {}
        self._flights = Flights()
        self._window = Window()
        self._resends = Resends()
        self._retries = Retries()
        self._turn = 0
        self._up = False

    # What happened

    def committed(self, spool_id: str, row_class: RowClass, first: int, last: int, boot: str) -> None:
        """The spool has these rows; each is told once."""
        stream = self._stream(spool_id, row_class)
        if not self._up:
            stream.backlog.add(first, last, boot)
            return
        stream.live.add(first, last, boot)
        while stream.live.rows > LIVE_ROWS and (oldest := stream.live.head()) is not None:
            excess = stream.live.rows - LIVE_ROWS
            for span in stream.live.cut(oldest.first, min(oldest.last, oldest.first + excess - 1)):
                stream.backlog.add(*span)

    def connected(self) -> None:
        self._up = True

    def disconnected(self) -> None:
        self._up = False
        for stream in self._streams.values():
            for span in stream.live.drain():
                stream.backlog.add(*span)
            for piece in stream.flying.drain():
                flight = self._flights[piece.tag]
                (stream.ready if flight.retry else stream.backlog).add(piece.first, piece.last, flight.boot)
        self._flights.clear()
        self._window.restart()

    def sent(self, plan: Plan, last: int, token: Hashable, now_ms: int) -> None:
        """The rows of `plan`, or as many as fitted (up to `last`), were handed to the transport."""
        if plan.origin is Origin.FLYING:
            flight = self._sent_again(self._flights[plan.flight], last, now_ms)
        else:
            stream = self._stream(plan.spool_id, plan.row_class)
            _rows(stream, plan.origin).cut(plan.first, last)
            flight = self._flights.launch(stream, plan.boot, plan.first, last, retry=plan.origin is Origin.READY)
            self._turn += plan.origin is not Origin.READY
        self._flights.expect(flight, token)
        if flight.cursor is None:
            wait_ms = max(PUBACK_TIMEOUT_MS, self._resends.interval_ms(flight.attempts))
            self._flights.set_due(flight, now_ms + wait_ms)

    def _sent_again(self, flight: Flight, last: int, now_ms: int) -> Flight:
        if flight.cursor is None:  # its first piece
            self._resends.spend(now_ms)
            self._window.shrink(now_ms)
            self._flights.forget_tokens(flight)
        flight.cursor = last + 1
        if flight.piece(last + 1) is None:  # its last piece
            flight.cursor = None
            flight.attempts += 1
        return flight

    def puback(self, token: Hashable, now_ms: int) -> None:
        """The broker has a message: from now on its receipt is awaited. Unknown tokens mean nothing."""
        flight = self._flights.acknowledge(token)
        if flight is None:
            return
        if flight.acked_ms is None:
            flight.acked_ms = now_ms
        if not flight.tokens and flight.cursor is None:
            self._flights.set_due(flight, now_ms + self._resends.interval_ms(flight.attempts))

    def kept(self, spool_id: str, row_class: RowClass, first: int, last: int, now_ms: int) -> int:
        """The spool settled these rows by a receipt. How many of them were still ours."""
        self._resends.earn()
        stream = self._stream(spool_id, row_class)
        in_use = self._flights.places
        settled = sum(span.rows for rows in stream.grounded if rows.rows for span in rows.cut(first, last))
        for piece in stream.flying.cut(first, last):
            settled += piece.rows
            flight = self._flights[piece.tag]
            flight.kept_some = True
            if self._flights.shorten(flight, piece.rows):
                self._landed(flight, now_ms)
                self._resends.learn(0 if flight.acked_ms is None else now_ms - flight.acked_ms)
                self._window.grow(in_use)
        return settled

    def deferred(self, spool_id: str, row_class: RowClass, first: int, last: int, now_ms: int) -> None:
        """The cloud could not keep these rows: they leave the window and are tried again later."""
        self._resends.earn()
        stream = self._stream(spool_id, row_class)
        for rows in (stream.live, stream.backlog, stream.ready):
            for span in rows.cut(first, last):
                stream.parked.add(*span)
        for piece in stream.flying.cut(first, last):
            flight = self._flights[piece.tag]
            stream.parked.add(piece.first, piece.last, flight.boot)
            if self._flights.shorten(flight, piece.rows):
                self._landed(flight, now_ms)
        self._turn_round(now_ms)

    def evicted(self, spool_id: str, row_class: RowClass, first: int, last: int) -> int:
        """The spool has these rows no more. How many of them were still ours."""
        stream = self._stream(spool_id, row_class)
        gone = sum(span.rows for rows in stream.grounded for span in rows.cut(first, last))
        for piece in stream.flying.cut(first, last):
            gone += piece.rows
            self._flights.shorten(self._flights[piece.tag], piece.rows)
        return gone

    def hold(self, spool_id: str, row_class: RowClass, first: int, last: int) -> None:
        """These rows wait until their boot's clock offset is known; they were never sent."""
        stream = self._stream(spool_id, row_class)
        for rows in (stream.live, stream.backlog, stream.ready):
            for span in rows.cut(first, last):
                stream.held.add(*span)

    def release(self, boot: str) -> None:
        """The held rows of a boot can go."""
        for stream in self._streams.values():
            for span in stream.held.drain():
                (stream.backlog if span.tag == boot else stream.held).add(*span)

    # What to do

    def next_send(self, now_ms: int) -> Plan | None:
        """What can go now. The same plan again until `sent` or something else is told."""
        if not self._up:
            return None
        for flight in self._flights.retries:
            if flight.due_ms <= now_ms:
                self._park(flight, now_ms)
        self._turn_round(now_ms)
        return self._urgent() or self._overdue(now_ms) or self._deferred_before() or self._waiting()

    def next_deadline(self, now_ms: int) -> int | None:
        """When `next_send` may have something that it has not now, if nothing else happens; never in the past."""
        if not self._up:
            return None
        times = [flight.due_ms for flight in self._flights.retries]
        if self._retries.next_ms is not None:
            times.append(self._retries.next_ms)
        if (flight := self._flights.first_due()) is not None:
            times.append(max(flight.due_ms, self._resends.turn_ms(now_ms)))
        if not times:
            return None
        earliest = min(times)
        return earliest if earliest > now_ms else now_ms + 1000  # due, and waiting for a place

    def outlook(self) -> Outlook:
        streams = self._streams.values()
        return Outlook(
            waiting=sum(s.live.rows + s.backlog.rows for s in streams),
            flying=sum(s.flying.rows for s in streams),
            deferred=sum(s.parked.rows + s.ready.rows for s in streams),
            held=sum(s.held.rows for s in streams),
            messages=self._flights.places,
            window=self._window.size,
        )

    def _urgent(self) -> Plan | None:
        if self._flights.places >= self._window.size or self._flights.unacknowledged >= UNACKNOWLEDGED + URGENT_EXTRA:
            return None
        live_first = (Origin.LIVE, Origin.BACKLOG)
        order = live_first if self._turn % TURN < TURN - 1 else live_first[::-1]
        for origin in order:
            if (plan := self._head(RowClass.URGENT, origin)) is not None:
                return plan
        return None

    def _overdue(self, now_ms: int) -> Plan | None:
        flight = self._flights.first_due()
        if flight is None or flight.due_ms > now_ms:
            return None
        if flight.cursor is None and self._resends.turn_ms(now_ms) > now_ms:
            return None
        piece = flight.piece(flight.first if flight.cursor is None else flight.cursor) or flight.piece(flight.first)
        assert piece is not None  # a flight without rows has landed
        stream = flight.stream
        return Plan(
            stream.spool_id, stream.row_class, flight.boot, piece.first, piece.last, Origin.FLYING, flight.number
        )

    def _deferred_before(self) -> Plan | None:
        if not self._retries.open or len(self._flights.retries) >= RETRIES_AT_ONCE:
            return None
        for row_class in RowClass:
            if (plan := self._head(row_class, Origin.READY)) is not None:
                return plan
        return None

    def _waiting(self) -> Plan | None:
        if self._flights.unacknowledged >= UNACKNOWLEDGED:
            return None
        places, reserve = self._flights.places, self._window.reserve
        for_live = self._window.size - reserve
        turned = self._turn % TURN == TURN - 1
        for origin, row_class in _TURNED if turned else _QUEUE:
            limit = for_live if turned or origin is Origin.LIVE else for_live - reserve
            if places < limit and (plan := self._head(row_class, origin)) is not None:
                return plan
        return None

    def _head(self, row_class: RowClass, origin: Origin) -> Plan | None:
        """The oldest rows of a set, up to a full message, of the first spool that has any."""
        for stream in self._streams.values():
            if stream.row_class is row_class and (head := _rows(stream, origin).head()) is not None:
                last = min(head.last, head.first + MAX_ROWS - 1)
                return Plan(stream.spool_id, row_class, head.tag, head.first, last, origin)
        return None

    def _landed(self, flight: Flight, now_ms: int) -> None:
        if flight.retry:
            self._retries.tried(now_ms, kept_some=flight.kept_some)

    def _park(self, flight: Flight, now_ms: int) -> None:
        """Nobody answered a message of deferred rows: they wait for the next round."""
        stream = flight.stream
        while (piece := flight.piece(flight.first)) is not None:
            stream.flying.cut(piece.first, piece.last)
            stream.parked.add(piece.first, piece.last, flight.boot)
        self._flights.land(flight)
        self._landed(flight, now_ms)

    def _turn_round(self, now_ms: int) -> None:
        """Begin or end a round of retries, as the time and the rows say."""
        streams = self._streams.values()
        ready = waiting = 0
        for stream in streams:
            ready += stream.ready.rows
            waiting += stream.parked.rows
        if not (ready or waiting or self._retries.open or self._retries.next_ms is not None):
            return
        if self._retries.begin(now_ms) and not ready:
            for stream in streams:
                for span in stream.parked.drain():
                    stream.ready.add(*span)
            ready, waiting = waiting, 0
        if not (self._retries.open and ready):
            self._retries.end(now_ms, more=bool(ready or waiting))

    def _stream(self, spool_id: str, row_class: RowClass) -> Stream:
        key = (spool_id, row_class)
        if key not in self._streams:
            self._streams[key] = Stream(spool_id, row_class)
        return self._streams[key]


def _rows(stream: Stream, origin: Origin) -> Spans[str]:
    match origin:
        case Origin.LIVE:
            return stream.live
        case Origin.BACKLOG:
            return stream.backlog
        case Origin.READY:
            return stream.ready
        case Origin.FLYING:
            raise ValueError("a flight has rows of its own")
