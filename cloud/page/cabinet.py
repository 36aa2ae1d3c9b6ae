"""A cabinet stands on the map so that its circuits are found; it has no sensor yet. Pure."""

from enum import StrEnum

from cloud.page.ground import Place
from cloud.page.seen import Hearing, Points, Seen


class CabinetState(StrEnum):
    STANDS = "stands"


TO_REPORT: tuple[CabinetState, ...] = ()


def judge(_points: Points, _place: Place, _now: Hearing) -> Seen:
    return Seen(CabinetState.STANDS)


def heed(_points: Points, _place: Place, _now: Hearing) -> Seen:
    return Seen(CabinetState.STANDS)


def grown_old(seen: Seen, _place: Place, _until_ms: int) -> Seen:
    return seen
