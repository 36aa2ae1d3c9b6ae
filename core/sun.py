"""When the sun sets and rises over a place. Pure; it needs astral, which `[cloud]`, `[page]` and `[simulate]` bring."""

from datetime import UTC, date, timedelta
from functools import lru_cache

from astral import Observer
from astral.sun import sunrise, sunset


@lru_cache(maxsize=4096)
def night_sun_ms(lat: float, lon: float, night: date) -> tuple[int, int]:
    """Sunset of the evening of `night` and sunrise of the morning after it (ms UTC, to the second).

    Source: astral, the sun's upper limb on a level horizon with standard refraction (zenith 90.833°).
    """
    observer = Observer(latitude=lat, longitude=lon)
    evening = sunset(observer, date=night, tzinfo=UTC)
    morning = sunrise(observer, date=night + timedelta(days=1), tzinfo=UTC)
    return round(evening.timestamp()) * 1000, round(morning.timestamp()) * 1000
