"""A small town of lamps, and the points that a controller's words become."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time

from cloud.stores.base import Field, Point
from cloud.watch.detectors.light import Light
from cloud.watch.model import Finding, State
from cloud.watch.watchman import Watchman
from core.territory import (
    Asset,
    Assignment,
    Circuit,
    Commune,
    Device,
    DeviceState,
    Kind,
    Operator,
    Profile,
    Supply,
    Tenant,
    Territory,
)
from core.territory.calendars import PARIS, Calendar, CalendarException, Period, Programme
from core.territory.model import DeviceClass, MacVersion, Region, Thresholds

LAT, LON = 48.0175, 6.5882
MIN_MS, HOUR_MS = 60_000, 3_600_000
EUI = "70b3d54990100000"
FETE = CalendarException("Fête nationale", "2026-104", date(2026, 7, 13), date(2026, 7, 14), "nuit")
LAMPS = ("permanent", "switched", "half", "alone")


def ms(text: str) -> int:
    """A local time."""
    return round(datetime.fromisoformat(text).replace(tzinfo=PARIS).timestamp() * 1000)


def town(limits: Thresholds = Thresholds(), *, since_ms: int = 0) -> Territory:  # noqa: B008 - frozen
    """A lamp on each circuit: extinction from 23:00 to 05:00, permanent or switched; half the light from 22:00 on;
    and one on no circuit."""
    circuits = {"permanent": Supply.PERMANENT, "switched": Supply.SWITCHED, "half": Supply.PERMANENT}
    return Territory(
        Operator("op", "Op"),
        tenants={"ccpvm": Tenant("ccpvm", "CCPVM", ("88383",), thresholds=limits)},
        communes={"88383": Commune("88383", "Remiremont", "ccpvm", LAT, LON)},
        profiles={
            "nas": Profile("nas", "nas_ul20xx@1.1", Region.EU868, MacVersion.V1_0_3, DeviceClass.C, 3600),
        },
        programmes={
            "nuit": Programme("nuit"),
            "extinction": Programme("extinction", periods=(Period(time(23), time(5), 0),)),
            "moitie": Programme("moitie", periods=(Period(time(22), time(5), 50),)),
        },
        calendars={
            "extinction": Calendar("extinction", "extinction", exceptions=(FETE,)),
            "moitie": Calendar("moitie", "moitie"),
        },
        circuits={
            name: Circuit(name, "cab", supply, "moitie" if name == "half" else "extinction")
            for name, supply in circuits.items()
        },
        assets={
            name: Asset(
                name,
                Kind.LAMP,
                "88383",
                LAT,
                LON,
                circuit=None if name == "alone" else name,
                rated_power_w=40.0,
            )
            for name in LAMPS
        },
        devices={EUI[:-1] + str(n): Device(EUI[:-1] + str(n), "nas", DeviceState.INSTALLED) for n in range(len(LAMPS))},
        assignments=tuple(
            Assignment(EUI[:-1] + str(n), name, since_ms if n == 0 else 0) for n, name in enumerate(LAMPS)
        ),
    )


def said(at_ms: int, fields: dict[str, Field], *, channel: str = "dali_broadcast", lamp: str = "permanent") -> Point:
    tags = {"asset": lamp, "commune": "88383", "device": EUI}
    return Point("light", tags | ({"channel": channel} if channel else {}), at_ms * 1000, fields)


def status(
    at_ms: int, level: float, *, lit: bool | None = None, failed: bool = False, lamp: str = "permanent"
) -> Point:
    """What a driver says; it burns as it is told, unless `lit` says otherwise."""
    burns = (level > 0 and not failed) if lit is None else lit
    return said(
        at_ms,
        {
            "level_pct": level,
            "level_source": "calendar_night",
            "lamp_state": "on" if burns else "off",
            "lamp_failure": "fault" if failed else "ok",
            "driver_failure": "ok",
        },
        lamp=lamp,
    )


def notice(at_ms: int, *, lit: bool, failed: bool = False, lamp: str = "permanent") -> Point:
    """A driver's notification: its status without a level."""
    fields: dict[str, Field] = {"lamp_state": "on" if lit else "off", "lamp_failure": "fault" if failed else "ok"}
    return said(at_ms, fields, lamp=lamp)


def no_driver(at_ms: int, *, lamp: str = "permanent") -> list[Point]:
    """No driver answers: what a status says then, of the bus and of its channel."""
    return [
        said(at_ms, {"dali_bus": "fault"}, channel="", lamp=lamp),
        said(at_ms, {"level_source": "driver_not_found"}, lamp=lamp),
    ]


def drawn(at_ms: int, power_w: float, *, lamp: str = "permanent") -> Point:
    """What the meter says."""
    return said(at_ms, {"power_w": power_w}, channel="internal", lamp=lamp)


def hourly(first: str, last: str, level: float, *, lamp: str = "permanent", lit: bool | None = None) -> Iterator[Point]:
    """A status every hour, ends included."""
    for at_ms in range(ms(first), ms(last) + 1, HOUR_MS):
        yield status(at_ms, level, lit=lit, lamp=lamp)


class Look:
    """One look at one lamp, after all was told."""

    def __init__(self, points: Iterable[Point], at: str | int, *, lamp: str = "permanent") -> None:
        self._watchman = Watchman(town(), [Light()], now_ms=0)
        self._lamp = lamp
        self._states: dict[str, State] = {}
        self.findings: dict[str, Finding] = {}
        self.again(points, at)

    def live(self, points: Iterable[Point]) -> None:
        """One look for each point, when it is measured."""
        for point in points:
            self.again([point], point.time_us // 1000)

    def again(self, points: Iterable[Point], at: str | int) -> None:
        self._watchman.take(points)
        sight = self._watchman.look(ms(at) if isinstance(at, str) else at)
        self._states |= {one.state.kind: one.state for one in sight.changes if one.watched.id == self._lamp}
        self.findings = {key.kind: found for key, found in sight.findings.items() if key.subject == self._lamp}
        self.changes = [one.state for one in sight.changes if one.watched.id == self._lamp]

    def value(self, kind: str) -> float | str | None:
        return self._states[kind].value if kind in self._states else None

    def since_ms(self, kind: str) -> int:
        return self._states[kind].since_ms
