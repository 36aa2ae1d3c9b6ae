"""Writes the four CSV files of `territories/grand-est/`: invented lamps in real communes. Same seed, same bytes.

    python territories/generate.py [FOLDER]

Each town gets a street network that grows from its centre inside the commune's outline, with one lamp for six
inhabitants, about 40 lamps a circuit. Only FLEET of the lamps get a controller, and only these are written: a lamp has
the same id, place, power and DevEUI in every fleet. The TOML files beside are written by hand.
Source of the ratios: 0.165 lamps an inhabitant, one cabinet for about 40 lamps (AFE; CC Pays-Haut Val d'Alzette).
"""

import math
import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

from core.territory import geography

SEED = 88383
FLEET = 435  # lamps with a controller, shared out by inhabitants
LEAST = 8  # in a commune, however small
LAMPS_PER_INHABITANT = 0.165
LAMPS_PER_CIRCUIT = 40
FIRST_DEV_EUI = 0x70B3_D549_9010_0000  # a block of the lamp controllers' maker; one number a lamp, equipped or not
SPARE_DEV_EUI = 0x70B3_D549_90F0_0000  # bought later: stock, replacements
STOCK = 6
PARIS = ZoneInfo("Europe/Paris")
SWAPPED_LAMP, SWAPPED_AT = "88383-lamp-0007", datetime(2025, 6, 24, 10, 20, tzinfo=PARIS)
FAULTY_LAMP = "88429-lamp-0020"

SPACING_M, CLEARANCE_M = 31.0, 24.0
HALF_WIDTH_M = (5.0, 3.5, 3.0)  # from the middle of the street to the pole, by rank of the street
POWERS_W = ((60, 54, 48), (40, 36, 32), (28, 24, 20))  # by rank
LUMINAIRES = ("Routière LED", "Urbaine LED", "Résidentielle LED")


@dataclass(frozen=True)
class Town:
    """Where a commune's streets begin, and where its main street leads (degrees from north).

    `calendars`: of its middle, of the rest. Source of the positions: GeoNames town points.
    """

    insee: str
    lat: float
    lon: float
    bearing_deg: float
    calendars: tuple[str, str]
    equipped_on: date


TOWNS = (
    Town("88383", 48.0175, 6.5882, 35, ("remiremont-centre", "remiremont"), date(2024, 3, 4)),
    Town("88429", 48.0517, 6.5825, 345, ("saint-nabord", "saint-nabord"), date(2024, 3, 18)),
    Town("88487", 47.9258, 6.4836, 150, ("le-val-d-ajol", "le-val-d-ajol"), date(2024, 4, 8)),
    Town("88415", 48.0229, 6.6087, 60, ("saint-etienne", "saint-etienne"), date(2024, 4, 22)),
    Town("88158", 48.0979, 6.6065, 340, ("eloyes", "eloyes"), date(2024, 5, 6)),
    Town("88409", 48.0239, 6.6642, 100, ("saint-ame", "saint-ame"), date(2024, 5, 21)),
    Town("88148", 47.9990, 6.6405, 150, ("dommartin", "dommartin"), date(2024, 6, 3)),
    Town("88351", 47.9634, 6.4576, 55, ("plombieres-centre", "plombieres"), date(2024, 6, 17)),
    Town("88498", 47.9780, 6.6365, 140, ("vecoux", "vecoux"), date(2024, 6, 24)),
    Town("88205", 47.9547, 6.5619, 20, ("girmont", "girmont"), date(2024, 7, 1)),
    Town("55043", 49.1786, 5.3719, 110, ("belleville-centre", "belleville"), date(2024, 9, 9)),
    Town("51237", 48.7323, 3.5616, 80, ("esternay", "esternay"), date(2024, 9, 23)),
)


@dataclass
class Pole:
    """A lamp's place: metres east and north of the town's centre; rank of its street: main, side, lane."""

    x: float
    y: float
    rank: int
    circuit: int = 0


class Ground:
    """What a town is built on: its commune's outline, in metres around the centre."""

    def __init__(self, town: Town) -> None:
        self._town = town
        self._metres_lat = 111_195.0
        self._metres_lon = self._metres_lat * math.cos(math.radians(town.lat))

    def position(self, x: float, y: float) -> tuple[float, float]:
        """lat, lon to about a metre."""
        town = self._town
        return round(town.lat + y / self._metres_lat, 5), round(town.lon + x / self._metres_lon, 5)

    def contains(self, x: float, y: float) -> bool:
        return geography.outside_km(self._town.insee, *self.position(x, y)) == 0.0


