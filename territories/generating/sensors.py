"""Devices of one profile as they are bought: a block of DevEUIs for those that are fitted, one for what is in stock."""

from collections.abc import Iterator
from datetime import datetime

from territories.generating.tables import Tables

_SPARES = 0x0080_0000  # how far behind the others


class Sensors:
    """`first_eui`: of the maker's block. `fitted`: when the next one is ready."""

    def __init__(self, tables: Tables, profile: str, first_eui: int, fitted: Iterator[datetime]) -> None:
        self._tables = tables
        self._profile = profile
        self._first_eui = first_eui
        self._fitted = fitted
        self._count = 0
        self._spare_count = 0

    def fit(self, asset: str) -> datetime:
        """A device on the asset, for good; when it was ready."""
        dev_eui, at = self._next(), next(self._fitted)
        self._tables.add_device(dev_eui, self._profile)
        self._tables.assign(dev_eui, asset, at)
        return at

    def fit_and_swap(self, asset: str, at: datetime, *, old: str) -> None:
        """A device on the asset, and at that instant another; `old`: the state of the first one since then."""
        dev_eui, new_eui = self._next(), self._next_spare()
        self._tables.add_device(dev_eui, self._profile, old)
        self._tables.add_device(new_eui, self._profile)
        self._tables.assign(dev_eui, asset, next(self._fitted), at)
        self._tables.assign(new_eui, asset, at)

    def stock(self, count: int) -> None:
        for _ in range(count):
            self._tables.add_device(self._next_spare(), self._profile, "stock")

    def _next(self) -> int:
        self._count += 1
        return self._first_eui + self._count

    def _next_spare(self) -> int:
        self._spare_count += 1
        return self._first_eui + _SPARES + self._spare_count
