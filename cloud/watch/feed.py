"""What is in one database for the watch: its last hours, then what is new, and again what was marked. Reads only.

News is read by its time, from a little before the last look on: what is stored that late has a mark (`cloud.dirty`),
and the hours of marks are read again. A reading that is seen twice changes nothing.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from cloud.dirty import HOUR_MS, Mark
from cloud.stores.base import Point, Store

_AHEAD_US: Final = 2**62  # a clock that runs ahead is seen at once, and counts when its time has come
_HOURS_AGAIN: Final = 12  # read again for marks between two looks


class Feed:
    """Used by one thread.

    Args:
        hours: how much of the past is kept of each measurement, before the newest reading of an asset.
        where: tags to which a measurement is confined.
    """

    def __init__(
        self,
        store: Store,
        database: str,
        hours: Mapping[str, float],
        *,
        where: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        self._store = store
        self._database = database
        self._hours = hours
        self._where = where or {}
        self._read_ms: dict[str, int] = {}  # until when each measurement was read
        self._again: dict[int, set[str]] = defaultdict(set)  # hour → communes

    @property
    def is_ready(self) -> bool:
        """Whether the past was read."""
        return self._read_ms.keys() == self._hours.keys()

    def past(self, now_ms: int) -> Iterator[list[Point]]:
        """The last hours, in slices; of an asset that was silent all the time the hours before its last word.

        Raises:
            LinkError, StorageError: the store's; begun again, it goes on with the measurement where it was.
        """
        for measurement, hours in self._hours.items():
            if measurement in self._read_ms:
                continue
            first_ms = now_ms - int(hours * HOUR_MS)
            yield from self._slices(measurement, first_ms, now_ms)
            for asset, last_ms in self._silent(measurement, first_ms).items():
                yield self._series(measurement, last_ms - int(hours * HOUR_MS), last_ms + 1, {"asset": asset})
            self._read_ms[measurement] = now_ms

    def news(self, now_ms: int, *, margin_ms: int) -> Iterator[list[Point]]:
        """What came since the last time, with what lies `margin_ms` before it.

        Raises:
            LinkError, StorageError: the store's; the next time begins where this one did.
        """
        for measurement, read_ms in list(self._read_ms.items()):
            yield from self._slices(measurement, min(read_ms, now_ms) - margin_ms, now_ms)
            self._read_ms[measurement] = now_ms

    def mark(self, marks: Iterable[Mark]) -> None:
        """Note which hours are to be read again."""
        for mark in marks:
            self._again[mark.start_ms].add(mark.commune)

    def again(self, now_ms: int) -> Iterator[list[Point]]:
        """The hours that were marked, as far as anything is kept of them; some at a time, the newest first.

        Raises:
            LinkError, StorageError: the store's; the hour is read the next time.
        """
        oldest_ms = now_ms - int((max(self._hours.values(), default=0) + 1) * HOUR_MS)
        for start_ms in [start_ms for start_ms in self._again if start_ms < oldest_ms]:
            del self._again[start_ms]
        for start_ms in sorted(self._again, reverse=True)[:_HOURS_AGAIN]:
            communes = self._again[start_ms]
            for measurement, hours in self._hours.items():
                if start_ms + (hours + 1) * HOUR_MS > now_ms:
                    for commune in communes if len(communes) <= 2 else ("",):
                        where = {"commune": commune} if commune else {}
                        yield self._series(measurement, start_ms, start_ms + HOUR_MS, where)
            del self._again[start_ms]

    def _slices(self, measurement: str, start_ms: int, now_ms: int) -> Iterator[list[Point]]:
        while now_ms - start_ms > 2 * HOUR_MS:
            yield self._series(measurement, start_ms, start_ms + HOUR_MS, {})
            start_ms += HOUR_MS
        yield self._series(measurement, start_ms, None, {})

    def _silent(self, measurement: str, first_ms: int) -> dict[str, int]:
        """When each asset said its last word, of those that said none since."""
        last_ms: dict[str, int] = {}
        for point in self._store.latest(self._database, measurement, self._where.get(measurement)):
            if asset := point.tags.get("asset"):
                last_ms[asset] = max(point.time_us // 1000, last_ms.get(asset, 0))
        return {asset: at_ms for asset, at_ms in last_ms.items() if at_ms < first_ms}

    def _series(self, measurement: str, start_ms: int, end_ms: int | None, where: Mapping[str, str]) -> list[Point]:
        return self._store.series(
            self._database,
            measurement,
            start_us=max(0, start_ms) * 1000,
            end_us=_AHEAD_US if end_ms is None else end_ms * 1000,
            where={**self._where.get(measurement, {}), **where},
        )
