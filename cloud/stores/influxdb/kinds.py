"""The kind of each field, fixed by the first point that has it: InfluxDB itself sees a conflict only within a shard."""

import threading
from collections.abc import Callable, Mapping
from typing import Final

from cloud.stores.checks import Shape

_OF: Final = {float: "float", int: "integer", bool: "boolean", str: "string"}
_TOLD: Final = {"float": "float", "integer": "int", "boolean": "bool", "string": "text"}  # the contract's words


class Kinds:
    """Of the fields of one database. Thread-safe.

    Args:
        read: asks the database for the kinds of a measurement's fields, in its own words.
    """

    def __init__(self, read: Callable[[str], Mapping[str, str]]) -> None:
        self._read = read
        self._lock = threading.Lock()
        self._known: dict[str, dict[str, str]] = {}

    def learn(self, shape: Shape) -> tuple[str, str] | None:
        """Compare the fields of a shape with those that are known and add the new ones; what is wrong, if anything.

        Raises:
            LinkError, StorageError: the database cannot be asked.
        """
        with self._lock:
            known = self._known.get(shape.measurement)
            if known is None:
                known = self._known[shape.measurement] = dict(self._read(shape.measurement))
            fresh: dict[str, str] = {}
            for name, kind in zip(shape.names, shape.types, strict=True):
                told = _kind_of(kind)
                if known.get(name, told) != told:
                    return (
                        "point.type",
                        f"{shape.measurement}.{name} is {_TOLD.get(known[name], known[name])}, not {_TOLD[told]}",
                    )
                fresh[name] = told
            known.update(fresh)
            return None

    def forget(self) -> None:
        """Ask again: what was learnt may not be what the database holds."""
        with self._lock:
            self._known.clear()


def _kind_of(kind: type) -> str:
    """The server's word for a Python type, also for one derived from the four."""
    return next(told for base, told in _OF.items() if issubclass(kind, base) and not (base is int and kind is bool))
