"""Lamps on their circuits, with cabinets and controllers.

Source of the ratios: 0.165 lamps an inhabitant, one cabinet for about 40 lamps (AFE; CC Pays-Haut Val d'Alzette).
"""

import math
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from random import Random

from territories.generating.fitting import PARIS, fitting_times
from territories.generating.streets import Pole, foot, quarters
from territories.generating.tables import Tables
from territories.generating.towns import TOWNS, Town

LEAST = 8  # controllers in a commune, however small
LAMPS_PER_INHABITANT = 0.165
LAMPS_PER_CIRCUIT = 40
LAMPS_PER_TEAM = 350
FIRST_DEV_EUI = 0x70B3_D549_9010_0000  # a block of the lamp controllers' maker; one number a lamp, equipped or not
SPARE_DEV_EUI = 0x70B3_D549_90F0_0000  # bought later: stock, replacements
STOCK = 6
PROFILE = "nas-ul20xx"
SWAPPED_LAMP, SWAPPED_AT = "88383-lamp-0007", datetime(2025, 6, 24, 10, 20, tzinfo=PARIS)  # struck by lightning
FAULTY_LAMP = "88429-lamp-0020"  # its controller is being repaired in place

POWERS_W = ((60, 54, 48), (40, 36, 32), (28, 24, 20))  # by rank of the street
LUMINAIRES = ("Routière LED", "Urbaine LED", "Résidentielle LED")


def lamps_of(town: Town) -> int:
    return round(town.inhabitants * LAMPS_PER_INHABITANT)


def share_out_controllers(fleet: int) -> list[int]:
    """The fleet in proportion to inhabitants, at least LEAST each, no more than there are lamps."""
    everybody = sum(town.inhabitants for town in TOWNS)
    return [min(lamps_of(town), max(LEAST, round(fleet * town.inhabitants / everybody))) for town in TOWNS]


def declare_lamps(
    tables: Tables, town: Town, poles: Sequence[Pole], *, equipped: int, first_eui: int, rng: Random
) -> None:
    """One commune: its cabinets and circuits, its equipped lamps with their controllers.

    Args:
        equipped: so many of the lamps, spread over all the streets.
        first_eui: of the first lamp, whether it is equipped or not.
        rng: the town's own, after its streets have grown.
    """
    number = 0
    chosen = {(2 * i + 1) * len(poles) // (2 * equipped) for i in range(equipped)}
    teams = [_team(town, number) for number in range(math.ceil(equipped / LAMPS_PER_TEAM))]
    circuits = quarters(poles, math.ceil(len(poles) / LAMPS_PER_CIRCUIT))
    for index, part in enumerate(circuits, 1):
        circuit, cabinet = f"{town.insee}-cir-{index:02}", f"{town.insee}-cab-{index:02}"
        pole = foot(part)
        renewed_on = date(2015, 3, 2) + timedelta(days=round(rng.random() * 3200))
        central = index <= max(1, len(circuits) // 6)
        supply = "permanent" if rng.random() < 0.45 else "switched"
        tables.add_asset(cabinet, "cabinet", town.position(pole.x + 3, pole.y - 3), pole.street.name)
        tables.add_circuit(circuit, cabinet, supply, town.calendars[0 if central else 1])
        powers_w = [rank[int(rng.random() * len(rank))] for rank in POWERS_W]
        kelvin = _colour_temperature_k(renewed_on, rng)
        for pole in part:
            if number in chosen:
                lamp = f"{town.insee}-lamp-{number + 1:04}"
                tables.add_asset(
                    lamp,
                    "lamp",
                    town.position(pole.x, pole.y),
                    pole.street.name,
                    circuit=circuit,
                    rated_power_w=powers_w[pole.rank],
                    colour_temperature_k=kelvin,
                    luminaire=f"{LUMINAIRES[pole.rank]} {powers_w[pole.rank]} W",
                    installed_on=renewed_on,
                )
                _equip(tables, lamp, first_eui + number, next(teams[index % len(teams)]))
            number += 1


def declare_spare_controllers(tables: Tables) -> None:
    for number in range(2, STOCK + 2):
        tables.add_device(SPARE_DEV_EUI + number, PROFILE, "stock")


def _team(town: Town, number: int) -> Iterator[datetime]:
    return fitting_times(town.equipped_on, Random(f"{town.insee} fitting {number}"), minutes=(8, 18))  # noqa: S311


def _colour_temperature_k(renewed_on: date, rng: Random) -> int:
    """Mostly 3000 K; 2700 K more and more; 4000 K only before the arrêté of 27 December 2018 took effect."""
    chance = rng.random()
    if renewed_on < date(2019, 1, 1):
        return 4000 if chance < 0.3 else 3000
    return 2700 if chance < 0.4 else 3000


def _equip(tables: Tables, lamp: str, dev_eui: int, at: datetime) -> None:
    """The controller of a lamp."""
    if lamp == SWAPPED_LAMP:
        new_eui = SPARE_DEV_EUI + 1
        tables.add_device(new_eui, PROFILE)
        tables.assign(new_eui, lamp, SWAPPED_AT)
        tables.add_device(dev_eui, PROFILE, "retired")
        tables.assign(dev_eui, lamp, at, SWAPPED_AT)
        return
    tables.add_device(dev_eui, PROFILE, "maintenance" if lamp == FAULTY_LAMP else "installed")
    tables.assign(dev_eui, lamp, at)
