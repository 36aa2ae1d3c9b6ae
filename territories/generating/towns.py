"""The twelve towns: where their streets begin, what they are built on, their share of a total."""

import math
from dataclasses import dataclass
from datetime import date

from core.territory import geography

METRES_PER_DEGREE = 111_195.0  # of latitude; mean Earth radius 6,371 km


@dataclass(frozen=True)
class Town:
    """Where a commune's streets begin, and where its main street leads (degrees from north).

    `calendars`: of its middle, of the rest. `equipped_on`: the first day its lamps got their controllers.
    Source of the positions: GeoNames town points.
    """

    insee: str
    lat: float
    lon: float
    bearing_deg: float
    calendars: tuple[str, str]
    equipped_on: date

    @property
    def inhabitants(self) -> int:
        return geography.official()[self.insee].population

    def position(self, x: float, y: float) -> tuple[float, float]:
        """lat, lon, to about a metre, of a point `x` metres east and `y` north of where the streets begin."""
        metres_lon = METRES_PER_DEGREE * math.cos(math.radians(self.lat))
        return round(self.lat + y / METRES_PER_DEGREE, 5), round(self.lon + x / metres_lon, 5)

    def contains(self, x: float, y: float) -> bool:
        """The point lies inside the commune's outline."""
        return geography.outside_km(self.insee, *self.position(x, y)) == 0.0


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


def share_out(total: int) -> list[int]:
    """A whole number for each town, in proportion to its inhabitants; their sum is the total."""
    inhabitants = [town.inhabitants for town in TOWNS]
    exact = [total * people / sum(inhabitants) for people in inhabitants]
    shares = [int(share) for share in exact]
    by_remainder = sorted(range(len(TOWNS)), key=lambda index: shares[index] - exact[index])
    for index in by_remainder[: total - sum(shares)]:
        shares[index] += 1
    return shares
