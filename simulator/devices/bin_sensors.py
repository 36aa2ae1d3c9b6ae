"""The sensors under the lids: what each model says of what it measured, as its payload."""

from enum import Enum, auto
from typing import Protocol

import msgspec

from simulator.devices import dingtek_df702 as df702
from simulator.devices import milesight_em400_mud as em400

_LOW_BATTERY_PCT = 10.0


class Measured(msgspec.Struct, frozen=True):
    """What a sensor finds when it looks. Units: mm, °C, degrees from upright, %.

    `full` and `hot`: beyond its thresholds.
    """

    distance_mm: int
    temperature_c: float
    angle_deg: int
    battery_pct: float
    full: bool
    hot: bool

    @property
    def tilted(self) -> bool:
        return abs(self.angle_deg) > _TILT_DEG


_TILT_DEG = 30


class Alarm(Enum):
    FULL = auto()
    HOT = auto()
    TILT = auto()


class Sensor(Protocol):
    """One model. `reach_mm`: it measures no farther; `f_port`: of all that it sends."""

    @property
    def f_port(self) -> int: ...

    @property
    def reach_mm(self) -> int: ...

    def announce(self) -> bytes | None:
        """What it sends first after a join."""
        ...

    def report(self, measured: Measured) -> bytes:
        """What it sends in its turn."""
        ...

    def warn(self, measured: Measured, alarm: Alarm) -> bytes:
        """What it sends at once, when an alarm begins and when it ends."""
        ...


class Em400Mud:
    """Milesight EM400-MUD in bin mode."""

    f_port = em400.PORT
    reach_mm = 4_500

    def __init__(self, dev_eui: str) -> None:
        self._serial = bytes.fromhex(dev_eui)  # as good as any

    def announce(self) -> bytes | None:
        return em400.encode_power_on(self._serial)

    def report(self, measured: Measured) -> bytes:
        return em400.encode_report(
            em400.Report(
                battery_pct=round(measured.battery_pct),
                temperature_c=measured.temperature_c,
                distance_mm=measured.distance_mm,
                tilted=measured.tilted,
            )
        )

    def warn(self, measured: Measured, alarm: Alarm) -> bytes:
        """Only the threshold that was crossed; a tilt is told by a report."""
        match alarm:
            case Alarm.FULL:
                return em400.encode_report(em400.Report(distance_alarm=(measured.distance_mm, measured.full)))
            case Alarm.HOT:
                return em400.encode_report(em400.Report(temperature_alarm=(measured.temperature_c, measured.hot)))
            case Alarm.TILT:
                return self.report(measured)


class Df702:
    """Dingtek DF702, without GPS: every frame has everything."""

    f_port = df702.PORT

    def __init__(self, height_mm: int) -> None:
        self.reach_mm = 2_000 if height_mm <= 1_900 else 5_000  # its two ranges

    def announce(self) -> bytes | None:
        return None

    def report(self, measured: Measured) -> bytes:
        return self._frame(measured, alarm=False)

    def warn(self, measured: Measured, alarm: Alarm) -> bytes:  # noqa: ARG002 - all alarms are in each frame
        return self._frame(measured, alarm=True)

    def _frame(self, measured: Measured, *, alarm: bool) -> bytes:
        return df702.encode_report(
            df702.Report(
                distance_mm=measured.distance_mm,
                temperature_c=round(measured.temperature_c),
                angle_deg=measured.angle_deg,
                full=measured.full,
                fire=measured.hot,
                tilted=measured.tilted,
                battery_low=measured.battery_pct < _LOW_BATTERY_PCT,
                alarm=alarm,
            )
        )
