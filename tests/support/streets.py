"""A territory with lamps in all twelve communes, and the points of their last day, as the worker would store them."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from cloud.schema import site_points
from cloud.stores.base import Field, Point
from core import territory
from core.territory import Kind, Territory, geography

HOUR_MS = 3_600_000
# town points of GeoNames
CENTRES = {
    "88383": (48.0175, 6.5882),
    "88429": (48.0517, 6.5825),
    "88487": (47.9258, 6.4836),
    "88415": (48.0229, 6.6087),
    "88158": (48.0979, 6.6065),
    "88409": (48.0239, 6.6642),
    "88148": (47.9990, 6.6405),
    "88351": (47.9634, 6.4576),
    "88498": (47.9780, 6.6365),
    "88205": (47.9547, 6.5619),
    "55043": (49.1786, 5.3719),
    "51237": (48.7323, 3.5616),
}
TABLES = {
    "territory": """
[operator]
id = "grand-est"
name = "Hyperviseur Grand Est"
[[tenants]]
id = "ccpvm"
name = "CC de la Porte des Vosges Méridionales"
communes = ["88383", "88429", "88487", "88415", "88158", "88409", "88148", "88351", "88498", "88205"]
[[tenants]]
id = "belleville"
name = "Belleville-sur-Meuse"
communes = ["55043"]
[[tenants]]
id = "esternay"
name = "Esternay"
communes = ["51237"]
""",
    "sites": """
[[sites]]
id = "remiremont"
name = "Remiremont"
commune = "88383"
lat = 48.0175
lon = 6.5882
network_server = "chirpstack"
applications = ["7c1f0c52-3c1b-4d57-9a39-2f3f5d9d8a01"]
[[sites]]
id = "belleville-sur-meuse"
name = "Belleville-sur-Meuse"
commune = "55043"
lat = 49.1786
lon = 5.3719
network_server = "chirpstack"
applications = ["b0a6d1de-9d0e-4c52-8f4e-6b1f6f2f3c02"]
[[sites]]
id = "esternay"
name = "Esternay"
commune = "51237"
lat = 48.7323
lon = 3.5616
network_server = "chirpstack"
applications = ["e5c3a7b4-61f2-4a0b-bb0e-0d9a4c1e7703"]
""",
    "profiles": """
[[profiles]]
id = "nas-ul20xx"
codec = "nas_ul20xx@1.1"
region = "EU868"
mac = "1.0.3"
class = "C"
expected_interval_s = 3600
""",
    "calendars": """
