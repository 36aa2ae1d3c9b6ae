"""A territory with assets in all twelve communes, and the points of their last day, as the worker would store them."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from cloud.reports import site_points
from cloud.stores.base import Field, Point
from core import territory
from core.model import Reception, Uplink, encode_row
from core.territory import Kind, Territory, geography
from tests.support.town_tables import CENTRES, TABLES

HOUR_MS = 3_600_000
HOUR_US = HOUR_MS * 1000
GATEWAY, PAYLOAD, CODEC = "7076ff0056070a99", bytes.fromhex("0dfeca7e55aa"), "nas_ul20xx@1.1"
NAMES = ("Rue de la Gare", "Grande Rue", "Rue du Pont", "Place de l’Église", "Rue des Prés", "Chemin du Moulin")
PROFILES = {"lamp": "nas-ul20xx", "bin": "milesight-em400-mud", "counter": "pmx-tcr"}
SHAPE = "shape=upright height_mm=1000 blind_mm=60"


@dataclass(frozen=True)
class Streets:
    """`broken`, `silent`, `doubtful`, `bare`: how the n-th lamp of a commune is special; every other one is well. Of
    the bins the first is full, the second burns, the third lies, the fourth is silent; the second counter counts
    nobody, the third is silent."""

    folder: Path
    lamps_each: int
    now_ms: int
    broken: int = 1
    silent: int = 2
    doubtful: int = 3
    bare: int = 4
    unequipped: tuple[str, ...] = ()  # communes without anything
    bins_each: int = 0
    counters_each: int = 0
    random: Random = field(default_factory=lambda: Random(7))

    def declare(self) -> Territory:
        """Write the territory's files and read them as the services do."""
        self.folder.mkdir(parents=True, exist_ok=True)
        assets = ["id,kind,commune,lat,lon,circuit,rated_power_w,geometry,speed_limit_kmh,street"]
        circuits = ["id,cabinet,supply,calendar"]
        devices = ["dev_eui,profile,state"]
        assignments = ["dev_eui,asset,from,to"]
        number = 0
        for insee, (centre_lat, centre_lon) in CENTRES.items():
            if insee in self.unequipped:
                continue
            assets.append(f"{insee}-cab-01,cabinet,{insee},{centre_lat},{centre_lon},,,,,")
            circuits.append(f"{insee}-cir-01,{insee}-cab-01,permanent,whole-night")
            for kind, each, facts in (
                ("lamp", self.lamps_each, f"{insee}-cir-01,40,,"),
                ("bin", self.bins_each, f",,{SHAPE},"),
                ("counter", self.counters_each, ",,,50"),
            ):
                for index in range(1, each + 1):
                    lat, lon = self._spot(insee, centre_lat, centre_lon, index, each)
                    asset = f"{insee}-{kind}-{index:03}"
                    street = "" if kind == "lamp" else NAMES[index % 6]
                    assets.append(f"{asset},{kind},{insee},{lat:.6f},{lon:.6f},{facts},{street}")
                    if kind == "lamp" and index == self.bare:
                        continue
                    number += 1
                    dev_eui = f"70b3d549a{number:07x}"
                    devices.append(f"{dev_eui},{PROFILES[kind]},installed")
                    assignments.append(f"{dev_eui},{asset},2025-01-01T00:00:00+01:00,")
        for name, text in TABLES.items():
            (self.folder / f"{name}.toml").write_text(text, "utf-8")
        files = {"assets": assets, "circuits": circuits, "devices": devices, "assignments": assignments}
        for name, lines in files.items():
            (self.folder / f"{name}.csv").write_text("\n".join(lines) + "\n", "utf-8")
        return territory.load(self.folder)

    def _spot(self, insee: str, lat: float, lon: float, index: int, each: int) -> tuple[float, float]:
        """Along six streets that leave the centre, inside the commune."""
        street = (index % 6) * math.pi / 3 + 0.3 + self.random.uniform(-0.15, 0.15)
        reach = 0.0003 + 0.011 * index / each
        while True:
            spot = lat + reach * math.sin(street) * 0.66, lon + reach * math.cos(street)
            if not geography.outside_km(insee, *spot):
                return spot
            street += 0.5

    def points(self, declared: Territory, *, hours: int = 24) -> Iterator[tuple[str, Point]]:
        """(database, point) of every asset's last hours and of every edge's health."""
        for assignment in declared.assignments:
            asset = declared.assets[assignment.asset]
            database = declared.communes[asset.commune].tenant
            tags = {"commune": asset.commune, "asset": asset.id, "device": assignment.dev_eui}
            yield from ((database, point) for point in self.history(asset.kind, tags, hours))
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

    def batches(self, declared: Territory, *, hours: int = 24) -> dict[str, list[Point]]:
        """The same points by database."""
        found: dict[str, list[Point]] = {}
        for database, point in self.points(declared, hours=hours):
            found.setdefault(database, []).append(point)
        return found

    def history(self, kind: Kind, tags: dict[str, str], hours: int) -> Iterator[Point]:
        """The last hours of one asset, and its newest uplink."""
        index = int(tags["asset"].rsplit("-", 1)[1])
        lag_ms = self.random.randrange(0, 40 * 60_000 if kind is not Kind.COUNTER else 10 * 60_000)
        match kind:
            case Kind.LAMP:
                last = 30 if index == self.silent else 0
                for hour in range(hours - 1 + last, last - 1, -1):
                    yield from self._hour(tags, (self.now_ms - hour * HOUR_MS - lag_ms) * 1000, index, hour == last)
            case Kind.BIN:
                last = 30 if index == 4 else 0
                for hour in range(hours - 1 + last, last - 1, -1):
                    at_us = (self.now_ms - hour * HOUR_MS - lag_ms) * 1000
                    yield Point("bin", tags, at_us, self._bin(at_us // HOUR_US, index, hour == last))
            case Kind.COUNTER:
                last = 30 if index == 3 else 0
                for quarter in range(4 * (hours + last) - 1, 4 * last - 1, -1):
                    at_us = (self.now_ms - quarter * HOUR_MS // 4 - lag_ms) * 1000
                    yield from self._quarter(tags, at_us, index)
        yield self._uplink(tags, self.now_ms - lag_ms)

    @staticmethod
    def _uplink(tags: dict[str, str], at_ms: int) -> Point:
        row = Uplink(
            key=f"up:{tags['device']}",
            received_ms=at_ms,
            application="7c1f0c52-3c1b-4d57-9a39-2f3f5d9d8a01",
            dev_eui=tags["device"],
            profile="nas-ul20xx",
            f_port=24,
            f_cnt=711,
            payload=PAYLOAD,
            codec=CODEC,
            receptions=(Reception(GATEWAY, -97, 7.5),),
        )
        fields: dict[str, Field] = {
            "key": row.key,
            "origin": f"remiremont/s1/measurement/{at_ms % 10_000}/b1",
            "row": encode_row(row).decode(),
        }
        return Point("uplink", tags, at_ms * 1000, fields)

    def _bin(self, hour: int, index: int, newest: bool) -> dict[str, Field]:
        fill = 92.0 if index == 1 and newest else (hour * 0.6 + 17 * index) % 78
        fields: dict[str, Field] = {
            "distance_mm": 1000 - fill / 100 * 940,
            "fill_pct": fill,
            "temperature_c": 9.0,
            "battery_pct": 88.0,
            "tilt_alert": "raised" if index == 3 and newest else "clear",
        }
        return fields | ({"fire_alert": "raised" if newest else "clear"} if index == 2 else {})

    def _quarter(self, tags: dict[str, str], at_us: int, index: int) -> Iterator[Point]:
        hour = at_us // HOUR_US % 24
        for channel, weight in (("left", 1.0), ("right", 0.8)):
            busy = 0 if index == 2 else round(weight * (60 if 6 <= hour < 19 else 6))
            fields: dict[str, Field] = {"vehicles_count": float(busy)}
            yield Point("traffic", {**tags, "channel": channel}, at_us, fields | ({"speed_kmh": 44.0} if busy else {}))

    def _hour(self, tags: dict[str, str], at_us: int, index: int, newest: bool) -> Iterator[Point]:
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
