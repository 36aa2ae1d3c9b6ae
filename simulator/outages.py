"""What is out for hours and takes others with it: the supply of a circuit, a gateway, a site; a host's wrong clock.

They are the world's, not a device's. Each is drawn as far as anybody has asked, from a source of chance of its own: the
same whoever asks, in whatever order.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from heapq import merge
from random import Random
from typing import NamedTuple

from simulator.devices.base import Fact
from simulator.faults import FaultRates
from simulator.scenario import random_of

HOUR_MS = 3_600_000
WEEK_MS = 7 * 24 * HOUR_MS
SITE_OUT_MS = 2 * HOUR_MS
_SUPPLY_H, _GATEWAY_H = (0.5, 3.0), (1.0, 6.0)  # at least, and so much more on average
_SAVED_MS = HOUR_MS  # a host without a clock chip begins at the time it saved last
_SYNC_MS = (120_000, 1_500_000)  # from its start until a time server sets its clock
_NOBODY: frozenset[int] = frozenset()


class Cause(StrEnum):
    POWER = "power"  # the host and the radio beside it are dead: what is sent meanwhile is lost
    LINK = "link"  # the line is cut: what is sent meanwhile comes when it is back


class Window(NamedTuple):
    """From `start_ms` until just before `end_ms`.

    `cause`, of a site. `behind_ms`: how far its host's clock is behind after it, until `clock_until_ms`.
    """

    start_ms: int
    end_ms: int
    cause: Cause = Cause.POWER
    behind_ms: int = 0
    clock_until_ms: int = 0


class Windows:
    """The outages of one thing, by time; they never overlap."""

    def __init__(self, draw: Callable[[], Iterator[Window]]) -> None:
        self._draw = draw
        self._drawn = draw()
        self._known: list[Window] = []
        self._starts: list[int] = []

    def __iter__(self) -> Iterator[Window]:
        """All of them, without end."""
        return self._draw()

    def last(self, at_ms: int) -> Window | None:
        """The last one that has begun by then."""
        while not self._starts or self._starts[-1] <= at_ms:
            window = next(self._drawn)
            self._known.append(window)
            self._starts.append(window.start_ms)
        place = bisect_right(self._starts, at_ms)
        return self._known[place - 1] if place else None

    def following(self, at_ms: int) -> Window:
        """The first one that ends after an instant."""
        held = self.at(at_ms)
        return self._known[bisect_right(self._starts, at_ms)] if held is None else held

    def at(self, at_ms: int) -> Window | None:
        """The one that holds."""
        window = self.last(at_ms)
        return window if window is not None and at_ms < window.end_ms else None


class SiteOutages:
    """What of one site is out, when.

    Args:
        site: None: never.
        gateways: of each of its gateways, in their order.
    """

    def __init__(self, site: Windows | None, gateways: Sequence[Windows | None]) -> None:
        self._site = site
        self._gateways = tuple((place, windows) for place, windows in enumerate(gateways) if windows is not None)
        self._all = frozenset(range(len(gateways)))

    def deaf(self, at_ms: int) -> frozenset[int]:
        """Which gateways (by their place) hear nothing."""
        if self._site is not None and (window := self._site.at(at_ms)) is not None and window.cause is Cause.POWER:
            return self._all
        if not self._gateways:
            return _NOBODY
        return frozenset([place for place, windows in self._gateways if windows.at(at_ms) is not None])

    def delayed_until(self, at_ms: int) -> int | None:
        """When what happens now can leave the site; None: at once."""
        window = None if self._site is None else self._site.at(at_ms)
        return window.end_ms if window is not None and window.cause is Cause.LINK else None

    def behind_ms(self, at_ms: int) -> int:
        """How far the clock of its host is behind."""
        window = None if self._site is None else self._site.last(at_ms)
        return window.behind_ms if window is not None and window.end_ms <= at_ms < window.clock_until_ms else 0


class Outages:
    """All outages of a scenario.

    Args:
        sites: the gateways of each edge.
        circuits: ids.
    """

    def __init__(
        self,
        *,
        seed: int,
        start_ms: int,
        rates: FaultRates,
        sites: dict[str, tuple[str, ...]],
        circuits: Sequence[str],
    ) -> None:
        self._seed, self._start_ms = seed, start_ms
        self._sites: dict[str, Windows] = {}
        self._gateways: dict[str, tuple[str, Windows]] = {}  # with its edge
        self._supplies: dict[str, Windows] = {}
        if rates.site_outages_per_week:
            self._sites = {edge: self._site(edge, sorted(sites), rates.site_outages_per_week) for edge in sites}
        if rates.gateway_outages_per_week:
            self._gateways = {
                eui: (edge, self._poisson(eui, "gateway", rates.gateway_outages_per_week, _GATEWAY_H))
                for edge, euis in sites.items()
                for eui in euis
            }
        if rates.supply_failures_per_week:
            self._supplies = {
                one: self._poisson(one, "supply", rates.supply_failures_per_week, _SUPPLY_H) for one in circuits
            }

    def supply(self, circuit: str | None) -> Windows | None:
        """When a circuit has none; None: it always has."""
        return None if circuit is None else self._supplies.get(circuit)

    def of_site(self, edge: str, gateways: Sequence[str]) -> SiteOutages | None:
        """None: nothing of it is ever out."""
        site = self._sites.get(edge)
        found = [self._gateways[eui][1] if eui in self._gateways else None for eui in gateways]
        return SiteOutages(site, found) if site is not None or any(found) else None

    def facts(self) -> Iterator[Fact]:
        """Each beginning and each end, by time; without end where there are any."""
        told = [
            *(_told(windows, "site", {"edge": edge}) for edge, windows in sorted(self._sites.items())),
            *(
                _told(windows, "gateway", {"gateway": eui, "edge": edge})
                for eui, (edge, windows) in sorted(self._gateways.items())
            ),
            *(_told(windows, "supply", {"circuit": one}) for one, windows in sorted(self._supplies.items())),
        ]
        return merge(*told, key=lambda fact: fact.at_ms)

    def _poisson(self, who: str, what: str, per_week: float, hours: tuple[float, float]) -> Windows:
        def draw() -> Iterator[Window]:
            rng = random_of(self._seed, who, what)
            at_ms = self._start_ms
            while True:
                at_ms += round(rng.expovariate(per_week) * WEEK_MS)
                least_h, more_h = hours
                end_ms = at_ms + round((least_h + rng.expovariate(1.0) * more_h) * HOUR_MS)
                yield Window(at_ms, end_ms)
                at_ms = end_ms

        return Windows(draw)

    def _site(self, edge: str, edges: Sequence[str], per_week: float) -> Windows:
        """One site at a time, each time another cause."""

        def draw() -> Iterator[Window]:
            rng = random_of(self._seed, "sites", "outages")
            apart_ms = max(2 * SITE_OUT_MS, round(WEEK_MS / per_week))
            power = rng.random() < 0.5
            begin_ms = self._start_ms
            while True:
                window = _site_window(rng, begin_ms, apart_ms - SITE_OUT_MS, Cause.POWER if power else Cause.LINK)
                if rng.choice(edges) == edge:
                    yield window
                begin_ms += apart_ms
                power = not power

        return Windows(draw)


def _site_window(rng: Random, begin_ms: int, room_ms: int, cause: Cause) -> Window:
    start_ms = begin_ms + rng.randrange(room_ms)
    end_ms = start_ms + SITE_OUT_MS
    saved_ms, sync_ms = rng.randrange(_SAVED_MS), rng.randint(*_SYNC_MS)
    if cause is Cause.LINK:
        return Window(start_ms, end_ms, cause)
    return Window(start_ms, end_ms, cause, SITE_OUT_MS + saved_ms, end_ms + sync_ms)


def _told(windows: Windows, what: str, whose: dict[str, str | int | float]) -> Iterator[Fact]:
    for window in windows:
        detail = {**whose, "end_ms": window.end_ms}
        if what == "site":
            detail |= {
                "cause": window.cause.value,
                "behind_ms": window.behind_ms,
                "clock_until_ms": window.clock_until_ms,
            }
        yield Fact(window.start_ms, f"{what}_out", detail)
        yield Fact(window.end_ms, f"{what}_back", dict(whose))
