"""The sky over a commune: how warm it is."""

from math import cos, pi

_DAY_MS = 86_400_000


def ambient_c(lat: float, at_ms: int) -> float:
    """Air temperature (°C) of a plausible day in Lorraine: season, hour, and fronts that come and go.

    Mean 10 °C at latitude 48, 9 °C either side over the year (warmest 20 July), 4 °C over the day (warmest 15 h
    solar), 3 °C by the weather. Invented climate, repeatable: a function of place and time alone.
    """
    days = at_ms / _DAY_MS
    season = 9.0 * cos(2 * pi * (days % 365.2425 - 200) / 365.2425)
    hour = 4.0 * cos(2 * pi * (days % 1.0 - 0.6))
    fronts = 1.8 * cos(2 * pi * days / 3.7 + lat) + 1.2 * cos(2 * pi * days / 8.3)
    return 10.0 - (lat - 48.0) * 0.7 + season + hour + fronts