[[programmes]]
id = "whole-night"
[[programmes.periods]]
from = "23:00"
to = "05:00"
level_pct = 40
[[calendars]]
id = "whole-night"
programme = "whole-night"
""",
}


@dataclass(frozen=True)
class Streets:
    """`broken`, `silent`, `doubtful`, `bare`: how the n-th lamp of a commune is special; every other one is well."""

    folder: Path
    lamps_each: int
    now_ms: int
    broken: int = 1
    silent: int = 2
    doubtful: int = 3
    bare: int = 4
    unequipped: tuple[str, ...] = ()  # communes without any lamp
    random: Random = field(default_factory=lambda: Random(7))

    def declare(self) -> Territory:
        """Write the territory's files and read them as the services do."""
        self.folder.mkdir(parents=True, exist_ok=True)
        assets = ["id,kind,commune,lat,lon,circuit,rated_power_w"]
        circuits = ["id,cabinet,supply,calendar"]
        devices = ["dev_eui,profile,state"]
        assignments = ["dev_eui,asset,from,to"]
        number = 0
        for insee, (centre_lat, centre_lon) in CENTRES.items():
            if insee in self.unequipped:
                continue
            assets.append(f"{insee}-cab-01,cabinet,{insee},{centre_lat},{centre_lon},,")
            circuits.append(f"{insee}-cir-01,{insee}-cab-01,permanent,whole-night")
            for index in range(1, self.lamps_each + 1):
                lat, lon = self._spot(insee, centre_lat, centre_lon, index)
                asset = f"{insee}-lamp-{index:03}"
                assets.append(f"{asset},lamp,{insee},{lat:.6f},{lon:.6f},{insee}-cir-01,40")
                if index == self.bare:
                    continue
                number += 1
                dev_eui = f"70b3d549a{number:07x}"
                devices.append(f"{dev_eui},nas-ul20xx,installed")
                assignments.append(f"{dev_eui},{asset},2025-01-01T00:00:00+01:00,")
        for name, text in TABLES.items():
            (self.folder / f"{name}.toml").write_text(text, "utf-8")
        files = {"assets": assets, "circuits": circuits, "devices": devices, "assignments": assignments}
        for name, lines in files.items():
            (self.folder / f"{name}.csv").write_text("\n".join(lines) + "\n", "utf-8")
        return territory.load(self.folder)

    def _spot(self, insee: str, lat: float, lon: float, index: int) -> tuple[float, float]:
        """Along six streets that leave the centre, inside the commune."""
        street = (index % 6) * math.pi / 3 + 0.3 + self.random.uniform(-0.15, 0.15)
        reach = 0.0003 + 0.011 * index / self.lamps_each
        while True:
            spot = lat + reach * math.sin(street) * 0.66, lon + reach * math.cos(street)
            if not geography.outside_km(insee, *spot):
                return spot
            street += 0.5

    def points(self, declared: Territory, *, hours: int = 24) -> Iterator[tuple[str, Point]]:
        """(database, point) of every lamp's last hours and of every edge's health."""
        for assignment in declared.assignments:
            asset = declared.assets[assignment.asset]
            index = int(asset.id.rsplit("-", 1)[1])
            database = declared.communes[asset.commune].tenant
            tags = {"commune": asset.commune, "asset": asset.id, "device": assignment.dev_eui}
            last = 30 if index == self.silent else 0
            lag_ms = self.random.randrange(0, 40 * 60_000)
            for hour in range(hours - 1 + last, last - 1, -1):
                at_us = (self.now_ms - hour * HOUR_MS - lag_ms) * 1000
                yield from ((database, point) for point in self._hour(tags, at_us, index, newest=hour == last))
        for site in declared.sites.values():
            counters = {
                "accepted": {"urgent": 4, "measurement": 4100, "diagnostic": 120},
                "stored": {"urgent": 4, "measurement": 4090, "diagnostic": 118},
                "quarantined": {"urgent": 0, "measurement": 0, "diagnostic": 2},
                "evicted": {"urgent": 0, "measurement": 0, "diagnostic": 0},
                "spooled": {"urgent": 0, "measurement": 10, "diagnostic": 0},
            }
            for row in site_points(counters, name=site.id, at_ms=self.now_ms - 4000, site=site):
                yield from ((row.database, point) for point in row.points)

    def _hour(self, tags: dict[str, str], at_us: int, index: int, *, newest: bool) -> Iterator[Point]:
        level = self.level_pct(at_us // 1000)
        broken = index == self.broken and newest
        lit = level > 0 and not broken
        status: dict[str, Field] = {
            "level_pct": level,
            "level_source": "calendar_night" if level else "calendar_day",
            "lamp_state": "on" if lit else "off",
            "lamp_failure": "fault" if broken else "ok",
            "driver_failure": "ok",
        }
        usage: dict[str, Field] = {
            "power_w": 40.0 * level / 100 + self.random.uniform(0, 1.5) if lit else 0.6,
            "energy_wh": 184_000.0 + at_us / HOUR_MS / 1000 % 1000,
            "power_factor": 0.95,
            "mains_v": 229.0 + self.random.uniform(-3, 3),
        }
        yield Point("light", {**tags, "channel": "dali_1"}, at_us, status)
        yield Point("light", tags, at_us, {"temperature_c": 11.0 + 8 * lit, "downlink_rssi_dbm": -97.0})
        if index == self.doubtful and newest:
            yield Point("suspect", {**tags, "channel": "internal"}, at_us + 1_000_000, {"power_w": 65_535.0})
        else:
            yield Point("light", {**tags, "channel": "internal"}, at_us + 1_000_000, usage)

    @staticmethod
    def level_pct(at_ms: int) -> float:
        """Lit from 17:00 to 7:00 UTC, dimmed from 22:00 to 4:00."""
        hour = at_ms // HOUR_MS % 24
        if 7 <= hour < 17:
            return 0.0
        return 40.0 if hour >= 22 or hour < 4 else 100.0


def lamps(declared: Territory) -> list[str]:
    return [asset.id for asset in declared.assets.values() if asset.kind is Kind.LAMP]
