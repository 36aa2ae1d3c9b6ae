"""A bin with the sensor under its lid: it fills, is emptied, falls over, burns; the sensor looks, and reports."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from random import Random

from core.territory.model import Geometry
from simulator.devices.agenda import Agenda
from simulator.devices.base import Act, Fact, Frame, Join
from simulator.devices.bin_sensors import Alarm, Measured, Sensor
from simulator.devices.container import Container, Habits, distance_mm
from simulator.devices.failures import Failure, Kind
from simulator.devices.rounds import Rounds

_APART_MS = 4_000
_LOOK_MS = 600_000  # how often the sensor looks whether a threshold is crossed, when it may be
_LOOK_FAR_MS = 3_600_000  # simulated looks far from any threshold: they would find nothing
_FIRE_LOOKS_MIN = (2, 6, 14, 30)  # after a fire begins, and after it is out: when a look finds out
_FULL_SHARE = 0.8
_NEAR_SHARE = 0.6
_HYSTERESIS_MM = 20
_HOT_C, _COOL_C = 70.0, 60.0
_TOLD_PCT = 10.0  # the record of truth has each change of so much
_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class BinPlan:
    """What a bin is, from the territory. `interval_ms`: between two reports.

    It lives from `start_ms` to `end_ms` (None: for ever); `fresh`: its sensor is put up at `start_ms`, and joins then.
    `odd_echoes`, `missed_rounds`: shares, 0 to 1, of the measurements and of the truck's passages.
    """

    geometry: Geometry
    lat: float
    interval_ms: int
    start_ms: int
    end_ms: int | None = None
    fresh: bool = False
    odd_echoes: float = 0.0
    missed_rounds: float = 0.0


class Bin:
    """One bin and its sensor.

    Args:
        sensor: the model of its sensor.
        share: how full it is at its start, 0 to 1.
        failures: what will go wrong with it, in order of time.
        rng: its own.
    """

    def __init__(
        self,
        plan: BinPlan,
        *,
        sensor: Sensor,
        habits: Habits,
        rounds: Rounds,
        share: float,
        failures: Iterator[Failure],
        rng: Random,
    ) -> None:
        self._plan = plan
        self._sensor = sensor
        self._rounds = rounds
        self._failures = failures
        self._rng = rng
        self._container = Container(plan.geometry, habits, at_ms=plan.start_ms, lat=plan.lat, share=share, rng=rng)
        self._agenda = Agenda(rng, apart_ms=_APART_MS, advance=self._container.advance, end_ms=plan.end_ms)
        self._at, self._after = self._agenda.at, self._agenda.after
        self._full_mm = distance_mm(plan.geometry, _FULL_SHARE)
        self._full = share >= _FULL_SHARE
        self._hot = False
        self._angle_deg = 0
        self._told_pct = -_TOLD_PCT
        worn = rng.random() < 0.04
        self._battery_pct = 100.0 if plan.fresh else rng.uniform(4, 14) if worn else rng.uniform(40, 99)
        self._left_pct = self._battery_pct  # as it last measured
        self._battery_a_day = rng.uniform(0.03, 0.08)
        self.joined = not plan.fresh

    @property
    def battery(self) -> int:
        """As a LoRaWAN device tells it to the network: 1 (empty) to 254 (full)."""
        return max(1, round(self._left_pct * 2.54))

    def life(self) -> Iterator[Act]:
        """What it does from its start on."""
        start_ms = self._plan.start_ms
        self._plan_round(start_ms)
        self._plan_failure()
        if self.joined:
            self._after(start_ms, 0, self._plan.interval_ms, self._report_in_turn)
            self._after(start_ms, 0, _LOOK_MS, self._look)
        else:
            self._after(start_ms, 1_000, 30_000, self._start)
        return self._agenda.acts()

    # what happens to it

    def _plan_round(self, after_ms: int) -> None:
        self._at(self._rounds.next_ms(after_ms), self._pass_by, always=True)

    def _pass_by(self, at_ms: int) -> Iterable[Act]:
        """The truck: it empties the bin, unless a car stands before it."""
        self._plan_round(at_ms)
        container, rng = self._container, self._rng
        before_pct = round(container.fill_pct, 1)
        if container.lying or container.burning_since_ms is not None or rng.random() < self._plan.missed_rounds:
            yield Fact(at_ms, "missed_round", {"fill_pct": before_pct})
            return
        container.empty()
        self._told_pct = container.fill_pct
        yield Fact(at_ms, "collection", {"fill_pct": before_pct, "after_pct": round(self._told_pct, 1)})
        if rng.random() < 0.7:  # else it was back on its feet before the sensor noticed
            self._angle_deg = rng.randint(75, 115)
            self._at(at_ms + 1_000, self._warn_of_tilt)
            self._at(at_ms + rng.randint(30_000, 120_000), self._stand_up, always=True)
        self._after(at_ms, 130_000, _LOOK_MS, self._look_once)

    def _stand_up(self, at_ms: int) -> Iterable[Act]:
        if not self._container.lying:
            self._angle_deg = 0
            self._at(at_ms + 1_000, self._warn_of_tilt)
        return ()

    def _plan_failure(self) -> None:
        failure = next(self._failures, None)
        if failure is not None:
            self._at(max(self._plan.start_ms, failure.start_ms), lambda at_ms: self._fail(at_ms, failure), always=True)

    def _fail(self, at_ms: int, failure: Failure) -> Iterable[Act]:
        self._at(failure.end_ms, lambda now_ms: self._mend(now_ms, failure.kind), always=True)
        match failure.kind:
            case Kind.FIRE:
                self._container.catch_fire()
                self._look_at_fire(at_ms)
                yield Fact(at_ms, "fire", {"end_ms": failure.end_ms})
            case Kind.KNOCKED_OVER:
                self._container.spill()
                self._angle_deg = self._rng.choice((-1, 1)) * self._rng.randint(60, 95)
                self._at(at_ms + 1_000, self._warn_of_tilt)
                yield Fact(at_ms, "tilted", {"end_ms": failure.end_ms})
            case Kind.DEAD:
                self._agenda.sleep()
                yield Fact(at_ms, "failure", {"failure": failure.kind.value, "end_ms": failure.end_ms})
            case _:
                self._agenda.cancel()
                self._after(at_ms, 2_000, 20_000, self._start)
                yield Fact(at_ms, "restart", {})

    def _mend(self, at_ms: int, kind: Kind) -> Iterable[Act]:
        self._plan_failure()
        match kind:
            case Kind.FIRE:
                self._container.burn_out()
                self._look_at_fire(at_ms)
            case Kind.KNOCKED_OVER:
                self._container.right()
                self._stand_up(at_ms)
            case Kind.DEAD:
                self._agenda.wake()
                self._after(at_ms, 2_000, 20_000, self._start)
            case _:
                return
        yield Fact(at_ms, "repair", {"failure": kind.value})
        yield from self._tell_fill(at_ms)

    def _look_at_fire(self, at_ms: int) -> None:
        for minutes in _FIRE_LOOKS_MIN:
            self._after(at_ms, (minutes - 1) * 60_000, (minutes + 1) * 60_000, self._look_once)

    # what its sensor does

    def _start(self, at_ms: int) -> Iterable[Act]:
        """It has power: join, say who it is, then report from now on in its turn."""
        yield Join(at_ms)
        announced = self._sensor.announce()
        if announced is not None:
            self._at(at_ms + 6_000, lambda now_ms: (Frame(now_ms, self._sensor.f_port, announced),))
        self._full = self._hot = False
        self._after(at_ms, 12_000, 20_000, self._report_in_turn)
        self._after(at_ms, _LOOK_MS, 2 * _LOOK_MS, self._look)

    def _measure(self, at_ms: int) -> Measured:
        """Look; a threshold that was crossed since the last look is told next."""
        rng, container, plan = self._rng, self._container, self._plan
        distance = container.echo_mm(odd=plan.odd_echoes, reach_mm=self._sensor.reach_mm)
        celsius = min(120.0, container.temperature_c() + rng.gauss(0, 0.3))
        full, hot = self._full, self._hot
        if not container.lying:  # what it sees on its side says nothing
            self._full = distance <= self._full_mm + (_HYSTERESIS_MM if full else 0)
        self._hot = celsius >= (_COOL_C if hot else _HOT_C)
        worn_pct = self._battery_pct - self._battery_a_day * (at_ms - plan.start_ms) / _DAY_MS
        self._left_pct = max(1.0, worn_pct - max(0.0, -celsius) * 0.2)  # frost weakens it
        measured = Measured(
            distance_mm=distance,
            temperature_c=celsius,
            angle_deg=self._angle_deg or rng.randint(-3, 3),
            battery_pct=self._left_pct,
            full=self._full,
            hot=self._hot,
        )
        if measured.hot != hot or measured.full != full:
            alarm = Alarm.HOT if measured.hot != hot else Alarm.FULL  # fire comes first
            payload = self._sensor.warn(measured, alarm)
            self._at(at_ms + _APART_MS, lambda now_ms: (Frame(now_ms, self._sensor.f_port, payload),))
        return measured

    def _report_in_turn(self, at_ms: int) -> Iterable[Act]:
        interval_ms = self._plan.interval_ms
        self._after(at_ms, interval_ms - 500, interval_ms + 500, self._report_in_turn)
        yield from self._tell_fill(at_ms)
        yield Frame(at_ms, self._sensor.f_port, self._sensor.report(self._measure(at_ms)))

    def _look(self, at_ms: int) -> Iterable[Act]:
        """Between two reports: is a threshold crossed?"""
        near = self._container.share > _NEAR_SHARE or self._full
        self._at(at_ms + (_LOOK_MS if near else _LOOK_FAR_MS), self._look)
        return self._look_once(at_ms)

    def _look_once(self, at_ms: int) -> Iterable[Act]:
        self._measure(at_ms)
        return self._tell_fill(at_ms)

    def _warn_of_tilt(self, at_ms: int) -> Iterable[Act]:
        yield Frame(at_ms, self._sensor.f_port, self._sensor.warn(self._measure(at_ms), Alarm.TILT))

    def _tell_fill(self, at_ms: int) -> Iterable[Act]:
        """For the record of truth, when it has changed by much."""
        fill_pct = self._container.fill_pct
        if abs(fill_pct - self._told_pct) >= _TOLD_PCT:
            self._told_pct = fill_pct
            yield Fact(at_ms, "fill_pct", {"fill_pct": round(fill_pct, 1)})
