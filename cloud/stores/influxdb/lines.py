"""Points as line protocol, and what of a point looks otherwise on InfluxDB's side. Pure.

- A time is in ns there. A point with a key takes its last three digits from the key, so that two keys of one series
  and µs are two points; the same key always gives the same ns, so that writing twice changes nothing.
- A point without a key gets the field `_p`, always true: counting points and looking for new ones read this one field
  instead of all. Its texts are one field (`packs`).
- A tag cannot end in a backslash there: such a text gets a word joiner behind it (and one more if it had some).

**Source**: InfluxDB OSS 1.8, line protocol reference: "Special characters", "Data types".
"""

import zlib
from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any, Final

from cloud.stores.base import Field
from cloud.stores.checks import MAX_TIME_US, Shape
from cloud.stores.influxdb.packs import SEPARATOR, STAMP, pack_name, packed

MARK: Final = "_p"
MAX_TIME_NS: Final = MAX_TIME_US * 1000 + 805  # InfluxDB's own last instant is 9223372036854775806
_JOINER: Final = "\u2060"
_ESCAPED: Final = str.maketrans({",": "\\,", "=": "\\=", " ": "\\ "})


def beginning(measurement: str, tags: Mapping[str, str]) -> str:
    """Measurement and tags: what the lines of a series start with, the same in whatever order its tags come."""
    return measurement + "".join(f",{tag}={wire_tag(tags[tag]).translate(_ESCAPED)}" for tag in sorted(tags))


class Form:
    """How the fields of the points of one shape are written; of an exact one."""

    __slots__ = ("_is_packed", "_pick", "_template")

    def __init__(self, shape: Shape) -> None:
        kinds = dict(zip(shape.names, shape.types, strict=True))
        texts = _packed_names(shape)
        others = [f"{name}={_PLACES[kind]}" for name, kind in kinds.items() if name not in texts]
        pack = [f'{pack_name(texts)}="{STAMP}{SEPARATOR.join(["%s"] * len(texts))}"'] if texts else []
        self._is_packed = bool(texts)
        self._template = _fields(shape, [*pack, *others])
        self._pick = _picker([*texts, *(name for name in kinds if name not in texts)])

    def filled(self, fields: Mapping[str, Field], texts: str, stamp: int) -> str:
        """The fields of a line.

        Args:
            texts: all texts of the fields as one (`Shape.joined`).
            stamp: higher than that of any point written before.
        """
        if not self._is_packed:
            if '"' not in texts and "\\" not in texts:
                return self._template % tuple(fields.values())
            return self._template % tuple([escaped(one) if type(one) is str else one for one in fields.values()])
        picked = self._pick(fields)
        if '"' in texts or "\\" in texts or "|" in texts or "~" in texts:
            picked = tuple([escaped(packed(one)) if type(one) is str else one for one in picked])
        return self._template % (stamp, *picked)


def slowly(shape: Shape, fields: Mapping[str, Field], stamp: int) -> str:
    """The fields of a line, of any shape: a value may be of a derived type (an enum, a number of a library)."""
    texts = _packed_names(shape)
    others = [f"{name}={_written(field)}" for name, field in fields.items() if name not in texts]
    if not texts:
        return _fields(shape, others)
    inside = SEPARATOR.join(packed(str.__str__(fields[name])) for name in texts)
    return _fields(shape, [f'{pack_name(texts)}="{STAMP % stamp}{escaped(inside)}"', *others])


def escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def keyed_ns(time_us: int, key: str) -> int:
    """The ns of a point with a key. The µs digits of an event are `crc32 % 1000`: other digits are used here."""
    return min(time_us * 1000 + zlib.crc32(key.encode("utf-8", "surrogatepass")) // 1000 % 1000, MAX_TIME_NS)


def wire_tag(text: str) -> str:
    """A tag's text as InfluxDB can hold it; `told_tag` is the way back."""
    return text + _JOINER if text.rstrip(_JOINER).endswith("\\") else text


def told_tag(text: str) -> str:
    """A tag's text as it was given to `wire_tag`."""
    return text[:-1] if text.endswith(_JOINER) and text.rstrip(_JOINER).endswith("\\") else text


def _packed_names(shape: Shape) -> list[str]:
    """The fields that are one field there, in its order."""
    if shape.is_keyed:
        return []
    return sorted(name for name, kind in zip(shape.names, shape.types, strict=True) if issubclass(kind, str))


def _picker(names: list[str]) -> Callable[[Mapping[str, Field]], tuple[Any, ...]]:
    """Takes these values out of fields."""
    if len(names) == 1:
        (name,) = names
        return lambda fields: (fields[name],)
    return itemgetter(*names)


def _fields(shape: Shape, written: list[str]) -> str:
    return ",".join(written if shape.is_keyed else [f"{MARK}=t", *written])


_PLACES: Final[Mapping[type, str]] = {float: "%r", int: "%di", bool: "%s", str: '"%s"'}


def _written(field: Field) -> str:
    match field:
        case bool():
            return str(bool(field))
        case int():
            return f"{int(field)}i"
        case float():
            return repr(float(field))
        case str():
            return f'"{escaped(str.__str__(field))}"'
