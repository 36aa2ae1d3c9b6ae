"""Conditions of the worker that a person must know of: in `status`, an ERROR in the log, a row in the operator's
`alarm`. Each is said once as it begins and once as it ends. The watch tells people (`cloud.watch.alarms`)."""

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec.structs import replace

from cloud.reports import alarm_points
from cloud.schema import ALARM, RowPoints
from cloud.stores.base import Field, Point
from cloud.watch.alarms.alarm import AlarmState
from core import log
from core.ports.clock import Clock
from core.territory import OPERATOR
from core.territory.alerting import ROAD

_log = log.get(__name__)


class Alarm(msgspec.Struct, frozen=True):
    """What holds since `since_ms` (UTC); `site` and `tenant` where it concerns one."""

    code: str
    message: str
    since_ms: int
    hint: str = ""
    site: str = ""
    tenant: str = ""


_Key = tuple[str, str, str]


class Alarms:
    """The alarms that hold now, and the points of those that began or ended and are not written yet."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._holding: dict[_Key, Alarm] = {}
        self._unwritten: dict[_Key, RowPoints] = {}

    def begin(self, code: str, message: str, *, hint: str = "", site: str = "", tenant: str = "") -> None:
        """Nothing when it holds already, with these words."""
        key = (code, site, tenant)
        known = self._holding.get(key)
        if known is not None and known.message == message:
            return
        since_ms = self._clock.now_ms() if known is None else known.since_ms
        alarm = self._holding[key] = Alarm(code, message, since_ms, hint, site, tenant)
        self._note(key, alarm_points(alarm, at_ms=self._clock.now_ms(), active=True, is_new=known is None))
        _log.error("alarm.begun", code=code, message=message, hint=hint, site=site, tenant=tenant)

    def end(self, code: str, *, site: str = "", tenant: str = "") -> None:
        """Nothing when it does not hold."""
        key = (code, site, tenant)
        alarm = self._holding.pop(key, None)
        if alarm is not None:
            self._note(key, alarm_points(alarm, at_ms=self._clock.now_ms(), active=False))
            _log.info("alarm.ended", code=code, site=site, tenant=tenant)

    def end_left_over(self, newest: Iterable[Point]) -> None:
        """End what a worker that is no more has begun: what still holds begins again.

        Args:
            newest: the store's latest `alarm` points.
        """
        for point in newest:
            if point.fields.get("active") is not True or not _is_a_workers(point):
                continue
            kind, site, tenant = (point.tags.get(tag, "") for tag in ("kind", "site", "channel"))
            key = (kind.removeprefix(ROAD), site, tenant)
            if key not in self._holding:
                ended: dict[str, Field] = {"state": str(AlarmState.CLEARED), "active": False}
                self._note(key, RowPoints(OPERATOR, [Point(ALARM, point.tags, self._clock.now_ms() * 1000, ended)]))

    def holding(self) -> list[Alarm]:
        return sorted(self._holding.values(), key=lambda alarm: (alarm.since_ms, alarm.code))

    def sites(self, code: str) -> list[str]:
        """The sites for which an alarm of this code holds."""
        return sorted(site for held, site, _ in self._holding if held == code)

    def unwritten(self) -> list[RowPoints]:
        """What is to be written to the store, until `written`."""
        return list(self._unwritten.values())

    def written(self, points: Iterable[RowPoints]) -> None:
        """These are in the store; what began or ended since they were asked for is not."""
        done = {id(made) for made in points}
        self._unwritten = {key: made for key, made in self._unwritten.items() if id(made) not in done}

    def _note(self, key: _Key, points: RowPoints) -> None:
        """What is not written yet of the same condition is out of date: but not that it is new."""
        waiting = self._unwritten.get(key)
        if waiting is not None:
            (before,), (now,) = waiting.points, points.points
            points = RowPoints(points.database, [replace(now, fields={**before.fields, **now.fields})])
        self._unwritten[key] = points


def _is_a_workers(point: Point) -> bool:
    """Whether a worker began it: what an edge or the watch says has a commune, or is none of beffroi's conditions."""
    kind = point.tags.get("kind", "")
    return "commune" not in point.tags and (kind.startswith(ROAD) or "code" in point.fields)  # code: as it was before


def as_json(alarms: Iterable[Alarm]) -> list[dict[str, Any]]:
    """For `status`."""
    return [{name: value for name, value in msgspec.structs.asdict(alarm).items() if value != ""} for alarm in alarms]
