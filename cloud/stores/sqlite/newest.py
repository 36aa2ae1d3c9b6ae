"""The newest value of every field of one series: what `latest` returns, kept up to date at each write. Pure."""

from collections.abc import Mapping
from typing import Self

import msgspec

from cloud.stores.base import Field

_encode = msgspec.json.Encoder().encode
_fields = msgspec.json.Decoder(dict[str, float | int | str | bool])
_times = msgspec.json.Decoder(dict[str, int])


class Newest:
    """`time_us`: the newest point; `older`: the time of each field that this point lacks."""

    __slots__ = ("fields", "older", "time_us")

    def __init__(self, time_us: int, fields: dict[str, Field], older: dict[str, int]) -> None:
        self.time_us = time_us
        self.fields = fields
        self.older = older

    @classmethod
    def load(cls, time_us: int, fields: str, older: str) -> Self:
        return cls(time_us, _fields.decode(fields), _times.decode(older) if older else {})

    def dump(self) -> tuple[int, str, str]:
        """What `load` takes."""
        return self.time_us, _encode(self.fields).decode(), _encode(self.older).decode() if self.older else ""

    def add(self, time_us: int, fields: Mapping[str, Field]) -> None:
        """Take in one point; a field's newest value wins, of equal times the one that came last."""
        if time_us < self.time_us:
            for name, field in fields.items():
                if name not in self.fields or self.older.get(name, self.time_us) <= time_us:
                    self.fields[name] = field
                    self.older[name] = time_us
            return
        if time_us > self.time_us:
            for name in self.fields.keys() - fields.keys():
                self.older.setdefault(name, self.time_us)
            self.time_us = time_us
        self.fields.update(fields)
        if self.older:
            for name in fields:
                self.older.pop(name, None)

    def since(self, since_us: int) -> dict[str, Field]:
        """The values of this time or later."""
        return {name: field for name, field in self.fields.items() if self.older.get(name, self.time_us) >= since_us}

    def is_touched(self, start_us: int, end_us: int) -> bool:
        """Whether any of the values is of a time in start ≤ time < end."""
        return start_us <= self.time_us < end_us or any(start_us <= time < end_us for time in self.older.values())
