"""In which times a site's uplinks did not come, or came with a wrong time: read from its health reports alone. Pure."""

import json
from bisect import bisect_left, insort
from enum import StrEnum
from operator import attrgetter
from typing import NamedTuple

import msgspec

from cloud.stores.base import Field, Point
from core.territory.model import Thresholds

MINUTE_MS = 60_000
KEPT_DARKS = 16  # and what was before the reports that are kept
_KEPT_REPORTS = 400
_KEPT_RUNS = 64
_RUN_MS = 5 * MINUTE_MS  # the watch had news all the time, if never so long without
_at = attrgetter("at_ms")


class Trouble(StrEnum):
    """What keeps a site's uplinks away, or makes their times worthless."""

    OFFLINE = "offline"
    DEAF = "deaf"  # does not reach the network server
    CLOCK = "clock"  # its clock was never set, and is wrong


class Report(msgspec.Struct, frozen=True, gc=False):
    """One health document, as far as it matters here. `said`: the edge said so itself, not the broker for it."""

    at_ms: int
    trouble: Trouble | None
    said: bool
    boot: str
    uptime_s: float
    spooled: int


class Boot(msgspec.Struct, frozen=True, gc=False):
    """An agent has started. `alive_ms`: when the one before it wrote to its disk for the last time; None: not told."""

    at_ms: int
    boot: str
    alive_ms: int | None
    watchdog: bool


class Dark(msgspec.Struct, frozen=True):
    """A time in which a site's uplinks did not come, or came with a wrong time.

    `began_ms`: its last report before; `down_ms`: when it was known. `until_ms`: when it was over; None: not yet.
    """

    trouble: Trouble
    began_ms: int
    down_ms: int
    said: bool
    boot: str  # before
    until_ms: int | None = None
    boot_after: str = ""
    uptime_s: float = 0.0  # of the agent, when it was back


class Backlog(NamedTuple):
    """A time in which a site had more to deliver than it does from day to day: what it is of began at `began_ms`."""

    began_ms: int
    seen_ms: int
    until_ms: int | None


class News:
    """When the watch had news of anybody: without, a report that is missing says nothing."""

    def __init__(self) -> None:
        self._runs: list[list[int]] = []  # start, end; by time, apart

    def add(self, at_ms: int) -> None:
        runs = self._runs
        if runs and runs[-1][0] <= at_ms <= runs[-1][1] + _RUN_MS:
            runs[-1][1] = max(runs[-1][1], at_ms)
            return
        insort(runs, [at_ms, at_ms])
        joined: list[list[int]] = []
        for run in runs:
            if joined and run[0] <= joined[-1][1] + _RUN_MS:
                joined[-1][1] = max(joined[-1][1], run[1])
            else:
                joined.append(run)
        self._runs = joined[-_KEPT_RUNS:]

    def longest_ms(self, from_ms: int, to_ms: int) -> int:
        """Of the times within which there was news all the time."""
        return max((min(end, to_ms) - max(start, from_ms) for start, end in self._runs if end > from_ms), default=0)


class Limits(NamedTuple):
    """What is read from the constants of a tenant. `without_ms`: without a report; `rows`: more is a backlog."""

    without_ms: int
    rows: float


def limits_of(thresholds: Thresholds) -> Limits:
    return Limits(int(thresholds.silence_site_min * MINUTE_MS), thresholds.silence_backlog_rows)


class Reports:
    """The reports of one site, and what they come to."""

    def __init__(self, news: News) -> None:
        self._news = news
        self._reports: list[Report] = []
        self._darks: list[Dark] = []
        self._backlogs: list[Backlog] = []
        self._stale = False
        self.first_ms: int | None = None  # when it was heard of first

    def add(self, report: Report, limits: Limits) -> None:
        reports = self._reports
        if self.first_ms is None or report.at_ms < self.first_ms:
            self.first_ms = report.at_ms
        place = bisect_left(reports, report.at_ms, key=_at)
        if place < len(reports) and reports[place].at_ms == report.at_ms:
            if report.trouble is None or reports[place].trouble is not None:
                return  # of two of one time the worse counts
            reports[place] = report
            self._stale = True
            return
        if place == 0 and len(reports) >= _KEPT_REPORTS:
            return
        if place < len(reports) or not reports or not _is_as_before(reports[-1], report, limits):
            self._stale = True
        reports.insert(place, report)
        if len(reports) > _KEPT_REPORTS:
            self._read_anew(limits)
            del reports[0]

    @property
    def last(self) -> Report | None:
        return self._reports[-1] if self._reports else None

    def is_regular(self, limits: Limits) -> bool:
        """Whether reports came often enough for a missing one to mean something."""
        reports = self._reports
        return len(reports) > 1 and reports[-1].at_ms - reports[-2].at_ms <= limits.without_ms

    def darks(self, limits: Limits, now_ms: int) -> list[Dark]:
        """By time; the last one may be open."""
        self._read_anew(limits)
        last = self.last
        if last is None or last.trouble is not None or not self.is_regular(limits):
            return self._darks
        if self._news.longest_ms(last.at_ms, now_ms) < limits.without_ms:
            return self._darks
        return [*self._darks, _missing(last, limits)]

    def backlogs(self, limits: Limits) -> list[Backlog]:
        """By time; the last one may be open."""
        self._read_anew(limits)
        return self._backlogs

    def _read_anew(self, limits: Limits) -> None:
        if self._stale:
            self._stale = False
            first_ms = self._reports[0].at_ms
            self._darks = _with_older(_darks(self._reports, self._news, limits), self._darks, first_ms)
            self._backlogs = _with_older_rows(_backlogs(self._reports, self._darks, limits), self._backlogs, first_ms)


