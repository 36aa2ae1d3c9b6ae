"""A town's streets: they grow from the middle along the main one and branch off until the lamps are placed."""

import math
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

from territories.generating.towns import Town

SPACING_M, CLEARANCE_M = 31.0, 24.0
HALF_WIDTH_M = (5.0, 3.5, 3.0)  # from the middle of the street to the pole, by rank of the street
_WIGGLE_DEG = (6, 12, 20)  # by rank: how much a street turns from one pole to the next


@dataclass
class Pole:
    """A lamp's place: metres east and north of the town's middle; its street, and where that leads here (degrees).

    `side`: 1 on the right of who walks along the street from its beginning, -1 on the left.
    """

    x: float
    y: float
    street: "Street" = field(repr=False)
    bearing_deg: float
    side: int

    @property
    def rank(self) -> int:
        return self.street.rank

    @property
    def from_middle_m(self) -> float:
        return math.hypot(self.x, self.y)

    def beside(self, along_m: float, outwards_m: float) -> tuple[float, float]:
        """A point so far along the street, and so far from its middle on the pole's side of it."""
        bearing = math.radians(self.bearing_deg)
        across = self.side * (outwards_m - HALF_WIDTH_M[self.rank])
        return (
            self.x + along_m * math.sin(bearing) + across * math.cos(bearing),
            self.y + along_m * math.cos(bearing) - across * math.sin(bearing),
        )


@dataclass
class Street:
    """`rank`: main, side, lane. `parent`: what it branches off; of the second half of the main one, the first."""

    rank: int
    parent: "Street | None" = None
    poles: list[Pole] = field(default_factory=list)
    branches: int = 0
    name: str = ""


def grow(town: Town, count: int, rng: Random) -> list[Pole]:
    """`count` poles along streets that branch off the main one, and off each other, until there are enough."""
    poles: list[Pole] = []
    near: dict[tuple[int, int], list[Pole]] = {}
    half_length = 180 + 30 * math.sqrt(count)
    one_way = Street(0)
    ways = ((one_way, town.bearing_deg), (Street(0, one_way), town.bearing_deg + 180))
    ahead = deque((0.0, 0.0, bearing, street, half_length) for street, bearing in ways)
    while len(poles) < count:
        if not ahead:  # the town is full: it grows outwards from one of its last streets
            edge = poles[len(poles) - 1 - int(rng.random() * min(40, len(poles)))]
            ahead.append((edge.x, edge.y, rng.random() * 360, Street(2, edge.street), 400.0))
        x, y, bearing, street, length = ahead.popleft()
        rank = street.rank
        for step in range(1, int(length / SPACING_M) + 1):
            bearing += (rng.random() - 0.5) * _WIGGLE_DEG[rank]
            x += SPACING_M * math.sin(math.radians(bearing))
            y += SPACING_M * math.cos(math.radians(bearing))
            side = 1 if step % 2 else -1
            aside = HALF_WIDTH_M[rank] * side
            turned = math.radians(bearing)
            pole = Pole(x + aside * math.cos(turned), y - aside * math.sin(turned), street, bearing, side)
            if not town.contains(pole.x, pole.y) or _crowded(pole, near):
                break
            poles.append(pole)
            street.poles.append(pole)
            near.setdefault(_cell(pole), []).append(pole)
            if len(poles) == count:
                break
            if step % 4 == 0 or rng.random() < 0.06:
                turn = (90 if rng.random() < 0.5 else -90) + (rng.random() - 0.5) * 40
                branch = Street(min(rank + 1, 2), street)
                street.branches += 1
                ahead.append((x, y, bearing + turn, branch, length * (0.35 + 0.4 * rng.random())))
    return poles


def _cell(pole: Pole) -> tuple[int, int]:
    return math.floor(pole.x / CLEARANCE_M), math.floor(pole.y / CLEARANCE_M)


def _crowded(pole: Pole, near: dict[tuple[int, int], list[Pole]]) -> bool:
    column, row = _cell(pole)
    around = (near.get((column + i, row + j), ()) for i in (-1, 0, 1) for j in (-1, 0, 1))
    return any(math.hypot(pole.x - other.x, pole.y - other.y) < CLEARANCE_M for group in around for other in group)


def streets_of(poles: Sequence[Pole]) -> list[Street]:
    """In the order they were built, the two halves of the main one first."""
    return list({id(pole.street): pole.street for pole in poles}.values())


def quarters(poles: Sequence[Pole], count: int) -> list[list[Pole]]:
    """The poles in `count` groups of neighbours, about as many in each, the group of the middle first."""

    def split(part: list[Pole], groups: int) -> Iterator[list[Pole]]:
        if groups == 1:
            yield part
            return
        wide = max(p.x for p in part) - min(p.x for p in part) > max(p.y for p in part) - min(p.y for p in part)
        ordered = sorted(part, key=lambda p: (p.x, p.y) if wide else (p.y, p.x))
        at = len(part) * (groups // 2) // groups
        yield from split(ordered[:at], groups // 2)
        yield from split(ordered[at:], groups - groups // 2)

    def from_middle_m(part: list[Pole]) -> float:
        return math.hypot(*middle(part))

    return sorted(split(list(poles), count), key=from_middle_m)


def middle(part: Sequence[Pole]) -> tuple[float, float]:
    return sum(p.x for p in part) / len(part), sum(p.y for p in part) / len(part)


def foot(part: Sequence[Pole]) -> Pole:
    """The pole nearest to the middle of its group."""
    x, y = middle(part)
    return min(part, key=lambda p: (math.hypot(p.x - x, p.y - y), p.x))
