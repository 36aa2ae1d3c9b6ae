"""Texts of the territory's files → values. Each function gives a right value or raises `BadValueError`."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from enum import StrEnum
from typing import TypeVar

from core.errors import UnreadableError
from core.model import parse_eui
from core.territory import geography
from core.territory.faults import close_to, show
from core.topics import SLUG

E = TypeVar("E", bound=StrEnum)

_IDENT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_EUI = re.compile(r"[0-9a-f]{16}")
_INSEE = re.compile(r"[0-9][0-9AB][0-9]{3}")
_CODEC = re.compile(r"[a-z0-9][a-z0-9._-]*(?:@[A-Za-z0-9][A-Za-z0-9._-]*)?")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}(?:\.[0-9]+)?")
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_HOUR = re.compile(r"[0-9]{2}:[0-9]{2}")
_HUGE = 1e15
_FIRST_YEAR, LAST_YEAR = 1900, 2100


class BadValueError(Exception):
    """A value that cannot be read: a code without its `territory.`, a sentence, a hint."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code = f"territory.{code}"
        self.message = message
        self.hint = hint


def text(value: str) -> str:
    """A name: 1 to 200 characters."""
    if not 1 <= len(value) <= 200:
        raise BadValueError("text", f"a text has 1 to 200 characters, not {len(value)}")
    return value


def slug(value: str) -> str:
    """The id of a tenant, site, profile, programme or calendar."""
    if not SLUG.fullmatch(value):
        raise BadValueError("id", f"{show(value)} is not an id", "lower-case letters, digits and dashes: saint-ame")
    return value


def ident(value: str) -> str:
    """The id of an asset or circuit: as on its label."""
    if not _IDENT.fullmatch(value):
        raise BadValueError(
            "id", f"{show(value)} is not an id", "letters, digits, dots, dashes, underscores; 64 at most"
        )
    return value


def eui(value: str) -> str:
    """An EUI as 16 lower-case hex digits."""
    if _EUI.fullmatch(value):
        return value
    try:
        return parse_eui(value)
    except UnreadableError as error:
        raise BadValueError("eui", f"{show(value)} is not an EUI", error.hint) from error


def uuid(value: str) -> str:
    """The id of an application at the network server."""
    lower = value.lower()
    if not _UUID.fullmatch(lower):
        raise BadValueError(
            "uuid", f"{show(value)} is not the id of an application", "as ChirpStack shows it: 8-4-4-4-12 hex digits"
        )
    return lower


def insee(value: str) -> str:
    """An INSEE code by its form; whether there is such a commune is `geography.official`'s."""
    if not _INSEE.fullmatch(value):
        raise BadValueError("insee", f"{show(value)} is not an INSEE code", geography.suggest(value))
    return value


def codec(value: str) -> str:
    """`name@version` (native) or `name@digest` (JavaScript)."""
    if not _CODEC.fullmatch(value):
        raise BadValueError("codec", f"{show(value)} is not a codec", "beffroi codecs list")
    return value


def email(value: str) -> str:
    if not _EMAIL.fullmatch(value):
        raise BadValueError("email", f"{show(value)} is not an e-mail address")
    return value


def within(value: float, low: float, high: float, unit: str = "") -> float:
    """The number when it is in [low, high]; NaN and infinity never are."""
    if not low <= value <= high:
        seen = f"{value:g}" if abs(value) < _HUGE else "the number"
        raise BadValueError("range", f"{seen} is not {low:g} to {high:g}{' ' + unit if unit else ''}")
    return value


def number(low: float, high: float, unit: str = "") -> Callable[[str], float]:
    """A reader of numbers in [low, high]."""

    def read(value: str) -> float:
        if not _NUMBER.fullmatch(value):
            hint = "the decimal sign is a point" if "," in value else ""
            raise BadValueError("number", f"{show(value)} is not a number", hint)
        return within(float(value), low, high, unit)

    return read


def whole(low: int, high: int, unit: str = "") -> Callable[[str], int]:
    """A reader of whole numbers in [low, high]."""

    def read(value: str) -> int:
        if not _WHOLE.fullmatch(value):
            raise BadValueError("number", f"{show(value)} is not a whole number")
        return int(within(int(value), low, high, unit))

    return read


def one_of(words: type[E]) -> Callable[[str], E]:
    """A reader of a closed set."""
    members = {str(word): word for word in words}

    def read(value: str) -> E:
        found = members.get(value)
        if found is None:
            raise BadValueError("enum", f"{show(value)} is not one of {', '.join(members)}", close_to(value, members))
        return found

    return read


def day(value: str) -> date:
    """A date, as 2026-07-14."""
    try:
        found = date.fromisoformat(value) if _DAY.fullmatch(value) else None
    except ValueError:
        found = None
    if found is None or not _FIRST_YEAR <= found.year <= LAST_YEAR:
        raise BadValueError("date", f"{show(value)} is not a date", "year-month-day: 2026-07-14")
    return found


def hour(value: str) -> time:
    """A local hour, as 23:00."""
    try:
        found = time.fromisoformat(value) if _HOUR.fullmatch(value) else None
    except ValueError:
        found = None
    if found is None:
        raise BadValueError("hour", f"{show(value)} is not an hour", "hours and minutes: 23:00")
    return found


def instant_ms(value: str) -> int:
    """An instant with its zone, as 2026-03-01T09:30:00+01:00, in ms UTC."""
    try:
        found = datetime.fromisoformat(value) if len(value) > 10 else None
    except ValueError:
        found = None
    if found is None or not _FIRST_YEAR <= found.year <= LAST_YEAR:
        raise BadValueError("instant", f"{show(value)} is not a date with time", "ISO 8601: 2026-03-01T09:30:00+01:00")
    if found.tzinfo is None:
        raise BadValueError("zone", f"{show(value)} has no zone", "end with Z (UTC) or with an offset such as +01:00")
    ms = round(found.astimezone(UTC).timestamp() * 1000)
    if ms < 0:
        raise BadValueError("instant", f"{show(value)} is before 1970")
    return ms
