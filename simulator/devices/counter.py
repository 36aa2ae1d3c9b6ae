"""A traffic counter beside a street: it counts, says what passed since it last spoke, and lives on its panel."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import pi, sin
from random import Random

from core.sun import night_sun_ms
from core.territory.calendars import night_of
from simulator.chance import normal
from simulator.devices.agenda import Agenda
from simulator.devices.base import Act, Fact, Frame, Join
from simulator.devices.failures import Failure, Kind
from simulator.devices.radars import Message, Passed, Radar
from simulator.devices.street import Street
from simulator.outages import Windows
from simulator.sky import ambient_c

_APART_MS = 3_000
_DAY_MS = 86_400_000
_MAINS_V = 12.1
_EMPTY_V, _FULL_V = 3.3, 4.1  # of its battery
_BATTERY_J = 140_000.0  # four days without sun
_DRAW_W = 0.4
_PANEL_MW = 5_000.0


@dataclass(frozen=True, slots=True)
class CounterPlan:
    """What a counter is, from the territory. `interval_ms`: of its counts. `solar`: it has no mains.

    It lives from `start_ms` to `end_ms` (None: for ever); `fresh`: it is put up at `start_ms`, and joins then.
    `supply`: when its mains are out; None: never.
    """

    street: Street
    lat: float
    lon: float
    interval_ms: int
    solar: bool
    start_ms: int
    end_ms: int | None = None
    fresh: bool = False
    supply: Windows | None = None


class Counter:
    """One counter.

    Args:
        radar: its model.
        inbound_left: who drives towards the town comes from its left.
        failures: in order of time; what it counted since its last uplink is lost with each.
        rng: its own.
    """

    def __init__(
        self, plan: CounterPlan, *, radar: Radar, inbound_left: bool, failures: Iterator[Failure], rng: Random
    ) -> None:
        self._plan = plan
        self._radar = radar
        self._inbound_left = inbound_left
        self._failures = failures
        self._rng = rng
        self._counted_ms = plan.start_ms  # its counters began at 0 then
        self._charged_ms = plan.start_ms
        self._charge = rng.uniform(0.55, 0.98)  # of its battery
        self._panel_mw = 0.0
        self._agenda = Agenda(rng, apart_ms=_APART_MS, advance=self._charge_until, end_ms=plan.end_ms)
        self._at, self._after = self._agenda.at, self._agenda.after
        self._dead = False
        self._fed = plan.supply is None or plan.supply.at(plan.start_ms) is None
        if not self._fed:
            self._agenda.sleep()
        self.joined = not plan.fresh and self._fed

    @property
    def battery(self) -> int:
        """As a LoRaWAN device tells it to the network: 0 on the mains, else 1 (empty) to 254 (full)."""
        return max(1, round(self._charge * 254)) if self._plan.solar else 0

    def life(self) -> Iterator[Act]:
        """What it does from its start on."""
        plan = self._plan
        self._plan_failure()
        if plan.supply is not None:
            self._plan_supply(plan.supply, plan.start_ms)
        if self.joined:
            # it is in the middle of an interval; what passed before the scenario is history
            self._after(plan.start_ms, 0, plan.interval_ms, self._report)
        else:
            self._after(plan.start_ms, 1_000, 30_000, self._start)
        return self._agenda.acts()

    def _plan_supply(self, supply: Windows, after_ms: int) -> None:
        """The next loss and return of its mains."""
        window = supply.following(after_ms)

        def lose(at_ms: int) -> Iterable[Act]:
            self._fed = False
            return self._switch(at_ms)

        def regain(at_ms: int) -> Iterable[Act]:
            self._fed = True
            self._plan_supply(supply, at_ms)
            return self._switch(at_ms)

        if window.start_ms > after_ms:
            self._at(window.start_ms, lose, always=True)
        self._at(window.end_ms, regain, always=True)

    def _switch(self, at_ms: int) -> Iterable[Act]:
        """It lives when it has mains and is not broken."""
        self._agenda.sleep()
        self._pass_until(at_ms)  # nobody counts them
        if self._fed and not self._dead:
            self._agenda.wake()
            self._after(at_ms, 2_000, 20_000, self._start)
        return ()

    def _plan_failure(self) -> None:
        failure = next(self._failures, None)
        if failure is None:
            return
        at_ms = max(self._plan.start_ms, failure.start_ms)
        if failure.kind is Kind.DEAD:
            self._at(at_ms, lambda now_ms: self._die(now_ms, failure), always=True)
        else:
            self._at(at_ms, self._restart, always=True)

    def _restart(self, at_ms: int) -> Iterable[Act]:
        self._plan_failure()
        self._agenda.cancel()
        lost = sum(map(len, self._pass_until(at_ms)))
        self._after(at_ms, 2_000, 20_000, self._start)
        yield Fact(at_ms, "restart", {"uncounted": lost})

    def _die(self, at_ms: int, failure: Failure) -> Iterable[Act]:
        self._dead = True
        self._switch(at_ms)
        self._at(failure.end_ms, self._mend, always=True)
        yield Fact(at_ms, "failure", {"failure": failure.kind.value, "end_ms": failure.end_ms})

    def _mend(self, at_ms: int) -> Iterable[Act]:
        self._dead = False
        self._switch(at_ms)
        self._plan_failure()
        yield Fact(at_ms, "repair", {"failure": Kind.DEAD.value})

    def _start(self, at_ms: int) -> Iterable[Act]:
        """It has power: join, say who it is, count from 0."""
        yield Join(at_ms)
        self._counted_ms = at_ms
        for place, message in enumerate(self._radar.announce()):
            self._say(at_ms + 6_000 + place * _APART_MS, message)
        self._at(at_ms + self._plan.interval_ms, self._report)

    def _report(self, at_ms: int) -> Iterable[Act]:
        self._after(at_ms, self._plan.interval_ms - 200, self._plan.interval_ms + 200, self._report)
        since_ms = self._counted_ms
        left, right = self._pass_until(at_ms)
        yield Fact(at_ms, "vehicles", {"since_ms": since_ms, "left": len(left), "right": len(right)})
        celsius = ambient_c(self._plan.lat, at_ms) + 4.0 + 0.3 * normal(self._rng)
        passed = Passed(
            end_ms=at_ms,
            left=left,
            right=right,
            supply_v=self._supply_v(),
            solar_mw=round(self._panel_mw),
            temperature_c=celsius,
        )
        first, *others = self._radar.report(passed)
        yield Frame(at_ms, *first)
        for place, message in enumerate(others, 1):
            self._say(at_ms + place * _APART_MS, message)

    def _say(self, at_ms: int, message: Message) -> None:
        self._at(at_ms, lambda now_ms: (Frame(now_ms, *message),))

    def _pass_until(self, at_ms: int) -> tuple[list[float], list[float]]:
        """The speeds of all that came from the left, and from the right, since it counts; it begins anew."""
        start_ms, self._counted_ms = self._counted_ms, at_ms
        if at_ms <= start_ms:
            return [], []
        inbound, outbound = self._plan.street.passes(self._rng, start_ms, at_ms)
        return (inbound, outbound) if self._inbound_left else (outbound, inbound)

    def _supply_v(self) -> float:
        if not self._plan.solar:
            return _MAINS_V + 0.05 * normal(self._rng)
        return _EMPTY_V + (_FULL_V - _EMPTY_V) * self._charge

    def _charge_until(self, at_ms: int) -> None:
        """Its battery, from what its panel gave since the last time."""
        if not self._plan.solar:
            return
        elapsed_s = (at_ms - self._charged_ms) / 1000.0
        self._charged_ms = at_ms
        clouds = 0.35 + 0.6 * abs(sin(2 * pi * at_ms / (5.3 * _DAY_MS) + self._plan.lat))
        self._panel_mw = _PANEL_MW * clouds * _height_of_sun(self._plan.lat, self._plan.lon, at_ms)
        gained_j = (self._panel_mw / 1000.0 - _DRAW_W) * elapsed_s
        self._charge = min(1.0, max(0.08, self._charge + gained_j / _BATTERY_J))


def _height_of_sun(lat: float, lon: float, at_ms: int) -> float:
    """0 by night to 1 at a noon of midsummer: half a sine between sunrise and sunset, lower in short days."""
    sunset_ms, sunrise_ms = night_sun_ms(lat, lon, night_of(at_ms))
    if at_ms >= sunset_ms:  # the evening, or the night before the morning that follows
        since_ms, day_ms = at_ms - sunrise_ms, _DAY_MS - (sunrise_ms - sunset_ms)
    else:
        since_ms, day_ms = at_ms - (sunrise_ms - _DAY_MS), _DAY_MS - (sunrise_ms - sunset_ms)
    if not 0 <= since_ms <= day_ms:
        return 0.0
    return sin(pi * since_ms / day_ms) * min(1.0, day_ms / (16.0 * 3_600_000))
