"""How full a bin is: the distance to its content and its geometry → percent, in this one place.

The geometry is the territory's: `height_mm` from the sensor to the bottom, and `blind_mm` below the sensor, where it
cannot measure and above which it is mounted, so that a full bin reaches the end of the blind zone and no further.
0 % is the bottom, 100 % the end of the blind zone; a distance within it means full.

- Upright (the same section at every height): linear in the distance.
- Lying cylinder (its diameter is `height_mm − blind_mm`): the share of the circle below the level. Half the distance
  is 50 %; the first tenth of the depth holds 5 % of the volume.
"""

import math

from core.territory.model import Geometry, Shape

_BEYOND_BOTTOM = 1.05
"""How far beyond the bottom is still the bottom. A sheet or plastic bottom bends under use, the floor of a container
is ribbed, the height was measured with a tape, and an echo at a slant is longer: a few percent. Beyond that the sensor
sees past the bin (lid open, bin tipped or taken away, another bin's geometry): a distance, and no fill."""


def fill_pct(distance_mm: float, geometry: Geometry) -> float | None:
    """Percent of the bin that is full, 0 to 100; falls as the distance grows.

    None where the distance says nothing about the content: negative, not a number, more than 5 % beyond the bottom,
    or a geometry whose blind zone reaches the bottom.
    """
    depth_mm = geometry.height_mm - geometry.blind_mm
    if depth_mm <= 0 or not 0 <= distance_mm <= geometry.height_mm * _BEYOND_BOTTOM:
        return None
    level = min(1.0, max(0.0, (geometry.height_mm - distance_mm) / depth_mm))
    match geometry.shape:
        case Shape.UPRIGHT:
            share = level
        case Shape.LYING:
            share = _below_level(level)
    return 100.0 * share


def _below_level(level: float) -> float:
    """The share of a circle's area below a level, both 0 to 1: the circular segment (r = 1, depth 2 × level)."""
    above_centre = 2 * level - 1
    segment = math.acos(-above_centre) + above_centre * math.sqrt(max(0.0, 1 - above_centre**2))
    return min(1.0, max(0.0, segment / math.pi))