def _is_as_before(before: Report, report: Report, limits: Limits) -> bool:
    """Whether a report that follows another tells nothing new of the times."""
    return (
        report.trouble is before.trouble
        and report.at_ms - before.at_ms <= limits.without_ms
        and (report.spooled > limits.rows) == (before.spooled > limits.rows)
    )


def _missing(last: Report, limits: Limits) -> Dark:
    """Nobody said that it went, but its reports ended."""
    return Dark(Trouble.OFFLINE, last.at_ms, last.at_ms + limits.without_ms, False, last.boot)


def _darks(reports: list[Report], news: News, limits: Limits) -> list[Dark]:
    """The dark times that these reports tell of."""
    found: list[Dark] = []
    current: Dark | None = None
    before: Report | None = None
    regular = False
    for report in reports:
        near = before is not None and report.at_ms - before.at_ms <= limits.without_ms
        is_missed = current is None and regular and not near
        if before is not None and is_missed and news.longest_ms(before.at_ms, report.at_ms) >= limits.without_ms:
            current = _missing(before, limits)
        if current is not None and report.trouble is not current.trouble:
            found.append(_ended(current, report))
            current = None
        if current is None and report.trouble is not None:
            began_ms = report.at_ms
            if before is not None and near and report.trouble is Trouble.OFFLINE:
                began_ms = before.at_ms
            boot = before.boot if before is not None and before.boot else report.boot
            current = Dark(report.trouble, began_ms, report.at_ms, report.said, boot)
        regular, before = near, report
    return [*found, current] if current is not None else found


def _ended(dark: Dark, report: Report) -> Dark:
    return msgspec.structs.replace(dark, until_ms=report.at_ms, boot_after=report.boot, uptime_s=report.uptime_s)


def _with_older(read: list[Dark], known: list[Dark], first_ms: int) -> list[Dark]:
    """With what was before the first report that is kept."""
    older = [dark for dark in known if dark.down_ms < first_ms]
    if older and read and read[0].down_ms == first_ms and read[0].trouble is older[-1].trouble:
        went_on = older.pop()
        read = [
            msgspec.structs.replace(read[0], began_ms=went_on.began_ms, down_ms=went_on.down_ms, boot=went_on.boot),
            *read[1:],
        ]
    return [*older, *read][-KEPT_DARKS:]


def _backlogs(reports: list[Report], darks: list[Dark], limits: Limits) -> list[Backlog]:
    found: list[Backlog] = []
    current: Backlog | None = None
    for report in reports:
        if report.trouble is Trouble.OFFLINE:
            continue
        if report.spooled > limits.rows:
            if current is None:
                began_ms = [dark.began_ms for dark in darks if dark.until_ms == report.at_ms]
                current = Backlog(min(began_ms, default=report.at_ms), report.at_ms, None)
        elif current is not None:
            found.append(current._replace(until_ms=report.at_ms))
            current = None
    return [*found, current] if current is not None else found


def _with_older_rows(read: list[Backlog], known: list[Backlog], first_ms: int) -> list[Backlog]:
    older = [backlog for backlog in known if backlog.seen_ms < first_ms]
    if older and read and read[0].seen_ms == first_ms:
        went_on = older.pop()
        read = [went_on._replace(until_ms=read[0].until_ms), *read[1:]]
    return [*older, *read][-KEPT_DARKS:]


# what a point says


def read_report(point: Point, at_ms: int, limits: Thresholds) -> Report:
    fields = point.fields
    trouble: Trouble | None = None
    told_ms = fields.get("at_ms")
    said = isinstance(told_ms, (int, float))
    if fields.get("state") != "online":
        trouble = Trouble.OFFLINE
    elif (
        isinstance(told_ms, (int, float))
        and fields.get("clock") == "unsynced"
        and abs(told_ms - at_ms) > limits.silence_clock_min * MINUTE_MS
    ):
        trouble = Trouble.CLOCK
    elif fields.get("source_connected") is False:
        trouble = Trouble.DEAF
    return Report(
        at_ms, trouble, said, str(fields.get("boot", "")), _number(fields, "uptime_s"), int(_number(fields, "spooled"))
    )


def _number(fields: dict[str, Field], name: str) -> float:
    value = fields.get(name)
    return float(value) if isinstance(value, (int, float)) else 0.0


def read_boot(point: Point, boot: str) -> Boot | None:
    """Of an `event` of the type `boot`; None: it cannot be read."""
    try:
        told = json.loads(str(point.fields.get("detail", "")))
    except ValueError:
        return None
    if not isinstance(told, dict):
        return None
    alive_ms = told.get("alive_ms")
    alive = round(alive_ms) if isinstance(alive_ms, (int, float)) and alive_ms > 0 else None
    return Boot(point.time_us // 1000, boot, alive, told.get("watchdog") is True)
