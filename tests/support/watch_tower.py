"""The watch's loop over a store in memory, a clock that a test moves, and a desk that only listens."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from cloud.dirty import marks
from cloud.stores.base import Point
from cloud.watch.loop import Watch
from cloud.watch.model import Finding, FindingKey
from cloud.watch.round import Stores
from core.territory import OPERATOR, Commune, Tenant, Territory
from tests.support.memory_store import MemoryStore
from tests.support.watched_town import COMMUNE, SITE_ID, TENANT, report

OTHER = "esternay"  # a second tenant, with nothing in it


class Clock:
    def __init__(self, now_ms: int) -> None:
        self.wall_ms = now_ms
        self.mono = 5_000_000
        self.speed = 1.0

    def now_ms(self) -> int:
        return self.wall_ms

    def mono_ms(self) -> int:
        return self.mono

    def advance(self, seconds: float) -> None:
        """Of this machine's time."""
        self.mono += round(seconds * 1000)
        self.wall_ms += round(seconds * 1000 * self.speed)


class Claim:
    """Held as long as a test says so."""

    def __init__(self) -> None:
        self.held = True
        self.term = 1
        self.holder = "me"
        self.released = False

    def is_held(self, _mono_ms: int) -> bool:
        return self.held

    def release(self) -> None:
        self.released = True


class Desk:
    """`looks`: what it was told holds, each time. `points`: what it wants written."""

    def __init__(self) -> None:
        self.looks: list[dict[FindingKey, Finding]] = []
        self.points: list[tuple[str, Point]] = []

    def look(
        self, findings: Mapping[FindingKey, Finding], _territory: Territory, _now_ms: int
    ) -> list[tuple[str, Point]]:
        self.looks.append(dict(findings))
        return list(self.points)

    def written(self, points: Iterable[tuple[str, Point]]) -> None:
        done = list(points)
        self.points = [one for one in self.points if one not in done]

    @property
    def kinds(self) -> set[tuple[str, str]]:
        """Kind and subject of what holds now."""
        return {(key.kind, key.subject) for key in self.looks[-1]}


class Tower:
    """A watch, and all that it stands on."""

    def __init__(self, territory: Territory, now_ms: int) -> None:
        self.store = MemoryStore()
        self.clock = Clock(now_ms)
        self.claim = Claim()
        self.desk = Desk()
        self.territory = territory
        self.conditions: list[Finding] = []
        self.failures: list[str | None] = []
        self.held: list[Finding] = []
        self.watch = self.new_watch()

    def new_watch(self) -> Watch:
        """As after a restart."""
        self.watch = Watch(
            Stores(self.store, self.store),
            claim=self.claim,
            territory=lambda: self.territory,
            clock=self.clock,
            desk=self.desk,
            conditions=lambda: self.conditions,
            held=lambda: self.held,
            every_ms=30_000,
            on_failure=self.failures.append,
            timer=lambda: self.clock.mono / 1000,
        )
        return self.watch

    def store_points(self, points: Sequence[Point], database: str = TENANT) -> None:
        """As the worker does: with the marks of what is late."""
        self.store.write(database, [*points, *marks(points, now_ms=self.clock.now_ms())])

    def live(self, seconds: float, *, health: bool = True) -> None:
        """Let time pass: the watch does what it does, the site reports each minute."""
        end_ms = self.clock.mono + seconds * 1000
        while self.clock.mono < end_ms:
            if health:
                at_ms = self.clock.now_ms() // 60_000 * 60_000
                if not self.store.series(OPERATOR, "site", start_us=at_ms * 1000, end_us=at_ms * 1000 + 1):
                    self.store_points([report(at_ms, site=SITE_ID)], OPERATOR)
            wait_s = self.watch.turn()
            self.clock.advance(max(wait_s, 0.05))

    def states(self, asset: str, database: str = TENANT) -> dict[str, object]:
        """What holds, by the store."""
        return {
            point.tags["kind"]: point.fields.get("word", point.fields.get("value"))
            for point in self.store.latest(database, "state", {"asset": asset})
        }

    def beats(self, database: str) -> list[int]:
        """When it beat, ms."""
        found = self.store.series(database, "heartbeat", start_us=0, end_us=2**62)
        assert all(point.tags == {"kind": "watch"} for point in found)
        return [point.time_us // 1000 for point in found]


def with_other_tenant(territory: Territory) -> Territory:
    """A second tenant beside the town's."""
    return replace(
        territory,
        tenants={**territory.tenants, OTHER: Tenant(OTHER, "Esternay", ("51237",))},
        communes={**territory.communes, "51237": Commune("51237", "Esternay", OTHER, 48.7, 3.6)},
    )


__all__ = ["COMMUNE", "OTHER", "TENANT", "Clock", "Tower", "with_other_tenant"]