def grow(town: Town, count: int, rng: Random) -> list[Pole]:
    """`count` poles along streets that branch off the main one, and off each other, until there are enough."""
    ground = Ground(town)
    poles: list[Pole] = []
    near: dict[tuple[int, int], list[Pole]] = {}
    half_length = 180 + 30 * math.sqrt(count)
    streets = deque((0.0, 0.0, town.bearing_deg + turn, 0, half_length) for turn in (0, 180))
    while len(poles) < count:
        if not streets:  # the town is full: it grows outwards from one of its last streets
            edge = poles[len(poles) - 1 - int(rng.random() * min(40, len(poles)))]
            streets.append((edge.x, edge.y, rng.random() * 360, 2, 400.0))
        x, y, bearing, rank, length = streets.popleft()
        for step in range(1, int(length / SPACING_M) + 1):
            bearing += (rng.random() - 0.5) * (6, 12, 20)[rank]
            x += SPACING_M * math.sin(math.radians(bearing))
            y += SPACING_M * math.cos(math.radians(bearing))
            side = HALF_WIDTH_M[rank] * (1 if step % 2 else -1)
            pole = Pole(x + side * math.cos(math.radians(bearing)), y - side * math.sin(math.radians(bearing)), rank)
            if not ground.contains(pole.x, pole.y) or _crowded(pole, near):
                break
            poles.append(pole)
            near.setdefault(_cell(pole), []).append(pole)
            if len(poles) == count:
                break
            if step % 4 == 0 or rng.random() < 0.06:
                turn = (90 if rng.random() < 0.5 else -90) + (rng.random() - 0.5) * 40
                streets.append((x, y, bearing + turn, min(rank + 1, 2), length * (0.35 + 0.4 * rng.random())))
    return poles


def _cell(pole: Pole) -> tuple[int, int]:
    return math.floor(pole.x / CLEARANCE_M), math.floor(pole.y / CLEARANCE_M)


def _crowded(pole: Pole, near: dict[tuple[int, int], list[Pole]]) -> bool:
    column, row = _cell(pole)
    around = (near.get((column + i, row + j), ()) for i in (-1, 0, 1) for j in (-1, 0, 1))
    return any(math.hypot(pole.x - other.x, pole.y - other.y) < CLEARANCE_M for group in around for other in group)


