"""Bins with a level sensor: drop-off containers at a few places of each town, litter bins along its main streets.

Source of their number: one for 165 inhabitants (an estimate; Montbéliard equips 1,445 in one agglomeration).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random

from territories.generating.fitting import PARIS, fitting_times
from territories.generating.names import PLACES
from territories.generating.sensors import Sensors
from territories.generating.streets import HALF_WIDTH_M, Pole, foot, quarters
from territories.generating.tables import Tables
from territories.generating.towns import TOWNS, Town, share_out

FLEET = 205
LITTER_SHARE = 0.35
CONTAINERS_PER_PLACE = 2.6
LARGE_TOWN = 18  # bins: from so many on, two places are buried, and used oil has a tank
EM400, DF702 = "milesight-em400-mud", "dingtek-df702"
FIRST_DEV_EUI = {EM400: 0x24E1_247B_6D00_0000, DF702: 0x8CF9_5720_0001_0000}  # a block of each maker
BLIND_MM = {EM400: 30, DF702: 200}  # nothing is seen nearer to the sensor
STOCK = {EM400: 3, DF702: 2}
SWAPPED_BIN, SWAPPED_AT = "88383-bin-004", datetime(2025, 11, 18, 9, 40, tzinfo=PARIS)  # fouled; cleaned since
BURNT_BIN, REPLACED_AT = "55043-bin-002", datetime(2026, 1, 5, 14, 10, tzinfo=PARIS)  # burnt in the night of New Year
KERB_M = 4.5  # from the edge of the street to the containers
GAP_M = 3.0  # from one container to the next
AWAY_M = 6.0  # from any lamp
LITTER_APART_M = 60.0


@dataclass(frozen=True)
class Model:
    """What a bin is, by its inside: `heights_mm` are those on the market."""

    shape: str
    heights_mm: tuple[int, ...]
    profile: str


LITTER = Model("upright", (700, 750, 800, 850, 900), EM400)
GLASS, PAPER, PACKAGING = (
    Model("upright", (1500, 1600), EM400),
    Model("upright", (1700, 1850), DF702),
    Model("upright", (1850, 2000), DF702),
)
BURIED_GLASS, BURIED_PAPER, BURIED_PACKAGING = (
    Model("upright", (2300, 2450), EM400),
    Model("upright", (2450, 2600), DF702),
    Model("upright", (2450, 2600), DF702),
)
OIL_TANK = Model("lying", (1200, 1350, 1500), DF702)


@dataclass(frozen=True)
class Bin:
    model: Model
    x: float
    y: float
    street: str
    installed_on: date


def declare_bins(tables: Tables, towns: Sequence[Sequence[Pole]], seed: int) -> None:
    """The bins of all towns, whose poles are given in the order of TOWNS; one team goes from town to town."""
    fitted = fitting_times(date(2025, 2, 3), Random(f"{seed} bins fitting"), minutes=(20, 40))  # noqa: S311
    sensors = {profile: Sensors(tables, profile, first, fitted) for profile, first in FIRST_DEV_EUI.items()}
    for town, poles, count in zip(TOWNS, towns, share_out(FLEET), strict=True):
        rng = Random(f"{seed} {town.insee} bins")  # noqa: S311
        for number, one in enumerate(_bins_of(town, poles, count, rng), 1):
            ident, profile = f"{town.insee}-bin-{number:03}", one.model.profile
            height_mm = rng.choice(one.model.heights_mm)
            tables.add_asset(
                ident,
                "bin",
                town.position(one.x, one.y),
                one.street,
                geometry=f"shape={one.model.shape} height_mm={height_mm} blind_mm={BLIND_MM[profile]}",
                installed_on=one.installed_on,
            )
            if ident == SWAPPED_BIN:
                sensors[profile].fit_and_swap(ident, SWAPPED_AT, old="stock")
            elif ident == BURNT_BIN:
                sensors[profile].fit_and_swap(ident, REPLACED_AT, old="retired")
            else:
                sensors[profile].fit(ident)
    for profile, count in STOCK.items():
        sensors[profile].stock(count)


def _bins_of(town: Town, poles: Sequence[Pole], count: int, rng: Random) -> list[Bin]:
    litter = round(LITTER_SHARE * count)
    tanks = 1 if count >= LARGE_TOWN else 0
    containers = count - litter - tanks
    places = _places(town, poles, max(1, round(containers / CONTAINERS_PER_PLACE)))
    found: list[Bin] = []
    for index, (pole, name) in enumerate(places):
        here = (containers * (index + 1)) // len(places) - (containers * index) // len(places)
        models = [GLASS, PAPER, PACKAGING]
        if count >= LARGE_TOWN and index < 2:
            models = [BURIED_GLASS, BURIED_PAPER, BURIED_PACKAGING]
        models = models[:here] + ([OIL_TANK] * tanks if index == len(places) - 1 else [])
        since = date(2014, 4, 7) + timedelta(days=round(rng.random() * 3400))
        for at, model in enumerate(models):
            found.append(Bin(model, *_beside(pole, at), name, since))
    beside_places = [Bin(LITTER, *_beside(pole, -1), name, _renewed(rng)) for pole, name in places[: litter // 3]]
    along = _along_main_streets(town, poles, litter - len(beside_places))
    return [*found, *beside_places, *(Bin(LITTER, x, y, name, _renewed(rng)) for x, y, name in along)]


def _places(town: Town, poles: Sequence[Pole], count: int) -> list[tuple[Pole, str]]:
    """Where containers stand, from the middle outwards, at a pole of each quarter, on a wide street; their address."""
    places = []
    for index, quarter in enumerate(quarters(poles, count)):
        centre = foot(quarter)
        nearest = sorted(quarter, key=lambda one: (one.rank == 2, math.hypot(one.x - centre.x, one.y - centre.y)))
        pole = next(one for one in nearest if _has_room(town, one, poles))
        places.append((pole, PLACES[index] if index < len(PLACES) else pole.street.name))
    return places


def _has_room(town: Town, pole: Pole, poles: Sequence[Pole]) -> bool:
    spots = [_beside(pole, at) for at in (-1, 0, 1, 2, 3)]
    return all(town.contains(x, y) for x, y in spots) and not any(
        math.hypot(x - other.x, y - other.y) < AWAY_M for x, y in spots for other in poles if other is not pole
    )


def _beside(pole: Pole, at: int) -> tuple[float, float]:
    return pole.beside(4.0 + GAP_M * at, HALF_WIDTH_M[pole.rank] + KERB_M)


def _along_main_streets(town: Town, poles: Sequence[Pole], count: int) -> list[tuple[float, float, str]]:
    """Beside lamps, from the middle outwards, never two close together."""
    found: list[tuple[float, float, str]] = []
    for pole in sorted(poles, key=lambda one: (one.rank == 2, one.from_middle_m)):
        if len(found) == count:
            break
        x, y = pole.beside(1.8, HALF_WIDTH_M[pole.rank] + 0.4)
        near = any(math.hypot(x - other_x, y - other_y) < LITTER_APART_M for other_x, other_y, _ in found)
        if not near and town.contains(x, y):
            found.append((x, y, pole.street.name))
    return found


def _renewed(rng: Random) -> date:
    return date(2017, 5, 2) + timedelta(days=round(rng.random() * 2600))
