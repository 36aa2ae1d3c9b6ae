"""Points as line protocol, and what of a point looks otherwise on InfluxDB's side. Pure.

- A time is in ns there. A point with a key takes its last three digits from the key, so that two keys of one series
  and µs are two points; the same key always gives the same ns, so that writing twice changes nothing.
- A point without a key gets the field `_p`, always true: counting points and looking for new ones read this one field
  instead of all.
- A tag cannot end in a backslash there: such a text gets a word joiner behind it (and one more if it had some).

**Source**: InfluxDB OSS 1.8, line protocol reference: "Special characters", "Data types".
"""

import zlib
from collections.abc import Mapping
from typing import Final

from cloud.stores.base import Field
from cloud.stores.checks import MAX_TIME_US, Shape

MARK: Final = "_p"
MAX_TIME_NS: Final = MAX_TIME_US * 1000 + 805  # InfluxDB's own last instant is 9223372036854775806
_JOINER: Final = "\u2060"
_ESCAPED: Final = str.maketrans({",": "\\,", "=": "\\=", " ": "\\ "})


def beginning(measurement: str, tags: Mapping[str, str]) -> str:
    """Measurement and tags: what the lines of a series start with, the same in whatever order its tags come."""
    return measurement + "".join(f",{tag}={wire_tag(tags[tag]).translate(_ESCAPED)}" for tag in sorted(tags))


def template(shape: Shape) -> str:
    """The fields of a shape, with a place for each value; of an exact one."""
    return _fields(shape, [f"{name}={_PLACES[kind]}" for name, kind in zip(shape.names, shape.types, strict=True)])


def filled(template: str, fields: Mapping[str, Field], texts: str) -> str:
    """The fields of a line.

    Args:
        texts: all texts of the fields as one (`Shape.joined`).
    """
    if '"' not in texts and "\\" not in texts:
        return template % tuple(fields.values())
    return template % tuple([escaped(one) if type(one) is str else one for one in fields.values()])


def slowly(shape: Shape, fields: Mapping[str, Field]) -> str:
    """The fields of a line, of any shape: a value may be of a derived type (an enum, a number of a library)."""
    return _fields(shape, [f"{name}={_written(field)}" for name, field in fields.items()])


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