def wire(poles: list[Pole]) -> list[list[Pole]]:
    """The poles by circuit: neighbours together, the circuit of the middle first."""

    def split(part: list[Pole], circuits: int) -> Iterator[list[Pole]]:
        if circuits == 1:
            yield part
            return
        wide = max(p.x for p in part) - min(p.x for p in part) > max(p.y for p in part) - min(p.y for p in part)
        ordered = sorted(part, key=lambda p: (p.x, p.y) if wide else (p.y, p.x))
        at = len(part) * (circuits // 2) // circuits
        yield from split(ordered[:at], circuits // 2)
        yield from split(ordered[at:], circuits - circuits // 2)

    circuits = list(split(poles, math.ceil(len(poles) / LAMPS_PER_CIRCUIT)))
    circuits.sort(key=lambda part: math.hypot(sum(p.x for p in part) / len(part), sum(p.y for p in part) / len(part)))
    return circuits


def share_out(fleet: int, inhabitants: list[int]) -> list[int]:
    """The fleet in proportion to inhabitants, at least LEAST each, no more than there are lamps."""
    return [
        min(round(count * LAMPS_PER_INHABITANT), max(LEAST, round(fleet * count / sum(inhabitants))))
        for count in inhabitants
    ]


@dataclass
class Tables:
    """The rows of the four files."""

    assets: list[str]
    circuits: list[str]
    devices: list[str]
    assignments: list[tuple[datetime, str]]


def build(seed: int = SEED, fleet: int = FLEET) -> dict[str, str]:
    """The text of each file by its name."""
    tables = Tables(
        ["id,kind,commune,lat,lon,circuit,rated_power_w,colour_temperature_k,luminaire,installed_on"],
        ["id,cabinet,supply,calendar"],
        ["dev_eui,profile,state"],
        [],
    )
    inhabitants = [geography.official()[town.insee].population for town in TOWNS]
    numbers = 0
    for town, people, equipped in zip(TOWNS, inhabitants, share_out(fleet, inhabitants), strict=True):
        lamps = round(people * LAMPS_PER_INHABITANT)
        _declare(tables, town, lamps, equipped, FIRST_DEV_EUI + numbers, Random(f"{seed} {town.insee}"))  # noqa: S311
        numbers += lamps
    tables.devices += [f"{SPARE_DEV_EUI + number:016x},nas-ul20xx,stock" for number in range(2, STOCK + 2)]
    tables.assignments.sort()
    return {
        "assets.csv": "\n".join([*tables.assets, ""]),
        "circuits.csv": "\n".join([*tables.circuits, ""]),
        "devices.csv": "\n".join([*tables.devices, ""]),
        "assignments.csv": "\n".join(["dev_eui,asset,from,to", *(row for _, row in tables.assignments), ""]),
    }


def _declare(tables: Tables, town: Town, lamps: int, equipped: int, first_eui: int, rng: Random) -> None:
    """One commune: its cabinets and circuits, its equipped lamps with their controllers."""
    ground, number = Ground(town), 0
    chosen = {(2 * i + 1) * lamps // (2 * equipped) for i in range(equipped)}
    fitted = _fitting_times(town.equipped_on, Random(f"{town.insee} fitting"))  # noqa: S311
    circuits = wire(grow(town, lamps, rng))
    for index, poles in enumerate(circuits, 1):
        circuit, cabinet = f"{town.insee}-cir-{index:02}", f"{town.insee}-cab-{index:02}"
        middle_x, middle_y = sum(p.x for p in poles) / len(poles), sum(p.y for p in poles) / len(poles)
        foot = min(poles, key=lambda p: (math.hypot(p.x - middle_x, p.y - middle_y), p.x))
        lat, lon = ground.position(foot.x + 3, foot.y - 3)
        renewed_on = date(2015, 3, 2) + timedelta(days=round(rng.random() * 3200))
        central = index <= max(1, len(circuits) // 6)
        supply = "permanent" if rng.random() < 0.45 else "switched"
        tables.assets.append(f"{cabinet},cabinet,{town.insee},{lat:.5f},{lon:.5f},,,,,")
        tables.circuits.append(f"{circuit},{cabinet},{supply},{town.calendars[0 if central else 1]}")
        powers_w = [rank[int(rng.random() * len(rank))] for rank in POWERS_W]
        kelvin = _colour_temperature_k(renewed_on, rng)
        for pole in poles:
            if number in chosen:
                lamp = f"{town.insee}-lamp-{number + 1:04}"
                lat, lon = ground.position(pole.x, pole.y)
                luminaire = f"{LUMINAIRES[pole.rank]} {powers_w[pole.rank]} W"
                place = f"{lamp},lamp,{town.insee},{lat:.5f},{lon:.5f},{circuit}"
                tables.assets.append(f"{place},{powers_w[pole.rank]},{kelvin},{luminaire},{renewed_on}")
                _equip(tables, lamp, first_eui + number, next(fitted))
            number += 1


def _colour_temperature_k(renewed_on: date, rng: Random) -> int:
    """Mostly 3000 K; 2700 K more and more; 4000 K only before the arrêté of 27 December 2018 took effect."""
    chance = rng.random()
    if renewed_on < date(2019, 1, 1):
        return 4000 if chance < 0.3 else 3000
    return 2700 if chance < 0.4 else 3000


def _fitting_times(first: date, rng: Random) -> Iterator[datetime]:
    """When a technician was ready with each lamp: working days, from 8:30 to noon and from 13:30 to 16:30."""
    day = first
    while True:
        for start, end in (("08:30", "12:00"), ("13:30", "16:30")):
            at = datetime.fromisoformat(f"{day} {start}").replace(tzinfo=PARIS)
            until = datetime.fromisoformat(f"{day} {end}").replace(tzinfo=PARIS)
            while (at := at + timedelta(minutes=8 + round(rng.random() * 10))) < until:
                yield at
        day += timedelta(days=3 if day.weekday() == 4 else 1)


def _equip(tables: Tables, lamp: str, dev_eui: int, at: datetime) -> None:
    """The controller of a lamp; one was struck by lightning and swapped, one is being repaired in place."""
    state, until = "installed", ""
    if lamp == SWAPPED_LAMP:
        state, until = "retired", SWAPPED_AT.isoformat()
        tables.devices.append(f"{SPARE_DEV_EUI + 1:016x},nas-ul20xx,installed")
        tables.assignments.append((SWAPPED_AT, f"{SPARE_DEV_EUI + 1:016x},{lamp},{until},"))
    elif lamp == FAULTY_LAMP:
        state = "maintenance"
    tables.devices.append(f"{dev_eui:016x},nas-ul20xx,{state}")
    tables.assignments.append((at, f"{dev_eui:016x},{lamp},{at.isoformat()},{until}"))


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "grand-est"
    for name, text in build().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
