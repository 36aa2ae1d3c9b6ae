"""The points of one write as lines, and those that are refused before anything is sent."""

from collections.abc import Sequence
from typing import Final, NamedTuple
from zlib import crc32

from cloud.stores.base import COLLISION, KEY, Field, Point, Rejected
from cloud.stores.checks import MAX_TIME_US, Shape, ShapeKey, fault, shape_of
from cloud.stores.influxdb.kinds import Kinds
from cloud.stores.influxdb.lines import beginning, filled, keyed_ns, slowly, template
from cloud.stores.influxdb.recent import Place, Recent

_MAX_SERIES: Final = 100_000  # remembered for one database
_MAX_SHAPES: Final = 10_000
_MAX_LINES: Final = 10_000  # of one request
_MAX_BYTES: Final = 8 * 1024 * 1024  # about; a server takes 25 MB unless told otherwise


class Rendered(NamedTuple):
    """`indices`: of each line's point in the points given to `write`. `owners`: the key of each place that gets one."""

    lines: list[str]
    indices: list[int]
    rejected: list[Rejected]
    owners: dict[Place, str]


class Renderer:
    """Of one database: it remembers how the lines of each series begin, and which shapes of points fit. Two threads may
    use it: what it remembers does not depend on who came first."""

    def __init__(self, kinds: Kinds, recent: Recent) -> None:
        self._kinds = kinds
        self._recent = recent
        self._beginnings: dict[tuple[str, ...], str] = {}
        self._fitting: dict[ShapeKey, tuple[Shape, str]] = {}  # with the template of its fields

    def forget(self) -> None:
        """What the database holds may be something else now."""
        self._kinds.forget()
        self._recent.forget()
        self._fitting.clear()

    def render(self, points: Sequence[Point]) -> Rendered:
        """
        Raises:
            LinkError, StorageError: the kinds of the database's fields cannot be read.
        """
        lines: list[str] = []
        indices: list[int] = []
        rejected: list[Rejected] = []
        owners: dict[Place, str] = {}
        beginnings, fitting, owner_of = self._beginnings, self._fitting, self._recent.owner
        for index, point in enumerate(points):
            measurement, tags, time_us, fields = point.measurement, point.tags, point.time_us, point.fields
            start = beginnings.get((measurement, *tags, *tags.values()))
            fit = fitting.get((measurement, *fields, *map(type, fields.values())))
            # of a known series and a shape that fits all has been looked at but the values and the time
            if (
                start is not None
                and fit is not None
                and 0 <= time_us < MAX_TIME_US
                and (texts := fit[0].joined(fields)) is not None
            ):
                body = filled(fit[1], fields, texts)
            else:
                wrong = fault(point) or self._learn(measurement, fields)
                if wrong is not None:
                    rejected.append(Rejected(index, *wrong))
                    continue
                start = self._begin(point)
                body = slowly(shape_of(measurement, fields), fields)
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
        return Rendered(lines, indices, rejected, owners)

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
            self._fitting[key] = (shape, template(shape))
        return wrong

    def _begin(self, point: Point) -> str:
        if len(self._beginnings) >= _MAX_SERIES:
            self._beginnings.clear()
        tags = point.tags
        made = self._beginnings[point.measurement, *tags, *tags.values()] = beginning(point.measurement, tags)
        return made


def chunks(lines: Sequence[str]) -> list[range]:
    """The numbers of the lines that one request carries, for each request."""
    if len(lines) <= _MAX_LINES and sum(map(len, lines)) <= _MAX_BYTES:
        return [range(len(lines))]
    found, start, size = [], 0, 0
    for at, line in enumerate(lines):
        size += len(line) + 1
        if at > start and (size > _MAX_BYTES or at - start >= _MAX_LINES):
            found.append(range(start, at))
            start, size = at, len(line) + 1
    return [*found, range(start, len(lines))]
