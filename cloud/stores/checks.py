"""What every store refuses, whatever it is made of: checked once, before a store sees the point. Pure."""

import math
import re
from functools import lru_cache

from cloud.stores.base import Field, Point

TAGS = ("device", "asset", "commune", "channel", "gateway", "site", "type", "kind")  # closed: nothing grows with time
MAX_TEXT = 65_535  # bytes of UTF-8 in a field; InfluxDB's own limit, so that both stores keep the same
MAX_TAG = 256  # characters
MAX_TIME_US = 9_223_372_036_854_775  # the last µs that fits in the 64-bit nanoseconds of InfluxDB (year 2262)
MAX_INT = 2**63 - 1

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def is_name(name: str) -> bool:
    """True for the name of a measurement or field: lower case, digits, `_`."""
    return _NAME.fullmatch(name) is not None


def fault(point: Point) -> tuple[str, str] | None:
    """Code and sentence of what makes the point unfit for any store; None when it is fit."""
    if (wrong := _name_fault(point.measurement, tuple(point.fields))) is not None:
        return wrong
    if not 0 <= point.time_us <= MAX_TIME_US:
        return "point.time", f"time {point.time_us} µs is outside 1970 to 2262"
    for tag, text in point.tags.items():
        if tag not in TAGS:
            return "point.tag", f"{tag!r} is not a tag"
        if not _is_tag_text(text):
            return "point.tag", f"tag {tag} has the value {text[:40]!r}"
    for name, field in point.fields.items():
        if isinstance(field, str):
            fits = field.isascii() and len(field) <= MAX_TEXT
        elif isinstance(field, float):
            fits = math.isfinite(field)
        else:
            fits = -MAX_INT <= field <= MAX_INT
        if not fits and (wrong := _field_fault(name, field)) is not None:
            return wrong
    return None


@lru_cache(maxsize=4096)  # shapes are few, points many
def _name_fault(measurement: str, names: tuple[str, ...]) -> tuple[str, str] | None:
    if not is_name(measurement):
        return "point.name", f"{measurement[:80]!r} is not the name of a measurement"
    if not names:
        return "point.empty", "a point needs a field"
    for name in names:
        if not is_name(name):
            return "point.name", f"{name[:80]!r} is not the name of a field"
    return None


@lru_cache(maxsize=65_536)
def _is_tag_text(text: str) -> bool:
    return 0 < len(text) <= MAX_TAG and _CONTROL.search(text) is None and _is_encodable(text)


def _field_fault(name: str, field: Field) -> tuple[str, str] | None:
    """What is wrong with a field that is not the usual one."""
    match field:
        case float():
            return "point.not_finite", f"{name} is {field}"
        case int():
            return "point.number", f"{name} does not fit in 64 bits"
        case str():
            if not _is_encodable(field):
                return "point.text", f"{name} is not text that UTF-8 can carry"
            return None if len(field.encode()) <= MAX_TEXT else ("point.too_long", f"{name} is over {MAX_TEXT} bytes")


def _is_encodable(text: str) -> bool:
    """False for a lone surrogate, which neither SQLite nor a wire carries."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
