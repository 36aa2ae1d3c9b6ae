"""Which hours and days are to be done again. Pure."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date

from cloud.dirty import Mark
from cloud.watch.days import days_ended, days_touched


class ToDo:
    """`hours`: of each hour (ms) the communes, with some assets or, None, all. `days`: the communes; None: all.
    `gateway_days`: those whose gateways are done apart."""

    def __init__(self) -> None:
        self.hours: dict[int, dict[str, set[str] | None]] = defaultdict(dict)
        self.days: dict[date, set[str] | None] = {}
        self.gateway_days: set[date] = set()

    def __bool__(self) -> bool:
        return bool(self.hours or self.days or self.gateway_days)

    def mark(self, marks: Iterable[Mark]) -> None:
        for mark in marks:
            self.add(mark.start_ms, mark.commune, {mark.asset} if mark.asset else None)

    def add(self, start_ms: int, commune: str, assets: set[str] | None) -> None:
        """An hour of a commune, or of some of its assets."""
        known = self.hours[start_ms]
        if assets is None or (commune in known and known[commune] is None):
            known[commune] = None
        else:
            known[commune] = (known.get(commune) or set()) | assets

    def touch(self, start_ms: int, communes: Iterable[str]) -> None:
        """An hour of these communes was done again: its days follow."""
        for day in days_touched(start_ms):
            known = self.days.get(day, set())
            self.days[day] = None if known is None else known | set(communes)

    def touch_all(self, start_ms: int) -> None:
        """The days of an hour, of all communes."""
        for day in days_touched(start_ms):
            self.days[day] = None

    def end(self, end_ms: int) -> None:
        """All hours before this one are done: the days that end here follow."""
        for day in days_ended(end_ms):
            self.days[day] = None
