"""A site's edge as far as the cloud can tell: what it delivers, when, and what it says of itself.

The network server's events become rows as in the agent (`edge.sources.chirpstack_events`, `edge.intake`), and the rows
of a host whose clock is behind wait for it as they do there (`edge.timekeeper`). Disk, window and receipts are left
out: what is accepted is delivered, once, as soon as the line is up; a backlog little by little.
"""

from collections import OrderedDict, deque
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from cloud.reports import site_points
from cloud.schema import RowPoints, row_ms, row_points
from core.model import ClockQuality, Event, Row, RowClass, RowId
from core.territory import Site, Territory
from edge import health as reports
from edge.health import Health, Past
from edge.intake import Intake
from edge.sources.chirpstack_events import parse_event
from edge.timekeeper import Timekeeper
from simulator import network

_WILL_MS = 90_000  # one and a half keep-alives: the broker gives up a line that is cut
_LINKED_MS = 30_000  # from the host's start until the agent is connected
_WAIT_MS = 600_000  # setting `clock_wait_s`
_HISTORY_MS = 3_600_000
_DRAIN_MS, _DRAIN_ROWS = 5_000, 100  # a thin line: a backlog goes in messages, what is new beside it
_REMEMBERED = 5_000  # rows, to know a copy
_SPOOL = "00000000000000b2"


class Arrival(NamedTuple):
    """Points that the store has from `at_ms` on."""

    at_ms: int
    made: RowPoints


class _Clock:
    """Of the host: behind until it is set. It is told what time it really is."""

    def __init__(self, start_ms: int, *, behind_ms: int = 0, set_ms: int = 0) -> None:
        self.true_ms = self._start_ms = start_ms
        self._behind_ms, self._set_ms = behind_ms, set_ms

    def now_ms(self) -> int:
        return self.true_ms if self.synced() else self.true_ms - self._behind_ms

    def mono_ms(self) -> int:
        return self.true_ms - self._start_ms

    def synced(self) -> bool:
        return self.true_ms >= self._set_ms


