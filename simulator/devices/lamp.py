"""A street light with its controller: follows its circuit, reports, counts, fails, and is silent without power."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from random import Random

from core.territory.calendars import Step
from simulator.chance import normal
from simulator.devices import nas_ul20xx as nas
from simulator.devices.agenda import Agenda
from simulator.devices.base import Act, Fact, Frame, Join
from simulator.devices.failures import Failure, Kind
from simulator.devices.luminaire import Luminaire
from simulator.outages import Windows

_USAGE_MS = 3_600_000
_APART_MS = 4_000  # between two frames of one controller
_ALERT_HOLDS_MS = 86_400_000
_CLOCK_AT_BOOT_S = 946_684_800  # a controller starts in 2000 until the network tells it the time
_FIRMWARE = (1, 1, 9)
# members of an enumeration are slow to reach
_DALI_CONNECTION_ERROR, _RELAY_CLOSED = int(nas.StatusBits.DALI_CONNECTION_ERROR), int(nas.StatusBits.RELAY_CLOSED)
_LAMP_ERROR = int(nas.AlertBits.LAMP_ERROR)
_LAMP_FAILURE = nas.DaliStatus.LAMP_FAILURE
_CALENDAR_DAY, _CALENDAR_NIGHT, _PROFILE = nas.Reason.CALENDAR_DAY, nas.Reason.CALENDAR_NIGHT, nas.Reason.PROFILE_0


@dataclass(frozen=True, slots=True)
class LampPlan:
    """What a lamp is, from the territory. `lat`: degrees north. `switched`: without power while its level is 0.

    It lives from `start_ms` to `end_ms` (None: for ever); `fresh`: it is put up at `start_ms`, and boots then.
    `supply`: when its circuit has no power at all; None: never.
    """

    dev_eui: str
    lat: float
    rated_power_w: float
    switched: bool
    interval_ms: int
    start_ms: int
    end_ms: int | None = None
    fresh: bool = False
    downlink_rssi_dbm: int = -95
    downlink_snr_db: int = 6
    supply: Windows | None = None


class Lamp:
    """One controller and its lamp.

    Args:
        steps: the levels of its circuit, the one in force at its start first.
        is_night: whether the sun is down, at an instant.
        failures: what will go wrong with it, in order of time.
        rng: its own.
    """

    def __init__(
        self,
        plan: LampPlan,
        *,
        steps: Iterator[Step],
        is_night: Callable[[int], bool],
        failures: Iterator[Failure],
        rng: Random,
    ) -> None:
        self._plan = plan
        self._steps = steps
        self._is_night = is_night
        self._failures = failures
        self._rng = rng
        self._flickers = False
        self._alerted_ms: int | None = None
        self._skew_ms = 0 if plan.switched else round(max(-60.0, min(60.0, rng.gauss(0, 20))) * 1000)
        self._slow_s = rng.randint(0, 4)  # its clock; never fast: nothing it says is of the future
        lamp_on_s = rng.uniform(2_000, 16_000) * 3600
        self._luminaire = Luminaire(
            at_ms=plan.start_ms,
            lat=plan.lat,
            rated_power_w=plan.rated_power_w,
            lamp_on_s=lamp_on_s,
            operating_s=lamp_on_s * (1.02 if plan.switched else 2.1),
        )
        self._luminaire.level_pct = next(steps).level_pct
        self._fed = plan.supply is None or plan.supply.at(plan.start_ms) is None
        self._luminaire.powered = self._has_power
        self._luminaire.settle()
        self._agenda = Agenda(rng, apart_ms=_APART_MS, advance=self._luminaire.advance, end_ms=plan.end_ms)
        self._at, self._after = self._agenda.at, self._agenda.after
        self.joined = self._luminaire.powered and not plan.fresh

    @property
    def battery(self) -> int:
        """On the mains."""
        return 0

    def life(self) -> Iterator[Act]:
        """What it does from its start on."""
        self._plan_step()
        self._plan_failure()
        if self._plan.supply is not None:
            self._plan_supply(self._plan.supply, self._plan.start_ms)
        if self.joined:
            self._after(self._plan.start_ms, 0, self._plan.interval_ms, self._send_status)
            self._after(self._plan.start_ms, 0, _USAGE_MS, self._send_usage)
        elif self._luminaire.powered:
            self._boot(self._plan.start_ms)
        return self._agenda.acts()

    # what happens to it

    def _plan_step(self) -> None:
        step = next(self._steps)
        at_ms = max(self._plan.start_ms, step.start_ms + self._skew_ms)
        self._at(at_ms, lambda now_ms: self._follow(now_ms, step.level_pct), always=True)

    def _follow(self, at_ms: int, level_pct: float) -> Iterable[Act]:
        """The circuit changes its level; a switched one loses or gets its power."""
        self._plan_step()
        lamp = self._luminaire
        lamp.level_pct = level_pct
        yield Fact(at_ms, "level", {"level_pct": level_pct})
        if not self._switch(at_ms) and lamp.powered:
            self._report(at_ms)

    def _plan_supply(self, supply: Windows, after_ms: int) -> None:
        """The next loss and return of the power of its circuit."""
        window = supply.following(after_ms)

        def lose(at_ms: int) -> Iterable[Act]:
            self._fed = False
            self._switch(at_ms)
            return ()

        def regain(at_ms: int) -> Iterable[Act]:
            self._fed = True
            self._switch(at_ms)
            self._plan_supply(supply, at_ms)
            return ()

        if window.start_ms > after_ms:
            self._at(window.start_ms, lose, always=True)
        self._at(window.end_ms, regain, always=True)

    @property
    def _has_power(self) -> bool:
        lamp = self._luminaire
        return self._fed and lamp.failure is not Kind.DEAD and (lamp.level_pct > 0 or not self._plan.switched)

    def _switch(self, at_ms: int) -> bool:
        """Whether it has got or lost its power now: then it boots, or whatever it wanted to say is lost."""
        lamp, has_power = self._luminaire, self._has_power
        if has_power == lamp.powered:
            return False
        lamp.powered = has_power
        if has_power:
            self._boot(at_ms)
        else:
            self._agenda.cancel()
            self._flickers = False
        return True

    def _plan_failure(self) -> None:
        failure = next(self._failures, None)
        if failure is not None:
            self._at(max(self._plan.start_ms, failure.start_ms), lambda at_ms: self._fail(at_ms, failure), always=True)

    def _fail(self, at_ms: int, failure: Failure) -> Iterable[Act]:
        self._luminaire.failure = failure.kind
        self._luminaire.dark = False
        self._at(failure.end_ms, self._mend, always=True)
        yield Fact(at_ms, "failure", {"failure": failure.kind.value, "end_ms": failure.end_ms})
        if not self._switch(at_ms) and self._luminaire.powered:
            self._report(at_ms)

    def _mend(self, at_ms: int) -> Iterable[Act]:
        failure = self._luminaire.failure
        self._luminaire.failure = None
        self._plan_failure()
        if failure is not None:
            yield Fact(at_ms, "repair", {"failure": failure.value})
        if not self._switch(at_ms) and self._luminaire.powered:
            self._after(at_ms, 1_000, 20_000, self._send_once)

    def _report(self, at_ms: int) -> None:
        """Something changed: say so soon, and warn of a lamp that should burn and does not."""
        self._after(at_ms, 1_000, 60_000, self._send_once)
        if self._luminaire.level_pct > 0:
            if self._luminaire.failure is Kind.LAMP_FAILURE:
                self._after(at_ms, 500, 3_000, self._send_alert)
            elif self._luminaire.failure is Kind.FLICKER and not self._flickers:
                self._flickers = True
                self._after(at_ms, 5_000, 600_000, self._flicker)

    def _boot(self, at_ms: int) -> None:
        """Power is there: join after the random delay of its settings, then say who it is and how it is."""
        self._at(at_ms + self._rng.randint(3_000, 120_000), self._join)

    # what it says

    def _join(self, at_ms: int) -> Iterable[Act]:
        self._after(at_ms, 6_000, 12_000, lambda now_ms: self._send_boot(now_ms, now_ms - at_ms))
        yield Join(at_ms)

    def _send_boot(self, at_ms: int, up_ms: int) -> Iterable[Act]:
        self._report(at_ms)
        self._after(at_ms, self._plan.interval_ms, self._plan.interval_ms + 60_000, self._send_status)
        self._after(at_ms, _USAGE_MS // 2, _USAGE_MS, self._send_usage)
        boot = nas.Boot(
            serial=int(self._plan.dev_eui[-8:], 16), firmware=_FIRMWARE, clock_s=_CLOCK_AT_BOOT_S + up_ms // 1000
        )
        yield Frame(at_ms, nas.SYSTEM_PORT, nas.encode_boot(boot))

    def _send_status(self, at_ms: int) -> Iterable[Act]:
        self._after(at_ms, self._plan.interval_ms - 500, self._plan.interval_ms + 500, self._send_status)
        return self._send_once(at_ms)

    def _send_once(self, at_ms: int) -> Iterable[Act]:
        return (Frame(at_ms, nas.STATUS_PORT, nas.encode_status(self._status(at_ms))),)

    def _status(self, at_ms: int) -> nas.Status:
        lamp, plan, rng = self._luminaire, self._plan, self._rng
        dali = lamp.dali
        if dali is _LAMP_FAILURE:
            self._alerted_ms = at_ms
        bits = 0
        level = 0 if lamp.failure is Kind.STAYS_OFF else round(lamp.level_pct)
        if lamp.failure is Kind.DRIVER_ERROR:
            bits |= _DALI_CONNECTION_ERROR
            source = nas.DimmingSource(nas.Reason.DRIVER_NOT_FOUND, None, dali)
        else:
            source = nas.DimmingSource(self._reason(at_ms, level), level, dali)
        if level > 0 or lamp.failure is Kind.DAY_BURNING:
            bits |= _RELAY_CLOSED
        alerted = self._alerted_ms is not None and at_ms - self._alerted_ms < _ALERT_HOLDS_MS
        return nas.Status(
            clock_s=at_ms // 1000 - self._slow_s,
            temperature_c=max(-40, min(85, round(lamp.temperature_c() + 0.4 * normal(rng)))),
            sources=(source,),
            bits=bits,
            alerts=_LAMP_ERROR if alerted else 0,
            downlink_rssi_dbm=max(-140, min(-30, plan.downlink_rssi_dbm + int(rng.random() * 7) - 3)),
            downlink_snr_db=max(-20, min(12, plan.downlink_snr_db + int(rng.random() * 5) - 2)),
        )

    def _reason(self, at_ms: int, level_pct: int) -> nas.Reason:
        """Why it has this level: the calendar by day and at full, its profile when dimmed or put out at night."""
        if level_pct == 100:
            return _CALENDAR_NIGHT
        if level_pct == 0 and (self._luminaire.failure is Kind.STAYS_OFF or not self._is_night(at_ms)):
            return _CALENDAR_DAY
        return _PROFILE

    def _send_usage(self, at_ms: int) -> Iterable[Act]:
        self._after(at_ms, _USAGE_MS - 500, _USAGE_MS + 500, self._send_usage)
        lamp, rng = self._luminaire, self._rng
        usage = nas.Usage(
            active_energy_wh=int(lamp.energy_wh),
            active_power_w=max(0, round(lamp.power_w * (1.0 + 0.008 * normal(rng)))),
            power_factor=0.75 + 0.2 * lamp.level_pct / 100.0 if lamp.lit else None,
            mains_v=max(207, min(253, round(232 + 2 * normal(rng)))),
            operating_s=int(lamp.operating_s),
            lamp_on_s=int(lamp.lamp_on_s),
        )
        return (Frame(at_ms, nas.USAGE_PORT, nas.encode_usage((usage,))),)

    def _send_alert(self, at_ms: int) -> Iterable[Act]:
        yield Frame(at_ms, nas.NOTIFICATION_PORT, nas.encode_dali_alert(((nas.BROADCAST, int(self._luminaire.dali)),)))

    def _flicker(self, at_ms: int) -> Iterable[Act]:
        """Goes out for a moment, comes back; each time the driver tells."""
        lamp = self._luminaire
        self._flickers = lamp.failure is Kind.FLICKER and lamp.level_pct > 0
        if not self._flickers:
            return
        lamp.dark = not lamp.dark
        least_ms, most_ms = (20_000, 90_000) if lamp.dark else (240_000, 900_000)
        self._after(at_ms, least_ms, most_ms, self._flicker)
        yield from self._send_alert(at_ms)
