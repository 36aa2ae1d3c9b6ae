"""Does the watch run? Its heartbeat in each tenant's database, and what the page says of it. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cloud.stores.base import Point

WATCH = "watch"
# A pass takes seconds. In a scenario that is faster than life a heartbeat is old by its own time, but the next one
# comes: that counts for as long, of this machine's time, as several passes take.
OLD_MS, STILL_MS = 5 * 60_000, 120_000


@dataclass(frozen=True, slots=True)
class Watch:
    """`beaten_ms`: of each database the last heartbeat; None: there never was one. `awake`: those that are watched
    now: what the watch says of their assets is the truth, where it says something."""

    beaten_ms: Mapping[str, int | None] = field(default_factory=dict)
    awake: frozenset[str] = frozenset()

    @property
    def is_awake(self) -> bool:
        return bool(self.beaten_ms) and self.awake == self.beaten_ms.keys()

    @property
    def stopped_ms(self) -> int | None:
        """Since when a database is not watched any more; None: all are, or one never was."""
        asleep = [at_ms for name, at_ms in self.beaten_ms.items() if name not in self.awake]
        return None if None in asleep else min((at_ms for at_ms in asleep if at_ms is not None), default=None)


class Pulses:
    """Follows the heartbeats of some databases from poll to poll."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[int, int | None]] = {}  # when it beat; when, by this machine, that was news
        self._databases: tuple[str, ...] = ()
        self._has_listened = False

    def hear(self, beats: Mapping[str, Iterable[Point]], *, mono_ms: int) -> None:
        """The newest `heartbeat` points of every database."""
        self._databases = tuple(beats)
        for name, points in beats.items():
            at_ms = max((p.time_us // 1000 for p in points if p.tags.get("kind") == WATCH), default=None)
            known = self._last.get(name)
            if at_ms is not None and (known is None or at_ms != known[0]):
                self._last[name] = at_ms, mono_ms if self._has_listened else None  # what was there already is no news
        self._has_listened = True

    def at(self, now_ms: int, *, mono_ms: int) -> Watch:
        beaten = {name: self._last[name][0] if name in self._last else None for name in self._databases}
        awake = {
            name
            for name, at_ms in beaten.items()
            if at_ms is not None and (now_ms - at_ms <= OLD_MS or self._goes_on(name, mono_ms))
        }
        return Watch(beaten, frozenset(awake))

    def _goes_on(self, name: str, mono_ms: int) -> bool:
        moved_ms = self._last[name][1]
        return moved_ms is not None and mono_ms - moved_ms <= STILL_MS
