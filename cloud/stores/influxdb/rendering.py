"""The points of one write as lines, and those that are refused before anything is sent."""

from collections.abc import Sequence
from itertools import accumulate
from typing import Final, NamedTuple
from zlib import crc32

from cloud.stores.base import COLLISION, KEY, ROLLUPS, Field, Point, Rejected
from cloud.stores.checks import MAX_TIME_US, Shape, ShapeKey, fault, shape_of
from cloud.stores.influxdb.kinds import Kinds
from cloud.stores.influxdb.lines import Form, beginning, keyed_ns, slowly
from cloud.stores.influxdb.recent import Place, Recent

_MAX_SERIES: Final = 100_000  # remembered for one database
_MAX_SHAPES: Final = 10_000
_LINES: Final = 10_000  # of one request, about
_BYTES: Final = 8 * 1024 * 1024  # about; a server takes 25 MB unless told otherwise
_MANY: Final = 4_000  # lines: from here on two requests at once are faster than one
_LANES: Final = 2
_LASTING: Final = _LANES  # the route of what goes to the other policy


class Rendered(NamedTuple):
    """`indices`: of each line's point in the points given to `write`. `routes`: of each line, the same for a series.
    `owners`: the key of each place that gets one."""

    lines: list[str]
    indices: list[int]
    routes: list[int]
    rejected: list[Rejected]
    owners: dict[Place, str]


class Parcel(NamedTuple):
    """Lines, by their numbers, for one policy. `requests`: to be sent one after the other: of two lines of one point
    the later one wins. Parcels have no point in common, and go side by side."""

    lasting: bool
    requests: list[list[int]]


class Renderer:
    """Of one database: it remembers how the lines of each series begin, and which shapes of points fit. Two threads may
    use it: what it remembers does not depend on who came first."""

    def __init__(self, kinds: Kinds, recent: Recent) -> None:
        self._kinds = kinds
        self._recent = recent
        self._beginnings: dict[tuple[str, ...], tuple[str, int]] = {}  # with the route
        self._fitting: dict[ShapeKey, tuple[Shape, Form]] = {}

    def forget(self) -> None:
        """What the database holds may be something else now."""
        self._kinds.forget()
        self._recent.forget()
        self._fitting.clear()

    def render(self, points: Sequence[Point], *, stamp: int = 0) -> Rendered:
        """
        Args:
            stamp: of the first point, and one more of each that follows: higher than any given before.

        Raises:
            LinkError, StorageError: the kinds of the database's fields cannot be read.
        """
        lines: list[str] = []
        indices: list[int] = []
        routes: list[int] = []
        rejected: list[Rejected] = []
        owners: dict[Place, str] = {}
        beginnings, fitting, owner_of = self._beginnings, self._fitting, self._recent.owner
        for index, point in enumerate(points):
            measurement, tags, time_us, fields = point.measurement, point.tags, point.time_us, point.fields
            begun = beginnings.get((measurement, *tags, *tags.values()))
            fit = fitting.get((measurement, *fields, *map(type, fields.values())))
            # of a known series and a shape that fits all has been looked at but the values and the time
            if (
                begun is not None
                and fit is not None
                and 0 <= time_us < MAX_TIME_US
                and (texts := fit[0].joined(fields)) is not None
            ):
                body = fit[1].filled(fields, texts, stamp + index)
            else:
                wrong = fault(point) or self._learn(measurement, fields)
                if wrong is not None:
                    rejected.append(Rejected(index, *wrong))
                    continue
                begun = self._begin(point)
                body = slowly(shape_of(measurement, fields), fields, stamp + index)
            start, route = begun
            if KEY in fields:
                key = str(fields[KEY])
                if time_us < MAX_TIME_US:
                    time_ns = time_us * 1000 + crc32(key.encode()) // 1000 % 1000
                else:
                    time_ns = keyed_ns(time_us, key)
                place = (start, time_ns)
                owner = owners.get(place) or owner_of(place)
                if owner is not None and owner != key:
                    said = f"another {measurement} of the series has the time {time_us} µs"
                    rejected.append(Rejected(index, COLLISION, said))
                    continue
                owners[place] = key
                lines.append(f"{start} {body} {time_ns}")
            else:
                lines.append(f"{start} {body} {time_us}000")
            indices.append(index)
            routes.append(route)
        return Rendered(lines, indices, routes, rejected, owners)

    def _learn(self, measurement: str, fields: dict[str, Field]) -> tuple[str, str] | None:
        """What is wrong with the kinds of these fields, if anything; they are remembered where nothing is."""
        key: ShapeKey = (measurement, *fields, *map(type, fields.values()))
        if key in self._fitting:
            return None
        shape = shape_of(measurement, fields)
        wrong = self._kinds.learn(shape)
        if wrong is None and shape.is_exact:
            if len(self._fitting) >= _MAX_SHAPES:
                self._fitting.clear()
            self._fitting[key] = (shape, Form(shape))
        return wrong

    def _begin(self, point: Point) -> tuple[str, int]:
        if len(self._beginnings) >= _MAX_SERIES:
            self._beginnings.clear()
        tags = point.tags
        start = beginning(point.measurement, tags)
        route = _LASTING if point.measurement in ROLLUPS else crc32(start.encode()) % _LANES
        made = self._beginnings[point.measurement, *tags, *tags.values()] = (start, route)
        return made


def parcels(made: Rendered) -> list[Parcel]:
    """What is sent, and how: all points of a series in one parcel."""
    lines, routes = made.lines, made.routes
    is_large = len(lines) >= _MANY
    if not is_large and _LASTING not in routes:
        return [Parcel(False, _cut(list(range(len(lines))), lines))] if lines else []
    found: dict[int, list[int]] = {}
    for number, route in enumerate(routes):
        found.setdefault(route if is_large or route == _LASTING else 0, []).append(number)
    return [Parcel(route == _LASTING, _cut(numbers, lines)) for route, numbers in sorted(found.items())]


def _cut(numbers: list[int], lines: Sequence[str]) -> list[list[int]]:
    """Pieces of about the same size, none of which is too large for a request."""
    sizes = [len(lines[number]) + 1 for number in numbers]
    pieces = max(1, round(len(numbers) / _LINES), -(-sum(sizes) // _BYTES))
    if pieces == 1:
        return [numbers]
    share = sum(sizes) / pieces
    found: list[list[int]] = [[]]
    for number, until in zip(numbers, accumulate(sizes), strict=True):
        if found[-1] and until > share * len(found):
            found.append([])
        found[-1].append(number)
    return found
