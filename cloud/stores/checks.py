"""What every store refuses, whatever it is made of: checked once, before a store sees the point. Pure.

Points are many and their shapes few. What cannot differ between points of one shape (names, types) is looked at once;
values are looked at together where that is enough, and one by one where it is not.
"""

import math
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from operator import itemgetter
from typing import Any, Final

from cloud.stores.base import KEY, Field, Point

TAGS = ("device", "asset", "commune", "channel", "gateway", "site", "type", "kind")  # closed: nothing grows with time
MAX_TEXT = 65_535  # bytes of UTF-8 in a field; InfluxDB's own limit, so that both stores keep the same
MAX_TAG = 256  # characters
MAX_TIME_US = 9_223_372_036_854_775  # the last µs that fits in the 64-bit nanoseconds of InfluxDB (year 2262)
MAX_INT = 2**63 - 1

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_MAX_SHAPES: Final = 4096
_isfinite, _type = math.isfinite, type

ShapeKey = tuple[str | type, ...]  # measurement, names of fields, their types
_Values = tuple[Any, ...]


def is_name(name: str) -> bool:
    """True for the name of a measurement or field: lower case, digits, `_`."""
    return _NAME.fullmatch(name) is not None


class Shape:
    """What points of one measurement with the same fields, in one order and of the same types, have in common.

    `fault`: why no such point is fit, whatever its values. `is_exact`: each type is one of the four themselves, none
    derived from them.
    """

    __slots__ = ("_floats", "_ints", "_texts", "fault", "is_exact", "is_keyed", "measurement", "names", "types")

    def __init__(self, measurement: str, names: tuple[str, ...], types: tuple[type, ...]) -> None:
        self.measurement = measurement
        self.names = names
        self.types = types
        self.fault = _name_fault(measurement, names)
        self.is_exact = all(kind in (float, int, bool, str) for kind in types)
        self.is_keyed = KEY in names
        self._floats = _picker(self, float)
        self._ints = _picker(self, int)
        self._texts = _picker(self, str)

    def joined(self, fields: Mapping[str, Field]) -> str | None:
        """All texts of a point's fields as one, when a look at them together shows that every value fits; else None,
        which says nothing yet."""
        if not self.is_exact:
            return None
        if (floats := self._floats) is not None and not _isfinite(sum(floats(fields))):
            return None
        if (ints := self._ints) is not None:
            whole = ints(fields)
            if max(whole) > MAX_INT or min(whole) < -MAX_INT:
                return None
        if (texts := self._texts) is None:
            return ""
        text = "".join(texts(fields))
        if text.isascii():
            return text if len(text) <= MAX_TEXT else None
        return text if len(text) * 4 <= MAX_TEXT and _is_encodable(text) else None


_shapes: dict[ShapeKey, Shape] = {}


def shape_of(measurement: str, fields: Mapping[str, Field]) -> Shape:
    """The shape of a point; the same object for the same shape, as long as it is remembered."""
    key: ShapeKey = (measurement, *fields, *map(_type, fields.values()))
    shape = _shapes.get(key)
    if shape is None:
        if len(_shapes) >= _MAX_SHAPES:
            _shapes.clear()
        shape = _shapes[key] = Shape(measurement, tuple(fields), tuple(map(_type, fields.values())))
    return shape


def fault(point: Point) -> tuple[str, str] | None:
    """Code and sentence of what makes the point unfit for any store; None when it is fit."""
    shape = shape_of(point.measurement, point.fields)
    if shape.fault is not None:
        return shape.fault
    if not 0 <= point.time_us <= MAX_TIME_US:
        return "point.time", f"time {point.time_us} µs is outside 1970 to 2262"
    tags = point.tags
    if (wrong := _tags_fault((*tags, *tags.values()))) is not None:
        return wrong
    if shape.joined(point.fields) is not None:
        return None
    for name, field in point.fields.items():
        if (wrong := _field_fault(name, field)) is not None:
            return wrong
    return None


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
def _tags_fault(tags: tuple[str, ...]) -> tuple[str, str] | None:
    """Of the tags' names, then their values."""
    names, values = tags[: len(tags) // 2], tags[len(tags) // 2 :]
    for tag, text in zip(names, values, strict=True):
        if tag not in TAGS:
            return "point.tag", f"{tag!r} is not a tag"
        if not (0 < len(text) <= MAX_TAG and _CONTROL.search(text) is None and _is_encodable(text)):
            return "point.tag", f"tag {tag} has the value {text[:40]!r}"
    return None


def _field_fault(name: str, field: Field) -> tuple[str, str] | None:
    match field:
        case float():
            return None if _isfinite(field) else ("point.not_finite", f"{name} is {field}")
        case int():
            return None if -MAX_INT <= field <= MAX_INT else ("point.number", f"{name} does not fit in 64 bits")
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


def _picker(shape: Shape, kind: type) -> Callable[[Mapping[str, Field]], _Values] | None:
    """Takes the values of one type out of fields of the shape; None where it has none."""
    mine = [name for name, given in zip(shape.names, shape.types, strict=True) if given is kind]
    if not mine:
        return None
    return itemgetter(*mine) if len(mine) > 1 else itemgetter(mine[0], mine[0])  # of one alone it makes no tuple
