"""The lamp itself: what it draws, how warm it gets, what its meter has counted."""

from math import exp

from simulator.devices.failures import Kind
from simulator.devices.nas_ul20xx import DaliStatus
from simulator.sky import ambient_c

_STANDBY_W = 0.4  # the controller alone
_IDLE_DRIVER_W = 1.6  # a driver whose light source is dead
_BASE = 0.08  # share of the rated power that does not follow the level
_WARM_UP_MS = 1_800_000.0  # time constant of the housing
_RISE_C = 14.0  # housing over air after hours at full power


# members of an enumeration are slow to reach
_DARK = (Kind.LAMP_FAILURE, Kind.DRIVER_ERROR, Kind.STAYS_OFF)
_NONE, _LAMP_ON = DaliStatus.NONE, DaliStatus.LAMP_ON
_LAMP_FAILURE, _UNKNOWN = DaliStatus.LAMP_FAILURE, DaliStatus.UNKNOWN


class Luminaire:
    """A light source, its driver and the controller's meter.

    `level_pct` is what the driver is told, 0 to 100; `failure` what is wrong with it, if anything.
    """

    def __init__(self, *, at_ms: int, lat: float, rated_power_w: float, lamp_on_s: float, operating_s: float) -> None:
        self._at_ms = at_ms
        self._lat = lat
        self._rated_power_w = rated_power_w
        self._warmth = 0.0  # 0 cold to 1 as warm as it gets
        self.powered = False
        self.level_pct = 0.0
        self.failure: Kind | None = None
        self.dark = False  # the moment of a flicker
        self.energy_wh = rated_power_w * lamp_on_s / 3600.0 * 0.8  # it was dimmed now and then
        self.lamp_on_s = lamp_on_s
        self.operating_s = operating_s

    @property
    def lit(self) -> bool:
        """True when it gives light."""
        if self.failure is None:  # as nearly always
            return self.powered and self.level_pct > 0
        if not self.powered or self.failure in _DARK:
            return False
        if self.failure is Kind.DAY_BURNING:
            return True
        return self.level_pct > 0 and not (self.failure is Kind.FLICKER and self.dark)

    @property
    def power_w(self) -> float:
        """Active power, W."""
        return self._power_w(self.lit)

    def _power_w(self, lit: bool) -> float:
        if lit:
            level = 100.0 if self.failure is Kind.DAY_BURNING else self.level_pct
            return self._rated_power_w * (_BASE + (1 - _BASE) * level / 100.0)
        if not self.powered:
            return 0.0
        wanted = self.level_pct > 0 and self.failure in (Kind.LAMP_FAILURE, Kind.FLICKER)
        return _IDLE_DRIVER_W if wanted else _STANDBY_W

    @property
    def dali(self) -> DaliStatus:
        """What its driver answers."""
        if self.failure is Kind.DRIVER_ERROR:
            return _UNKNOWN
        if self.lit:
            return _LAMP_ON
        if self.level_pct > 0 and self.failure in (Kind.LAMP_FAILURE, Kind.FLICKER):
            return _LAMP_FAILURE
        return _NONE

    def temperature_c(self) -> float:
        """Inside the controller, °C."""
        return ambient_c(self._lat, self._at_ms) + _RISE_C * self._warmth

    def advance(self, at_ms: int) -> None:
        """Let the time pass up to `at_ms` in the state it is in; then change the state."""
        elapsed_ms = at_ms - self._at_ms
        self._at_ms = at_ms
        lit = self.lit
        power_w = self._power_w(lit)
        target = power_w / self._rated_power_w
        self._warmth = target + (self._warmth - target) * exp(-elapsed_ms / _WARM_UP_MS)
        if self.powered:
            self.operating_s += elapsed_ms / 1000.0
            self.energy_wh += power_w * elapsed_ms / 3_600_000.0
            if lit:
                self.lamp_on_s += elapsed_ms / 1000.0

    def settle(self) -> None:
        """As warm as it gets in the state it is in: it has been so for long."""
        self._warmth = self.power_w / self._rated_power_w