class Host:
    """One site's. Whatever it is told comes in order of time.

    Args:
        health_ms: how often it reports.
    """

    def __init__(self, site: Site, territory: Territory, intake: Intake, *, start_ms: int, health_ms: int) -> None:
        self._site = site
        self._territory = territory
        self._intake = intake
        self._health_ms = health_ms
        self._rows: OrderedDict[str, RowId] = OrderedDict()
        self._seqs = dict.fromkeys(RowClass, 0)
        self._boots = 0
        self._powered, self._linked = True, True
        self._will_ms: int | None = None
        self._behind = (0, 0)
        self._alive_ms = start_ms
        self._waiting: list[tuple[RowId, Row]] = []  # for the line
        self._unsure: list[tuple[RowId, Row]] = []  # for the clock
        self._backlog: deque[tuple[RowId, Row]] = deque()  # of the outage that has just ended
        self._drain_at_ms = self._back_ms = 0
        self._begin(start_ms)

    def _begin(self, at_ms: int, *, behind_ms: int = 0, set_ms: int = 0) -> None:
        self._boots += 1
        self._boot = f"{self._site.id}-{self._boots}"
        self._clock = _Clock(at_ms, behind_ms=behind_ms, set_ms=set_ms)
        self._keeper = Timekeeper(self._clock, boot=self._boot, wait_ms=_WAIT_MS)
        self._began_ms = at_ms
        self._health_at_ms = at_ms + self._health_ms
        self._history_at_ms = at_ms + _HISTORY_MS

    @property
    def next_ms(self) -> int | None:
        """When it does something of its own accord, at the latest."""
        due = [] if self._will_ms is None else [self._will_ms]
        if self._backlog and self._linked:
            due.append(self._drain_at_ms)
        if self._powered:
            due += [self._health_at_ms, self._history_at_ms]
            if self._unsure:
                due.append(self._clock.true_ms + 1_000)
        return min(due, default=None)

    def advance(self, at_ms: int) -> Iterator[Arrival]:
        """What it does up to this instant, which is at most `next_ms`."""
        self._clock.true_ms = at_ms
        if self._will_ms is not None and self._will_ms <= at_ms:
            self._will_ms = None
            document = msgspec.json.decode(reports.farewell(self._site.id, boot=self._boot))
            yield from self._report(at_ms, document)
        if not self._powered:
            return
        self._keeper.observe()
        yield from self._release(at_ms)
        if self._backlog and self._linked and self._drain_at_ms <= at_ms:
            self._drain_at_ms = at_ms + _DRAIN_MS
            for _ in range(min(_DRAIN_ROWS, len(self._backlog))):
                yield from self._deliver(at_ms, *self._backlog.popleft())
        if self._health_at_ms <= at_ms:
            self._health_at_ms += self._health_ms
            if self._linked:
                yield from self._report(at_ms, msgspec.to_builtins(self._health()))
        if self._history_at_ms <= at_ms:
            self._history_at_ms += _HISTORY_MS
            yield from self._own(at_ms, reports.health_event(self._health(), clock=self._quality()))

    def take(self, event: network.Event) -> Iterator[Arrival]:
        """An event of the network server."""
        self._clock.true_ms = event.at_ms
        row_class, row = self._intake.read(parse_event(event.topic, event.payload, now_ms=self._clock.now_ms()))
        quality = self._keeper.quality(row.received_ms, row.clock)
        if quality is not row.clock:
            row = msgspec.structs.replace(row, clock=quality)
        row_id = self._identify(row_class, row)
        if event.at_ms == self._back_ms:  # it was held back by the outage
            self._backlog.append((row_id, row))
        else:
            yield from self._deliver(event.at_ms, row_id, row)

    def lose(self, at_ms: int, *, power: bool, behind_ms: int = 0, clock_until_ms: int = 0) -> None:
        """The line is cut, or the host is without power too: then its clock will be behind until it is set."""
        self._linked = False
        self._powered = not power
        self._behind = behind_ms, clock_until_ms
        self._will_ms = at_ms + _WILL_MS
        self._alive_ms = at_ms
        if power:
            self._unsure.clear()  # by now they have been sent: no outage follows so soon

    def regain(self, at_ms: int) -> Iterator[Arrival]:
        """It is back."""
        self._linked = True
        if not self._powered:
            self._powered = True
            behind_ms, set_ms = self._behind
            self._begin(at_ms, behind_ms=behind_ms, set_ms=set_ms)
            past = Past(alive_ms=self._alive_ms)
            event = reports.boot_event(self._health(), mono_ms=0, clock=self._quality(), past=past)
            yield from self._own(at_ms, event)
        self._keeper.linked(self._clock.mono_ms() + _LINKED_MS)
        self._back_ms, self._drain_at_ms = at_ms, at_ms + _DRAIN_MS
        self._backlog.extend(self._waiting)
        self._waiting.clear()
        yield from self._report(at_ms, msgspec.to_builtins(self._health()))

    def _quality(self) -> ClockQuality:
        return self._keeper.quality(self._clock.now_ms(), ClockQuality.SYNCED)

    def _own(self, at_ms: int, event: Event) -> Iterator[Arrival]:
        yield from self._deliver(at_ms, self._identify(RowClass.DIAGNOSTIC, event), event)

    def _identify(self, row_class: RowClass, row: Row) -> RowId:
        """The same for a copy: the cloud may be given a row twice."""
        known = self._rows.get(row.key)
        if known is not None:
            return known
        self._seqs[row_class] += 1
        row_id = self._rows[row.key] = RowId(_SPOOL, row_class, self._seqs[row_class])
        if len(self._rows) > _REMEMBERED:
            self._rows.popitem(last=False)
        return row_id

    def _deliver(self, at_ms: int, row_id: RowId, row: Row) -> Iterator[Arrival]:
        if not self._linked:
            self._waiting.append((row_id, row))
        elif row.clock is ClockQuality.UNSYNCED:
            self._unsure.append((row_id, row))
            yield from self._release(at_ms)
        else:
            yield self._arrive(at_ms, row_id, row, 0)

    def _release(self, at_ms: int) -> Iterator[Arrival]:
        if not self._unsure or not self._linked:
            return
        offset = self._keeper.verdict(self._boot, self._clock.mono_ms())
        if offset is None:
            return
        for row_id, row in self._unsure:
            yield self._arrive(at_ms, row_id, row, offset.offset_ms)
        self._unsure.clear()

    def _arrive(self, at_ms: int, row_id: RowId, row: Row, offset_ms: int | None) -> Arrival:
        """As `cloud.ingest` makes points of a row."""
        placement, geometry = None, None
        dev_eui = getattr(row, "dev_eui", "")
        if dev_eui:
            placement = self._territory.place(dev_eui, row_ms(row, offset_ms), site=self._site.id)
            geometry = self._territory.assets[placement.asset].geometry if placement.asset else None
        made = row_points(
            row,
            row_id,
            edge=self._site.id,
            boot=self._boot,
            offset_ms=offset_ms,
            placement=placement,
            site=self._site,
            geometry=geometry,
        )
        return Arrival(at_ms, made)

    def _report(self, at_ms: int, document: dict[str, Any]) -> Iterator[Arrival]:
        for made in site_points(document, name=self._site.id, at_ms=at_ms, site=self._site):
            yield Arrival(at_ms, made)

    def _health(self) -> Health:
        nothing = dict.fromkeys(RowClass, 0)
        return Health(
            edge=self._site.id,
            boot=self._boot,
            spool_id=_SPOOL,
            software="bench",
            at_ms=self._clock.now_ms(),
            uptime_s=self._clock.mono_ms() / 1000,
            clock=ClockQuality.SYNCED if self._keeper.is_set else ClockQuality.UNSYNCED,
            accepted=dict(self._seqs),
            stored=dict(self._seqs),
            quarantined=nothing,
            evicted=nothing,
            corrupt=nothing,
            spooled=len(self._waiting) + len(self._unsure) + len(self._backlog),
            open_rows=0,
            source_accepted=sum(self._seqs.values()),
            duplicates=0,
            source_connected=True,
            messages=0,
            window=32,
            deferred=0,
            held=len(self._unsure),
            rss_bytes=0,
            conditions={},
        )
