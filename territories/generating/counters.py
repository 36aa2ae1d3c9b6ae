"""Traffic radars, solar powered, beside the road: where it enters a town, in its middle, on its longest streets.

Source of their number: one a commune, and one for 1,500 inhabitants (an estimate).
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from random import Random

from core.territory import geography
from territories.generating.fitting import fitting_times
from territories.generating.sensors import Sensors
from territories.generating.streets import HALF_WIDTH_M, Pole, Street, streets_of
from territories.generating.tables import Tables
from territories.generating.towns import TOWNS, Town

INHABITANTS_PER_COUNTER = 1500
PMX, PARAMETRIC = "pmx-tcr", "parametric-tcr"
FIRST_DEV_EUI = {PMX: 0x70B3_D5E7_5A00_0000, PARAMETRIC: 0x0004_A30B_0100_0000}  # a block of each maker
STOCK = {PMX: 1, PARAMETRIC: 1}
POST_M = 1.5  # from the edge of the street
MIDDLE_M = 60.0  # the one in the middle of a town stands about so far from where its streets begin
APPROACHES = ((330.0, 80), (150.0, 70), (-20.0, 50))  # metres beyond the last lamp, speed limit there (km/h)
OPEN_M = 90.0  # from any lamp, outside a built-up area
NEXT_KM = (1.5, 15.0)  # how far the commune lies to which a road leads


@dataclass(frozen=True)
class Post:
    x: float
    y: float
    street: str
    speed_limit_kmh: int


def counters_of(town: Town) -> int:
    return 1 + round(town.inhabitants / INHABITANTS_PER_COUNTER)


def declare_counters(tables: Tables, towns: Sequence[Sequence[Pole]], seed: int) -> None:
    """The counters of all towns, whose poles are given in the order of TOWNS; one team goes from town to town."""
    fitted = fitting_times(date(2025, 5, 12), Random(f"{seed} counters fitting"), minutes=(70, 120))  # noqa: S311
    sensors = {profile: Sensors(tables, profile, first, fitted) for profile, first in FIRST_DEV_EUI.items()}
    total = 0
    for town, poles in zip(TOWNS, towns, strict=True):
        rng = Random(f"{seed} {town.insee} counters")  # noqa: S311
        posts = _posts(town, poles, rng)
        for number in range(1, counters_of(town) + 1):
            ident, post, profile = f"{town.insee}-counter-{number:02}", next(posts), (PMX, PARAMETRIC)[total % 2]
            fitted_at = sensors[profile].fit(ident)
            tables.add_asset(
                ident,
                "counter",
                town.position(post.x, post.y),
                post.street,
                installed_on=fitted_at.date(),
                speed_limit_kmh=post.speed_limit_kmh,
            )
            total += 1
    for profile, count in STOCK.items():
        sensors[profile].stock(count)


def _posts(town: Town, poles: Sequence[Pole], rng: Random) -> Iterator[Post]:
    """Both ends of the main street, its middle, then the streets that lead farthest out."""
    streets = [street for street in streets_of(poles) if street.poles]
    mains = [street for street in streets if street.rank == 0]
    for street in mains:
        yield _entrance(town, street, poles, rng)
    pole = min(mains[0].poles, key=lambda one: abs(one.from_middle_m - MIDDLE_M))
    x, y = pole.beside(3.0, HALF_WIDTH_M[0] + POST_M)
    yield Post(x, y, pole.street.name, 30)
    outwards = sorted((one for one in streets if one.rank == 1), key=lambda one: -one.poles[-1].from_middle_m)
    for street in outwards:
        yield _entrance(town, street, poles, rng)


def _entrance(town: Town, street: Street, poles: Sequence[Pole], rng: Random) -> Post:
    """Where the street leaves the town, or further out on the open road, while that is in the commune."""
    last = street.poles[-1]
    possible: list[Post] = []
    for beyond_m, limit_kmh in APPROACHES:
        x, y = last.beside(beyond_m, HALF_WIDTH_M[last.rank] + POST_M)
        is_open = all(math.hypot(x - other.x, y - other.y) >= OPEN_M for other in poles)
        if town.contains(x, y) and is_open == (beyond_m > 0):
            possible.append(Post(x, y, "" if is_open else street.name, limit_kmh))
    post = rng.choice(possible)
    return post if post.street else replace(post, street=_road(town, post))


def _road(town: Town, post: Post) -> str:
    """A road out of town has the name of the commune that lies most nearly ahead."""
    lat, lon = town.position(post.x, post.y)
    ahead = math.atan2(post.x, post.y)

    def detour(km: float, one: geography.Official) -> float:
        """How far off course it lies; 30 km count as one radian."""
        east = (one.lon - lon) * math.cos(math.radians(lat))
        return abs(math.remainder(math.atan2(east, one.lat - lat) - ahead, math.tau)) + km / 30

    around = [
        (geography.distance_km(lat, lon, one.lat, one.lon), one)
        for one in geography.official().values()
        if one.insee != town.insee and abs(one.lat - lat) < 0.15 and abs(one.lon - lon) < 0.25
    ]
    _, nearest = min((detour(km, one), one) for km, one in around if NEXT_KM[0] < km < NEXT_KM[1])
    return f"Route {_of(nearest.name)}"


def _of(commune: str) -> str:
    """« de » before the name of a commune."""
    if commune.startswith(("Le ", "Les ")):
        return f"d{'u' if commune[2] == ' ' else 'es'} {commune.partition(' ')[2]}"
    return f"d'{commune}" if commune[0] in "AEÉIOUY" else f"de {commune}"
