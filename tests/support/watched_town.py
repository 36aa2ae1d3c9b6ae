"""A town for the watch: circuits with lamps, bins, gateways, and the uplinks, health reports and boots they send."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, time

import msgspec

from cloud.schema import EVENT, ORIGIN, ROW, SITE, UPLINK
from cloud.stores.base import Point
from core.model import Reception, Uplink, encode_row
from core.territory import Territory
from core.territory.calendars import PARIS, Calendar, Period, Programme
from core.territory.model import (
    Asset,
    Assignment,
    Circuit,
    Commune,
    Device,
    DeviceClass,
    DeviceState,
    Gateway,
    Kind,
    MacVersion,
    Operator,
    Profile,
    Region,
    Site,
    Supply,
    Tenant,
    Thresholds,
)

MINUTE_MS, HOUR_MS = 60_000, 3_600_000
TENANT, COMMUNE, SITE_ID = "ccpvm", "88383", "remiremont"
G1, G2 = "7076ff0056070a11", "7076ff0056070a12"
LIMITS = Thresholds()
ALL_NIGHT = Programme("all-night")
EXTINCTION = Programme("extinction", periods=(Period(time(23), time(5), 0.0),))


def at(text: str) -> int:
    """The instant (ms UTC) of a local time: `2026-12-10 21:30`."""
    return round(datetime.fromisoformat(text).replace(tzinfo=PARIS).timestamp() * 1000)


def town(
    circuits: Mapping[str, int] = {},
    *,
    bins: int = 0,
    switched: Iterable[str] = (),
    programme: Programme = ALL_NIGHT,
    interval_s: int = 3600,
    assigned_ms: int = 0,
    states: Mapping[str, DeviceState] = {},
    thresholds: Thresholds = LIMITS,
    gateways: tuple[str, ...] = (G1, G2),
) -> Territory:
    """So many lamps on each circuit (`c1-lamp-0`, cabinet `c1-cab`), and bins (`bin-0`); each has a sensor."""
    assets: dict[str, Asset] = {}
    declared: dict[str, Circuit] = {}
    for circuit, lamps in circuits.items():
        cabinet = f"{circuit}-cab"
        assets[cabinet] = Asset(cabinet, Kind.CABINET, COMMUNE, 48.0, 6.6)
        supply = Supply.SWITCHED if circuit in set(switched) else Supply.PERMANENT
        declared[circuit] = Circuit(circuit, cabinet, supply, "calendar")
        for number in range(lamps):
            lamp = f"{circuit}-lamp-{number}"
            assets[lamp] = Asset(lamp, Kind.LAMP, COMMUNE, 48.0, 6.6, circuit=circuit)
    for number in range(bins):
        assets[f"bin-{number}"] = Asset(f"bin-{number}", Kind.BIN, COMMUNE, 48.0, 6.6)
    devices: dict[str, Device] = {}
    assignments: list[Assignment] = []
    for asset in assets.values():
        if asset.kind is not Kind.CABINET:
            eui = eui_of(asset.id)
            devices[eui] = Device(eui, "sensor", states.get(asset.id, DeviceState.INSTALLED))
            assignments.append(Assignment(eui, asset.id, assigned_ms))
    return Territory(
        Operator("op", "Op"),
        tenants={TENANT: Tenant(TENANT, "CCPVM", (COMMUNE,), thresholds=thresholds)},
        communes={COMMUNE: Commune(COMMUNE, "Remiremont", TENANT, 48.0175, 6.5882)},
        sites={
            SITE_ID: Site(
                SITE_ID,
                "Remiremont",
                COMMUNE,
                TENANT,
                48.0,
                6.6,
                gateways=tuple(Gateway(eui, 48.0, 6.6) for eui in gateways),
            )
        },
        profiles={
            "sensor": Profile(
                "sensor", "codec@1", Region.EU868, MacVersion.V1_0_3, DeviceClass.A, expected_interval_s=interval_s
            )
        },
        programmes={programme.id: programme},
        calendars={"calendar": Calendar("calendar", programme.id)},
        circuits=declared,
        assets=assets,
        devices=devices,
        assignments=tuple(assignments),
    )


def eui_of(asset: str) -> str:
    """The sensor of an asset: of its name alone."""
    return f"{sum(byte * 257**place for place, byte in enumerate(asset.encode())) % 2**64:016x}"


def uplink(
    asset: str,
    at_ms: int,
    f_cnt: int,
    *,
    gateways: Iterable[str] = (G1, G2),
    session: str = "00000001",
    edge: str = SITE_ID,
    device: str = "",
) -> Point:
    """The point of an uplink as ingest writes it."""
    row = Uplink(
        key=f"up:{asset}:{at_ms}",
        received_ms=at_ms,
        application="app",
        dev_eui=device or eui_of(asset),
        dev_addr=session,
        f_cnt=f_cnt,
        spreading_factor=9,
        receptions=tuple(Reception(gateway, -100, 3.0) for gateway in gateways),
    )
    tags = {"commune": COMMUNE, "asset": asset, "device": row.dev_eui}
    fields = {"key": row.key, ORIGIN: f"{edge}/spool/measurement/{f_cnt}/boot", ROW: encode_row(row).decode()}
    return Point(UPLINK, tags, at_ms * 1000 + f_cnt % 1000, {**fields})


def life(
    asset: str,
    start_ms: int,
    end_ms: int,
    *,
    every_ms: int = HOUR_MS,
    gateways: Iterable[str] = (G1, G2),
    f_cnt: int = 0,
) -> list[Point]:
    """Regular uplinks, from the start until just before the end."""
    gateways = tuple(gateways)
    return [
        uplink(asset, at_ms, f_cnt + number, gateways=gateways)
        for number, at_ms in enumerate(range(start_ms, end_ms, every_ms))
    ]


def report(at_ms: int, /, *, site: str = SITE_ID, **facts: float | str | bool) -> Point:
    """A health document as ingest writes it."""
    told: dict[str, float | str | bool] = {
        "version": 1.0,
        "edge": site,
        "state": "online",
        "boot": "boot-1",
        "at_ms": float(at_ms),
        "uptime_s": 86_400.0,
        "clock": "synced",
        "spooled": 3.0,
        "source_connected": True,
    }
    return Point(SITE, {"site": site, "commune": COMMUNE}, at_ms * 1000, {**told, **facts})


def will(at_ms: int, *, site: str = SITE_ID, boot: str = "boot-1") -> Point:
    """The last will of an edge, as ingest writes it."""
    fields: dict[str, float | str | bool] = {"version": 1.0, "edge": site, "state": "offline", "boot": boot}
    return Point(SITE, {"site": site, "commune": COMMUNE}, at_ms * 1000, {**fields})


def reports(start_ms: int, end_ms: int, *, site: str = SITE_ID, **facts: float | str | bool) -> list[Point]:
    """One each minute."""
    return [report(at_ms, site=site, **facts) for at_ms in range(start_ms, end_ms, MINUTE_MS)]


def boot(at_ms: int, boot: str, *, site: str = SITE_ID, **facts: float | str | bool) -> Point:
    """The `boot` event of an edge, as ingest writes it."""
    return Point(
        EVENT,
        {"commune": COMMUNE, "type": "boot"},
        at_ms * 1000,
        {"key": f"boot:{boot}", ORIGIN: f"{site}/spool/diagnostic/1/{boot}", "detail": json.dumps(facts)},
    )


def tuned(**values: float) -> Thresholds:
    return msgspec.structs.replace(LIMITS, **values)
