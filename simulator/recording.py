"""A scenario in a file: one event a line, as it would have been published."""

from contextlib import ExitStack
from pathlib import Path

import msgspec

from simulator.clock import DAY_MS, Phase
from simulator.devices.base import Fact
from simulator.faults import TruthFile
from simulator.fleet import Fleet
from simulator.run import Outcome, Tally
from simulator.scenario import Scenario


class Line(msgspec.Struct, frozen=True):
    """`payload` is the event's text, verbatim."""

    at_ms: int
    topic: str
    payload: str


def record(scenario: Scenario, fleet: Fleet, *, out: Path, truth: Path | None, until_ms: int) -> Outcome:
    """Write the events of the scenario's first `for_s` seconds (of scenario time; a day when not given).

    Nothing after `until_ms` is written, so that a file never tells the future.
    """
    length_ms = DAY_MS if scenario.for_s is None else round(scenario.for_s * 1000)
    end_ms = min(until_ms, scenario.start_ms + length_ms)
    tally = Tally()
    encode = msgspec.json.Encoder().encode
    with ExitStack() as stack:
        events = stack.enter_context(out.open("wb"))
        facts = None if truth is None else stack.enter_context(TruthFile(truth))
        for item in fleet.stream(scenario):
            if item.at_ms > end_ms:
                break
            if not isinstance(item, Fact):
                events.write(encode(Line(item.at_ms, item.topic, item.payload.decode())) + b"\n")
            elif facts is not None:
                facts.write(item.at_ms, item.fact, item.detail)
            tally.count(item)
    return Outcome(tally=tally, now_ms=end_ms, phase=Phase.FILL, unacknowledged=0, missing={}, written_off={})
