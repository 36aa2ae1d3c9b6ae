"""What is known of one asset: as declared, as measured. Blocking: it lives in the reader's thread."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cloud.page import words
from cloud.page.alarms import Alarm
from cloud.page.ground import Ground, Place
from cloud.page.kinds import TRADES
from cloud.page.newest import states_of
from cloud.page.seen import Points, Seen, of_last_device
from cloud.stores.base import Point, Store
from cloud.watch.model import State
from core.territory import Asset, Kind
from core.territory.model import Thresholds

DAY_MS = 24 * 3_600_000
_SUSPECT, _UPLINK, _STATE = "suspect", "uplink", "state"


@dataclass(frozen=True)
class Story:
    """`latest`, `suspects`: of its last device. `history`: what its kind's chart shows, whatever device measured it,
    from `since_ms`: the last 24 hours of a lamp, 7 days of a bin, today of a counter. `gap_ms`: a silence longer than
    this breaks the curve. `midnight_ms`: the last one of Paris. `thresholds`: its tenant's.
    `states`: what the watch knows of it, by kind, while it
    is watched; `alarms`: those that hold. `uplink`: the newest of its device, with radio and raw
    payload, only where the page is the operator's."""

    asset: Asset
    place: Place
    commune: str
    seen: Seen
    now_ms: int
    since_ms: int
    midnight_ms: int
    gap_ms: int
    latest: Sequence[Point]
    history: Sequence[Point]
    suspects: Sequence[Point]
    thresholds: Thresholds
    states: Mapping[str, State] = field(default_factory=dict)
    alarms: Sequence[Alarm] = ()
    uplink: Point | None = None


def tell(
    store: Store,
    database: str,
    *,
    asset: Asset,
    ground: Ground,
    seen: Seen,
    alarms: Sequence[Alarm],
    thresholds: Thresholds,
    now_ms: int,
    is_watched: bool,
    with_uplink: bool,
) -> Story:
    """What the store knows of an asset now.

    Raises:
        LinkError, StorageError: the store cannot be read now.
    """
    where = {"asset": asset.id}
    place = ground.places[asset.id]
    midnight_ms = words.midnight_ms(now_ms)
    since_ms = _since_ms(asset.kind, now_ms, midnight_ms)
    measurement = TRADES[asset.kind].domain.value
    end_us = now_ms * 1000 + 1000
    history: Sequence[Point] = ()
    last = Points()
    uplinks: Sequence[Point] = ()
    if asset.kind is not Kind.CABINET:
        newest = store.latest(database, measurement, where)
        history = store.series(database, measurement, start_us=since_ms * 1000, end_us=end_us, where=where)
        doubtful = store.series(database, _SUSPECT, start_us=(now_ms - DAY_MS) * 1000, end_us=end_us, where=where)
        last = of_last_device(Points(newest, doubtful))
        uplinks = store.latest(database, _UPLINK, where) if with_uplink else ()
    return Story(
        asset=asset,
        place=place,
        commune=ground.communes[place.commune].name,
        seen=seen,
        now_ms=now_ms,
        since_ms=since_ms,
        midnight_ms=midnight_ms,
        gap_ms=max(place.silent_after_ms, 3_600_000),
        latest=last.readings,
        history=history,
        suspects=last.suspects,
        thresholds=thresholds,
        states=states_of(store.latest(database, _STATE, where)) if is_watched else {},
        alarms=alarms,
        uplink=max(uplinks, key=lambda point: point.time_us, default=None),
    )


def _since_ms(kind: Kind, now_ms: int, midnight_ms: int) -> int:
    match kind:
        case Kind.BIN:
            return now_ms - 7 * DAY_MS
        case Kind.COUNTER:
            return midnight_ms
        case Kind.LAMP | Kind.CABINET:
            return now_ms - DAY_MS
