"""A scenario on the road: publishes each event when its time has come, and keeps the time at the road's pace."""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event as Flag
from typing import Any

from core import topics
from core.ports.clock import write_scale
from core.ports.mqtt import Arrived, Connected, Disconnected, LinkEvent, MqttLink
from core.settings import BrokerSettings
from simulator import collector
from simulator.clock import Phase, ScenarioClock
from simulator.devices.base import Fact
from simulator.faults import TruthFile
from simulator.fleet import Fleet
from simulator.follower import STORE_WINDOW, Follower
from simulator.network import Event
from simulator.publisher import Publisher
from simulator.scenario import FILL_MS, Scenario

_TICK_MS = {Phase.FILL: 20, Phase.RUN: 50, Phase.LIVE: 50}  # between two scales: a file's time stamp has to change
_PROGRESS_MS = 5_000
_BURST = 50  # events between two looks at what the link says
_FAREWELL_S = 5.0  # for the last PUBACKs


@dataclass(slots=True)
class Tally:
    """What was published. Counts of `kinds` and `edges` are distinct events; `duplicates` come on top."""

    kinds: Counter[str] = field(default_factory=Counter)
    edges: Counter[str] = field(default_factory=Counter)
    facts: Counter[str] = field(default_factory=Counter)
    duplicates: int = 0

    def count(self, item: Event | Fact) -> None:
        if isinstance(item, Fact):
            self.facts[item.fact] += 1
        elif item.copy:
            self.duplicates += 1
        else:
            self.kinds[item.kind.value] += 1
            self.edges[item.edge] += 1

    @property
    def events(self) -> int:
        """Published, duplicates included."""
        return self.kinds.total() + self.duplicates

    def as_json(self) -> dict[str, Any]:
        return {
            "events": self.events,
            "kinds": dict(sorted(self.kinds.items())),
            "duplicates": self.duplicates,
            "lost_by_radio": self.facts["lost"],
            "facts": dict(sorted(self.facts.items())),
        }


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run ends with. `unacknowledged`: the broker never confirmed them; they may have arrived."""

    tally: Tally
    now_ms: int
    phase: Phase
    unacknowledged: int
    missing: dict[str, int]  # by followed edge: published for it and not accepted, as far as it said
    written_off: dict[str, int]

    def as_json(self) -> dict[str, Any]:
        return {
            **self.tally.as_json(),
            "unacknowledged": self.unacknowledged,
            # what the edges have to accept, or to know as a duplicate
            "to_accept": self.tally.events - self.unacknowledged,
            "edges": {
                edge: {
                    "published": count,
                    "missing": self.missing.get(edge),
                    "written_off": self.written_off.get(edge, 0),
                }
                for edge, count in sorted(self.tally.edges.items())
            },
            "now": datetime.fromtimestamp(self.now_ms / 1000, UTC).isoformat(),
            "phase": self.phase.value,
        }


class Run:
    """One run from start to stop.

    Args:
        clock_file: where the time scale is written; None: nobody else needs it.
        truth: the record of what really happens; None: none is kept.
        wait_s: how long to wait for a first word of every edge before the first event.
        note: where progress goes.
    """

    def __init__(
        self,
        scenario: Scenario,
        fleet: Fleet,
        *,
        broker: BrokerSettings,
        clock_file: Path | None,
        truth: TruthFile | None,
        wait_s: float,
        note: Callable[[str], None],
    ) -> None:
        self._scenario = scenario
        self._fleet = fleet
        self._clock_file = clock_file
        self._truth = truth
        self._wait_s = wait_s
        self._note = note
        self._broker = f"{broker.host}:{broker.port}"
        self._inbox: SimpleQueue[LinkEvent] = SimpleQueue()
        self._link = MqttLink(
            broker,
            client_id=f"beffroi-simulator-{os.getpid()}",
            keep_session=False,
            subscriptions=[topics.of_edge(edge, topics.HEALTH) for edge in fleet.edges],
            on_event=self._inbox.put,
        )
        self._publisher = Publisher(self._link)
        self._follower = Follower()
        self._tally = Tally()
        self._up = False
        self._clock = ScenarioClock(
            start_ms=scenario.start_ms,
            fill_until_ms=min(scenario.start_ms + FILL_MS, _wall_ms()),
            speed=scenario.speed,
            mono_ms=_mono_ms(),
        )
        self._told_ms = 0
        self._written_ms = 0

    def go(self, stop: Flag) -> Outcome:
        """Publish until told to stop, or the scenario's own time is over."""
        self._write_clock()
        with ExitStack() as stack:
            self._link.start()
            stack.callback(self._link.stop)
            self._meet_edges(stop)
            self._live(stop)
            self._say_farewell()
        return Outcome(
            tally=self._tally,
            now_ms=self._clock.now_ms(_mono_ms()),
            phase=self._clock.phase,
            unacknowledged=self._publisher.unacknowledged,
            missing={edge: self._follower.missing(edge) for edge in self._fleet.edges if self._follower.heard(edge)},
            written_off=dict(self._follower.written_off),
        )

    def _live(self, stop: Flag) -> None:
        scenario = self._scenario
        end_ms = None if scenario.for_s is None else _mono_ms() + round(scenario.for_s * 1000)
        items = self._fleet.stream(scenario)
        with collector.paused():
            item = next(items, None)  # each device's first word
        collector.keep_all()
        self._told_ms = _mono_ms()
        while not stop.is_set():
            self._listen(0)
            mono_ms = _mono_ms()
            if end_ms is not None and mono_ms >= end_ms:
                return
            now_ms = self._clock.now_ms(mono_ms)
            item, moved = self._publish_due(item, items, now_ms)
            waiting = item is not None and item.at_ms <= now_ms
            if waiting and moved:
                continue
            self._tell_progress(mono_ms, now_ms)
            tick_ms = _TICK_MS[self._clock.phase]
            wait_ms = self._written_ms + tick_ms - mono_ms
            if wait_ms <= 0:
                if self._clock.advance(mono_ms=mono_ms, wall_ms=_wall_ms(), waiting=waiting):
                    self._write_clock()
                wait_ms = tick_ms if waiting else 0
            self._listen(wait_ms)

    def _publish_due(
        self, item: Event | Fact | None, items: Iterator[Event | Fact], now_ms: int
    ) -> tuple[Event | Fact | None, bool]:
        """Publish what is due, as far as the road takes it, a burst at most; the next item, and whether any went."""
        moved = False
        for _ in range(_BURST):
            if item is None or item.at_ms > now_ms:
                break
            if isinstance(item, Event):
                if self._follower.full or self._store_is_behind or not self._publisher.offer(item):
                    break
                if not item.copy:
                    self._follower.note_published(item.edge)
            elif self._truth is not None:
                self._truth.write(item.at_ms, item.fact, item.detail)
            self._tally.count(item)
            item, moved = next(items, None), True
        return item, moved

    @property
    def _store_is_behind(self) -> bool:
        """While a day is filled at full speed the store is waited for too; later it may be away as long as it likes."""
        return self._clock.phase is Phase.FILL and self._follower.spooled >= STORE_WINDOW

    def _listen(self, wait_ms: int) -> None:
        """Take in what the link said; wait so long for a first word of it."""
        try:
            event = self._inbox.get(timeout=wait_ms / 1000) if wait_ms > 0 else self._inbox.get_nowait()
            while True:
                self._take(event)
                event = self._inbox.get_nowait()
        except Empty:
            return

    def _take(self, event: LinkEvent) -> None:
        match event:
            case Arrived():
                self._link.ack(event)
                self._follower.note_health(event.topic, event.payload, mono_ms=_mono_ms())
            case Connected():
                self._up = True
                self._publisher.note(event)
            case Disconnected():
                if self._up:
                    self._note(f"the broker at {self._broker} is gone ({event.reason}); the devices wait for it")
                self._up = False
                self._publisher.note(event)
            case _:
                self._publisher.note(event)

    def _meet_edges(self, stop: Flag) -> None:
        """An edge that is not there yet has no session at the broker: what is published now would never reach it."""
        edges = self._fleet.edges
        begun_ms = _mono_ms()
        told = ""
        while not stop.is_set():
            self._listen(50)
            absent = [edge for edge in edges if not self._follower.heard(edge)]
            if not self._up:
                begun_ms = _mono_ms()
                waits_for = f"the broker at {self._broker}"
            elif not absent:
                return
            elif _mono_ms() - begun_ms >= self._wait_s * 1000:
                self._note(f"no edge answers for {', '.join(absent)}; the events are published all the same")
                return
            else:
                waits_for = f"the edges of {', '.join(absent)}"
            if waits_for != told:
                told = waits_for
                self._note(f"waiting for {waits_for}")

    def _say_farewell(self) -> None:
        deadline_ms = _mono_ms() + round(_FAREWELL_S * 1000)
        while self._publisher.unacknowledged and self._up and _mono_ms() < deadline_ms:
            self._listen(50)

    def _write_clock(self) -> None:
        self._written_ms = _mono_ms()
        if self._clock_file is not None:
            write_scale(self._clock_file, self._clock.scale)

    def _tell_progress(self, mono_ms: int, now_ms: int) -> None:
        if mono_ms - self._told_ms < _PROGRESS_MS:
            return
        self._told_ms = mono_ms
        moment = datetime.fromtimestamp(now_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")
        behind = sum(self._follower.missing(edge) for edge in self._fleet.edges)
        self._note(f"{moment} UTC  {self._clock.phase.value}  {self._tally.events} events  {behind} not accepted yet")


def _mono_ms() -> int:
    return time.monotonic_ns() // 1_000_000


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000
