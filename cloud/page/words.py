"""How the page says ages, instants and numbers, in French. Pure."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from core.errors import ConfigError

NARROW_SPACE = "\u202f"  # between thousands, and before % and the like
_S, _MIN, _H, _DAY = 1_000, 60_000, 3_600_000, 86_400_000
_DAYS = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
_MONTHS = (
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
)
_SHORT = ("janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc.")


def paris() -> ZoneInfo:
    """The time zone of every hour on the page.

    Raises:
        ConfigError: `page.no_time_zones` on a host without the time zone database.
    """
    try:
        return ZoneInfo("Europe/Paris")
    except ZoneInfoNotFoundError as error:
        raise ConfigError(
            "page.no_time_zones", "this host does not know Europe/Paris", hint="install the package tzdata"
        ) from error


def local(ms: int) -> datetime:
    """An instant (ms UTC) as Paris shows it."""
    return datetime.fromtimestamp(ms / 1000, UTC).astimezone(paris())


def short_moment(ms: int) -> str:
    """`mar. 25 nov. 2025, 18:42`."""
    at = local(ms)
    return f"{_DAYS[at.weekday()][:3]}. {at.day} {_SHORT[at.month - 1]} {at.year}, {at:%H:%M}"


def midnight_ms(ms: int) -> int:
    """The last midnight of Paris (ms UTC)."""
    return round(datetime.combine(local(ms).date(), time(), paris()).timestamp() * 1000)


def hour_of_day(ms: int) -> str:
    """`18:42`."""
    return f"{local(ms):%H:%M}"


def number(value: float, digits: int = 0) -> str:
    """`12 345,6`: decimal comma, thousands apart."""
    return f"{value:,.{digits}f}".replace(",", NARROW_SPACE).replace(".", ",")


def duration(ms: int) -> str:
    """A span in its largest unit, two when the second one matters: `12 s`, `5 min`, `3 h 20`, `4 j`."""
    if ms < _MIN:
        return f"{max(0, ms) // _S} s"
    if ms < _H:
        return f"{ms // _MIN} min"
    if ms < _DAY:
        hours, minutes = ms // _H, ms % _H // _MIN
        return f"{hours} h {minutes:02}" if minutes else f"{hours} h"
    return f"{ms // _DAY} j"


def ago(ms: int) -> str:
    """`il y a 12 s`; what is less than a second old (or ahead of this clock) is `à l'instant`."""
    return "à l’instant" if ms < _S else f"il y a {duration(ms)}"


def moment(ms: int) -> str:
    """`mardi 25 novembre 2025, 18:42`."""
    at = local(ms)
    first = "1er" if at.day == 1 else str(at.day)
    return f"{_DAYS[at.weekday()]} {first} {_MONTHS[at.month - 1]} {at.year}, {at:%H:%M}"


def plural(count: int, one: str, many: str) -> str:
    """`1 lampadaire`, `12 lampadaires`; zero is singular in French."""
    return f"{number(count)} {one if count < 2 else many}"
