"""A position as devices send it, or none."""

import math

from decoders.codec import Findings


def add_position(findings: Findings, latitude: float, longitude: float) -> None:
    """Latitude and longitude, degrees; nothing where a device without a fix sends NaN, infinity or 0, 0."""
    if math.isfinite(latitude) and math.isfinite(longitude) and (latitude or longitude):
        findings.add("latitude_deg", latitude)
        findings.add("longitude_deg", longitude)
