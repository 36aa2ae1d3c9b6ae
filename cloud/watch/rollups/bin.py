"""What an hour of a bin comes to: its fill, how long it was over the threshold, how often it was emptied. Pure.

An emptying belongs to the hour whose look made it certain (`cloud.watch.emptying`); `emptied_ms` says when it was. What
was known of the level goes from hour to hour, so that each is counted once, wherever the hours part it.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from cloud.stores.base import Point
from cloud.watch.emptying import NUMBERS, ODD, Level, read_look
from cloud.watch.model import Combine, Watched
from core.model import Domain
from core.territory.model import Kind


class BinRollup:
    """`fill_pct`: the last one seen; `fill_count` looks had one, `over_count` of them over `bin_full_pct`.
    `emptied_count` emptyings, of a bin that was `emptied_sum_pct` full together; the newest at `emptied_ms`.
    """

    measurement: str = Domain.BIN
    fields: Mapping[str, Combine] = MappingProxyType(
        {
            "fill_count": Combine.SUM,
            "fill_sum_pct": Combine.SUM,
            "over_count": Combine.SUM,
            "emptied_count": Combine.SUM,
            "emptied_sum_pct": Combine.SUM,
            "emptied_ms": Combine.LAST,
            "battery_min_pct": Combine.MIN,
            **dict.fromkeys(NUMBERS, Combine.LAST),
        }
    )

    def concerns(self, watched: Watched) -> bool:
        return watched.asset.kind is Kind.BIN

    def hour(
        self,
        points: Sequence[Point],
        before: Mapping[str, float],
        watched: Watched,
        start_ms: int,  # noqa: ARG002 - the looks have their times
    ) -> dict[str, float]:
        thresholds = watched.territory.tenants[watched.database].thresholds
        level = Level.of_numbers(thresholds, before)
        fills: list[float] = []
        emptied: list[float] = []
        made: dict[str, float] = {}
        for point in points:
            look = read_look(point)
            if look is None:
                continue
            emptying = level.take(look)
            if emptying is not None:
                emptied.append(emptying.before_pct)
                made["emptied_ms"] = float(emptying.at_ms)
            if look.fill_pct is not None and not look.told & ODD and level.tilt_ms is None:
                fills.append(look.fill_pct)
        if fills:
            made["fill_count"], made["fill_sum_pct"] = float(len(fills)), sum(fills)
            made["over_count"] = float(sum(fill >= thresholds.bin_full_pct for fill in fills))
            made["emptied_count"], made["emptied_sum_pct"] = float(len(emptied)), sum(emptied)
        charges = [charge for point in points if isinstance(charge := point.fields.get("battery_pct"), float)]
        if charges:
            made["battery_min_pct"] = min(charges)
        return made | level.numbers()

    def derive(self, fields: Mapping[str, float]) -> dict[str, float]:
        """`fill_mean_pct`, `over_pct` of the looks, `emptied_mean_pct`: how full it was when it was emptied."""
        made: dict[str, float] = {}
        looks, emptied = fields.get("fill_count", 0.0), fields.get("emptied_count", 0.0)
        if looks:
            made["fill_mean_pct"] = fields["fill_sum_pct"] / looks
            made["over_pct"] = 100.0 * fields["over_count"] / looks
        if emptied:
            made["emptied_mean_pct"] = fields["emptied_sum_pct"] / emptied
        return made
