"""The text fields of a point as one field: InfluxDB pays by the field, and a lamp's status is a dozen states. Pure.

Only of points without a key. The name of such a *pack* tells those of its fields: `.driver_failure.lamp_state`; no
field of the contract begins with a dot. Each set of names has a pack of its own, so that a newest value is looked for
as that of any field. Its value is a stamp of 16 hexadecimal digits and the texts in the order of the names, with `|`
between them: in a text `~` is written `~~` and `|` is `~!`.

The stamp says which of two writes came later: one point may get packs that have a name in common, and the newest value
of each field counts. What earlier builds wrote, a text a field, is read as older than any pack of the same point.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from cloud.stores.base import Field

SEPARATOR: Final = "|"
STAMP: Final = "%016x"
_DIGITS: Final = 16
_NONE: Final = ""  # older than every stamp
_ESCAPE = re.compile("~(.)")


def pack_name(names: Iterable[str]) -> str:
    """The name of the pack of these fields."""
    return "." + ".".join(sorted(names))


def is_pack(name: str) -> bool:
    return name.startswith(".")


@lru_cache(maxsize=4096)
def names_of(pack: str) -> tuple[str, ...]:
    """The names of a pack's fields, in the order of its texts."""
    return tuple(pack[1:].split("."))


def packed(text: str) -> str:
    """A text as it is in a pack."""
    return text.replace("~", "~~").replace("|", "~!")


def unpacked(texts: str) -> list[str]:
    """The texts of a pack's value, without its stamp."""
    parts = texts.split(SEPARATOR)
    if "~" not in texts:
        return parts
    return [_ESCAPE.sub(_told, part) for part in parts]


def unpack(fields: dict[str, Any]) -> dict[str, Field]:
    """The fields of one point, as the contract has them."""
    packs = [(texts, name) for name, texts in fields.items() if name[0] == "."]
    if not packs:
        return fields
    for texts, name in sorted(packs) if len(packs) > 1 else packs:  # by their stamps: the newest value wins
        del fields[name]
        fields.update(zip(names_of(name), unpacked(texts[_DIGITS:]), strict=True))
    return fields


def newest(fields: Mapping[str, Any], times: Mapping[str, int]) -> dict[str, Field]:
    """The newest value of each field of a series, out of the newest of each pack and plain field.

    Args:
        times: of these values.
    """
    found: dict[str, Field] = {}
    ages: dict[str, tuple[int, str]] = {}
    for at_us, stamp, name, field in _values(fields, times):
        if name not in ages or ages[name] < (at_us, stamp):
            ages[name] = (at_us, stamp)
            found[name] = field
    return found


def kinds(told: Mapping[str, str]) -> dict[str, str]:
    """The kinds of fields, where the server tells those of packs. What is both has that of the field alone."""
    texts = {name: kind for pack, kind in told.items() if is_pack(pack) for name in names_of(pack)}
    return texts | {name: kind for name, kind in told.items() if not is_pack(name)}


def _values(fields: Mapping[str, Any], times: Mapping[str, int]) -> Iterator[tuple[int, str, str, Field]]:
    """Time, stamp, name and value of each."""
    for name, field in fields.items():
        at_us = times[name]
        if is_pack(name):
            stamp = field[:_DIGITS]
            for inner, text in zip(names_of(name), unpacked(field[_DIGITS:]), strict=True):
                yield at_us, stamp, inner, text
        else:
            yield at_us, _NONE, name, field


def _told(found: re.Match[str]) -> str:
    return "|" if found[1] == "!" else found[1]
