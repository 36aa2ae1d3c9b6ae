"""Where communes are: the official list of the Grand Est, and the outlines we have. Read when first needed."""

import csv
import math
from functools import lru_cache
from importlib import resources
from itertools import pairwise
from typing import NamedTuple

import msgspec

OUTLINE_TOLERANCE_KM = 0.5  # the outlines are drawn with fewer points than the cadastre's
CENTRE_TOLERANCE_KM = 15.0  # the largest communes reach about 12 km from their centre
Ring = list[tuple[float, float]]  # lon, lat
_Segment = tuple[float, float, float, float]  # lon, lat of one end, then of the other
_BANDS_PER_DEGREE = 500  # about 220 m each
_KM_PER_DEGREE = 111.195  # of latitude; mean Earth radius 6,371 km


class Official(NamedTuple):
    """A commune as INSEE knows it; lat, lon: the centre of its outline (WGS 84)."""

    insee: str
    name: str
    population: int
    lat: float
    lon: float
    postal_codes: tuple[str, ...]


class _Geometry(msgspec.Struct):
    type: str
    coordinates: list[Ring]


class _Feature(msgspec.Struct):
    properties: dict[str, str]
    geometry: _Geometry


class _Collection(msgspec.Struct):
    features: list[_Feature]


@lru_cache(maxsize=1)
def official() -> dict[str, Official]:
    """The 5,115 communes of the Grand Est by INSEE code. Source: core/territory/README.md."""
    with resources.files("core.territory").joinpath("communes-grand-est.csv").open(encoding="utf-8") as lines:
        rows = csv.reader(lines)
        next(rows)
        return {
            insee: Official(insee, name, int(population), float(lat), float(lon), tuple(postal_codes.split()))
            for insee, name, _, _, _, postal_codes, population, lat, lon in rows
        }


def suggest(written: str) -> str:
    """The INSEE codes that were probably meant by a postal code or a name."""
    word = written.casefold()
    meant = [c for c in official().values() if written in c.postal_codes or word == c.name.casefold()]
    if meant:
        codes = ", ".join(f"{commune.name} is {commune.insee}" for commune in meant[:10])
        return f"{codes}, …" if len(meant) > 10 else codes
    return "the INSEE code of a commune is not its postal code: Remiremont (88200) is 88383"


@lru_cache(maxsize=1)
def outlines() -> dict[str, list[Ring]]:
    """Outlines (outer ring first) of the communes for which we ship one."""
    text = resources.files("core.territory").joinpath("outlines.geojson").read_bytes()
    features = msgspec.json.decode(text, type=_Collection).features
    return {feature.properties["insee"]: feature.geometry.coordinates for feature in features}


def distance_km(lat: float, lon: float, lat2: float, lon2: float) -> float:
    """Between two points, on the sphere (haversine)."""
    a, b = math.radians(lat), math.radians(lat2)
    h = math.sin((b - a) / 2) ** 2 + math.cos(a) * math.cos(b) * math.sin(math.radians(lon2 - lon) / 2) ** 2
    return 2 * 6371.0 * math.asin(math.sqrt(h))


def outside_km(insee: str, lat: float, lon: float) -> float | None:
    """How far (km) a point lies outside the outline of a commune, 0 inside; None where we have no outline."""
    rings = outlines().get(insee)
    if rings is None:
        return None
    if _is_inside(insee, lat, lon):
        return 0.0
    return min(_ring_distance_km(ring, lat, lon) for ring in rings)


def _is_inside(insee: str, lat: float, lon: float) -> bool:
    """Even-odd rule: a ray to the east crosses the rings, holes and all, an odd number of times."""
    inside = False
    for lon1, lat1, lon2, lat2 in _segments(insee).get(math.floor(lat * _BANDS_PER_DEGREE), ()):
        if (lat1 > lat) != (lat2 > lat) and lon < lon1 + (lat - lat1) / (lat2 - lat1) * (lon2 - lon1):
            inside = not inside
    return inside


@lru_cache(maxsize=16)
def _segments(insee: str) -> dict[int, list[_Segment]]:
    """The outline's segments by the bands of latitude they touch: a territory asks for each of its assets."""
    bands: dict[int, list[_Segment]] = {}
    for ring in outlines()[insee]:
        for (lon1, lat1), (lon2, lat2) in pairwise([*ring, ring[0]]):
            low, high = sorted((lat1, lat2))
            for band in range(math.floor(low * _BANDS_PER_DEGREE), math.floor(high * _BANDS_PER_DEGREE) + 1):
                bands.setdefault(band, []).append((lon1, lat1, lon2, lat2))
    return bands


def _ring_distance_km(ring: Ring, lat: float, lon: float) -> float:
    """To the nearest segment, on a plane tangent at the point: exact enough below 100 km."""
    east = _KM_PER_DEGREE * math.cos(math.radians(lat))
    plane = [((x - lon) * east, (y - lat) * _KM_PER_DEGREE) for x, y in ring]
    return min(_segment_distance(*a, *b) for a, b in pairwise(plane))


def _segment_distance(x1: float, y1: float, x2: float, y2: float) -> float:
    """From the origin to a segment."""
    dx, dy = x2 - x1, y2 - y1
    length2 = dx * dx + dy * dy
    t = 0.0 if length2 == 0 else max(0.0, min(1.0, -(x1 * dx + y1 * dy) / length2))
    return math.hypot(x1 + t * dx, y1 + t * dy)


def of_no_tenant(insee: str) -> tuple[str, str, str]:
    """Code, sentence and hint for a commune that no tenant has."""
    if insee in official():
        message, hint = f"no tenant has the commune {insee}", "add it to the communes of a tenant in territory.toml"
        return "territory.commune_of_no_tenant", message, hint
    message = f"no commune of the Grand Est has the INSEE code {insee}"
    return "territory.unknown_commune", message, suggest(insee)


def stray(insee: str, lat: float, lon: float) -> tuple[str, str, str] | None:
    """Code, sentence and hint for a point far outside its commune: its outline, else around its centre."""
    commune = official().get(insee)
    if commune is None:
        return None
    outside = outside_km(insee, lat, lon)
    limit, km, where = OUTLINE_TOLERANCE_KM, outside, "outside"
    if km is None:
        limit, km, where = CENTRE_TOLERANCE_KM, distance_km(lat, lon, commune.lat, commune.lon), "from the centre of"
    if km <= limit:
        return None
    swapped = distance_km(lon, lat, commune.lat, commune.lon) <= CENTRE_TOLERANCE_KM
    hint = "lat and lon look swapped" if swapped else "check lat, lon and commune"
    return "territory.far", f"the point is {km:.1f} km {where} {commune.name} ({insee})", hint
