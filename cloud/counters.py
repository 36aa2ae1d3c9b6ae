"""What the worker did, counted since its store began; a point of the operator's `site` under the worker's name."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from cloud.reports import site_points
from cloud.schema import RowPoints
from cloud.stores.base import Point


@dataclass
class Counters:
    """Rows count at each delivery: one that an edge sends twice counts twice. What the store holds is `Store.count`.

    `messages`: taken from the broker. `messages_refused`: could not be opened, or are not of a declared edge.
    `points_refused`: refused by the store beside a stored row. `evidence_lost`: refused messages and points for which
    the quarantine had no room.
    """

    messages: int = 0
    messages_refused: int = 0
    rows_stored: int = 0
    rows_quarantined: int = 0
    rows_deferred: int = 0
    points_refused: int = 0
    evidence_lost: int = 0

    def as_json(self) -> dict[str, int]:
        return asdict(self)

    def points(self, name: str, *, at_ms: int) -> list[RowPoints]:
        """To be written now and then, with the name of the worker as `site`."""
        return site_points(self.as_json(), name=name, at_ms=at_ms)

    def go_on_from(self, newest: Iterable[Point]) -> None:
        """Continue the counts of the last run.

        Args:
            newest: the latest `site` points of the worker's name.
        """
        for point in newest:
            for name in self.as_json():
                number = point.fields.get(name)
                if isinstance(number, float):
                    setattr(self, name, int(number))
