"""A small declared world for the watch: a bin, a counter and a lamp with their sensors, and what they send."""

from collections.abc import Iterable, Mapping

import msgspec

from cloud.stores.base import Field, Point
from cloud.watch.emptying import Look, read_look
from cloud.watch.model import Watched
from cloud.watch.watchman import watched_of
from core.territory import (
    Asset,
    Assignment,
    Commune,
    Device,
    DeviceState,
    Geometry,
    Kind,
    Operator,
    Profile,
    Shape,
    Site,
    Tenant,
    Territory,
)
from core.territory.model import DeviceClass, MacVersion, Region, Thresholds

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
T0 = 1_760_000_400_000 // HOUR * HOUR  # a whole hour
DEVICES = {"bin": "24e124713d100001", "counter": "70b3d57ed0010002", "lamp": "70b3d54990100003"}


def _profile(name: str, interval_s: int) -> Profile:
    return Profile(name, name, Region.EU868, MacVersion.V1_0_3, DeviceClass.A, interval_s)


def territory(**constants: float) -> Territory:
    """With these constants of the watch; the others as they are when nobody declares them."""
    where = {"commune": "88383", "lat": 48.0, "lon": 6.6}
    profiles = {"bin": 3600, "counter": 900, "lamp": 3600}
    return Territory(
        Operator("op", "Op", thresholds=Thresholds(**constants)),
        tenants={"ccpvm": Tenant("ccpvm", "CCPVM", ("88383",), thresholds=Thresholds(**constants))},
        communes={"88383": Commune("88383", "Remiremont", "ccpvm", 48.0, 6.6)},
        sites={"remiremont": Site("remiremont", "Remiremont", "88383", "ccpvm", 48.0, 6.6)},
        profiles={name: _profile(name, interval_s) for name, interval_s in profiles.items()},
        assets={
            "bin": Asset("bin", Kind.BIN, geometry=Geometry(Shape.UPRIGHT, 1000), **where),
            "counter": Asset("counter", Kind.COUNTER, speed_limit_kmh=50, **where),
            "lamp": Asset("lamp", Kind.LAMP, **where),
        },
        devices={eui: Device(eui, name, DeviceState.INSTALLED) for name, eui in DEVICES.items()},
        assignments=tuple(Assignment(eui, name, 0) for name, eui in DEVICES.items()),
    )


def watched(asset: str, declared: Territory | None = None, **changed: object) -> Watched:
    """An asset of the scene; `changed`: fields of the asset that are another."""
    one = watched_of(declared or territory(), now_ms=T0)[asset]
    return msgspec.structs.replace(one, asset=msgspec.structs.replace(one.asset, **changed))


def point(measurement: str, asset: str, at_ms: int, fields: Mapping[str, Field], channel: str = "") -> Point:
    tags = {"commune": "88383", "asset": asset, "device": DEVICES[asset]}
    return Point(measurement, {**tags, "channel": channel} if channel else tags, at_ms * 1000, dict(fields))


def bin_point(minute: float, fill: float | None = None, **told: Field) -> Point:
    """What a bin's sensor says, so many minutes after `T0`."""
    fields: dict[str, Field] = dict(told)
    if fill is not None:
        fields |= {"fill_pct": float(fill), "distance_mm": 1000.0 - 10.0 * fill}
    return point("bin", "bin", T0 + round(minute * MINUTE), fields)


def look(minute: float, fill: float | None = None, **told: Field) -> Look:
    """The same, as the watch keeps it."""
    made = read_look(bin_point(minute, fill, **told))
    assert made is not None
    return made


def looks(*fills: float, start_min: float = 0.0, every_min: float = 60.0) -> list[Look]:
    """Reports in their turn, from an upright bin."""
    return [look(start_min + every_min * at, fill, tilt_alert="clear") for at, fill in enumerate(fills)]


def kinds(findings: Iterable[object]) -> list[str]:
    return sorted(str(getattr(finding, "kind", "")) for finding in findings)
