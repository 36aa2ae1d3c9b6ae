"""What the fields of hours come to: a day's, a night's, a commune's; and what of the store has to change. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from cloud.stores.base import Field, Point
from cloud.watch.model import Combine, Rollup
from cloud.watch.rollups.fleet import GATEWAY_FIELDS, derive_gateway, gateway_hours
from core.model import Domain

NIGHT: Final = "night_"  # before the name of a night's field
_NIGHTLY: Final = frozenset({Domain.LIGHT})  # what is counted by night too
Fields = dict[str, float]


class Owner(NamedTuple):
    """Whose a point of `hour` or `day` is: an asset's, a commune's own (`asset` is empty), or a gateway's."""

    commune: str
    asset: str = ""
    gateway: str = ""

    @property
    def is_commune(self) -> bool:
        return not (self.asset or self.gateway)

    @property
    def tags(self) -> dict[str, str]:
        return {name: text for name, text in self._asdict().items() if text}


def owner_of(point: Point) -> Owner:
    tag = point.tags.get
    return Owner(tag("commune", ""), tag("asset", ""), tag("gateway", ""))


def numbers(fields: Mapping[str, Field]) -> Fields:
    """The numbers among a point's fields: all that a rollup writes."""
    return {name: field for name, field in fields.items() if isinstance(field, float)}


class Recipes:
    """How the fields of all rollups are combined."""

    def __init__(self, rollups: Sequence[Rollup]) -> None:
        self.rollups = tuple(rollups)
        self._combine = {name: combine for rollup in rollups for name, combine in rollup.fields.items()}
        if len(self._combine) != sum(len(rollup.fields) for rollup in rollups):
            raise ValueError("two rollups share a field")
        self._combine |= GATEWAY_FIELDS
        self._nightly = {name for rollup in rollups if rollup.measurement in _NIGHTLY for name in rollup.fields}

    @property
    def measurements(self) -> list[str]:
        """The points they read."""
        return sorted({rollup.measurement for rollup in self.rollups})

    def own(self, rollup: Rollup, fields: Mapping[str, float]) -> Fields:
        """Those of `fields` that the rollup itself gives."""
        return {name: value for name, value in fields.items() if name in rollup.fields}

    def add_hour(self, sum_: Fields, hour: Mapping[str, float], *, by_night: bool = False) -> None:
        """Take an hour into a day or a night. The hours come by time."""
        for name, value in hour.items():
            combine = self._combine.get(name)
            if combine is not None and (not by_night or name in self._nightly):
                _add(sum_, name, value, combine)

    def of_commune(self, hours: Mapping[Owner, Mapping[str, float]]) -> dict[str, Fields]:
        """The fields of each commune, from those of its assets in one hour."""
        found: dict[str, Fields] = defaultdict(dict)
        for owner in sorted(hours):
            if owner.asset:  # no gateway's, nor what is the commune's already
                for name, value in hours[owner].items():
                    combine = self._combine.get(name)
                    if combine is not None and combine is not Combine.LAST:
                        _add(found[owner.commune], name, value, combine)
        return {commune: self.whole(fields) for commune, fields in found.items()}

    def whole(self, fields: Fields) -> Fields:
        """The fields with what follows from them."""
        derived: Fields = {}
        for rollup in self.rollups:
            if own := self.own(rollup, fields):
                derived |= {name: float(value) for name, value in rollup.derive(own).items()}
        derived |= derive_gateway(fields)
        return {**fields, **derived}

    def of_day(self, day: Fields, night: Fields) -> Fields:
        """The fields of a day's point: of the day, and `night_…` of the night of its evening."""
        return {**self.whole(day), **{f"{NIGHT}{name}": value for name, value in self.whole(night).items()}}


def _add(sum_: Fields, name: str, value: float, combine: Combine) -> None:
    known = sum_.get(name)
    if known is None:
        sum_[name] = value
        return
    match combine:
        case Combine.SUM:
            sum_[name] = known + value
        case Combine.MIN:
            sum_[name] = min(known, value)
        case Combine.MAX:
            sum_[name] = max(known, value)
        case Combine.LAST:
            sum_[name] = value


class Repair(NamedTuple):
    """What makes the stored points of one instant those that are wanted. `stale`: to be deleted first, because a field
    of theirs must go; `fresh`: to be written."""

    stale: list[Owner]
    fresh: list[Point]


def repair(
    measurement: str, start_ms: int, wanted: Mapping[Owner, Mapping[str, float]], stored: Mapping[Owner, Fields]
) -> Repair:
    """Compare what is wanted with what is stored: nothing to do where it is the same."""
    stale = [owner for owner, fields in stored.items() if fields.keys() - wanted.get(owner, {}).keys()]
    fresh = [
        Point(measurement, owner.tags, start_ms * 1000, dict(fields))
        for owner, fields in wanted.items()
        if fields and stored.get(owner) != fields
    ]
    return Repair(sorted(stale), fresh)


def by_asset(points: Iterable[Point]) -> Iterator[tuple[Owner, list[Point]]]:
    """The points of each asset, by time."""
    found: dict[Owner, list[Point]] = defaultdict(list)
    for point in points:
        if point.tags.get("asset"):
            found[owner_of(point)].append(point)
    yield from found.items()


def of_gateways(points: Iterable[Point]) -> dict[Owner, Fields]:
    """The fields of an hour of each gateway that heard any of these uplinks, without what follows from them."""
    return {Owner("", gateway=gateway): fields for gateway, fields in gateway_hours(points).items()}
